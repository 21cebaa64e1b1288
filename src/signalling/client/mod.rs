//! A role's end of the signalling: connects to a hub, or to somebody's WHIP or WHEP server, waits for one that is not up yet, and comes
//! back when it goes.

mod backoff;
mod connection;
mod http;
mod place;
mod secure;
mod url;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use self::backoff::Backoff;
use self::place::Line;
use super::message::{FromClient, ToClient};
use crate::cli::{Secret, SessionArgs};
use crate::tls::{self, TlsError};

pub use self::http::Endpoint;
pub use self::place::Place;
pub use self::url::{HubUrl, UrlError};

/// How many messages may wait in either direction: an offer and the candidates of both sides are a few dozen.
const QUEUE_MESSAGES: usize = 64;

/// How often in a row something else than a sender has to answer before it is believed: one bad answer may be a proxy that starts.
const STRANGE_ANSWERS: u32 = 3;

/// How long [`Client::close`] waits at most.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// How patient the client is.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Give up when the sender could not be reached for so long; `None` waits for ever.
    pub give_up_after: Option<Duration>,
    /// How long one attempt may take to connect, and again to shake hands.
    pub attempt_within: Duration,
    /// After so long without any frame the connection is lost. The sender pings every 5 s.
    pub silence: Duration,
    /// Shown to the hub.
    pub token: Option<Secret>,
    /// Whose certificates are good; nobody's without it.
    pub trust: Option<Arc<rustls::ClientConfig>>,
}

impl ClientConfig {
    /// For this place, with what the settings say of it.
    ///
    /// # Errors
    /// When TLS is spoken there, and nobody could be trusted.
    pub fn new(place: &Place, session: &SessionArgs) -> Result<ClientConfig, TlsError> {
        // A server may redirect to where TLS is spoken.
        let trust = (place.is_secure() || session.trust.tls_ca.is_some())
            .then(|| tls::trusting(session.trust.tls_ca.as_deref()))
            .transpose()?;
        Ok(ClientConfig { token: session.token.clone(), trust, ..ClientConfig::default() })
    }
}

impl Default for ClientConfig {
    fn default() -> ClientConfig {
        let seconds = Duration::from_secs;
        ClientConfig { give_up_after: None, attempt_within: seconds(5), silence: seconds(15), token: None, trust: None }
    }
}

/// What the receiver hears.
#[derive(Debug)]
pub enum ClientEvent {
    /// The sender is there; `join` goes into this outbox. It ends with the connection: nothing that was meant for one connection
    /// reaches the next. Whoever drops it ends the connection, and the client connects anew.
    Connected(mpsc::Sender<FromClient>),
    /// The sender said something.
    Message(ToClient),
    /// The connection is gone; the client tries again.
    Lost {
        /// In words.
        reason: String,
    },
    /// It makes no sense to go on; nothing follows.
    Failed(ClientError),
}

/// Why the client gave up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Something answers, but it is no sender.
    #[error("{place} is not a rebound sender: it answered {answer}; check the host and the port")]
    NotRebound {
        /// What was tried.
        place: Place,
        /// What came back.
        answer: String,
    },
    /// No token, or one that the hub does not take.
    #[error("{place} {}; {}give it with --token-file FILE or in REBOUND_TOKEN",
        if *.shown { "does not take our token: it has expired, or is of another hub" } else { "wants a token" },
        if matches!(.place, Place::Hub(_)) { "make one with 'rebound token', and " } else { "" })]
    Unauthorised {
        /// What was tried.
        place: Place,
        /// Whether there was a token.
        shown: bool,
    },
    /// TLS is wanted by one side only, or the certificate is none that we trust.
    #[error("{place} is not to be trusted: {why}")]
    Untrusted {
        /// What was tried.
        place: Place,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A WHIP or WHEP server that will not have us.
    #[error("{place} does not serve us: {answer}; check the URL")]
    Refused {
        /// What was tried.
        place: Place,
        /// What came back.
        answer: String,
    },
    /// [`ClientConfig::give_up_after`] is over.
    #[error("{} at {place} within {after:?}: {reason}; {}", place.awaited(), place.remedy())]
    GaveUp {
        /// What was tried.
        place: Place,
        /// For how long.
        after: Duration,
        /// What went wrong last.
        reason: String,
    },
}

/// This hub, or the sender behind it, will never serve us: trying again is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("we are refused: {0}")]
pub struct Refused(pub String);

/// A client that runs until it fails or is dropped.
#[derive(Debug)]
pub struct Client {
    events: mpsc::Receiver<ClientEvent>,
    /// None of a hub in this very program.
    task: Option<JoinHandle<()>>,
}

impl Client {
    /// Of a hub in this program, which tells the same events.
    pub fn attached(events: mpsc::Receiver<ClientEvent>) -> Client {
        Client { events, task: None }
    }

