//! How a receiver and a sender find each other: the messages, the gate that every SDP and candidate passes, and the room that
//! decides who may join. Pure: messages in, messages and actions out. `docs/signalling.md` is the description for people who
//! write a receiver of their own.
//!
//! Only [`client`] touches the network: it is the reconnecting end of a sender or receiver, towards a hub or somebody's WHIP or WHEP
//! server. The hub's end is [`crate::server`].

pub mod client;
mod complete;
pub mod gate;
pub mod gst;
pub mod hub;
pub mod message;
pub mod room;
pub mod sdpfrag;
pub(crate) mod silence;

pub use complete::complete;

#[cfg(test)]
mod documentation;
