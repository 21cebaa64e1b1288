//! How single values are read: each answer names the value, what is allowed and what to do.

use std::time::Duration;

use url::Url;

/// The port and path of a sender's signalling where the address names none.
const SIGNALLING_PATH: &str = "/ws";

/// The longest receiver name; it is shown in one column of a table.
const MAX_NAME_LEN: usize = 64;

/// The longest run: a year. Beyond it a number is a slip of the finger.
const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 3600);

/// `10`, `2.5` (seconds), `500ms`, `10s`, `1h 30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let duration = seconds.or_else(|| humantime::parse_duration(text).ok());
    duration.filter(|d| !d.is_zero() && *d <= MAX_DURATION).ok_or_else(|| {
        format!("'{text}' is not a duration of more than 0 and at most a year; write for example 10, 10s, 500ms or 2m")
    })
}

/// As [`duration`], or 0 for none.
pub(super) fn duration_or_none(text: &str) -> Result<Duration, String> {
    if text.parse() == Ok(0.0) { Ok(Duration::ZERO) } else { duration(text) }
}

/// `10%` or `10`, as a part of one.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim_end().parse().ok();
    let part = number.map(|number: f64| number / 100.0).filter(|part| (0.0..=100.0).contains(part));
    part.ok_or_else(|| format!("'{text}' is not a percentage from 0 to 10000; write for example 10%"))
}

/// A number of pixels (or pixels per second) from `MIN` to `MAX`.
pub(super) fn pixels<const MIN: u32, const MAX: u32>(text: &str) -> Result<f64, String> {
    let range = f64::from(MIN)..=f64::from(MAX);
    let value = text.parse().ok().filter(|value| range.contains(value));
    value.ok_or_else(|| format!("'{text}' is not a number of pixels from {MIN} to {MAX}"))
}

/// A host name or address; whether it exists is for the resolver to say.
pub(super) fn host(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address_or_name = if bare.contains(':') { format!("[{bare}]") } else { bare.to_owned() };
    match url::Host::parse(&address_or_name) {
        Ok(_) => Ok(bare.to_owned()),
        Err(_) => Err(format!("'{text}' is not a host name or IP address; write for example 127.0.0.1, 0.0.0.0 or ::1")),
    }
}

/// `http://host[:port]/path`, or `https`.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| format!("'{text}' is no http:// or https:// URL; write for example http://127.0.0.1:8080/health"))
}

/// Where a WHIP or WHEP server is: `https://host[:port]/path`, or `http`.
pub(super) fn server_url(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.as_ref().is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
        return Err("a URL with a user and a password is not taken; servers want a token: --token-file FILE".to_owned());
    }
    url.iter_mut().for_each(|url| url.set_fragment(None));
    url.ok_or_else(|| {
        format!("'{text}' is not an https:// or http:// URL; write for example https://media.example:8889/court-1/whip")
    })
}

/// `https://example.com`, as a browser sends it.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let origin = Url::parse(text).ok().map(|url| url.origin()).filter(url::Origin::is_tuple);
    let origin = origin.map(|origin| origin.ascii_serialization()).filter(|origin| origin == text.trim_end_matches('/'));
    origin
        .ok_or_else(|| format!("'{text}' is not an origin; write scheme and host as in https://example.com, without a path"))
}

/// Where a sender's signalling is: `ws://host[:port][/path]` or `wss://…`; `http` and `https` are taken as these, the path is `/ws` unless given.
pub(super) fn signalling_url(text: &str) -> Result<Url, String> {
    let error = |why: &str| format!("'{text}' {why}; write for example ws://192.168.1.7:8080");
    let mut url = Url::parse(text).map_err(|_| error("is not a URL"))?;
    match url.scheme() {
        "ws" | "wss" => {}
        "http" => url.set_scheme("ws").map_err(|()| error("is not a URL"))?,
        "https" => url.set_scheme("wss").map_err(|()| error("is not a URL"))?,
        _ => return Err(error("has an unknown scheme: ws and wss, http and https are known")),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(error("names no host"));
    }
    if url.path() == "/" {
        url.set_path(SIGNALLING_PATH);
    }
    Ok(url)
}

/// The signalling of the sender at `host` and `port`; `host` has passed [`host`].
pub(super) fn signalling_at(host: &str, port: u16) -> Result<Url, String> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    signalling_url(&format!("ws://{host}:{port}"))
}

/// A name to show: 1 to [`MAX_NAME_LEN`] characters, none of them a control character.
pub(super) fn name(text: &str) -> Result<String, String> {
    let length_fits = (1..=MAX_NAME_LEN).contains(&text.chars().count());
    if length_fits && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not a name of 1 to {MAX_NAME_LEN} characters without control characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, ms) in [("10", 10_000), ("0.5", 500), ("10s", 10_000), ("500ms", 500), ("1m 30s", 90_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "0", "0s", "-1", "NaN", "inf", "1e300", "ten", "10 parsecs", "2y"] {
            assert!(duration(bad).is_err_and(|text| text.contains("500ms")), "{bad}");
        }
    }

    #[test]
    fn percentages_are_parts_and_no_warm_up_is_none() {
        assert_eq!((percent("10%"), percent("2.5 %"), percent("0")), (Ok(0.1), Ok(0.025), Ok(0.0)));
        for bad in ["", "-1%", "ten", "NaN", "inf%"] {
            assert!(percent(bad).is_err_and(|text| text.contains("10%")), "{bad}");
        }
        assert_eq!((duration_or_none("0"), duration_or_none("1")), (Ok(Duration::ZERO), Ok(Duration::from_secs(1))));
    }

    #[test]
    fn pixels_are_finite_and_in_range() {
        assert_eq!(pixels::<1, 4096>("20.5"), Ok(20.5));
        for bad in ["0", "0.999", "4097", "NaN", "inf", "-1", "20px", ""] {
            assert!(pixels::<1, 4096>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_senders_address_is_completed() {
        for (text, url) in [
            ("ws://a", "ws://a/ws"),
            ("http://a:8080", "ws://a:8080/ws"),
            ("ws://[::1]:9/room", "ws://[::1]:9/room"),
            ("wss://a", "wss://a/ws"),
            ("https://a:8443", "wss://a:8443/ws"),
        ] {
            assert_eq!(signalling_url(text).map(String::from).as_deref(), Ok(url));
        }
        assert_eq!(signalling_at("::1", 8080).map(String::from).as_deref(), Ok("ws://[::1]:8080/ws"));
        for bad in ["", "a", "a:8080", "ftp://a", "ws://", "wss://", "ws://a:99999"] {
            assert!(signalling_url(bad).is_err_and(|text| text.contains("for example")), "{bad}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in ["127.0.0.1", "::1", "[::1]", "sender", "rebound.example.org"] {
            assert!(host(good).is_ok_and(|host| signalling_at(&host, 1).is_ok()), "{good}");
        }
        for bad in ["", "a b", "a/b", "::g", "1.2.3.4.5.6:80"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_fit_a_column() {
        assert!(name("robot arm 7").is_ok());
        for bad in ["", "a\nb", "\u{1b}[31m", &"x".repeat(65)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
