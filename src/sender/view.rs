//! What the live view shows.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Sender;
use crate::live::{LiveReceiver, LiveView, Quantiles};
use crate::report::{Pair, ReceiverSummary, Spread};

/// Frames matched a second, between one view and the next.
#[derive(Debug, Default)]
pub(super) struct MatchRate {
    before: Option<(Duration, u64)>,
}

impl MatchRate {
    fn note(&mut self, now: Duration, matched: u64) -> Option<f64> {
        let before = self.before.replace((now, matched));
        let (then, before) = before.filter(|(then, _)| now > *then)?;
        Some(matched.saturating_sub(before) as f64 / (now - then).as_secs_f64())
    }
}

/// The rates of all receivers together, and of each.
#[derive(Debug, Default)]
pub(super) struct MatchRates {
    all: MatchRate,
    each: BTreeMap<u64, MatchRate>,
}

impl Sender {
    pub(super) fn view(&mut self, now: Duration) -> LiveView {
        let summary = self.ledger.summary(now);
        let (scene, size, fps) = (self.film.name().to_owned(), self.config.size, self.config.fps);
        let is_listed = |id: &u64| summary.receivers.iter().any(|receiver| receiver.id.0 == *id);
        self.rates.each.retain(|id, _| is_listed(id));
        let receivers = summary.receivers.iter().map(|receiver| self.live_receiver(receiver, now)).collect();
        let recent = || self.ledger.history();
        LiveView {
            scene,
            size,
            fps,
            encoder: self.stream.choice().map(|choice| choice.name.clone()),
            bitrate: self.config.bitrate,
            bitrate_kbps: summary.bitrate_kbps,
            uptime: now,
            produced: summary.frames,
            matched_percent: percent(summary.matched, summary.frames),
            matched_fps: self.rates.all.note(now, summary.matched),
            error_px: quantiles(&summary.error_px),
            latency_ms: quantiles(&summary.latency_ms),
            missed_percent: summary.missed_percent,
            recent_error_px: recent().flat_map(|joined| joined.score.pairs().iter().map(Pair::error_px)).collect(),
            recent_latency_ms: recent().map(|joined| joined.latency.as_secs_f64() * 1e3).collect(),
            receivers,
            invitation: self.hub.invitation(),
        }
    }

    fn live_receiver(&mut self, summary: &ReceiverSummary, now: Duration) -> LiveReceiver {
        let state = if summary.present { "connected" } else { "gone" };
        let rate = self.rates.each.entry(summary.id.0).or_default();
        LiveReceiver {
            id: summary.name.clone(),
            state: state.to_owned(),
            matched_fps: rate.note(now, summary.matched),
            matched_percent: percent(summary.matched, summary.frames),
            error_p95_px: summary.error_px.p95,
            latency_ms: quantiles(&summary.latency_ms),
        }
    }
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

fn quantiles(spread: &Spread) -> Quantiles {
    Quantiles { p50: spread.p50, p95: spread.p95, p99: spread.p99 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_of_the_time_since_the_last_view() {
        let mut rate = MatchRate::default();
        let seconds = Duration::from_secs;
        assert_eq!(rate.note(seconds(1), 10), None);
        assert_eq!(rate.note(seconds(3), 70), Some(30.0));
        assert_eq!(rate.note(seconds(3), 70), None);
    }
}
