//! Where a benchmark was made.

use std::collections::BTreeSet;
use std::fs;

use gstreamer::prelude::*;

use super::matrix::Matrix;
use super::results::{Element, Machine};

/// What every run goes through, and the decoders that may take part.
const COMMON_ELEMENTS: [&str; 10] = [
    "webrtcbin",
    "nicesink",
    "dtlsenc",
    "srtpenc",
    "rtpjitterbuffer",
    "rtpgccbwe",
    "avdec_h264",
    "openh264dec",
    "vp8dec",
    "vp9dec",
];

/// This computer.
pub(super) fn machine() -> Machine {
    let line = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let memory = value(&line("/proc/meminfo"), "MemTotal:");
    let kib: u64 = memory.trim_end_matches("kB").trim().parse().unwrap_or_default();
    Machine {
        host: line("/proc/sys/kernel/hostname"),
        cpu: value(&line("/proc/cpuinfo"), "model name").trim_start_matches(':').trim().to_owned(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_mb: kib * 1024 / 1_000_000,
        kernel: line("/proc/sys/kernel/osrelease"),
        os: value(&line("/etc/os-release"), "PRETTY_NAME=").trim_matches('"').to_owned(),
    }
}

fn value(text: &str, key: &str) -> String {
    text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned()
}

/// The elements that the matrix names, and those that every run needs, as far as they are here.
pub(super) fn elements(matrix: &Matrix) -> Vec<Element> {
    let named = matrix
        .cells
        .iter()
        .flat_map(|cell| cell.settings.encoder.split(|letter: char| letter.is_whitespace() || letter == '!'));
    let names: BTreeSet<&str> = named.filter(|word| !word.is_empty()).chain(COMMON_ELEMENTS).collect();
    names.into_iter().filter_map(element).collect()
}

fn element(name: &str) -> Option<Element> {
    let plugin = gstreamer::ElementFactory::find(name)?.plugin()?;
    Some(Element { name: name.to_owned(), plugin: plugin.plugin_name().to_string(), version: plugin.version().to_string() })
}
