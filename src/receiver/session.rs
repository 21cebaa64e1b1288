//! One connection to one sender: from its offer to its end.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::progress::{Fault, Progress};
use super::watch::{Counts, Show};
use crate::cli::JitterMs;
use crate::decode::Decoded;
use crate::feedback::{Liveness, SILENCE};
use crate::recovery::Patience;
use crate::signalling::gate::{Candidate, CandidateGate, CandidateVerdict, CheckedSdp, MAX_CANDIDATES};
use crate::signalling::message::TrickledCandidate;
use crate::signalling::silence::Silent;
use crate::webrtc::{Channel, ReceivingPeer};

/// How long the video of a sender without a data channel may be away: one may pause its camera, and nothing else can be heard of it.
const PAUSE: Duration = Duration::from_secs(30);

/// A session is told apart from the one before, whose late events do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionId(pub(super) u64);

/// How far our own offer has come.
pub(super) enum OwnOffer {
    /// The other side offers.
    None,
    /// It is being made.
    InTheMaking,
    /// It is sent.
    Made(Box<CheckedSdp>),
    /// It is answered.
    Answered,
}

/// One connection to one sender.
pub(super) struct Session {
    pub(super) id: SessionId,
    /// The number of the offer that it answers.
    pub(super) offer: Option<u64>,
    /// Where we offer.
    pub(super) own_offer: OwnOffer,
    /// Our candidates that wait for our description, which goes first; none once it has gone.
    undescribed: Option<Vec<TrickledCandidate>>,
    /// What of the offer is answered with silence.
    pub(super) silent: Vec<Silent>,
    /// The sender's candidates pass it.
    pub(super) gate: CandidateGate,
    /// Candidates that came before the peer was made.
    pub(super) early: Vec<(u32, Candidate)>,
    pub(super) peer: Option<ReceivingPeer>,
    pub(super) decoded: Arc<Decoded>,
    pub(super) counts: Arc<Counts>,
    pub(super) watcher: Option<JoinHandle<Option<Show>>>,
    pub(super) progress: Progress,
    /// How long nothing need be heard of the sender.
    silence: Duration,
    pub(super) liveness: Liveness,
    /// When the sender is to be told of us next.
    pub(super) next_stats: Duration,
    jitter: JitterMs,
    recovery: Patience,
}

impl Session {
    /// A session that answers an offer.
    pub(super) fn new(
        id: SessionId,
        offer: Option<u64>,
        gate: CandidateGate,
        jitter: JitterMs,
        progress: Progress,
        now: Duration,
    ) -> Session {
        let silence = if progress.awaits_channel() { SILENCE } else { PAUSE };
        Session {
            id,
            offer,
            own_offer: OwnOffer::None,
            undescribed: Some(Vec::new()),
            silent: Vec::new(),
            gate,
            early: Vec::new(),
            peer: None,
            decoded: Arc::default(),
            counts: Arc::default(),
            watcher: None,
            progress,
            silence,
            liveness: Liveness::new(now, silence),
            next_stats: now,
            jitter,
            recovery: Patience::default(),
        }
    }

    /// Whether nothing is known yet of the other side.
    pub(super) fn awaits_answer(&self) -> bool {
        matches!(self.own_offer, OwnOffer::InTheMaking | OwnOffer::Made(_))
    }

    /// The other side takes no data channel.
    pub(super) fn go_without_channel(&mut self, now: Duration) {
        self.progress.give_up_channel();
        self.silence = PAUSE;
        self.liveness = Liveness::new(now, PAUSE);
    }

    /// A candidate of ours, if it may be told already.
    pub(super) fn tell_candidate(&mut self, line: u32, candidate: String) -> Option<TrickledCandidate> {
        let found = TrickledCandidate { candidate, line: Some(line), mid: None, offer: self.offer };
        match &mut self.undescribed {
            Some(waiting) if waiting.len() < MAX_CANDIDATES => waiting.push(found),
            Some(_) => {}
            None => return Some(found),
        }
        None
    }

    /// Our description has gone; these go after it.
    pub(super) fn on_described(&mut self) -> Vec<TrickledCandidate> {
        self.undescribed.take().unwrap_or_default()
    }

    /// The connection is encrypted.
    pub(super) fn on_connected(&mut self, now: Duration) {
        self.progress.on_connected(now);
        if !self.progress.awaits_channel() {
            self.on_open(now);
        }
    }

    /// Where coordinates go, if the sender takes any.
    pub(super) fn channel(&self) -> Option<Channel> {
        let peer = self.peer.as_ref().filter(|_| self.progress.awaits_channel());
        peer.map(|peer| peer.channel().clone())
    }

    /// The sender can be heard: from now on its silence means something. Not before: on a bad path the channel takes seconds.
    pub(super) fn on_open(&mut self, now: Duration) {
        self.progress.on_open();
        self.liveness.heartbeat(now);
    }

    /// The sender has a data channel, and not for us: the connection is all there is, unless ours comes too.
    pub(super) fn on_other_channel(&mut self, now: Duration) {
        self.silence = PAUSE;
        self.liveness = Liveness::new(now, PAUSE);
        self.on_open(now);
    }

    /// Whether any video came.
    pub(super) fn has_received(&self) -> bool {
        self.decoded.last_arrival().is_some()
    }

    /// Whether it is set up.
    pub(super) fn is_open(&self) -> bool {
        self.progress.is_open()
    }

    /// Why it is of no more use, if it is not.
    pub(super) fn fault(&self, now: Duration) -> Option<Fault> {
        if let Some(fault) = self.progress.fault(now) {
            return Some(fault);
        }
        let silent_for = |last: Duration| now.saturating_sub(last) > self.silence;
        // Video and heartbeat go different ways through the peer: either tells that it lives.
        let dead = self.liveness.is_dead(now) && self.decoded.last_arrival().is_none_or(silent_for);
        dead.then_some(Fault::Silent)
    }

    /// Waits for lost packets as long as the path makes it worth, and answers as often.
    pub(super) fn steer(&mut self, now: Duration) {
        let Some(peer) = &self.peer else { return };
        let Some(path) = peer.reception().path() else { return };
        self.decoded.set_round_trip(path.round_trip.unwrap_or_default());
        self.recovery.on_path(&path, now);
        if let Some(loss) = self.recovery.loss() {
            peer.set_loss(loss);
        }
        if self.jitter == JitterMs::Auto {
            peer.reception().set_wait(self.recovery.wait());
        }
    }

    /// Writes its graph, if graphs are written.
    pub(super) fn dump(&self, moment: &str) {
        if let Some(peer) = &self.peer {
            peer.pipeline().dump(moment);
        }
    }

    /// Takes a candidate of the sender.
    pub(super) fn add_candidate(&mut self, line: u32, text: &str) {
        match self.gate.check(text) {
            Ok(CandidateVerdict::Use(candidate)) => match &self.peer {
                Some(peer) => peer.add_candidate(line, candidate.text()),
                None => self.early.push((line, candidate)),
            },
            Ok(CandidateVerdict::Ignore(_)) => {}
            Err(refused) => tracing::debug!("a candidate of the sender is refused: {refused}"),
        }
    }
}
