//! Seeded numbers, the same on every machine: integer arithmetic and one exact division.

/// A table of random numbers that is computed, not stored: the same seed and index give the same number, in any order.
///
/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014) as a function of the
/// index instead of a walking state, so that frame 10^9 costs what frame 0 costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random {
    seed: u64,
}

/// 2^64 divided by the golden ratio, made odd: the step of SplitMix64.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random { seed }
    }

    /// A table of its own for each `index`: what is drawn from one does not move what is drawn from another.
    pub(crate) fn table(self, index: u64) -> Random {
        Random { seed: self.bits(index) }
    }

    /// 64 random bits.
    pub(crate) fn bits(self, index: u64) -> u64 {
        let mut bits = self.seed.wrapping_add(index.wrapping_add(1).wrapping_mul(STEP));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Uniform in `0.0..1.0`; the 53 bits an `f64` holds exactly.
    pub(crate) fn unit(self, index: u64) -> f64 {
        const STEPS: f64 = (1_u64 << 53) as f64;
        (self.bits(index) >> 11) as f64 / STEPS
    }

    /// Uniform in `low..high`.
    pub(crate) fn between(self, index: u64, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|index| random.bits(index)).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn unit_numbers_fill_their_range_evenly() {
        let random = Random::new(1);
        let mean = (0..100_000).map(|index| random.unit(index)).sum::<f64>() / 1e5;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!((0..100_000).all(|index| (0.0..1.0).contains(&random.unit(index))));
    }
}
