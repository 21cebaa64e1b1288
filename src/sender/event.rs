//! Everything that happens to a sender.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::encode::{Choice, ChooseError};
use crate::scene::Truth;
use crate::signalling::client::ClientEvent;
use crate::signalling::room::PeerId;
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
    PeerStarted { id: PeerId, peer: Result<Box<SendingPeer>, PeerError> },
    /// A peer reports.
    Peer { id: PeerId, event: PeerEvent },
    /// The hub is reached, said something or is gone; none when it is gone for good.
    Hub(Option<ClientEvent>),
    /// Time has passed.
    Tick,
    /// SIGINT or SIGTERM.
    Interrupted,
}

impl Event {
    /// Whether the loop is woken for it. Of what comes once for each receiver and frame it only takes note, which can wait for
    /// whatever wakes it next, its tick at the latest: waking is most of what it costs, see `docs/cost.md`.
    fn is_urgent(&self) -> bool {
        !matches!(self, Event::Peer { event: PeerEvent::Sent { .. }, .. })
    }
}

/// Where events are told, from any thread, without waiting.
#[derive(Clone, Default)]
pub(super) struct Events(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Event>>,
    urgent: Notify,
    overflowed: AtomicBool,
}

impl Events {
    /// After the loop has ended nobody listens, and nobody needs to.
    pub(super) fn tell(&self, event: Event) {
        let is_urgent = event.is_urgent();
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= QUEUE_EVENTS {
            return self.0.overflowed.store(true, Ordering::Release);
        }
        waiting.push_back(event);
        drop(waiting);
        if is_urgent {
            self.0.urgent.notify_one();
        }
    }

    /// Waits for an event that cannot wait.
    pub(super) async fn urgent(&self) {
        self.0.urgent.notified().await;
    }

    /// All events that wait, in the order in which they were told, in exchange for `batch`, which is empty.
    pub(super) fn take(&self, batch: &mut VecDeque<Event>) {
        std::mem::swap(&mut *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner), batch);
    }

    /// Whether an event was lost: the run must end.
    pub(super) fn has_overflowed(&self) -> bool {
        self.0.overflowed.load(Ordering::Acquire)
    }
}
