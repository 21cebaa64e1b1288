//! Reading an impairment.

use std::str::FromStr;
use std::time::Duration;

use super::value::{self, AT, BURST, DELAY, PERCENT, QUEUE, RATE, SEED, or_none, percent};
use super::{CLEAN, Conditions, DEFAULT_SEED, Impairment, Segment, SpecError};

impl FromStr for Impairment {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Impairment, SpecError> {
        if text.trim().is_empty() {
            return Err(SpecError::Empty);
        }
        let mut impairment = Impairment { segments: vec![Segment::CLEAN], seed: DEFAULT_SEED };
        for (index, part) in text.split(';').enumerate() {
            if part.trim().is_empty() {
                continue;
            }
            let words = part.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
            read_part(&mut impairment, index == 0, words)?;
        }
        let all = || impairment.segments.iter().map(|segment| segment.conditions);
        match all().find_map(|conditions| conditions.burst) {
            Some(burst) if all().all(|conditions| conditions.loss_percent == 0.0) => Err(SpecError::NoLoss(burst)),
            _ => Ok(impairment),
        }
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
    let (mut at, mut says_nothing) = (None, None);
    for (index, word) in words.enumerate() {
        match word.split_once('=') {
            Some(("at", value)) if index == 0 => {
                at = Some(read_at(value, last.from, is_first)?);
                says_nothing = Some(word);
                continue;
            }
            Some(("at", _)) => return Err(SpecError::TimeInside(word.to_owned())),
            _ if index == 0 && !is_first => return Err(SpecError::NoTime(word.to_owned())),
            Some(("seed", _)) if !is_first => return Err(SpecError::LateSeed(word.to_owned())),
            Some((key, value)) => part.read(key, value, word)?,
            None => part.read_name(word)?,
        }
        says_nothing = None;
    }
    if let Some(word) = says_nothing
        && !last.is_blackout
    {
        return Err(SpecError::NoChange(word.to_owned()));
    }
    check_burst(&part.segment.conditions)?;
    impairment.seed = part.seed.unwrap_or(impairment.seed);
    match at {
        // Written again it would be a time without a change.
        Some(_) if part.segment == last => {}
        Some(from) if from > last.from => impairment.segments.push(Segment { from, ..part.segment }),
        _ => *impairment.segments.last_mut().expect("it begins with one") = part.segment,
    }
    Ok(())
}

fn read_at(text: &str, last: Duration, is_first: bool) -> Result<Duration, SpecError> {
    let at = value::at(text).ok_or_else(|| refused("at", text, AT))?;
    if at > last || is_first { Ok(at) } else { Err(SpecError::Order(text.to_owned())) }
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
        let conditions = if word == CLEAN { Some(Conditions::CLEAN) } else { Conditions::preset(word) };
        let conditions = conditions.ok_or_else(|| SpecError::Unknown(word.to_owned()))?;
        if !self.seen.is_empty() {
            return Err(SpecError::NotFirst(word.to_owned()));
        }
        self.seen.push("a network");
        self.segment.conditions = conditions;
        Ok(())
    }

