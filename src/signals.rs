//! How a person or an orchestrator ends a role.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT, SIGTERM and SIGHUP, the end of the terminal.
pub struct Signals(Option<Listening>);

struct Listening {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on they do not end the process by themselves.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> std::io::Result<Signals> {
        Ok(Signals(Some(Listening {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })))
    }

    /// None ever comes: for a role inside another one, which they are meant for.
    pub fn none() -> Signals {
        Signals(None)
    }

    /// The next of them.
    pub async fn recv(&mut self) {
        let Some(Listening { interrupt, terminate, hang_up }) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
}
