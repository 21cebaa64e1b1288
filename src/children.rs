//! This program again, as processes that play the roles.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::cli::ExitCode;

/// How long a process may take to end after it was asked to.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Where this program is.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("the path of this program is not known")
}

/// A port that nobody listens on, a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// A child in a process group of its own, so that a terminal's Ctrl-C reaches it through us, once; it is killed when
/// we give up, but outlives us if we are killed ourselves.
pub(crate) fn role(program: &Path, name: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(name).stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    command
}

/// Sends a signal.
pub(crate) fn tell(child: &Child, signal: Signal) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        // It may have ended a moment ago.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Asks it to end, and kills it if it does not.
pub(crate) async fn end(child: &mut Child, name: &str) -> Option<ExitStatus> {
    tell(child, Signal::SIGTERM);
    if let Ok(status) = timeout(END_WITHIN, child.wait()).await {
        return status.ok();
    }
    tracing::warn!("{name} does not end; it is killed");
    let _ = child.kill().await;
    None
}

/// What the status means in this program.
pub(crate) fn code(status: ExitStatus) -> ExitCode {
    let known = |code: &ExitCode| status.code() == Some(*code as i32);
    ExitCode::ALL.into_iter().find(known).unwrap_or(ExitCode::Failure)
}
