//! What a receiver tells of itself.

use serde::{Deserialize, Serialize};

use super::{MAX_INTEGER, MessageError, check_integer, within};

/// No jitterbuffer holds packets back for longer than a minute.
const MAX_JITTER_MS: f64 = 60_000.0;

/// What a receiver costs and what became of what it was sent, about once a second. All of it is optional; counts and times are
/// since its connection began, but for processor time and memory, which are those of its process. In a report as in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReceiverStats {
    /// When this was read, in microseconds on the receiver's clock.
    pub at_us: Option<u64>,
    /// Processor time of its process, all threads, in microseconds.
    pub cpu_us: Option<u64>,
    /// The most memory that its process has held at a time.
    pub max_rss_bytes: Option<u64>,
    /// Threads of its process now.
    pub threads: Option<u64>,
    /// What the kernel's `CLOCK_MONOTONIC` showed, in microseconds, when the receiver's clock showed 0. Told only to a sender on the
    /// same machine, which can check its own estimate with it.
    pub monotonic_zero_us: Option<u64>,
    /// How long its jitterbuffer holds packets back, in milliseconds.
    pub jitter_ms: Option<f64>,
    /// Packets of video.
    pub packets: PacketStats,
    /// Decoded pictures.
    pub pictures: PictureStats,
}

/// What became of the packets of video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PacketStats {
    /// Came in time, at the first attempt or a later one.
    pub received: Option<u64>,
    /// Never came, or too late.
    pub lost: Option<u64>,
    /// Of those received, at a later attempt or by error correction.
    pub recovered: Option<u64>,
    /// Asked for again.
    pub retransmission_requests: Option<u64>,
}

/// What became of the decoded pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureStats {
    /// All that the decoder made.
    pub decoded: Option<u64>,
    /// Of these, those that the detector had no time for.
    pub skipped: Option<u64>,
    /// Of these, those that were made from incomplete data, which nobody looked at.
    pub damaged: Option<u64>,
}

impl ReceiverStats {
    /// Writes the message into `text`, whose memory is reused. Refuses what [`super::read`] would refuse.
    pub fn write(&self, text: &mut String) -> Result<(), MessageError> {
        self.check()?;
        super::write("stats", self, text)
    }

    /// With only those packets and pictures that were counted after an earlier word; the rest as it is.
    pub fn since(&self, earlier: &ReceiverStats) -> ReceiverStats {
        let more = |of: fn(&ReceiverStats) -> Option<u64>| Some(of(self)?.saturating_sub(of(earlier).unwrap_or(0)));
        let packets = PacketStats {
            received: more(|stats| stats.packets.received),
            lost: more(|stats| stats.packets.lost),
            recovered: more(|stats| stats.packets.recovered),
            retransmission_requests: more(|stats| stats.packets.retransmission_requests),
        };
        let pictures = PictureStats {
            decoded: more(|stats| stats.pictures.decoded),
            skipped: more(|stats| stats.pictures.skipped),
            damaged: more(|stats| stats.pictures.damaged),
        };
        ReceiverStats { packets, pictures, ..*self }
    }

    pub(super) fn check(&self) -> Result<(), MessageError> {
        let ReceiverStats { at_us, cpu_us, max_rss_bytes, threads, monotonic_zero_us, jitter_ms, packets, pictures } = *self;
        for (what, value) in [
            ("at_us", at_us),
            ("cpu_us", cpu_us),
            ("max_rss_bytes", max_rss_bytes),
            ("threads", threads),
            ("monotonic_zero_us", monotonic_zero_us),
            ("packets received", packets.received),
            ("packets lost", packets.lost),
            ("packets recovered", packets.recovered),
            ("retransmission requests", packets.retransmission_requests),
            ("pictures decoded", pictures.decoded),
            ("pictures skipped", pictures.skipped),
            ("pictures damaged", pictures.damaged),
        ] {
            check_integer(what, value.unwrap_or(0), MAX_INTEGER)?;
        }
        within("jitter_ms", jitter_ms.unwrap_or(0.0), 0.0..=MAX_JITTER_MS)
    }
}
