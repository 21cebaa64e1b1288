//! What a sender says to its hub, and hears from it.

use serde::{Deserialize, Serialize};

use super::ErrorReport;
use super::member::{Bye, IceServer, Offer, Role, Sdp, TrickledCandidate, known_codecs};
use super::name::{DisplayName, MemberId, SessionId, Ticket};
use crate::codec::Codec;

/// `register`: a sender opens its session, or comes back to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// [`super::PROTOCOL_VERSION`] of the sender.
    pub version: u32,
    /// Which session; the hub makes a name up if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// As in the earlier `registered`, from a sender that was here before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// Those whose peer connections live on; a hub that was started anew knows them from here only. At most
    /// [`super::MAX_MEMBERS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "few")]
    pub members: Vec<KnownMember>,
}

/// A member as its sender knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownMember {
    /// As in `joined`.
    pub id: MemberId,
    /// As in `joined`.
    pub ticket: Ticket,
    /// As in `joined`.
    pub role: Role,
}

/// `registered`: the session is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// [`super::PROTOCOL_VERSION`] of the hub.
    pub version: u32,
    /// Which session.
    pub session: SessionId,
    /// To be shown on a later connection.
    pub ticket: Ticket,
    /// STUN and TURN servers to use.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// `joined`: this member wants a (new) peer connection; the sender drops the one it has, and offers or answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Who.
    pub member: MemberId,
    /// What it shows on a later connection.
    pub ticket: Ticket,
    /// As in its `join`.
    pub role: Role,
    /// As in its `join`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// As in its `join`.
    #[serde(deserialize_with = "known_codecs")]
    pub codecs: Vec<Codec>,
    /// It is on the hub's own machine, so that its loopback addresses mean something to others there.
    #[serde(default)]
    pub loopback: bool,
    /// As in its `join`: to be answered. Without it, the sender offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
}

/// `left`: this member is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Who.
    pub member: MemberId,
    /// Why.
    pub why: LeftWhy,
}

/// `away`: this member's connection to the hub is down; the hub waits for it. `back`: it is there again, and nothing else changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Who.
    pub member: MemberId,
}

/// Why a member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftWhy {
    /// It said `bye`.
    Bye,
    /// Its connection closed, and it did not come back within the grace time.
    Lost,
    /// The hub sent it away.
    Expelled,
}

/// `to`: the sender tells one member something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct To {
    /// Whom.
    pub member: MemberId,
    /// What.
    pub message: ForMember,
}

/// `from`: a member tells the sender something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct From {
    /// Who.
    pub member: MemberId,
    /// What.
    pub message: OfMember,
}

/// What a sender tells a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ForMember {
    /// Take part in this peer connection, instead of any that was before.
    Offer(Sdp),
    /// The answer to the offer that the member joined with.
    Answer(Sdp),
    /// One of the sender's addresses.
    Candidate(TrickledCandidate),
    /// Something was wrong. If it is not recoverable, the member is sent away.
    Error(ErrorReport),
    /// The member is sent away without blame.
    Bye(Bye),
}

/// What a member tells the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OfMember {
    /// The answer to the sender's offer.
    Answer(Sdp),
    /// One of the member's addresses.
    Candidate(TrickledCandidate),
}

fn few<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<KnownMember>, D::Error> {
    let members = Vec::<KnownMember>::deserialize(deserializer)?;
    if members.len() > super::MAX_MEMBERS {
        return Err(serde::de::Error::custom(format!("{} members; at most {}", members.len(), super::MAX_MEMBERS)));
    }
    Ok(members)
}
