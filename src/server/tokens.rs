//! Tokens by the API: whoever shows a sender's token may have others made that are good for no more than that one.

use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::{Caller, bearer};
use crate::access::{Claims, TokenRole};
use crate::clock;
use crate::signalling::message::SessionId;

/// A wish with the longest session id has 150 bytes.
const MAX_BODY_BYTES: usize = 1024;

/// How long a token is good for if nothing is said, as with `rebound token`.
const USUALLY_GOOD_FOR_S: u64 = 3600;

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    session: Option<SessionId>,
    role: TokenRole,
    expires_in_s: Option<u64>,
}

/// `POST /api/tokens`.
pub(super) async fn make(Extension(caller): Extension<Caller>, request: Request<Body>) -> Response {
    match try_make(&caller, request).await {
        Ok(response) => response,
        Err((status, why)) => (status, why + "\n").into_response(),
    }
}

async fn try_make(caller: &Caller, request: Request<Body>) -> Result<Response, (StatusCode, String)> {
    let config = &caller.server.config;
    let Some(key) = &config.tokens else {
        return Err((StatusCode::NOT_FOUND, "this hub asks nobody for a token".into()));
    };
    let own = match bearer::claims(request.headers(), key) {
        Ok(own) => own,
        Err(refused) => return Ok(refused.into_response()),
    };
    let Ok(body) = timeout(config.head_within, to_bytes(request.into_body(), MAX_BODY_BYTES)).await else {
        return Err((StatusCode::REQUEST_TIMEOUT, "the body did not come in time".into()));
    };
    let body = body.map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, format!("the body may have {MAX_BODY_BYTES} bytes")))?;
    let wish: Wish = serde_json::from_slice(&body).map_err(|_| {
        let text =
            r#"say what it is for in JSON, for example {"role": "viewer", "session": "court-1", "expires_in_s": 3600}"#;
        (StatusCode::BAD_REQUEST, text.to_owned())
    })?;
    let expires_s = clock::since_1970().as_secs().saturating_add(wish.expires_in_s.unwrap_or(USUALLY_GOOD_FOR_S));
    let claims = own.pass_on(Claims { session: wish.session, role: wish.role, expires_s });
    let claims = claims.map_err(|why| (StatusCode::FORBIDDEN, why.to_string()))?;
    let Claims { session, role, expires_s } = &claims;
    let made = json!({"token": key.sign(&claims), "session": session, "role": role, "expires_s": expires_s}).to_string();
    let head = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, head, made).into_response())
}
