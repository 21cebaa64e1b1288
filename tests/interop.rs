//! WHIP and WHEP with implementations that are not ours: aiortc on both ends of either, with no line of rebound's code between them.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::beside_others;
use crate::support::process::{Ended, Process, rebound};
use crate::support::report::Report;

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
