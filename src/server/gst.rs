//! One WebSocket that speaks GStreamer's signalling protocol. Its peer has a connection to the hub while it is a producer or has a
//! session, and may have another one after that.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::socket::{CloseReason, HubEvent, Link, Outbox, Outgoing};
use super::wire::{Heard, Wire};
use super::{Server, until_stopped};
use crate::clock;
use crate::signalling::gst::{OutgoingMessage, Step, Translator};
use crate::signalling::hub::{Access, ConnectionId, Pace};
use crate::signalling::message::FromClient;

/// How often a listener is told of sessions that came and went.
const LIST_EVERY: Duration = Duration::from_secs(1);

/// The whole life of one WebSocket.
pub(super) async fn converse(socket: WebSocket, link: Link, server: Server) {
    let Link { id, remote, access, hub, config, stopped } = link;
    let mut listing = interval(LIST_EVERY);
    listing.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let translator = Translator::new(format!("peer-{}", id.0));
    let wire = Wire::new(socket, &config);
    let mut conversation =
        Conversation { remote, access, wire, hub, server, translator, seat: None, listing, pace: Pace::default() };
    let why = conversation.run(stopped).await;
    tracing::debug!(%remote, ?why, "a peer that speaks GStreamer's protocol is gone");
    conversation.end(why).await;
    conversation.wire.close(why).await;
}

struct Conversation {
    remote: SocketAddr,
    access: Access,
    wire: Wire,
    hub: mpsc::Sender<HubEvent>,
    server: Server,
    translator: Translator,
    seat: Option<Seat>,
    listing: Interval,
    pace: Pace,
}

/// A connection to the hub.
struct Seat {
    id: ConnectionId,
    outgoing: mpsc::Receiver<Outgoing>,
}

/// What the hub tells; never, without a connection to it.
async fn told(seat: &mut Option<Seat>) -> Option<Outgoing> {
    match seat {
        Some(seat) => seat.outgoing.recv().await,
        None => std::future::pending().await,
    }
}

impl Conversation {
    async fn run(&mut self, mut stopped: watch::Receiver<bool>) -> CloseReason {
        loop {
            if let Err(why) = self.act().await {
                return why;
            }
            let is_listening = self.translator.is_listening();
            let ended = tokio::select! {
                heard = self.wire.hear() => self.on_heard(heard).await,
                outgoing = told(&mut self.seat) => self.on_told(outgoing).await,
                _ = self.listing.tick(), if is_listening => self.list().await,
                () = until_stopped(&mut stopped) => Err(self.flush().await),
            };
            if let Err(why) = ended {
                return why;
            }
        }
    }

    async fn on_heard(&mut self, heard: Result<Heard, CloseReason>) -> Result<(), CloseReason> {
        match heard? {
            Heard::Text(text) => self.translator.on_text(text.as_str()),
            Heard::Binary => self.translator.on_binary(),
            Heard::PingDue => return self.wire.ping().await,
            Heard::SignOfLife => {}
        }
        Ok(())
    }

    async fn on_told(&mut self, outgoing: Option<Outgoing>) -> Result<(), CloseReason> {
        match outgoing {
            Some(Outgoing::Message(message)) => self.translator.on_hub(message),
            Some(Outgoing::Close) | None => {
                self.leave(CloseReason::ByUs).await?;
                self.translator.on_hub_closed();
            }
        }
        Ok(())
    }

    /// Does what the translator decided.
    async fn act(&mut self) -> Result<(), CloseReason> {
        while let Some(step) = self.translator.poll_step() {
            // What a seat says the hub counts by itself; each of these begins with a new count there.
            if matches!(step, Step::Enter(_) | Step::List) && !self.pace.is_kept(1, clock::since_1970()) {
                return Err(CloseReason::ByUs);
            }
            match step {
                Step::Say(message) => self.wire.write(text_of(&message)).await?,
                Step::Enter(first) => self.enter(first).await?,
                Step::Tell(message) => self.tell(message).await?,
                Step::Leave(bye) => {
                    self.tell(FromClient::Bye(bye)).await?;
                    self.leave(CloseReason::ByClient).await?;
                }
                Step::List => self.list().await?,
                Step::Close => return Err(CloseReason::ByUs),
            }
        }
        Ok(())
    }

    async fn enter(&mut self, first: FromClient) -> Result<(), CloseReason> {
        let id = self.server.next_connection();
        let (outbox, outgoing) = Outbox::new(self.wire.cut(), &self.server.config);
        self.inform(HubEvent::Connected { id, remote: self.remote, access: self.access.clone(), outbox }).await?;
        self.seat = Some(Seat { id, outgoing });
        self.tell(first).await
    }

    async fn tell(&mut self, message: FromClient) -> Result<(), CloseReason> {
        match self.seat.as_ref().map(|seat| seat.id) {
            Some(id) => self.inform(HubEvent::Message { id, message }).await,
            None => Ok(()),
        }
    }

    async fn leave(&mut self, why: CloseReason) -> Result<(), CloseReason> {
        match self.seat.take() {
            Some(Seat { id, .. }) => self.inform(HubEvent::Closed { id, why }).await,
            None => Ok(()),
        }
    }

    async fn inform(&mut self, event: HubEvent) -> Result<(), CloseReason> {
        self.hub.send(event).await.map_err(|_| CloseReason::ByUs)
    }

    async fn list(&mut self) -> Result<(), CloseReason> {
        let (reply, answer) = oneshot::channel();
        self.inform(HubEvent::Sessions(reply)).await?;
        let sessions = answer.await.map_err(|_| CloseReason::ByUs)?;
        let visible: Vec<_> = sessions.into_iter().map(|(one, _)| one).filter(|one| self.access.allows(&one.id)).collect();
        self.translator.on_sessions(&visible);
        Ok(())
    }

    /// Says what waits already: the last words of a role that stops.
    async fn flush(&mut self) -> CloseReason {
        while let Some(Ok(Outgoing::Message(message))) = self.seat.as_mut().map(|seat| seat.outgoing.try_recv()) {
            self.translator.on_hub(message);
        }
        self.act().await.err().unwrap_or(CloseReason::Stopped)
    }

    /// Tells the hub, which may be gone itself; the peer hears no more.
    async fn end(&mut self, why: CloseReason) {
        self.translator.on_closed();
        while let Some(step) = self.translator.poll_step() {
            if let Step::Leave(bye) = step {
                let _ = self.tell(FromClient::Bye(bye)).await;
            }
        }
        let _ = self.leave(why).await;
    }
}

fn text_of(message: &OutgoingMessage) -> String {
    serde_json::to_string(message).expect("strings, numbers and enums with string keys are always JSON")
}
