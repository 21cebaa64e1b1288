//! Tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA256, that say who may come into which session, and for how long.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::signalling::hub::Access;
use crate::signalling::message::SessionId;

/// RFC 7518 section 3.2: a key of HMAC-SHA256 has at least as many bits as its result.
pub const LEAST_SECRET_BYTES: usize = 32;

/// The longest text that is looked at: a token with the longest session id has 250 bytes.
const MAX_TOKEN_BYTES: usize = 1024;

/// What the owner of a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum TokenRole {
    /// Opens the session, and may watch it.
    Sender,
    /// Watches, and sends coordinates back.
    Receiver,
    /// Watches.
    Viewer,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The only session it is good for; every session if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What its owner is.
    pub role: TokenRole,
    /// From when on it counts for nothing, in seconds since 1970 (RFC 7519 section 4.1.4).
    #[serde(rename = "exp")]
    pub expires_s: u64,
}

impl Claims {
    /// What a connection with this token may do.
    pub fn access(&self) -> Access {
        let (may_send, may_answer) = (self.role == TokenRole::Sender, self.role == TokenRole::Receiver);
        Access { session: self.session.clone(), may_send, may_answer }
    }

    /// What a token may say that the owner of this one has made for somebody: nothing that this one does not.
    pub fn pass_on(&self, wanted: Claims) -> Result<Claims, Overreach> {
        if self.role != TokenRole::Sender {
            return Err(Overreach::NotASender);
        }
        let session = match (&self.session, wanted.session) {
            (Some(own), Some(other)) if *own != other => return Err(Overreach::OtherSession(own.clone())),
            (own, other) => other.or_else(|| own.clone()),
        };
        Ok(Claims { session, role: wanted.role, expires_s: wanted.expires_s.min(self.expires_s) })
    }
}

/// Why a token is not made for the owner of another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overreach {
    /// Receivers and viewers let nobody in.
    #[error("only with a sender's token can others be made")]
    NotASender,
    /// Its own is for one session.
    #[error("your token is good for session '{0}' only, and so is what is made with it")]
    OtherSession(SessionId),
}

/// Why a text opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token, or one that somebody else signed.
    #[error("this is no token of this hub")]
    Foreign,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

/// A secret that is too easy to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has {0} bytes, and a secret has at least {LEAST_SECRET_BYTES}; make one with: openssl rand -hex 32")]
pub struct ShortSecret(usize);

/// Makes tokens, and tells its own from others.
#[derive(Clone)]
pub struct TokenKey {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl TokenKey {
    /// Of a secret of at least [`LEAST_SECRET_BYTES`].
    pub fn new(secret: &[u8]) -> Result<TokenKey, ShortSecret> {
        if secret.len() < LEAST_SECRET_BYTES {
            return Err(ShortSecret(secret.len()));
        }
        Ok(TokenKey { signing: EncodingKey::from_secret(secret), checking: DecodingKey::from_secret(secret) })
    }

    /// A token that says this.
    pub fn sign(&self, claims: &Claims) -> String {
        encode(&Header::new(Algorithm::HS256), claims, &self.signing).expect("plain claims, and a secret fit for HMAC")
    }

    /// What a token says, if it is one of this key. `now` is the time since 1970.
    pub fn read(&self, token: &str, now: Duration) -> Result<Claims, TokenError> {
        // The time is not read in here.
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Foreign);
        }
        let claims: Claims = decode(token, &self.checking, &rules).map_err(|_| TokenError::Foreign)?.claims;
        if claims.expires_s <= now.as_secs() { Err(TokenError::Expired) } else { Ok(claims) }
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
    const NOW: Duration = Duration::from_secs(1_000);

    fn key() -> TokenKey {
        TokenKey::new(SECRET).expect("long enough")
    }

    fn claims(role: TokenRole) -> Claims {
        Claims { session: Some("court-1".parse().expect("an id")), role, expires_s: 1_001 }
    }

    #[test]
    fn a_token_says_what_was_signed_until_it_expires() {
        let token = key().sign(&claims(TokenRole::Sender));
        assert_eq!(key().read(&token, NOW), Ok(claims(TokenRole::Sender)));
        assert_eq!(key().read(&token, NOW + Duration::from_secs(1)), Err(TokenError::Expired));
        assert!(token.len() < MAX_TOKEN_BYTES / 2);
    }

    #[test]
    fn each_role_may_do_its_part_in_its_session_and_no_more() {
        for (role, may_send, may_answer) in
            [(TokenRole::Sender, true, false), (TokenRole::Receiver, false, true), (TokenRole::Viewer, false, false)]
        {
            let session = claims(role).session;
            assert_eq!(claims(role).access(), Access { session, may_send, may_answer });
        }
    }

