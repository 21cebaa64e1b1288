//! One receiver, as the sender's loop knows it.

use std::time::Duration;

use super::watching::Watching;
use crate::codec::Codec;
use crate::feedback::{Liveness, SILENCE, SILENCE_WHEN_AWAY};
use crate::report::ReceiverId;
use crate::signalling::message::Role;
use crate::signalling::room::NewPeer;
use crate::webrtc::{RTCP_SILENCE, SendingPeer};

/// A receiver with one peer connection: from the moment it asks for one until that is gone.
pub(super) struct Member {
    /// Who, in the ledger; the same for all its peer connections.
    pub(super) receiver: ReceiverId,
    /// When it asked.
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
    /// There will be a data channel.
    pub(super) wants_channel: bool,
    /// It came with an offer: nothing but its media tells whether it is still there.
    has_offered: bool,
    /// Candidates of a member that offered, which came before its peer was made.
    early: Vec<(u32, String)>,
    /// Its data channel is open.
    pub(super) has_channel: bool,
    /// Its heartbeat on the data channel, since it is sent video.
    pub(super) active: Option<Liveness>,
    /// Its RTCP, where that is listened to.
    pub(super) reports: Liveness,
    /// A coordinate of it was joined to its frame, and that was logged.
    pub(super) has_answered: bool,
    /// Something that it sent could not be read, and that was logged.
    pub(super) complained: bool,
    /// What it wants to be told.
    pub(super) watching: Watching,
}

impl Member {
    pub(super) fn new(new: &NewPeer, hello_at: Duration) -> Member {
        let (codec, peer, active) = (None, None, None);
        let name = new.name.as_ref().map_or_else(|| new.member.to_string(), |name| name.as_str().to_owned());
        let (receiver, role) = (ReceiverId(new.receiver), new.role);
        let (is_trusted, has_channel, has_answered, complained) = (false, false, false, false);
        let watching = Watching::default();
        let (has_offered, reports) = (new.offered.is_some(), Liveness::new(hello_at, RTCP_SILENCE));
        let (wants_channel, early) = (new.offered.as_ref().is_none_or(|offered| offered.has_channel()), Vec::new());
        Member {
            receiver,
            hello_at,
            name,
            role,
            codec,
            peer,
            is_trusted,
            wants_channel,
            has_offered,
            early,
            has_channel,
            active,
            reports,
            has_answered,
            complained,
            watching,
        }
    }

    /// From now on it is sent video, and its silence means something.
    pub(super) fn activate(&mut self, now: Duration) {
        self.active = Some(Liveness::new(now, SILENCE));
        if self.has_offered {
            // Whoever vanishes before his first report is missed too.
            self.reports.heartbeat(now);
        }
    }

    /// Whether it is gone; `is_away` tells whether its connection to the hub is down.
    pub(super) fn is_gone(&self, is_away: bool, now: Duration) -> bool {
        let silent =
            |heartbeat: &Liveness| heartbeat.is_dead(now) || (is_away && heartbeat.is_silent(now, SILENCE_WHEN_AWAY));
        self.active.as_ref().is_some_and(silent) || self.reports.is_dead(now)
    }

    /// An address of it; the room has counted them.
    pub(super) fn add_candidate(&mut self, line: u32, candidate: &str) {
        match &self.peer {
            Some(peer) => peer.add_candidate(line, candidate),
            None => self.early.push((line, candidate.to_owned())),
        }
    }

    /// Its connection is made.
    pub(super) fn take_peer(&mut self, peer: SendingPeer) {
        self.early.drain(..).for_each(|(line, candidate)| peer.add_candidate(line, &candidate));
        self.peer = Some(peer);
    }

    /// It has rejected the data channel.
    pub(super) fn only_watches(&mut self) {
        self.wants_channel = false;
        self.role = Role::Viewer;
    }

    /// Whether it can be sent video from now on: not before, so that nothing piles up and nothing is measured that is no latency.
    pub(super) fn is_ready(&self) -> bool {
        self.active.is_none() && self.is_trusted && (self.has_channel || !self.wants_channel) && self.peer.is_some()
    }
}
