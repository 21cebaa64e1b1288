//! The ICE servers in `Link` headers, RFC 9725 section 4.6: `<turn:HOST>; rel="ice-server"; username="U"; credential="C"`.

use super::super::super::message::IceServer;

/// The most of one header that is read: a TURN server with its password is some 200 bytes.
const MAX_LINK_BYTES: usize = 4096;

/// The most servers that are taken.
const MAX_SERVERS: usize = 16;

/// The ICE servers that these headers name. What cannot be read is passed over.
pub(super) fn ice_servers<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<IceServer> {
    let links = headers.filter(|header| header.len() <= MAX_LINK_BYTES).flat_map(|header| split(header, ','));
    links.filter_map(ice_server).take(MAX_SERVERS).collect()
}

fn ice_server(link: &str) -> Option<IceServer> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let parameter = |name: &str| {
        let named = split(parameters, ';').filter_map(|parameter| parameter.split_once('='));
        let mut values = named.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| unquoted(value));
        values.next()
    };
    let is_server = parameter("rel")?.split(' ').any(|rel| rel.eq_ignore_ascii_case("ice-server"));
    let (username, credential) = (parameter("username"), parameter("credential"));
    is_server.then(|| IceServer { urls: target.trim().to_owned(), username, credential })
}

/// Splits at what stands in neither quotes nor angle brackets.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped, mut in_target) = (false, false, false);
    text.split(move |c| {
        let is_escaped = escaped;
        escaped = quoted && c == '\\' && !is_escaped;
        match c {
            '"' if !is_escaped && !in_target => quoted = !quoted,
            '<' if !quoted => in_target = true,
            '>' if !quoted => in_target = false,
            _ => {}
        }
        c == at && !quoted && !in_target
    })
}

/// RFC 9110 section 5.6.4.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut written = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        written.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_servers_of_the_rfc_are_read_and_other_links_are_not() {
        let headers = [
            r#"<stun:stun.example.net>; rel="ice-server""#,
            r#"<turn:turn.example.net?transport=udp>; rel="ice-server"; username="us,er"; credential="my\"Pass;word"; credential-type="password", <turns:b.example>;REL=ice-server;username=u;credential=c"#,
            r#"<https://example.net/layer>; rel="urn:ietf:params:whep:ext:core:layer""#,
            "stun:stun.example.net; rel=ice-server",
        ];
        let server = |urls: &str, user: Option<&str>, password: Option<&str>| IceServer {
            urls: urls.to_owned(),
            username: user.map(str::to_owned),
            credential: password.map(str::to_owned),
        };
        let expected = [
            server("stun:stun.example.net", None, None),
            server("turn:turn.example.net?transport=udp", Some("us,er"), Some("my\"Pass;word")),
            server("turns:b.example", Some("u"), Some("c")),
        ];
        assert_eq!(ice_servers(headers.into_iter()), expected);
        assert_eq!(ice_servers([format!("{},", headers[0]).repeat(40).as_str()].into_iter()).len(), MAX_SERVERS);
    }

    proptest! {
        #[test]
        fn any_header_is_read(header in r#"[<>;,=" \\a-z:]{0,60}"#) {
            ice_servers([header.as_str()].into_iter());
        }
    }
}
