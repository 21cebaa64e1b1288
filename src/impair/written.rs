//! Writing an impairment.

use std::fmt;

use super::value::{show, show_rate};
use super::{CLEAN, Conditions, DEFAULT_SEED, Impairment};

/// What [`std::str::FromStr`] reads as the same again: presets spelled out, of later segments only what changes.
impl fmt::Display for Impairment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = Conditions::CLEAN;
        for (index, segment) in self.segments.iter().enumerate() {
            let mut words = changes(&last, &segment.conditions);
            if segment.is_blackout {
                words.push("blackout".to_owned());
            }
            if index == 0 && self.seed != DEFAULT_SEED {
                words.push(format!("seed={}", self.seed));
            }
            match index {
                0 if words.is_empty() => write!(f, "{CLEAN}")?,
                0 => write!(f, "{}", words.join(","))?,
                _ => write!(f, "; {}", [vec![format!("at={}", show(segment.from))], words].concat().join(" "))?,
            }
            last = segment.conditions;
        }
        Ok(())
    }
}

fn changes(from: &Conditions, to: &Conditions) -> Vec<String> {
    let percents = [
        ("loss", from.loss_percent, to.loss_percent),
        ("reorder", from.reorder_percent, to.reorder_percent),
        ("duplicate", from.duplicate_percent, to.duplicate_percent),
    ];
    let mut words: Vec<String> =
        percents.iter().filter(|(_, from, to)| from != to).map(|(key, _, to)| format!("{key}={to}%")).collect();
    if from.burst != to.burst {
        words.push(format!("burst={}", to.burst.map_or("none".to_owned(), |burst| burst.to_string())));
    }
    if (from.delay, from.jitter) != (to.delay, to.jitter) {
        let jitter = if to.jitter.is_zero() { String::new() } else { format!("±{}", show(to.jitter)) };
        words.push(format!("delay={}{jitter}", show(to.delay)));
    }
    if from.rate != to.rate {
        words.push(format!("rate={}", to.rate.map_or("none".to_owned(), show_rate)));
    }
    if from.queue != to.queue {
        words.push(format!("queue={}", show(to.queue)));
    }
    words
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::impair::Segment;
    use crate::units::Bitrate;

    fn conditions() -> impl Strategy<Value = Conditions> {
        let percent = || (0_u32..=1000).prop_map(|tenths| f64::from(tenths) / 10.0);
        let burst = proptest::option::of((10_u32..100).prop_map(|tenths| f64::from(tenths) / 10.0));
        let rate = proptest::option::of((10_000_u64..1_000_000_000).prop_map(Bitrate::bps));
        let micros = || (0_u64..10_000_000).prop_map(Duration::from_micros);
        (percent(), burst, micros(), 0.0..=1.0, rate, micros(), percent(), percent()).prop_map(
            |(loss_percent, burst, delay, jitter, rate, queue, reorder_percent, duplicate_percent)| {
                let jitter = Duration::from_micros((delay.as_micros() as f64 * jitter) as u64);
                let conditions =
                    Conditions { loss_percent, burst, delay, jitter, rate, queue, reorder_percent, duplicate_percent };
                let burst =
                    burst.filter(|_| loss_percent > 0.0 && (loss_percent >= 100.0 || conditions.burst_chances().is_some()));
                Conditions { burst, ..conditions }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(
            parts in proptest::collection::vec((1_u64..1_000_000, conditions(), any::<bool>()), 1..6),
            seed in any::<u64>(),
        ) {
            let mut from = Duration::ZERO;
            let mut segments = Vec::new();
            for (index, (micros, conditions, is_blackout)) in parts.into_iter().enumerate() {
                from += Duration::from_micros(if index == 0 { 0 } else { micros });
                segments.push(Segment { from, conditions, is_blackout });
            }
            let impairment = Impairment { segments, seed };
            prop_assert_eq!(impairment.to_string().parse(), Ok(impairment));
        }
    }
}
