//! How long to wait between attempts: exponential with full jitter, so that a hundred receivers do not come back in step.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The first wait is at most this: a sender that restarts is found at once.
const SHORTEST: Duration = Duration::from_millis(100);
/// No wait is longer: people watch.
pub(super) const LONGEST: Duration = Duration::from_secs(2);

pub(super) struct Backoff {
    cap: Duration,
    state: u64,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Backoff {
        Backoff { cap: SHORTEST, state: seed }
    }

    pub(super) fn seeded_by_time() -> Backoff {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Backoff::new(now.as_nanos() as u64)
    }

    /// After a connection that lasted.
    pub(super) fn reset(&mut self) {
        self.cap = SHORTEST;
    }

    /// Anything from nothing to the cap, which doubles.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.cap.mul_f64(self.fraction());
        self.cap = (self.cap * 2).min(LONGEST);
        wait
    }

    /// Uniform in `0..1`, by SplitMix64 (Steele, Lea and Flood, 2014).
    fn fraction(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
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
        assert!((Duration::from_millis(850)..Duration::from_millis(1150)).contains(&mean), "{mean:?}");
        let mut backoff = Backoff::new(3);
        (0..9).for_each(|_| {
            backoff.next();
        });
        backoff.reset();
        assert!(backoff.next() <= SHORTEST);
    }
}
