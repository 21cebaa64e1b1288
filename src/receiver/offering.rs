//! A receiver that offers, where the other side only answers: WHEP.

use anyhow::Context as _;

use super::Receiver;
use super::progress::Progress;
use super::session::{OwnOffer, Session, SessionId};
use crate::signalling::gate::{CandidateGate, CandidatePolicy, CheckedSdp, Direction, SdpKind, check_sdp};
use crate::signalling::message::{FromClient, Join, Offer, PROTOCOL_VERSION, Sdp};
use crate::webrtc::{Begin, Source};

impl Receiver {
    /// The server is there: a peer is made to offer, off the loop. One that was there is replaced.
    pub(super) fn offer(&mut self) {
        self.end_session("a new connection takes its place");
        self.hub.on_offer();
        let gate = CandidateGate::new(CandidatePolicy { loopback: self.is_local, tcp: self.config.ice_tcp });
        self.sessions += 1;
        let (id, jitter_ms, now) = (SessionId(self.sessions), self.config.recovery.jitter_ms, self.clock.now());
        let progress = Progress::new(self.hub.answered_in(), self.stalled, now);
        let channel = self.config.looks();
        let progress = if channel { progress } else { progress.without_channel() };
        let mut session = Session::new(id, None, gate, jitter_ms, progress, now);
        session.own_offer = OwnOffer::InTheMaking;
        self.session = Some(session);
        let begin = Begin::Ours { codecs: self.texts.decodable(), channel };
        match self.settings(begin) {
            Ok(settings) => self.start_peer(id, settings),
            Err(error) => self.leave(&format!("{error:#}")),
        }
    }

    /// Our offer is made.
    pub(super) fn on_own_offer(&mut self, sdp: String) {
        match self.join_with(sdp) {
            Ok(offer) => {
                if let Some(session) = &mut self.session {
                    session.own_offer = OwnOffer::Made(Box::new(offer));
                }
            }
            Err(error) => self.leave(&format!("{error:#}")),
        }
    }

    fn join_with(&mut self, sdp: String) -> anyhow::Result<CheckedSdp> {
        let policy = CandidatePolicy { loopback: self.is_local, tcp: self.config.ice_tcp };
        let checked = check_sdp(&sdp, SdpKind::Offer, &mut CandidateGate::new(policy)).context("our own offer is bad")?;
        let offer = Some(Offer::try_from(sdp).context("our own offer is bad")?);
        let (version, role, name, codecs) = (PROTOCOL_VERSION, self.role(), self.display_name(), self.texts.decodable());
        self.hub.on_join(self.clock.now());
        self.hub.tell(FromClient::Join(Join { version, role, session: None, name, codecs, resume: None, offer }));
        Ok(checked)
    }

    /// The server answers our offer.
    pub(super) fn on_answer(&mut self, answered: &Sdp) {
        let now = self.clock.now();
        self.hub.on_answered(now);
        if let Err(error) = self.take_answer(&answered.sdp) {
            return self.walk_out(&format!("the answer is refused: {error:#}"));
        }
        if let Some(session) = &mut self.session {
            session.progress.on_answer(now);
        }
        self.watch();
    }

    fn take_answer(&mut self, sdp: &str) -> anyhow::Result<()> {
        let session = self.session.as_mut().context("nothing was offered")?;
        let OwnOffer::Made(offer) = &session.own_offer else { anyhow::bail!("nothing was offered") };
        let answer = check_sdp(sdp, SdpKind::Answer, &mut session.gate)?;
        anyhow::ensure!(
            answer.has_lines_of(offer),
            "it must have the m-lines of our offer with the same mids in the same order"
        );
        let video = answer.video().context("it rejects the video: the server has none of our codecs")?;
        let sends = matches!(video.direction, Direction::SendOnly | Direction::SendRecv);
        anyhow::ensure!(sends, "it sends no video");
        if answer.application().is_none() && session.progress.awaits_channel() {
            session.go_without_channel(self.clock.now());
        }
        session.own_offer = OwnOffer::Answered;
        let decoded = session.decoded.clone();
        let source: Source = self.source(&answer, &decoded)?;
        let peer = self.session.as_ref().and_then(|session| session.peer.as_ref()).context("there is no connection")?;
        Ok(peer.set_answer(&source)?)
    }
}
