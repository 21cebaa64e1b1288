//! One receiver, as the room knows it.

use std::time::Duration;

use crate::codec::Codec;
use crate::signalling::gate::{CandidateGate, CandidatePolicy, CheckedSdp};
use crate::signalling::message::{Joined, KnownMember, TrickledCandidate};

pub(super) struct Member {
    /// What it asked for.
    pub(super) joined: Joined,
    pub(super) state: State,
    /// When it is sent away unless it moved on.
    pub(super) deadline: Option<Duration>,
    pub(super) policy: CandidatePolicy,
    pub(super) candidates: CandidateGate,
    pub(super) mistakes: u32,
    /// How many peers were started since one was lost, this one included; 0 if none was.
    pub(super) tried: u32,
}

impl Member {
    pub(super) fn new(joined: Joined, policy: CandidatePolicy, state: State, deadline: Duration, tried: u32) -> Member {
        let candidates = CandidateGate::new(policy);
        Member { joined, state, deadline: Some(deadline), policy, candidates, mistakes: 0, tried }
    }

    /// As a hub wants to hear it.
    pub(super) fn known(&self) -> KnownMember {
        let Joined { member, ticket, role, .. } = &self.joined;
        KnownMember { id: member.clone(), ticket: ticket.clone(), role: *role }
    }

    /// Its peer is up: nothing has a deadline.
    pub(super) fn is_connected(&self) -> bool {
        self.deadline.is_none()
    }
}

/// How far a peer connection has come.
pub(super) enum State {
    /// Its peer is being made. Candidates of that peer wait here for the offer.
    Joined { codecs: Vec<Codec>, early: Vec<(u32, String)> },
    /// The offer was sent.
    Offered { codecs: Vec<Codec>, offer: CheckedSdp },
    /// The answer was applied; connecting or connected.
    Answered { mids: Vec<String> },
}

impl State {
    /// What did not happen when the deadline of this state passes.
    pub(super) fn awaited(&self) -> &'static str {
        match self {
            State::Joined { .. } => "the sender made no offer",
            State::Offered { .. } => "no answer",
            State::Answered { .. } => "no connection (ICE and DTLS)",
        }
    }

    /// The m-line that a candidate is for: by its index, else by its mid.
    pub(super) fn line_of(&self, candidate: &TrickledCandidate) -> Option<u32> {
        let mids: Vec<&str> = match self {
            State::Joined { .. } => Vec::new(),
            State::Offered { offer, .. } => offer.media().iter().map(|media| media.mid.as_str()).collect(),
            State::Answered { mids } => mids.iter().map(String::as_str).collect(),
        };
        let by_mid = || mids.iter().position(|mid| Some(*mid) == candidate.mid.as_deref());
        let index = candidate.line.map_or_else(by_mid, |line| usize::try_from(line).ok())?;
        if index < mids.len() { u32::try_from(index).ok() } else { None }
    }
}
