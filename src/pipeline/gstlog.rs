//! GStreamer's debug log as tracing events.

use gstreamer as gst;
use gstreamer::DebugLevel;
use gstreamer::log::{DebugCategory, DebugMessage, LoggedObject};
use tracing::Level;

/// From now on what `GST_DEBUG` lets through also arrives as tracing events, with target `gst`. Call it once, after `gst::init`.
///
/// GStreamer's own output, to stderr or `GST_DEBUG_FILE`, stays as it is.
pub fn forward_gst_log() {
    gst::log::add_log_function(|category, level, file, function, line, object, message| {
        let place = Place { category, file, function, line };
        forward(place, level, object, message);
    });
}

struct Place<'a> {
    category: DebugCategory,
    file: &'a glib::GStr,
    function: &'a glib::GStr,
    line: u32,
}

fn forward(place: Place<'_>, level: DebugLevel, object: Option<&LoggedObject>, message: &DebugMessage) {
    let Some(text) = message.get() else { return };
    let Place { category, file, function, line } = place;
    let (category, object) = (category.name(), object.map(ToString::to_string));
    let (file, function) = (file.as_str(), function.as_str());
    macro_rules! event {
        ($level:expr) => {
            tracing::event!(target: "gst", $level, category, object, file, function, line, "{text}")
        };
    }
    match level_of(level) {
        Level::ERROR => event!(Level::ERROR),
        Level::WARN => event!(Level::WARN),
        Level::INFO => event!(Level::INFO),
        Level::DEBUG => event!(Level::DEBUG),
        Level::TRACE => event!(Level::TRACE),
    }
}

fn level_of(level: DebugLevel) -> Level {
    match level {
        DebugLevel::Error => Level::ERROR,
        DebugLevel::Warning | DebugLevel::Fixme => Level::WARN,
        DebugLevel::Info => Level::INFO,
        DebugLevel::Debug => Level::DEBUG,
        _ => Level::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Collects what is written, as a log file would.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_gstreamer_message_becomes_a_tracing_event_with_its_category_and_level() {
        gst::init().expect("GStreamer starts");
        forward_gst_log();
        let written = Written::default();
        let sink = written.clone();
        let layer = tracing_subscriber::fmt::layer().json().with_writer(move || sink.clone());
        let category = DebugCategory::new("rebound-test", gst::DebugColorFlags::empty(), None);
        category.set_threshold(DebugLevel::Warning);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            gst::warning!(category, "a {} warning", "strange");
            gst::info!(category, "below the threshold");
        });
        let text = String::from_utf8(written.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        let event: serde_json::Value = serde_json::from_str(text.trim()).expect("one event");
        assert_eq!((&event["level"], &event["target"]), (&"WARN".into(), &"gst".into()));
        assert_eq!(event["fields"]["category"], "rebound-test");
        assert_eq!(event["fields"]["message"], "a strange warning");
    }
}
