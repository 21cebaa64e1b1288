//! Traces and recordings of real runs, and what is made of them afterwards.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::beside_others;
use crate::support::process::{Process, rebound};
use crate::support::report::Report;
use crate::support::roles::Sender;

/// A run of 90 frames with everything kept, and its report.
fn kept(directory: &TempDir) -> Report {
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (trace, video) = (path("run.jsonl"), path("run.mkv"));
    let mut sender = Sender::start(&["--size", "320x240", "--frames", "90", "--trace", &trace, "--record", &video]);
    let _receiver = sender.receiver("one");
    sender.report()
}

/// What the program prints, which must end well.
fn printed(arguments: &[&str], directory: &Path) -> String {
    let output = rebound(arguments).current_dir(directory).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn report(arguments: &[&str], directory: &Path) -> Report {
    Report(serde_json::from_str(&printed(arguments, directory)).expect("JSON"))
}

#[test]
fn a_run_that_was_kept_is_scored_again_to_the_same_figures() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().expect("a directory");
    let run = kept(&directory);
    let matched = run.count("/frames/matched");
    assert_eq!(run.count("/trace/frames"), run.count("/frames/produced"));
    assert_eq!(run.count("/trace/dropped") + run.count("/recording/dropped"), 0, "{:#}", run.0);
    assert_eq!(run.count("/recording/frames"), run.count("/frames/encoded"));

    let again = report(&["replay", "run.jsonl", "--report", "-", "-q"], directory.path());
    assert_eq!(again.count("/frames/matched"), matched);
    for figure in ["/error_px/p50", "/error_px/max", "/latency_ms/p50", "/latency_ms/max", "/stages_ms/encode/p50"] {
        let (then, now) = (run.number(figure), again.number(figure));
        assert!((then - now).abs() <= 1e-9, "{figure}: {then} and {now}");
    }

    let seen = |detector: &str| {
        let arguments = ["replay", "run.jsonl", "--video", "run.mkv", "--detector", detector, "--report", "-", "-q"];
        report(&arguments, directory.path())
    };
    let (good, naive) = (seen("ball"), seen("naive"));
    assert_eq!(good.count("/frames/matched"), run.count("/frames/encoded"), "every frame of the recording is looked at");
    assert!(good.number("/error_px/max") < 1.0, "{:#}", good.0);
    assert!(naive.number("/error_px/p50") > good.number("/error_px/p50"));
    assert_eq!(seen("ball").0["error_px"], good.0["error_px"], "the same each time");

    let difference = printed(&["diff", "run.jsonl", "run.jsonl", "--json"], directory.path());
    let difference: Value = serde_json::from_str(&difference).expect("JSON");
    assert_eq!(difference["frames"]["state_differs"], 0);
    assert_eq!(difference["frames"]["in_both"].as_u64(), Some(run.count("/frames/produced")));
}

#[test]
fn what_is_no_trace_is_refused_in_words() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("x.jsonl"), "{}\n").expect("writable");
    for (arguments, words) in [
        (&["replay", "x.jsonl"][..], "no trace of rebound"),
        (&["replay", "missing.jsonl"], "missing.jsonl"),
        (&["diff", "x.jsonl", "x.jsonl"], "no trace of rebound"),
        (&["send", "--trace", "x.txt"], ".jsonl, .json, .pftrace"),
        (&["send", "--record", "x.mp4"], ".mkv"),
    ] {
        let output = rebound(arguments).current_dir(directory.path()).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(words), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_full_disk_costs_the_trace_and_not_the_run() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().expect("a directory");
    let full = directory.path().join("full.jsonl");
    std::os::unix::fs::symlink("/dev/full", &full).expect("a link");
    let mut process = Process::start(rebound(["send", "--port", "0", "--trace"]).arg(&full));
    let ended = process.ended();
    assert_eq!(ended.code, Some(1), "the first line cannot be written: said at once, not after an hour: {}", ended.stderr);
    assert!(ended.stderr.contains("trace cannot be written"), "{}", ended.stderr);
}
