//! Who we are, for those who connect.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::TlsError;

/// Everybody but the owner: the bits of `r-x` for group and others that let a key be read.
const READABLE_BY_OTHERS: u32 = 0o044;

/// How long before its end a certificate is warned of. Those of Let's Encrypt are renewed 30 days before; a week is late.
const WARN_BEFORE: Duration = Duration::from_secs(7 * 24 * 3600);

/// A certificate with its key, by which a server is known.
#[derive(Clone)]
pub struct Identity(TlsAcceptor);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl Identity {
    /// Reads both files, if both are named, and holds the certificate's time against `since_1970`.
    ///
    /// # Errors
    /// When only one is named, or either does not do.
    pub fn read(certificate: Option<&Path>, key: Option<&Path>, since_1970: Duration) -> Result<Option<Identity>, TlsError> {
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Identity::of(certificate, key, since_1970).map(Some),
            _ => Err(TlsError::Half),
        }
    }

    fn of(certificate: &Path, key: &Path, since_1970: Duration) -> Result<Identity, TlsError> {
        let chain = certificates(certificate)?;
        check_time(certificate, &chain[0], since_1970)?;
        let secret = private_key(key)?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret);
        let mut config = config.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::Mismatched { key: key.to_owned(), certificate: certificate.to_owned() }
            }
            other => TlsError::Unfit { path: key.to_owned(), why: other.to_string() },
        })?;
        // What the server behind it speaks.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Identity(TlsAcceptor::from(Arc::new(config))))
    }

    /// What shakes hands.
    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}

/// All certificates of a file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let found =
        CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    if found.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned(), wanted: "certificate" });
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::Empty { path: path.to_owned(), wanted: "private key" },
        source => TlsError::Unreadable { path: path.to_owned(), source },
    })?;
    let mode = fs::metadata(path).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & READABLE_BY_OTHERS != 0) {
        tracing::warn!("others on this machine can read the private key in {0}; chmod 600 {0}", path.display());
    }
    Ok(key)
}

fn check_time(path: &Path, certificate: &CertificateDer<'_>, since_1970: Duration) -> Result<(), TlsError> {
    let unfit = |why: x509_cert::der::Error| TlsError::Unfit { path: path.to_owned(), why: why.to_string() };
    let validity = Certificate::from_der(certificate).map_err(unfit)?.tbs_certificate.validity;
    let shown = |at: Duration| humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + at).to_string();
    let (from, until) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
    if until < since_1970 {
        return Err(TlsError::Expired { path: path.to_owned(), since: shown(until) });
    }
    if from > since_1970 {
        return Err(TlsError::Early { path: path.to_owned(), from: shown(from) });
    }
    if until < since_1970 + WARN_BEFORE {
        tracing::warn!("the certificate in {} expires on {}: renew it, and start again", path.display(), shown(until));
    }
    Ok(())
}
