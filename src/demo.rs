//! Both roles as processes on this machine: what `make demo` runs.

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::cli::{Common, DemoConfig, ExitCode};
use crate::signals::Signals;

/// How long a receiver may take to end after the sender has.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Runs a sender (`rebound send` with `words`) and its receivers until the sender ends, and ends as it did.
pub async fn run(config: &DemoConfig, common: &Common, words: &[OsString]) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("the path of this program is not known")?;
    let port = if config.send.port == 0 { free_port()? } else { config.send.port };
    let mut signals = Signals::listen()?;
    let mut sender = sender(&program, config, port, words)?;
    let receivers: anyhow::Result<Vec<Child>> =
        (1..=config.receivers).map(|number| receiver(&program, config, common, port, number)).collect();
    let mut receivers = receivers?;
    let status = loop {
        tokio::select! {
            status = sender.wait() => break status?,
            () = signals.recv() => tell(&sender, Signal::SIGTERM),
        }
    };
    for receiver in &mut receivers {
        end(receiver).await;
    }
    Ok(code(status))
}

/// A port that nobody listens on, a moment ago.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

fn sender(program: &Path, config: &DemoConfig, port: u16, words: &[OsString]) -> anyhow::Result<Child> {
    let mut command = role(program, "send");
    command.args(words).args(["--port", &port.to_string()]);
    if let Some(duration) = config.duration() {
        command.args(["--duration", &format!("{}ms", duration.as_millis())]);
    }
    command.spawn().context("the sender cannot be started")
}

fn receiver(program: &Path, config: &DemoConfig, common: &Common, port: u16, number: u32) -> anyhow::Result<Child> {
    let mut command = role(program, "receive");
    let send = &config.send;
    command.args(["--host", &send.host, "--port", &port.to_string()]);
    if send.ice_tcp {
        command.arg("--ice-tcp");
    }
    if let Some(directory) = &send.pipelines {
        command.arg("--pipelines").arg(directory);
    }
    if let Some(impairment) = &send.network.impair {
        command.args(["--impair", &impairment.to_string()]);
    }
    let name = format!("receiver-{number}");
    command.args(["--detector", config.detector.as_str(), "--name", &name]);
    if let Some(directory) = &common.log_dir {
        // Each its own, since a log is rotated by the one who writes it.
        command.arg("--log-dir").arg(directory.join(&name));
    }
    if let Some(directory) = &send.dot {
        command.arg("--dot").arg(directory);
    }
    // One screen is enough: the sender's. What goes wrong is said all the same.
    command.arg("--quiet").stdout(Stdio::null()).spawn().context("a receiver cannot be started")
}

/// A child in a process group of its own, so that a terminal's Ctrl-C reaches it through us, once; it is killed when
/// the demo gives up, but outlives a demo that is killed itself.
fn role(program: &Path, name: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(name).stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    command
}

fn tell(child: &Child, signal: Signal) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        // It may have ended a moment ago.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

async fn end(child: &mut Child) {
    tell(child, Signal::SIGTERM);
    if timeout(END_WITHIN, child.wait()).await.is_err() {
        tracing::warn!("a receiver does not end; it is killed");
        let _ = child.kill().await;
    }
}

fn code(status: ExitStatus) -> ExitCode {
    let known = |code: &ExitCode| status.code() == Some(*code as i32);
    ExitCode::ALL.into_iter().find(known).unwrap_or(ExitCode::Failure)
}
