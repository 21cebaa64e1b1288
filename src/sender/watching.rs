//! What receivers are told that ask for it, such as the page: truth, frame by frame, and what their answers were worth.
//!
//! Who does not ask pays nothing. Who asks is told of no more than 60 frames' truth a second, and of results ten times a second.

use std::time::Duration;

use super::Sender;
use super::member::Member;
use crate::feedback::message::{
    FrameResult, FrameTruth, MAX_RESULTS, Percentiles, Results, ResultsSoFar, StageTimes, TruePlace, Watch,
};
use crate::report::{Joined, Ledger, Pair, ReceiverId, ReceiverSummary, Spread, Stages};
use crate::scene::Truth;
use crate::signalling::message::Role;
use crate::signalling::room::PeerId;
use crate::units::RtpTime;

/// The least time from one truth to the next: of 60 frames per second, none is left out.
const TRUTH_EVERY: Duration = Duration::from_millis(15);

/// Figures and plots are not renewed more often than this for a person's eye.
const RESULTS_EVERY: Duration = Duration::from_millis(100);

/// Percentiles over a whole run hardly move within a second.
const TOTALS_EVERY: Duration = Duration::from_secs(1);

/// What one receiver wants to be told, and what it has been.
#[derive(Debug, Default)]
pub(super) struct Watching {
    wish: Watch,
    truth_at: Option<Duration>,
    results_at: Duration,
    totals_at: Option<Duration>,
    /// Not told yet.
    results: Results,
    text: String,
}

impl Sender {
    pub(super) fn on_watch(&mut self, id: PeerId, wish: Watch) {
        let Some(member) = self.members.get_mut(&id) else { return };
        tracing::debug!(receiver = member.name, ?wish, "asks to be told");
        member.watching.wish = wish;
    }

    /// A frame was made.
    pub(super) fn tell_truth(&mut self, rtp: RtpTime, truth: &Truth, at: Duration) {
        if !truth.is_known() {
            return;
        }
        let size = self.config.size;
        let mut told: Option<FrameTruth> = None;
        for member in self.members.values_mut().filter(|member| member.watching.wants_truth(at)) {
            let told = told.get_or_insert_with(|| frame_truth(rtp, truth, (size.width(), size.height())));
            member.watching.truth_at = Some(at);
            if told.write(&mut member.watching.text).is_ok() {
                member.tell_watcher();
            }
        }
    }

    /// An answer was joined to its frame.
    pub(super) fn note_result(&mut self, id: PeerId, joined: &Joined) {
        let Some(member) = self.members.get_mut(&id).filter(|member| member.watching.wish.results) else { return };
        let results = &mut member.watching.results.results;
        results.push(frame_result(joined));
        if results.len() == MAX_RESULTS {
            member.tell_results();
        }
    }

    pub(super) fn tell_results(&mut self, now: Duration) {
        for member in self.members.values_mut() {
            let watching = &mut member.watching;
            let is_due = watching.wish.results && now.saturating_sub(watching.results_at) >= RESULTS_EVERY;
            if !is_due || member.active.is_none() || member.role == Role::Viewer {
                continue;
            }
            watching.results_at = now;
            watching.results.totals = watching.totals(&self.ledger, member.receiver, now);
            if !watching.results.results.is_empty() || watching.results.totals.is_some() {
                member.tell_results();
            }
        }
    }
}

impl Watching {
    fn wants_truth(&self, at: Duration) -> bool {
        self.wish.truth && self.truth_at.is_none_or(|before| at.saturating_sub(before) >= TRUTH_EVERY)
    }

    fn totals(&mut self, ledger: &Ledger, id: ReceiverId, now: Duration) -> Option<ResultsSoFar> {
        let is_due = self.totals_at.is_none_or(|before| now.saturating_sub(before) >= TOTALS_EVERY);
        let summary = is_due.then(|| ledger.receiver_summary(id)).flatten()?;
        self.totals_at = Some(now);
        Some(so_far(&summary))
    }
}

impl Member {
    fn tell_results(&mut self) {
        let Watching { results, text, .. } = &mut self.watching;
        let written = results.write(text);
        results.results.clear();
        results.totals = None;
        match written {
            Ok(()) => self.tell_watcher(),
            Err(error) => tracing::debug!("results are not told: {error}"),
        }
    }

    /// On a channel that is full nothing waits: the next news are newer.
    fn tell_watcher(&self) {
        if let (Some(_), Some(peer)) = (&self.active, &self.peer) {
            let _ = peer.channel().send(&self.watching.text);
        }
    }
}

/// A ten-thousandth of a pixel is far below any detector's noise, and makes messages half as long.
fn rounded(px: f64) -> f64 {
    (px * 1e4).round() / 1e4
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn frame_truth(rtp: RtpTime, truth: &Truth, (width, height): (u32, u32)) -> FrameTruth {
    let place = |object: &crate::scene::TrueObject| TruePlace {
        id: object.id,
        x: rounded(object.centre_px.x),
        y: rounded(object.centre_px.y),
        radius: rounded(object.radius_px),
    };
    FrameTruth { rtp, width, height, objects: truth.objects().iter().map(place).collect() }
}

fn frame_result(joined: &Joined) -> FrameResult {
    let Joined { rtp, latency, ref score, stages, .. } = *joined;
    let Stages { encode, send, network, there, decode, detect, back } = stages;
    let network = network.filter(|_| there.is_none());
    let [encode, send, network, there, decode, detect, back] =
        [encode, send, network, there, decode, detect, back].map(|stage| stage.map(micros));
    FrameResult {
        rtp,
        latency_us: micros(latency),
        errors_px: score.pairs().iter().map(Pair::error_px).map(rounded).collect(),
        misses: score.misses as u64,
        false_finds: score.false_finds as u64,
        stages_us: StageTimes { encode, send, network, there, decode, detect, back },
    }
}

fn so_far(summary: &ReceiverSummary) -> ResultsSoFar {
    let ReceiverSummary { frames, matched, in_flight, error_px, latency_ms, .. } = summary;
    let percentiles = |&Spread { p50, p95, p99, .. }: &Spread| {
        let [p50, p95, p99] = [p50, p95, p99].map(|value| value.map(rounded));
        Percentiles { p50, p95, p99 }
    };
    let frames = frames.saturating_sub(*in_flight);
    ResultsSoFar { frames, matched: *matched, error_px: percentiles(error_px), latency_ms: percentiles(latency_ms) }
}
