//! What a receiver is told that asks for it: where everything truly is, and what was measured of its answers.

use serde::{Deserialize, Serialize};

use super::wire::check_place;
use super::{MAX_INTEGER, MAX_OBJECTS, MAX_SIDE_PX, MAX_STAGE_US, MessageError, at_most, check_integer, within};
use crate::units::{Px, RtpTime};

/// The most results in one message: those of a tenth of a second at 160 frames per second, in less than half of the longest message
/// with eight objects in each.
pub const MAX_RESULTS: usize = 16;

/// Farther than this from its truth nothing can be seen: places reach one picture beyond each border.
const MAX_ERROR_PX: f64 = 4.0 * MAX_SIDE_PX as f64;

/// Receiver to sender: what it wants to be told from now on. Nothing, unless it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// A [`FrameTruth`] for each frame.
    pub truth: bool,
    /// [`Results`] of its own answers.
    pub results: bool,
}

/// Sender to receiver: where everything truly is in one frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameTruth {
    /// The frame.
    pub rtp: RtpTime,
    /// Width in pixels of the frame as it was made.
    pub width: u32,
    /// Height in pixels of the frame as it was made.
    pub height: u32,
    /// What is in it.
    pub objects: Vec<TruePlace>,
}

/// Where one object truly is, in pixels of the frame as it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TruePlace {
    /// Its identity, the same in every frame.
    pub id: u32,
    /// Its centre.
    pub x: f64,
    /// Its centre.
    pub y: f64,
    /// Its radius.
    pub radius: f64,
}

/// Sender to receiver: what its answers were worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Of the answers since the last such message, at most [`MAX_RESULTS`].
    pub results: Vec<FrameResult>,
    /// Of all of its answers so far, about once a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<ResultsSoFar>,
}

/// What one answer was worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameResult {
    /// The frame that it was joined to.
    pub rtp: RtpTime,
    /// From the production of the frame to the arrival of the answer.
    pub latency_us: u64,
    /// For each object that was seen, how far from its true place in this frame, in pixels of the frame as it was made.
    pub errors_px: Vec<f64>,
    /// Objects that were not seen.
    pub misses: u64,
    /// Sightings of what is not there.
    pub false_finds: u64,
    /// Where the latency came from.
    pub stages_us: StageTimes,
}

/// The stages of one frame's way in microseconds, as far as they are known; named as in the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTimes {
    /// Produced to encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<u64>,
    /// Encoded to the first packet on the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<u64>,
    /// Both ways on the network; only where they are not known one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<u64>,
    /// To the arrival of the last packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<u64>,
    /// Arrival to picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decode: Option<u64>,
    /// Picture to sightings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect: Option<u64>,
    /// Sightings to their arrival at the sender.
    #[serde(rename = "return", default, skip_serializing_if = "Option::is_none")]
    pub back: Option<u64>,
}

/// All answers of a receiver so far, as in the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultsSoFar {
    /// Frames since it joined, without those that may still be answered in time.
    pub frames: u64,
    /// Of these, answered in time.
    pub matched: u64,
    /// Of the errors.
    pub error_px: Percentiles,
    /// Of the latencies.
    pub latency_ms: Percentiles,
}

/// Three percentiles; none where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The median.
    pub p50: Option<f64>,
    /// Exceeded by one in twenty.
    pub p95: Option<f64>,
    /// Exceeded by one in a hundred.
    pub p99: Option<f64>,
}

impl FrameTruth {
    /// Writes the message into `text`, whose memory is reused. Refuses what [`super::read`] would refuse.
    pub fn write(&self, text: &mut String) -> Result<(), MessageError> {
        self.check()?;
        super::write("truth", self, text)
    }

    pub(super) fn check(&self) -> Result<(), MessageError> {
        within("width", self.width, 1..=MAX_SIDE_PX)?;
        within("height", self.height, 1..=MAX_SIDE_PX)?;
        at_most("objects", self.objects.len(), MAX_OBJECTS)?;
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        self.objects.iter().try_for_each(|&TruePlace { x, y, radius, .. }| {
            check_place(Px { x, y }, width, height)?;
            within("radius", radius, 0.0..=2.0 * width.max(height))
        })
    }
}

impl Results {
    /// Writes the message into `text`, whose memory is reused. Refuses what [`super::read`] would refuse.
    pub fn write(&self, text: &mut String) -> Result<(), MessageError> {
        self.check()?;
        super::write("results", self, text)
    }

    pub(super) fn check(&self) -> Result<(), MessageError> {
        at_most("results", self.results.len(), MAX_RESULTS)?;
        self.results.iter().try_for_each(FrameResult::check)?;
        self.totals.iter().try_for_each(ResultsSoFar::check)
    }
}

impl FrameResult {
    fn check(&self) -> Result<(), MessageError> {
        check_integer("latency_us", self.latency_us, MAX_STAGE_US)?;
        at_most("errors", self.errors_px.len(), MAX_OBJECTS)?;
        self.errors_px.iter().try_for_each(|&error| within("error", error, 0.0..=MAX_ERROR_PX))?;
        check_integer("misses", self.misses, MAX_INTEGER)?;
        check_integer("false_finds", self.false_finds, MAX_INTEGER)?;
        let StageTimes { encode, send, network, there, decode, detect, back } = self.stages_us;
        let mut stages = [encode, send, network, there, decode, detect, back].into_iter().flatten();
        stages.try_for_each(|us| check_integer("stage", us, MAX_STAGE_US))
    }
}

impl ResultsSoFar {
    fn check(&self) -> Result<(), MessageError> {
        check_integer("frames", self.frames, MAX_INTEGER)?;
        check_integer("matched", self.matched, MAX_INTEGER)?;
        let checked = [(self.error_px, MAX_ERROR_PX), (self.latency_ms, MAX_STAGE_US as f64 / 1e3)];
        checked.into_iter().try_for_each(|(Percentiles { p50, p95, p99 }, most)| {
            [p50, p95, p99].into_iter().flatten().try_for_each(|value| within("percentile", value, 0.0..=most))
        })
    }
}
