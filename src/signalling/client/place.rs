//! Where a client connects to, and the line it has then.

use std::fmt;

use tokio::sync::mpsc;

use super::http::{Dialogue, Endpoint, Http};
use super::{ClientConfig, ClientEvent, Ended, HubUrl, NobodyListens, connection};
use crate::signalling::message::FromClient;

/// What is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A hub, or the sender that one is in.
    Hub(HubUrl),
    /// Somebody's WHIP or WHEP server.
    Server(Endpoint),
}

impl Place {
    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        match self {
            Place::Hub(url) => url.is_loopback(),
            Place::Server(endpoint) => endpoint.is_loopback(),
        }
    }

    /// Whether TLS is spoken there.
    pub fn is_secure(&self) -> bool {
        match self {
            Place::Hub(url) => url.is_secure(),
            Place::Server(endpoint) => endpoint.is_secure(),
        }
    }

    /// What was not there, for an error.
    pub(super) fn awaited(&self) -> &'static str {
        match self {
            Place::Hub(_) => "no sender",
            Place::Server(_) => "nothing to connect to",
        }
    }

    /// What to do then.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Place::Hub(_) => "start one with 'rebound send', or wait longer",
            Place::Server(_) => "check the URL, or wait longer",
        }
    }

    pub(super) async fn open(&self, config: &ClientConfig, events: &mpsc::Sender<ClientEvent>) -> Result<Line, Ended> {
        match self {
            Place::Hub(url) => Ok(Line::Socket(Box::new(connection::open(url, config).await?))),
            Place::Server(endpoint) => {
                let http = Http::new(endpoint, config).map_err(|problem| Ended::Refused(problem.to_string()))?;
                let dialogue = Dialogue::open(endpoint.clone(), http, events.clone()).await?;
                Ok(Line::Http(Box::new(dialogue)))
            }
        }
    }
}

impl From<HubUrl> for Place {
    fn from(url: HubUrl) -> Place {
        Place::Hub(url)
    }
}

impl From<Endpoint> for Place {
    fn from(endpoint: Endpoint) -> Place {
        Place::Server(endpoint)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Hub(url) => url.fmt(f),
            Place::Server(endpoint) => endpoint.fmt(f),
        }
    }
}

/// A connection.
pub(super) enum Line {
    Socket(Box<connection::Line>),
    Http(Box<Dialogue>),
}

impl Line {
    /// Talks until it ends; `Err` when the role does not listen any more.
    pub(super) async fn converse(
        self,
        outgoing: mpsc::Receiver<FromClient>,
        events: &mpsc::Sender<ClientEvent>,
    ) -> Result<Ended, NobodyListens> {
        match self {
            Line::Socket(line) => line.converse(outgoing, events).await,
            Line::Http(dialogue) => dialogue.converse(outgoing).await,
        }
    }
}
