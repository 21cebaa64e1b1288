//! Who gets a peer connection, and who another.

use std::sync::Arc;
use std::time::Duration;

use super::member::{Member, State};
use super::offered::{Offered, check_offer};
use super::{Action, Departure, MOST_RENEWALS, NewPeer, OFFER_WITHIN, PeerId, Room, no_common_codec};
use crate::codec::Codec;
use crate::signalling::gate::{CandidateGate, CandidatePolicy};
use crate::signalling::message::{ErrorCode, Joined, MemberId};

/// Somebody who may have a peer connection.
struct Wanted {
    joined: Joined,
    candidates: CandidateGate,
    /// What both sides have, in the sender's order.
    codecs: Vec<Codec>,
    offered: Option<Arc<Offered>>,
}

/// Who may not, and why.
type Refusal = (MemberId, ErrorCode, String);

impl Room {
    /// Somebody wants a peer connection, perhaps a new one instead of one that is there; `loopback` tells whether the hub is on
    /// this machine.
    pub fn on_joined(&mut self, joined: Joined, loopback: bool, now: Duration) {
        let before = self.peer_of(&joined.member);
        let policy = CandidatePolicy { loopback: loopback && joined.loopback, tcp: self.config.ice_tcp };
        let wanted = match self.admit(joined, policy, before.is_some()) {
            Ok(wanted) => wanted,
            Err((member, code, text)) => {
                if let Some(before) = before {
                    self.forget(before, Departure::Error(code));
                }
                return self.refuse(member, code, text);
            }
        };
        let before = before.and_then(|before| self.forget(before, Departure::Renewed));
        let tried = before.map_or(0, |before| if before.is_connected() { 1 } else { before.tried });
        self.start(wanted, tried, now);
    }

    /// Whether there is room for somebody, and something to send.
    fn admit(&self, mut joined: Joined, policy: CandidatePolicy, is_here: bool) -> Result<Wanted, Refusal> {
        let others = self.members.len() - usize::from(is_here);
        if others >= self.config.max_members {
            let text = format!("{others} receivers are here already, and that is the most");
            return Err((joined.member, ErrorCode::TooMany, text));
        }
        let mut candidates = CandidateGate::new(policy);
        let offered = match joined.offer.take() {
            None => None,
            Some(offer) => match check_offer(offer.sdp(), &self.config.codecs, &mut candidates) {
                Ok(offered) => Some(Arc::new(offered)),
                Err((code, text)) => return Err((joined.member, code, text)),
            },
        };
        let codecs = match &offered {
            Some(offered) => offered.formats.iter().map(|format| format.codec).collect(),
            None => self.common(&joined.codecs),
        };
        if codecs.is_empty() {
            let text = no_common_codec(&self.config.codecs, &joined.codecs);
            return Err((joined.member, ErrorCode::NoCommonCodec, text));
        }
        Ok(Wanted { joined, candidates, codecs, offered })
    }

    /// What both sides have, in the sender's order.
    fn common(&self, codecs: &[Codec]) -> Vec<Codec> {
        self.config.codecs.iter().copied().filter(|codec| codecs.contains(codec)).collect()
    }

    fn start(&mut self, wanted: Wanted, tried: u32, now: Duration) {
        let Wanted { joined, candidates, codecs, offered } = wanted;
        let Joined { member, role, name, .. } = joined.clone();
        self.peers += 1;
        let id = PeerId(self.peers);
        let receiver = *self.receivers.entry(member.clone()).or_insert_with(|| {
            self.counted += 1;
            self.counted
        });
        let state = match &offered {
            Some(offered) => State::Answering { offered: Arc::clone(offered), early: Vec::new() },
            None => State::Joined { codecs: codecs.clone(), early: Vec::new() },
        };
        self.members.insert(id, Member::new(joined, candidates, state, now + OFFER_WITHIN, tried));
        self.actions.push_back(Action::StartPeer(id, NewPeer { member, receiver, name, role, codecs, offered }));
    }

    /// The peer was lost: its path is gone, or nothing is heard of the member. If it had been connected the member gets another one,
    /// a few times; else, or if it cannot hear of another, it is told and goes.
    pub fn on_peer_lost(&mut self, id: PeerId, code: ErrorCode, why: &str, now: Duration) {
        if self.is_away(id) {
            self.let_go(id, code, why);
        } else if !self.renew(id, now) {
            self.expel(id, code, why.to_owned());
        }
    }

    /// Starts another peer in the place of one that was connected, or that was to take the place of such a one; says whether.
    fn renew(&mut self, id: PeerId, now: Duration) -> bool {
        let may_be_renewed = |member: &Member| {
            let may_try = member.is_connected() || (1..MOST_RENEWALS).contains(&member.tried);
            may_try && !member.has_offered && !self.common(&member.joined.codecs).is_empty()
        };
        if !self.members.get(&id).is_some_and(may_be_renewed) {
            return false;
        }
        let Some(member) = self.forget(id, Departure::Renewed) else { return false };
        let tried = if member.is_connected() { 1 } else { member.tried + 1 };
        let (candidates, codecs) = (CandidateGate::new(member.policy), self.common(&member.joined.codecs));
        self.start(Wanted { joined: member.joined, candidates, codecs, offered: None }, tried, now);
        true
    }
}
