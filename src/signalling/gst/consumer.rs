//! A consumer: a viewer of one session.

use super::protocol::{OutgoingMessage, PeerMessageInner, SdpMessage};
use super::{Step, Steps};
use crate::codec::Codec;
use crate::signalling::message::{
    FromClient, Join, Offer, PROTOCOL_VERSION, Role, Sdp, SessionId, ToClient, TrickledCandidate,
};

/// A consumer that started a session with a producer.
pub(super) struct Consumer {
    producer: SessionId,
    is_in: bool,
    has_offered: bool,
    session: Option<Session>,
}

/// One peer connection, as it is told to the consumer.
struct Session {
    number: u64,
    stage: Stage,
}

enum Stage {
    /// The sender is to offer.
    Wanted,
    /// The consumer offered, and the sender is to answer.
    Offered,
    /// What was offered has this number.
    Negotiated(Option<u64>),
}

impl Consumer {
    pub(super) fn new(producer: SessionId, offer: Option<Offer>, steps: &mut Steps) -> Consumer {
        let has_offered = offer.is_some();
        steps.push(Step::Enter(FromClient::Join(Join {
            version: PROTOCOL_VERSION,
            role: Role::Viewer,
            session: Some(producer.clone()),
            name: None,
            // What it can decode shows in its answer.
            codecs: Codec::ALL.to_vec(),
            resume: None,
            offer,
        })));
        Consumer { producer, is_in: false, has_offered, session: None }
    }

    /// Whether this is the session it has.
    pub(super) fn is_in(&self, session: &str) -> bool {
        self.session.as_ref().is_some_and(|current| current.number.to_string() == session)
    }

    pub(super) fn on_hub(&mut self, message: ToClient, steps: &mut Steps) {
        match message {
            // It may have to wait for the producer, but not to know that it does.
            ToClient::Welcome(_) => {
                if !std::mem::replace(&mut self.is_in, true) {
                    self.start(if self.has_offered { Stage::Offered } else { Stage::Wanted }, steps);
                }
            }
            ToClient::Waiting(_) => {
                if self.session.as_ref().is_some_and(|session| matches!(session.stage, Stage::Negotiated(_))) {
                    self.end(steps);
                }
            }
            ToClient::Offer(offer) => self.on_offer(offer, steps),
            ToClient::Answer(answer) => self.on_answer(answer, steps),
            ToClient::Candidate(candidate) => self.on_candidate(candidate, steps),
            ToClient::Error(error) if !error.recoverable => steps.error(error.message),
            ToClient::Bye(_) => self.end(steps),
            ToClient::Error(_)
            | ToClient::Away(_)
            | ToClient::Back(_)
            | ToClient::Registered(_)
            | ToClient::Joined(_)
            | ToClient::From(_)
            | ToClient::Left(_) => {}
        }
    }

    pub(super) fn on_peer(
        &mut self,
        session: &str,
        message: PeerMessageInner,
        steps: &mut Steps,
    ) -> Result<(), &'static str> {
        let Some(current) = self.session.as_ref().filter(|current| current.number.to_string() == session) else {
            return Ok(());
        };
        let offer = match current.stage {
            Stage::Wanted => return Err("this session has no offer yet"),
            Stage::Offered => None,
            Stage::Negotiated(offer) => offer,
        };
        steps.tell(match message {
            PeerMessageInner::Sdp(SdpMessage::Answer { sdp }) => FromClient::Answer(Sdp { sdp, offer }),
            PeerMessageInner::Sdp(SdpMessage::Offer { .. }) => {
                return Err("a consumer offers in startSession or not at all");
            }
            PeerMessageInner::Ice { candidate, sdp_m_line_index } => {
                let line = Some(sdp_m_line_index);
                FromClient::Candidate(TrickledCandidate { candidate, line, mid: None, offer })
            }
        });
        Ok(())
    }

    pub(super) fn end(&mut self, steps: &mut Steps) {
        if let Some(session) = self.session.take() {
            steps.end_session(session.number);
        }
    }

    fn start(&mut self, stage: Stage, steps: &mut Steps) -> &mut Session {
        let (number, peer_id) = (steps.next_session(), self.producer.to_string());
        steps.say(OutgoingMessage::SessionStarted { peer_id, session_id: number.to_string() });
        self.session.insert(Session { number, stage })
    }

    /// An offer is a new peer connection, unless one is waited for.
    fn on_offer(&mut self, Sdp { sdp, offer }: Sdp, steps: &mut Steps) {
        if self.session.as_ref().is_some_and(|session| !matches!(session.stage, Stage::Wanted)) {
            self.end(steps);
        }
        let session = match &mut self.session {
            Some(session) => session,
            None => self.start(Stage::Wanted, steps),
        };
        session.stage = Stage::Negotiated(offer);
        steps.description(session.number, SdpMessage::Offer { sdp });
    }

    fn on_answer(&mut self, Sdp { sdp, offer }: Sdp, steps: &mut Steps) {
        if let Some(session) = &mut self.session
            && matches!(session.stage, Stage::Offered)
        {
            session.stage = Stage::Negotiated(offer);
            steps.description(session.number, SdpMessage::Answer { sdp });
        }
    }

    fn on_candidate(&mut self, candidate: TrickledCandidate, steps: &mut Steps) {
        let Some(Session { number, stage: Stage::Negotiated(offer) }) = &self.session else { return };
        if candidate.offer.is_none() || candidate.offer == *offer {
            steps.candidate(*number, candidate);
        }
    }
}
