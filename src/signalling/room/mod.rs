//! The sender's side of signalling, as a state machine without sockets or clocks: messages and time go in, [`Action`]s come out.
//!
//! The hub tells of members, whoever carries its messages. Each peer connection with a member goes through these states, each with
//! its own deadline:
//!
//! ```text
//! joined --offer made--> offered --answer--> answered --peer connected--> connected
//!   5 s                    10 s                12 s                        no deadline
//! ```
//!
//! From each of them it may go: when the member leaves or wants another, by a deadline, by what it did wrong, or at the end of the
//! sender. One that was connected and is lost is replaced by another; the member stays. A peer that was started is dropped exactly
//! once, and nothing is asked of it afterwards.

mod answer;
mod away;
mod member;
mod offered;
mod serve;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::answer::check_answer;
use self::member::{Member, State, mids_of};
pub use self::offered::{Format, Offered};
use super::gate::{Candidate, CandidateGate, CandidateRefused, CandidateVerdict, CheckedSdp, Ignored, MAX_CANDIDATES};
use super::gate::{check_candidate, check_sdp};
use super::hub::MAX_MISTAKES;
use super::message::{
    DisplayName, END_OF_CANDIDATES, ErrorCode, ErrorReport, ForMember, From, KnownMember, Left, LeftWhy, MAX_MEMBERS,
    MemberId, OfMember, Role, Sdp, TrickledCandidate,
};
use super::silence::lines;
use crate::codec::Codec;

/// How long the sender itself may take to make the offer: pipeline and peer are up in under 0.5 s (measured).
pub const OFFER_WITHIN: Duration = Duration::from_secs(5);
/// How long after the offer the answer may come; a browser that asks its user something needs seconds.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long after the answer ICE and DTLS may take: at 5 % loss webrtcbin took up to 4.3 s, at 10 % 7.2 s (measured).
pub const CONNECT_WITHIN: Duration = Duration::from_secs(12);

/// How many peer connections in a row are tried after one was lost: half a minute for a member that does not even answer, as long as a
/// hub waits for it.
pub const MOST_RENEWALS: u32 = 3;

/// One peer connection with a member: unique while the program runs, and the number of its offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// What the room needs to know.
#[derive(Clone, Debug)]
pub struct RoomConfig {
    /// What the sender can encode, best first; not empty.
    pub codecs: Vec<Codec>,
    /// How many receivers at once.
    pub max_members: usize,
    /// Whether ICE over TCP is wanted, in both directions.
    pub ice_tcp: bool,
}

/// What the role has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Tell a member this, by way of the hub.
    Send(MemberId, ForMember),
    /// Make a peer and its offer, or its answer to the member's; then call [`Room::on_described`].
    StartPeer(PeerId, NewPeer),
    /// Give the answer to the peer.
    ApplyAnswer(PeerId, CheckedSdp),
    /// Give a candidate to the peer, for this m-line.
    AddCandidate(PeerId, u32, Candidate),
    /// End the peer; nothing more is asked of it.
    DropPeer(PeerId, Departure),
}

/// Who the new peer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPeer {
    /// As in the report.
    pub member: MemberId,
    /// Counts the members; the same for all peers of one.
    pub receiver: u64,
    /// As in `join`.
    pub name: Option<DisplayName>,
    /// As in `join`.
    pub role: Role,
    /// What both sides have, in the sender's order; not empty.
    pub codecs: Vec<Codec>,
    /// What it offered, if it did; else the peer offers.
    pub offered: Option<Arc<Offered>>,
}

/// Why a member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It said `bye`.
    Bye,
    /// Its connection to the hub was lost, and it did not come back in time.
    ConnectionLost,
    /// It stays, and gets a new peer connection: it or the hub wants one, or the one it had was lost.
    Renewed,
    /// The hub sent it away.
    Expelled,
    /// Something was wrong, and it was told so.
    Error(ErrorCode),
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Departure::Bye => "it said goodbye".fmt(f),
            Departure::ConnectionLost => "its connection closed".fmt(f),
            Departure::Renewed => "a new peer connection takes its place".fmt(f),
            Departure::Expelled => "the hub sent it away".fmt(f),
            Departure::Error(ErrorCode::ConnectionLost) => "its peer connection is lost, or it closed it".fmt(f),
            Departure::Error(ErrorCode::ShuttingDown) => "this sender ends".fmt(f),
            Departure::Error(code) => write!(f, "it was sent away: {code:?}"),
        }
    }
}

