//! Ways to everybody who is connected: over a socket, or from inside this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::server::Outbox;
use crate::signalling::client::{Client, ClientEvent};
use crate::signalling::hub::ConnectionId;
use crate::signalling::message::{FromClient, ToClient};

/// Messages between the hub and a role inside this process. A sender starts 1000 receivers at once with room to spare; one that lets more
/// wait is stuck.
const LINK_MESSAGES: usize = 16_384;

/// What all roles inside this process have said and the hub has not heard; when it is full, they wait.
pub(super) const INSIDE_EVENTS: usize = 256;

/// Ways to everybody who is connected.
#[derive(Default)]
pub(super) struct Links(BTreeMap<ConnectionId, Way>);

enum Way {
    Socket(Outbox),
    Inside(mpsc::Sender<ClientEvent>),
}

impl Links {
    pub(super) fn add_socket(&mut self, id: ConnectionId, outbox: Outbox) {
        self.0.insert(id, Way::Socket(outbox));
    }

    pub(super) fn add_inside(&mut self, id: ConnectionId, told: mpsc::Sender<ClientEvent>) {
        self.0.insert(id, Way::Inside(told));
    }

    /// How many there are.
    pub(super) fn open(&self) -> usize {
        self.0.len()
    }

    pub(super) fn remove(&mut self, id: ConnectionId) {
        self.0.remove(&id);
    }

    /// A connection that does not take it is closed, which the server tells.
    pub(super) fn send(&self, id: ConnectionId, message: ToClient) {
        let is_told = match self.0.get(&id) {
            Some(Way::Socket(outbox)) => outbox.send(message).is_ok(),
            Some(Way::Inside(told)) => told.try_send(ClientEvent::Message(message)).is_ok(),
            None => false,
        };
        if !is_told {
            tracing::debug!(connection = id.0, "it ends, or does not listen");
        }
    }

    pub(super) fn close(&mut self, id: ConnectionId) {
        match self.0.get(&id) {
            Some(Way::Socket(outbox)) => outbox.close(),
            Some(Way::Inside(_)) => self.remove(id),
            None => {}
        }
    }
}

/// Two ends of a connection inside this process: how the hub tells, what it hears, and the client that has the other ends.
pub(super) fn link() -> (mpsc::Sender<ClientEvent>, mpsc::Receiver<FromClient>, Client) {
    let (outbox, said) = mpsc::channel(LINK_MESSAGES);
    let (told, events) = mpsc::channel(LINK_MESSAGES);
    // The queue is new and empty.
    let _ = told.try_send(ClientEvent::Connected(outbox));
    (told, said, Client::attached(events))
}

/// What the hub hears of the roles inside this process.
pub(super) enum Inside {
    /// One connected.
    Came { id: ConnectionId, told: mpsc::Sender<ClientEvent> },
    /// One said something.
    Said { id: ConnectionId, message: FromClient },
    /// One is gone.
    Gone { id: ConnectionId },
}

/// Where roles inside this process connect to the hub.
#[derive(Clone)]
pub(super) struct Door {
    queue: mpsc::Sender<Inside>,
    next_id: Arc<AtomicU64>,
}

impl Door {
    pub(super) fn new() -> (Door, mpsc::Receiver<Inside>) {
        let (queue, heard) = mpsc::channel(INSIDE_EVENTS);
        // Those of the server count from 1.
        (Door { queue, next_id: Arc::new(AtomicU64::new(u64::MAX)) }, heard)
    }

    /// A connection that the hub already knows of.
    pub(super) fn open(&self) -> (ConnectionId, mpsc::Sender<ClientEvent>, Client) {
        let id = ConnectionId(self.next_id.fetch_sub(1, Ordering::Relaxed));
        let (told, mut said, client) = link();
        let queue = self.queue.clone();
        tokio::spawn(async move {
            while let Some(message) = said.recv().await {
                if queue.send(Inside::Said { id, message }).await.is_err() {
                    return;
                }
            }
            // A hub that is gone knows.
            let _ = queue.send(Inside::Gone { id }).await;
        });
        (id, told, client)
    }

    /// A connection as from anywhere.
    pub(super) async fn connect(&self) -> Client {
        let (id, told, client) = self.open();
        let _ = self.queue.send(Inside::Came { id, told }).await;
        client
    }

    /// Says something on a connection.
    pub(super) async fn say(&self, id: ConnectionId, message: FromClient) {
        let _ = self.queue.send(Inside::Said { id, message }).await;
    }
}
