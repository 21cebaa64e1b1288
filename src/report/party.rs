//! What is counted and measured, in the same way for each receiver and over all.

use std::time::Duration;

use super::distribution::Distribution;
use super::joined::Joined;
use super::offsets::Offsets;
use super::states::{Account, Ended, Evidence, State, Step};
use super::totals::{BudgetTotals, FrameTotals, ObjectTotals, StageTotals, TotalsOf, WitnessTotals};

/// One receiver, or all of them together.
#[derive(Debug, Default)]
pub(super) struct Party {
    pub(super) ended: Ended,
    pub(super) encoded: u64,
    pub(super) keyframes: u64,
    pub(super) sent: u64,
    pub(super) sent_bytes: u64,
    pub(super) unknown: u64,
    pub(super) duplicate: u64,
    pub(super) repeats: u64,
    pub(super) matched_by_repeat: u64,
    pub(super) before_join: u64,
    pub(super) garbage: u64,
    pub(super) witness: WitnessTotals,
    pub(super) rate: Rate,
    decoded: u64,
    detected: u64,
    objects: ObjectTotals,
    first_coordinate: Option<Duration>,
    measured: Measured,
    budget: BudgetCount,
}

/// Answers by age.
#[derive(Debug, Default)]
struct BudgetCount {
    kept: u64,
    missed: u64,
}

#[derive(Debug, Default)]
struct Measured {
    error_px: Distribution,
    offsets: Offsets,
    staleness_px: Distribution,
    latency_ms: Distribution,
    encode_ms: Distribution,
    send_ms: Distribution,
    network_ms: Distribution,
    there_ms: Distribution,
    decode_ms: Distribution,
    detect_ms: Distribution,
    back_ms: Distribution,
}

impl Party {
    /// Takes note of what a receiver let us know of a frame. It only ever learns more: what says less is no news.
    pub(super) fn learn(&mut self, account: &mut Account, evidence: Evidence, step: Step, due: bool) {
        if evidence <= account.evidence {
            return;
        }
        let news = |threshold| u64::from(account.evidence < threshold && evidence >= threshold);
        self.decoded += news(Evidence::Skipped);
        self.detected += news(Evidence::Detected);
        account.evidence = evidence;
        self.ended.update(account, step, due);
    }

    /// Notes that a frame was sent; says whether that is new.
    pub(super) fn note_sent(&mut self, account: &mut Account) {
        self.sent += u64::from(!account.sent);
        account.sent = true;
    }

    /// A coordinate came, be it of a frame that does not count. The receiver said its first word at `hello_at`.
    pub(super) fn note_coordinate(&mut self, at: Duration, hello_at: Duration) {
        self.first_coordinate.get_or_insert(at.saturating_sub(hello_at));
    }

    /// Notes so many bytes on their way.
    pub(super) fn carry(&mut self, at: Duration, bytes: usize) {
        self.rate.note(at, bytes);
        self.sent_bytes += bytes as u64;
    }

    /// Takes in an answer that was joined. The receiver said its first word at `hello_at`.
    pub(super) fn measure(&mut self, joined: &Joined, hello_at: Duration) {
        if !joined.score.pairs().is_empty() {
            self.note_coordinate(joined.at, hello_at);
        }
        self.objects.paired += joined.score.pairs().len() as u64;
        self.objects.misses += joined.score.misses as u64;
        self.objects.false_finds += joined.score.false_finds as u64;
        self.measured.record(joined);
    }

    /// The median, 95th and 99th percentile and so on of error and latency, as far as known.
    pub(super) fn error_and_latency(&self) -> (super::Spread, super::Spread) {
        (self.measured.error_px.spread(), self.measured.latency_ms.spread())
    }

    /// An answer came this long after its frame was made, and coordinates may be as old as `budget`.
    pub(super) fn spend(&mut self, latency: Duration, budget: Option<Duration>) {
        let Some(budget) = budget else { return };
        self.budget.kept += u64::from(latency <= budget);
        self.budget.missed += u64::from(latency > budget);
    }

