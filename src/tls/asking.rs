//! Whom to trust, for those who connect to others.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::TlsError;
use super::serving::certificates;

/// What trusts the authorities of this machine or, if one is named, those of a file alone.
///
/// # Errors
/// When the file does not do, or the machine knows no authority.
pub fn trusting(authority: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match authority {
        Some(path) => of_file(path)?,
        None => of_this_machine()?,
    };
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

fn of_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let unfit = |why: rustls::Error| TlsError::Unfit { path: path.to_owned(), why: why.to_string() };
        roots.add(certificate).map_err(unfit)?;
    }
    Ok(roots)
}

/// Some of them may be older than our rules for them; what matters is that there are any.
fn of_this_machine() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(found.certs);
    if good > 0 {
        return Ok(roots);
    }
    let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
    Err(TlsError::NoRoots { why: if errors.is_empty() { "there are none".to_owned() } else { errors.join(", ") } })
}
