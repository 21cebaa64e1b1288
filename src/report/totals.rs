//! The figures of a run, and the report that they make. `docs/report.schema.json` is its schema.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::party::as_ms;
use super::{Bias, Cost, Ended, Kept, Noise, ReceiverId, SenderCost, Spread};
use crate::congestion::CongestionTotals;
use crate::feedback::ReceiverStats;
use crate::impair::Counters;

/// Everything measured in a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Totals {
    /// Over all receivers. A frame counts once, in the best of the states that it has for them.
    #[serde(flatten)]
    pub all: TotalsOf,
    /// Frames produced while no receiver was there; they count nowhere else.
    pub frames_unwatched: u64,
    /// Each receiver, in the order in which they joined.
    pub receivers: Vec<ReceiverTotals>,
    /// Receivers that joined and left so long ago that they are no longer listed.
    pub receivers_forgotten: u64,
}

/// What is measured alike for each receiver and over all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TotalsOf {
    /// Counts of frames and answers.
    pub frames: FrameTotals,
    /// Counts of objects in the frames that were answered in time.
    pub objects: ObjectTotals,
    /// What the codes in the pictures say of the joins; over all: of every receiver's.
    pub witness: WitnessTotals,
    /// Distance of a sighting from its object in the same frame.
    pub error_px: Spread,
    /// The part of the error that is always the same.
    pub bias_px: Bias,
    /// The part of the error that is chance.
    pub noise_px: Noise,
    /// Distance of a sighting from where its object is when the coordinate arrives.
    pub staleness_px: Spread,
    /// From the production of a frame to its coordinates.
    pub latency_ms: Spread,
    /// How old coordinates may be, and were; if that was asked for.
    pub budget: Option<BudgetTotals>,
    /// Where the latency comes from.
    pub stages_ms: StageTotals,
    /// Frames encoded a second; for a receiver: sent to it.
    pub fps: Option<f64>,
    /// Of what was encoded; for a receiver: of what was sent to it. Without the network's headers.
    pub bitrate_kbps: Option<f64>,
    /// Encoded video handed to the network, without headers; over all: for all receivers together.
    pub sent_bytes: u64,
    /// From a receiver's first word to its first coordinate; over all: of the receiver that was first.
    pub first_coordinate_ms: Option<f64>,
}

/// Counts of frames, and of answers that belong to no frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FrameTotals {
    /// Made by the source.
    pub produced: u64,
    /// Left the encoder.
    pub encoded: u64,
    /// Of these, keyframes.
    pub keyframes: u64,
    /// Handed to the network.
    pub sent: u64,
    /// Became a picture, as far as the receivers tell.
    pub decoded: u64,
    /// Looked at, as far as the receivers tell.
    pub detected: u64,
    /// Answered: in time, late, or of a wrong picture.
    pub returned: u64,
    /// Answered in time.
    pub matched: u64,
    /// Of these, by an answer that came again because its own message did not come, or came later.
    pub matched_by_repeat: u64,
    /// Answers whose key no remembered frame has.
    pub unknown: u64,
    /// Further answers to a frame.
    pub duplicate: u64,
    /// Answers that came again after they had come, as is meant.
    pub repeats: u64,
    /// Answers to frames from before the receiver joined, or from warm-up.
    pub before_join: u64,
    /// Messages that could not be read.
    pub garbage: u64,
    /// How the produced frames ended.
    pub ended: Ended,
}

/// How many answers came within their budget.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BudgetTotals {
    /// How old a coordinate may be when it comes.
    pub limit_ms: f64,
    /// Answers that were no older.
    pub kept: u64,
    /// Answers that were older, late ones among them.
    pub missed: u64,
    /// Of the answers that came.
    pub missed_percent: Option<f64>,
}

/// Counts of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObjectTotals {
    /// Pairs of an object and a sighting.
    pub paired: u64,
    /// Objects without a sighting.
    pub misses: u64,
    /// Sightings without an object.
    pub false_finds: u64,
}

/// Answers that were joined by time, and what the codes in their pictures say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WitnessTotals {
    /// Had a code.
    pub checked: u64,
    /// The code was the joined frame's.
    pub agree: u64,
    /// The code was another frame's: not measured.
    pub disagree: u64,
    /// A code had been drawn, but none came back.
    pub unread: u64,
}

/// Where the latency comes from: encode + send + there + decode + detect + return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StageTotals {
    /// Produced to encoded.
    pub encode: Spread,
    /// Encoded to the first packet handed to the network.
    pub send: Spread,
    /// From there to the arrival of the last packet; needs the receiver's clock.
    pub there: Spread,
    /// Arrival to picture.
    pub decode: Spread,
    /// Picture to sightings.
    pub detect: Spread,
    /// Sightings to their arrival; needs the receiver's clock.
    #[serde(rename = "return")]
    pub back: Spread,
    /// The sum of `there` and `return`, known without the receiver's clock.
    pub network: Spread,
}

/// One receiver's part of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReceiverTotals {
    /// Its number in this run.
    pub id: ReceiverId,
    /// Its name.
    pub name: String,
    /// Whether it looks at nothing and answers nothing: no frame counts for it then.
    pub viewer: bool,
    /// When it joined, since the run began.
    pub joined_ms: f64,
    /// When it left.
    pub left_ms: Option<f64>,
    /// When its connection was lost and another took its place; the newest hundred.
    pub interruptions: Vec<Interruption>,
    /// Its clock against the sender's.
    pub clock_offset: ClockTotals,
    /// The messages that its answers came in.
    pub results: ResultTotals,
    /// What it took of its machine, as it tells.
    pub cost: Cost,
    /// How its timestamps became keys, if they are from an unknown beginning.
    pub calibration: Option<CalibrationTotals>,
    /// What it told of itself last.
    pub stats: Option<ReceiverStats>,
    /// What was measured.
    #[serde(flatten)]
    pub all: TotalsOf,
}

