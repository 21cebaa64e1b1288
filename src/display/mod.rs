//! What a receiver shows to people: the decoded frame with the sightings drawn over it, in a window or as a PNG file.
//!
//! Nothing here is in the loop: a window that is slow misses frames, the loop does not wait for it.

mod overlay;
mod snapshot;
mod window;

pub use overlay::draw;
pub use snapshot::{SnapshotError, save};
pub use window::{Window, WindowEnd, WindowError};
