//! Buffers that remember what was drawn into them.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;

use crate::scene::Canvas;

/// A bounded store of canvases. A canvas leaves it as a buffer without a copy and comes back when the last user of the buffer is
/// done, still knowing what was drawn into it, so that only what changed need be drawn again.
#[derive(Clone, Debug)]
pub(super) struct Canvases(Arc<Mutex<Vec<Canvas>>>);

impl Canvases {
    pub(super) fn new(canvases: impl IntoIterator<Item = Canvas>) -> Canvases {
        Canvases(Arc::new(Mutex::new(canvases.into_iter().collect())))
    }

    /// A free canvas; none when all are in use.
    pub(super) fn take(&self) -> Option<Canvas> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// The canvas as a buffer.
    pub(super) fn lend(&self, canvas: Canvas) -> gst::Buffer {
        gst::Buffer::from_slice(Lent { canvas: Some(canvas), home: self.clone() })
    }
}

struct Lent {
    canvas: Option<Canvas>,
    home: Canvases,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.canvas.as_ref().map(Canvas::pixels).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(canvas) = self.canvas.take() {
            self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(canvas);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, SceneConfig, SceneKind};
    use crate::units::{Fps, Size};

    #[test]
    fn a_canvas_comes_back_when_its_buffer_is_gone_and_never_before() {
        gst::init().expect("GStreamer starts");
        let (size, fps) = (Size::new(320, 240).expect("valid"), Fps::new(30).expect("valid"));
        let scene = Scene::new(SceneConfig::new(SceneKind::Ball, size, fps)).expect("valid");
        let canvases = Canvases::new([scene.new_canvas()]);
        let canvas = canvases.take().expect("one is free");
        let address = canvas.pixels().as_ptr();
        let buffer = canvases.lend(canvas);
        let second_user = buffer.clone();
        drop(buffer);
        assert!(canvases.take().is_none(), "in use");
        drop(second_user);
        assert_eq!(canvases.take().expect("free again").pixels().as_ptr(), address, "no copy");
    }
}
