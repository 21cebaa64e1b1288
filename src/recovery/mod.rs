//! What to do about packets that do not arrive. Pure: time is an argument.
//!
//! [`Wholeness`] tells pictures that lack nothing from damaged ones, [`Asking`] paces the requests for a keyframe, [`Patience`] says
//! how long a lost packet is waited for, [`Repeats`] sends again what the connection is set up with, and [`Flight`] keeps it in order.

mod asking;
mod flight;
mod packet;
mod patience;
mod repeats;
mod wholeness;

pub use asking::Asking;
pub use flight::Flight;
pub use packet::{HEAD_BYTES, PacketHead};
pub use patience::{Path, Patience, RETRY_AFTER};
pub use repeats::{Repeats, copies, is_control, is_dtls};
pub use wholeness::Wholeness;
