//! Distributions in bounded memory.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Of two significant digits hdrhistogram makes steps of at most 1/128; the middle of a step is within 0.4 % of all in it.
const SIGNIFICANT_DIGITS: u8 = 2;

/// Steps of a unit: a nanosecond of a millisecond, and small against 0.001 px, which must still be told to 1 %.
const STEPS_PER_UNIT: f64 = 1e6;

/// The largest value told apart: 100,000 px is more than any frame's diagonal, and 100,000 ms more than any frame is remembered.
const MAX_STEPS: u64 = 100_000_000_000;

/// How values are distributed: mean, deviation and maximum are exact, quantiles are within 1 %. Takes 30 kB, whatever the
/// number of values.
#[derive(Clone, Debug)]
pub struct Distribution {
    histogram: Histogram<u64>,
    count: u64,
    mean: f64,
    /// The sum of the squared differences from the mean (Welford 1962).
    squares: f64,
    max: f64,
}

/// A distribution in a few figures; `None` where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation of these values (not an estimate of a larger population's).
    pub std: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// Exceeded by one in twenty.
    pub p95: Option<f64>,
    /// Exceeded by one in a hundred.
    pub p99: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

impl Default for Distribution {
    fn default() -> Distribution {
        Distribution::new()
    }
}

impl Distribution {
    /// Of nothing yet.
    pub fn new() -> Distribution {
        let histogram =
            Histogram::new_with_max(MAX_STEPS, SIGNIFICANT_DIGITS).expect("constants within the histogram's limits");
        Distribution { histogram, count: 0, mean: 0.0, squares: 0.0, max: 0.0 }
    }

    /// Takes in a value of at least zero. What is no such number is ignored: it cannot come from a distance or a duration.
    pub fn record(&mut self, value: f64) {
        if !value.is_finite() || value < 0.0 {
            return;
        }
        self.histogram.saturating_record((value * STEPS_PER_UNIT).round() as u64);
        self.count += 1;
        let difference = value - self.mean;
        self.mean += difference / self.count as f64;
        self.squares += difference * (value - self.mean);
        self.max = self.max.max(value);
    }

    /// How many values were taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The value that a share of `share` (0 to 1) does not exceed, within 1 %.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let steps = self.histogram.median_equivalent(self.histogram.value_at_quantile(share));
        self.measured((steps as f64 / STEPS_PER_UNIT).min(self.max))
    }

    /// In a few figures.
    pub fn spread(&self) -> Spread {
        Spread {
            mean: self.measured(self.mean),
            std: self.measured((self.squares / self.count as f64).sqrt()),
            p50: self.quantile(0.50),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
            max: self.measured(self.max),
        }
    }

    fn measured(&self, figure: f64) -> Option<f64> {
        (self.count > 0).then_some(figure)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn of(values: &[f64]) -> Distribution {
        let mut distribution = Distribution::new();
        values.iter().for_each(|&value| distribution.record(value));
        distribution
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn quantiles_are_within_one_percent(exponents in prop::collection::vec(-3.0..4.9f64, 1..200), share in 0.0..=1.0f64) {
            let mut values: Vec<f64> = exponents.iter().map(|&exponent| 10f64.powf(exponent)).collect();
            let distribution = of(&values);
            values.sort_unstable_by(f64::total_cmp);
            let rank = ((share * values.len() as f64).ceil() as usize).clamp(1, values.len());
            let (exact, found) = (values[rank - 1], distribution.quantile(share).expect("measured"));
            prop_assert!((found - exact).abs() <= 0.01 * exact, "{} instead of {}", found, exact);
        }

        #[test]
        fn mean_deviation_and_maximum_are_exact(values in prop::collection::vec(0.0..1e4f64, 1..200)) {
            let spread = of(&values).spread();
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            prop_assert!((spread.mean.expect("measured") - mean).abs() < 1e-9 * mean);
            prop_assert!((spread.std.expect("measured") - variance.sqrt()).abs() <= 1e-9 * mean);
            prop_assert_eq!(spread.max, values.iter().copied().reduce(f64::max));
        }
    }

    #[test]
    fn nothing_measured_is_none_and_zero_is_zero() {
        assert_eq!(of(&[f64::NAN, -1.0, f64::INFINITY]).spread(), Spread::default());
        let zero = Some(0.0);
        assert_eq!(of(&[0.0]).spread(), Spread { mean: zero, std: zero, p50: zero, p95: zero, p99: zero, max: zero });
    }

    #[test]
    fn memory_does_not_grow() {
        let distribution = of(&[1e300, 1e-300, 5.0]);
        assert!(distribution.histogram.distinct_values() * size_of::<u64>() <= 32_000);
        assert_eq!(distribution.spread().max, Some(1e300));
    }
}
