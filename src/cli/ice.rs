//! STUN and TURN servers, as people write them and as webrtcbin wants them.

use std::fmt;
use std::str::FromStr;

use url::Host;

use super::redact::{REDACTED, redact};

/// RFC 5389 section 9 (STUN) and RFC 8656 section 4 (TURN).
const DEFAULT_PORT: u16 = 3478;

/// RFC 8656 section 4: TURN over TLS.
const DEFAULT_TLS_PORT: u16 = 5349;

/// The help of `--ice-server`.
pub(super) const HELP: &str = "STUN or TURN server: stun:HOST[:PORT] or turn[s]:USER:PASSWORD@HOST[:PORT][?transport=udp|tcp]; may be \
repeated [default: none]";

/// A server that helps peers behind address translation. Neither `Display` nor `Debug` shows the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IceServer {
    /// Tells a peer its public address.
    Stun {
        /// Name or address, IPv6 in brackets.
        host: String,
        /// UDP port.
        port: u16,
    },
    /// Relays for peers that cannot reach each other.
    Turn {
        /// Name or address, IPv6 in brackets.
        host: String,
        /// UDP or TCP port.
        port: u16,
        /// As the server knows it, not escaped.
        user: String,
        /// As the server knows it, not escaped.
        password: Secret,
        /// How the relay is reached.
        transport: TurnTransport,
    },
}

/// How a relay is reached; what it relays is UDP in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnTransport {
    /// `turn:`
    Udp,
    /// `turn:…?transport=tcp`
    Tcp,
    /// `turns:`
    Tls,
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A token, which is made of `A-Z a-z 0-9 _ - .` only.
    pub fn token(text: &str) -> Option<Secret> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        (!text.is_empty() && text.bytes().all(fits)).then(|| Secret(text.to_owned()))
    }

    /// The text itself, for whom it is meant.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        REDACTED.fmt(f)
    }
}

/// Why an address is refused. The text holds no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{}' {why}\nwrite stun:stun.example.org\nor turn[s]:USER:PASSWORD@HOST[:PORT][?transport=udp|tcp], with % in user and password as \
     %25 and : in the user as %3A",
    redact(text)
)]
pub struct IceServerError {
    text: String,
    why: &'static str,
}

impl FromStr for IceServer {
    type Err = IceServerError;

    fn from_str(text: &str) -> Result<IceServer, IceServerError> {
        parse(text).map_err(|why| IceServerError { text: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<IceServer, &'static str> {
    let (scheme, rest) = text.split_once(':').ok_or("has no scheme")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    match scheme.to_ascii_lowercase().as_str() {
        "stun" => stun(rest),
        "turn" => turn(rest, TurnTransport::Udp),
        "turns" => turn(rest, TurnTransport::Tls),
        _ => Err("has an unknown scheme"),
    }
}

fn stun(rest: &str) -> Result<IceServer, &'static str> {
    if rest.contains('@') {
        return Err("has a user, which STUN does not know");
    }
    let (host, port) = host_and_port(rest, DEFAULT_PORT)?;
    Ok(IceServer::Stun { host, port })
}

fn turn(rest: &str, transport: TurnTransport) -> Result<IceServer, &'static str> {
    let (user_info, address) = rest.rsplit_once('@').ok_or("has no user and password")?;
    let (user, password) = user_info.split_once(':').ok_or("has no password")?;
    let (user, password) = (percent_decode(user)?, percent_decode(password)?);
    if user.is_empty() || password.is_empty() {
        return Err("has an empty user or password");
    }
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    let transport = match (transport, query) {
        (given, "") => given,
        (TurnTransport::Udp, "transport=udp") => TurnTransport::Udp,
        (TurnTransport::Udp, "transport=tcp") => TurnTransport::Tcp,
        (TurnTransport::Tls, "transport=tcp") => TurnTransport::Tls,
        _ => return Err("has an unknown transport"),
    };
    let default_port = if transport == TurnTransport::Tls { DEFAULT_TLS_PORT } else { DEFAULT_PORT };
    let (host, port) = host_and_port(address, default_port)?;
    Ok(IceServer::Turn { host, port, user, password: Secret(password), transport })
}

fn host_and_port(text: &str, default_port: u16) -> Result<(String, u16), &'static str> {
    let name_end = text.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match text[name_end..].find(':') {
        Some(colon) => {
            let (host, port) = text.split_at(name_end + colon);
            (host, port[1..].parse().ok().filter(|port| *port != 0).ok_or("has a port that is not from 1 to 65535")?)
        }
        None => (text, default_port),
    };
    let host = Host::parse(host).map_err(|_| "has no valid host")?;
    Ok((host.to_string(), port))
}

fn percent_decode(text: &str) -> Result<String, &'static str> {
    let error = "has a % that does not begin a two-digit code of UTF-8 text";
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or(error);
        decoded.push(if byte == b'%' { (digit()? * 16 + digit()?) as u8 } else { byte });
    }
    String::from_utf8(decoded).ok().filter(|text| !text.contains('\0')).ok_or(error)
}

