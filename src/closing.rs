//! The end of peers, which must not hold anybody up.

use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// How long a peer may take to end; webrtcbin 1.22 is known to deadlock now and then, and then its threads are left behind.
pub(crate) const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Ends a peer on another thread, and says so if it does not end.
pub(crate) fn off_the_loop(close: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        if timeout(CLOSE_WITHIN, spawn_blocking(close)).await.is_err() {
            tracing::warn!("a peer does not end; its threads are left behind");
        }
    })
}
