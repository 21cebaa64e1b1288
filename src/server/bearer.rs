//! What a connection may do, by the token that it shows. A token is never written anywhere.

use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::ServerConfig;
use crate::access::{Claims, TokenKey};
use crate::clock;
use crate::signalling::hub::Access;

/// The subprotocol that is spoken. A browser that offers any has to be answered with one of them.
pub(super) const SUBPROTOCOL: &str = "rebound";

/// Before the token in a subprotocol: a browser's `WebSocket` can send no header of its own.
const TOKEN_SUBPROTOCOL: &str = "rebound.bearer.";

/// No token, or one that does not do.
#[derive(Debug)]
pub(super) struct Unauthorised {
    /// RFC 6750 section 3.
    pub(super) challenge: &'static str,
    pub(super) why: String,
}

impl IntoResponse for Unauthorised {
    fn into_response(self) -> Response {
        (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, self.challenge)], self.why + "\n").into_response()
    }
}

/// What this request's sender may do.
pub(super) fn access(headers: &HeaderMap, config: &ServerConfig) -> Result<Access, Unauthorised> {
    let Some(key) = &config.tokens else { return Ok(config.everybody.clone()) };
    claims(headers, key).map(|claims| claims.access())
}

/// What the token says that this request's sender shows.
pub(super) fn claims(headers: &HeaderMap, key: &TokenKey) -> Result<Claims, Unauthorised> {
    let Some(token) = authorization(headers).or_else(|| subprotocol(headers)) else {
        return Err(Unauthorised { challenge: "Bearer", why: "this hub wants a token; see 'rebound token'".into() });
    };
    let read = key.read(token, clock::since_1970());
    read.map_err(|why| Unauthorised { challenge: "Bearer error=\"invalid_token\"", why: why.to_string() })
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn subprotocol(headers: &HeaderMap) -> Option<&str> {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|list| list.split(',')).find_map(|one| one.trim().strip_prefix(TOKEN_SUBPROTOCOL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::TokenRole;

    fn answer(headers: &[(&str, &str)]) -> Result<Access, (StatusCode, String)> {
        let key = TokenKey::new(b"0123456789abcdef0123456789abcdef").expect("long enough");
        let token = |expires_s| key.sign(&Claims { session: None, role: TokenRole::Viewer, expires_s });
        let (good, old) = (token(u64::MAX), token(1));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: axum::http::HeaderName = name.parse().expect("a name");
            map.append(name, value.replace("GOOD", &good).replace("OLD", &old).parse().expect("a value"));
        }
        access(&map, &ServerConfig { tokens: Some(key), ..ServerConfig::default() }).map_err(|refused| {
            let response = refused.into_response();
            (response.status(), response.headers()[WWW_AUTHENTICATE].to_str().expect("text").to_owned())
        })
    }

    #[test]
    fn a_token_is_taken_from_the_header_or_the_subprotocol() {
        let viewer = Access { session: None, may_send: false, may_answer: false };
        for headers in [
            [("authorization", "Bearer GOOD")].as_slice(),
            &[("authorization", "bearer  GOOD")],
            &[("sec-websocket-protocol", "rebound, rebound.bearer.GOOD")],
            &[("sec-websocket-protocol", "rebound"), ("sec-websocket-protocol", "rebound.bearer.GOOD")],
        ] {
            assert_eq!(answer(headers), Ok(viewer.clone()), "{headers:?}");
        }
    }

    #[test]
    fn everything_else_is_answered_401_and_how_to_do_it() {
        let without: [&[(&str, &str)]; 4] =
            [&[], &[("authorization", "Basic GOOD")], &[("authorization", "GOOD")], &[("sec-websocket-protocol", "GOOD")]];
        for headers in without {
            assert_eq!(answer(headers), Err((StatusCode::UNAUTHORIZED, "Bearer".into())), "{headers:?}");
        }
        for headers in
            [("authorization", "Bearer OLD"), ("authorization", "Bearer x"), ("sec-websocket-protocol", "rebound.bearer.")]
        {
            let expected = "Bearer error=\"invalid_token\"".to_owned();
            assert_eq!(answer(&[headers]), Err((StatusCode::UNAUTHORIZED, expected)), "{headers:?}");
        }
    }

    #[test]
    fn a_hub_without_tokens_asks_for_none() {
        assert_eq!(access(&HeaderMap::new(), &ServerConfig::default()).expect("let in"), Access::everything());
    }
}
