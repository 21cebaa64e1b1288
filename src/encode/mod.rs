//! From frames to encoded units.

mod running;
mod unit;

pub use running::{EncoderEvent, RunningEncoder};
pub use unit::Unit;
