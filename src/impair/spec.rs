//! Reading and writing an impairment.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Conditions, DEFAULT_SEED, Impairment, PRESETS, Segment};
use crate::units::Bitrate;

/// The longest delay and queue: beyond it every frame is late, and what is on its way would take memory without end.
const MAX_DELAY: Duration = Duration::from_secs(10);

/// The longest timeline: a day.
const MAX_AT: Duration = Duration::from_secs(24 * 3600);

/// The most packets lost in a row on average.
const MAX_BURST: f64 = 1000.0;

const PERCENT: &str = "0 % to 100 %, for example 2.5%";
const DELAY: &str = "a time up to 10s and what it varies by, at most itself, for example 20ms, 20ms±5ms or 20ms+-5ms";
const RATE: &str = "10kbit to 1000mbit, for example 500kbit or 2mbit, or none";
const QUEUE: &str = "a time up to 10s, for example 100ms";
const BURST: &str = "a mean number of packets from 1 to 1000, or none";
const SEED: &str = "an integer of 64 bits";
const AT: &str = "a time up to a day, for example 10s";

/// Why an impairment is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// Nothing in it.
    #[error("the impairment is empty; write for example loss=5%,delay=20ms, or leave it out")]
    Empty,
    /// No key and no network.
    #[error(
        "'{0}' is no impairment; known are loss, burst, delay, rate, queue, reorder, duplicate, seed and at, each with a value, \
        the networks {networks}, and clear and blackout", networks = PRESETS.map(|preset| preset.name).join(", ")
    )]
    Unknown(String),
    /// A value that the key does not take.
    #[error("{key}={value} is not possible; {key} takes {allowed}")]
    Value {
        /// What was to be set.
        key: &'static str,
        /// What to.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A key twice between two semicolons.
    #[error("{0} is given twice; a later value begins after a semicolon: rate=4mbit; at=10s rate=1mbit")]
    Twice(&'static str),
    /// It would undo what stands before it.
    #[error("'{0}' must stand before all that changes it, for example lte,loss=3%")]
    NotFirst(String),
    /// The timeline goes backwards.
    #[error("at={0} is not after what stands before it; the times of a timeline rise: at=10s …; at=20s …")]
    Order(String),
    /// A part after a semicolon without a time.
    #[error("'{0}' has no time; each part after a semicolon begins with one: at=10s …")]
    NoTime(String),
    /// Losses so many cannot come in bursts so short.
    #[error("a loss of {loss_percent} % needs bursts of at least {least:.1} packets; burst={burst} is too short")]
    Burst {
        /// Asked for.
        loss_percent: f64,
        /// Asked for.
        burst: f64,
        /// The shortest that make this loss.
        least: f64,
    },
}

impl FromStr for Impairment {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Impairment, SpecError> {
        if text.trim().is_empty() {
            return Err(SpecError::Empty);
        }
        let mut impairment = Impairment { segments: vec![Segment::CLEAR], seed: DEFAULT_SEED };
        for (index, part) in text.split(';').enumerate() {
            if part.trim().is_empty() {
                continue;
            }
            let words = part.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
            read_part(&mut impairment, index == 0, words)?;
        }
        Ok(impairment)
    }
}

/// Reads what stands between two semicolons.
fn read_part<'a>(
    impairment: &mut Impairment,
    is_first: bool,
    words: impl Iterator<Item = &'a str>,
) -> Result<(), SpecError> {
    let last = *impairment.segments.last().expect("it begins with one");
    let mut part = Part { segment: Segment { is_blackout: false, ..last }, seed: None, seen: Vec::new() };
    let mut at = None;
    for (index, word) in words.enumerate() {
        match word.split_once('=') {
            Some(("at", value)) if index == 0 => at = Some(read_at(value, last.from, is_first)?),
            Some(("at", _)) => return Err(SpecError::NotFirst(word.to_owned())),
            _ if index == 0 && !is_first => return Err(SpecError::NoTime(word.to_owned())),
            Some((key, value)) => part.read(key, value, word)?,
            None => part.read_name(word)?,
        }
    }
    check_burst(&part.segment.conditions)?;
    impairment.seed = part.seed.unwrap_or(impairment.seed);
    match at {
        Some(from) if from > last.from => impairment.segments.push(Segment { from, ..part.segment }),
        _ => *impairment.segments.last_mut().expect("it begins with one") = part.segment,
    }
    Ok(())
}

fn read_at(value: &str, last: Duration, is_first: bool) -> Result<Duration, SpecError> {
    let at = time(value).filter(|at| *at <= MAX_AT).ok_or_else(|| refused("at", value, AT))?;
    if at > last || is_first { Ok(at) } else { Err(SpecError::Order(value.to_owned())) }
}

