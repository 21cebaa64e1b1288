//! Passwords for a TURN server that expire by themselves: "A REST API For Access To TURN Services"
//! (draft-uberti-behave-turn-rest-00 section 2.2), which coturn calls `use-auth-secret`.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// The secret that is shared with the TURN server.
#[derive(Clone)]
pub struct TurnKey {
    mac: Hmac<Sha1>,
}

/// What one user shows to the TURN server.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnCredential {
    /// `EXPIRY:USER`, the first in seconds since 1970.
    pub username: String,
    /// base64(HMAC-SHA1(secret, username)).
    pub password: String,
}

impl TurnKey {
    /// Of the text that coturn calls `static-auth-secret`.
    pub fn new(secret: &[u8]) -> TurnKey {
        TurnKey { mac: Hmac::new_from_slice(secret).expect("HMAC takes keys of any length") }
    }

    /// For this user until `expires`, the time since 1970.
    pub fn credential(&self, user: &str, expires: Duration) -> TurnCredential {
        let username = format!("{}:{user}", expires.as_secs());
        let digest = self.mac.clone().chain_update(&username).finalize().into_bytes();
        TurnCredential { username, password: STANDARD.encode(digest) }
    }
}

impl fmt::Debug for TurnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The password was made with: printf 1433895918:receiver-1 | openssl dgst -binary -sha1 -hmac north | base64
    #[test]
    fn credentials_are_those_that_openssl_makes() {
        let made = TurnKey::new(b"north").credential("receiver-1", Duration::from_millis(1_433_895_918_900));
        assert_eq!(
            (made.username.as_str(), made.password.as_str()),
            ("1433895918:receiver-1", "+dVvrZpG3XzTTR4WAVhX76V/WC0=")
        );
    }
}