    #[test]
    fn the_token_of_another_tool_is_read_as_rfc_7515_has_it() {
        // Made with Python: hmac.new(SECRET, head + "." + body, sha256).
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let body = URL_SAFE_NO_PAD.encode(r#"{"role":"viewer","exp":1001,"iat":5}"#);
        let token = format!("{head}.{body}.TyqYow06giibsgM3TgS1CJmuuvc81nqV-luV8RwzoDU");
        let any = Claims { session: None, role: TokenRole::Viewer, expires_s: 1_001 };
        assert_eq!(key().read(&token, NOW), Ok(any));
    }

    #[test]
    fn what_another_key_signed_and_what_nobody_signed_is_foreign() {
        let other = TokenKey::new(b"another secret that is long enough").expect("long enough");
        assert_eq!(key().read(&other.sign(&claims(TokenRole::Sender)), NOW), Err(TokenError::Foreign));
        let good = key().sign(&claims(TokenRole::Viewer));
        let (_, body_and_signature) = good.split_once('.').expect("three parts");
        let (body, _) = body_and_signature.split_once('.').expect("three parts");
        for head in [r#"{"alg":"none"}"#, r#"{"alg":"HS512","typ":"JWT"}"#, r#"{"alg":"RS256"}"#] {
            let head = URL_SAFE_NO_PAD.encode(head);
            for forged in [format!("{head}.{body}."), format!("{head}.{body_and_signature}")] {
                assert_eq!(key().read(&forged, NOW), Err(TokenError::Foreign), "{forged}");
            }
        }
    }

    #[test]
    fn what_is_passed_on_is_no_more_than_what_one_has() {
        let id = |text: &str| Some(text.parse().expect("an id"));
        let wanted = |session, expires_s| Claims { session, role: TokenRole::Viewer, expires_s };
        let own = claims(TokenRole::Sender);
        assert_eq!(own.pass_on(wanted(None, 900)), Ok(wanted(id("court-1"), 900)));
        assert_eq!(own.pass_on(wanted(id("court-1"), u64::MAX)), Ok(wanted(id("court-1"), 1_001)));
        assert_eq!(own.pass_on(wanted(id("court-2"), 900)), Err(Overreach::OtherSession("court-1".parse().expect("an id"))));
        let everywhere = Claims { session: None, ..claims(TokenRole::Sender) };
        assert_eq!(everywhere.pass_on(wanted(id("court-2"), 900)), Ok(wanted(id("court-2"), 900)));
        for role in [TokenRole::Receiver, TokenRole::Viewer] {
            assert_eq!(claims(role).pass_on(wanted(None, 900)), Err(Overreach::NotASender));
        }
    }

    #[test]
    fn a_session_that_is_no_id_and_a_role_that_is_none_are_foreign() {
        for claims in [
            serde_json::json!({"session": "../x", "role": "viewer", "exp": 2000}),
            serde_json::json!({"session": null, "role": "king", "exp": 2000}),
            serde_json::json!({"role": "viewer"}),
            serde_json::json!({"role": "viewer", "exp": -1}),
        ] {
            let token = encode(&Header::new(Algorithm::HS256), &claims, &key().signing).expect("signed");
            assert_eq!(key().read(&token, NOW), Err(TokenError::Foreign), "{claims}");
        }
    }

    #[test]
    fn a_short_secret_is_refused_and_none_is_shown() {
        assert_eq!(TokenKey::new(&SECRET[1..]).map(|_| ()), Err(ShortSecret(31)));
        assert!(!format!("{:?}", key()).contains("0123"));
    }

    proptest! {
        #[test]
        fn a_token_that_was_changed_opens_nothing(at in 0_usize..150, to in "[A-Za-z0-9_.-]") {
            let mut token = key().sign(&claims(TokenRole::Viewer));
            let at = at % token.len();
            prop_assume!(token[at..=at] != to);
            // The last letter of each part carries bits that mean nothing.
            let end_of_part = token[at + 1..].is_empty() || token[at + 1..].starts_with('.');
            prop_assume!(!end_of_part);
            token.replace_range(at..=at, &to);
            prop_assert_eq!(key().read(&token, NOW), Err(TokenError::Foreign));
        }

        #[test]
        fn any_text_is_read(text in any::<String>()) {
            prop_assert!(key().read(&text, NOW).is_err());
        }
    }
}
