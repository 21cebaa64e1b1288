//! rebound's processes, as a test starts, watches, disturbs and ends them.

#![allow(dead_code, reason = "each topic uses its part")]

pub mod browser;
pub mod process;
pub mod proxy;
pub mod report;
pub mod roles;
pub mod standin;
pub mod websocket;
pub mod xvfb;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// How long anything may take that is only waited for: no test measures by it, a busy machine needs it.
pub const PATIENCE: Duration = Duration::from_secs(30);

static MACHINE: RwLock<()> = RwLock::new(());

/// For a test that loads the machine so much that others beside it would be disturbed: it has the machine to itself.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// For a test that runs a video loop: not at the same time as one that runs [`alone`].
pub fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it listens").port()
}

/// Asks again and again until there is an answer; what nothing tells about by itself, as the number of another process's threads.
///
/// # Panics
/// When there is none within `patience`; `what` says what was waited for.
pub fn poll<T>(what: &str, patience: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
