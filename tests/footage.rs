//! Footage instead of a scene: a file, launch text, an RTSP server; the truth is what a detector saw before encoding.

use std::path::Path;
use std::process::Command;

use crate::support::beside_others;
use crate::support::process::{Process, run};
use crate::support::roles::Sender;

/// GStreamer's bouncing disk, three seconds of it.
fn ball_file(directory: &Path) -> String {
    let path = directory.join("ball with a space.mkv");
    let ball = "videotestsrc pattern=ball num-buffers=90 ! video/x-raw,format=I420,width=640,height=480,framerate=30/1";
    let launch = format!("{ball} ! x264enc ! matroskamux ! filesink location=\"{}\"", path.display());
    gstreamer::init().expect("GStreamer starts");
    let pipeline = gstreamer::parse::launch(&launch).expect("valid");
    let bus = gstreamer::prelude::ElementExt::bus(&pipeline).expect("a bus");
    gstreamer::prelude::ElementExt::set_state(&pipeline, gstreamer::State::Playing).expect("it plays");
    let ends = [gstreamer::MessageType::Eos, gstreamer::MessageType::Error];
    let end = bus.timed_pop_filtered(gstreamer::ClockTime::from_seconds(30), &ends).expect("it ends");
    assert_eq!(end.type_(), gstreamer::MessageType::Eos);
    gstreamer::prelude::ElementExt::set_state(&pipeline, gstreamer::State::Null).expect("it stops");
    path.display().to_string()
}

#[test]
fn a_file_is_sent_once_from_its_first_frame_and_measured_against_the_reference() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().expect("a directory");
    let file = ball_file(directory.path());
    let mut sender = Sender::start(&["--source", &file, "--reference", "ball"]);
    let _receiver = sender.receiver("one");
    let report = sender.report();
    report.assert_sound();
    report.assert_closed();
    // On a machine that is busy the newest picture takes the place of one that nobody has taken yet.
    assert!((80..=90).contains(&report.count("/frames/produced")), "{:#}", report.0);
    assert_eq!(report.text("/scene/reference"), "ball");
    assert!(report.number("/error_px/p95") < 0.1, "{:#}", report.0);
    assert!(report.count("/objects/paired") >= 70, "{:#}", report.0);
}

#[test]
fn footage_without_a_reference_has_latency_and_no_error() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--source", "videotestsrc pattern=ball is-live=true", "--frames", "30"]);
    let _receiver = sender.receiver("one");
    let report = sender.report();
    report.assert_closed();
    assert!(report.number("/latency_ms/p50") > 0.0, "{:#}", report.0);
    assert_eq!(report.count("/objects/false_finds"), 0, "{:#}", report.0);
    assert!(report.0.pointer("/error_px/p50").is_some_and(serde_json::Value::is_null), "{:#}", report.0);
}

#[test]
fn an_rtsp_stream_is_sent_on() {
    let _machine = beside_others();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/rtsp_server.py");
    // Debian's own Python: it has the bindings of GStreamer's RTSP server.
    let server = Process::start(Command::new("/usr/bin/python3").arg(script));
    let url = server.first_line();
    let mut sender = Sender::start(&["--source", &url, "--reference", "ball", "--frames", "60"]);
    let _receiver = sender.receiver("one");
    let report = sender.report();
    report.assert_sound();
    report.assert_closed();
    assert!(report.number("/error_px/p95") < 0.1, "{:#}", report.0);
}

#[test]
fn what_cannot_be_sent_is_named_with_what_can() {
    for (arguments, expected) in [
        (&["send", "--source", "nosuch.mp4"][..], "'nosuch.mp4'"),
        (&["send", "--source", "nosuchelement ! fakesink", "--duration", "1"], "nosuchelement"),
        (&["send", "--source", "videotestsrc ! video/x-raw,format=XYZ", "--duration", "5"], "cannot be opened"),
        (&["send", "--reference", "ball"], "its truth is known"),
        (&["send", "--source", "videotestsrc", "--loop"], "it is no file"),
        (&["send", "--source", "videotestsrc", "--frame-code"], "only a scene leaves room for the code"),
    ] {
        let ended = run(arguments);
        assert!(ended.code.is_some_and(|code| code != 0), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{arguments:?}: an error is no report");
    }
}