/// All receivers of one sender.
pub struct Room {
    config: RoomConfig,
    members: BTreeMap<PeerId, Member>,
    actions: VecDeque<Action>,
    /// Which receiver a member is.
    receivers: BTreeMap<MemberId, u64>,
    /// How many there ever were.
    counted: u64,
    peers: u64,
}

impl Room {
    /// An empty room.
    pub fn new(config: RoomConfig) -> Room {
        let (members, actions, receivers) = (BTreeMap::new(), VecDeque::new(), BTreeMap::new());
        Room { config, members, actions, receivers, counted: 0, peers: 0 }
    }

    /// The next thing to do; call until `None` after every other call.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Room::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.members.values().filter_map(|member| member.deadline).min()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether this peer connection is wanted still.
    pub fn is_member(&self, id: PeerId) -> bool {
        self.members.contains_key(&id)
    }

    /// Those whose peer connections are up, as a hub wants to hear it from a sender that comes back.
    pub fn connected(&self) -> Vec<KnownMember> {
        let connected = self.members.values().filter(|member| member.deadline.is_none());
        connected.map(Member::known).take(MAX_MEMBERS).collect()
    }

    /// From now on the sender can encode these, best first.
    pub fn set_codecs(&mut self, codecs: Vec<Codec>) {
        self.config.codecs = codecs;
    }

    /// A member is gone.
    pub fn on_left(&mut self, left: &Left) {
        if let Some(id) = self.peer_of(&left.member) {
            let why = match left.why {
                LeftWhy::Bye => Departure::Bye,
                LeftWhy::Lost => Departure::ConnectionLost,
                LeftWhy::Expelled => Departure::Expelled,
            };
            self.forget(id, why);
        }
    }

    /// A member said something.
    pub fn on_from(&mut self, from: From, now: Duration) {
        // It may just have been sent away.
        let Some(id) = self.peer_of(&from.member) else { return };
        let offer = match &from.message {
            OfMember::Answer(answer) => answer.offer,
            OfMember::Candidate(candidate) => candidate.offer,
        };
        if offer.is_some_and(|offer| offer != id.0) {
            // It has not seen the newest offer yet.
            return;
        }
        match from.message {
            OfMember::Answer(answer) => self.on_answer(id, &answer.sdp, now),
            OfMember::Candidate(candidate) => self.on_candidate(id, &candidate),
        }
    }

