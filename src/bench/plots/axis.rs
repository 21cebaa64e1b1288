//! Where values lie on an axis, and which of them are labelled.

/// How an axis divides its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Division {
    /// Equal differences are equally long; starts at zero.
    FromZero,
    /// Equal differences are equally long.
    Linear,
    /// Equal ratios are equally long; values that are not above zero have no place.
    Log,
}

/// An axis that reaches from one value to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    division: Division,
    low: f64,
    high: f64,
}

/// What is labelled on a logarithmic axis in each decade.
const STEPS_OF_A_DECADE: [f64; 3] = [1.0, 2.0, 5.0];

/// More decades than a plot can label are cut off below: what is 10^8 times smaller than the largest is zero to the eye.
const MOST_DECADES: i32 = 8;

impl Scale {
    /// The smallest scale with round ends that holds all `values`; `None` if none of them has a place on it.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, division: Division, ticks: usize) -> Option<Scale> {
        let placed = |value: &f64| value.is_finite() && (division != Division::Log || *value > 0.0);
        let (low, high) = values
            .into_iter()
            .filter(placed)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return None;
        }
        let (low, high) = match division {
            Division::Log => round_log(low, high),
            Division::FromZero => round_linear(low.min(0.0), high.max(0.0), ticks),
            Division::Linear => round_linear(low, high, ticks),
        };
        Some(Scale { division, low, high })
    }

    /// Exactly from `low` to `high`.
    pub(super) fn between(low: f64, high: f64) -> Scale {
        Scale { division: Division::Linear, low, high }
    }

    /// Where a value lies: 0 at the low end, 1 at the high end, and never beyond them. `None` if it has no place.
    pub(super) fn share(&self, value: f64) -> Option<f64> {
        let share = match self.division {
            Division::Log if value <= 0.0 => return None,
            Division::Log => (value / self.low).ln() / (self.high / self.low).ln(),
            _ => (value - self.low) / (self.high - self.low),
        };
        share.is_finite().then(|| share.clamp(0.0, 1.0))
    }

    /// Round values and their labels, in rising order, about `most` of them at most.
    pub(super) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let most = most.max(2);
        if self.division == Division::Log {
            return self.log_ticks(most);
        }
        let step = round_step((self.high - self.low) / most as f64);
        let (first, last) = ((self.low / step - 1e-9).ceil() as i64, (self.high / step + 1e-9).floor() as i64);
        let digits = decimals(step);
        (first..=last).map(|at| at as f64 * step).map(|value| (value, grouped(value, digits))).collect()
    }

    fn log_ticks(&self, most: usize) -> Vec<(f64, String)> {
        let decades = decade(self.low)..=decade(self.high * (1.0 + 1e-9));
        let all = |steps: &[f64]| -> Vec<f64> {
            let values = decades.clone().flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
            values.filter(|&value| value >= self.low * (1.0 - 1e-9) && value <= self.high * (1.0 + 1e-9)).collect()
        };
        let fine = all(&STEPS_OF_A_DECADE);
        let values = if fine.len() <= most { fine } else { all(&[1.0]) };
        let every = values.len().div_ceil(most).max(1);
        values.into_iter().step_by(every).map(|value| (value, grouped(value, decimals(value)))).collect()
    }
}

/// The power of ten at or below a value above zero.
fn decade(value: f64) -> i32 {
    value.log10().floor() as i32
}

/// The decimals that a round number of this size needs.
fn decimals(value: f64) -> usize {
    (-(value.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powi(decade(step.max(f64::MIN_POSITIVE)));
    let found = STEPS_OF_A_DECADE.into_iter().map(|factor| factor * power).find(|&round| round >= step * (1.0 - 1e-9));
    found.unwrap_or(10.0 * power)
}

fn round_linear(low: f64, high: f64, ticks: usize) -> (f64, f64) {
    // All values the same: some room on both sides, so that the axis has a length.
    let room = if high > low { 0.0 } else { (high.abs() * 0.1).max(0.5) };
    let (low, high) = (if low == 0.0 { low } else { low - room }, high + room);
    let step = round_step((high - low) / ticks.max(2) as f64);
    ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step)
}

fn round_log(low: f64, high: f64) -> (f64, f64) {
    let low = low.max(high * 10f64.powi(-MOST_DECADES));
    let round_down = |value: f64| {
        let power = 10f64.powi(decade(value));
        let below = STEPS_OF_A_DECADE.into_iter().rev().map(|step| step * power).find(|&step| step <= value * (1.0 + 1e-9));
        below.unwrap_or(power)
    };
    let (low, high) = (round_down(low), round_step(high));
    if high > low { (low, high) } else { (low / 2.0, high * 2.0) }
}

/// A number with its thousands set apart by a thin gap.
fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped =
        String::from(if value < 0.0 && text.contains(|digit: char| ('1'..='9').contains(&digit)) { "\u{2212}" } else { "" });
    for (at, digit) in whole.chars().enumerate() {
        // Four digits are read at a glance.
        if at > 0 && whole.len() > 4 && (whole.len() - at).is_multiple_of(3) {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn labels(values: &[f64], division: Division, most: usize) -> Vec<String> {
        let scale = Scale::over(values.iter().copied(), division, most).expect("placed");
        scale.ticks(most).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn round_numbers_are_labelled() {
        assert_eq!(labels(&[3.0, 17.3], Division::FromZero, 5), ["0", "5", "10", "15", "20"]);
        assert_eq!(labels(&[0.2, 0.9], Division::Linear, 4), ["0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&[250.0, 4000.0], Division::Log, 8), ["200", "500", "1000", "2000", "5000"]);
        assert_eq!(labels(&[0.003, 2.0], Division::Log, 5), ["0.01", "0.1", "1"]);
        assert_eq!(labels(&[0.0, 20_000.0], Division::FromZero, 2), ["0", "10\u{a0}000", "20\u{a0}000"]);
        assert_eq!(labels(&[5.0], Division::Log, 5), ["5", "10"]);
        assert_eq!(labels(&[0.0], Division::FromZero, 2), ["0.0", "0.5"]);
    }

    #[test]
    fn what_has_no_place_is_left_out() {
        assert_eq!(Scale::over([0.0, -1.0, f64::NAN], Division::Log, 5), None);
        assert_eq!(Scale::over([], Division::Linear, 5), None);
        let scale = Scale::over([1.0, 10.0], Division::Log, 5).expect("placed");
        assert_eq!((scale.share(0.0), scale.share(1.0), scale.share(1e9)), (None, Some(0.0), Some(1.0)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn a_scale_holds_its_values_in_order(
            mut values in prop::collection::vec(prop_oneof![-1e6..1e6f64, 1e-6..1e-3f64, Just(0.0)], 1..20),
            division in prop_oneof![Just(Division::FromZero), Just(Division::Linear), Just(Division::Log)],
            most in 2usize..12,
        ) {
            let Some(scale) = Scale::over(values.iter().copied(), division, most) else { return Ok(()) };
            values.sort_unstable_by(f64::total_cmp);
            let shares: Vec<f64> = values.iter().filter_map(|&value| scale.share(value)).collect();
            prop_assert!(shares.is_sorted(), "{:?}", shares);
            let ticks = scale.ticks(most);
            prop_assert!(!ticks.is_empty() && ticks.len() <= 2 * most + 2, "{:?} {:?}", scale, ticks);
            prop_assert!(ticks.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
