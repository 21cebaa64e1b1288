//! Strangers at a running sender's door: each gets the documented answer, and the sender goes on serving.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{self, Error, Message, WebSocket};

use crate::support::roles::Sender;
use crate::support::{PATIENCE, beside_others};

/// A client that says whatever it likes.
struct Stranger(WebSocket<MaybeTlsStream<TcpStream>>);

impl Stranger {
    fn at(sender: &Sender) -> Stranger {
        let (socket, _) = tungstenite::connect(sender.url()).expect("the sender lets everybody in");
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        Stranger(socket)
    }

    fn joined(sender: &Sender) -> Stranger {
        let mut stranger = Stranger::at(sender);
        stranger.say(&join().to_string());
        assert_eq!(stranger.hears("welcome")["version"], 1);
        stranger
    }

    fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("sent");
    }

    /// The next message of this type; candidates and offers come when they like.
    fn hears(&mut self, type_: &str) -> Value {
        loop {
            let message = self.0.read().unwrap_or_else(|error| panic!("no {type_}: {error}"));
            let Message::Text(text) = message else { continue };
            let value: Value = serde_json::from_str(&text).expect("JSON");
            if value["type"] == type_ {
                return value;
            }
            assert_ne!(value["type"], "error", "{value} instead of {type_}");
        }
    }

    /// The error that the sender answers with; one that is not recoverable ends the connection.
    fn hears_error(&mut self, code: &str, recoverable: bool) -> String {
        let error = self.hears("error");
        assert_eq!((&error["code"], &error["recoverable"]), (&json!(code), &json!(recoverable)), "{error}");
        if !recoverable {
            self.is_sent_away();
        }
        error["message"].as_str().expect("a text").to_owned()
    }

    /// The code with which the connection is closed, if it is told.
    fn is_sent_away(&mut self) -> Option<CloseCode> {
        loop {
            match self.0.read() {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code),
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return None,
                Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return None,
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("not sent away: {error}"),
            }
        }
    }
}

fn join() -> Value {
    json!({"type": "join", "version": 1, "role": "receiver", "codecs": ["H264"]})
}

fn join_with(key: &str, value: Value) -> String {
    let mut join = join();
    join[key] = value;
    join.to_string()
}

fn join_without(key: &str) -> String {
    let mut join = join();
    join.as_object_mut().unwrap().remove(key);
    join.to_string()
}

/// Every way to say nothing that makes sense; one may go on after it.
fn nonsense(sender: &Sender) {
    let mut stranger = Stranger::at(sender);
    for text in [
        String::new(),
        "hello".to_owned(),
        "{\"type\": \"join\"".to_owned(),
        "[]".to_owned(),
        "7".to_owned(),
        "{}".to_owned(),
        json!({"type": "dance"}).to_string(),
        json!({"type": 7}).to_string(),
        "[".repeat(50_000),
        format!("{{\"type\":\"join\",\"x\":{}", "{\"x\":".repeat(10_000)),
        join_without("version"),
        join_without("codecs"),
        join_with("version", json!("one")),
        join_with("codecs", json!("H264")),
        join_with("name", json!("a\u{1b}[31mb")),
        json!({"type": "answer"}).to_string(),
        json!({"type": "candidate", "candidate": 7}).to_string(),
        // What only a sender says.
        json!({"type": "welcome", "version": 1, "id": "me"}).to_string(),
    ] {
        stranger.say(&text);
        let message = stranger.hears_error("INVALID_MESSAGE", true);
        assert!(!message.is_empty() && message.len() < 1000, "{message}");
    }
    stranger.0.send(Message::binary(vec![0; 100])).expect("sent");
    stranger.hears_error("INVALID_MESSAGE", true);
    stranger.say(&join().to_string());
    stranger.hears("welcome");
}

/// Good messages at the wrong time; one may go on after them.
fn wrong_order(sender: &Sender) {
    let mut stranger = Stranger::at(sender);
    stranger.say(&json!({"type": "answer", "sdp": "v=0\r\n"}).to_string());
    stranger.hears_error("PROTOCOL_ERROR", true);
    stranger.say(&join().to_string());
    let first = stranger.hears("welcome");
    stranger.say(&join().to_string());
    assert_eq!(stranger.hears("welcome")["id"], first["id"], "it may ask for another peer connection");
    stranger.hears("offer");
    stranger.say(&json!({"type": "to", "member": "a", "message": {"type": "bye"}}).to_string());
    stranger.hears_error("PROTOCOL_ERROR", true);
    stranger.say(&json!({"type": "candidate", "candidate": "candidate:broken", "sdpMLineIndex": 0}).to_string());
    stranger.hears_error("CANDIDATE_REFUSED", true);
}

/// What ends the connection, after a word about why.
fn hopeless(sender: &Sender) {
    let mut stranger = Stranger::at(sender);
    stranger.say(&join_with("version", json!(2)));
    stranger.hears_error("UNSUPPORTED_VERSION", false);

    let mut stranger = Stranger::at(sender);
    stranger.say(&join_with("codecs", json!(["AV1", "THEORA"])));
    let message = stranger.hears_error("NO_COMMON_CODEC", false);
    let (ours, theirs) = message.split_once("the receiver has").expect("both sides");
    assert!(ours.contains("the sender has") && ours.contains("H264") && theirs.contains("AV1"), "{message}");

    let mut stranger = Stranger::joined(sender);
    stranger.hears("offer");
    stranger.say(&json!({"type": "answer", "sdp": "v=0\r\ns=-\r\n"}).to_string());
    stranger.hears_error("SDP_REFUSED", false);

    let mut stranger = Stranger::at(sender);
    for _ in 0..32 {
        stranger.say("nonsense");
        stranger.hears_error("INVALID_MESSAGE", true);
    }
    stranger.say("once too often");
    stranger.hears_error("TOO_MANY", false);
}

/// What is not even worth a word.
fn too_large(sender: &Sender) {
    let mut stranger = Stranger::at(sender);
    stranger.say(&join_with("padding", json!("x".repeat(70_000))));
    assert!(matches!(stranger.is_sent_away(), None | Some(CloseCode::Size)));

    let mut stream = TcpStream::connect(("127.0.0.1", sender.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&[0xff; 1000]).unwrap();
    let mut answer = Vec::new();
    // It may also be cut off without an answer.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn strangers_get_the_documented_answer_and_a_receiver_is_served_after_them() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--codec", "h264", "--frames", "20"]);
    nonsense(&sender);
    wrong_order(&sender);
    hopeless(&sender);
    too_large(&sender);
    let _receiver = sender.receiver("after-them");
    let report = sender.report();
    assert!(report.receiver("after-them").count("/frames/matched") > 0, "{:#}", report.0);
    assert!(!sender.said().contains("panicked"), "{}", sender.said());
}
