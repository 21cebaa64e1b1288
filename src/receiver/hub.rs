//! The receiver's place at its hub: how it joins, comes back, and hears of the sender.

use std::time::Duration;

use anyhow::bail;
use tokio::sync::mpsc;

use super::Receiver;
use super::progress::NEGOTIATE_WITHIN;
use crate::signalling::client::{Backoff, ClientEvent, Refused};
use crate::signalling::message::{
    Bye, DisplayName, ErrorCode, ErrorReport, FromClient, Join, MemberId, PROTOCOL_VERSION, Resume, Role, SessionId, Ticket,
    ToClient, Welcome,
};

/// What the receiver is at its hub.
pub(super) struct Link {
    /// The session that was asked for.
    wanted: Option<SessionId>,
    /// Where and who it is, since it was welcomed.
    member: Option<(SessionId, MemberId, Ticket)>,
    outbox: Option<mpsc::Sender<FromClient>>,
    /// Since when it waits for its welcome.
    joined_at: Option<Duration>,
    /// How long it waited the last time.
    answered_in: Duration,
    /// When to ask for a new peer connection.
    again_at: Option<Duration>,
    backoff: Backoff,
}

impl Link {
    pub(super) fn new(wanted: Option<SessionId>) -> Link {
        let backoff = Backoff::seeded_by_time();
        let answered_in = Duration::ZERO;
        Link { wanted, member: None, outbox: None, joined_at: None, answered_in, again_at: None, backoff }
    }

    /// How long the hub took to answer.
    pub(super) fn answered_in(&self) -> Duration {
        self.answered_in
    }

    /// We wait for the hub's answer.
    pub(super) fn on_join(&mut self, now: Duration) {
        self.joined_at = Some(now);
    }

    /// It came.
    pub(super) fn on_answered(&mut self, now: Duration) {
        if let Some(joined_at) = self.joined_at.take() {
            self.answered_in = now.saturating_sub(joined_at);
        }
    }

    /// Tells the hub something; one that does not read any more is about to be lost.
    pub(super) fn tell(&self, message: FromClient) {
        if let Some(outbox) = &self.outbox {
            let _ = outbox.try_send(message);
        }
    }

    /// Where to tell the hub something, for the last time.
    pub(super) fn take_outbox(&mut self) -> Option<mpsc::Sender<FromClient>> {
        self.outbox.take()
    }

    /// A peer connection is up: the next one that fails is the first again.
    pub(super) fn on_open(&mut self) {
        self.backoff.reset();
    }

    /// The sender offers one by itself.
    pub(super) fn on_offer(&mut self) {
        self.again_at = None;
    }

    /// Asks for a new peer connection, not at once: what fails at once would fail a thousand times.
    pub(super) fn ask_again(&mut self, now: Duration) {
        self.again_at = Some(now + self.backoff.next());
    }
}

