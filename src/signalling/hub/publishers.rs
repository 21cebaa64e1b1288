//! Publishers: their video comes to the hub, which has a receiver and a sender of its own for it, and takes part in the session with
//! these.
//!
//! ```text
//! publisher --publish--> hub: TakeIn --offer--> its receiver --answer--> publisher
//!                                    its sender --register, ticket--> hub <--join-- members
//! ```
//!
//! The three connections end together: whichever is gone first, the others are closed.

use std::time::Duration;

use super::super::message::{
    Bye, ErrorCode, ErrorReport, MemberId, PROTOCOL_VERSION, Publish, Register, Sdp, SessionId, Ticket, ToClient, Welcome,
};
use super::pace::Pace;
use super::seats::{Connection, Line, Publication, Seat, Session};
use super::{Access, ConnectionId, Hub, HubAction, Published};

/// What a publisher is called in its `welcome`.
const PUBLISHER: &str = "publisher";

impl Hub {
    /// The connection with which the hub's own receiver of what is published comes. It is welcomed and offered what the publisher
    /// offers.
    pub fn on_intake(&mut self, id: ConnectionId, published: &Published) {
        let Published { publisher, session, loopback, .. } = published;
        let publication = self.sessions.get_mut(session).and_then(|session| session.publication.as_mut());
        let Some(publication) = publication.filter(|publication| publication.publisher == *publisher) else {
            // It has just ended.
            return self.actions.push_back(HubAction::Close(id));
        };
        publication.intake = Some(id);
        let offer = publication.offer.take();
        let (seat, access) = (Seat::Intake(session.clone()), Access::everything());
        self.connections.insert(
            id,
            Connection { seat, deadline: None, loopback: *loopback, access, mistakes: 0, pace: Pace::default() },
        );
        self.welcome(id, session);
        if let Some(offer) = offer {
            self.send(id, ToClient::Offer(Sdp { sdp: offer.into(), offer: None }));
        }
    }

