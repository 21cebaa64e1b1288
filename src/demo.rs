//! Both roles as processes on this machine: what `make demo` runs.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio::process::Child;

use crate::children::{code, end, free_port, program, role, tell};
use crate::cli::{Common, DemoConfig, ExitCode};
use crate::signals::Signals;

/// Runs a sender (`rebound send` with `words`) and its receivers until the sender ends, and ends as it did.
pub async fn run(config: &DemoConfig, common: &Common, words: &[OsString]) -> anyhow::Result<ExitCode> {
    let program = program()?;
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
        end(receiver, "a receiver").await;
    }
    Ok(code(status))
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
    if let Some(hub) = &send.session.hub {
        command.args(["--hub", hub.as_str()]);
    }
    if let Some(authority) = &send.session.trust.tls_ca {
        command.arg("--tls-ca").arg(authority);
    }
    if let Some(session) = &send.session.session {
        command.args(["--session", session.as_str()]);
    }
    if send.ice_tcp {
        command.arg("--ice-tcp");
    }
    if send.ice_policy.is_relay_only() {
        command.args(["--ice-policy", "relay"]);
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
