//! Which web pages may connect. Programs send no `Origin`; browsers always do, and let any page open a WebSocket to any host.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use url::{Host, Url};

/// Whether a request comes from a program, from a page of this very host or of loopback, or from a page on the list.
pub(super) fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if allowed.iter().any(|listed| listed.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    let Some(page) = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    is_loopback(&page) || host.is_some_and(|host| is_host_of(&page, host))
}

fn is_loopback(page: &Url) -> bool {
    match page.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn is_host_of(page: &Url, host: &str) -> bool {
    let here = Url::parse(&format!("{}://{host}", page.scheme()));
    here.is_ok_and(|here| here.host() == page.host() && here.port_or_known_default() == page.port_or_known_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origin: Option<&str>, host: &str, list: &[String]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("header"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().expect("header"));
        }
        is_allowed(&headers, list)
    }

    #[test]
    fn programs_and_pages_of_this_host_loopback_or_the_list_may_connect() {
        let list = ["https://viewer.example".to_owned()];
        assert!(allowed(None, "camera:8080", &[]));
        for origin in [
            "http://camera:8080",
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "https://Viewer.example",
        ] {
            assert!(allowed(Some(origin), "camera:8080", &list), "{origin}");
        }
        assert!(allowed(Some("https://camera"), "camera:443", &[]));
    }

    #[test]
    fn pages_of_other_hosts_may_not() {
        for origin in [
            "",
            "null",
            "http://evil.example",
            "http://camera:8081",
            "http://camera.evil.example:8080",
            "http://localhost.evil.example",
            "http://camera:8080@evil.example",
            "file://camera:8080",
            "http://127.0.0.1.evil.example",
            "camera:8080",
        ] {
            assert!(!allowed(Some(origin), "camera:8080", &[]), "{origin}");
        }
    }
}
