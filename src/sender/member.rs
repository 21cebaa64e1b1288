//! One receiver, as the sender's loop knows it.

use std::time::Duration;

use super::watching::Watching;
use crate::codec::Codec;
use crate::feedback::Liveness;
use crate::server::Outbox;
use crate::signalling::message::Role;
use crate::webrtc::SendingPeer;

/// A receiver: from the moment it connects to the signalling until it is gone.
pub(super) struct Member {
    /// Where it is told something.
    pub(super) outbox: Outbox,
    /// When it connected.
    pub(super) hello_at: Duration,
    /// As in the report.
    pub(super) name: String,
    /// Whether it answers.
    pub(super) role: Role,
    /// What it is or will be sent, from the moment its connection is being made.
    pub(super) codec: Option<Codec>,
    /// Its connection, once it is made.
    pub(super) peer: Option<SendingPeer>,
    /// Its certificate is the promised one.
    pub(super) is_trusted: bool,
    /// Its data channel is open.
    pub(super) has_channel: bool,
    /// Its heartbeat, since it is sent video.
    pub(super) active: Option<Liveness>,
    /// Something that it sent could not be read, and that was logged.
    pub(super) complained: bool,
    /// What it wants to be told.
    pub(super) watching: Watching,
}

impl Member {
    pub(super) fn new(outbox: Outbox, hello_at: Duration) -> Member {
        let (codec, peer, active) = (None, None, None);
        let (name, role) = (String::new(), Role::Receiver);
        let (is_trusted, has_channel, complained) = (false, false, false);
        Member {
            outbox,
            hello_at,
            name,
            role,
            codec,
            peer,
            is_trusted,
            has_channel,
            active,
            complained,
            watching: Watching::default(),
        }
    }

    /// Whether it can be sent video from now on: not before, so that nothing piles up and nothing is measured that is no latency.
    pub(super) fn is_ready(&self) -> bool {
        self.active.is_none() && self.is_trusted && self.has_channel && self.peer.is_some()
    }
}
