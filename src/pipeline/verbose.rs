//! What `gst-launch-1.0 -v` prints, as log lines: `/GstPipeline:encode/GstX264Enc:encoder.GstPad:src: caps = video/x-h264, …`.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::Pipeline;

impl Pipeline {
    /// Logs every change of caps and of other properties from now on, at INFO.
    pub fn log_changes(&self) {
        self.inner().connect_deep_notify(None, |_, object, spec| {
            if let Some(value) = readable_value(object, spec) {
                tracing::info!(target: "gst::changes", "{}: {} = {value}", object.path_string(), spec.name());
            }
        });
    }
}

/// What must not be in any log: SRTP's keys, DTLS's private key, ICE's and TURN's passwords.
fn is_secret(property: &str) -> bool {
    let secrets = ["key", "mki", "pem", "pwd", "password", "turn-server"];
    property.split('-').any(|word| secrets.contains(&word)) || secrets.contains(&property)
}

/// The value as text; nothing for what cannot be read or only repeats itself, as gst-launch leaves out too.
fn readable_value(object: &gst::Object, spec: &glib::ParamSpec) -> Option<String> {
    let noise = ["parent", "last-sample", "stats", "current-level-buffers", "current-level-bytes", "current-level-time"];
    if !spec.flags().contains(glib::ParamFlags::READABLE) || noise.contains(&spec.name()) || is_secret(spec.name()) {
        return None;
    }
    let value = object.property_value(spec.name());
    match value.get::<Option<gst::Caps>>() {
        Ok(caps) => Some(caps.map_or_else(|| "NULL".to_owned(), |caps| caps.to_string())),
        Err(_) => value.serialize().ok().map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_are_readable_and_noise_is_left_out() {
        gst::init().expect("GStreamer starts");
        let sink = gst::ElementFactory::make("capsfilter").name("filter").build().expect("installed");
        sink.set_property("caps", gst::Caps::new_empty_simple("video/x-raw"));
        let spec = |name: &str| sink.find_property(name).expect("there");
        assert_eq!(readable_value(sink.upcast_ref(), &spec("caps")).as_deref(), Some("video/x-raw"));
        assert_eq!(readable_value(sink.upcast_ref(), &spec("name")).as_deref(), Some("filter"));
        assert_eq!(readable_value(sink.upcast_ref(), &spec("parent")), None);
    }
}
