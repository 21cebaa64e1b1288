//! A sender and its receivers.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::process::{Process, rebound};
use super::report::Report;

/// `rebound send`, listening.
pub struct Sender {
    process: Process,
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
        let line = process.wait_for("receivers may come to ws://");
        let port = line.rsplit("127.0.0.1:").next().and_then(|rest| rest.split('/').next()).map(str::parse);
        let port = port.and_then(Result::ok).unwrap_or_else(|| panic!("no port in {line}"));
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
