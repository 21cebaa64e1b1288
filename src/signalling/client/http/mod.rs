//! The client's end of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): it speaks HTTP with somebody's server, and is to the role what a
//! hub is.
//!
//! A sender registers and hears that one member joined, which is the server; a receiver is welcomed and offers. Either way the
//! offer is completed with all of its candidates, posted, and answered; a new offer ends what the one before began.

mod dialogue;
mod endpoint;
mod head;
mod link;
mod request;

pub(super) use self::dialogue::Dialogue;
pub use self::endpoint::Endpoint;
pub(super) use self::request::Http;

#[cfg(test)]
mod tests;
