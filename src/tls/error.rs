//! What can be wrong with certificates and keys.

use std::path::PathBuf;

use rustls::pki_types::pem;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One file without the other.
    #[error("--tls-cert and --tls-key belong together: the certificate of this hub and its private key, both PEM files")]
    Half,
    /// A file that cannot be read, or is no PEM.
    #[error("{} cannot be read as PEM: {}", path.display(), in_words(source))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// A PEM file without what it is for.
    #[error("{} holds no {wanted}; it has to have a block that begins with -----BEGIN {}-----", path.display(), label(wanted))]
    Empty {
        /// Which.
        path: PathBuf,
        /// `certificate` or `private key`.
        wanted: &'static str,
    },
    /// Not a certificate, or no key that is known.
    #[error("{} does not do: {why}", path.display())]
    Unfit {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The key of another certificate.
    #[error(
        "the key in {} is not that of the certificate in {}; if that file has several, the hub's own has to be the first",
        key.display(), certificate.display()
    )]
    Mismatched {
        /// The private key's.
        key: PathBuf,
        /// The certificate's.
        certificate: PathBuf,
    },
    /// Everybody would refuse it.
    #[error("the certificate in {} expired on {since}; renew it, and start again", path.display())]
    Expired {
        /// Which.
        path: PathBuf,
        /// When, RFC 3339.
        since: String,
    },
    /// Everybody would refuse it today.
    #[error("the certificate in {} is good only from {from} on; is the clock of this machine right?", path.display())]
    Early {
        /// Which.
        path: PathBuf,
        /// When, RFC 3339.
        from: String,
    },
    /// Nobody could be trusted.
    #[error("this machine knows no certificate authority ({why}); install ca-certificates, or name one with --tls-ca FILE")]
    NoRoots {
        /// What was tried.
        why: String,
    },
}

fn label(wanted: &str) -> &'static str {
    if wanted == "certificate" { "CERTIFICATE" } else { "PRIVATE KEY" }
}

fn in_words(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}
