//! What a stranger does to the signalling: a client without WebRTC, and somebody in the middle who rewrites messages.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_async, connect_async};

use super::poll;

/// A client that says only what it is told to say.
pub struct Client {
    runtime: Runtime,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub fn connect(url: &str) -> Client {
        let runtime = runtime();
        let (socket, _) = runtime.block_on(connect_async(url)).expect("a sender listens");
        Client { runtime, socket }
    }

    pub fn say(&mut self, message: &Value) {
        self.runtime.block_on(self.socket.send(Message::text(message.to_string()))).expect("the sender listens");
    }

    /// The next message of this type; others before it are left out. None if the sender closes first.
    pub fn hear(&mut self, kind: &str, patience: Duration) -> Option<Value> {
        let socket = &mut self.socket;
        let hearing = async {
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                let message: Value = serde_json::from_str(&text).expect("JSON");
                if message["type"] == kind {
                    return Some(message);
                }
            }
            None
        };
        let timed = self.runtime.block_on(async { tokio::time::timeout(patience, hearing).await });
        timed.unwrap_or_else(|_| panic!("no {kind} within {patience:?}"))
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Sender,
    Receiver,
}

/// What went through, and when.
#[derive(Clone, Debug)]
pub struct Passed {
    pub from: From,
    /// As it was passed on.
    pub message: Value,
    pub at: Instant,
}

/// Stands between a sender and its receivers, and rewrites what they say. It ends when dropped.
pub struct Middle {
    pub url: String,
    passed: Arc<Mutex<Vec<Passed>>>,
    /// Ends the connections when dropped.
    _runtime: Runtime,
}

impl Middle {
    pub fn start(sender: &str, rewrite: impl Fn(From, &mut Value) + Send + Sync + 'static) -> Middle {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port is free");
        let url = format!("ws://{}/ws", listener.local_addr().expect("listens"));
        let passed = Arc::<Mutex<Vec<Passed>>>::default();
        let (sender, rewrite, noted) = (sender.to_owned(), Arc::new(rewrite), passed.clone());
        runtime.spawn(async move {
            while let Ok((receiver, _)) = listener.accept().await {
                tokio::spawn(between(receiver, sender.clone(), rewrite.clone(), noted.clone()));
            }
        });
        Middle { url, passed, _runtime: runtime }
    }

    /// The first message that went through and that `wanted` wants, of those that did or will.
    pub fn wait_for(&self, what: &str, patience: Duration, wanted: impl Fn(&Passed) -> bool) -> Passed {
        let look = || self.passed().into_iter().find(|passed| wanted(passed));
        poll(&format!("{what} in {:#?}", self.passed()), patience, look)
    }

    pub fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn between(
    receiver: TcpStream,
    sender: String,
    rewrite: Arc<impl Fn(From, &mut Value)>,
    passed: Arc<Mutex<Vec<Passed>>>,
) {
    let (Ok(receiver), Ok((sender, _))) = (accept_async(receiver).await, connect_async(sender).await) else { return };
    let (to_receiver, from_receiver) = receiver.split();
    let (to_sender, from_sender) = sender.split();
    let note = |from: From| {
        let (rewrite, passed) = (rewrite.clone(), passed.clone());
        move |mut message: Value| {
            rewrite(from, &mut message);
            let at = Instant::now();
            let text = message.to_string();
            passed.lock().unwrap_or_else(PoisonError::into_inner).push(Passed { from, message, at });
            text
        }
    };
    // Whoever hangs up hangs up on both.
    tokio::select! {
        () = carry(from_receiver, to_sender, note(From::Receiver)) => {}
        () = carry(from_sender, to_receiver, note(From::Sender)) => {}
    }
}

async fn carry<S, R, E>(mut from: R, mut to: S, rewrite: impl Fn(Value) -> String)
where
    R: StreamExt<Item = Result<Message, E>> + Unpin,
    S: SinkExt<Message> + Unpin,
{
    while let Some(Ok(message)) = from.next().await {
        let message = match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(value) => Message::text(rewrite(value)),
                Err(_) => Message::Text(text),
            },
            other => other,
        };
        if to.send(message).await.is_err() {
            return;
        }
    }
}