/// What is being read between two semicolons.
struct Part {
    segment: Segment,
    seed: Option<u64>,
    /// Words and keys so far.
    seen: Vec<&'static str>,
}

impl Part {
    fn read_name(&mut self, word: &str) -> Result<(), SpecError> {
        if word == "blackout" {
            self.segment.is_blackout = true;
            return Ok(());
        }
        let conditions = if word == "clear" { Some(Conditions::CLEAR) } else { Conditions::preset(word) };
        let conditions = conditions.ok_or_else(|| SpecError::Unknown(word.to_owned()))?;
        if !self.seen.is_empty() {
            return Err(SpecError::NotFirst(word.to_owned()));
        }
        self.seen.push("a network");
        self.segment.conditions = conditions;
        Ok(())
    }

    fn read(&mut self, key: &str, value: &str, word: &str) -> Result<(), SpecError> {
        let to = &mut self.segment.conditions;
        let key = match key {
            "loss" => set(&mut to.loss_percent, percent(value), "loss", value, PERCENT)?,
            "burst" => set(&mut to.burst, or_none(value, burst), "burst", value, BURST)?,
            "delay" => {
                (to.delay, to.jitter) = delay(value).ok_or_else(|| refused("delay", value, DELAY))?;
                "delay"
            }
            "rate" => set(&mut to.rate, or_none(value, rate), "rate", value, RATE)?,
            "queue" => set(&mut to.queue, time(value).filter(|queue| *queue <= MAX_DELAY), "queue", value, QUEUE)?,
            "reorder" => set(&mut to.reorder_percent, percent(value), "reorder", value, PERCENT)?,
            "duplicate" => set(&mut to.duplicate_percent, percent(value), "duplicate", value, PERCENT)?,
            "seed" => set(&mut self.seed, value.parse().ok().map(Some), "seed", value, SEED)?,
            _ => return Err(SpecError::Unknown(word.to_owned())),
        };
        if self.seen.contains(&key) {
            return Err(SpecError::Twice(key));
        }
        self.seen.push(key);
        Ok(())
    }
}

fn set<T>(
    target: &mut T,
    read: Option<T>,
    key: &'static str,
    value: &str,
    allowed: &'static str,
) -> Result<&'static str, SpecError> {
    *target = read.ok_or_else(|| refused(key, value, allowed))?;
    Ok(key)
}

fn refused(key: &'static str, value: &str, allowed: &'static str) -> SpecError {
    SpecError::Value { key, value: value.to_owned(), allowed }
}

fn percent(text: &str) -> Option<f64> {
    let value = text.strip_suffix('%')?.parse().ok()?;
    (0.0..=100.0).contains(&value).then_some(value)
}

fn or_none<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text == "none" { Some(None) } else { read(text).map(Some) }
}

fn burst(text: &str) -> Option<f64> {
    text.parse().ok().filter(|burst| (1.0..=MAX_BURST).contains(burst))
}

/// `2mbit`, `2mbit/s`, `500kbit`, and what `--bitrate` takes.
fn rate(text: &str) -> Option<Bitrate> {
    let text = text.to_ascii_lowercase();
    let text = text.strip_suffix("/s").unwrap_or(&text);
    text.strip_suffix("bit").unwrap_or(text).parse().ok()
}

/// `20ms±5ms`, `20ms+-5ms`, `20ms`.
fn delay(text: &str) -> Option<(Duration, Duration)> {
    let (delay, jitter) = text.split_once('±').or_else(|| text.split_once("+-")).unwrap_or((text, "0ms"));
    let (delay, jitter) = (time(delay)?, time(jitter)?);
    (delay <= MAX_DELAY && jitter <= delay).then_some((delay, jitter))
}

/// `10s`, `1.5ms`, `500us`, to the microsecond.
fn time(text: &str) -> Option<Duration> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let micros = match &text[unit..] {
        "s" => 1e6,
        "ms" => 1e3,
        "us" => 1.0,
        _ => return None,
    };
    let micros = text[..unit].parse::<f64>().ok()? * micros;
    (0.0..=1e15).contains(&micros).then(|| Duration::from_micros(micros.round() as u64))
}

fn check_burst(conditions: &Conditions) -> Result<(), SpecError> {
    let (Some(burst), loss_percent) = (conditions.burst, conditions.loss_percent) else { return Ok(()) };
    if conditions.burst_chances().is_some() {
        return Ok(());
    }
    Err(SpecError::Burst { loss_percent, burst, least: loss_percent / (100.0 - loss_percent) })
}

