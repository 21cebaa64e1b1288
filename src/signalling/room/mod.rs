//! The sender's side of signalling, as a state machine without sockets or clocks: messages and time go in, [`Action`]s come out.
//!
//! A member goes through these states, each with its own deadline:
//!
//! ```text
//! connected --join--> joined --offer made--> offered --answer--> answered --peer connected--> connected
//!    5 s                5 s                    10 s                12 s                      no deadline
//! ```
//!
//! From each of them it may go: by its own `bye`, when its connection closes, by a deadline, by what it did wrong, or at the end of
//! the sender. A peer that was started is dropped exactly once, and nothing is asked of it afterwards.

mod answer;
mod member;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use self::answer::check_answer;
use self::member::{Member, State};
use super::gate::{
    Candidate, CandidateGate, CandidatePolicy, CandidateRefused, CandidateVerdict, CheckedSdp, MAX_CANDIDATES, SdpKind,
};
use super::gate::{check_candidate, check_sdp};
use super::message::{Bye, DisplayName, ErrorCode, ErrorReport, FromReceiver, FromSender, IceServer, InvalidMessage, Join};
use super::message::{PROTOCOL_VERSION, Role, Sdp, TrickledCandidate, Welcome};
use crate::codec::Codec;

/// How long after connecting `join` may come.
pub const JOIN_WITHIN: Duration = Duration::from_secs(5);
/// How long the sender itself may take to make the offer: pipeline and peer are up in under 0.5 s (measured).
pub const OFFER_WITHIN: Duration = Duration::from_secs(5);
/// How long after the offer the answer may come; a browser that asks its user something needs seconds.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long after the answer ICE and DTLS may take: at 5 % loss webrtcbin took up to 4.3 s, at 10 % 7.2 s (measured).
pub const CONNECT_WITHIN: Duration = Duration::from_secs(12);
/// How many recoverable mistakes a member may make: a browser on odd networks makes a handful of refused candidates.
pub const MAX_MISTAKES: u32 = 32;

/// A connection to the signalling server: given by the server, unique while the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What the room needs to know.
#[derive(Clone, Debug)]
pub struct RoomConfig {
    /// What the sender can encode, best first; not empty.
    pub codecs: Vec<Codec>,
    /// How many receivers at once.
    pub max_members: usize,
    /// What `welcome` tells the receivers.
    pub ice_servers: Vec<IceServer>,
    /// Whether ICE over TCP is wanted, in both directions.
    pub ice_tcp: bool,
}

/// What the role has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send this message; if the connection is gone or full, [`Room::on_closed`] follows.
    Send(ConnectionId, FromSender),
    /// Close the connection, after everything that was sent.
    Close(ConnectionId),
    /// Make a peer and its offer, then call [`Room::on_offer`].
    StartPeer(ConnectionId, NewPeer),
    /// Give the answer to the peer.
    ApplyAnswer(ConnectionId, CheckedSdp),
    /// Give a candidate to the peer, for this m-line.
    AddCandidate(ConnectionId, u32, Candidate),
    /// End the peer; nothing more is asked of it.
    DropPeer(ConnectionId, Departure),
}

/// Who the new peer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPeer {
    /// As in `welcome` and in the report.
    pub id: String,
    /// As in `join`.
    pub name: Option<DisplayName>,
    /// As in `join`.
    pub role: Role,
    /// What both sides have, in the sender's order; not empty.
    pub codecs: Vec<Codec>,
}

/// Why a member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It said `bye`.
    Bye,
    /// Its connection closed.
    ConnectionLost,
    /// Something was wrong, and it was told so.
    Error(ErrorCode),
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Departure::Bye => "it said goodbye".fmt(f),
            Departure::ConnectionLost => "its connection closed".fmt(f),
            Departure::Error(ErrorCode::ShuttingDown) => "this sender ends".fmt(f),
            Departure::Error(code) => write!(f, "it was sent away: {code:?}"),
        }
    }
}

/// All receivers of one sender.
pub struct Room {
    config: RoomConfig,
    new_id: Box<dyn FnMut() -> String + Send>,
    members: BTreeMap<ConnectionId, Member>,
    actions: VecDeque<Action>,
    shutting_down: bool,
}

impl Room {
    /// An empty room; `new_id` makes the ids of members, each a different one.
    pub fn new(config: RoomConfig, new_id: impl FnMut() -> String + Send + 'static) -> Room {
        let (members, actions) = (BTreeMap::new(), VecDeque::new());
        Room { config, new_id: Box::new(new_id), members, actions, shutting_down: false }
    }

    /// The next thing to do; call until `None` after every other call.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Room::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.members.values().filter_map(|member| member.deadline).min()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether this connection is in the room still.
    pub fn is_member(&self, id: ConnectionId) -> bool {
        self.members.contains_key(&id)
    }

    /// From now on the sender can encode these, best first.
    pub fn set_codecs(&mut self, codecs: Vec<Codec>) {
        self.config.codecs = codecs;
    }

