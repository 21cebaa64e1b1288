//! The data-channel messages: one JSON object each. The only file that knows their format; `docs/protocol.md` describes it.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::RangeInclusive;

mod sightings;
mod stats;
mod watch;
mod wire;

pub use sightings::{Earlier, MAX_EARLIER, MAX_RECENT, Recent, Sightings};
pub use stats::{PacketStats, PictureStats, ReceiverStats};
pub use watch::{FrameResult, FrameTruth, MAX_RESULTS, Percentiles, Results, ResultsSoFar, StageTimes, TruePlace, Watch};

/// The version that this program speaks. Fields may be added within a version, since unknown ones are ignored.
pub const VERSION: u64 = 1;

/// The longest message, in bytes: 64 objects, 64 fates and 64 places of earlier answers need 15 KiB, and it is the largest that every SCTP stack passes
/// in one piece (RFC 8831 section 6.6).
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// The most objects in one message: eight times what a scene has, and still less than 8 KiB.
pub const MAX_OBJECTS: usize = 64;

/// The longest label, in bytes.
pub const MAX_LABEL_BYTES: usize = 64;

/// Whole numbers end here: a JavaScript client has no larger exact ones.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// No frame takes longer than a minute to decode or to look at.
const MAX_STAGE_US: u64 = 60_000_000;

/// Larger than any codec's frame.
const MAX_SIDE_PX: u32 = 65_535;

/// Everything that can arrive on the data channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Receiver to sender: what was seen in one frame.
    Sightings(Sightings),
    /// Sender to receiver: are you there?
    Ping(Ping),
    /// Receiver to sender: yes.
    Pong(Pong),
    /// Receiver to sender: what it costs, and what became of what it was sent.
    Stats(ReceiverStats),
    /// Receiver to sender: what it wants to be told.
    Watch(Watch),
    /// Sender to receiver: where everything truly is.
    Truth(FrameTruth),
    /// Sender to receiver: what its answers were worth.
    Results(Results),
}

/// Are you there? A receiver answers at once with a [`Pong`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Counts the pings to one receiver.
    pub id: u64,
    /// When it was sent, in microseconds on the sender's clock.
    pub sent_us: u64,
}

/// The answer to a [`Ping`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// As in the ping.
    pub id: u64,
    /// As in the ping.
    pub sent_us: u64,
    /// When the ping arrived, in microseconds on the receiver's clock, the one of [`Sightings::arrived_us`].
    pub received_us: u64,
    /// When this answer was sent, in microseconds on the same clock.
    pub answered_us: u64,
}

/// Why a message is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MessageError {
    /// Too long.
    #[error("message of {0} bytes is longer than {MAX_MESSAGE_BYTES}; send fewer objects")]
    TooLong(usize),
    /// Not JSON, or not the fields that its type needs.
    #[error("message cannot be read ({0}); see docs/protocol.md")]
    Syntax(String),
    /// A type nobody knows.
    #[error("message type '{0}' is unknown; known are sightings, ping, pong, stats, watch, truth and results")]
    UnknownType(String),
    /// Another version of the protocol.
    #[error("message version {0} is not supported; this program speaks version {VERSION}")]
    UnsupportedVersion(u64),
    /// A frame that is not named, or named twice.
    #[error("a sightings message names its frame by {0}; send 'rtp', or 'ticks', or at least the 'code' in the picture")]
    Key(&'static str),
    /// Too many of something.
    #[error("{count} {what} in one message are too many; at most {max} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A number out of range.
    #[error("{what} {value} is out of range; allowed is {min} to {max}")]
    OutOfRange {
        /// The field.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The least allowed.
        min: f64,
        /// The most allowed.
        max: f64,
    },
}

/// Reads one message, as it came from the network. Refuses everything that is not in `docs/protocol.md`, except for unknown
/// fields, which it ignores.
pub fn read(bytes: &[u8]) -> Result<Message, MessageError> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
        version: u64,
    }
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(MessageError::TooLong(bytes.len()));
    }
    let head: Head<'_> = parse(bytes)?;
    if head.version != VERSION {
        return Err(MessageError::UnsupportedVersion(head.version));
    }
    let message = match head.kind.as_ref() {
        "sightings" => Message::Sightings(parse(bytes)?),
        "ping" => Message::Ping(parse(bytes)?),
        "pong" => Message::Pong(parse(bytes)?),
        "stats" => Message::Stats(parse(bytes)?),
        "watch" => Message::Watch(parse(bytes)?),
        "truth" => Message::Truth(parse(bytes)?),
        "results" => Message::Results(parse(bytes)?),
        other => return Err(MessageError::UnknownType(excerpt(other))),
    };
    message.check()?;
    Ok(message)
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, MessageError> {
    serde_json::from_slice(bytes).map_err(|error| MessageError::Syntax(excerpt(&error.to_string())))
}