/// What [`FromStr`] reads as the same again: presets spelled out, of later segments only what changes.
impl fmt::Display for Impairment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = Conditions::CLEAR;
        for (index, segment) in self.segments.iter().enumerate() {
            let mut words = changes(&last, &segment.conditions);
            if segment.is_blackout {
                words.push("blackout".to_owned());
            }
            if index == 0 && self.seed != DEFAULT_SEED {
                words.push(format!("seed={}", self.seed));
            }
            match index {
                0 if words.is_empty() => write!(f, "clear")?,
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

fn show(time: Duration) -> String {
    match time.as_micros() {
        micros if micros > 0 && micros % 1_000_000 == 0 => format!("{}s", micros / 1_000_000),
        micros if micros % 1000 == 0 => format!("{}ms", micros / 1000),
        micros => format!("{micros}us"),
    }
}

fn show_rate(rate: Bitrate) -> String {
    match rate.as_bps() {
        bps if bps % 1_000_000 == 0 => format!("{}mbit", bps / 1_000_000),
        bps if bps % 1000 == 0 => format!("{}kbit", bps / 1000),
        bps => format!("{bps}bit"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(text: &str) -> Conditions {
        text.parse::<Impairment>().unwrap().segments[0].conditions
    }

    #[test]
    fn every_key_reads_as_people_write_it() {
        let read = first("loss=5%,delay=20ms±5ms,rate=2mbit,reorder=1%,duplicate=0.1%,burst=8,queue=100ms");
        let expected = Conditions {
            loss_percent: 5.0,
            burst: Some(8.0),
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(5),
            rate: Some(Bitrate::kbps(2000)),
            queue: Duration::from_millis(100),
            reorder_percent: 1.0,
            duplicate_percent: 0.1,
        };
        assert_eq!(read, expected);
        assert_eq!(first("delay=20ms+-5ms"), first("delay=20ms±5ms"));
        assert_eq!(first("rate=2mbit"), first("rate=2Mbit/s"));
        assert_eq!(first("rate=0.5M"), first("rate=500kbit"));
    }

    #[test]
    fn a_preset_is_changed_by_what_follows_it() {
        let lte = first("lte,loss=3%");
        assert_eq!(lte, Conditions { loss_percent: 3.0, ..Conditions::preset("lte").unwrap() });
        for preset in PRESETS {
            let read: Impairment = preset.name.parse().unwrap();
            assert_eq!(read.segments[0].conditions, preset.conditions);
            assert_eq!(read.to_string().parse(), Ok(read));
        }
    }

    #[test]
    fn a_timeline_keeps_what_a_part_does_not_change_and_a_blackout_ends_with_its_part() {
        let read: Impairment = "lte,seed=7; at=5s blackout; at=8s; at=10s rate=none,loss=1%; at=11s clear".parse().unwrap();
        let lte = Conditions::preset("lte").unwrap();
        let second =
            |from: u64, conditions, is_blackout| Segment { from: Duration::from_secs(from), conditions, is_blackout };
        let lossy = Conditions { rate: None, loss_percent: 1.0, ..lte };
        let expected = vec![
            second(0, lte, false),
            second(5, lte, true),
            second(8, lte, false),
            second(10, lossy, false),
            second(11, Conditions::CLEAR, false),
        ];
        assert_eq!((read.segments.clone(), read.seed), (expected, 7));
        let late: Impairment = "at=5s blackout".parse().unwrap();
        assert_eq!(late.segments, [Segment::CLEAR, second(5, Conditions::CLEAR, true)]);
        assert_eq!(late.to_string(), "clear; at=5s blackout");
    }

    #[test]
    fn a_refusal_names_the_value_and_what_is_allowed() {
        let cases = [
            ("", "empty"),
            ("loss", "'loss' is no impairment; known are loss"),
            ("los=5%", "'los=5%' is no impairment"),
            ("loss=5", "loss=5 is not possible; loss takes 0 % to 100 %"),
            ("loss=101%", "loss=101% is not possible"),
            ("loss=NaN%", "loss=NaN% is not possible"),
            ("delay=5ms±20ms", "at most itself"),
            ("delay=20", "20ms±5ms"),
            ("delay=1e9s", "up to 10s"),
            ("rate=9", "10kbit to 1000mbit"),
            ("burst=0.5", "from 1 to 1000"),
            ("loss=90%,burst=2", "bursts of at least 9.0 packets"),
            ("loss=1%,loss=2%", "loss is given twice"),
            ("loss=1%,lte", "'lte' must stand before"),
            ("lte,wifi", "'wifi' must stand before"),
            ("loss=1% at=5s", "'at=5s' must stand before"),
            ("loss=1%; loss=2%", "'loss=2%' has no time"),
            ("loss=1%; at=5s loss=2%; at=5s loss=3%", "at=5s is not after"),
            ("seed=-1", "an integer of 64 bits"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<Impairment>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

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
                let burst = burst.filter(|_| conditions.burst_chances().is_some());
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

        #[test]
        fn no_text_panics(text in ".{0,80}|[a-z=;,%±0-9 .+-]{0,60}") {
            let _ = text.parse::<Impairment>();
        }
    }
}
