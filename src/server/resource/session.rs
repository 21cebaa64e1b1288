//! The task behind a resource: one connection to the hub, from the offer to the end.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::timeout;

use super::super::socket::Outgoing;
use super::super::{Caller, CloseReason, HubEvent, Outbox, until_stopped};
use super::Endpoint;
use super::problem::Problem;
use super::shelf::{Kept, Placed, Shelf, Wish};
use crate::signalling::complete;
use crate::signalling::hub::{Access, ConnectionId};
use crate::signalling::message::{Bye, END_OF_CANDIDATES, FromClient, IceServer, Offer, SessionId, ToClient, Welcome};
use crate::signalling::sdpfrag::IceCredentials;

/// How long the answer may take: a pipeline and a peer are up in under 0.5 s, a change of encoders takes a few seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long candidates are waited for after the answer: those of this machine take milliseconds, a STUN or TURN server that does not
/// answer takes libnice many seconds, and webrtcbin 1.22 may never say that it is done.
const GATHER_WITHIN: Duration = Duration::from_secs(2);

/// Requests that may wait for a task; more wait in their connections.
const WISHES: usize = 4;

/// What an offer came to.
pub(super) struct Opened {
    pub(super) session: SessionId,
    /// Of the resource.
    pub(super) id: String,
    pub(super) etag: String,
    /// With all its candidates.
    pub(super) answer: String,
    pub(super) ice_servers: Vec<IceServer>,
}

/// Takes an offer to the hub, and keeps what comes of it until its end. If the one who asks does not wait for the answer, nothing is
/// left behind.
pub(super) async fn open(
    endpoint: &'static Endpoint,
    caller: &Caller,
    access: Access,
    session: Option<SessionId>,
    offer: Offer,
) -> Result<Opened, Problem> {
    let Ok(place) = Arc::clone(caller.place.semaphore()).try_acquire_owned() else {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "there are too many connections"));
    };
    let credentials = IceCredentials::of(offer.sdp());
    let first = (endpoint.first)(session, offer);
    let cut = Arc::new(Notify::new());
    let (outbox, outgoing) = Outbox::new(Arc::clone(&cut), &caller.server.config);
    let (id, remote) = (caller.server.next_connection(), caller.remote);
    let (hub, stopped) = (caller.server.hub.clone(), caller.server.stopped.clone());
    hub.send(HubEvent::Connected { id, remote, access, outbox }).await.map_err(|_| Problem::ending())?;
    let line = Line { id, hub, outgoing, cut, stopped, _place: place };
    let (reply, opened) = oneshot::channel();
    tokio::spawn(keep(line, endpoint, caller.server.shelf.clone(), credentials, first, reply));
    opened.await.unwrap_or_else(|_| Err(Problem::ending()))
}

type Reply = oneshot::Sender<Result<Opened, Problem>>;

/// The whole life of a resource.
async fn keep(
    mut line: Line,
    endpoint: &'static Endpoint,
    shelf: Shelf,
    credentials: Option<IceCredentials>,
    first: FromClient,
    mut reply: Reply,
) {
    let negotiated = tokio::select! {
        negotiated = line.negotiate(first) => negotiated,
        // Whoever asked is gone.
        () = reply.closed() => Err(Problem::ending()),
    };
    let (wishes, mut wished) = mpsc::channel(WISHES);
    let ended = match negotiated {
        Ok(Negotiated { welcome, answer }) => {
            let (id, etag) = (random_name(), format!("\"{}\"", random_name()));
            let session = welcome.session.clone();
            let placed = shelf.place(id.clone(), Kept::new(endpoint, session.clone(), etag.clone(), credentials, wishes));
            let opened = Opened { session, id, etag, answer, ice_servers: welcome.ice_servers };
            if reply.send(Ok(opened)).is_ok() { line.stay(&mut wished, placed).await } else { None }
        }
        Err(problem) => {
            let _ = reply.send(Err(problem));
            None
        }
    };
    line.end().await;
    if let Some(ended) = ended {
        // Whoever wanted the end may be gone.
        let _ = ended.send(());
    }
}

/// What it took to get an answer.
struct Negotiated {
    welcome: Welcome,
    answer: String,
}

/// What the hub has said so far.
#[derive(Default)]
struct Found {
    welcome: Option<Welcome>,
    answer: Option<String>,
    candidates: Vec<(u32, String)>,
    is_complete: bool,
}

