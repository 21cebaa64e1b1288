//! How long to wait between attempts: exponential with full jitter, so that a hundred receivers do not come back in step.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::random::Random;

/// The first wait is at most this: a sender that restarts is found at once.
const SHORTEST: Duration = Duration::from_millis(100);
/// No wait is longer: whoever returns is found within 2 s, and shaking hands takes some of them.
pub(super) const LONGEST: Duration = Duration::from_millis(1500);

pub(crate) struct Backoff {
    cap: Duration,
    random: Random,
    waits: u64,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Backoff {
        Backoff { cap: SHORTEST, random: Random::new(seed), waits: 0 }
    }

    pub(crate) fn seeded_by_time() -> Backoff {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Backoff::new(now.as_nanos() as u64)
    }

    /// After a connection that lasted.
    pub(crate) fn reset(&mut self) {
        self.cap = SHORTEST;
    }

    /// Anything from nothing to the cap, which doubles.
    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.cap.mul_f64(self.random.unit(self.waits));
        self.waits += 1;
        self.cap = (self.cap * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_differ_by_seed_and_start_over_after_a_reset() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            std::iter::repeat_with(move || backoff.next()).take(200).collect::<Vec<_>>()
        };
        let (one, other) = (waits(1), waits(2));
        assert_ne!(one, other);
        assert!(one[0] <= SHORTEST && one[1] <= SHORTEST * 2 && one[2] <= SHORTEST * 4);
        assert!(one.iter().all(|wait| *wait <= LONGEST));
        let mean = one[5..].iter().sum::<Duration>() / 195;
        assert!((Duration::from_millis(640)..Duration::from_millis(860)).contains(&mean), "{mean:?}");
        let mut backoff = Backoff::new(3);
        (0..9).for_each(|_| {
            backoff.next();
        });
        backoff.reset();
        assert!(backoff.next() <= SHORTEST);
    }
}
