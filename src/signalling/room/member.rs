//! One receiver, as the room knows it.

use std::sync::Arc;
use std::time::Duration;

use super::offered::Offered;
use crate::codec::Codec;
use crate::signalling::gate::{CandidateGate, CandidatePolicy, CheckedSdp, SdpKind};
use crate::signalling::message::{Joined, KnownMember, TrickledCandidate};
use crate::signalling::silence::{Lines, lines};

pub(super) struct Member {
    /// What it asked for.
    pub(super) joined: Joined,
    pub(super) state: State,
    /// When it is sent away unless it moved on.
    pub(super) deadline: Option<Duration>,
    pub(super) policy: CandidatePolicy,
    pub(super) candidates: CandidateGate,
    pub(super) mistakes: u32,
    /// Its connection to the hub is down: it hears nothing.
    pub(super) is_away: bool,
    /// It offered, so that only it can make another peer connection.
    pub(super) has_offered: bool,
    /// How many peers were started since one was lost, this one included; 0 if none was.
    pub(super) tried: u32,
}

impl Member {
    pub(super) fn new(joined: Joined, candidates: CandidateGate, state: State, deadline: Duration, tried: u32) -> Member {
        let (policy, deadline, has_offered) = (candidates.policy(), Some(deadline), state.is_offered());
        Member { joined, state, deadline, policy, candidates, mistakes: 0, is_away: false, has_offered, tried }
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
    /// It has offered, and a peer that answers is being made. Candidates of that peer wait here for the answer.
    Answering { offered: Arc<Offered>, early: Vec<(u32, String)> },
    /// The offer was sent.
    Offered { codecs: Vec<Codec>, offer: CheckedSdp },
    /// The answer was applied; connecting or connected.
    Answered { lines: Lines },
}

impl State {
    /// What did not happen when the deadline of this state passes.
    pub(super) fn awaited(&self) -> &'static str {
        match self {
            State::Joined { .. } => "the sender made no offer",
            State::Answering { .. } => "the sender made no answer",
            State::Offered { .. } => "no answer",
            State::Answered { .. } => "no connection (ICE and DTLS)",
        }
    }

    /// What the peer is to make.
    pub(super) fn describes(&self) -> Option<SdpKind> {
        match self {
            State::Joined { .. } => Some(SdpKind::Offer),
            State::Answering { .. } => Some(SdpKind::Answer),
            State::Offered { .. } | State::Answered { .. } => None,
        }
    }

    fn is_offered(&self) -> bool {
        matches!(self, State::Answering { .. })
    }

    /// The m-line that a candidate is for: by its index, else by its mid.
    pub(super) fn line_of(&self, candidate: &TrickledCandidate) -> Option<u32> {
        let lines = match self {
            State::Joined { .. } => Lines::new(),
            State::Answering { offered, .. } => offered.lines(),
            State::Offered { offer, .. } => lines(&mids_of(offer), &[]),
            State::Answered { lines } => lines.clone(),
        };
        let found = match candidate.line {
            Some(index) => lines.get(usize::try_from(index).ok()?),
            None => lines.iter().find(|(mid, _)| Some(mid.as_str()) == candidate.mid.as_deref()),
        };
        found.map(|(_, line)| *line)
    }
}

/// The names of the m-lines, in order.
pub(super) fn mids_of(sdp: &CheckedSdp) -> Vec<String> {
    sdp.media().iter().map(|media| media.mid.clone()).collect()
}
