//! How much one peer may ask of everybody's event loop.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Admits so many a second, and no more.
#[derive(Debug)]
pub(super) struct Quota {
    per_second: u32,
    /// The second that is counted, and the count.
    window: Mutex<(u64, u32)>,
}

impl Quota {
    pub(super) fn new(per_second: u32) -> Quota {
        Quota { per_second, window: Mutex::new((0, 0)) }
    }

    /// Whether one more may pass at this time.
    pub(super) fn admits(&self, at: Duration) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.0 != at.as_secs() {
            *window = (at.as_secs(), 0);
        }
        window.1 = window.1.saturating_add(1);
        window.1 <= self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_pass_in_each_second() {
        let quota = Quota::new(3);
        let passed =
            |second: u64| (0..10).filter(|tenth| quota.admits(Duration::from_millis(second * 1000 + tenth * 100))).count();
        assert_eq!([passed(0), passed(1), passed(7)], [3, 3, 3]);
    }
}
