//! What is published to a hub: the receiver's own code looks at it and answers, the sender's own code hands it on.
//!
//! ```text
//! publisher ~~WebRTC~~ receiver: decode, detect ~~coordinates~~> publisher
//!                         `-- pictures --> feed --> sender: encode ~~WebRTC~~ members of the session
//! ```

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::links::Door;
use crate::cli::{self, ReceiveConfig, SendConfig};
use crate::closing::CLOSE_WITHIN;
use crate::receiver::{self, Show};
use crate::sender;
use crate::signalling::client::{Client, ClientEvent};
use crate::signalling::hub::{ConnectionId, Published};
use crate::signalling::message::{Bye, FromClient};
use crate::source::{Feed, Footage};
use crate::units::Size;

/// All that is being taken in.
pub(super) struct Intakes {
    door: Door,
    encoders: Arc<toml::Table>,
    running: JoinSet<()>,
}

impl Intakes {
    pub(super) fn new(door: Door, encoders: toml::Table) -> Intakes {
        Intakes { door, encoders: Arc::new(encoders), running: JoinSet::new() }
    }

    /// Starts to take in what is published. Gives the connection of its receiver, and how to tell that something.
    pub(super) fn begin(&mut self, published: &Published) -> (ConnectionId, mpsc::Sender<ClientEvent>) {
        let (id, told, client) = self.door.open();
        let intake = Intake { id, published: published.clone(), door: self.door.clone(), encoders: self.encoders.clone() };
        while self.running.try_join_next().is_some() {}
        self.running.spawn(intake.run(client));
        (id, told)
    }

    /// Waits until all that was taken in has ended, which the hub has asked for.
    pub(super) async fn end(&mut self) {
        let ended = async { while self.running.join_next().await.is_some() {} };
        if timeout(2 * CLOSE_WITHIN, ended).await.is_err() {
            tracing::warn!("what is published does not end in time");
        }
    }
}

struct Intake {
    /// The connection of its receiver.
    id: ConnectionId,
    published: Published,
    door: Door,
    encoders: Arc<toml::Table>,
}

impl Intake {
    async fn run(self, client: Client) {
        let session = &self.published.session;
        tracing::info!(%session, "somebody publishes");
        let (feed, (first, size)) = (Feed::default(), oneshot::channel());
        let receiving = self.receive(client, handed_on(feed.clone(), first));
        let ((), ()) = tokio::join!(receiving, self.send(feed, size));
        tracing::info!(%session, "publishing is over");
    }

    /// Until the hub closes the connection, which it does as soon as any part of this ends.
    async fn receive(&self, client: Client, show: Show) {
        let config = ReceiveConfig { name: Some("hub".to_owned()), ..cli::defaults() };
        if let Err(error) = receiver::run_inside(&config, client, self.published.loopback, show).await {
            tracing::error!(session = %self.published.session, "what is published cannot be received: {error:#}");
        }
    }

    /// Begins with the first picture, in its size.
    async fn send(&self, feed: Feed, size: oneshot::Receiver<Size>) {
        let Ok(size) = size.await else { return };
        let defaults: SendConfig = cli::defaults();
        let source = cli::SourceConfig { source: Footage::Fed(feed), ..defaults.source.clone() };
        let config = SendConfig { size, source, ..defaults };
        let Published { session, ticket, .. } = &self.published;
        let connect = self.door.connect();
        if let Err(error) = sender::run_inside(config, &self.encoders, session, ticket, connect).await {
            tracing::error!(%session, "what is published cannot be sent on: {error:#}");
            let reason = format!("it cannot be sent on: {error:#}");
            self.door.say(self.id, FromClient::Bye(Bye { reason })).await;
        }
    }
}

/// Gives every picture that was looked at to the sender, and the size of the first to whoever starts that.
fn handed_on(feed: Feed, first: oneshot::Sender<Size>) -> Show {
    let mut first = Some(first);
    Box::new(move |picture, _| {
        feed.push(&picture.sample());
        let (width, height) = picture.size();
        // Encoders want even sides.
        if let Ok(size) = Size::new(width & !1, height & !1)
            && let Some(first) = first.take()
        {
            let _ = first.send(size);
        }
    })
}
