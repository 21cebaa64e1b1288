//! A sender and its receivers, and the hub where they may meet.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::process::{Process, rebound, said_at};
use super::report::Report;

/// `rebound send`, listening or at a hub.
pub struct Sender {
    process: Process,
    /// Where receivers come to.
    pub port: u16,
    /// Keeps its report.
    directory: TempDir,
}

impl Sender {
    /// Starts one on a free port, with these options, and waits until receivers may come.
    pub fn start(options: &[&str]) -> Sender {
        Sender::start_at(0, options)
    }

    pub fn start_at(port: u16, options: &[&str]) -> Sender {
        Sender::spawn(rebound(["send"]).args(options), port)
    }

    /// Starts what `command` says, which is `rebound send` with whatever the test needs around it.
    pub fn spawn(command: &mut Command, port: u16) -> Sender {
        let directory = tempfile::tempdir().expect("a directory");
        let command = command.args(["--port", &port.to_string(), "--report"]).arg(directory.path().join("report.json"));
        let process = Process::start(command);
        let port = port_in(&process.wait_for("receivers may come to ws://"));
        Sender { process, port, directory }
    }

    /// Starts one with small video that is on its way to the hub that listens on this port.
    pub fn at_hub(port: u16, session: &str) -> Sender {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command =
            rebound(["send", "--size", "320x240", "--fps", "30", "--hub", &hub_url(port), "--session", session]);
        let process = Process::start(command.arg("--report").arg(directory.path().join("report.json")));
        Sender { process, port, directory }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws", self.port)
    }

    /// A receiver of this name, on its way to this sender.
    pub fn receiver(&self, name: &str) -> Receiver {
        self.receiver_with(name, &[])
    }

    pub fn receiver_with(&self, name: &str, options: &[&str]) -> Receiver {
        Receiver::start(&self.url(), name, options)
    }

    /// Waits until this receiver is sent video.
    pub fn wait_for_receiver(&self, name: &str) {
        self.process.wait_for(&format!("receiver connected receiver=\"{name}\""));
    }

    pub fn report_file(&self) -> PathBuf {
        self.directory.path().join("report.json")
    }

    /// Waits for its end, which must be a good one, and reads what it reports.
    pub fn report(&mut self) -> Report {
        let ended = self.process.ended();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        Report::read(&self.report_file())
    }

    /// As a person ends it, with its report.
    pub fn interrupt(&mut self) -> Report {
        self.process.signal(Signal::SIGINT);
        self.report()
    }
}

/// `rebound receive`.
pub struct Receiver(Process);

impl Receiver {
    pub fn start(url: &str, name: &str, options: &[&str]) -> Receiver {
        Receiver(Process::start(rebound(["receive", url, "--name", name]).args(options)))
    }

    /// Starts one that is on its way to the hub that listens on this port.
    pub fn at_hub(port: u16, session: &str, name: &str) -> Receiver {
        let arguments = ["receive", "--hub", &hub_url(port), "--session", session, "--name", name];
        Receiver(Process::start(&mut rebound(arguments)))
    }
}

/// `rebound serve`, listening.
pub struct Hub {
    process: Process,
    pub port: u16,
    /// When it could be reached, by its log.
    pub since: SystemTime,
}

impl Hub {
    /// Starts one on a free port.
    pub fn start() -> Hub {
        Hub::start_at(0)
    }

    pub fn start_at(port: u16) -> Hub {
        Hub::spawn(port, &[])
    }

    /// Starts one on a free port, with these options.
    pub fn with(options: &[&str]) -> Hub {
        Hub::spawn(0, options)
    }

    fn spawn(port: u16, options: &[&str]) -> Hub {
        let process = Process::start(rebound(["serve", "--port", &port.to_string()]).args(options));
        let line = process.wait_for("senders and receivers may come to ws://");
        let (port, since) = (port_in(&line), said_at(&line));
        Hub { process, port, since }
    }

    /// A sender on its way to this session.
    pub fn sender(&self, session: &str) -> Sender {
        Sender::at_hub(self.port, session)
    }

    /// A receiver of this name on its way to this session.
    pub fn receiver(&self, session: &str, name: &str) -> Receiver {
        Receiver::at_hub(self.port, session, name)
    }
}

fn hub_url(port: u16) -> String {
    format!("ws://127.0.0.1:{port}")
}

fn port_in(line: &str) -> u16 {
    let digits =
        line.rsplit("127.0.0.1:").next().map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no port in {line}"))
}

impl Deref for Hub {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Hub {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Deref for Sender {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Sender {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Deref for Receiver {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

impl DerefMut for Receiver {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.0
    }
}