    /// Starts connecting; must be called within a tokio runtime.
    pub fn connect(place: impl Into<Place>, config: ClientConfig) -> Client {
        let (sender, events) = mpsc::channel(QUEUE_MESSAGES);
        let (place, backoff, last_reason) = (place.into(), Backoff::seeded_by_time(), String::new());
        let task = Task { place, config, events: sender, backoff, strange: 0, last_reason };
        Client { events, task: Some(tokio::spawn(task.run())) }
    }

    /// The next event; `None` after [`ClientEvent::Failed`]. May be dropped while waiting: no event is lost.
    pub async fn next(&mut self) -> Option<ClientEvent> {
        self.events.recv().await
    }

    /// Ends; what was put into `outbox`, that of the present connection if there is one, is sent first, within a second.
    pub async fn close(mut self, outbox: Option<mpsc::Sender<FromClient>>) {
        if outbox.is_none_or(|outbox| outbox.is_closed()) {
            return;
        }
        let lost = async { while !matches!(self.next().await, None | Some(ClientEvent::Lost { .. })) {} };
        let _ = timeout(CLOSE_WITHIN, lost).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

struct Task {
    place: Place,
    config: ClientConfig,
    events: mpsc::Sender<ClientEvent>,
    backoff: Backoff,
    /// How often in a row something else than a sender answered.
    strange: u32,
    /// The last reason that was logged: each is told once, not ten times a second.
    last_reason: String,
}

/// The receiver does not listen any more.
struct NobodyListens;

impl Task {
    async fn run(mut self) {
        let mut unreachable_since = Instant::now();
        loop {
            let ended = match self.place.open(&self.config, &self.events).await {
                Ok(line) => {
                    let Ok(ended) = self.on_connected(line).await else { return };
                    if !matches!(ended, Ended::Busy(..)) {
                        unreachable_since = Instant::now();
                    }
                    ended
                }
                Err(ended) => ended,
            };
            let asked_to_wait = if let Ended::Busy(_, after) = &ended { after.unwrap_or_default() } else { Duration::ZERO };
            if let Some(error) = self.judge(ended, unreachable_since.elapsed()) {
                let _ = self.events.send(ClientEvent::Failed(error)).await;
                return;
            }
            tokio::time::sleep(self.backoff.next().max(asked_to_wait)).await;
        }
    }

    /// Whether to give up, after an attempt or a connection ended.
    fn judge(&mut self, ended: Ended, unreachable_for: Duration) -> Option<ClientError> {
        let place = self.place.clone();
        let reason = match ended {
            Ended::Strange(answer) => {
                self.strange += 1;
                if self.strange >= STRANGE_ANSWERS {
                    return Some(ClientError::NotRebound { place, answer });
                }
                format!("it answered {answer}")
            }
            Ended::Untrusted(why) => {
                self.strange += 1;
                if self.strange >= STRANGE_ANSWERS {
                    return Some(ClientError::Untrusted { place, why });
                }
                why
            }
            Ended::Unauthorised => return Some(ClientError::Unauthorised { place, shown: self.config.token.is_some() }),
            Ended::Refused(answer) => return Some(ClientError::Refused { place, answer }),
            Ended::Unreachable(reason) | Ended::Busy(reason, _) => {
                self.strange = 0;
                reason
            }
        };
        if self.last_reason != reason {
            tracing::info!("waiting for {place}: {reason}");
            self.last_reason.clone_from(&reason);
        }
        let after = self.config.give_up_after.filter(|after| unreachable_for >= *after)?;
        Some(ClientError::GaveUp { place, after, reason })
    }

    async fn on_connected(&mut self, line: Line) -> Result<Ended, NobodyListens> {
        tracing::info!("connected to {}", self.place);
        let since = Instant::now();
        let (outbox, outgoing) = mpsc::channel(QUEUE_MESSAGES);
        self.tell(ClientEvent::Connected(outbox)).await?;
        let ended = line.converse(outgoing, &self.events).await?;
        if since.elapsed() > backoff::LONGEST {
            self.backoff.reset();
        }
        let reason = match &ended {
            Ended::Unreachable(reason) | Ended::Busy(reason, _) | Ended::Refused(reason) => reason.clone(),
            Ended::Strange(answer) => format!("it said {answer}"),
            Ended::Untrusted(why) => why.clone(),
            Ended::Unauthorised => "it takes no token any more".to_owned(),
        };
        self.tell(ClientEvent::Lost { reason }).await?;
        Ok(ended)
    }

    async fn tell(&self, event: ClientEvent) -> Result<(), NobodyListens> {
        self.events.send(event).await.map_err(|_| NobodyListens)
    }
}

/// How an attempt or a connection ended.
enum Ended {
    /// Nothing there, or not any more.
    Unreachable(String),
    /// Something that is no sender.
    Strange(String),
    /// Something whose certificate is not trusted, or where only one side speaks TLS.
    Untrusted(String),
    /// A hub that wants another token.
    Unauthorised,
    /// A WHIP or WHEP server that cannot serve us now, and may say when it can.
    Busy(String, Option<Duration>),
    /// A WHIP or WHEP server that never will.
    Refused(String),
}

#[cfg(test)]
mod tests;
