//! Traces and recordings of real runs, and what is made of them afterwards.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::rebound;
use crate::support::report::Report;
use crate::support::roles::Sender;
use crate::support::{beside_others, poll};

/// A run of 90 frames with everything kept, and its report.
fn kept(directory: &TempDir, options: &[&str]) -> Report {
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (trace, video) = (path("run.jsonl"), path("run.mkv"));
    let kept = ["--size", "320x240", "--frames", "90", "--trace", &trace, "--record", &video];
    let mut sender = Sender::start(&[&kept[..], options].concat());
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
    let run = kept(&directory, &[]);
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
fn a_recording_with_codes_is_looked_at_below_the_codes() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().expect("a directory");
    let run = kept(&directory, &["--frame-code"]);
    let arguments = ["replay", "run.jsonl", "--video", "run.mkv", "--detector", "naive", "--report", "-", "-q"];
    let naive = report(&arguments, directory.path());
    assert_eq!(naive.count("/frames/matched"), run.count("/frames/encoded"));
    // The first bright pixel of the ball; that of the code would be a hundred pixels away.
    assert!(naive.number("/error_px/max") < 25.0, "{:#}", naive.0);
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
fn a_disk_that_is_full_from_the_start_costs_the_trace_and_not_the_run() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().expect("a directory");
    let full = directory.path().join("full.jsonl");
    std::os::unix::fs::symlink("/dev/full", &full).expect("a link");
    let mut sender = Sender::start(&["--size", "320x240", "--frames", "30", "--trace", &full.display().to_string()]);
    let _receiver = sender.receiver("one");
    let report = sender.report();
    report.assert_closed();
    assert_eq!((report.count("/trace/frames"), &report.0["trace"]["complete"]), (0, &Value::Bool(false)));
    assert_eq!(sender.said_times("the run goes on without"), 1, "{}", sender.said());
}

#[test]
fn a_trace_that_cannot_be_written_on_costs_the_trace_and_not_the_run() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().expect("a directory");
    let pipe = directory.path().join("run.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("coreutils").success());
    // It reads the first line and goes.
    let reads = pipe.clone();
    let read = move || {
        let mut line = String::new();
        BufReader::new(File::open(reads).expect("there")).read_line(&mut line).map(|_| line)
    };
    let reader = std::thread::Builder::new().name("reader".to_owned()).spawn(read).expect("a thread");
    let mut sender = Sender::start(&["--size", "320x240", "--frames", "60", "--trace", &pipe.display().to_string()]);
    assert!(reader.join().expect("no panic").expect("a line").contains("\"header\""));
    let _receiver = sender.receiver("one");
    let report = sender.report();
    assert_eq!((report.count("/trace/frames"), &report.0["trace"]["complete"]), (0, &Value::Bool(false)));
    assert!(report.count("/trace/dropped") >= report.count("/frames/matched"), "{:#}", report.0);
    report.assert_closed();
    assert_eq!(sender.said_times("the run goes on without"), 1, "{}", sender.said());
}

#[test]
fn a_killed_run_leaves_the_frames_that_were_answered() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.jsonl");
    let sender = Sender::start(&["--size", "320x240", "--trace", &path.display().to_string()]);
    let _receiver = sender.receiver("one");
    let written = || std::fs::read_to_string(&path).unwrap_or_default();
    let answered = || written().lines().filter(|line| line.contains("\"state\":\"matched\"")).count();
    let sooner_than_forgotten = Duration::from_secs(8);
    poll("30 frames in the trace", sooner_than_forgotten, || (answered() >= 30).then_some(()));
    sender.signal(Signal::SIGKILL);
    drop(sender);
    assert!(report(&["replay", "run.jsonl", "--report", "-", "-q"], directory.path()).count("/frames/matched") >= 30);
}
