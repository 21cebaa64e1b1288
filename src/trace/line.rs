//! The lines of a trace: one JSON object each. The only file that knows their format; `docs/trace.schema.json` is its schema.

use serde::{Deserialize, Serialize};

use crate::report::{EncoderInfo, Pair, SceneInfo, Stages, State};
use crate::scene::{TrueObject, Truth};
use crate::units::Px;

/// The version of the format. Fields and types of lines may be added within a version: readers leave out what they do not know.
pub const VERSION: u64 = 1;

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// The first line: what was run.
    Header(Box<Header>),
    /// A receiver is connected; the frames produced from now on count for it.
    Receiver(Receiver),
    /// A receiver is gone.
    ReceiverLeft(ReceiverLeft),
    /// All that became known of one frame for one receiver.
    Frame(Box<Frame>),
    /// The last line.
    End(End),
    /// Of a type that this program does not know.
    #[serde(other)]
    Unknown,
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub trace: u64,
    /// The version of rebound.
    pub rebound: String,
    /// The command line, word by word.
    pub command: Vec<String>,
    /// When the run began: RFC 3339. All times in the trace count from here.
    pub started: String,
    /// What was filmed.
    pub scene: SceneInfo,
    /// What encoded it when the run began.
    pub encoder: Option<EncoderInfo>,
    /// The RTP timestamp of the run's start; a frame's follows from its running time.
    pub timestamp_offset: u32,
    /// An answer that took longer was counted as late.
    pub late_after_ns: u64,
    /// The recording of the encoded stream, as on the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<String>,
}

/// A receiver that is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Its number in this run.
    pub receiver: u64,
    /// Its name.
    pub name: String,
    /// When it said its first word.
    pub hello_ns: u64,
    /// When it was ready to be sent video.
    pub joined_ns: u64,
}

/// A receiver that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverLeft {
    /// Its number in this run.
    pub receiver: u64,
    /// When it left.
    pub left_ns: u64,
}

/// One frame for one receiver. Times are on the sender's monotonic clock, since the run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// For whom.
    pub receiver: u64,
    /// The frame's number.
    pub frame: u64,
    /// The frame's key.
    pub rtp: u32,
    /// How it ended.
    #[serde(with = "state_name")]
    pub state: State,
    /// When it was made.
    pub produced_ns: u64,
    /// When it left the encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoded_ns: Option<u64>,
    /// When its first packet was handed to the network for this receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_ns: Option<u64>,
    /// Encoded; 0 if it was not.
    pub bytes: u64,
    /// Whether the encoder made it a keyframe.
    pub keyframe: bool,
    /// Frames of this receiver between its last matched one and this one: none of them was answered in time.
    pub unmatched_before: u64,
    /// Where everything was in it; an empty list if nothing was there, none if nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<Vec<Object>>,
    /// Its answer, if it is matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// Where an object truly was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Its identity, the same in every frame.
    pub id: u32,
    /// Its centre.
    pub x_px: f64,
    /// Its centre.
    pub y_px: f64,
    /// Its radius.
    pub radius_px: f64,
}

/// The answer to a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// When it came.
    pub at_ns: u64,
    /// From the frame's production to the answer.
    pub latency_ns: u64,
    /// Where the latency came from.
    pub stages_ns: StagesNs,
    /// Over the budget that the run had, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_budget: Option<bool>,
    /// Which sighting was which object.
    pub pairs: Vec<Seen>,
    /// Objects that no sighting was left for.
    pub misses: u64,
    /// Sightings that no object was left for.
    pub false_finds: u64,
    /// Where the first eight of them were: x and y.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub false_finds_px: Vec<[f64; 2]>,
}

/// Where a latency came from; what is known adds up to it. `network` is `there` and `return`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StagesNs {
    /// Produced to encoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encode: Option<u64>,
    /// Encoded to the first packet handed to the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<u64>,
    /// Both ways on the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<u64>,
    /// To the arrival of the last packet; needs the receiver's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub there: Option<u64>,
    /// Arrival to picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<u64>,
    /// Picture to sightings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detect: Option<u64>,
    /// Sightings to their arrival at the sender; needs the receiver's clock.
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    pub back: Option<u64>,
}

/// An object and its sighting, in pixels of the frame as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The object.
    pub id: u32,
    /// Where it was seen.
    pub x_px: f64,
    /// Where it was seen.
    pub y_px: f64,
    /// Seen minus true.
    pub dx_px: f64,
    /// Seen minus true.
    pub dy_px: f64,
    /// How wrong: the distance from where it was in the same frame.
    pub error_px: f64,
    /// How wrong when the answer came: the distance from where it was by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness_px: Option<f64>,
    /// Where it truly was when the answer came: x and y.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now_px: Option<[f64; 2]>,
}

/// How the trace ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Lines of frames.
    pub frames: u64,
    /// Lines that are missing before this one, since the disk was too slow.
    pub dropped: u64,
    /// Whether the run goes on after this line: the trace has reached its limit.
    pub limit_reached: bool,
}

impl Frame {
    /// As the trace has it.
    pub(super) fn objects(truth: &Truth) -> Option<Vec<Object>> {
        let object = |object: &TrueObject| {
            let TrueObject { id, centre_px, radius_px } = *object;
            Object { id, x_px: centre_px.x, y_px: centre_px.y, radius_px }
        };
        truth.is_known().then(|| truth.objects().iter().map(object).collect())
    }

    /// Where everything was in it, if that is known.
    pub fn truth(&self) -> Truth {
        let Some(objects) = &self.truth else { return Truth::unknown() };
        objects.iter().copied().map(TrueObject::from).collect()
    }
}

impl From<Object> for TrueObject {
    fn from(Object { id, x_px, y_px, radius_px }: Object) -> TrueObject {
        TrueObject { id, centre_px: Px { x: x_px, y: y_px }, radius_px }
    }
}

impl From<&Pair> for Seen {
    fn from(pair: &Pair) -> Seen {
        let (Pair { id, true_px, seen_px, now_px }, staleness_px) = (*pair, pair.staleness_px());
        Seen {
            id,
            x_px: seen_px.x,
            y_px: seen_px.y,
            dx_px: seen_px.x - true_px.x,
            dy_px: seen_px.y - true_px.y,
            error_px: pair.error_px(),
            staleness_px,
            now_px: now_px.map(|now| [now.x, now.y]),
        }
    }
}

impl From<Stages> for StagesNs {
    fn from(stages: Stages) -> StagesNs {
        let Stages { encode, send, network, there, decode, detect, back } = stages;
        let [encode, send, network, there, decode, detect, back] =
            [encode, send, network, there, decode, detect, back].map(|stage| stage.map(super::as_ns));
        StagesNs { encode, send, network, there, decode, detect, back }
    }
}

/// States by their names in the report.
mod state_name {
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    use crate::report::State;

    pub(super) fn serialize<S: Serializer>(state: &State, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(state.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<State, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(from)?;
        let known = State::ALL.into_iter().find(|state| state.name() == name);
        known.ok_or_else(|| D::Error::custom(format_args!("'{name}' is no state of a frame")))
    }
}
