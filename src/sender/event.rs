//! Everything that happens to a sender.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::encode::{Choice, ChooseError};
use crate::scene::Truth;
use crate::server::HubEvent;
use crate::signalling::room::ConnectionId;
use crate::source::{MediaEnd, MediaError, MediaSource};
use crate::units::{FrameNumber, RtpTime};
use crate::webrtc::{PeerError, PeerEvent, SendingPeer};

/// Events that wait for the loop. 50 receivers at 60 frames/s make 6,000 a second: if this many wait, the loop has been stuck for
/// seconds, and a run that loses events cannot tell the truth any more.
const QUEUE_EVENTS: usize = 16_384;

/// One thing that happened.
pub(super) enum Event {
    /// The source made a frame.
    Produced { number: FrameNumber, rtp: RtpTime, truth: Truth, due: Duration, at: Duration },
    /// Footage was opened, or cannot be.
    FootageOpened(Result<MediaSource, MediaError>),
    /// The footage is over.
    FootageEnded(MediaEnd),
    /// The encoder took a frame.
    Entered { rtp: RtpTime },
    /// The encoder gave a frame.
    Encoded { rtp: RtpTime, at: Duration, bytes: usize, keyframe: bool },
    /// A peer's lane overflowed; it waits for a keyframe.
    LaneFull,
    /// The encoder with this serial number broke.
    EncoderFailed { serial: u32, reason: String },
    /// A new encoder was looked for.
    EncoderChosen(Result<Choice, ChooseError>),
    /// A peer's pipeline is up, or could not be made.
    PeerStarted { id: ConnectionId, peer: Result<Box<SendingPeer>, PeerError> },
    /// A peer reports.
    Peer { id: ConnectionId, event: PeerEvent },
    /// Somebody connected, said something or is gone.
    Hub(HubEvent),
    /// Time has passed.
    Tick,
    /// SIGINT or SIGTERM.
    Interrupted,
}

/// Where events are told, from any thread, without waiting.
#[derive(Clone)]
pub(super) struct Events {
    queue: mpsc::Sender<Event>,
    overflowed: Arc<AtomicBool>,
}

impl Events {
    pub(super) fn new() -> (Events, mpsc::Receiver<Event>) {
        let (queue, events) = mpsc::channel(QUEUE_EVENTS);
        (Events { queue, overflowed: Arc::default() }, events)
    }

    /// After the loop has ended nobody listens, and nobody needs to.
    pub(super) fn tell(&self, event: Event) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(event) {
            self.overflowed.store(true, Ordering::Release);
        }
    }

    /// Whether an event was lost: the run must end.
    pub(super) fn has_overflowed(&self) -> bool {
        self.overflowed.load(Ordering::Acquire)
    }
}
