//! What travels on the data channel, and what both ends conclude from it. Pure: time is an argument.
//!
//! - [`message`]: the messages, written and read in one place. `docs/protocol.md` is their description for everybody else.
//! - [`FateLog`]: the receiver's memory of what became of each frame, told to the sender in [`Recent`].
//! - [`ClockOffset`]: the sender's estimate of the receiver's clock, from pings and pongs.
//! - [`Liveness`]: when to ping, and when a silent peer is dead.

pub mod message;

mod clock;
mod fates;
mod liveness;

pub use clock::{ClockOffset, Offset};
pub use fates::FateLog;
pub use liveness::{Liveness, PING_INTERVAL, SILENCE, SILENCE_WHEN_AWAY};
pub use message::{
    Earlier, FrameTruth, Message, MessageError, PacketStats, PictureStats, Ping, Pong, ReceiverStats, Recent, Results,
    Sightings, Watch,
};
