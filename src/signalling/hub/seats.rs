//! What the hub knows of each connection, session and member.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ConnectionId;
use super::pace::Pace;
use crate::codec::Codec;
use crate::signalling::message::{DisplayName, Joined, MemberId, Offer, Role, SessionId, Ticket};

/// What a connection may do: anything, or what its token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Only in this session.
    pub session: Option<SessionId>,
    /// May open a session as its sender or publisher.
    pub may_send: bool,
    /// May join as a receiver, whose answers count.
    pub may_answer: bool,
}

impl Access {
    /// Of a hub that asks for no tokens.
    pub fn everything() -> Access {
        Access { session: None, may_send: true, may_answer: true }
    }

    /// Whether this session is one that it is for.
    pub fn allows(&self, session: &SessionId) -> bool {
        self.session.as_ref().is_none_or(|only| only == session)
    }
}

/// One connection.
pub(super) struct Connection {
    pub(super) seat: Seat,
    /// By when it must have said who it is.
    pub(super) deadline: Option<Duration>,
    pub(super) loopback: bool,
    pub(super) access: Access,
    pub(super) mistakes: u32,
    pub(super) pace: Pace,
}

/// Whose connection it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// It has not said.
    Silent,
    /// The hub's own sender of what is published, before it registers.
    Inside,
    /// The sender of this session.
    Sender(SessionId),
    /// This member of this session.
    Member(SessionId, MemberId),
    /// Whoever publishes into this session.
    Publisher(SessionId),
    /// The hub's own receiver of what is published into this session.
    Intake(SessionId),
}

/// One session: it lives while it has a sender or a member, connected or within the grace time.
#[derive(Default)]
pub(super) struct Session {
    pub(super) since: Duration,
    pub(super) sender: Option<SenderSeat>,
    /// Since when it has no sender, if it has none.
    pub(super) unserved_since: Duration,
    /// What is published into it; then only the hub's own sender of that may be its sender.
    pub(super) publication: Option<Publication>,
    pub(super) members: BTreeMap<MemberId, Member>,
    /// How many members there were.
    pub(super) counted: u64,
}

/// The sender's place.
pub(super) struct SenderSeat {
    pub(super) ticket: Ticket,
    pub(super) line: Line,
}

/// Video that comes to the hub instead of going from a sender to its members.
pub(super) struct Publication {
    pub(super) publisher: ConnectionId,
    /// The hub's own receiver.
    pub(super) intake: Option<ConnectionId>,
    /// It has answered the offer.
    pub(super) is_answered: bool,
    /// What the hub's own sender shows.
    pub(super) ticket: Ticket,
    /// Until the receiver has it.
    pub(super) offer: Option<Offer>,
}

/// A connection that may be interrupted for the grace time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// There.
    Up(ConnectionId),
    /// Gone, and waited for until then.
    Down(Duration),
}

impl Line {
    pub(super) fn connection(self) -> Option<ConnectionId> {
        match self {
            Line::Up(id) => Some(id),
            Line::Down(_) => None,
        }
    }

    pub(super) fn deadline(self) -> Option<Duration> {
        match self {
            Line::Up(_) => None,
            Line::Down(until) => Some(until),
        }
    }

    pub(super) fn is_over(self, now: Duration) -> bool {
        self.deadline().is_some_and(|until| until <= now)
    }
}

/// A receiver or viewer.
pub(super) struct Member {
    pub(super) line: Line,
    /// When it joined last.
    pub(super) since: Duration,
    pub(super) ticket: Ticket,
    pub(super) role: Role,
    pub(super) name: Option<DisplayName>,
    pub(super) codecs: Vec<Codec>,
    pub(super) loopback: bool,
    pub(super) standing: Standing,
    /// Until the sender is told of it: it is good for one answer.
    pub(super) offer: Option<Offer>,
}

/// What the sender knows of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has been told of it, and has or makes a peer connection for it.
    Told,
    /// It is to be told as soon as both are there.
    Owed,
    /// The member says that it has a peer connection; the hub is too young to know, and the sender has not said.
    Claimed,
}

impl Member {
    /// What the sender is told of it.
    pub(super) fn joined(&mut self, id: &MemberId) -> Joined {
        Joined {
            member: id.clone(),
            ticket: self.ticket.clone(),
            role: self.role,
            name: self.name.clone(),
            codecs: self.codecs.clone(),
            loopback: self.loopback,
            offer: self.offer.take(),
        }
    }
}

/// A session as others may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Which.
    pub id: SessionId,
    /// Whether its sender or publisher is connected.
    pub has_sender: bool,
    /// Receivers, connected or within the grace time.
    pub receivers: usize,
    /// Viewers, connected or within the grace time.
    pub viewers: usize,
    /// When it began, on the hub's clock.
    pub since: Duration,
}

impl Session {
    pub(super) fn info(&self, id: &SessionId) -> SessionInfo {
        let of = |role| self.members.values().filter(|member| member.role == role).count();
        SessionInfo {
            id: id.clone(),
            has_sender: self.publication.is_some() || self.sender_connection().is_some(),
            receivers: of(Role::Receiver),
            viewers: of(Role::Viewer),
            since: self.since,
        }
    }

    pub(super) fn sender_connection(&self) -> Option<ConnectionId> {
        self.sender.as_ref().and_then(|sender| sender.line.connection())
    }

    pub(super) fn is_over(&self) -> bool {
        self.sender.is_none() && self.publication.is_none() && self.members.is_empty()
    }

    pub(super) fn deadlines(&self, max_wait: Duration) -> impl Iterator<Item = Duration> {
        let sender = self.sender.as_ref().and_then(|sender| sender.line.deadline());
        let of_member = move |member: &Member| member.line.deadline().or_else(|| self.waits_until(member, max_wait));
        sender.into_iter().chain(self.members.values().filter_map(of_member))
    }

    /// How long a member that is connected waits for a sender, if there is none.
    pub(super) fn waits_until(&self, member: &Member, max_wait: Duration) -> Option<Duration> {
        let waits = self.sender.is_none() && member.line.connection().is_some();
        waits.then(|| self.unserved_since.max(member.since).saturating_add(max_wait))
    }
}
