//! Where frames come from.

mod canvases;
mod kind;
mod media;
mod scene;

pub use kind::{Footage, MediaKind};
pub use media::{Filmed, MediaEnd, MediaError, MediaSource};
pub use scene::{Produced, SceneSource};
