//! Listening, with errors that say what to do.

use std::io::{self, ErrorKind};

use tokio::net::TcpListener;

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody listens there already.
    #[error(
        "port {port} on {host} is in use; stop the program that has it, or choose another with --port (0 takes a free one)"
    )]
    InUse {
        /// As asked for.
        host: String,
        /// As asked for.
        port: u16,
    },
    /// Ports below 1024 are for root.
    #[error("port {port} may not be used without privileges; choose one from 1024 to 65535 with --port")]
    Denied {
        /// As asked for.
        port: u16,
    },
    /// Not an address of this machine.
    #[error(
        "{host} is not an address of this machine; use --host 127.0.0.1 for this machine only, --host 0.0.0.0 for all networks"
    )]
    NotHere {
        /// As asked for.
        host: String,
    },
    /// Anything else.
    #[error("cannot listen on {host} port {port}")]
    Other {
        /// As asked for.
        host: String,
        /// As asked for.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
}

/// Listens on `host` (an address or a name) and `port`; port 0 takes a free one.
pub async fn bind(host: &str, port: u16) -> Result<TcpListener, BindError> {
    TcpListener::bind((host, port)).await.map_err(|source| {
        let host = host.to_owned();
        match source.kind() {
            ErrorKind::AddrInUse => BindError::InUse { host, port },
            ErrorKind::PermissionDenied => BindError::Denied { port },
            ErrorKind::AddrNotAvailable => BindError::NotHere { host },
            _ => BindError::Other { host, port, source },
        }
    })
}
