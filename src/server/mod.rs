//! The sender's signalling server: HTTP with one WebSocket path, made to be left alone on a network.
//!
//! It only carries: who may join and what is answered is decided by [`crate::signalling::room`]. What it sees to is that no client
//! costs more than its share. Heads that do not come, clients that do not read, messages that are too long, pages of other origins
//! and too many connections at once are all cut off, and stopping takes a bounded time whoever is connected.
//!
//! The accept loop is our own: `axum::serve` 0.8 sets no timer, so that a half-sent request stays open for ever and a graceful
//! stop waits for it (measured: both still there after 48 s).

mod bearer;
mod bind;
mod gst;
mod inquiries;
mod origin;
mod page;
mod resource;
mod socket;
mod stream;
mod tokens;
mod wire;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocket;
use axum::extract::{Extension, WebSocketUpgrade};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::ServiceExt;

pub use bind::{BindError, bind};
pub use socket::{CloseReason, HubEvent, OUTBOX_MESSAGES, Outbox, OutboxClosed};

use crate::access::TokenKey;
use crate::signalling::hub::{Access, ConnectionId};
use crate::signalling::message::MAX_MESSAGE_BYTES;
use crate::tls::Identity;

/// What each connection reads into: most messages fit. The library's 128 KiB made 1,000 idle connections cost 157 MB (measured).
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// How long what may take.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Who we are to clients that speak TLS; without it nobody may.
    pub identity: Option<Identity>,
    /// Web pages of these origins (`https://example.com`) may connect, besides those of this host and of loopback.
    pub allowed_origins: Vec<String>,
    /// What everybody may do, if there are no tokens.
    pub everybody: Access,
    /// Whoever connects shows a token of this key, which says what he may do.
    pub tokens: Option<TokenKey>,
    /// Whether `/api/sessions` lists the sessions; of a hub with one of its own there is nothing to list.
    pub lists_sessions: bool,
    /// Connections at once, joined or not; above it a client is told 503. 256 leaves three quarters of the usual 1024 descriptors
    /// to the peers.
    pub max_connections: usize,
    /// Members that a session may have.
    pub max_members: usize,
    /// How long the head of a request may take, from the moment of connecting, TLS included.
    pub head_within: Duration,
    /// How often each client is pinged; one that shows no sign of life for three times as long is gone.
    pub ping_every: Duration,
    /// How long a client may take to accept one message.
    pub write_within: Duration,
    /// How long stopping may take.
    pub stop_within: Duration,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig {
            identity: None,
            allowed_origins: Vec::new(),
            everybody: Access::everything(),
            tokens: None,
            lists_sessions: false,
            max_connections: 256,
            max_members: 0,
            head_within: Duration::from_secs(5),
            ping_every: Duration::from_secs(5),
            write_within: Duration::from_secs(5),
            stop_within: Duration::from_secs(2),
        }
    }
}

/// Serves until `stop` is ready, then says goodbye to everybody and returns within [`ServerConfig::stop_within`].
///
/// The hub hears of every connection: first `Connected`, last `Closed`. A hub that is slow slows the clients down; a hub that is
/// gone ends their connections.
pub async fn serve(
    listener: TcpListener,
    hub: mpsc::Sender<HubEvent>,
    config: ServerConfig,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(config.max_connections));
    let server = Server {
        config: Arc::new(config),
        hub,
        stopped,
        next_id: Arc::new(AtomicU64::new(1)),
        router: router(),
        shelf: resource::Shelf::default(),
    };
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => match Arc::clone(&places).try_acquire_owned() {
                    Ok(place) => { connections.spawn(server.clone().converse(stream, remote, place)); }
                    Err(_) => refuse(&stream, remote, server.config.identity.is_some()),
                },
                Err(error) => pause(&error).await,
            }
        }
    }
    drop(listener);
    stopping.send_replace(true);
    let everyone = u32::try_from(server.config.max_connections).unwrap_or(u32::MAX);
    if timeout(server.config.stop_within, places.acquire_many(everyone)).await.is_err() {
        tracing::debug!("some signalling connections did not end in time and are not waited for");
    }
    connections.shutdown().await;
}

