//! One WebSocket that speaks the hub's own messages: it reads them for the hub and writes what is in its outbox.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::wire::{Heard, Wire};
use super::{ServerConfig, until_stopped};
use crate::signalling::hub::{Access, ConnectionId, SessionInfo};
use crate::signalling::message::{FromClient, IceServer, InvalidMessage, ToClient};

/// How many messages may wait for one client, besides one for each member that a sender may be told of at once. A session is an offer and a
/// few dozen candidates; whoever lets 64 of them wait does not read, and is cut off rather than waited for.
pub const OUTBOX_MESSAGES: usize = 64;

/// What the hub hears of the clients.
#[derive(Debug)]
pub enum HubEvent {
    /// A client connected; it has said nothing yet.
    Connected {
        /// Names the client in all that follows.
        id: ConnectionId,
        /// Where it connects from.
        remote: SocketAddr,
        /// What it may do.
        access: Access,
        /// Where to put what it is to be told.
        outbox: Outbox,
    },
    /// A client said something.
    Message {
        /// Who.
        id: ConnectionId,
        /// What.
        message: FromClient,
    },
    /// A client said something that is no message.
    Garbage {
        /// Who.
        id: ConnectionId,
        /// What is wrong with it.
        why: InvalidMessage,
    },
    /// Somebody wants to know which sessions there are, and since when.
    Sessions(oneshot::Sender<Vec<(SessionInfo, Duration)>>),
    /// Somebody wants to know the STUN and TURN servers before he offers.
    IceServers(oneshot::Sender<Vec<IceServer>>),
    /// Somebody wants to know whether new clients are let in.
    Ready(oneshot::Sender<bool>),
    /// A client is gone; nothing follows.
    Closed {
        /// Who.
        id: ConnectionId,
        /// Why.
        why: CloseReason,
    },
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client ended it, in whatever way.
    ByClient,
    /// [`Outbox::close`], or the hub is gone.
    ByUs,
    /// The client does not read.
    TooSlow,
    /// The client does not answer pings.
    Silent,
    /// A message longer than the limit.
    TooLong,
    /// Not the WebSocket protocol, RFC 6455.
    BadFrame,
    /// The server stops.
    Stopped,
}

/// What is to be done with one client's connection.
pub(super) enum Outgoing {
    Message(ToClient),
    Close,
}

/// Where to put messages for one client. Putting never waits.
#[derive(Clone, Debug)]
pub struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    cut: Arc<Notify>,
}

/// The client is gone, or going: it did not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client is gone or does not read")]
pub struct OutboxClosed;

impl Outbox {
    /// An outbox, and where what is put there comes out. `cut` is told when it is full.
    pub(super) fn new(cut: Arc<Notify>, config: &ServerConfig) -> (Outbox, mpsc::Receiver<Outgoing>) {
        let (queue, outgoing) = mpsc::channel(OUTBOX_MESSAGES + config.max_members);
        (Outbox { queue, cut }, outgoing)
    }

    /// Sends a message. If [`OUTBOX_MESSAGES`] and more wait already, the client is cut off and [`HubEvent::Closed`] follows.
    pub fn send(&self, message: ToClient) -> Result<(), OutboxClosed> {
        self.put(Outgoing::Message(message))
    }

    /// Closes the connection after all that was sent before.
    pub fn close(&self) {
        let _ = self.put(Outgoing::Close);
    }

    fn put(&self, outgoing: Outgoing) -> Result<(), OutboxClosed> {
        self.queue.try_send(outgoing).map_err(|error| {
            // Whoever has left already is not cut off: the wire may carry somebody else by now.
            if let mpsc::error::TrySendError::Full(_) = error {
                self.cut.notify_one();
            }
            OutboxClosed
        })
    }
}

pub(super) struct Link {
    pub(super) id: ConnectionId,
    pub(super) remote: SocketAddr,
    pub(super) access: Access,
    pub(super) hub: mpsc::Sender<HubEvent>,
    pub(super) config: Arc<ServerConfig>,
    pub(super) stopped: watch::Receiver<bool>,
}

/// The whole life of one WebSocket.
pub(super) async fn converse(socket: WebSocket, link: Link) {
    let Link { id, remote, access, hub, config, stopped } = link;
    let wire = Wire::new(socket, &config);
    let (outbox, outgoing) = Outbox::new(wire.cut(), &config);
    if hub.send(HubEvent::Connected { id, remote, access, outbox }).await.is_err() {
        return;
    }
    let mut conversation = Conversation { id, wire, hub, outgoing };
    let why = conversation.run(stopped).await;
    tracing::debug!(%remote, ?why, "a signalling client is gone");
    conversation.wire.close(why).await;
    let _ = conversation.hub.send(HubEvent::Closed { id, why }).await;
}

struct Conversation {
    id: ConnectionId,
    wire: Wire,
    hub: mpsc::Sender<HubEvent>,
    outgoing: mpsc::Receiver<Outgoing>,
}

impl Conversation {
    async fn run(&mut self, mut stopped: watch::Receiver<bool>) -> CloseReason {
        loop {
            let ended = tokio::select! {
                heard = self.wire.hear() => self.on_heard(heard).await,
                outgoing = self.outgoing.recv() => self.on_outgoing(outgoing).await,
                () = until_stopped(&mut stopped) => Err(self.flush().await),
            };
            if let Err(why) = ended {
                return why;
            }
        }
    }

    async fn on_heard(&mut self, heard: Result<Heard, CloseReason>) -> Result<(), CloseReason> {
        let id = self.id;
        match heard? {
            Heard::Text(text) => {
                self.tell(match FromClient::read(text.as_str()) {
                    Ok(message) => HubEvent::Message { id, message },
                    Err(why) => HubEvent::Garbage { id, why },
                })
                .await
            }
            Heard::Binary => self.tell(HubEvent::Garbage { id, why: InvalidMessage::Binary }).await,
            Heard::PingDue => self.wire.ping().await,
            Heard::SignOfLife => Ok(()),
        }
    }

    async fn tell(&mut self, event: HubEvent) -> Result<(), CloseReason> {
        self.hub.send(event).await.map_err(|_| CloseReason::ByUs)
    }

    async fn on_outgoing(&mut self, outgoing: Option<Outgoing>) -> Result<(), CloseReason> {
        match outgoing {
            Some(Outgoing::Message(message)) => self.wire.write(message.to_json()).await,
            Some(Outgoing::Close) | None => Err(CloseReason::ByUs),
        }
    }

    /// Writes what waits already: the last words of a role that stops.
    async fn flush(&mut self) -> CloseReason {
        while let Ok(Outgoing::Message(message)) = self.outgoing.try_recv() {
            if let Err(why) = self.wire.write(message.to_json()).await {
                return why;
            }
        }
        CloseReason::Stopped
    }
}
