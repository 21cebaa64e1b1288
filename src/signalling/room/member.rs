//! One receiver, as the room knows it.

use std::time::Duration;

use crate::codec::Codec;
use crate::signalling::gate::{CandidateGate, CandidatePolicy, CheckedSdp};
use crate::signalling::message::{KnownMember, TrickledCandidate};

pub(super) struct Member {
    pub(super) known: KnownMember,
    pub(super) state: State,
    /// When it is sent away unless it moved on.
    pub(super) deadline: Option<Duration>,
    pub(super) policy: CandidatePolicy,
    pub(super) candidates: CandidateGate,
    pub(super) mistakes: u32,
}

impl Member {
    pub(super) fn new(known: KnownMember, policy: CandidatePolicy, state: State, deadline: Duration) -> Member {
        let candidates = CandidateGate::new(policy);
        Member { known, state, deadline: Some(deadline), policy, candidates, mistakes: 0 }
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
