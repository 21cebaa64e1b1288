//! Where frames come from.

mod canvases;
mod scene;

pub use scene::{Produced, SceneSource};
