//! The sender's place at its hub: what it says of itself, and what it hears of receivers.

use std::net::SocketAddr;

use anyhow::bail;
use tokio::sync::mpsc;

use super::Sender;
use crate::cli::{self, SendConfig};
use crate::signalling::client::{ClientEvent, Endpoint, HubUrl, Refused};
use crate::signalling::message::{
    Bye, ErrorCode, ErrorReport, FromClient, PROTOCOL_VERSION, Register, Registered, SessionId, Ticket, ToClient,
};

/// Where the hub is.
pub(super) enum Place {
    /// Inside this sender, listening here.
    Own {
        address: SocketAddr,
        /// Whether it speaks TLS.
        is_secure: bool,
    },
    /// Somewhere else.
    At(HubUrl),
    /// In place of one, somebody's WHIP server.
    Server(Endpoint),
    /// Around this sender, which hands on what is published there.
    Around,
}

/// The hub, and what it gave.
pub(super) struct Link {
    place: Place,
    session: Option<SessionId>,
    ticket: Option<Ticket>,
    ice_servers: Vec<cli::IceServer>,
    outbox: Option<mpsc::Sender<FromClient>>,
}

impl Link {
    pub(super) fn new(place: Place, session: Option<SessionId>) -> Link {
        Link { place, session, ticket: None, ice_servers: Vec::new(), outbox: None }
    }

    /// The place that is kept inside a hub, with the ticket to it.
    pub(super) fn inside(session: &SessionId, ticket: &Ticket) -> Link {
        Link { ticket: Some(ticket.clone()), ..Link::new(Place::Around, Some(session.clone())) }
    }

    /// What to type where the receiver is to be.
    pub(super) fn invitation(&self) -> String {
        match (&self.place, &self.session) {
            // By which name this machine is known, its certificate says.
            (Place::Own { address, is_secure: true }, _) => format!("rebound receive wss://NAME:{}", address.port()),
            (Place::Own { address: at, .. }, _) if at.ip().is_loopback() || at.ip().is_unspecified() => {
                format!("rebound receive --port {}", at.port())
            }
            (Place::Own { address: at, .. }, _) => format!("rebound receive --host {} --port {}", at.ip(), at.port()),
            (Place::At(url), Some(session)) => format!("rebound receive --hub {url} --session {session}"),
            (Place::Around, _) => "rebound receive --hub URL".to_owned(),
            (Place::At(url), None) => format!("rebound receive --hub {url}"),
            (Place::Server(endpoint), _) => endpoint.to_string(),
        }
    }

    /// Whether somebody's WHIP server is in place of a hub.
    pub(super) fn is_server(&self) -> bool {
        matches!(self.place, Place::Server(_))
    }

    fn is_inside(&self) -> bool {
        matches!(self.place, Place::Around)
    }

    /// Whether the hub is on this machine.
    fn is_local(&self) -> bool {
        match &self.place {
            Place::Own { .. } | Place::Around => true,
            Place::At(url) => url.is_loopback(),
            Place::Server(endpoint) => endpoint.is_loopback(),
        }
    }

    /// One's own are better known than the hub's.
    pub(super) fn ice_servers<'a>(&'a self, config: &'a SendConfig) -> &'a [cli::IceServer] {
        if config.ice_servers.is_empty() { &self.ice_servers } else { &config.ice_servers }
    }

    /// Tells the hub something. A hub that does not read is left, and come back to.
    pub(super) fn tell(&mut self, message: FromClient) {
        if let Some(outbox) = &self.outbox
            && outbox.try_send(message).is_err()
        {
            tracing::warn!("the hub does not read what it is told: connecting anew");
            self.outbox = None;
        }
    }

    /// Where to tell the hub something, if it is reached.
    pub(super) fn outbox(&mut self) -> Option<mpsc::Sender<FromClient>> {
        self.outbox.take()
    }

    /// The sender ends.
    pub(super) fn bye(&mut self) {
        self.tell(FromClient::Bye(Bye { reason: "the run is over".into() }));
    }
}

impl Sender {
    pub(super) fn on_hub(&mut self, event: Option<ClientEvent>) -> anyhow::Result<()> {
        match event {
            Some(ClientEvent::Connected(outbox)) => self.register(outbox),
            Some(ClientEvent::Message(message)) => self.on_hub_message(message)?,
            Some(ClientEvent::Lost { reason }) => {
                self.hub.outbox = None;
                tracing::warn!("the connection to the hub is lost, video goes on: {reason}");
            }
            Some(ClientEvent::Failed(error)) => return Err(error.into()),
            // What was published is over.
            None if self.hub.is_inside() => self.is_over = true,
            None => bail!("the hub's client ended"),
        }
        Ok(())
    }

    fn register(&mut self, outbox: mpsc::Sender<FromClient>) {
        self.hub.outbox = Some(outbox);
        let (session, ticket) = (self.hub.session.clone(), self.hub.ticket.clone());
        let members = self.room.connected();
        self.hub.tell(FromClient::Register(Register { version: PROTOCOL_VERSION, session, ticket, members }));
    }

    fn on_hub_message(&mut self, message: ToClient) -> anyhow::Result<()> {
        let now = self.clock.now();
        match message {
            ToClient::Registered(registered) => self.on_registered(registered),
            ToClient::Joined(joined) => self.room.on_joined(joined, self.hub.is_local(), now),
            ToClient::From(from) => self.room.on_from(from, now),
            ToClient::Away(away) => self.room.on_away(&away.member),
            ToClient::Back(back) => self.room.on_back(&back.member),
            ToClient::Left(left) => self.room.on_left(&left),
            ToClient::Error(report) => return self.on_hub_error(report),
            ToClient::Bye(bye) => tracing::info!("the hub says goodbye, video goes on: {}", bye.reason),
            other => tracing::debug!(?other, "a message that is for receivers"),
        }
        Ok(())
    }

    fn on_registered(&mut self, registered: Registered) {
        let Registered { session, ticket, ice_servers, .. } = registered;
        let is_new = self.hub.ticket.is_none();
        self.hub.ice_servers = crate::ice::readable(&ice_servers);
        self.hub.session = Some(session.clone());
        self.hub.ticket = Some(ticket);
        match &self.hub.place {
            Place::Own { address, is_secure } => {
                let s = if *is_secure { "s" } else { "" };
                tracing::info!("browsers may come to http{s}://{address}, receivers may come to ws{s}://{address}/ws");
            }
            Place::Server(endpoint) => tracing::info!("publishing to {endpoint}"),
            Place::Around => tracing::info!(%session, "what is published can be watched"),
            Place::At(_) if is_new => tracing::info!(%session, "the session is open: {}", self.hub.invitation()),
            Place::At(_) => tracing::info!(%session, "the hub is back, and so is this sender"),
        }
    }

    /// An error that is not recoverable ends the connection, and the next one may do better, unless it is what we are or want.
    fn on_hub_error(&mut self, report: ErrorReport) -> anyhow::Result<()> {
        let ErrorReport { code, message, recoverable } = report;
        if !recoverable && matches!(code, ErrorCode::Forbidden | ErrorCode::SessionTaken | ErrorCode::UnsupportedVersion) {
            bail!(Refused(message));
        }
        tracing::warn!(?code, "the hub complains: {message}");
        Ok(())
    }
}
