//! Pictures from inside this process as a source.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;

/// Where they come into the source's pipeline. Two may wait; when there are more, the older one is dropped.
pub(crate) const FEED_LAUNCH: &str =
    "appsrc name=media is-live=true format=time do-timestamp=true max-buffers=2 max-bytes=0 leaky-type=downstream";

/// A way into a source that is open, for any thread.
#[derive(Clone, Debug, Default)]
pub struct Feed(Arc<Mutex<Option<gst_app::AppSrc>>>);

impl Feed {
    /// Gives a picture to the source, now; while none is open, it is gone.
    pub fn push(&self, picture: &gst::Sample) {
        let source = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(source) = source {
            // An error is the end of the source, which its bus reports.
            let _ = source.push_sample(picture);
        }
    }

    pub(super) fn set(&self, source: Option<gst_app::AppSrc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = source;
    }
}

impl PartialEq for Feed {
    fn eq(&self, other: &Feed) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Feed {}
