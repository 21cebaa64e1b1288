//! The JSON messages on the WebSocket, in both directions: one file writes and reads them.
//!
//! Unknown fields are ignored, so that either side may say more than the other understands; an unknown `type` is an error that
//! the offender is told and survives.

mod error;
mod member;
mod name;
mod publisher;
mod sender;

use serde::{Deserialize, Serialize};

pub use error::{ErrorCode, ErrorReport};
pub use member::{
    BadOffer, Bye, END_OF_CANDIDATES, IceServer, Join, MAX_OFFER_BYTES, Offer, Resume, Role, Sdp, TrickledCandidate,
    Waiting, Welcome,
};
pub use name::{BadId, BadName, DisplayName, MemberId, SessionId, Ticket};
pub use publisher::Publish;
pub use sender::{Absence, ForMember, From, Joined, KnownMember, Left, LeftWhy, OfMember, Register, Registered, To};

/// The version of the protocol, in `join` and `welcome`.
pub const PROTOCOL_VERSION: u32 = 1;

/// The largest message in bytes, in both directions. A browser's offer with every codec it has is 8 KB; webrtcbin's answer to
/// one video and one data channel is 1.2 KB.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// The most members that a sender names when it comes back: so many fit into one message. Further ones connect anew.
pub const MAX_MEMBERS: usize = 400;

/// What anybody says to the hub: a receiver or viewer after `join`, a sender after `register`, a publisher after `publish`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromClient {
    /// A receiver's or viewer's first message, and its way to a new peer connection.
    Join(Join),
    /// The answer to the sender's offer.
    Answer(Sdp),
    /// One ICE candidate.
    Candidate(TrickledCandidate),
    /// A sender's first message.
    Register(Register),
    /// A sender tells a member something.
    To(To),
    /// A publisher's first message: it brings video instead of making it for others.
    Publish(Publish),
    /// Whoever says this leaves for good.
    Bye(Bye),
}

/// What the hub says to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToClient {
    /// To a receiver, viewer or publisher: it is in.
    Welcome(Welcome),
    /// To a receiver or viewer: there is no sender (any more).
    Waiting(Waiting),
    /// To a receiver or viewer: the sender's offer.
    Offer(Sdp),
    /// To whoever offered, a receiver or viewer or publisher: the answer.
    Answer(Sdp),
    /// To a receiver or viewer: one of the sender's addresses; to a publisher: one of the hub's.
    Candidate(TrickledCandidate),
    /// To a sender: its session is open.
    Registered(Registered),
    /// To a sender: somebody wants a peer connection.
    Joined(Joined),
    /// To a sender: what a member says.
    From(From),
    /// To a sender: a member's connection to the hub is down.
    Away(Absence),
    /// To a sender: a member that was away is there again, as if nothing had been.
    Back(Absence),
    /// To a sender: a member is gone.
    Left(Left),
    /// To anybody: something was wrong.
    Error(ErrorReport),
    /// To anybody: the end.
    Bye(Bye),
}

impl std::convert::From<ForMember> for ToClient {
    fn from(message: ForMember) -> ToClient {
        match message {
            ForMember::Offer(offer) => ToClient::Offer(offer),
            ForMember::Answer(answer) => ToClient::Answer(answer),
            ForMember::Candidate(candidate) => ToClient::Candidate(candidate),
            ForMember::Error(error) => ToClient::Error(error),
            ForMember::Bye(bye) => ToClient::Bye(bye),
        }
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

impl FromClient {
    /// Reads what a client sent.
    pub fn read(text: &str) -> Result<FromClient, InvalidMessage> {
        read(text)
    }

    /// As JSON text.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

impl ToClient {
    /// Reads what a hub sent.
    pub fn read(text: &str) -> Result<ToClient, InvalidMessage> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;

    #[test]
    fn unknown_fields_and_codecs_are_left_out_and_repeated_codecs_count_once() {
        let text = r#"{"type":"join","version":1,"role":"receiver","codecs":["H266","VP8","h264","VP8"],"new":{"a":[1]}}"#;
        let Ok(FromClient::Join(join)) = FromClient::read(text) else { panic!("not read") };
        assert_eq!(join.codecs, [Codec::Vp8, Codec::H264]);
        assert_eq!(join.name, None);
    }

    #[test]
    fn what_a_browser_makes_of_a_candidate_is_read() {
        let text = r#"{"type":"candidate","candidate":"","sdpMid":null,"sdpMLineIndex":0,"usernameFragment":"abcd"}"#;
        let expected = TrickledCandidate { candidate: String::new(), line: Some(0), mid: None, offer: None };
        assert_eq!(FromClient::read(text), Ok(FromClient::Candidate(expected)));
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
            r#"{"type":"join","version":1,"role":"receiver","codecs":[],"session":"../x"}"#,
            r#"{"type":"join","version":1,"role":"receiver","codecs":[],"session":""}"#,
            r#"{"type":"join","version":1,"role":"receiver","codecs":[],"resume":{"id":"a","ticket":"short"}}"#,
            r#"{"type":"register","version":1,"members":[{"id":"a"}]}"#,
            r#"{"type":"to","member":"a","message":{"type":"join"}}"#,
            &deep,
            &long,
        ];
        for text in table {
            let error = FromClient::read(text).expect_err(text).to_string();
            assert!(error.len() < 300 && error.chars().all(|c| (' '..='~').contains(&c)), "{error:?}");
        }
    }

    #[test]
    fn a_turn_password_is_never_printed() {
        let server = IceServer { urls: "turn:a".into(), username: Some("u".into()), credential: Some("secret".into()) };
        let (session, id) = ("s".parse().expect("an id"), "a".parse().expect("an id"));
        let ticket = Ticket::new(0xabcdef);
        let welcome = Welcome { version: 1, session, id, ticket, kept: false, ice_servers: vec![server] };
        let welcome = ToClient::Welcome(welcome);
        assert!(!format!("{welcome:?}").contains("secret") && !format!("{welcome:?}").contains("abcdef"));
        assert!(welcome.to_json().contains("secret"));
    }

    #[test]
    fn an_error_code_of_the_future_is_read() {
        let text = r#"{"type":"error","code":"OUT_OF_TEA","message":"m","recoverable":true}"#;
        let Ok(ToClient::Error(report)) = ToClient::read(text) else { panic!("not read") };
        assert_eq!(report.code, ErrorCode::Unknown);
    }
}
