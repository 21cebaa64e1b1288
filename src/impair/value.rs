//! The values in an impairment, read and written.

use std::time::Duration;

use crate::units::Bitrate;

/// The longest delay and queue: beyond it every frame is late, and what is on its way would take memory without end.
const MAX_DELAY: Duration = Duration::from_secs(10);

/// The longest timeline: a day.
const MAX_AT: Duration = Duration::from_secs(24 * 3600);

/// The most packets lost in a row on average.
const MAX_BURST: f64 = 1000.0;

pub(super) const PERCENT: &str = "0% to 100%, for example 2.5%";
pub(super) const DELAY: &str =
    "a time up to 10s and, if it varies, by how much (at most as much), for example 20ms, 20ms±5ms or 20ms+-5ms";
pub(super) const RATE: &str = "10kbit to 1000mbit, for example 500kbit or 2mbit, or none";
pub(super) const QUEUE: &str = "a time up to 10s, for example 100ms";
pub(super) const BURST: &str = "a mean number of packets from 1 to 1000, or none";
pub(super) const SEED: &str = "an integer from 0 to 18446744073709551615";
pub(super) const AT: &str = "a time up to a day, for example 10s or 1500ms";

pub(super) fn percent(text: &str) -> Option<f64> {
    let value = text.strip_suffix('%')?.parse().ok()?;
    (0.0..=100.0).contains(&value).then_some(value)
}

pub(super) fn or_none<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text == "none" { Some(None) } else { read(text).map(Some) }
}

pub(super) fn burst(text: &str) -> Option<f64> {
    text.parse().ok().filter(|burst| (1.0..=MAX_BURST).contains(burst))
}

/// `2mbit`, `2mbit/s`, `500kbit`, and what `--bitrate` takes.
pub(super) fn rate(text: &str) -> Option<Bitrate> {
    let text = text.to_ascii_lowercase();
    let text = text.strip_suffix("/s").unwrap_or(&text);
    text.strip_suffix("bit").unwrap_or(text).parse().ok()
}

/// `20ms±5ms`, `20ms+-5ms`, `20ms`.
pub(super) fn delay(text: &str) -> Option<(Duration, Duration)> {
    let (delay, jitter) = text.split_once('±').or_else(|| text.split_once("+-")).unwrap_or((text, "0ms"));
    let (delay, jitter) = (time(delay)?, time(jitter)?);
    (delay <= MAX_DELAY && jitter <= delay).then_some((delay, jitter))
}

/// No longer than a packet may wait.
pub(super) fn queue(text: &str) -> Option<Duration> {
    time(text).filter(|queue| *queue <= MAX_DELAY)
}

/// A time on the timeline.
pub(super) fn at(text: &str) -> Option<Duration> {
    time(text).filter(|at| *at <= MAX_AT)
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

pub(super) fn show(time: Duration) -> String {
    match time.as_micros() {
        micros if micros > 0 && micros % 1_000_000 == 0 => format!("{}s", micros / 1_000_000),
        micros if micros % 1000 == 0 => format!("{}ms", micros / 1000),
        micros => format!("{micros}us"),
    }
}

pub(super) fn show_rate(rate: Bitrate) -> String {
    match rate.as_bps() {
        bps if bps % 1_000_000 == 0 => format!("{}mbit", bps / 1_000_000),
        bps if bps % 1000 == 0 => format!("{}kbit", bps / 1000),
        bps => format!("{bps}bit"),
    }
}
