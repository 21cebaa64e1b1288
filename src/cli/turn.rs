//! TURN servers that share a secret with the hub.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::ice::IceServer;
use super::values;

/// `turn:HOST[:PORT][?transport=udp|tcp]` or `turns:…`, without user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnUrl(String);

impl FromStr for TurnUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<TurnUrl, String> {
        let read = IceServer::with_credential(text, "user", "password").filter(|_| !text.contains('@'));
        match read {
            Some(IceServer::Turn { .. }) => Ok(TurnUrl(text.to_owned())),
            _ => {
                Err("write turn:HOST[:PORT][?transport=udp|tcp] or turns:HOST[:PORT], without user and password".to_owned())
            }
        }
    }
}

impl fmt::Display for TurnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The help of `--turn-url`; no comment, which would read the brackets as a link.
const TURN_URL_HELP: &str =
    "TURN server for which the hub makes everybody a password: turn:HOST[:PORT][?transport=udp|tcp]; may be repeated";

/// Passwords that the hub makes, by the scheme that coturn calls use-auth-secret.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network")]
pub struct TurnArgs {
    /// TURN servers for which the hub makes everybody a password.
    #[arg(help = TURN_URL_HELP, long = "turn-url", value_name = "URL")]
    pub turn_urls: Vec<TurnUrl>,
    /// File with the secret that those servers know: coturn's static-auth-secret
    #[arg(long, value_name = "FILE")]
    pub turn_secret_file: Option<PathBuf>,
    /// How long a password is good for; a sender gets one when it connects to the hub, and keeps it
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = values::duration)]
    pub turn_ttl: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_url_has_a_host_and_no_password() {
        for good in ["turn:relay.example", "turn:[::1]:3478?transport=tcp", "turns:relay.example:443"] {
            assert_eq!(good.parse().map(|url: TurnUrl| url.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "relay", "stun:relay", "turn:", "turn:a:b@relay", "turn:relay?transport=sctp"] {
            assert!(bad.parse::<TurnUrl>().is_err(), "{bad}");
        }
    }
}
