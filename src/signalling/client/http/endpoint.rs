//! Where a WHIP or WHEP server is.

use std::fmt;

use url::{Position, Url};

use super::super::super::message::DisplayName;
use super::super::url::is_loopback;

/// What is spoken with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Dialect {
    /// We send.
    Whip,
    /// We receive.
    Whep,
}

/// Where a WHIP or WHEP server takes offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    dialect: Dialect,
}

impl Endpoint {
    /// Of a server that we send to.
    pub fn whip(url: Url) -> Endpoint {
        Endpoint { url, dialect: Dialect::Whip }
    }

    /// Of a server that we receive from.
    pub fn whep(url: Url) -> Endpoint {
        Endpoint { url, dialect: Dialect::Whep }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(in super::super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether the server is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.url.host_str().unwrap_or_default().trim_matches(['[', ']']))
    }

    /// Whether TLS is spoken there.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The server's host, as a name in tables.
    pub fn name(&self) -> DisplayName {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' };
        let name: String = host.chars().take(64).map(safe).collect();
        DisplayName::try_from(name).unwrap_or_else(|_| DisplayName::try_from("server".to_owned()).expect("letters"))
    }
}

/// Without user, password and query, so that it may be logged.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", &self.url[..Position::BeforeUsername])?;
        write!(f, "{}", &self.url[Position::BeforeHost..Position::AfterPath])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_without_what_is_secret_or_unsafe() {
        let table = [
            ("https://me:secret@media.example:8889/whip?key=secret", "https://media.example:8889/whip", "media.example"),
            ("http://[::1]:1/a", "http://[::1]:1/a", "--1"),
        ];
        for (text, shown, name) in table {
            let endpoint = Endpoint::whip(text.parse().expect("a URL"));
            assert_eq!((endpoint.to_string().as_str(), endpoint.name().as_str()), (shown, name));
        }
        assert!(Endpoint::whep("http://[::1]:1/a".parse().expect("a URL")).is_loopback());
    }
}
