//! Peers: typed calls over webrtcbin.
//!
//! One pipeline per peer, so that one peer's end, error or stall is its own. Only `signals.rs` connects webrtcbin's signals; its
//! closures hold identifiers, channels and weak references, report a [`PeerEvent`] and return.
//!
//! **Invariant**: webrtcbin 1.22 does not compare the peer's certificate with the fingerprint in its description (measured), so
//! [`Trust`] does, and until it matched nothing is reported but candidates and descriptions: no frame and no message.

mod congestion;
mod description;
mod impairing;
mod lanes;
mod peer;
mod policy;
mod quota;
mod receiving;
mod reception;
mod relayed;
mod repeater;
mod sending;
mod shortcut;
mod signals;
mod trust;

pub use congestion::{Pacer, PacingSettings, TRANSPORT_WIDE_CC};
pub use lanes::{Handed, Lane, LaneState, Lanes};
pub use peer::{Channel, IceSettings, PeerError};
pub use policy::{ChannelPolicy, ChannelPolicyError};
pub use receiving::{Begin, ReceiveSettings, ReceivingPeer, Source};
pub use reception::Reception;
pub use sending::{RemoteOffer, SendingPeer, StreamSettings};
pub use trust::Trust;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::congestion::Measured;
use crate::units::{Bitrate, RtpTime};

/// What a peer reports. It comes from GStreamer's threads; whoever takes it must not block.
#[derive(Debug)]
pub enum PeerEvent {
    /// Our description is ready to be sent to the other side.
    Described {
        /// Offer or answer.
        sdp: String,
    },
    /// A candidate of ours is ready to be sent to the other side.
    Candidate {
        /// Index of the media section it belongs to.
        mline: u32,
        /// `candidate:…`, RFC 8839 section 5.1.
        candidate: String,
    },
    /// All candidates of ours have been told.
    Gathered,
    /// ICE has found a way to the other side. May be told again.
    WayFound,
    /// ICE and DTLS are up and the certificate is the one that was promised.
    Connected,
    /// The certificate is not the one that was promised: somebody is in between.
    Untrusted,
    /// The data channel can be written to.
    ChannelOpen,
    /// The other side has a data channel that is not ours, such as `webrtcsink`'s for its own control.
    OtherChannel,
    /// A message came on the data channel.
    Message {
        /// As it came: hostile until parsed.
        text: String,
        /// When it came.
        at: Duration,
    },
    /// The first packet of a frame was handed to the network.
    Sent {
        /// The frame's key, read from the packet itself.
        rtp: RtpTime,
        /// When it was handed over.
        at: Duration,
    },
    /// Feedback about packets came: with congestion control only.
    Path {
        /// What it says of the path.
        measured: Measured,
        /// rtpgccbwe's estimate before this feedback.
        estimate: Bitrate,
        /// When it came.
        at: Duration,
    },
    /// The other side says what it has received (RTCP): it lives. Told at most once a second.
    Reported {
        /// When it came.
        at: Duration,
    },
    /// The other side cannot decode without a keyframe.
    KeyframeWanted,
    /// The connection is gone: the way to the other side, or the other side closed it. The peer is of no more use.
    Lost {
        /// What happened.
        reason: String,
    },
    /// Something in the pipeline broke: the peer is of no more use.
    Failed {
        /// What happened.
        reason: String,
    },
}

/// Takes what a peer reports.
#[derive(Clone)]
pub struct Report(Arc<dyn Fn(PeerEvent) + Send + Sync>);

impl Report {
    /// `take` is called from GStreamer's threads and must not block.
    pub fn new(take: impl Fn(PeerEvent) + Send + Sync + 'static) -> Report {
        Report(Arc::new(take))
    }

    fn tell(&self, event: PeerEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}

/// How long a peer without a data channel may say nothing. Its RTCP comes every 5 s, give or take half of that (RFC 3550 section 6.2), so that
/// two in a row may get lost; RFC 7675, which webrtcbin 1.22 does not have, gives a peer up after 30 s.
pub const RTCP_SILENCE: Duration = Duration::from_secs(20);

/// The longest message that is taken from a data channel: what every SCTP stack passes in one piece (RFC 8831 section 6.6).
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// Messages a second that are taken from one peer: four times the highest frame rate. A peer that sends more is ended, since all
/// peers share one event loop.
const MAX_MESSAGES_PER_SECOND: u32 = 1000;

/// Requests for keyframes a second that are passed on; the encoder is asked at most five times a second.
const MAX_KEYFRAME_REQUESTS_PER_SECOND: u32 = 10;

/// This process's DTLS certificate, being made ahead of time on a thread of its own. GStreamer makes it once, with the first peer:
/// RSA keys take 50 to 400 ms, which the first coordinate would wait for.
///
/// To be held until the role ends: a process that exits while OpenSSL works on another thread crashes.
#[derive(Debug)]
pub struct Certificate(Option<std::thread::JoinHandle<()>>);

impl Certificate {
    /// Begins to make it.
    #[must_use]
    pub fn prepare() -> Certificate {
        let make = || drop(gstreamer::ElementFactory::make("dtlsdec").build());
        Certificate(std::thread::Builder::new().name("certificate".to_owned()).spawn(make).ok())
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A panic there has been reported; the first peer tries again.
            let _ = thread.join();
        }
    }
}

/// The label of the one data channel.
pub const CHANNEL_LABEL: &str = "rebound";

#[cfg(test)]
mod answer_tests;
#[cfg(test)]
mod tests;
