//! The bytes of a connection, encrypted where the URL says so.

use std::io;

use rustls::CertificateError;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::{ClientConfig, Ended, HubUrl};

/// What the WebSocket is spoken over.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Shakes hands if this is `wss://`, within the patience of `config`.
pub(super) async fn secure(stream: TcpStream, url: &HubUrl, config: &ClientConfig) -> Result<Stream, Ended> {
    if !url.is_secure() {
        return Ok(Either::Left(stream));
    }
    let untrusted = |why: &str| Ended::Untrusted(why.to_owned());
    let trust = config.trust.clone().ok_or_else(|| untrusted("no authority is trusted here"))?;
    let name = ServerName::try_from(url.host().to_owned()).map_err(|_| untrusted("no certificate can have this name"))?;
    match timeout(config.attempt_within, TlsConnector::from(trust).connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Either::Right(Box::new(stream))),
        Ok(Err(error)) => Err(failed(&error, url)),
        Err(_) => Err(Ended::Unreachable("it accepts connections and says nothing".into())),
    }
}

/// What rustls says comes wrapped.
fn failed(error: &io::Error, url: &HubUrl) -> Ended {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => Ended::Untrusted(in_words(why, url.host())),
        Some(rustls::Error::InvalidMessage(_)) => {
            Ended::Untrusted("it does not speak TLS: write ws:// instead of wss://".to_owned())
        }
        Some(other) => Ended::Untrusted(other.to_string()),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            Ended::Unreachable("it accepts connections and closes them".to_owned())
        }
        None => Ended::Unreachable(error.to_string()),
    }
}

pub(super) fn in_words(error: &CertificateError, host: &str) -> String {
    match error {
        // An authority of the same name, with another key, did not sign it.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is of no authority that is trusted here; name the file with the right one with --tls-ca FILE"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; is the clock of this machine right?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("its certificate is not for '{}'; connect to it by a name that stands in it", host)
        }
        CertificateError::Other(why) if format!("{why:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is that of an authority (CA:TRUE), which no server may show; make one with CA:FALSE".to_owned()
        }
        other => format!("its certificate does not do: {other}"),
    }
}