impl Receiver {
    pub(super) fn on_client(&mut self, event: ClientEvent) -> anyhow::Result<()> {
        match event {
            ClientEvent::Connected(outbox) => {
                self.hub.outbox = Some(outbox);
                if self.offers() {
                    self.hub.on_join(self.clock.now());
                } else {
                    self.join();
                }
            }
            ClientEvent::Message(message) => self.on_message(message)?,
            ClientEvent::Lost { reason } => self.on_lost(&reason),
            ClientEvent::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// A peer connection that is up needs no hub; one that is being made does.
    fn on_lost(&mut self, reason: &str) {
        self.hub.outbox = None;
        self.hub.joined_at = None;
        if self.is_open() {
            tracing::warn!("the connection to the hub is lost, video goes on: {reason}");
        } else {
            self.end_session(&format!("signalling is lost: {reason}"));
        }
    }

    /// Leaves a sender whose messages are not to be trusted; the client connects anew.
    pub(super) fn walk_out(&mut self, reason: &str) {
        self.end_session(reason);
        self.hub.tell(FromClient::Bye(Bye { reason: reason.to_owned() }));
        self.hub.outbox = None;
        self.hub.member = None;
    }

    fn is_open(&self) -> bool {
        self.session.as_ref().is_some_and(super::Session::is_open)
    }

    fn join(&mut self) {
        if self.offers() {
            return self.offer();
        }
        let keep = self.is_open();
        self.hub.again_at = None;
        self.hub.on_join(self.clock.now());
        let (name, role) = (self.display_name(), self.role());
        let known = self.hub.member.clone();
        let (known, resume) = known.map(|(session, id, ticket)| (session, Resume { id, ticket, keep })).unzip();
        let session = self.hub.wanted.clone().or(known);
        let (version, codecs) = (PROTOCOL_VERSION, self.texts.decodable());
        self.hub.tell(FromClient::Join(Join { version, role, session, name, codecs, resume, offer: None }));
    }

    /// Whether we offer, and the other side answers.
    fn offers(&self) -> bool {
        self.config.whep.whep.is_some()
    }

    pub(super) fn role(&self) -> Role {
        if self.config.looks() { Role::Receiver } else { Role::Viewer }
    }

    pub(super) fn display_name(&self) -> Option<DisplayName> {
        self.config.name.clone().and_then(|name| DisplayName::try_from(name).ok())
    }

    fn on_message(&mut self, message: ToClient) -> anyhow::Result<()> {
        match message {
            ToClient::Welcome(welcome) => self.on_welcome(welcome),
            ToClient::Waiting(waiting) => {
                tracing::info!("waiting for the sender: {}", waiting.reason);
                self.end_session("the sender is gone");
            }
            ToClient::Offer(offer) => {
                // A server's counter-offer answers our own.
                self.hub.on_answered(self.clock.now());
                self.on_offer(&offer);
            }
            ToClient::Answer(answer) => self.on_answer(&answer),
            ToClient::Candidate(candidate) => {
                if let Some(session) = &mut self.session {
                    // Our sender's media are bundled: any line names the one transport.
                    session.add_candidate(candidate.line.unwrap_or(0), &candidate.candidate);
                }
            }
            ToClient::Error(error) => return self.on_error(error),
            ToClient::Bye(bye) => tracing::info!("the hub says goodbye: {}", bye.reason),
            other => tracing::debug!(?other, "a message that is for senders"),
        }
        Ok(())
    }

    fn on_welcome(&mut self, welcome: Welcome) {
        let Welcome { session, id, ticket, kept, ice_servers, .. } = welcome;
        if self.offers() {
            tracing::info!("the server is there");
        } else {
            tracing::info!(%session, %id, kept, "the hub lets us in");
        }
        self.hub.on_answered(self.clock.now());
        if !kept {
            self.end_session("a new connection takes its place");
        }
        self.hub.member = Some((session, id, ticket));
        let own = &self.config.ice_servers;
        let announced = crate::ice::readable(&ice_servers);
        // One's own are better known than the hub's.
        let servers = if own.is_empty() { &announced } else { own };
        self.ice = crate::ice::settings(servers, self.config.ice_tcp, self.config.ice_policy);
        if self.offers() && self.session.is_none() {
            self.offer();
        }
    }

    fn on_error(&mut self, error: ErrorReport) -> anyhow::Result<()> {
        let ErrorReport { code, message, recoverable } = error;
        if code == ErrorCode::ResumeRefused {
            tracing::info!("the hub does not know us any more: joining anew");
            self.hub.member = None;
            self.end_session("the hub has forgotten it");
            self.join();
        } else if recoverable {
            tracing::warn!(?code, "the hub complains: {message}");
        } else {
            tracing::error!(?code, "we are sent away: {message}");
            self.end_session("sent away");
            if matches!(
                code,
                ErrorCode::NoCommonCodec | ErrorCode::UnsupportedVersion | ErrorCode::Forbidden | ErrorCode::SessionNeeded
            ) {
                bail!(Refused(message));
            }
        }
        Ok(())
    }

    /// Does what is due.
    pub(super) fn keep_joined(&mut self, now: Duration) {
        if self.hub.joined_at.is_some_and(|joined_at| now >= joined_at + NEGOTIATE_WITHIN) {
            tracing::warn!("the hub does not let us in, in time: connecting anew");
            self.hub.outbox = None;
            self.hub.joined_at = None;
        }
        if self.hub.again_at.is_some_and(|at| at <= now) {
            self.hub.again_at = None;
            if self.hub.outbox.is_some() {
                self.join();
            }
        }
    }
}
