//! What a request says of itself, and its body.

use std::time::Duration;

use axum::body::{Body, HttpBody, to_bytes};
use axum::http::header::{CONTENT_TYPE, IF_MATCH};
use axum::http::{HeaderMap, Request, StatusCode};
use tokio::time::timeout;

use super::problem::Problem;

/// Session descriptions.
pub(super) const SDP: &str = "application/sdp";

/// Pieces of them that bring candidates, RFC 8840.
pub(super) const TRICKLE: &str = "application/trickle-ice-sdpfrag";

/// Whether the body is said to be of this kind; parameters such as `charset` change nothing.
pub(super) fn check_kind(headers: &HeaderMap, wanted: &'static str) -> Result<(), Problem> {
    let said = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = said.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("the body has to be {wanted}")))
}

/// Whether the client means the session that is there, RFC 9110 section 13.1.1.
pub(super) fn check_match(headers: &HeaderMap, etag: &str) -> Result<(), Problem> {
    let mut meant = headers.get_all(IF_MATCH).iter().filter_map(|tags| tags.to_str().ok()).peekable();
    if meant.peek().is_none() {
        let text = "say with If-Match which ETag this is for, as it was in the answer to the POST";
        return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, text));
    }
    let matches = |tag: &str| tag.trim() == etag || matches!(tag.trim(), "*" | "\"*\"");
    if meant.any(|tags| tags.split(',').any(matches)) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "If-Match names another session than the one that is here"))
}

/// The body as text of at most so many bytes, if it comes in time.
pub(super) async fn read_body(request: Request<Body>, most_bytes: usize, within: Duration) -> Result<String, Problem> {
    let length = HttpBody::size_hint(request.body()).lower();
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body may have {most_bytes} bytes"));
    if usize::try_from(length).map_or(true, |length| length > most_bytes) {
        return Err(too_large());
    }
    let Ok(body) = timeout(within, to_bytes(request.into_body(), most_bytes)).await else {
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"));
    };
    let body = body.map_err(|_| too_large())?;
    String::from_utf8(body.into()).map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    fn status(outcome: Result<(), Problem>) -> u16 {
        outcome.err().map_or(204, |problem| problem.into_response().status().as_u16())
    }

    #[test]
    fn if_match_has_to_name_the_session() {
        for (tags, expected) in
            [(None, 428), (Some("\"1\""), 204), (Some("W/\"1\""), 412), (Some("\"2\", \"1\""), 204), (Some("*"), 204)]
        {
            let headers = tags.map(|tags| (IF_MATCH, tags.parse().expect("a value"))).into_iter().collect();
            assert_eq!(status(check_match(&headers, "\"1\"")), expected, "{tags:?}");
        }
    }

    #[test]
    fn the_kind_of_a_body_may_have_parameters() {
        for (kind, expected) in [("application/sdp", 204), ("Application/SDP; charset=utf-8", 204), ("text/plain", 415)] {
            let headers = [(CONTENT_TYPE, kind.parse().expect("a value"))].into_iter().collect();
            assert_eq!(status(check_kind(&headers, SDP)), expected, "{kind}");
        }
        assert_eq!(status(check_kind(&HeaderMap::new(), SDP)), 415);
    }
}
