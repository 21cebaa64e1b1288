//! Which elements are not installed, and what to install.
//!
//! The registry is asked for the feature. `gst-inspect-1.0 --exists` is no help: without `--atleast-version` it wants the core's
//! own version, and says no to elements from other projects (libnice's `nicesrc`) that are there.

use std::fmt;

use gstreamer as gst;

/// An element that is not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingElement {
    /// Its factory's name.
    pub element: String,
    /// Where to get it, if that is known.
    pub source: Option<Source>,
}

/// Where an element comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A package of Debian 12.
    Debian(&'static str),
    /// A package of Debian 12 whose plugin offers the element only where its device and driver are.
    Device(&'static str),
    /// Not in Debian 12; a phrase that says where it is.
    Elsewhere(&'static str),
}

/// Of these elements, the ones that the registry does not have; each once, in order.
pub fn missing<'a>(elements: impl IntoIterator<Item = &'a str>) -> Vec<MissingElement> {
    let mut found = Vec::<MissingElement>::new();
    for element in elements {
        let named = found.iter().any(|other| other.element == element);
        if !named && gst::ElementFactory::find(element).is_none() {
            found.push(MissingElement::new(element));
        }
    }
    found
}

impl MissingElement {
    /// With what is known about where it comes from.
    pub fn new(element: &str) -> MissingElement {
        MissingElement { element: element.to_owned(), source: source_of(element) }
    }
}

impl fmt::Display for MissingElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(Source::Debian(package)) => write!(f, "{} (Debian package {package})", self.element),
            Some(Source::Device(package)) => {
                write!(f, "{} (only where its device and driver are; Debian package {package})", self.element)
            }
            Some(Source::Elsewhere(place)) => write!(f, "{} ({place})", self.element),
            None => write!(f, "{} (in no package known here; is the name right?)", self.element),
        }
    }
}

/// Missing elements as one sentence, with the command that installs what can be installed.
pub fn advice(missing: &[MissingElement]) -> String {
    let names: Vec<String> = missing.iter().map(MissingElement::to_string).collect();
    let mut packages: Vec<&str> = missing.iter().filter_map(debian_package).collect();
    packages.sort_unstable();
    packages.dedup();
    let install = match packages.as_slice() {
        [] => String::new(),
        packages => format!("; install with: apt install {}", packages.join(" ")),
    };
    format!("{}{install}", names.join(", "))
}

fn debian_package(missing: &MissingElement) -> Option<&'static str> {
    match missing.source {
        Some(Source::Debian(package)) => Some(package),
        _ => None,
    }
}

const BASE: Source = Source::Debian("gstreamer1.0-plugins-base");
const GOOD: Source = Source::Debian("gstreamer1.0-plugins-good");
const BAD: Source = Source::Debian("gstreamer1.0-plugins-bad");
const UGLY: Source = Source::Debian("gstreamer1.0-plugins-ugly");
const RUST: Source = Source::Elsewhere("from gst-plugins-rs, which Debian 12 does not package");
const NEWER: Source = Source::Elsewhere("in a later GStreamer than Debian 12's 1.22");
const WINDOWS: Source = Source::Elsewhere("part of GStreamer on Windows only");

/// Exact names; Debian 12's packages (`dpkg -L`).
const BY_NAME: &[(&str, Source)] = &[
    ("appsrc", BASE),
    ("appsink", BASE),
    ("videotestsrc", BASE),
    ("videoconvert", BASE),
    ("videoscale", BASE),
    ("videorate", BASE),
    ("textoverlay", Source::Debian("gstreamer1.0-x")),
    ("ximagesrc", GOOD),
    ("ximagesink", Source::Debian("gstreamer1.0-x")),
    ("xvimagesink", Source::Debian("gstreamer1.0-x")),
    ("autovideosink", GOOD),
    ("udpsrc", GOOD),
    ("udpsink", GOOD),
    ("rtspsrc", GOOD),
    ("rtpbin", GOOD),
    ("rtpjitterbuffer", GOOD),
    ("v4l2src", GOOD),
    ("vp8enc", GOOD),
    ("vp9enc", GOOD),
    ("vp8dec", GOOD),
    ("vp9dec", GOOD),
    ("x264enc", UGLY),
    ("x265enc", BAD),
    ("openh264enc", BAD),
    ("openh264dec", BAD),
    ("av1enc", BAD),
    ("av1dec", BAD),
    ("libde265dec", BAD),
    ("svtav1enc", NEWER),
    ("vavp9enc", NEWER),
    ("vaav1enc", NEWER),
    ("nvav1enc", NEWER),
    ("dav1ddec", RUST),
    ("rtpav1pay", RUST),
    ("rtpav1depay", RUST),
    ("rtpgccbwe", RUST),
    ("webrtcbin", BAD),
    ("dtlsenc", BAD),
    ("srtpenc", BAD),
    ("sctpenc", BAD),
    ("netsim", BAD),
    ("nicesrc", Source::Debian("gstreamer1.0-nice")),
    ("nicesink", Source::Debian("gstreamer1.0-nice")),
];