/// Out of descriptors or memory: waiting is all that helps, and spinning would not.
async fn pause(error: &std::io::Error) {
    tracing::warn!(%error, "a signalling connection was not accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn refuse(stream: &TcpStream, remote: SocketAddr, is_secure: bool) {
    tracing::debug!(%remote, "a connection is refused: there are too many");
    if is_secure {
        // In the clear it would look as if there were no TLS here.
        return;
    }
    // Best effort: the socket is new, its buffer is empty, and nobody waits for it.
    let _ = stream.try_write(b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
}

fn router() -> Router {
    page::routes()
        .route("/health", get("ok\n"))
        .route("/ready", get(inquiries::ready))
        .route("/api/sessions", get(inquiries::sessions))
        .route("/api/tokens", post(tokens::make))
        .route("/ws", get(own))
        .route("/gst", get(gstreamer))
        .merge(resource::routes(&resource::WHEP))
        .merge(resource::routes(&resource::WHIP))
}

#[derive(Clone)]
struct Server {
    config: Arc<ServerConfig>,
    hub: mpsc::Sender<HubEvent>,
    stopped: watch::Receiver<bool>,
    next_id: Arc<AtomicU64>,
    router: Router,
    /// What was made over HTTP.
    shelf: resource::Shelf,
}

/// What a request handler knows of the connection it came over. The place is held until the last of its holders is gone, which
/// for a WebSocket is its own task.
#[derive(Clone)]
struct Caller {
    server: Server,
    remote: SocketAddr,
    place: Arc<OwnedSemaphorePermit>,
}

impl Server {
    fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    async fn converse(self, stream: TcpStream, remote: SocketAddr, place: OwnedSemaphorePermit) {
        // Without it a small message may wait 40 ms for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let (router, config, mut stopped) = (self.router.clone(), Arc::clone(&self.config), self.stopped.clone());
        let opened = tokio::select! {
            opened = stream::open(stream, remote, config.identity.as_ref(), config.head_within) => opened,
            () = until_stopped(&mut stopped) => None,
        };
        let Some((stream, head_within)) = opened else { return };
        let caller = Caller { server: self, remote, place: Arc::new(place) };
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(caller.clone());
            router.clone().oneshot(request)
        });
        let mut http = http1::Builder::new();
        let http = http.timer(TokioTimer::new()).header_read_timeout(head_within).max_buf_size(16 * 1024);
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = until_stopped(&mut stopped) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%remote, %error, "a signalling connection ended");
        }
    }
}

/// Also ready when the server is gone altogether.
async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The hub's own protocol.
async fn own(caller: Extension<Caller>, headers: HeaderMap, request: WebSocketUpgrade) -> Response {
    upgrade(caller, &headers, request, |socket, link, _| socket::converse(socket, link))
}

/// GStreamer's.
async fn gstreamer(caller: Extension<Caller>, headers: HeaderMap, request: WebSocketUpgrade) -> Response {
    upgrade(caller, &headers, request, gst::converse)
}

/// Lets somebody in who may come in, to speak what `converse` speaks.
fn upgrade<F: Future<Output = ()> + Send>(
    Extension(caller): Extension<Caller>,
    headers: &HeaderMap,
    request: WebSocketUpgrade,
    converse: impl FnOnce(WebSocket, socket::Link, Server) -> F + Send + 'static,
) -> Response {
    let Caller { server, remote, place } = caller;
    if !origin::is_allowed(headers, &server.config.allowed_origins) {
        tracing::warn!(%remote, "a web page of another origin is refused");
        return (StatusCode::FORBIDDEN, "pages of this origin may not connect\n").into_response();
    }
    let access = match bearer::access(headers, &server.config) {
        Ok(access) => access,
        Err(refused) => {
            tracing::debug!(%remote, "a connection without a good token is refused");
            return refused.into_response();
        }
    };
    let id = server.next_connection();
    request
        .protocols([bearer::SUBPROTOCOL])
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE_BYTES)
        .on_upgrade(move |socket| async move {
            let (hub, config, stopped) = (server.hub.clone(), server.config.clone(), server.stopped.clone());
            converse(socket, socket::Link { id, remote, access, hub, config, stopped }, server).await;
            drop(place);
        })
}

#[cfg(test)]
mod tests;