    /// Of the answers that came, those that were older than they may be; none without answers.
    pub(super) fn missed_percent(&self) -> Option<f64> {
        let BudgetCount { kept, missed } = self.budget;
        (kept + missed > 0).then(|| 100.0 * missed as f64 / (kept + missed) as f64)
    }

    /// In figures.
    pub(super) fn totals(&self, budget: Option<Duration>) -> TotalsOf {
        let matched = self.ended.of(State::Matched);
        TotalsOf {
            frames: FrameTotals {
                produced: self.ended.total(),
                encoded: self.encoded,
                keyframes: self.keyframes,
                sent: self.sent,
                decoded: self.decoded,
                detected: self.detected,
                returned: [State::WrongPicture, State::Late, State::Matched].map(|state| self.ended.of(state)).iter().sum(),
                matched,
                matched_by_repeat: self.matched_by_repeat,
                unknown: self.unknown,
                duplicate: self.duplicate,
                repeats: self.repeats,
                before_join: self.before_join,
                garbage: self.garbage,
                ended: self.ended,
            },
            objects: self.objects,
            witness: self.witness,
            error_px: self.measured.error_px.spread(),
            bias_px: self.measured.offsets.bias(),
            noise_px: self.measured.offsets.noise(),
            staleness_px: self.measured.staleness_px.spread(),
            latency_ms: self.measured.latency_ms.spread(),
            budget: budget.map(|limit| BudgetTotals {
                limit_ms: as_ms(limit),
                kept: self.budget.kept,
                missed: self.budget.missed,
                missed_percent: self.missed_percent(),
            }),
            stages_ms: self.measured.stages(),
            fps: self.rate.per_second(),
            bitrate_kbps: self.rate.kbps(),
            sent_bytes: self.sent_bytes,
            first_coordinate_ms: self.first_coordinate.map(as_ms),
        }
    }
}

impl Measured {
    fn record(&mut self, joined: &Joined) {
        for pair in joined.score.pairs() {
            self.error_px.record(pair.error_px());
            self.offsets.record(pair.seen_px, pair.true_px);
            pair.staleness_px().into_iter().for_each(|staleness| self.staleness_px.record(staleness));
        }
        self.latency_ms.record(as_ms(joined.latency));
        let stages = joined.stages;
        for (distribution, duration) in [
            (&mut self.encode_ms, stages.encode),
            (&mut self.send_ms, stages.send),
            (&mut self.network_ms, stages.network),
            (&mut self.there_ms, stages.there),
            (&mut self.decode_ms, stages.decode),
            (&mut self.detect_ms, stages.detect),
            (&mut self.back_ms, stages.back),
        ] {
            duration.into_iter().for_each(|duration| distribution.record(as_ms(duration)));
        }
    }

    fn stages(&self) -> StageTotals {
        StageTotals {
            encode: self.encode_ms.spread(),
            send: self.send_ms.spread(),
            there: self.there_ms.spread(),
            decode: self.decode_ms.spread(),
            detect: self.detect_ms.spread(),
            back: self.back_ms.spread(),
            network: self.network_ms.spread(),
        }
    }
}

pub(super) fn as_ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// How fast frames go by: intervals between them, so that it is right from the second frame on.
#[derive(Debug, Default)]
pub(super) struct Rate {
    last: Option<Duration>,
    elapsed: Duration,
    intervals: u64,
    /// Without those of frames that no interval leads to.
    bytes: u64,
}

impl Rate {
    pub(super) fn note(&mut self, at: Duration, bytes: usize) {
        if let Some(last) = self.last {
            self.elapsed += at.saturating_sub(last);
            self.intervals += 1;
            self.bytes += bytes as u64;
        }
        self.last = Some(at);
    }

    /// The time until the next frame does not count.
    pub(super) fn pause(&mut self) {
        self.last = None;
    }

    pub(super) fn per_second(&self) -> Option<f64> {
        self.seconds().map(|seconds| self.intervals as f64 / seconds)
    }

    pub(super) fn kbps(&self) -> Option<f64> {
        self.seconds().map(|seconds| self.bytes as f64 * 8.0 / 1e3 / seconds)
    }

    fn seconds(&self) -> Option<f64> {
        (!self.elapsed.is_zero()).then_some(self.elapsed.as_secs_f64())
    }
}