/// Families of elements by the beginning of their names; the first that fits counts.
const BY_PREFIX: &[(&str, Source)] = &[
    ("avdec_", Source::Debian("gstreamer1.0-libav")),
    ("avenc_", Source::Debian("gstreamer1.0-libav")),
    ("nvv4l2", Source::Elsewhere("part of NVIDIA's JetPack, package nvidia-l4t-gstreamer")),
    ("nvvidconv", Source::Elsewhere("part of NVIDIA's JetPack, package nvidia-l4t-gstreamer")),
    ("nv", Source::Device("gstreamer1.0-plugins-bad")),
    ("vaapi", Source::Device("gstreamer1.0-vaapi")),
    ("va", Source::Device("gstreamer1.0-plugins-bad")),
    ("qsv", Source::Device("gstreamer1.0-plugins-bad")),
    ("v4l2", Source::Device("gstreamer1.0-plugins-good")),
    ("mpp", Source::Elsewhere("from Rockchip's gstreamer-rockchip")),
    ("amf", WINDOWS),
    ("mf", WINDOWS),
    ("vtenc", Source::Elsewhere("part of GStreamer on macOS only")),
    ("vtdec", Source::Elsewhere("part of GStreamer on macOS only")),
    ("rtp", GOOD),
];

fn source_of(element: &str) -> Option<Source> {
    let exact = BY_NAME.iter().find(|(name, _)| *name == element);
    let family = || BY_PREFIX.iter().find(|(prefix, _)| element.starts_with(prefix));
    let parser = || element.ends_with("parse").then_some(BAD);
    exact.or_else(family).map(|(_, source)| *source).or_else(parser)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_once_with_its_package() {
        gst::init().expect("GStreamer starts");
        let found = missing(["fakesink", "avdec_nosuch", "mpph264enc", "nosuchthing", "avdec_nosuch"]);
        let names: Vec<&str> = found.iter().map(|missing| missing.element.as_str()).collect();
        assert_eq!(names, ["avdec_nosuch", "mpph264enc", "nosuchthing"]);
        let text = advice(&found);
        assert!(text.contains("avdec_nosuch (Debian package gstreamer1.0-libav)"), "{text}");
        assert!(text.ends_with("install with: apt install gstreamer1.0-libav"), "{text}");
    }

    /// The table against the machine: every element listed by name that is installed here is in the package the table names.
    #[test]
    fn the_table_agrees_with_the_plugins_installed_here() {
        gst::init().expect("GStreamer starts");
        let module = |source: Source| match source {
            Source::Debian("gstreamer1.0-plugins-base" | "gstreamer1.0-x") => "gst-plugins-base",
            Source::Debian("gstreamer1.0-plugins-good") => "gst-plugins-good",
            Source::Debian("gstreamer1.0-plugins-bad") => "gst-plugins-bad",
            Source::Debian("gstreamer1.0-plugins-ugly") => "gst-plugins-ugly",
            _ => "",
        };
        for (name, source) in BY_NAME.iter().filter(|(_, source)| !module(*source).is_empty()) {
            use gst::prelude::PluginFeatureExt;
            let plugin = gst::ElementFactory::find(name).and_then(|factory| factory.plugin());
            let Some(plugin) = plugin else { continue };
            assert_eq!(plugin.source(), module(*source), "{name}");
        }
    }
}
