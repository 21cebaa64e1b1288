//! The page: what a browser needs to watch, to detect and to show what came of it. Embedded, so that nothing has to be installed
//! beside the program, and complete, so that nothing is fetched from elsewhere.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use qrcode::QrCode;
use qrcode::render::svg;
use sha2::{Digest, Sha256};
use url::Url;

/// What programs are told that ask for the page.
const ABOUT: &str = concat!(
    "rebound ",
    env!("CARGO_PKG_VERSION"),
    " sends video here and measures the coordinates that come back.\n\
     Receive it with: rebound receive ws://THIS-HOST:PORT/ws, or open this address in a browser.\n\
     GET /health says whether it lives; /ws speaks the messages of docs/signalling.md.\n"
);

const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The longest session id, as the signalling has it.
const MAX_SESSION_BYTES: usize = 64;

/// The longest `Host` that a QR code is made of: a DNS name (RFC 1035 section 2.3.4) and a port.
const MAX_HOST_BYTES: usize = 255 + 6;

/// What a browser may do with what it gets here: run and show what comes from here, and nothing else. Cross-origin isolation gives
/// the page a clock of microseconds; without it times are rounded to tenths of milliseconds.
const GUARDS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// What a page may use of the device, which only the one that publishes does.
const PERMISSIONS: &str = "permissions-policy";
const NOTHING: &str = "camera=(), microphone=(), geolocation=(), display-capture=()";
const CAMERA: &str = "camera=(self), microphone=(), geolocation=(), display-capture=()";

const INDEX: &str = include_str!("../../web/index.html");
const PUBLISH: &str = include_str!("../../web/publish.html");

struct Asset {
    /// Below `/assets/`.
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! asset {
    ($kind:expr, $path:literal) => {
        Asset { path: $path, kind: $kind, text: include_str!(concat!("../../web/", $path)) }
    };
}

const ASSETS: [Asset; 30] = [
    asset!(CSS, "style.css"),
    asset!(SVG, "icon.svg"),
    asset!(JAVASCRIPT, "app.js"),
    asset!(JAVASCRIPT, "arrivals.js"),
    asset!(JAVASCRIPT, "ball/ball.js"),
    asset!(JAVASCRIPT, "ball/circle.js"),
    asset!(JAVASCRIPT, "ball/coarse.js"),
    asset!(JAVASCRIPT, "ball/edge.js"),
    asset!(JAVASCRIPT, "ball/model.js"),
    asset!(JAVASCRIPT, "ball/solve.js"),
    asset!(JAVASCRIPT, "camera.js"),
    asset!(JAVASCRIPT, "detector.js"),
    asset!(JAVASCRIPT, "dom.js"),
    asset!(JAVASCRIPT, "feedback.js"),
    asset!(JAVASCRIPT, "luma.js"),
    asset!(JAVASCRIPT, "measured.js"),
    asset!(JAVASCRIPT, "overlay.js"),
    asset!(JAVASCRIPT, "peer.js"),
    asset!(JAVASCRIPT, "pictures.js"),
    asset!(JAVASCRIPT, "plots.js"),
    asset!(JAVASCRIPT, "publish.js"),
    asset!(JAVASCRIPT, "publishing.js"),
    asset!(JAVASCRIPT, "returned.js"),
    asset!(JAVASCRIPT, "same_frame.js"),
    asset!(JAVASCRIPT, "sent.js"),
    asset!(JAVASCRIPT, "sessions.js"),
    asset!(JAVASCRIPT, "signalling.js"),
    asset!(JAVASCRIPT, "view.js"),
    asset!(JAVASCRIPT, "watch.js"),
    asset!(JAVASCRIPT, "whip.js"),
];

/// One for all: they are of one build.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let texts = ASSETS.iter().map(|asset| asset.text).chain([INDEX, PUBLISH]);
    let digest = texts.fold(Sha256::new(), |digest, text| digest.chain_update(text)).finalize();
    format!("\"{}\"", digest[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
});

/// The page and its parts.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(front))
        .route("/s/{session}", get(session))
        .route("/s/{session}/publish", get(publish))
        .route("/s/{session}/qr.svg", get(qr))
        .route("/assets/{*path}", get(asset))
}

/// A browser gets the page, a program some words.
async fn front(headers: HeaderMap) -> Response {
    let wants_html =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|text| text.contains("text/html"));
    let mut response = if wants_html { file(&headers, HTML, INDEX) } else { ABOUT.into_response() };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

async fn session(Path(session): Path<String>, headers: HeaderMap) -> Response {
    if is_session(&session) { file(&headers, HTML, INDEX) } else { not_found() }
}

/// The one page that may use the camera.
async fn publish(Path(session): Path<String>, headers: HeaderMap) -> Response {
    if !is_session(&session) {
        return not_found();
    }
    let mut response = file(&headers, HTML, PUBLISH);
    response.headers_mut().insert(PERMISSIONS, HeaderValue::from_static(CAMERA));
    response
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match ASSETS.iter().find(|asset| asset.path == path) {
        Some(asset) => file(&headers, asset.kind, asset.text),
        None => not_found(),
    }
}

/// The session's address as a QR code, by the name that the browser knows this host by. The page says whether that is `https`.
async fn qr(Path(session): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let scheme = if query.as_deref() == Some("https") { "https" } else { "http" };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| host.len() <= MAX_HOST_BYTES);
    let address = host.filter(|_| is_session(&session)).and_then(|host| address(scheme, host, &session));
    let Some(code) = address.and_then(|address| QrCode::new(address.as_str()).ok()) else { return not_found() };
    let picture = code.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    guarded(([(CONTENT_TYPE, SVG), (CACHE_CONTROL, "no-store")], picture).into_response())
}