    /// Somebody connected; `loopback` tells whether from this machine.
    pub fn on_connected(&mut self, id: ConnectionId, loopback: bool, now: Duration) {
        let policy = CandidatePolicy { loopback, tcp: self.config.ice_tcp };
        self.members.entry(id).or_insert_with(|| Member::new(policy, now + JOIN_WITHIN));
        if self.shutting_down {
            self.expel(id, ErrorCode::ShuttingDown, "the sender ends".into());
        }
    }

    /// A connection ended, from either side.
    pub fn on_closed(&mut self, id: ConnectionId) {
        self.forget(id, Departure::ConnectionLost);
    }

    /// A receiver said something that is no message.
    pub fn on_garbage(&mut self, id: ConnectionId, why: &InvalidMessage) {
        self.complain(id, ErrorCode::InvalidMessage, why.to_string());
    }

    /// A receiver said something.
    pub fn on_message(&mut self, id: ConnectionId, message: FromReceiver, now: Duration) {
        if !self.members.contains_key(&id) {
            return;
        }
        match message {
            FromReceiver::Join(join) => self.on_join(id, join, now),
            FromReceiver::Answer(answer) => self.on_answer(id, &answer.sdp, now),
            FromReceiver::Candidate(candidate) => self.on_candidate(id, &candidate),
            FromReceiver::Bye(_) => {
                self.forget(id, Departure::Bye);
                self.actions.push_back(Action::Close(id));
            }
        }
    }

