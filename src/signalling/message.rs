//! The JSON messages on the WebSocket, in both directions: one file writes and reads them.
//!
//! Unknown fields are ignored, so that either side may say more than the other understands; an unknown `type` is an error that
//! the offender is told and survives.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::codec::Codec;

/// The version of the protocol, in `join` and `welcome`.
pub const PROTOCOL_VERSION: u32 = 1;

/// The largest message in bytes, in both directions. A browser's offer with every codec it has is 8 KB; webrtcbin's answer to
/// one video and one data channel is 1.2 KB.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// What a receiver says to the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromReceiver {
    /// The first message.
    Join(Join),
    /// The answer to the sender's offer.
    Answer(Sdp),
    /// One ICE candidate.
    Candidate(TrickledCandidate),
    /// The receiver leaves.
    Bye(Bye),
}

/// What the sender says to a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromSender {
    /// The receiver is in; an offer follows.
    Welcome(Welcome),
    /// The sender's offer.
    Offer(Sdp),
    /// One ICE candidate.
    Candidate(TrickledCandidate),
    /// Something was wrong.
    Error(ErrorReport),
    /// The sender leaves.
    Bye(Bye),
}

/// `join`: who wants to receive, and what it can decode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// [`PROTOCOL_VERSION`] of the receiver.
    pub version: u32,
    /// Whether it will answer.
    pub role: Role,
    /// A name for people, shown in the sender's report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// What the receiver can decode, best first. Names that this version does not know are left out, not refused.
    #[serde(deserialize_with = "known_codecs")]
    pub codecs: Vec<Codec>,
}

/// What the one who joins is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It receives video and returns coordinates.
    Receiver,
    /// It receives video and returns nothing: no answer of it is missing.
    Viewer,
}

/// A session description, RFC 8866.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sdp {
    /// The text as it goes to or came from the WebRTC stack; [`super::gate::check_sdp`] stands between.
    pub sdp: String,
}

/// One ICE candidate, in the shape of a browser's `RTCIceCandidate.toJSON()`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrickledCandidate {
    /// `candidate:…` (RFC 8839 section 5.1), or empty at the end of candidates.
    pub candidate: String,
    /// Which m-line, counted from 0.
    #[serde(rename = "sdpMLineIndex", default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The `a=mid` of that m-line; used when the index is missing.
    #[serde(rename = "sdpMid", default, skip_serializing_if = "Option::is_none")]
    pub mid: Option<String>,
}

/// `bye`: the end, with a reason for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// Why, in words.
    #[serde(default)]
    pub reason: String,
}

/// `welcome`: the receiver is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`PROTOCOL_VERSION`] of the sender.
    pub version: u32,
    /// The receiver's name in the sender's report.
    pub id: String,
    /// STUN and TURN servers to use.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// A STUN or TURN server, in the shape of a browser's `RTCIceServer`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// `stun:host:port` or `turn:host:port`.
    pub urls: String,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN; never printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credential = self.credential.as_ref().map(|_| "…");
        f.debug_struct("IceServer").field("urls", &self.urls).field("credential", &credential).finish_non_exhaustive()
    }
}

/// `error`: what was wrong with what the receiver sent, or with the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// Whether the connection lives on; if not, the sender closes it after this message.
    pub recoverable: bool,
}

/// Every way in which signalling goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// Not JSON, not text, an unknown type, a missing or malformed field.
    InvalidMessage,
    /// A good message at the wrong time.
    ProtocolError,
    /// `join` names a version that the sender does not speak.
    UnsupportedVersion,
    /// Nothing that the sender encodes can be decoded by the receiver.
    NoCommonCodec,
    /// The SDP did not pass the gate.
    SdpRefused,
    /// A candidate did not pass the gate; the others are used.
    CandidateRefused,
    /// The certificate of the DTLS handshake is not the one that the SDP names.
    FingerprintMismatch,
    /// `join`, the answer, the connection or a sign of life came too late.
    Timeout,
    /// Too many receivers, candidates or mistakes.
    TooMany,
    /// The sender ends.
    ShuttingDown,
    /// The sender's own fault.
    InternalError,
    /// A code of a newer sender.
    #[serde(other)]
    Unknown,
}

/// A name for people: 1 to 64 of `A-Z a-z 0-9 . _ -` and spaces inside, so that it can go into logs, tables and file names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DisplayName(String);

/// A name that would not be safe to print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name must be 1 to 64 letters (a-z), digits, '.', '_', '-' or inner spaces; leave it out or choose another")]
pub struct BadName;

impl DisplayName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DisplayName {
    type Error = BadName;

    fn try_from(text: String) -> Result<DisplayName, BadName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b" ._-".contains(&byte);
        let good = (1..=64).contains(&text.len()) && text.bytes().all(allowed) && text.trim() == text;
        if good { Ok(DisplayName(text)) } else { Err(BadName) }
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> String {
        name.0
    }
}

