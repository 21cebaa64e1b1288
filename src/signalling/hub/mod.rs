//! Where senders and receivers of a session find each other, as a state machine without sockets or clocks: messages and time go
//! in, [`HubAction`]s come out.
//!
//! A connection says with its first message what it is: `register` makes it the sender of a session, `join` a member (receiver or
//! viewer) of one, `publish` somebody whose video goes to the hub itself. Either may come first. The hub then carries messages between the two, and remembers both over interruptions:
//!
//! ```text
//! member:   connected --join--> told to the sender --connection lost--> kept for the grace time --join, resume--> told or kept
//! sender:   connected --register--> open --connection lost--> kept for the grace time --register, ticket--> open
//! ```
//!
//! It knows nothing of offers and answers; those are between the sender's [`super::room`] and the member. A hub that was started anew
//! learns from its senders which members they have.

mod members;
mod pace;
mod publishers;
mod seats;
mod senders;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub use self::pace::{BURST_MESSAGES, MESSAGES_PER_SECOND, Pace};
pub use self::seats::{Access, SessionInfo};
use self::seats::{Connection, Line, Seat, Session};
use super::message::{
    Bye, DisplayName, ErrorCode, ErrorReport, FromClient, IceServer, InvalidMessage, PROTOCOL_VERSION, SessionId, Ticket,
    ToClient, Waiting,
};

/// How long after connecting `join`, `register` or `publish` may come.
pub const JOIN_WITHIN: Duration = Duration::from_secs(5);
/// How many recoverable mistakes a connection may make: a browser on odd networks makes a handful of refused candidates.
pub const MAX_MISTAKES: u32 = 32;

/// What whoever has not come in yet is called at TURN servers.
const NOBODY_YET: &str = "guest";

/// A connection to the hub: given by the server, unique while the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// How members are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberNames {
    /// `receiver-1`, `receiver-2`, …: for a hub that lives as long as its only sender.
    Counted,
    /// `receiver-3f9c2a1b`: a hub that was started anew gives no name twice.
    Random,
}

/// What the hub needs to know.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// How many sessions at once.
    pub max_sessions: usize,
    /// How many members a session has at most.
    pub max_members: usize,
    /// How many may publish at once: each costs this machine a decoder, a detector and an encoder.
    pub max_publishers: usize,
    /// How long a lost connection is waited for.
    pub grace: Duration,
    /// How long a member may wait in a session without a sender.
    pub max_wait: Duration,
    /// How members are called.
    pub names: MemberNames,
}

/// What the hub cannot make up by itself.
pub trait Supplies: Send {
    /// 128 bits that nobody can guess.
    fn random(&mut self) -> u128;
    /// A name for a session that was given none.
    fn session_id(&mut self) -> SessionId;
    /// STUN and TURN servers for somebody of this name.
    fn ice_servers(&mut self, user: &str) -> Vec<IceServer>;
}

/// What the role has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum HubAction {
    /// Send this message; if the connection is gone or full, [`Hub::on_closed`] follows.
    Send(ConnectionId, ToClient),
    /// Close the connection, after everything that was sent.
    Close(ConnectionId),
    /// Start to receive what is published and to send it on; [`Hub::on_intake`] follows.
    TakeIn(Published),
}

/// Somebody publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Who.
    pub publisher: ConnectionId,
    /// Whether from this machine.
    pub loopback: bool,
    /// Into which session.
    pub session: SessionId,
    /// What the sender of it shows when it registers there.
    pub ticket: Ticket,
    /// For people.
    pub name: Option<DisplayName>,
}

/// All sessions.
pub struct Hub {
    config: HubConfig,
    supplies: Box<dyn Supplies>,
    connections: BTreeMap<ConnectionId, Connection>,
    sessions: BTreeMap<SessionId, Session>,
    actions: VecDeque<HubAction>,
    is_closing: bool,
    /// The latest time that it was told.
    now: Duration,
}

impl Hub {
    /// A hub without sessions.
    pub fn new(config: HubConfig, supplies: impl Supplies + 'static) -> Hub {
        let (connections, sessions, actions) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        Hub { config, supplies: Box::new(supplies), connections, sessions, actions, is_closing: false, now: Duration::ZERO }
    }

    /// The next thing to do; call until `None` after every other call.
    pub fn poll_action(&mut self) -> Option<HubAction> {
        self.actions.pop_front()
    }