/// The connection to the hub.
struct Line {
    id: ConnectionId,
    hub: mpsc::Sender<HubEvent>,
    outgoing: mpsc::Receiver<Outgoing>,
    cut: Arc<Notify>,
    stopped: watch::Receiver<bool>,
    /// Counts among the server's connections.
    _place: OwnedSemaphorePermit,
}

impl Line {
    async fn say(&self, message: FromClient) -> bool {
        self.hub.send(HubEvent::Message { id: self.id, message }).await.is_ok()
    }

    /// What the hub says next; none when it wants no more of this connection.
    async fn hear(&mut self) -> Option<ToClient> {
        tokio::select! {
            said = self.outgoing.recv() => match said {
                Some(Outgoing::Message(message)) => Some(message),
                Some(Outgoing::Close) | None => None,
            },
            () = self.cut.notified() => None,
            () = until_stopped(&mut self.stopped) => None,
        }
    }

    /// From the offer to the answer with all its candidates.
    async fn negotiate(&mut self, first: FromClient) -> Result<Negotiated, Problem> {
        if !self.say(first).await {
            return Err(Problem::ending());
        }
        let late = || Problem::new(StatusCode::GATEWAY_TIMEOUT, "no answer came in time");
        let mut found = Found::default();
        timeout(ANSWER_WITHIN, self.hear_until(&mut found, |found| found.answer.is_some())).await.map_err(|_| late())??;
        // Without the last of the candidates there may be a way too.
        let gathered = timeout(GATHER_WITHIN, self.hear_until(&mut found, |found| found.is_complete)).await;
        gathered.unwrap_or(Ok(()))?;
        let Found { welcome, answer, candidates, .. } = found;
        let (welcome, answer) = welcome.zip(answer).ok_or_else(late)?;
        Ok(Negotiated { welcome, answer: complete(&answer, &candidates) })
    }

    /// Takes what the hub says until that is enough.
    async fn hear_until(&mut self, found: &mut Found, is_enough: impl Fn(&Found) -> bool) -> Result<(), Problem> {
        while !is_enough(found) {
            match self.hear().await.ok_or_else(Problem::ending)? {
                ToClient::Welcome(told) => found.welcome = Some(told),
                ToClient::Answer(told) => found.answer = Some(told.sdp),
                ToClient::Candidate(told) if told.candidate == END_OF_CANDIDATES => found.is_complete = true,
                ToClient::Candidate(told) => found.candidates.push((told.line.unwrap_or(0), told.candidate)),
                ToClient::Waiting(told) => return Err(Problem::new(StatusCode::NOT_FOUND, told.reason)),
                ToClient::Error(report) if !report.recoverable => return Err(report.into()),
                ToClient::Error(report) => tracing::debug!(code = ?report.code, "{}", report.message),
                ToClient::Bye(told) => return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, told.reason)),
                other => tracing::debug!(?other, "nothing for a client over HTTP"),
            }
        }
        Ok(())
    }

    /// Passes on what comes by PATCH, until either side ends it. Gives whom to tell of the end.
    async fn stay(&mut self, wished: &mut mpsc::Receiver<Wish>, _placed: Placed) -> Option<oneshot::Sender<()>> {
        loop {
            tokio::select! {
                heard = self.hear() => match heard? {
                    ToClient::Error(report) if report.recoverable => tracing::debug!(code = ?report.code, "{}", report.message),
                    // There is another sender; what the client has is over.
                    ToClient::Offer(_) | ToClient::Waiting(_) | ToClient::Error(_) | ToClient::Bye(_) => return None,
                    _ => {}
                },
                wish = wished.recv() => match wish? {
                    Wish::Candidates(candidates) => {
                        for candidate in candidates {
                            self.say(FromClient::Candidate(candidate)).await;
                        }
                    }
                    Wish::End(reply) => return Some(reply),
                },
            }
        }
    }

    async fn end(self) {
        self.say(FromClient::Bye(Bye { reason: "the session over HTTP ended".into() })).await;
        let _ = self.hub.send(HubEvent::Closed { id: self.id, why: CloseReason::ByClient }).await;
    }
}

/// 128 bits that nobody can guess.
fn random_name() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the kernel has random numbers");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