/// Why a message could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// Longer than [`MAX_MESSAGE_BYTES`].
    #[error("a message of {0} bytes is too long; at most {MAX_MESSAGE_BYTES} bytes are read")]
    TooLong(usize),
    /// A binary frame.
    #[error("a binary message; every message is JSON text")]
    Binary,
    /// Not the JSON of a message.
    #[error("not a message: {0}; docs/signalling.md lists them all")]
    Json(String),
}

impl FromReceiver {
    /// Reads what a receiver sent.
    pub fn read(text: &str) -> Result<FromReceiver, InvalidMessage> {
        read(text)
    }

    /// As JSON text.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

impl FromSender {
    /// Reads what a sender sent.
    pub fn read(text: &str) -> Result<FromSender, InvalidMessage> {
        read(text)
    }

    /// As JSON text.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, InvalidMessage> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(InvalidMessage::TooLong(text.len()));
    }
    serde_json::from_str(text).map_err(|error| InvalidMessage::Json(printable(&error.to_string())))
}

fn write(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("strings, numbers and enums with string keys are always JSON")
}

/// serde quotes what it did not expect, which may be anything: control and bidirectional characters stay out of logs.
fn printable(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' }).collect()
}

fn known_codecs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Codec>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let mut known = Vec::new();
    for codec in names.iter().filter_map(|name| Codec::from_str(name).ok()) {
        if !known.contains(&codec) {
            known.push(codec);
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_codecs_are_left_out_and_repeated_codecs_count_once() {
        let text = r#"{"type":"join","version":1,"role":"receiver","codecs":["H266","VP8","h264","VP8"],"new":{"a":[1]}}"#;
        let Ok(FromReceiver::Join(join)) = FromReceiver::read(text) else { panic!("not read") };
        assert_eq!(join.codecs, [Codec::Vp8, Codec::H264]);
        assert_eq!(join.name, None);
    }

    #[test]
    fn what_a_browser_makes_of_a_candidate_is_read() {
        let text = r#"{"type":"candidate","candidate":"","sdpMid":null,"sdpMLineIndex":0,"usernameFragment":"abcd"}"#;
        let expected = TrickledCandidate { candidate: String::new(), line: Some(0), mid: None };
        assert_eq!(FromReceiver::read(text), Ok(FromReceiver::Candidate(expected)));
    }

    #[test]
    fn garbage_of_every_kind_is_an_error_that_is_safe_to_print() {
        let deep = format!(r#"{{"type":"join","x":{}"#, "[".repeat(30_000));
        let long = format!(r#"{{"type":"bye","reason":"{}"}}"#, "x".repeat(MAX_MESSAGE_BYTES));
        let table = [
            "",
            "null",
            "[]",
            "{}",
            "\u{0}",
            r#"{"type":"offer","sdp":"v=0"}"#,
            r#"{"type":"nonsense\u202e\n"}"#,
            r#"{"type":"answer"}"#,
            r#"{"type":"answer","sdp":7}"#,
            r#"{"type":"answer","sdp":"a","sdp":"b"}"#,
            r#"{"type":"answer","sdp":"\ud800"}"#,
            r#"{"type":"bye"} {"type":"bye"}"#,
            r#"{"type":"join","version":1e400,"role":"receiver","codecs":[]}"#,
            r#"{"type":"join","version":-1,"role":"receiver","codecs":[]}"#,
            r#"{"type":"join","version":1,"role":"sender","codecs":[]}"#,
            r#"{"type":"join","version":1,"role":"receiver","codecs":[1]}"#,
            r#"{"type":"join","version":1,"role":"receiver","codecs":[],"name":"a\u202eb"}"#,
            r#"{"type":"join","version":1,"role":"receiver","codecs":[],"name":"../x"}"#,
            r#"{"type":"candidate","candidate":"","sdpMLineIndex":4294967296}"#,
            &deep,
            &long,
        ];
        for text in table {
            let error = FromReceiver::read(text).expect_err(text).to_string();
            assert!(error.len() < 300 && error.chars().all(|c| (' '..='~').contains(&c)), "{error:?}");
        }
    }

    #[test]
    fn a_turn_password_is_never_printed() {
        let server = IceServer { urls: "turn:a".into(), username: Some("u".into()), credential: Some("secret".into()) };
        let welcome = FromSender::Welcome(Welcome { version: 1, id: "a".into(), ice_servers: vec![server] });
        assert!(!format!("{welcome:?}").contains("secret"));
        assert!(welcome.to_json().contains("secret"));
    }

    #[test]
    fn an_error_code_of_the_future_is_read() {
        let text = r#"{"type":"error","code":"OUT_OF_TEA","message":"m","recoverable":true}"#;
        let Ok(FromSender::Error(report)) = FromSender::read(text) else { panic!("not read") };
        assert_eq!(report.code, ErrorCode::Unknown);
    }
}