/// The beginning of what a stranger wrote: enough to find the fault, too little to flood a log.
fn excerpt(text: &str) -> String {
    text.chars().take(120).collect()
}

impl Message {
    /// Writes the message into `text`, whose memory is reused. Refuses what [`read`] would refuse.
    pub fn write(&self, text: &mut String) -> Result<(), MessageError> {
        match self {
            Message::Sightings(sightings) => sightings.write(text),
            Message::Ping(ping) => ping.write(text),
            Message::Pong(pong) => pong.write(text),
            Message::Stats(stats) => stats.write(text),
            Message::Watch(watch) => write("watch", watch, text),
            Message::Truth(truth) => truth.write(text),
            Message::Results(results) => results.write(text),
        }
    }

    fn check(&self) -> Result<(), MessageError> {
        match self {
            Message::Sightings(sightings) => sightings.check(),
            Message::Ping(ping) => ping.check(),
            Message::Pong(pong) => pong.check(),
            Message::Stats(stats) => stats.check(),
            Message::Watch(_) => Ok(()),
            Message::Truth(truth) => truth.check(),
            Message::Results(results) => results.check(),
        }
    }
}

impl Ping {
    /// Writes the message into `text`, whose memory is reused.
    pub fn write(&self, text: &mut String) -> Result<(), MessageError> {
        self.check()?;
        write("ping", self, text)
    }

    /// The answer of a receiver that got this ping at `received_us` and answers at `answered_us`.
    pub fn answer(self, received_us: u64, answered_us: u64) -> Pong {
        Pong { id: self.id, sent_us: self.sent_us, received_us, answered_us }
    }

    fn check(&self) -> Result<(), MessageError> {
        check_integer("id", self.id, MAX_INTEGER)?;
        check_integer("sent_us", self.sent_us, MAX_INTEGER)
    }
}

impl Pong {
    /// Writes the message into `text`, whose memory is reused.
    pub fn write(&self, text: &mut String) -> Result<(), MessageError> {
        self.check()?;
        write("pong", self, text)
    }

    fn check(&self) -> Result<(), MessageError> {
        check_integer("id", self.id, MAX_INTEGER)?;
        check_integer("sent_us", self.sent_us, MAX_INTEGER)?;
        check_integer("received_us", self.received_us, MAX_INTEGER)?;
        check_integer("answered_us", self.answered_us, MAX_INTEGER)
    }
}

fn write(kind: &'static str, body: &impl Serialize, text: &mut String) -> Result<(), MessageError> {
    #[derive(Serialize)]
    struct Framed<'a, T> {
        #[serde(rename = "type")]
        kind: &'static str,
        version: u64,
        #[serde(flatten)]
        body: &'a T,
    }
    wire::into_string(&Framed { kind, version: VERSION, body }, text)?;
    if text.len() > MAX_MESSAGE_BYTES { Err(MessageError::TooLong(text.len())) } else { Ok(()) }
}

fn check_integer(what: &'static str, value: u64, max: u64) -> Result<(), MessageError> {
    // Both are exact as f64 up to 2^53; beyond it only the message of the error is rounded.
    if value > max { Err(out_of_range(what, value as f64, 0.0, max as f64)) } else { Ok(()) }
}

fn within<T: Into<f64> + Copy + PartialOrd>(
    what: &'static str,
    value: T,
    allowed: RangeInclusive<T>,
) -> Result<(), MessageError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(out_of_range(what, value.into(), (*allowed.start()).into(), (*allowed.end()).into()))
}

fn out_of_range(what: &'static str, value: f64, min: f64, max: f64) -> MessageError {
    MessageError::OutOfRange { what, value, min, max }
}

fn at_most(what: &'static str, count: usize, max: usize) -> Result<(), MessageError> {
    if count > max { Err(MessageError::TooMany { what, count, max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
