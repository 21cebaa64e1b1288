//! What a server's answer says beside its body.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LINK, LOCATION, RETRY_AFTER};
use serde::Deserialize;
use url::Url;

use super::super::super::message::IceServer;
use super::link;

/// No server is waited for longer than this before it is asked again, whatever it says.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How much of what a server says goes into an error.
const SHOWN_CHARS: usize = 200;

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Whose answer it is, after redirects.
    pub(super) url: Url,
    pub(super) body: String,
}

impl Answer {
    /// Where the session is that was begun. RFC 9725 lets it be relative to what answered. Never in the clear where the question was
    /// not.
    pub(super) fn location(&self) -> Option<Url> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        let url = self.url.join(location).ok()?;
        let fits = url.scheme() == "https" || (url.scheme() == "http" && self.url.scheme() == "http");
        (fits && url.has_host()).then_some(url)
    }

    pub(super) fn ice_servers(&self) -> Vec<IceServer> {
        link::ice_servers(self.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()))
    }

    /// When to ask again; as a number of seconds only.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
    }

    /// The description that it carries, unread.
    pub(super) fn sdp(&self) -> Option<&str> {
        (self.media_type() == "application/sdp").then_some(self.body.as_str())
    }

    fn media_type(&self) -> String {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The status, and what is wrong in the server's words.
    pub(super) fn in_words(&self) -> String {
        let words = printable(&self.problem());
        if words.is_empty() { format!("HTTP {}", self.status) } else { format!("HTTP {}: {words}", self.status) }
    }

    /// `application/problem+json` (RFC 9457), other JSON that names an error, or plain text; pages for people are none.
    fn problem(&self) -> String {
        let media_type = self.media_type();
        if media_type.ends_with("json") {
            return serde_json::from_str::<Problem>(&self.body).ok().and_then(Problem::text).unwrap_or_default();
        }
        if media_type.is_empty() || media_type == "text/plain" { self.body.clone() } else { String::new() }
    }
}

/// The fields in which servers say what is wrong, in the order in which they are worth reading.
#[derive(Deserialize)]
struct Problem {
    detail: Option<String>,
    error: Option<String>,
    message: Option<String>,
    title: Option<String>,
}

impl Problem {
    fn text(self) -> Option<String> {
        self.detail.or(self.error).or(self.message).or(self.title)
    }
}

/// As it may be printed: hostile until here.
fn printable(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.trim().chars().take(SHOWN_CHARS).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, url: &str, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let header = |(name, value): &(&'static str, &str)| {
            (reqwest::header::HeaderName::from_static(name), value.parse().expect("a header"))
        };
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: headers.iter().map(header).collect(),
            url: url.parse().expect("a URL"),
            body: body.to_owned(),
        }
    }

    #[test]
    fn a_session_is_found_relative_to_what_answered_and_never_in_the_clear_after_tls() {
        let table = [
            ("https://a/whip/x", "/session/1", Some("https://a/session/1")),
            ("https://a/whip/x", "1", Some("https://a/whip/1")),
            ("https://a/whip/x", "https://b/1", Some("https://b/1")),
            ("https://a/whip/x", "http://a/1", None),
            ("http://a/whip/x", "http://b/1", Some("http://b/1")),
            ("http://a/whip/x", "file:///etc/passwd", None),
            ("http://a/whip/x", "http://[", None),
        ];
        for (url, location, expected) in table {
            let found = answer(201, url, &[("location", location)], "").location();
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{location}");
        }
        assert_eq!(answer(201, "http://a", &[], "").location(), None);
    }

    #[test]
    fn what_is_wrong_is_told_in_the_servers_words_safe_to_print() {
        let long = "x".repeat(10_000);
        let problem = "application/problem+json";
        let table = [
            (
                problem,
                r#"{"type":"about:blank","title":"Gone","detail":"no such\nstream"}"#,
                "HTTP 404 Not Found: no such?stream",
            ),
            ("application/json; charset=utf-8", r#"{"error":"stream not found"}"#, "HTTP 404 Not Found: stream not found"),
            ("text/plain", "\u{1b}[31mno\u{202e}\n", "HTTP 404 Not Found: ?[31mno?"),
            ("text/html", "<html>", "HTTP 404 Not Found"),
            (problem, "[7", "HTTP 404 Not Found"),
            ("text/plain", &long, &format!("HTTP 404 Not Found: {}", &long[..SHOWN_CHARS])),
        ];
        for (media_type, body, expected) in table {
            assert_eq!(answer(404, "http://a", &[("content-type", media_type)], body).in_words(), expected);
        }
    }

    #[test]
    fn a_server_is_asked_again_when_it_says_but_within_a_minute() {
        let after = |value| answer(503, "http://a", &[("retry-after", value)], "").retry_after();
        assert_eq!(
            ["3", "86400", "-1", "Fri, 31 Dec 1999 23:59:59 GMT"].map(after),
            [Some(Duration::from_secs(3)), Some(LONGEST_WAIT), None, None]
        );
    }
}