    /// The peer of this member made its offer or its answer.
    pub fn on_described(&mut self, id: PeerId, sdp: &str, now: Duration) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let Some(kind) = member.state.describes() else { return };
        let own = match check_sdp(sdp, kind, &mut CandidateGate::new(member.policy)) {
            Ok(own) => own,
            Err(refused) => {
                return self.expel(id, ErrorCode::InternalError, format!("the sender's own {kind} is bad: {refused}"));
            }
        };
        let description = Sdp { sdp: own.text().to_owned(), offer: Some(id.0) };
        let early = match std::mem::replace(&mut member.state, State::Answered { lines: Vec::new() }) {
            State::Joined { codecs, early } => {
                member.state = State::Offered { codecs, offer: own };
                member.deadline = Some(now + ANSWER_WITHIN);
                self.send(id, ForMember::Offer(description));
                early
            }
            State::Answering { offered, early } => {
                member.state = State::Answered { lines: offered.lines() };
                member.deadline = Some(now + CONNECT_WITHIN);
                let sdp = offered.answered(&description.sdp);
                self.send(id, ForMember::Answer(Sdp { sdp, ..description }));
                early
            }
            State::Offered { .. } | State::Answered { .. } => Vec::new(),
        };
        early.into_iter().for_each(|(line, candidate)| self.on_local_candidate(id, line, &candidate));
    }

    /// The peer of this member found a candidate of its own; it is sent once the offer is, if it may be used.
    pub fn on_local_candidate(&mut self, id: PeerId, line: u32, candidate: &str) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if let State::Joined { early, .. } | State::Answering { early, .. } = &mut member.state {
            if early.len() < MAX_CANDIDATES {
                early.push((line, candidate.to_owned()));
            }
            return;
        }
        let candidate = match check_candidate(candidate, member.policy) {
            Ok(CandidateVerdict::Use(checked)) => Some(checked.text().to_owned()),
            Ok(CandidateVerdict::Ignore(Ignored::End)) => Some(END_OF_CANDIDATES.to_owned()),
            Ok(CandidateVerdict::Ignore(_)) | Err(_) => None,
        };
        if let Some(candidate) = candidate {
            let (line, offer) = (Some(line), Some(id.0));
            self.send(id, ForMember::Candidate(TrickledCandidate { candidate, line, mid: None, offer }));
        }
    }

    /// The peer of this member has found all its candidates.
    pub fn on_gathered(&mut self, id: PeerId) {
        self.on_local_candidate(id, 0, END_OF_CANDIDATES);
    }

    /// The peer is connected, its certificate is the one that the answer names: nothing more has a deadline here.
    pub fn on_peer_connected(&mut self, id: PeerId) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if matches!(member.state, State::Answered { .. }) {
            member.deadline = None;
        }
    }

    /// The peer failed by what it or the sender did wrong; the receiver is told and goes.
    pub fn on_peer_failed(&mut self, id: PeerId, code: ErrorCode, why: &str) {
        self.expel(id, code, why.to_owned());
    }

    /// The sender ends, and every peer with it.
    pub fn on_shutdown(&mut self) {
        for id in self.members.keys().copied().collect::<Vec<_>>() {
            self.forget(id, Departure::Error(ErrorCode::ShuttingDown));
        }
    }

    /// Sends away whoever was too slow.
    pub fn handle_timeout(&mut self, now: Duration) {
        let late = |member: &Member| member.deadline.is_some_and(|deadline| deadline <= now);
        let late: Vec<_> = self.members.iter().filter(|(_, member)| late(member)).map(|(id, _)| *id).collect();
        for id in late {
            let what = self.members.get(&id).map_or("", |member| member.state.awaited());
            self.on_peer_lost(id, ErrorCode::Timeout, &format!("{what} in time"), now);
        }
    }

    fn on_answer(&mut self, id: PeerId, sdp: &str, now: Duration) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let State::Offered { offer, codecs } = &member.state else {
            return self.complain(id, ErrorCode::ProtocolError, "an answer that no offer waits for".into());
        };
        match check_answer(sdp, offer, codecs, &mut member.candidates) {
            Ok(answer) => {
                let lines = lines(&mids_of(offer), &[]);
                self.set_state(id, State::Answered { lines });
                self.set_deadline(id, now + CONNECT_WITHIN);
                self.actions.push_back(Action::ApplyAnswer(id, answer));
            }
            Err((code, why)) => self.expel(id, code, why),
        }
    }

    fn on_candidate(&mut self, id: PeerId, trickled: &TrickledCandidate) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if matches!(member.state, State::Joined { .. }) {
            return self.complain(id, ErrorCode::ProtocolError, "a candidate before the offer".into());
        }
        if trickled.candidate == END_OF_CANDIDATES {
            return;
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
    fn complain(&mut self, id: PeerId, code: ErrorCode, message: String) {
        let Some(member) = self.members.get_mut(&id) else { return };
        member.mistakes += 1;
        if member.mistakes > MAX_MISTAKES {
            return self.expel(id, ErrorCode::TooMany, format!("more than {MAX_MISTAKES} mistakes; the last: {message}"));
        }
        self.send(id, ForMember::Error(ErrorReport { code, message, recoverable: true }));
    }

    /// Tells of what the member does not survive.
    fn expel(&mut self, id: PeerId, code: ErrorCode, message: String) {
        if let Some(member) = self.forget(id, Departure::Error(code)) {
            self.refuse(member.joined.member, code, message);
        }
    }

    fn refuse(&mut self, member: MemberId, code: ErrorCode, message: String) {
        let report = ErrorReport { code, message, recoverable: false };
        self.actions.push_back(Action::Send(member, ForMember::Error(report)));
    }

    /// The only way out of the room.
    fn forget(&mut self, id: PeerId, why: Departure) -> Option<Member> {
        let member = self.members.remove(&id)?;
        if why != Departure::Renewed {
            self.receivers.remove(&member.joined.member);
        }
        self.actions.push_back(Action::DropPeer(id, why));
        Some(member)
    }

    fn send(&mut self, id: PeerId, message: ForMember) {
        if let Some(member) = self.members.get(&id) {
            self.actions.push_back(Action::Send(member.joined.member.clone(), message));
        }
    }

    fn peer_of(&self, member: &MemberId) -> Option<PeerId> {
        self.members.iter().find(|(_, one)| one.joined.member == *member).map(|(id, _)| *id)
    }

    fn set_state(&mut self, id: PeerId, state: State) {
        if let Some(member) = self.members.get_mut(&id) {
            member.state = state;
        }
    }

    fn set_deadline(&mut self, id: PeerId, deadline: Duration) {
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
