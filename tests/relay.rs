//! A TURN server, the real one: peers that may use nothing else find each other over it, and nothing else is told.

use std::fs;
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::{Process, rebound};
use crate::support::report::Report;
use crate::support::roles::Hub;
use crate::support::websocket::Middle;
use crate::support::{PATIENCE, beside_others, free_port, poll};

const SECRET: &str = "what only the hub and the relay know";

/// An address of this machine that ICE uses: libnice leaves loopback out. Nothing is sent to ask for it.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a free port");
    socket.connect("198.51.100.1:9").expect("a network interface that is up");
    socket.local_addr().expect("bound").ip()
}

struct Relay {
    _process: Process,
    address: String,
    _directory: TempDir,
}

impl Relay {
    fn start() -> Relay {
        let (directory, ip, port) = (tempfile::tempdir().expect("a directory"), own_address(), free_port());
        let mut command = Command::new("turnserver");
        command.args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--fingerprint", "--simple-log", "--log-file=stdout"]);
        command.args(["--realm=rebound.test", "--use-auth-secret", &format!("--static-auth-secret={SECRET}"), "--verbose"]);
        command.args([&format!("--listening-ip={ip}"), &format!("--relay-ip={ip}"), &format!("--listening-port={port}")]);
        command.arg(format!("--pidfile={}", directory.path().join("pid").display())).current_dir(directory.path());
        let process = Process::start(&mut command);
        poll("the relay listens", PATIENCE, || TcpStream::connect((ip, port)).ok());
        Relay { _process: process, address: format!("{ip}:{port}"), _directory: directory }
    }

    fn hub(&self, transport: &str, secret: &str, directory: &Path) -> Hub {
        let file = directory.join("secret");
        fs::write(&file, secret).expect("written");
        let url = format!("turn:{}?transport={transport}", self.address);
        Hub::with(&["--turn-url", &url, "--turn-secret-file", file.to_str().expect("text")])
    }
}

/// All addresses that a message tells the other side.
fn told(message: &Value) -> Vec<String> {
    let sdp = message["sdp"].as_str().unwrap_or_default().lines().filter(|line| line.starts_with("a=candidate:"));
    sdp.chain(message["candidate"].as_str().filter(|text| !text.is_empty())).map(str::to_owned).collect()
}

#[test]
fn who_may_use_the_relay_only_is_served_over_it_by_udp_and_by_tcp_and_tells_no_other_address() {
    let _machine = beside_others();
    let relay = Relay::start();
    let directory = tempfile::tempdir().expect("a directory");
    for transport in ["udp", "tcp"] {
        let hub = relay.hub(transport, SECRET, directory.path());
        let middle = Middle::start(&format!("ws://127.0.0.1:{}/ws", hub.port), |_, _| {});
        let report = directory.path().join(transport);
        let options = ["--ice-policy", "relay", "--session", "court", "--hub"];
        let mut sender = Process::start(
            rebound(["send", "--size", "320x240", "--frames", "60", "--report"])
                .arg(&report)
                .args(options)
                .arg(format!("ws://127.0.0.1:{}", hub.port)),
        );
        let _receiver = Process::start(rebound(["receive", "--name", "one"]).args(options).arg(&middle.url));
        let ended = sender.ended();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let report = Report::read(&report);
        report.receiver("one").assert_sound();
        assert!(report.count("/frames/matched") > 0, "{transport}: {:#}", report.0);
        let addresses: Vec<String> = middle.passed().iter().flat_map(|passed| told(&passed.message)).collect();
        assert!(
            addresses.len() >= 2 && addresses.iter().all(|one| one.contains(" typ relay raddr 0.0.0.0 rport 0")),
            "{addresses:#?}"
        );
    }
}

#[test]
fn with_the_wrong_secret_nothing_connects_and_both_sides_say_why() {
    let _machine = beside_others();
    let relay = Relay::start();
    let directory = tempfile::tempdir().expect("a directory");
    let hub = relay.hub("udp", "not what the relay knows", directory.path());
    let url = format!("ws://127.0.0.1:{}", hub.port);
    let role = |name| Process::start(&mut rebound([name, "--ice-policy", "relay", "--session", "court", "--hub", &url]));
    let (sender, receiver) = (role("send"), role("receive"));
    sender.wait_for("no TURN server gives us an address, and --ice-policy relay allows nothing else");
    receiver.wait_for("no TURN server gives us an address");
}
