//! How often to ask for a keyframe.

use std::time::Duration;

/// The sender answers with its next frame: two of them at 30 frames/s, and some time on both machines.
const ANSWER_WITHIN: Duration = Duration::from_millis(80);

/// Paces requests for a keyframe: at once, and again when the answer should have been here, since both may get lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asking {
    last: Option<Duration>,
}

impl Asking {
    /// Whether to ask now, on a path with this round trip; `needed` tells whether a keyframe is wanted at all.
    pub fn is_due(&mut self, needed: bool, now: Duration, round_trip: Duration) -> bool {
        if !needed {
            self.last = None;
            return false;
        }
        let due = self.last.is_none_or(|last| now.saturating_sub(last) >= round_trip + ANSWER_WITHIN);
        if due {
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_at_once_and_again_after_a_round_trip() {
        let ms = Duration::from_millis;
        let mut asking = Asking::default();
        assert!(!asking.is_due(false, ms(0), ms(100)));
        let asked: Vec<u64> = (0..500).filter(|now| asking.is_due(true, ms(*now), ms(100))).collect();
        assert_eq!(asked, [0, 180, 360]);
        assert!(!asking.is_due(false, ms(500), ms(100)));
        assert!(asking.is_due(true, ms(501), ms(100)), "another loss is another matter");
    }
}
