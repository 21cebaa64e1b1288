//! What publishers say: those who send video to the hub itself, which then is the session's sender.

use serde::{Deserialize, Serialize};

use super::member::Offer;
use super::name::{DisplayName, SessionId};

/// `publish`: takes the sender's place of a session with video that goes to the hub. The hub answers the offer, looks at the video,
/// and hands it on to the session's members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// [`super::PROTOCOL_VERSION`] of the publisher.
    pub version: u32,
    /// Which session; the hub makes a name up if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// Its offer, SDP: one video that it sends, and a data channel if it wants to be told what is seen in it.
    pub offer: Offer,
}