/// A time in which a receiver had no connection; no frame made then counts for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interruption {
    /// When its connection was given up, since the run began.
    pub from_ms: f64,
    /// When the next one was up.
    pub to_ms: f64,
}

impl Interruption {
    pub(super) fn new(from: Duration, to: Duration) -> Interruption {
        Interruption { from_ms: as_ms(from), to_ms: as_ms(to) }
    }
}

/// Messages with answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ResultTotals {
    /// Sent by the receiver, as far as its numbers tell.
    pub sent: u64,
    /// Of these, those that did not come.
    pub lost: u64,
}

/// A receiver's clock minus the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClockTotals {
    /// The last estimate.
    pub offset_ms: Option<f64>,
    /// It is at most this far off.
    pub uncertainty_ms: Option<f64>,
    /// How fast it grows, in millionths; 0 until that is known.
    pub drift_ppm: Option<f64>,
    /// What it truly is, by the kernel's clock: from a receiver on the sender's machine.
    pub true_ms: Option<f64>,
}

/// The beginning of a receiver's own timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CalibrationTotals {
    /// The key of its timestamp 0, in ticks of 90 kHz, modulo 2^32.
    pub offset_ticks: u32,
    /// What it was learnt from.
    pub from: &'static str,
    /// Answers that agree with it.
    pub agreeing: u64,
}

/// The figures for a live view.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Frames produced while somebody watched.
    pub frames: u64,
    /// Of these, answered in time.
    pub matched: u64,
    /// Frames encoded a second, lately.
    pub fps: Option<f64>,
    /// Encoded bits a second, lately.
    pub bitrate_kbps: Option<f64>,
    /// Since the run began.
    pub error_px: Spread,
    /// Since the run began.
    pub latency_ms: Spread,
    /// Of the answers that came, those that were older than they may be; none without a budget.
    pub missed_percent: Option<f64>,
    /// Each receiver that is there or has just left.
    pub receivers: Vec<ReceiverSummary>,
}

/// One receiver in a live view.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverSummary {
    /// Its number in this run.
    pub id: ReceiverId,
    /// Its name.
    pub name: String,
    /// Whether it is still there.
    pub present: bool,
    /// Frames produced since it joined.
    pub frames: u64,
    /// Of these, answered in time.
    pub matched: u64,
    /// Of these, not answered yet, and still in time.
    pub in_flight: u64,
    /// Since it joined.
    pub error_px: Spread,
    /// Since it joined.
    pub latency_ms: Spread,
}

/// What was run, where and when: the head of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunInfo {
    /// The version of rebound.
    #[serde(rename = "rebound")]
    pub version: String,
    /// The command line, word by word.
    pub command: Vec<String>,
    /// When the run began: RFC 3339.
    pub started: String,
    /// What was filmed.
    pub scene: SceneInfo,
    /// What encoded it last; none if no frame got that far.
    pub encoder: Option<EncoderInfo>,
    /// The bad network that was made on purpose; none if the network was left as it is.
    pub impairment: Option<ImpairmentInfo>,
    /// What the sender took of its machine.
    pub cost: SenderCost,
    /// What the instrument itself adds.
    pub floors: Floors,
    /// The files that it leaves.
    #[serde(flatten)]
    pub kept: Kept,
    /// How the bitrate came about; none when a trace is scored again.
    pub congestion: Option<CongestionTotals>,
}

/// What no better codec, network or receiver could take away from the figures of this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Floors {
    /// The error of the detector `ball` on this scene's frames as they are drawn.
    pub error_px: Spread,
    /// From when a frame was due to when it was drawn, in this run: timer, scheduler and renderer.
    pub produced_late_ms: Spread,
}

/// What the network was made to do to all that the sender sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImpairmentInfo {
    /// As `--impair` reads it, with presets spelled out.
    pub spec: String,
    /// When its timeline began, for the first receiver.
    pub timeline_from_ms: Option<f64>,
    /// What became of the packets, over all receivers.
    pub packets: Counters,
}

/// What was filmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SceneInfo {
    /// As on the command line.
    pub name: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Frames per second, as asked for.
    pub fps: u32,
    /// What its chance depends on.
    pub seed: Option<u64>,
    /// Of its objects, in pixels.
    pub radius_px: Option<f64>,
    /// Of its objects, in pixels per second.
    pub speed_px_per_s: Option<f64>,
    /// The detector whose results on the frames before encoding are the truth; none for a scene, whose truth is known.
    pub reference: Option<String>,
}

/// What encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncoderInfo {
    /// As in the table of encoders.
    pub name: String,
    /// As in SDP.
    pub codec: String,
    /// Whether it is hardware.
    pub hardware: bool,
}

/// A whole report, as `--report` writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What was run.
    #[serde(flatten)]
    pub run: RunInfo,
    /// What was measured.
    #[serde(flatten)]
    pub totals: Totals,
}

impl Report {
    /// As JSON, indented, with a newline at the end.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("only strings, numbers and maps with names as keys");
        json.push('\n');
        json
    }
}

#[cfg(test)]
pub(super) mod tests;
