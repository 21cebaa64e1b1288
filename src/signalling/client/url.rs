//! Where the sender is.

use std::fmt;
use std::str::FromStr;

use url::{ParseError, Url};

/// The WebSocket of a sender: `ws://host:port/ws`, or `wss` with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubUrl(Url);

/// Why a text is not the URL of a sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL.
    #[error("'{0}' is not a URL ({1}); write for example ws://127.0.0.1:8080/ws")]
    Syntax(String, ParseError),
    /// Another protocol.
    #[error("'{0}' is neither ws:// nor wss:// (or http, https); write for example ws://127.0.0.1:8080/ws")]
    Scheme(String),
}

impl HubUrl {
    /// Of a sender that was started with this `--host` and `--port`.
    pub fn from_host_port(host: &str, port: u16) -> Result<HubUrl, UrlError> {
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        format!("ws://{host}:{port}/ws").parse()
    }

    /// The host, as [`tokio::net::TcpStream::connect`] takes it.
    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// Whether the sender is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(80)
    }

    /// Whether TLS is spoken there.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "wss"
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Whether this host, an address or a name, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

impl FromStr for HubUrl {
    type Err = UrlError;

    /// Reads `ws://…`, `wss://…`, `http://…` or `https://…`, the path being `/ws` unless there is one.
    fn from_str(text: &str) -> Result<HubUrl, UrlError> {
        let syntax = |error| UrlError::Syntax(text.to_owned(), error);
        let url = Url::parse(text).map_err(syntax)?;
        let scheme = match url.scheme() {
            "ws" | "http" => "ws",
            "wss" | "https" => "wss",
            _ => return Err(UrlError::Scheme(text.to_owned())),
        };
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        let mut url = Url::parse(&format!("{scheme}:{rest}")).map_err(syntax)?;
        if url.path() == "/" {
            url.set_path("/ws");
        }
        url.set_fragment(None);
        Ok(HubUrl(url))
    }
}

/// Without user and password, so that it may be logged.
impl fmt::Display for HubUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", &self.0[..::url::Position::BeforeUsername])?;
        write!(f, "{}", &self.0[::url::Position::BeforeHost..::url::Position::AfterPath])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_becomes_the_address_of_the_web_socket() {
        let table = [
            ("ws://127.0.0.1:8080/ws", "ws://127.0.0.1:8080/ws"),
            ("http://camera:8080", "ws://camera:8080/ws"),
            ("HTTP://camera/", "ws://camera/ws"),
            ("wss://hub.example", "wss://hub.example/ws"),
            ("https://hub.example:3001/", "wss://hub.example:3001/ws"),
            ("ws://[::1]:9/other", "ws://[::1]:9/other"),
            ("ws://user:secret@camera:1/ws?token=secret#x", "ws://camera:1/ws"),
        ];
        for (text, shown) in table {
            assert_eq!(text.parse::<HubUrl>().map(|url| url.to_string()), Ok(shown.to_owned()), "{text}");
        }
        let ports = ["ws://a", "wss://a", "wss://a:80"].map(|text| text.parse::<HubUrl>().map(|url| url.port()));
        assert_eq!(ports, [Ok(80), Ok(443), Ok(80)]);
        let url = HubUrl::from_host_port("::1", 8080).expect("an address");
        assert_eq!((url.host(), url.port(), url.as_str()), ("::1", 8080, "ws://[::1]:8080/ws"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example_or_a_way_out() {
        for text in ["", "camera:8080", "ws://", "127.0.0.1", "ftp://a", "ws://a:99999", "wss://", "ws://a b/"] {
            let error = text.parse::<HubUrl>().expect_err(text).to_string();
            assert!(error.contains("ws://"), "{error}");
        }
    }
}
