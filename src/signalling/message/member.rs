//! What receivers and viewers say and hear.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::name::{DisplayName, MemberId, SessionId, Ticket};
use crate::codec::Codec;

/// `join`: who wants to receive, and what it can decode. Once more on the same connection, it asks for a new peer connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// [`super::PROTOCOL_VERSION`] of the receiver.
    pub version: u32,
    /// Whether it will answer.
    pub role: Role,
    /// Which session; may be left out where there is exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// A name for people, shown in the sender's report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// What the receiver can decode, best first. Names that this version does not know are left out, not refused.
    #[serde(deserialize_with = "known_codecs")]
    pub codecs: Vec<Codec>,
    /// Who it was on an earlier connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
    /// An SDP offer that the sender is to answer, instead of offering itself. Its codecs count then, not those above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
}

/// An SDP offer as it travels in another message: at most [`MAX_OFFER_BYTES`] and no control characters but line ends, so that what
/// it travels in stays a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offer(String);

/// The largest offer in bytes: three times a browser's with every codec it has.
pub const MAX_OFFER_BYTES: usize = 24 * 1024;

/// Not an offer that can be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOffer {
    /// Longer than [`MAX_OFFER_BYTES`].
    #[error("an offer of {0} bytes is too long; at most {MAX_OFFER_BYTES} bytes are taken")]
    TooLong(usize),
    /// It has characters that no SDP has.
    #[error("an offer has no control characters but line ends")]
    Control,
}

impl Offer {
    /// The SDP.
    pub fn sdp(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Offer {
    type Error = BadOffer;

    fn try_from(text: String) -> Result<Offer, BadOffer> {
        if text.len() > MAX_OFFER_BYTES {
            return Err(BadOffer::TooLong(text.len()));
        }
        let is_bad = |c: char| c.is_control() && c != '\r' && c != '\n';
        if text.contains(is_bad) { Err(BadOffer::Control) } else { Ok(Offer(text)) }
    }
}

impl From<Offer> for String {
    fn from(offer: Offer) -> String {
        offer.0
    }
}

/// Proves to be a member that was here before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// As in the earlier `welcome`.
    pub id: MemberId,
    /// As in the earlier `welcome`.
    pub ticket: Ticket,
    /// The peer connection lives on; else a new one is wanted.
    #[serde(default)]
    pub keep: bool,
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

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Receiver => "receiver".fmt(f),
            Role::Viewer => "viewer".fmt(f),
        }
    }
}

/// `welcome`: the receiver is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`super::PROTOCOL_VERSION`] of the hub.
    pub version: u32,
    /// Which session it is in.
    pub session: SessionId,
    /// The receiver's name in the sender's report.
    pub id: MemberId,
    /// To be shown on a later connection.
    pub ticket: Ticket,
    /// The peer connection of before lives on, and no offer follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// STUN and TURN servers to use.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// `waiting`: there is no sender (any more); an offer follows when one comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Why, in words.
    #[serde(default)]
    pub reason: String,
}

/// A session description, RFC 8866.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sdp {
    /// The text as it goes to or came from the WebRTC stack; [`crate::signalling::gate::check_sdp`] stands between.
    pub sdp: String,
    /// Counts the sender's offers: an answer names the one it is for. Without it, the last one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<u64>,
}

/// What [`TrickledCandidate::candidate`] is when there are no more.
pub const END_OF_CANDIDATES: &str = "";

/// One ICE candidate, in the shape of a browser's `RTCIceCandidate.toJSON()`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrickledCandidate {
    /// `candidate:…` (RFC 8839 section 5.1), or [`END_OF_CANDIDATES`].
    pub candidate: String,
    /// Which m-line, counted from 0.
    #[serde(rename = "sdpMLineIndex", default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The `a=mid` of that m-line; used when the index is missing.
    #[serde(rename = "sdpMid", default, skip_serializing_if = "Option::is_none")]
    pub mid: Option<String>,
    /// As in [`Sdp::offer`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<u64>,
}

/// `bye`: the end, with a reason for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// Why, in words.
    #[serde(default)]
    pub reason: String,
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

pub(super) fn known_codecs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Codec>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let mut known = Vec::new();
    for codec in names.iter().filter_map(|name| Codec::from_str(name).ok()) {
        if !known.contains(&codec) {
            known.push(codec);
        }
    }
    Ok(known)
}
