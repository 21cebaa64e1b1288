//! Tokens: who comes in with which, who does not, and that none is ever written down.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::process::{Process, rebound, run};
use crate::support::{PATIENCE, poll};

/// A hub that wants tokens.
struct Hub {
    process: Process,
    port: u16,
    directory: TempDir,
}

impl Hub {
    fn start() -> Hub {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("secret"), "a secret that is long enough for HMAC\n").expect("written");
        let mut command = rebound(["serve", "--port", "0", "-vv", "--auth", "token", "--secret-file"]);
        let process = Process::start(command.arg(directory.path().join("secret")).env("REBOUND_LOG", "trace"));
        let line = process.wait_for("senders and receivers may come to ws://");
        let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok());
        Hub { port: port.unwrap_or_else(|| panic!("no port in {line}")), process, directory }
    }

    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// A file with a token, and the token.
    fn token(&self, session: &str, role: &str) -> (PathBuf, String) {
        let secret = self.directory.path().join("secret");
        let ended =
            Process::start(rebound(["token", "--session", session, "--role", role, "--secret-file"]).arg(secret)).ended();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let file = self.directory.path().join(format!("{session}.{role}"));
        fs::write(&file, &ended.stdout).expect("written");
        (file, ended.stdout.trim().to_owned())
    }

    /// The status line and head of the answer to an upgrade with this header line.
    fn upgrade(&self, header: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let request = format!(
            "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n"
        );
        stream.write_all(request.as_bytes()).expect("written");
        let mut answer = Vec::new();
        let mut chunk = [0; 1024];
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut chunk).expect("an answer");
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&chunk[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn member(&self, role: &str, options: &[&str]) -> Command {
        let mut command = rebound([role, "--hub", &self.url(), "-vv"]);
        command.args(options).env("REBOUND_LOG", "trace");
        command
    }
}

#[test]
fn coordinates_arrive_over_a_hub_that_wants_tokens_and_no_log_has_one() {
    let hub = Hub::start();
    let (sending, first) = hub.token("court-1", "sender");
    let (_, second) = hub.token("court-1", "receiver");
    let mut sender = Process::start(
        hub.member("send", &["--frames", "30", "--session", "court-1", "--port", "0", "--token-file"]).arg(sending),
    );
    let receiver = Process::start(hub.member("receive", &[]).env("REBOUND_TOKEN", &second));
    let ended = sender.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let logs = [ended.stderr, receiver.said(), hub.process.said()];
    for token in [first, second] {
        // The signature is the part that is worth something.
        let signature = token.rsplit('.').next().expect("three parts");
        assert!(logs.iter().all(|log| !log.is_empty() && !log.contains(signature)), "a token was logged");
    }
}

#[test]
fn a_token_opens_its_session_in_its_role_and_nothing_else() {
    let hub = Hub::start();
    let (viewing, _) = hub.token("court-1", "viewer");
    let (elsewhere, _) = hub.token("court-2", "sender");
    for (role, options, file, why) in [
        ("receive", ["--session", "court-1"].as_slice(), Some(&viewing), "token is not for"),
        ("receive", &["--session", "court-2", "--detector", "none"], Some(&viewing), "token is not for"),
        ("send", &["--session", "court-1"], Some(&elsewhere), "token is not for"),
        ("send", &["--session", "court-1"], None, "wants a token; make one with 'rebound token'"),
    ] {
        let mut command = hub.member(role, options);
        if let Some(file) = file {
            command.arg("--token-file").arg(file);
        }
        let ended = Process::start(&mut command).ended();
        assert_eq!(ended.code, Some(5), "{options:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{options:?}: {}", ended.stderr);
    }
}