    /// The peer of this member made its offer.
    pub fn on_offer(&mut self, id: ConnectionId, sdp: &str, now: Duration) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let State::Joined { codecs, early } = &mut member.state else { return };
        let (codecs, early) = (std::mem::take(codecs), std::mem::take(early));
        match check_sdp(sdp, SdpKind::Offer, &mut CandidateGate::new(member.policy)) {
            Ok(offer) => {
                member.deadline = Some(now + ANSWER_WITHIN);
                self.send(id, FromSender::Offer(Sdp { sdp: offer.text().to_owned() }));
                self.set_state(id, State::Offered { codecs, offer });
                early.into_iter().for_each(|(line, candidate)| self.on_local_candidate(id, line, &candidate));
            }
            Err(refused) => self.expel(id, ErrorCode::InternalError, format!("the sender's own offer is bad: {refused}")),
        }
    }

    /// The peer of this member found a candidate of its own; it is sent once the offer is, if it may be used.
    pub fn on_local_candidate(&mut self, id: ConnectionId, line: u32, candidate: &str) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if let State::Joined { early, .. } = &mut member.state {
            if early.len() < MAX_CANDIDATES {
                early.push((line, candidate.to_owned()));
            }
            return;
        }
        if let Ok(CandidateVerdict::Use(checked)) = check_candidate(candidate, member.policy) {
            let candidate = checked.text().to_owned();
            self.send(id, FromSender::Candidate(TrickledCandidate { candidate, line: Some(line), mid: None }));
        }
    }

    /// The peer is connected, its certificate is the one that the answer names: nothing more has a deadline here.
    pub fn on_peer_connected(&mut self, id: ConnectionId) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if matches!(member.state, State::Answered { .. }) {
            member.deadline = None;
        }
    }

    /// The peer failed; the receiver is told and goes.
    pub fn on_peer_failed(&mut self, id: ConnectionId, code: ErrorCode, why: &str) {
        self.expel(id, code, why.to_owned());
    }

    /// The sender ends: everybody is told and goes, and nobody comes in any more.
    pub fn on_shutdown(&mut self) {
        self.shutting_down = true;
        for id in self.members.keys().copied().collect::<Vec<_>>() {
            self.forget(id, Departure::Error(ErrorCode::ShuttingDown));
            self.send(id, FromSender::Bye(Bye { reason: "the sender ends".into() }));
            self.actions.push_back(Action::Close(id));
        }
    }

    /// Sends away whoever was too slow.
    pub fn handle_timeout(&mut self, now: Duration) {
        let late = |member: &Member| member.deadline.is_some_and(|deadline| deadline <= now);
        let late: Vec<_> = self.members.iter().filter(|(_, member)| late(member)).map(|(id, _)| *id).collect();
        for id in late {
            let what = self.members.get(&id).map_or("", |member| member.state.awaited());
            self.expel(id, ErrorCode::Timeout, format!("{what} in time"));
        }
    }

    fn on_join(&mut self, id: ConnectionId, join: Join, now: Duration) {
        if !self.is_in(id, |state| matches!(state, State::Silent)) {
            return self.complain(id, ErrorCode::ProtocolError, "join may come only once, as the first message".into());
        }
        let joined = self.members.values().filter(|member| !matches!(member.state, State::Silent)).count();
        if joined >= self.config.max_members {
            return self.expel(id, ErrorCode::TooMany, format!("{joined} receivers are here already, and that is the most"));
        }
        if join.version != PROTOCOL_VERSION {
            let text = format!("version {} is not spoken here; this sender speaks version {PROTOCOL_VERSION}", join.version);
            return self.expel(id, ErrorCode::UnsupportedVersion, text);
        }
        let codecs: Vec<Codec> = self.config.codecs.iter().copied().filter(|codec| join.codecs.contains(codec)).collect();
        if codecs.is_empty() {
            return self.expel(id, ErrorCode::NoCommonCodec, no_common_codec(&self.config.codecs, &join.codecs));
        }
        self.welcome(id, (join.name, join.role), codecs, now);
    }

    fn welcome(&mut self, id: ConnectionId, (name, role): (Option<DisplayName>, Role), codecs: Vec<Codec>, now: Duration) {
        let member_id = (self.new_id)();
        let ice_servers = self.config.ice_servers.clone();
        self.send(id, FromSender::Welcome(Welcome { version: PROTOCOL_VERSION, id: member_id.clone(), ice_servers }));
        self.set_state(id, State::Joined { codecs: codecs.clone(), early: Vec::new() });
        self.set_deadline(id, now + OFFER_WITHIN);
        self.actions.push_back(Action::StartPeer(id, NewPeer { id: member_id, name, role, codecs }));
    }

    fn on_answer(&mut self, id: ConnectionId, sdp: &str, now: Duration) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let State::Offered { offer, codecs } = &member.state else {
            return self.complain(id, ErrorCode::ProtocolError, "an answer that no offer waits for".into());
        };
        match check_answer(sdp, offer, codecs, &mut member.candidates) {
            Ok(answer) => {
                let mids = offer.media().iter().map(|media| media.mid.clone()).collect();
                self.set_state(id, State::Answered { mids });
                self.set_deadline(id, now + CONNECT_WITHIN);
                self.actions.push_back(Action::ApplyAnswer(id, answer));
            }
            Err((code, why)) => self.expel(id, code, why),
        }
    }

    fn on_candidate(&mut self, id: ConnectionId, trickled: &TrickledCandidate) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if matches!(member.state, State::Silent | State::Joined { .. }) {
            return self.complain(id, ErrorCode::ProtocolError, "a candidate before the offer".into());
        }
        let Some(line) = member.state.line_of(trickled) else {
            return self.complain(id, ErrorCode::CandidateRefused, "a candidate for an m-line that is not there".into());
        };
        match member.candidates.check(&trickled.candidate) {
            Ok(CandidateVerdict::Use(candidate)) => self.actions.push_back(Action::AddCandidate(id, line, candidate)),
            Ok(CandidateVerdict::Ignore(_)) => {}
            Err(refused @ CandidateRefused::TooMany) => self.complain(id, ErrorCode::TooMany, refused.to_string()),
            Err(refused) => self.complain(id, ErrorCode::CandidateRefused, refused.to_string()),
        }
    }

    /// Tells of a mistake that the member survives, unless it was one too many.
    fn complain(&mut self, id: ConnectionId, code: ErrorCode, message: String) {
        let Some(member) = self.members.get_mut(&id) else { return };
        member.mistakes += 1;
        if member.mistakes > MAX_MISTAKES {
            return self.expel(id, ErrorCode::TooMany, format!("more than {MAX_MISTAKES} mistakes; the last: {message}"));
        }
        self.send(id, FromSender::Error(ErrorReport { code, message, recoverable: true }));
    }

    /// Tells of what the member does not survive.
    fn expel(&mut self, id: ConnectionId, code: ErrorCode, message: String) {
        if self.forget(id, Departure::Error(code)) {
            self.send(id, FromSender::Error(ErrorReport { code, message, recoverable: false }));
            self.actions.push_back(Action::Close(id));
        }
    }

    /// The only way out of the room.
    fn forget(&mut self, id: ConnectionId, why: Departure) -> bool {
        let Some(member) = self.members.remove(&id) else { return false };
        if !matches!(member.state, State::Silent) {
            self.actions.push_back(Action::DropPeer(id, why));
        }
        true
    }

    fn send(&mut self, id: ConnectionId, message: FromSender) {
        self.actions.push_back(Action::Send(id, message));
    }

    fn is_in(&self, id: ConnectionId, wanted: impl Fn(&State) -> bool) -> bool {
        self.members.get(&id).is_some_and(|member| wanted(&member.state))
    }

    fn set_state(&mut self, id: ConnectionId, state: State) {
        if let Some(member) = self.members.get_mut(&id) {
            member.state = state;
        }
    }

    fn set_deadline(&mut self, id: ConnectionId, deadline: Duration) {
        if let Some(member) = self.members.get_mut(&id) {
            member.deadline = Some(deadline);
        }
    }
}

fn no_common_codec(sender: &[Codec], receiver: &[Codec]) -> String {
    format!("no common codec: the sender has {}; the receiver has {}", list(sender), list(receiver))
}

fn list(codecs: &[Codec]) -> String {
    let names: Vec<&str> = codecs.iter().map(|codec| codec.encoding_name()).collect();
    if names.is_empty() { "none that this version knows".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