    fn read(&mut self, key: &str, text: &str, word: &str) -> Result<(), SpecError> {
        let to = &mut self.segment.conditions;
        let key = match key {
            "loss" => set(&mut to.loss_percent, percent(text), "loss", text, PERCENT)?,
            "burst" => set(&mut to.burst, or_none(text, value::burst), "burst", text, BURST)?,
            "delay" => {
                (to.delay, to.jitter) = value::delay(text).ok_or_else(|| refused("delay", text, DELAY))?;
                "delay"
            }
            "rate" => set(&mut to.rate, or_none(text, value::rate), "rate", text, RATE)?,
            "queue" => set(&mut to.queue, value::queue(text), "queue", text, QUEUE)?,
            "reorder" => set(&mut to.reorder_percent, percent(text), "reorder", text, PERCENT)?,
            "duplicate" => set(&mut to.duplicate_percent, percent(text), "duplicate", text, PERCENT)?,
            "seed" => set(&mut self.seed, text.parse().ok().map(Some), "seed", text, SEED)?,
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

fn check_burst(conditions: &Conditions) -> Result<(), SpecError> {
    let (Some(burst), loss_percent) = (conditions.burst, conditions.loss_percent) else { return Ok(()) };
    // Where all is lost there is but one burst, whatever was asked for.
    if loss_percent >= 100.0 || conditions.burst_chances().is_some() {
        return Ok(());
    }
    let least = (loss_percent / (100.0 - loss_percent) * 10.0).ceil() / 10.0;
    Err(SpecError::Burst { loss_percent, burst, least })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impair::PRESETS;
    use crate::units::Bitrate;

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
        let read: Impairment = "lte,seed=7; at=5s blackout; at=8s; at=10s rate=none,loss=1%; at=11s clean".parse().unwrap();
        let lte = Conditions::preset("lte").unwrap();
        let second =
            |from: u64, conditions, is_blackout| Segment { from: Duration::from_secs(from), conditions, is_blackout };
        let lossy = Conditions { rate: None, loss_percent: 1.0, ..lte };
        let expected = vec![
            second(0, lte, false),
            second(5, lte, true),
            second(8, lte, false),
            second(10, lossy, false),
            second(11, Conditions::CLEAN, false),
        ];
        assert_eq!((read.segments.clone(), read.seed), (expected, 7));
        let late: Impairment = "at=5s blackout".parse().unwrap();
        assert_eq!(late.segments, [Segment::CLEAN, second(5, Conditions::CLEAN, true)]);
        assert_eq!(late.to_string(), "clean; at=5s blackout");
    }

    #[test]
    fn a_refusal_names_the_value_and_what_is_allowed() {
        let cases = [
            ("", "empty"),
            ("loss", "'loss' is no impairment; known are, each with a value, loss, burst"),
            ("blackout=3s", "without one, blackout, clean and the networks wifi, lte"),
            ("los=5%", "'los=5%' is no impairment"),
            ("loss=5", "loss=5 is not possible; loss takes 0% to 100%"),
            ("loss=101%", "loss=101% is not possible"),
            ("loss=NaN%", "loss=NaN% is not possible"),
            ("delay=5ms±20ms", "at most as much"),
            ("delay=20", "20ms±5ms"),
            ("delay=1e9s", "up to 10s"),
            ("rate=9", "10kbit to 1000mbit"),
            ("burst=0.5", "from 1 to 1000"),
            ("loss=90%,burst=2", "bursts of at least 9 packets"),
            ("wifi,loss=97%", "bursts of at least 32.4 packets on average; burst=4 is too short"),
            ("loss=1%,loss=2%", "loss is given twice"),
            ("loss=1%,lte", "'lte' sets everything"),
            ("lte,wifi", "'wifi' sets everything"),
            ("loss=1% at=5s", "'at=5s' must begin a part"),
            ("loss=1%; at=5s seed=3", "'seed=3' holds for the whole time"),
            ("at=2d", "a time up to a day"),
            ("loss=1%; loss=2%", "'loss=2%' has no time"),
            ("loss=1%; at=5s loss=2%; at=5s loss=3%", "at=5s is not after"),
            ("seed=-1", "an integer from 0"),
            ("clear", "blackout, clean and the networks"),
            ("burst=8", "burst=8 is the length of losses, but nothing is lost: loss=1%,burst=8"),
            ("lte,burst=8; at=5s rate=1mbit", "nothing is lost"),
            ("at=5s", "'at=5s' changes nothing"),
            ("lte; at=5s", "'at=5s' changes nothing"),
            ("at=5s blackout; at=8s; at=9s", "'at=9s' changes nothing"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<Impairment>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_burst_may_wait_for_its_loss_and_a_part_may_say_again_what_holds() {
        for text in ["burst=8; at=5s loss=2%", "wifi; at=5s loss=0%", "burst=none", "at=0s loss=1%"] {
            let read = text.parse::<Impairment>().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(read.to_string().parse(), Ok(read), "{text}");
        }
        let (again, once) = ("rate=4mbit; at=5s rate=4mbit; at=9s loss=1%", "rate=4mbit; at=9s loss=1%");
        assert_eq!(again.parse::<Impairment>(), once.parse());
    }

    #[test]
    fn the_least_burst_that_a_refusal_names_is_taken_and_all_may_be_lost_in_any() {
        for possible in ["loss=97%,burst=32.4", "loss=97%,burst=none", "wifi,loss=100%", "loss=100%,burst=8"] {
            assert!(possible.parse::<Impairment>().is_ok(), "{possible}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,80}|[a-z=;,%±0-9 .+-]{0,60}") {
            let _ = text.parse::<Impairment>();
        }
    }
}
