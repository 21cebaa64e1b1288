//! WHIP and WHEP with implementations that are not ours: aiortc on both ends of either, with no line of rebound's code between them.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::beside_others;
use crate::support::process::{Ended, Process, rebound};
use crate::support::report::Report;
use crate::support::roles::{Hub, Sender};

const TOKEN: &str = "a-token-that-nobody-may-see";

/// Runs a Python program of this repository where aiortc is.
fn python(program: &str, arguments: &[&str]) -> Process {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let interpreter = root.join("target/peers-venv/bin/python");
    assert!(interpreter.exists(), "there is no {}: run scripts/peers-venv.sh, which make test does", interpreter.display());
    Process::start(Command::new(interpreter).arg(root.join(program)).args(arguments))
}

/// tests/support/aiortc_server.py, listening.
struct Server {
    process: Process,
    port: String,
}

impl Server {
    fn start(options: &[&str]) -> Server {
        let process = python("tests/support/aiortc_server.py", options);
        let port = process.wait_for("listening ").split(' ').next_back().expect("a port").to_owned();
        Server { process, port }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

/// What `rebound send` with these options says, and where its report is.
fn publish(server: &Server, options: &[&str]) -> (Ended, PathBuf, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let (token, report) = (directory.path().join("token"), directory.path().join("report.json"));
    std::fs::write(&token, TOKEN).expect("writes");
    let mut command =
        rebound(["send", "--whip", &server.url("whip"), "--frame-code", "--codec", "vp8", "--size", "320x240"]);
    let command = command.arg("--token-file").arg(token).arg("--report").arg(&report).args(options);
    (Process::start(command).ended(), report, directory)
}

#[test]
fn a_whip_server_of_others_that_is_full_at_first_redirects_and_wants_a_token_returns_exact_matches() {
    let _machine = beside_others();
    let server = Server::start(&["--token", TOKEN, "--moved", "--busy", "1"]);
    let (ended, report, _directory) = publish(&server, &["--frames", "90", "-v"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains(TOKEN), "{}", ended.stderr);
    for step in ["busy", "offer complete", "connection connected", "video", "deleted"] {
        server.process.wait_for(step);
    }
    let report = Report::read(&report).receiver("127.0.0.1");
    assert!(report.count("/frames/matched") >= 45, "{:#}", report.0);
    assert_eq!(report.count("/frames/unknown"), 0, "{:#}", report.0);
    assert!(report.number("/error_px/p95") < 2.0, "{:#}", report.0);
}

#[test]
fn a_whip_server_that_returns_nothing_is_sent_video_and_that_is_success() {
    let _machine = beside_others();
    for (option, log, table) in [
        ("--no-channel", "it takes no data channel", "there is nothing to match"),
        ("--silent", "returned no coordinates", ""),
    ] {
        let server = Server::start(&[option, "--token", TOKEN]);
        let (ended, report, _directory) = publish(&server, &["--frames", "30"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        server.process.wait_for("video");
        assert!(ended.stderr.contains(log) && ended.stdout.contains(table), "{}{}", ended.stderr, ended.stdout);
        assert!(Report::read(&report).receiver("127.0.0.1").count("/frames/sent") >= 20);
    }
}

/// What `rebound receive` with these options says of a server that plays a ball around the middle, until that has got some sightings.
fn play(server: &Server, options: &[&str]) -> Vec<f64> {
    let mut receiver = Process::start(rebound(["receive", "--whep", &server.url("whep")]).args(options));
    server.process.wait_for_nth("sighting", 20);
    receiver.signal(Signal::SIGINT);
    let ended = receiver.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    server.process.wait_for("deleted");
    let said = server.process.said();
    let sightings = said.lines().filter_map(|line| line.strip_prefix("sighting "));
    let position = |line: &str| line.split(' ').skip(1).filter_map(|word| word.parse::<f64>().ok()).collect::<Vec<_>>();
    sightings.map(position).map(|at| (at[0] - 160.0).hypot(at[1] - 120.0)).collect()
}

#[test]
fn a_whep_server_of_others_is_played_and_told_where_the_ball_is() {
    let _machine = beside_others();
    for options in [&["--busy", "1", "--moved"][..], &["--counter-offer"]] {
        let server = Server::start(options);
        let away_px = play(&server, &[]);
        assert!(away_px.iter().all(|away| (away - 60.0).abs() < 2.0), "{options:?}: {away_px:?}");
    }
}

#[test]
fn a_whep_server_that_takes_no_data_channel_is_looked_at_all_the_same() {
    let _machine = beside_others();
    let server = Server::start(&["--no-channel"]);
    let directory = tempfile::tempdir().expect("a directory");
    let seen = directory.path().join("seen.png").display().to_string();
    let mut receiver = Process::start(&mut rebound(["receive", "--whep", &server.url("whep"), "--snapshot", &seen]));
    receiver.wait_for("nothing is returned");
    // One with something detected in it.
    receiver.wait_for("snapshot saved");
    receiver.signal(Signal::SIGINT);
    let ended = receiver.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn aiortc_plays_over_whep_and_every_coordinate_is_joined_to_the_frame_it_was_seen_in() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--frame-code", "--size", "320x240", "--frames", "90"]);
    let _player = python("examples/whep_aiortc.py", &[&format!("http://127.0.0.1:{}/whep", sender.port)]);
    let report = sender.report();
    assert!(report.count("/frames/matched") >= 45, "{:#}", report.0);
    assert_eq!(report.count("/frames/unknown"), 0, "{:#}", report.0);
    assert!(report.number("/error_px/p95") < 2.0, "{:#}", report.0);
}

#[test]
fn what_a_whip_server_refuses_is_told_in_its_words() {
    let server = Server::start(&["--token", "another"]);
    let (ended, _, _directory) = publish(&server, &["--duration", "20"]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("does not take our token"), "{}", ended.stderr);
    let mut sender = Process::start(&mut rebound(["send", "--whip", &server.url("nothing")]));
    let ended = sender.ended();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("HTTP 404 Not Found"), "{}", ended.stderr);
}

#[test]
fn our_own_server_over_whep_returns_exact_matches() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--size", "320x240", "--frames", "90"]);
    let url = format!("http://127.0.0.1:{}/whep", sender.port);
    let _receiver = Process::start(&mut rebound(["receive", "--whep", &url]));
    let report = sender.report();
    report.assert_sound();
    report.assert_closed();
    assert!(report.number("/error_px/p95") < 0.1, "{:#}", report.0);
}

#[test]
fn aiortc_publishes_over_whip_and_is_told_where_the_ball_is() {
    let _machine = beside_others();
    let hub = Hub::start();
    let publisher = python("examples/whip_aiortc.py", &[&format!("http://127.0.0.1:{}/whip/court-1", hub.port)]);
    // Every second it says so; in the first there may be none.
    let line = publisher.wait_for_nth(" coordinates, on average ", 3);
    assert!(line.contains(" on average 60.") || line.contains(" on average 59."), "{line}");
}

#[test]
fn our_own_server_over_whip_returns_exact_matches() {
    let _machine = beside_others();
    let (hub, directory) = (Hub::start(), tempfile::tempdir().expect("a directory"));
    let (url, report) = (format!("http://127.0.0.1:{}/whip/court-1", hub.port), directory.path().join("report.json"));
    let mut command = rebound(["send", "--whip", &url, "--size", "320x240", "--frames", "60"]);
    let ended = Process::start(command.arg("--report").arg(&report)).ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report = Report::read(&report);
    report.assert_sound();
    report.assert_closed();
}
