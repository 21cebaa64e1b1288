//! What went wrong, for people and programs: RFC 9457.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::super::bearer::Unauthorised;
use crate::signalling::message::{ErrorCode, ErrorReport};

/// When a hub that is full may have room again: receivers come and go in seconds.
const RETRY_AFTER_S: &str = "5";

/// An answer that is none.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let busy = (status == StatusCode::SERVICE_UNAVAILABLE).then(|| (RETRY_AFTER, RETRY_AFTER_S.parse().ok()));
        let headers = busy.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Problem { status, detail: detail.into(), headers }
    }

    /// With a further header.
    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Problem {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The hub ends, or is gone.
    pub(super) fn ending() -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "this hub ends")
    }
}

impl From<ErrorReport> for Problem {
    fn from(ErrorReport { code, message, .. }: ErrorReport) -> Problem {
        let status = match code {
            ErrorCode::SdpRefused | ErrorCode::InvalidMessage | ErrorCode::ProtocolError => StatusCode::BAD_REQUEST,
            ErrorCode::NoCommonCodec => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorCode::Forbidden => StatusCode::FORBIDDEN,
            ErrorCode::SessionNeeded | ErrorCode::NoSender => StatusCode::NOT_FOUND,
            ErrorCode::SessionTaken => StatusCode::CONFLICT,
            ErrorCode::TooMany | ErrorCode::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Timeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, message)
    }
}

impl From<Unauthorised> for Problem {
    fn from(Unauthorised { challenge, why }: Unauthorised) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, why).with(WWW_AUTHENTICATE, challenge)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem { status, detail, headers } = self;
        let body = json!({"status": status.as_u16(), "title": status.canonical_reason(), "detail": detail}).to_string();
        let mut response = (status, [(CONTENT_TYPE, "application/problem+json")], body + "\n").into_response();
        response.headers_mut().extend(headers);
        response
    }
}
