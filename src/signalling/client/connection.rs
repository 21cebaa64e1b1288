//! One connection: opening it, and talking until it ends.

use std::io;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::super::message::{FromClient, MAX_MESSAGE_BYTES, ToClient};
use super::secure::{self, Stream};
use super::{ClientConfig, ClientEvent, Ended, HubUrl, NobodyListens};
use crate::cli::Secret;

/// An open connection.
pub(super) struct Line {
    socket: WebSocketStream<Stream>,
    silence: Duration,
    /// Whether the other side proved to be a sender.
    understood: bool,
}

/// Connects and shakes hands, each within the patience of `config`.
pub(super) async fn open(url: &HubUrl, config: &ClientConfig) -> Result<Line, Ended> {
    let connecting = timeout(config.attempt_within, TcpStream::connect((url.host(), url.port())));
    let stream = match connecting.await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(Ended::Unreachable(in_words(&error))),
        Err(_) => return Err(Ended::Unreachable(format!("no reply within {:?}", config.attempt_within))),
    };
    // Without it a small message may wait 40 ms for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let stream = secure::secure(stream, url, config).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE_BYTES);
    let request = request(url, config.token.as_ref()).map_err(refused)?;
    match timeout(config.attempt_within, client_async_with_config(request, stream, Some(limits))).await {
        Ok(Ok((socket, _))) => Ok(Line { socket, silence: config.silence, understood: false }),
        Ok(Err(error)) => Err(refused(error)),
        Err(_) => Err(Ended::Unreachable("it accepts connections and says nothing".into())),
    }
}

fn request(url: &HubUrl, token: Option<&Secret>) -> Result<Request, Error> {
    let mut request = url.as_str().into_client_request()?;
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there yet".into(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "the connection was cut".into(),
        _ => error.to_string(),
    }
}

fn refused(error: Error) -> Ended {
    match error {
        Error::Http(response) => refused_over_http(&response),
        Error::Io(error) => Ended::Unreachable(in_words(&error)),
        Error::Protocol(tungstenite::error::ProtocolError::HandshakeIncomplete) => {
            Ended::Unreachable("it accepts connections and closes them".into())
        }
        other => Ended::Strange(format!("something that is not a WebSocket ({other})")),
    }
}

/// A server that is full or a proxy whose sender is down says 5xx: that passes.
fn refused_over_http(response: &Response) -> Ended {
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED {
        Ended::Unauthorised
    } else if status == StatusCode::UPGRADE_REQUIRED {
        Ended::Untrusted("it speaks TLS: write wss:// instead of ws://".to_owned())
    } else if status.is_server_error() {
        Ended::Unreachable(format!("it answered HTTP {status}"))
    } else {
        Ended::Strange(format!("HTTP {status} instead of a WebSocket"))
    }
}

impl Line {
    /// Talks until the connection ends; `Err` when the receiver does not listen any more.
    pub(super) async fn converse(
        mut self,
        mut outgoing: mpsc::Receiver<FromClient>,
        events: &mpsc::Sender<ClientEvent>,
    ) -> Result<Ended, NobodyListens> {
        loop {
            let ended = tokio::select! {
                received = timeout(self.silence, self.socket.next()) => match received {
                    Ok(received) => self.on_received(received, events).await?,
                    Err(_) => Some(Ended::Unreachable(format!("the sender was silent for {:?}", self.silence))),
                },
                message = outgoing.recv() => match message {
                    Some(message) => self.write(message).await,
                    None => Some(self.close().await),
                },
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    async fn on_received(
        &mut self,
        received: Option<Result<Message, Error>>,
        events: &mpsc::Sender<ClientEvent>,
    ) -> Result<Option<Ended>, NobodyListens> {
        match received {
            Some(Ok(Message::Text(text))) => match ToClient::read(text.as_str()) {
                Ok(message) => {
                    self.understood = true;
                    events.send(ClientEvent::Message(message)).await.map_err(|_| NobodyListens)?;
                    Ok(None)
                }
                Err(why) => Ok(self.on_garbage(&why.to_string())),
            },
            Some(Ok(Message::Binary(_))) => Ok(self.on_garbage("a binary message")),
            Some(Ok(Message::Close(_))) | None => Ok(Some(Ended::Unreachable("the sender closed the connection".into()))),
            Some(Ok(_)) => Ok(None),
            Some(Err(Error::Capacity(_))) if !self.understood => {
                Ok(Some(Ended::Strange("a message that is too long".into())))
            }
            Some(Err(error)) => Ok(Some(Ended::Unreachable(error.to_string()))),
        }
    }

    /// From a sender a message of a newer version; from anything else the proof that it is none.
    fn on_garbage(&self, what: &str) -> Option<Ended> {
        if !self.understood {
            return Some(Ended::Strange(what.to_owned()));
        }
        tracing::debug!("a message of the sender is ignored: {what}");
        None
    }

    async fn write(&mut self, message: FromClient) -> Option<Ended> {
        let written = timeout(self.silence, self.socket.send(Message::text(message.to_json()))).await;
        match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Ended::Unreachable(error.to_string())),
            Err(_) => Some(Ended::Unreachable("the sender does not read".into())),
        }
    }

    /// The receiver let go of its outbox: a clean end, after what it said last.
    async fn close(&mut self) -> Ended {
        let _ = timeout(Duration::from_secs(1), self.socket.close(None)).await;
        Ended::Unreachable("the receiver closed the connection".into())
    }
}
