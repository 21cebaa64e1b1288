//! One WebSocket: reads messages for the hub, writes what is in its outbox, and ends when either does not move.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite;

use super::{ServerConfig, until_stopped};
use crate::signalling::hub::{Access, ConnectionId, SessionInfo};
use crate::signalling::message::{FromClient, InvalidMessage, ToClient};

/// How many messages may wait for one client. A session is an offer and a few dozen candidates; whoever lets 64 of them wait does
/// not read, and is cut off rather than waited for.
pub const OUTBOX_MESSAGES: usize = 64;

/// With so many pings unanswered when the next is due, a client is gone: after 15 s at the usual 5 s.
const MAX_UNANSWERED_PINGS: u32 = 2;

/// How long a client may take to answer the close of its connection.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

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
    /// A new one; its other ends are what waits in it, and who is told when the client is to be cut off.
    pub(super) fn new() -> (Outbox, mpsc::Receiver<Outgoing>, Arc<Notify>) {
        let (queue, outgoing) = mpsc::channel(OUTBOX_MESSAGES);
        let cut = Arc::new(Notify::new());
        (Outbox { queue, cut: Arc::clone(&cut) }, outgoing, cut)
    }

    /// Sends a message. If [`OUTBOX_MESSAGES`] wait already, the client is cut off and [`HubEvent::Closed`] follows.
    pub fn send(&self, message: ToClient) -> Result<(), OutboxClosed> {
        self.put(Outgoing::Message(message))
    }

    /// Closes the connection after all that was sent before.
    pub fn close(&self) {
        let _ = self.put(Outgoing::Close);
    }

    fn put(&self, outgoing: Outgoing) -> Result<(), OutboxClosed> {
        self.queue.try_send(outgoing).map_err(|_| {
            self.cut.notify_one();
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
    let (outbox, outgoing, cut) = Outbox::new();
    if hub.send(HubEvent::Connected { id, remote, access, outbox }).await.is_err() {
        return;
    }
    let mut conversation = Conversation { id, socket, hub, outgoing, cut, config, unanswered_pings: 0 };
    let why = conversation.run(stopped).await;
    tracing::debug!(%remote, ?why, "a signalling client is gone");
    conversation.close(why).await;
    let _ = conversation.hub.send(HubEvent::Closed { id, why }).await;
}

struct Conversation {
    id: ConnectionId,
    socket: WebSocket,
    hub: mpsc::Sender<HubEvent>,
    outgoing: mpsc::Receiver<Outgoing>,
    cut: Arc<Notify>,
    config: Arc<ServerConfig>,
    unanswered_pings: u32,
}

impl Conversation {
    async fn run(&mut self, mut stopped: watch::Receiver<bool>) -> CloseReason {
        let mut pings = interval(self.config.ping_every);
        pings.reset();
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ended = tokio::select! {
                received = self.socket.recv() => self.on_received(received).await,
                outgoing = self.outgoing.recv() => self.on_outgoing(outgoing).await,
                _ = pings.tick() => self.on_ping_due().await,
                () = self.cut.notified() => Err(CloseReason::TooSlow),
                () = until_stopped(&mut stopped) => Err(self.flush().await),
            };
            if let Err(why) = ended {
                return why;
            }
        }
    }

    async fn on_received(&mut self, received: Option<Result<Message, axum::Error>>) -> Result<(), CloseReason> {
        self.unanswered_pings = 0;
        match received {
            Some(Ok(Message::Text(text))) => {
                let id = self.id;
                self.tell(match FromClient::read(text.as_str()) {
                    Ok(message) => HubEvent::Message { id, message },
                    Err(why) => HubEvent::Garbage { id, why },
                })
                .await
            }
            Some(Ok(Message::Binary(_))) => self.tell(HubEvent::Garbage { id: self.id, why: InvalidMessage::Binary }).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_))) | None => Err(CloseReason::ByClient),
            Some(Err(error)) => Err(reason_of(error)),
        }
    }

    async fn tell(&mut self, event: HubEvent) -> Result<(), CloseReason> {
        self.hub.send(event).await.map_err(|_| CloseReason::ByUs)
    }

    async fn on_outgoing(&mut self, outgoing: Option<Outgoing>) -> Result<(), CloseReason> {
        match outgoing {
            Some(Outgoing::Message(message)) => self.write(Message::Text(message.to_json().into())).await,
            Some(Outgoing::Close) | None => Err(CloseReason::ByUs),
        }
    }

    async fn on_ping_due(&mut self) -> Result<(), CloseReason> {
        if self.unanswered_pings == MAX_UNANSWERED_PINGS {
            return Err(CloseReason::Silent);
        }
        self.unanswered_pings += 1;
        self.write(Message::Ping(axum::body::Bytes::new())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), CloseReason> {
        tokio::select! {
            () = self.cut.notified() => Err(CloseReason::TooSlow),
            written = timeout(self.config.write_within, self.socket.send(message)) => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(reason_of(error)),
                Err(_) => Err(CloseReason::TooSlow),
            },
        }
    }

    /// Writes what waits already: the last words of a role that stops.
    async fn flush(&mut self) -> CloseReason {
        while let Ok(Outgoing::Message(message)) = self.outgoing.try_recv() {
            if let Err(why) = self.write(Message::Text(message.to_json().into())).await {
                return why;
            }
        }
        CloseReason::Stopped
    }

    /// Says why and waits a moment for the client to agree: data that it has not read would be lost by a hard end.
    async fn close(&mut self, why: CloseReason) {
        let (code, reason) = match why {
            CloseReason::ByUs => (close_code::NORMAL, "done"),
            CloseReason::TooLong => (close_code::SIZE, "message too long"),
            CloseReason::BadFrame => (close_code::PROTOCOL, "not a WebSocket frame"),
            CloseReason::Stopped => (close_code::AWAY, "the sender ends"),
            CloseReason::ByClient | CloseReason::TooSlow | CloseReason::Silent => return,
        };
        let farewell = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let _ = timeout(CLOSE_WITHIN, async {
            self.socket.send(farewell).await?;
            while let Some(Ok(_)) = self.socket.recv().await {}
            Ok::<(), axum::Error>(())
        })
        .await;
    }
}

fn reason_of(error: axum::Error) -> CloseReason {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => CloseReason::TooLong,
        Some(tungstenite::Error::WriteBufferFull(_)) => CloseReason::TooSlow,
        Some(tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
            CloseReason::ByClient
        }
        Some(tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_)) => CloseReason::BadFrame,
        _ => CloseReason::ByClient,
    }
}
