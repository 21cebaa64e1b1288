//! The laws of the architecture, read off the imports.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in the order in which a frame travels.
const WAY: [&str; 9] = ["scene", "source", "encode", "webrtc", "decode", "detect", "feedback", "report", "sender"];

/// Rooms that think: no GStreamer, no tokio, no clock, no files, no environment.
const CORE: [&str; 13] = [
    "access",
    "scene",
    "detect",
    "feedback",
    "report",
    "signalling",
    "trace",
    "impair",
    "random",
    "recovery",
    "assertion",
    "witness",
    "congestion",
];

/// Files of core rooms that are edges, and say so.
const EDGES_IN_CORE: [&str; 3] = ["signalling/client.rs", "signalling/client/", "trace/file.rs"];

/// Files of roles that think.
const CORE_IN_ROLES: [&str; 6] =
    ["bench/results.rs", "bench/digest.rs", "bench/matrix", "bench/plan.rs", "bench/regression.rs", "bench/words.rs"];

/// Rooms that only wire.
const ROLES: [&str; 9] = ["sender", "receiver", "demo", "bench", "calibrate", "faults", "main", "replay", "diff"];

struct Source {
    /// Relative to `src`.
    path: String,
    /// Without comments and tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        Source { path, code }
    };
    found
        .into_iter()
        .map(read)
        .filter(|source| !source.path.ends_with("tests.rs") && !source.path.contains("/tests/"))
        .collect()
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn room(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap()
}

/// All sources that contain one of the words, but for those that `allowed` says may.
fn breaches(words: &[&str], applies: impl Fn(&str) -> bool, allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| applies(&source.path) && !allowed(&source.path)) {
        for word in words.iter().filter(|word| source.code.contains(**word)) {
            breaches.push(format!("src/{} says {word}", source.path));
        }
    }
    breaches
}

fn none(path: &str) -> bool {
    let _ = path;
    false
}

#[test]
fn the_core_is_pure() {
    let impure = [
        "gstreamer::",
        "use gstreamer",
        "gst::",
        "glib",
        "tokio",
        "axum",
        "std::fs",
        "std::env",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "std::thread",
        "Instant::now",
        "SystemTime",
        "crate::clock",
    ];
    let core = |path: &str| CORE.contains(&room(path)) || CORE_IN_ROLES.iter().any(|core| path.starts_with(core));
    let edge = |path: &str| EDGES_IN_CORE.iter().any(|edge| path.starts_with(edge));
    assert_eq!(breaches(&impure, core, edge), Vec::<String>::new());
}

#[test]
fn an_earlier_stage_never_imports_a_later_one() {
    let mut found = Vec::new();
    for (at, earlier) in WAY.iter().enumerate() {
        let later: Vec<String> = WAY[at + 1..].iter().map(|later| format!("crate::{later}")).collect();
        let later: Vec<&str> = later.iter().map(String::as_str).collect();
        // The receiver's notes of each frame's fate are written where it is decoded, and go out with the feedback.
        let allowed = |path: &str| path.starts_with("decode/");
        found.extend(breaches(&later, |path| room(path) == *earlier, allowed));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_detector_never_sees_the_scene() {
    let detect = |path: &str| room(path) == "detect";
    assert_eq!(breaches(&["crate::scene", "scene::"], detect, none), Vec::<String>::new());
}

#[test]
fn a_witness_knows_pictures_and_numbers_only() {
    let others = ["crate::scene", "crate::detect", "crate::feedback", "crate::report", "crate::decode", "crate::source"];
    assert_eq!(breaches(&others, |path| room(path) == "witness", none), Vec::<String>::new());
}

#[test]
fn only_the_clock_reads_the_time() {
    let allowed = |path: &str| {
        path == "clock.rs"
            || path.starts_with("signalling/client")
            || path.starts_with("encode/trial")
            || path == "encode/list.rs"
    };
    assert_eq!(breaches(&["Instant::now", ".elapsed()"], |_| true, allowed), Vec::<String>::new());
}

#[test]
fn only_config_reads_the_environment() {
    let allowed = |path: &str| path.starts_with("config") || path.starts_with("cli/") || path == "main.rs";
    assert_eq!(breaches(&["env::var", "env::args"], |_| true, allowed), Vec::<String>::new());
}

#[test]
fn only_one_file_talks_to_webrtcbin() {
    let words = [
        "\"on-ice-candidate\"",
        "\"on-data-channel\"",
        "\"create-offer\"",
        "\"set-remote-description\"",
        "\"add-ice-candidate\"",
        "\"get-transceiver\"",
    ];
    assert_eq!(breaches(&words, |_| true, |path| path == "webrtc/signals.rs"), Vec::<String>::new());
}

#[test]
fn only_roles_know_two_edges_at_once() {
    let edges = ["crate::source", "crate::encode", "crate::webrtc", "crate::decode", "crate::server", "crate::display"];
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !ROLES.contains(&room(&source.path))) {
        // `encode::Unit` is the data that travels from one to the other.
        let code = source.code.replace("crate::encode::Unit", "");
        let own = format!("crate::{}", room(&source.path));
        let known: Vec<&str> = edges.iter().copied().filter(|edge| *edge != own && code.contains(edge)).collect();
        if known.len() > 1 || (!known.is_empty() && edges.contains(&own.as_str())) {
            found.push(format!("src/{} knows {known:?}", source.path));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_queue_in_the_pipelines_states_its_limit_and_policy() {
    let pipelines = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    for entry in fs::read_dir(pipelines).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        if path.extension().is_none_or(|extension| extension != "gst") {
            continue;
        }
        let text = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join(" ");
        for element in text.split('!').map(str::trim) {
            let must: &[&str] = match element.split_whitespace().next() {
                Some("appsrc") => &["max-buffers=", "leaky-type="],
                Some("appsink") => &["max-buffers=", "drop="],
                Some("queue") => &["max-size-buffers=", "leaky="],
                _ => &[],
            };
            for property in must {
                assert!(element.contains(property), "{}: '{element}' does not state {property}", path.display());
            }
        }
    }
}
