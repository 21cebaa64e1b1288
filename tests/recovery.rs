//! Lost packets and silent paths: what is seen is right, and it goes on.

use serde_json::Value;

use crate::support::alone;
use crate::support::report::Report;
use crate::support::roles::Sender;

const SMALL: [&str; 4] = ["--size", "320x240", "--fps", "30"];

/// What is reported when all that both ends send meets this network, and the trace.
fn through(impairment: &str, frames: &str) -> (Report, Vec<Value>) {
    let directory = tempfile::tempdir().expect("a directory");
    let trace = directory.path().join("run.jsonl");
    let options = ["--frames", frames, "--impair", impairment, "--trace", trace.to_str().expect("UTF-8")];
    let mut sender = Sender::start(&[&SMALL[..], &options].concat());
    let receiver = sender.receiver_with("one", &["--impair", impairment]);
    let report = sender.report();
    assert_eq!(sender.said_times("receiver connected"), 1, "in one session:\n{}\n{}", sender.said(), receiver.said());
    report.assert_sound();
    assert!(report.number("/error_px/max") < 1.0, "{:#}", report.0);
    let lines = std::fs::read_to_string(trace).expect("a trace");
    (report, lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

#[test]
fn at_ten_percent_loss_nearly_every_frame_comes_back() {
    let _machine = alone();
    let (report, _) = through("loss=10%", "240");
    let (matched, encoded) = (report.count("/frames/matched"), report.count("/frames/encoded"));
    assert!(matched * 100 >= encoded * 95, "{matched} of {encoded}: {:#}", report.0);
    let recovered = report.receiver("one").count("/stats/packets/recovered");
    assert!(recovered > 0, "nothing was lost: {:#}", report.0);
}

#[test]
fn two_seconds_of_nothing_end_no_session_and_coordinates_come_within_a_second() {
    let _machine = alone();
    let (report, trace) = through("clean; at=2s blackout; at=4s", "210");
    let over_ns = (report.number("/impairment/timeline_from_ms") + 4000.0) * 1e6;
    let answers = || trace.iter().filter_map(|line| line.pointer("/answer/at_ns")?.as_f64());
    assert!(answers().any(|at| at < over_ns - 2e9), "it worked before: {:#}", report.0);
    let first = answers().filter(|at| *at >= over_ns).min_by(f64::total_cmp).expect("coordinates after it");
    assert!(first - over_ns < 1e9, "{} ms after its end", (first - over_ns) / 1e6);
}