    pub(super) fn on_publish(&mut self, id: ConnectionId, publish: Publish, now: Duration) {
        if !self.check_version(id, publish.version) {
            return;
        }
        let Some(connection) = self.connections.get(&id) else { return };
        let (access, loopback) = (connection.access.clone(), connection.loopback);
        let session = publish.session.or(access.session.clone()).unwrap_or_else(|| self.supplies.session_id());
        if !access.may_send || !access.allows(&session) {
            let text = format!("this token is not for the sender of session '{session}'");
            return self.expel(id, ErrorCode::Forbidden, text);
        }
        if let Err((code, text)) = self.make_place(&session, now) {
            return self.expel(id, code, text);
        }
        let ticket = Ticket::new(self.supplies.random());
        let Some(place) = self.sessions.get_mut(&session) else { return };
        let (intake, is_answered, offer) = (None, false, Some(publish.offer));
        place.publication = Some(Publication { publisher: id, intake, is_answered, ticket: ticket.clone(), offer });
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.seat = Seat::Publisher(session.clone());
            connection.deadline = None;
        }
        self.welcome(id, &session);
        let published = Published { publisher: id, loopback, session, ticket, name: publish.name };
        self.actions.push_back(HubAction::TakeIn(published));
    }

    /// The publisher may have gone meanwhile: choosing an encoder takes time.
    pub(super) fn on_register_inside(&mut self, id: ConnectionId, register: Register, now: Duration) {
        let publication = register.session.as_ref().and_then(|session| self.publication(session));
        let shows = |ticket: &Ticket| register.ticket.as_ref().is_some_and(|shown| shown.is(ticket));
        if publication.is_some_and(|publication| shows(&publication.ticket)) {
            self.on_register(id, register, now);
        } else {
            self.expel(id, ErrorCode::PublishingEnded, "what was published here is over".to_owned());
        }
    }

    /// Makes sure that the session is there and its sender's place is free. A sender that is only expected back has lost it.
    fn make_place(&mut self, id: &SessionId, now: Duration) -> Result<(), (ErrorCode, String)> {
        let (here, at_most) =
            (self.sessions.values().filter(|one| one.publication.is_some()).count(), self.config.max_publishers);
        if at_most == 0 {
            return Err((ErrorCode::Forbidden, "this hub takes in nothing that is published".to_owned()));
        }
        if here >= at_most {
            return Err((ErrorCode::TooMany, format!("{here} publish here already, and that is the most")));
        }
        let place = self.open(id, now).map_err(|text| (ErrorCode::TooMany, text))?;
        let is_sending = matches!(place.sender.as_ref().map(|seat| seat.line), Some(Line::Up(_)));
        if is_sending || place.publication.is_some() {
            let text = format!("session '{id}' has a sender; choose another name, or end that one");
            return Err((ErrorCode::SessionTaken, text));
        }
        if place.sender.is_some() {
            self.end_sender(id, "somebody else takes the sender's place");
            // Where nobody waits, it has ended with its sender.
            self.open(id, now).map_err(|text| (ErrorCode::TooMany, text))?;
        }
        Ok(())
    }

    /// The publisher and the hub's receiver are told the same.
    fn welcome(&mut self, id: ConnectionId, session: &SessionId) {
        let (ticket, ice_servers) = (Ticket::new(self.supplies.random()), self.supplies.ice_servers(PUBLISHER));
        let member = MemberId::try_from(PUBLISHER.to_owned()).expect("letters are an id");
        let (version, kept) = (PROTOCOL_VERSION, false);
        let welcome = Welcome { version, session: session.clone(), id: member, ticket, kept, ice_servers };
        self.send(id, ToClient::Welcome(welcome));
    }

    pub(super) fn is_published(&self, session: &SessionId) -> bool {
        self.publication(session).is_some()
    }

    fn publication(&self, session: &SessionId) -> Option<&Publication> {
        self.sessions.get(session).and_then(|session| session.publication.as_ref())
    }

    pub(super) fn on_intake_answered(&mut self, session: &SessionId, answer: Sdp) {
        if let Some(publication) = self.sessions.get_mut(session).and_then(|session| session.publication.as_mut()) {
            publication.is_answered = true;
        }
        self.tell_publisher(session, ToClient::Answer(answer));
    }

    pub(super) fn tell_intake(&mut self, session: &SessionId, message: ToClient) {
        if let Some(intake) = self.publication(session).and_then(|publication| publication.intake) {
            self.send(intake, message);
        }
    }

    pub(super) fn tell_publisher(&mut self, session: &SessionId, message: ToClient) {
        if let Some(publisher) = self.publication(session).map(|publication| publication.publisher) {
            self.send(publisher, message);
        }
    }

    /// Closes all that belongs to a publication; the members wait for whoever sends next.
    pub(super) fn end_publication(&mut self, session: &SessionId, reason: &str) {
        let Some(place) = self.sessions.get_mut(session) else { return };
        let Some(publication) = place.publication.take() else { return };
        let own = place.sender_connection().into_iter().chain(publication.intake);
        for id in own {
            if self.connections.remove(&id).is_some() {
                self.send(id, ToClient::Bye(Bye { reason: reason.to_owned() }));
                self.actions.push_back(HubAction::Close(id));
            }
        }
        if self.connections.remove(&publication.publisher).is_some() {
            let code = if publication.is_answered { ErrorCode::PublishingEnded } else { ErrorCode::SdpRefused };
            let message = reason.to_owned();
            self.send(publication.publisher, ToClient::Error(ErrorReport { code, message, recoverable: false }));
            self.actions.push_back(HubAction::Close(publication.publisher));
        }
        self.end_sender(session, "what was published here is over");
    }
}

impl Session {
    /// Whether whoever shows this ticket may be its sender, as far as what is published into it goes.
    pub(super) fn admits_sender(&self, shown: Option<&Ticket>) -> bool {
        self.publication.as_ref().is_none_or(|publication| shown.is_some_and(|shown| shown.is(&publication.ticket)))
    }
}