    /// When to call [`Hub::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        let silent = self.connections.values().filter_map(|connection| connection.deadline);
        let of_session = |session: &'_ Session| session.deadlines(self.config.max_wait).min();
        silent.chain(self.sessions.values().filter_map(of_session)).min()
    }

    /// All sessions, by name.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.sessions.iter().map(|(id, session)| session.info(id)).collect()
    }

    /// STUN and TURN servers for somebody who has not come in yet.
    pub fn ice_servers(&mut self) -> Vec<IceServer> {
        self.supplies.ice_servers(NOBODY_YET)
    }

    /// Whether it lets nobody in any more.
    pub fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Somebody connected; `loopback` tells whether from this machine.
    pub fn on_connected(&mut self, id: ConnectionId, loopback: bool, access: Access, now: Duration) {
        self.connect(id, Seat::Silent, loopback, access, now);
    }

    /// The hub's own sender of what is published connected. It registers with the ticket in [`Published`], or is sent away.
    pub fn on_inside(&mut self, id: ConnectionId, now: Duration) {
        self.connect(id, Seat::Inside, true, Access::everything(), now);
    }

    fn connect(&mut self, id: ConnectionId, seat: Seat, loopback: bool, access: Access, now: Duration) {
        self.now = now;
        let deadline = Some(now + JOIN_WITHIN);
        let pace = Pace::default();
        self.connections.insert(id, Connection { seat, deadline, loopback, access, mistakes: 0, pace });
        if self.is_closing {
            self.expel(id, ErrorCode::ShuttingDown, "this hub ends".into());
        }
    }

    /// A connection ended, from either side. Whose it was is waited for.
    pub fn on_closed(&mut self, id: ConnectionId, now: Duration) {
        self.now = now;
        let Some(connection) = self.connections.remove(&id) else { return };
        let until = now + self.config.grace;
        match connection.seat {
            Seat::Silent | Seat::Inside => {}
            Seat::Publisher(session) => self.end_publication(&session, "the publisher is gone"),
            Seat::Intake(session) => self.end_publication(&session, "the video cannot be received"),
            Seat::Sender(session) if self.is_published(&session) => {
                self.end_publication(&session, "the video cannot be sent on");
            }
            Seat::Sender(session) => {
                if let Some(sender) = self.sessions.get_mut(&session).and_then(|session| session.sender.as_mut())
                    && sender.line == Line::Up(id)
                {
                    sender.line = Line::Down(until);
                }
            }
            Seat::Member(session, member) => self.lose(id, &session, &member, until),
        }
    }

    /// A client said something that is no message.
    pub fn on_garbage(&mut self, id: ConnectionId, why: &InvalidMessage) {
        self.complain(id, ErrorCode::InvalidMessage, why.to_string());
    }

    /// A client said something.
    pub fn on_message(&mut self, id: ConnectionId, message: FromClient, now: Duration) {
        self.now = now;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let members = match &connection.seat {
            Seat::Sender(session) => self.sessions.get(session).map_or(0, |session| session.members.len()),
            Seat::Silent | Seat::Inside | Seat::Member(..) | Seat::Publisher(_) | Seat::Intake(_) => 0,
        };
        if !connection.pace.is_kept(1 + u32::try_from(members).unwrap_or(u32::MAX - 1), now) {
            let text = format!("more than {MESSAGES_PER_SECOND} messages a second, after {BURST_MESSAGES} at once");
            return self.expel(id, ErrorCode::TooFast, text);
        }
        match (connection.seat.clone(), message) {
            (Seat::Silent | Seat::Member(..), FromClient::Join(join)) => self.on_join(id, join, now),
            (Seat::Silent, FromClient::Register(register)) => self.on_register(id, register, now),
            (Seat::Member(session, member), FromClient::Answer(answer)) => self.on_answer(&session, member, answer),
            (Seat::Member(session, member), FromClient::Candidate(found)) => self.on_candidate(&session, member, found),
            (Seat::Sender(session), FromClient::To(to)) => self.on_to(&session, to),
            (Seat::Inside, FromClient::Register(register)) => self.on_register_inside(id, register, now),
            (Seat::Silent, FromClient::Publish(publish)) => self.on_publish(id, publish, now),
            (Seat::Publisher(session), FromClient::Candidate(found)) => {
                self.tell_intake(&session, ToClient::Candidate(found))
            }
            // It has been offered what there is.
            (Seat::Intake(_), FromClient::Join(_)) => {}
            (Seat::Intake(session), FromClient::Answer(answer)) => self.on_intake_answered(&session, answer),
            (Seat::Intake(session), FromClient::Candidate(found)) => {
                self.tell_publisher(&session, ToClient::Candidate(found))
            }
            (_, FromClient::Bye(bye)) => self.on_bye(id, &bye),
            (Seat::Silent | Seat::Inside, _) => {
                self.complain(id, ErrorCode::ProtocolError, "the first message has to be join, register or publish".into());
            }
            (Seat::Member(..), _) => self.complain(id, ErrorCode::ProtocolError, "this is for senders to say".into()),
            (Seat::Sender(_), _) => self.complain(id, ErrorCode::ProtocolError, "this is not for senders to say".into()),
            (Seat::Publisher(_) | Seat::Intake(_), _) => {
                self.complain(id, ErrorCode::ProtocolError, "this is not for publishers to say".into());
            }
        }
    }

    /// Sends away whoever was too slow, and forgets those who did not come back.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = now;
        let late = |connection: &Connection| connection.deadline.is_some_and(|deadline| deadline <= now);
        let late: Vec<_> = self.connections.iter().filter(|(_, one)| late(one)).map(|(id, _)| *id).collect();
        for id in late {
            self.expel(id, ErrorCode::Timeout, "no join, register or publish in time".into());
        }
        for id in self.sessions.keys().cloned().collect::<Vec<_>>() {
            self.forget_lost(&id, now);
            self.dismiss_waiting(&id, now);
            self.tidy(&id);
        }
    }

    /// No new connections from now on; those that are here stay until [`Hub::on_shutdown`].
    pub fn on_drain(&mut self) {
        self.is_closing = true;
    }

    /// Everybody is told, and goes. What they have of media is theirs, and goes on.
    pub fn on_shutdown(&mut self) {
        self.is_closing = true;
        for id in std::mem::take(&mut self.connections).into_keys() {
            self.send(id, ToClient::Bye(Bye { reason: "this hub ends".into() }));
            self.actions.push_back(HubAction::Close(id));
        }
        self.sessions.clear();
    }

    fn on_bye(&mut self, id: ConnectionId, bye: &Bye) {
        let Some(connection) = self.connections.remove(&id) else { return };
        match connection.seat {
            Seat::Silent | Seat::Inside => {}
            Seat::Publisher(session) => self.end_publication(&session, "the publisher ended"),
            Seat::Intake(session) => self.end_publication(&session, &printable(&bye.reason)),
            Seat::Sender(session) if self.is_published(&session) => self.end_publication(&session, &printable(&bye.reason)),
            Seat::Sender(session) => self.end_sender(&session, &format!("the sender ended: {}", printable(&bye.reason))),
            Seat::Member(session, member) => self.end_member(&session, &member, super::message::LeftWhy::Bye),
        }
        self.actions.push_back(HubAction::Close(id));
    }

    fn send(&mut self, id: ConnectionId, message: ToClient) {
        self.actions.push_back(HubAction::Send(id, message));
    }

    /// Tells of a mistake that the connection survives, unless it was one too many.
    fn complain(&mut self, id: ConnectionId, code: ErrorCode, message: String) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.mistakes += 1;
        if connection.mistakes > MAX_MISTAKES {
            return self.expel(id, ErrorCode::TooMany, format!("more than {MAX_MISTAKES} mistakes; the last: {message}"));
        }
        self.send(id, ToClient::Error(ErrorReport { code, message, recoverable: true }));
    }

    /// Tells of what the connection does not survive.
    fn expel(&mut self, id: ConnectionId, code: ErrorCode, message: String) {
        let Some(connection) = self.connections.remove(&id) else { return };
        match connection.seat {
            Seat::Silent | Seat::Inside => {}
            Seat::Publisher(session) | Seat::Intake(session) => {
                self.end_publication(&session, "the publisher was sent away")
            }
            Seat::Sender(session) if self.is_published(&session) => self.end_publication(&session, &message),
            Seat::Sender(session) => self.end_sender(&session, "the sender was sent away"),
            Seat::Member(session, member) => self.end_member(&session, &member, super::message::LeftWhy::Expelled),
        }
        self.send(id, ToClient::Error(ErrorReport { code, message, recoverable: false }));
        self.actions.push_back(HubAction::Close(id));
    }

    /// A connection that another one took the place of.
    fn replace(&mut self, id: ConnectionId) {
        if self.connections.remove(&id).is_some() {
            self.send(id, ToClient::Bye(Bye { reason: "another connection took this one's place".into() }));
            self.actions.push_back(HubAction::Close(id));
        }
    }

    /// The session, made if there is room for it.
    fn open(&mut self, id: &SessionId, now: Duration) -> Result<&mut Session, String> {
        let open = self.sessions.len();
        let at_most = self.config.max_sessions;
        match self.sessions.entry(id.clone()) {
            std::collections::btree_map::Entry::Occupied(session) => Ok(session.into_mut()),
            std::collections::btree_map::Entry::Vacant(_) if open >= at_most => {
                Err(format!("{open} sessions are open already, and that is the most; '{id}' is none of them"))
            }
            std::collections::btree_map::Entry::Vacant(place) => {
                Ok(place.insert(Session { since: now, unserved_since: now, ..Session::default() }))
            }
        }
    }

    /// Ends a session that nobody is in.
    fn tidy(&mut self, id: &SessionId) {
        if self.sessions.get(id).is_some_and(Session::is_over) {
            self.sessions.remove(id);
        }
    }

    /// Tells all members of a session that they have to wait.
    fn keep_waiting(&mut self, session: &SessionId, reason: &str) {
        let Some(session) = self.sessions.get(session) else { return };
        for id in session.members.values().filter_map(|member| member.line.connection()) {
            self.actions.push_back(HubAction::Send(id, ToClient::Waiting(Waiting { reason: reason.to_owned() })));
        }
    }

    fn check_version(&mut self, id: ConnectionId, version: u32) -> bool {
        if version != PROTOCOL_VERSION {
            let text = format!("version {version} is not spoken here, but version {PROTOCOL_VERSION} is");
            self.expel(id, ErrorCode::UnsupportedVersion, text);
        }
        version == PROTOCOL_VERSION
    }
}

/// What a stranger wrote, fit for other people's logs.
fn printable(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' }).collect()
}

#[cfg(test)]
mod offer_tests;
#[cfg(test)]
mod tests;