#[test]
fn a_senders_token_makes_others_which_open_its_session() {
    let hub = Hub::start();
    let (sending, own) = hub.token("court-1", "sender");
    let (_, viewing) = hub.token("court-1", "viewer");
    let ask = |token: &str, body: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", hub.port)).expect("it listens");
        let head = format!("POST /api/tokens HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {token}\r\n");
        stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        answer
    };
    for (token, body, status) in [
        (viewing.as_str(), r#"{"role": "viewer"}"#, "403"),
        (&own, r#"{"role": "viewer", "session": "court-2"}"#, "403"),
        (&own, r#"{"role": "king"}"#, "400"),
        ("nonsense", r#"{"role": "viewer"}"#, "401"),
    ] {
        assert_eq!(ask(token, body).split(' ').nth(1), Some(status), "{body}");
    }
    let answer = ask(&own, r#"{"role": "receiver"}"#);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let made: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let mut sender = Process::start(
        hub.member("send", &["--frames", "30", "--session", "court-1", "--port", "0", "--token-file"]).arg(sending),
    );
    let token = made["token"].as_str().expect("a token");
    let receiver = Process::start(hub.member("receive", &[]).env("REBOUND_TOKEN", token));
    assert_eq!(sender.ended().code, Some(0), "{}", receiver.said());
}

#[test]
fn an_upgrade_without_a_good_token_is_answered_401_and_a_browser_may_show_it_as_a_subprotocol() {
    let mut hub = Hub::start();
    let (_, good) = hub.token("court-1", "viewer");
    let foreign = {
        let other = Hub::start();
        fs::write(other.directory.path().join("secret"), "another secret that is long enough for HMAC").expect("written");
        other.token("court-1", "viewer").1
    };
    for header in [String::new(), format!("authorization: Bearer {foreign}\r\n"), "authorization: Bearer x\r\n".into()] {
        let answer = hub.upgrade(&header).to_lowercase();
        assert!(answer.starts_with("http/1.1 401") && answer.contains("www-authenticate: bearer"), "{answer}");
    }
    let answer = hub.upgrade(&format!("sec-websocket-protocol: rebound, rebound.bearer.{good}\r\n")).to_lowercase();
    assert!(answer.starts_with("http/1.1 101") && answer.contains("sec-websocket-protocol: rebound\r\n"), "{answer}");
    hub.process.signal(Signal::SIGTERM);
    assert_eq!(hub.process.ended().code, Some(0));
    let said = hub.process.said();
    assert!([good, foreign].iter().all(|token| !said.contains(token.rsplit('.').next().expect("three parts"))));
}

#[test]
fn a_hub_that_others_reach_wants_tokens_or_the_word_that_it_does_not() {
    let refused = run(&["serve", "--host", "0.0.0.0", "--port", "0"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--auth token") && refused.stderr.contains("--insecure"), "{}", refused.stderr);
    let open = Process::start(&mut rebound(["serve", "--host", "0.0.0.0", "--port", "0", "--insecure"]));
    open.wait_for("senders and receivers may come to");
}

#[test]
fn secrets_that_do_not_do_are_named_before_anything_starts() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("secret");
    fs::write(&file, "too short\n").expect("written");
    let file = file.to_str().expect("text");
    for (arguments, why) in [
        (["serve", "--port", "0", "--auth", "token"].as_slice(), "--secret-file"),
        (&["serve", "--port", "0", "--auth", "token", "--secret-file", file], "at least 32"),
        (&["serve", "--port", "0", "--auth", "token", "--secret-file", "/nowhere"], "/nowhere"),
        (&["token"], "--secret-file"),
        (&["token", "--role", "viewer", "--secret-file", file], "at least 32"),
        (&["receive", "--token-file", "/nowhere"], "/nowhere"),
        (&["receive", "--token-file", file], "is no token"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{arguments:?}: {}", ended.stderr);
    }
}

/// Status line, head and body.
fn get(port: u16, path: &str, header: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn sessions_are_listed_to_who_has_a_token_and_a_hub_that_drains_says_so_and_waits_for_those_who_are_there() {
    let mut hub = Hub::start();
    let (sending, token) = hub.token("court-1", "sender");
    let sender = Process::start(hub.member("send", &["--token-file"]).arg(sending));
    sender.wait_for("the session is open");
    assert!(get(hub.port, "/api/sessions", "").starts_with("HTTP/1.1 401"));
    let list = get(hub.port, "/api/sessions", &format!("authorization: Bearer {token}\r\n"));
    assert!(list.contains(r#"[{"id":"court-1","sender":true,"receivers":0,"viewers":0,"since":"20"#), "{list}");
    assert!(get(hub.port, "/ready", "").starts_with("HTTP/1.1 200"));
    hub.process.signal(Signal::SIGTERM);
    hub.process.wait_for("nobody new is let in");
    poll("it is not ready", PATIENCE, || get(hub.port, "/ready", "").starts_with("HTTP/1.1 503").then_some(()));
    assert!(hub.process.is_running());
    sender.signal(Signal::SIGINT);
    assert_eq!(hub.process.ended_within(Duration::from_secs(5)).code, Some(0), "nobody is left, so it does not wait");
}
