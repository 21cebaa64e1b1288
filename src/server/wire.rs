//! One WebSocket, whatever is spoken on it: it ends when the client does not read, does not answer pings or breaks the rules.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite;

use super::ServerConfig;
use super::socket::CloseReason;

/// With so many pings unanswered when the next is due, a client is gone: after 15 s at the usual 5 s.
const MAX_UNANSWERED_PINGS: u32 = 2;

/// How long a client may take to answer the close of its connection.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// What happened on it.
pub(super) enum Heard {
    Text(Utf8Bytes),
    Binary,
    /// A ping or pong.
    SignOfLife,
    /// It is time for [`Wire::ping`].
    PingDue,
}

/// The WebSocket.
pub(super) struct Wire {
    socket: WebSocket,
    cut: Arc<Notify>,
    pings: Interval,
    unanswered_pings: u32,
    write_within: Duration,
}

impl Wire {
    pub(super) fn new(socket: WebSocket, config: &ServerConfig) -> Wire {
        let mut pings = interval(config.ping_every);
        pings.reset();
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let cut = Arc::new(Notify::new());
        Wire { socket, cut, pings, unanswered_pings: 0, write_within: config.write_within }
    }

    /// Whoever tells it ends the conversation, also in the middle of a message that the client does not read.
    pub(super) fn cut(&self) -> Arc<Notify> {
        Arc::clone(&self.cut)
    }

    /// The next thing that happens. Dropped before it is ready, it loses nothing.
    pub(super) async fn hear(&mut self) -> Result<Heard, CloseReason> {
        tokio::select! {
            received = self.socket.recv() => {
                self.unanswered_pings = 0;
                match received {
                    Some(Ok(Message::Text(text))) => Ok(Heard::Text(text)),
                    Some(Ok(Message::Binary(_))) => Ok(Heard::Binary),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Heard::SignOfLife),
                    Some(Ok(Message::Close(_))) | None => Err(CloseReason::ByClient),
                    Some(Err(error)) => Err(reason_of(error)),
                }
            }
            _ = self.pings.tick() => Ok(Heard::PingDue),
            () = self.cut.notified() => Err(CloseReason::TooSlow),
        }
    }

    pub(super) async fn ping(&mut self) -> Result<(), CloseReason> {
        if self.unanswered_pings == MAX_UNANSWERED_PINGS {
            return Err(CloseReason::Silent);
        }
        self.unanswered_pings += 1;
        self.put(Message::Ping(axum::body::Bytes::new())).await
    }

    pub(super) async fn write(&mut self, text: String) -> Result<(), CloseReason> {
        self.put(Message::Text(text.into())).await
    }

    async fn put(&mut self, message: Message) -> Result<(), CloseReason> {
        tokio::select! {
            () = self.cut.notified() => Err(CloseReason::TooSlow),
            written = timeout(self.write_within, self.socket.send(message)) => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(reason_of(error)),
                Err(_) => Err(CloseReason::TooSlow),
            },
        }
    }

    /// Says why and waits a moment for the client to agree: data that it has not read would be lost by a hard end.
    pub(super) async fn close(&mut self, why: CloseReason) {
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
