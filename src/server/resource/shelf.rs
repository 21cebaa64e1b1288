//! Where requests find what earlier ones have made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use tokio::sync::{mpsc, oneshot};

use super::Endpoint;
use super::problem::Problem;
use crate::signalling::hub::Access;
use crate::signalling::message::{SessionId, TrickledCandidate};
use crate::signalling::sdpfrag::IceCredentials;

/// What requests want of a resource's task.
pub(super) enum Wish {
    /// Pass these on.
    Candidates(Vec<TrickledCandidate>),
    /// End, and say so when the hub has been told.
    End(oneshot::Sender<()>),
}

/// A resource as requests find it.
#[derive(Clone)]
pub(super) struct Kept {
    endpoint: &'static str,
    session: SessionId,
    /// Names its ICE session.
    pub(super) etag: String,
    /// Of the client's offer.
    pub(super) credentials: Option<IceCredentials>,
    wishes: mpsc::Sender<Wish>,
}

impl Kept {
    pub(super) fn new(
        endpoint: &'static Endpoint,
        session: SessionId,
        etag: String,
        credentials: Option<IceCredentials>,
        wishes: mpsc::Sender<Wish>,
    ) -> Kept {
        Kept { endpoint: endpoint.name, session, etag, credentials, wishes }
    }

    /// Passes candidates on.
    pub(super) async fn tell(&self, candidates: Vec<TrickledCandidate>) -> Result<(), Problem> {
        self.wishes.send(Wish::Candidates(candidates)).await.map_err(|_| gone())
    }

    /// Ends it, and waits for the end.
    pub(super) async fn end(&self) -> Result<(), Problem> {
        let (reply, ended) = oneshot::channel();
        self.wishes.send(Wish::End(reply)).await.map_err(|_| gone())?;
        ended.await.map_err(|_| gone())
    }
}

fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such resource (any more): POST an offer for a new one")
}

/// All resources, by their random names.
#[derive(Clone, Default)]
pub(in super::super) struct Shelf(Arc<Mutex<HashMap<String, Kept>>>);

/// Keeps a resource findable while it is held.
pub(super) struct Placed {
    shelf: Shelf,
    id: String,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a resource findable.
    pub(super) fn place(&self, id: String, kept: Kept) -> Placed {
        self.lock().insert(id.clone(), kept);
        Placed { shelf: self.clone(), id }
    }

    /// The resource, for somebody who may come into its session.
    pub(super) fn find(&self, endpoint: &Endpoint, session: &SessionId, id: &str, access: &Access) -> Result<Kept, Problem> {
        let kept = self.lock().get(id).filter(|kept| kept.endpoint == endpoint.name && kept.session == *session).cloned();
        let may = access.session.as_ref().is_none_or(|only| only == session);
        kept.filter(|_| may).ok_or_else(gone)
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        self.shelf.lock().remove(&self.id);
    }
}
