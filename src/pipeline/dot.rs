//! Graphs for `dot`.

use std::path::Path;

use gstreamer as gst;
use gstreamer::prelude::*;

/// Writes the graph into `directory`; without one GStreamer writes it where `GST_DEBUG_DUMP_DOT_DIR` says, or nowhere.
///
/// The name starts with the time of day (UTC), so that the graphs of one run sort by it.
pub(super) fn dump(pipeline: &gst::Pipeline, directory: Option<&Path>, name: &str) {
    let details = gst::DebugGraphDetails::ALL;
    let Some(directory) = directory else {
        pipeline.debug_to_dot_file_with_ts(details, name);
        return;
    };
    let path = directory.join(format!("{}-{name}.dot", time_of_day()));
    let graph = pipeline.debug_to_dot_data(details);
    if let Err(error) = std::fs::write(&path, graph.as_str()) {
        tracing::warn!(path = %path.display(), %error, "the graph cannot be written");
    }
}

/// Hours, minutes, seconds, microseconds: `140305.123456`.
fn time_of_day() -> String {
    let now = glib::DateTime::now_utc().and_then(|now| now.format("%H%M%S.%f"));
    now.map_or_else(|_| "000000.000000".to_owned(), Into::into)
}
