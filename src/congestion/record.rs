//! What congestion control did, over time, for the report.

use std::time::Duration;

use serde::Serialize;

use super::controller::Target;
use super::mitigation::Mitigation;
use super::{BitrateRule, Measured};
use crate::units::Bitrate;

/// Between two samples at first: a frame or two more than the feedback takes.
const INTERVAL: Duration = Duration::from_millis(100);

/// More samples are not kept: then every other one goes, and from then on the interval is twice as long. A minute in tenths of
/// seconds, a day in minutes.
const MOST_SAMPLES: usize = 600;

/// One moment, as the slowest receiver saw it that the encoder follows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Since the run began.
    pub at_ms: f64,
    /// What the encoder was asked for.
    pub target_kbps: f64,
    /// rtpgccbwe's estimate.
    pub estimate_kbps: f64,
    /// What arrived.
    pub received_kbps: f64,
    /// The queue in front of the bottleneck.
    pub queue_ms: f64,
    /// Share of packets lost.
    pub loss: f64,
    /// What was left out.
    #[serde(flatten)]
    pub mitigation: Mitigation,
}

impl Sample {
    pub(super) fn new(at: Duration, measured: &Measured, estimate: Bitrate) -> Sample {
        Sample {
            at_ms: at.as_secs_f64() * 1e3,
            target_kbps: 0.0,
            estimate_kbps: kbps(estimate),
            received_kbps: measured.received_bps / 1e3,
            queue_ms: measured.queue.as_secs_f64() * 1e3,
            loss: measured.loss,
            mitigation: Mitigation::NONE,
        }
    }
}

/// Samples over the whole run, evenly spaced, of bounded number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    samples: Vec<Sample>,
    halvings: u32,
}

impl Record {
    pub(super) fn note(&mut self, sample: Sample, target: Target) {
        let interval_ms = (INTERVAL * 2_u32.saturating_pow(self.halvings)).as_secs_f64() * 1e3;
        if self.samples.last().is_some_and(|last| sample.at_ms < last.at_ms + interval_ms) {
            return;
        }
        if self.samples.len() == MOST_SAMPLES {
            let mut is_kept = false;
            self.samples.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.halvings += 1;
        }
        let Target { bitrate, mitigation } = target;
        self.samples.push(Sample { target_kbps: kbps(bitrate), mitigation, ..sample });
    }

    /// In order.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }
}

/// Congestion control in the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CongestionTotals {
    /// `fixed` or `auto`.
    pub mode: &'static str,
    /// The least that the encoder is asked for.
    pub floor_kbps: f64,
    /// The most.
    pub ceiling_kbps: f64,
    /// Over time; empty when the bitrate is fixed.
    pub samples: Vec<Sample>,
}

impl CongestionTotals {
    /// From the rule, and what became of it.
    pub fn new(rule: BitrateRule, record: Option<&Record>) -> CongestionTotals {
        let (mode, floor) = match rule {
            BitrateRule::Fixed(bitrate) => ("fixed", bitrate),
            BitrateRule::Auto { floor, .. } => ("auto", floor),
        };
        let samples = record.map(|record| record.samples().to_vec()).unwrap_or_default();
        CongestionTotals { mode, floor_kbps: kbps(floor), ceiling_kbps: kbps(rule.ceiling()), samples }
    }
}

fn kbps(bitrate: Bitrate) -> f64 {
    bitrate.as_bps() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_evenly_spaced_samples_of_all_of_it() {
        let mut record = Record::default();
        let target = Target { bitrate: Bitrate::kbps(500), mitigation: Mitigation::NONE };
        for tick in 0..360_000 {
            let at = Duration::from_millis(20) * tick;
            record.note(Sample::new(at, &Measured::default(), Bitrate::kbps(600)), target);
        }
        let samples = record.samples();
        assert!((300..=600).contains(&samples.len()) && samples[0].at_ms == 0.0 && samples[0].target_kbps == 500.0);
        let gaps: Vec<f64> = samples.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).collect();
        assert!(gaps.iter().all(|gap| (gap / gaps[0] - 1.0).abs() < 0.01), "{gaps:?}");
    }
}