/// None if the host is not just a name and a port.
fn address(scheme: &str, host: &str, session: &str) -> Option<Url> {
    let page = Url::parse(&format!("{scheme}://{host}/s/{session}")).ok()?;
    let is_plain = page.username().is_empty() && page.password().is_none() && page.path() == format!("/s/{session}");
    is_plain.then_some(page)
}

fn is_session(session: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_SESSION_BYTES).contains(&session.len()) && session.bytes().all(allowed)
}

fn file(headers: &HeaderMap, kind: &'static str, text: &'static str) -> Response {
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let is_known = known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == *TAG));
    // Kept, but asked for: what a newer program brings is seen at once.
    let head = [(CACHE_CONTROL, "no-cache"), (ETAG, TAG.as_str())];
    guarded(match is_known {
        true => (StatusCode::NOT_MODIFIED, head).into_response(),
        false => (head, [(CONTENT_TYPE, kind)], text).into_response(),
    })
}

fn not_found() -> Response {
    guarded((StatusCode::NOT_FOUND, "there is no such page\n").into_response())
}

fn guarded(mut response: Response) -> Response {
    let guards = GUARDS.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    response.headers_mut().extend(guards);
    response.headers_mut().insert(PERMISSIONS, HeaderValue::from_static(NOTHING));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn ask(path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        let response = routes::<()>().oneshot(request.body(Body::empty()).expect("a request")).await.expect("answered");
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("a body");
        (head.status, head.headers, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn a_browser_gets_the_page_and_a_program_words() {
        for (path, accept, expected) in [
            ("/", "text/html,*/*", "<!doctype html>"),
            ("/s/a_b-1", "*/*", "<!doctype html>"),
            ("/s/a_b-1/publish", "*/*", "rebound: publish a camera"),
            ("/", "*/*", "rebound receive"),
        ] {
            let (status, _, body) = ask(path, &[("accept", accept)]).await;
            assert_eq!((status, body.contains(expected)), (StatusCode::OK, true), "{path} {accept}");
        }
        let too_long = format!("/s/{}", "a".repeat(MAX_SESSION_BYTES + 1));
        for path in [
            "/s/..%2f..%2fetc",
            "/s/a%20b/publish",
            "/s/%3Cscript%3E",
            "/s/a%20b",
            "/assets/../Cargo.toml",
            "/assets/",
            &too_long,
        ] {
            assert_eq!(ask(path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn all_that_the_page_names_is_there_and_nothing_comes_from_elsewhere() {
        let texts =
            ASSETS.iter().map(|asset| (asset.path, asset.text)).chain([("index.html", INDEX), ("publish.html", PUBLISH)]);
        for (from, text) in texts {
            for quoted in text.split(['"', '\'', '(', ')']) {
                let path = match quoted.strip_prefix("./") {
                    Some(near) if from.starts_with("ball/") => format!("/assets/ball/{near}"),
                    Some(near) => format!("/assets/{near}"),
                    None => quoted.to_owned(),
                };
                if path.starts_with("/assets/") {
                    assert_eq!(ask(&path, &[]).await.0, StatusCode::OK, "{path}, in {from}");
                }
                let is_foreign = quoted.contains("://") && !quoted.contains("www.w3.org/2000/svg") && !quoted.contains('$');
                assert!(!is_foreign || quoted.contains("THIS-HOST"), "{quoted}, in {from}");
            }
        }
        let is_inline = |word: &str| {
            word.contains("<style") || word.starts_with("style=") || (word.starts_with("on") && word.contains('='))
        };
        assert_eq!(INDEX.split_whitespace().chain(PUBLISH.split_whitespace()).find(|word| is_inline(word)), None);
    }

    #[tokio::test]
    async fn what_a_browser_has_it_does_not_get_again_and_everything_is_guarded() {
        let (_, headers, _) = ask("/assets/app.js", &[]).await;
        let tag = headers[ETAG].to_str().expect("text").to_owned();
        assert_eq!(headers[CONTENT_TYPE], JAVASCRIPT);
        let (status, headers, body) = ask("/assets/style.css", &[("if-none-match", &format!("\"x\", W/{tag}"))]).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""));
        for (name, value) in GUARDS {
            assert_eq!(headers[name], value);
        }
        for (path, camera) in [("/s/one", "camera=()"), ("/s/one/publish", "camera=(self)")] {
            let policy = &ask(path, &[]).await.1["permissions-policy"];
            assert!(policy.to_str().expect("text").starts_with(camera), "{path}: {policy:?}");
        }
        assert!(!headers["content-security-policy"].to_str().expect("text").contains("unsafe"));
    }

    #[tokio::test]
    async fn the_qr_code_is_of_the_address_that_the_browser_used() {
        let (status, headers, body) = ask("/s/one/qr.svg?https", &[("host", "camera.local:8080")]).await;
        assert_eq!((status, &headers[CONTENT_TYPE]), (StatusCode::OK, &HeaderValue::from_static(SVG)));
        assert!(body.contains("<svg"));
        assert_eq!(address("https", "camera.local:8080", "one").expect("plain").as_str(), "https://camera.local:8080/s/one");
        for host in ["", "a b", "user:password@host", "host/path?", "host#x", &"h".repeat(300)] {
            assert_eq!(ask("/s/one/qr.svg", &[("host", host)]).await.0, StatusCode::NOT_FOUND, "{host}");
        }
    }
}