/// All but RFC 3986's unreserved characters escaped.
fn percent_encode(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if unreserved(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

impl IceServer {
    /// A TURN server as signalling names it: user and password beside the URL, as in a browser's `RTCIceServer`.
    pub fn with_credential(urls: &str, user: &str, password: &str) -> Option<IceServer> {
        let (scheme, rest) = urls.split_once(':')?;
        format!("{scheme}:{}:{}@{rest}", percent_encode(user), percent_encode(password)).parse().ok()
    }

    /// As webrtcbin's `stun-server` property or its `add-turn-server` signal wants it, with the password in it: both are
    /// URLs with `//`, and webrtcbin decodes user and password once after splitting at `:` and `@`.
    pub fn to_gstreamer(&self) -> String {
        self.write(|password| percent_encode(password.reveal()))
    }

    fn write(&self, show: impl Fn(&Secret) -> String) -> String {
        match self {
            IceServer::Stun { host, port } => format!("stun://{host}:{port}"),
            IceServer::Turn { host, port, user, password, transport } => {
                let (scheme, query) = match transport {
                    TurnTransport::Udp => ("turn", "?transport=udp"),
                    TurnTransport::Tcp => ("turn", "?transport=tcp"),
                    TurnTransport::Tls => ("turns", "?transport=tcp"),
                };
                format!("{scheme}://{}:{}@{host}:{port}{query}", percent_encode(user), show(password))
            }
        }
    }
}

impl fmt::Display for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(|_| REDACTED.to_owned()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn servers_become_what_webrtcbin_wants() {
        for (text, url) in [
            ("stun:stun.example.org", "stun://stun.example.org:3478"),
            ("STUN://10.0.0.1:19302", "stun://10.0.0.1:19302"),
            ("stun:[2001:db8::1]", "stun://[2001:db8::1]:3478"),
            ("turn:me:pass@relay", "turn://me:pass@relay:3478?transport=udp"),
            ("turn:me:p@ss:w/rd?@relay:99?transport=tcp", "turn://me:p%40ss%3Aw%2Frd%3F@relay:99?transport=tcp"),
            ("turns:1700000000%3Ame:a%25b@relay", "turns://1700000000%3Ame:a%25b@relay:5349?transport=tcp"),
            ("turn:mé:ü@[::1]:7", "turn://m%C3%A9:%C3%BC@[::1]:7?transport=udp"),
        ] {
            assert_eq!(text.parse::<IceServer>().map(|server| server.to_gstreamer()).as_deref(), Ok(url));
        }
    }

    #[test]
    fn webrtcbin_takes_relays_of_every_kind() {
        use gstreamer::prelude::*;
        gstreamer::init().expect("GStreamer starts");
        let webrtcbin = gstreamer::ElementFactory::make("webrtcbin").build().expect("gstreamer1.0-plugins-bad is installed");
        for text in [
            "turn:me:p@ss:w/rd?#[]@127.0.0.1",
            "turn:1700000000%3Ame:a%25b@[::1]:7?transport=tcp",
            "turns:mé:ü@relay.example.org",
        ] {
            let server: IceServer = text.parse().expect("valid");
            assert!(webrtcbin.emit_by_name::<bool>("add-turn-server", &[&server.to_gstreamer()]), "{server}");
        }
        assert!(!webrtcbin.emit_by_name::<bool>("add-turn-server", &[&"turn://relay"]), "it does check");
        let stun: IceServer = "stun:127.0.0.1:7".parse().expect("valid");
        webrtcbin.set_property("stun-server", stun.to_gstreamer());
        assert_eq!(webrtcbin.property::<Option<String>>("stun-server"), Some(stun.to_gstreamer()));
    }

    #[test]
    fn refusals_say_what_is_allowed_and_keep_the_password() {
        for bad in [
            "",
            "relay",
            "http:relay",
            "stun:",
            "stun:a b",
            "stun:me:SECRET@relay",
            "stun:h:0",
            "stun:h:65536",
            "stun:[::1",
            "turn:relay",
            "turn:me@relay",
            "turn::SECRET@relay",
            "turn:me:SECRET",
            "turn:me:@relay",
            "turn:me:SECRET@",
            "turn:me:SECRET%@relay",
            "turn:me:SECRET@relay?transport=sctp",
            "turns:me:SECRET@relay?transport=udp",
            "turn:me:SECRET%00@relay",
            "turn:me:SECRET%ff@relay",
        ] {
            let error = bad.parse::<IceServer>().expect_err(bad).to_string();
            assert!(error.contains("or turn[s]:USER:PASSWORD@HOST") && !error.contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn no_rendering_shows_the_password() {
        let server: IceServer = "turn:me:hunter2@relay".parse().expect("valid");
        assert_eq!(server.to_string(), "turn://me:***@relay:3478?transport=udp");
        assert!(!format!("{server:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn gstreamers_form_reads_back(user in "\\PC{1,20}", password in "\\PC{1,20}", port in 1u16..) {
            let (user_text, password_text) = (percent_encode(&user), percent_encode(&password));
            let server: IceServer = format!("turn:{user_text}:{password_text}@relay:{port}").parse().expect("valid");
            prop_assert_eq!(server.to_gstreamer().parse::<IceServer>(), Ok(server.clone()));
            let IceServer::Turn { user: read, password: secret, .. } = server else { panic!("a relay") };
            prop_assert_eq!((read.as_str(), secret.reveal()), (user.as_str(), password.as_str()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(stun|turn|turns)?:?(//)?\\PC*") {
            let _ = text.parse::<IceServer>();
        }
    }
}
