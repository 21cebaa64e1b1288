//! Where frames come from.

mod canvases;
mod feed;
mod kind;
mod media;
mod scene;

pub(crate) use feed::FEED_LAUNCH;
pub use feed::Feed;
pub use kind::{Footage, MediaKind};
pub use media::{Filmed, MediaEnd, MediaError, MediaSource};
pub use scene::{Produced, SceneSource};
