//! A producer: the sender of a session.

use std::collections::BTreeMap;

use serde_json::Value;

use super::protocol::{OutgoingMessage, PeerMessageInner, SdpMessage};
use super::{Step, Steps, meta};
use crate::signalling::gate::MAX_CANDIDATES;
use crate::signalling::message::{
    BadId, ErrorCode, ErrorReport, ForMember, From, FromClient, Joined, MemberId, OfMember, PROTOCOL_VERSION, Register, Sdp,
    To, ToClient, TrickledCandidate,
};

/// A producer with everybody who watches it.
pub(super) struct Producer {
    /// By the number of the session, which is also the number of its offer.
    sessions: BTreeMap<u64, Session>,
    /// The newest session of each.
    members: BTreeMap<MemberId, u64>,
}

/// One peer connection.
struct Session {
    member: MemberId,
    stage: Stage,
}

enum Stage {
    /// The producer is to answer the member's offer, or else to offer. Candidates wait for that: `webrtcsink` tells both from
    /// different threads.
    Asked {
        answers: bool,
        early: Vec<TrickledCandidate>,
    },
    Described,
}

impl Producer {
    pub(super) fn new(meta: Option<&Value>, steps: &mut Steps) -> Result<Producer, BadId> {
        let (version, session, members) = (PROTOCOL_VERSION, meta::session_in(meta)?, Vec::new());
        steps.push(Step::Enter(FromClient::Register(Register { version, session, ticket: None, members })));
        Ok(Producer { sessions: BTreeMap::new(), members: BTreeMap::new() })
    }

    pub(super) fn on_hub(&mut self, message: ToClient, steps: &mut Steps) {
        match message {
            ToClient::Joined(joined) => self.on_joined(joined, steps),
            ToClient::From(from) => self.on_from(from, steps),
            ToClient::Left(left) => self.forget(&left.member, steps),
            ToClient::Error(error) if !error.recoverable => steps.error(error.message),
            ToClient::Bye(_) => self.end(steps),
            ToClient::Error(_)
            | ToClient::Away(_)
            | ToClient::Back(_)
            | ToClient::Registered(_)
            | ToClient::Welcome(_)
            | ToClient::Waiting(_)
            | ToClient::Offer(_)
            | ToClient::Answer(_)
            | ToClient::Candidate(_) => {}
        }
    }

    pub(super) fn on_peer(
        &mut self,
        session: &str,
        message: PeerMessageInner,
        steps: &mut Steps,
    ) -> Result<(), &'static str> {
        let Some((number, session)) = self.session_mut(session) else { return Ok(()) };
        let (member, offer) = (session.member.clone(), Some(number));
        let tell = |message| FromClient::To(To { member: member.clone(), message });
        let description = match message {
            PeerMessageInner::Ice { candidate, sdp_m_line_index } => {
                let candidate = TrickledCandidate { candidate, line: Some(sdp_m_line_index), mid: None, offer };
                match &mut session.stage {
                    Stage::Described => steps.tell(tell(ForMember::Candidate(candidate))),
                    Stage::Asked { early, .. } if early.len() < MAX_CANDIDATES => early.push(candidate),
                    Stage::Asked { .. } => return Err("too many candidates before the description"),
                }
                return Ok(());
            }
            PeerMessageInner::Sdp(description) => description,
        };
        let Stage::Asked { answers, early } = &mut session.stage else {
            return Err("this session was described; it is not negotiated anew");
        };
        let first = match (description, *answers) {
            (SdpMessage::Offer { sdp }, false) => ForMember::Offer(Sdp { sdp, offer }),
            (SdpMessage::Answer { sdp }, true) => ForMember::Answer(Sdp { sdp, offer }),
            (SdpMessage::Offer { .. }, true) => return Err("this consumer offered, and is to be answered"),
            (SdpMessage::Answer { .. }, false) => return Err("a producer offers here, and the consumer answers"),
        };
        steps.tell(tell(first));
        early.drain(..).for_each(|candidate| steps.tell(tell(ForMember::Candidate(candidate))));
        session.stage = Stage::Described;
        Ok(())
    }

    /// The producer ends one session.
    pub(super) fn dismiss(&mut self, session: &str, steps: &mut Steps) {
        let Some((number, session)) = self.session_mut(session) else { return };
        let member = session.member.clone();
        self.sessions.remove(&number);
        self.members.remove(&member);
        // No `bye`: the member would keep its peer connection, as when a hub ends.
        let (code, message) = (ErrorCode::PublishingEnded, "the producer ended this session".to_owned());
        let message = ForMember::Error(ErrorReport { code, message, recoverable: false });
        steps.tell(FromClient::To(To { member, message }));
    }

    pub(super) fn end(&mut self, steps: &mut Steps) {
        self.members.clear();
        for number in std::mem::take(&mut self.sessions).into_keys() {
            steps.end_session(number);
        }
    }

    fn session_mut(&mut self, session: &str) -> Option<(u64, &mut Session)> {
        let number = session.parse().ok()?;
        Some((number, self.sessions.get_mut(&number)?))
    }

    /// Somebody new, or somebody who wants another peer connection.
    fn on_joined(&mut self, Joined { member, offer, .. }: Joined, steps: &mut Steps) {
        self.forget(&member, steps);
        let number = steps.next_session();
        let (peer_id, session_id) = (member.to_string(), number.to_string());
        let stage = Stage::Asked { answers: offer.is_some(), early: Vec::new() };
        steps.say(OutgoingMessage::StartSession { peer_id, session_id, offer: offer.map(String::from) });
        self.members.insert(member.clone(), number);
        self.sessions.insert(number, Session { member, stage });
    }

    fn on_from(&mut self, From { member, message }: From, steps: &mut Steps) {
        let Some(number) = self.members.get(&member).copied() else { return };
        let is_current = |offer: Option<u64>| offer.is_none_or(|offer| offer == number);
        match message {
            OfMember::Answer(Sdp { sdp, offer }) if is_current(offer) => {
                steps.description(number, SdpMessage::Answer { sdp });
            }
            OfMember::Candidate(candidate) if is_current(candidate.offer) => steps.candidate(number, candidate),
            OfMember::Answer(_) | OfMember::Candidate(_) => {}
        }
    }

    fn forget(&mut self, member: &MemberId, steps: &mut Steps) {
        if let Some(number) = self.members.remove(member) {
            self.sessions.remove(&number);
            steps.end_session(number);
        }
    }
}
