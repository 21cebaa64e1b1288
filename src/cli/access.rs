//! Who may come to a hub.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values;
use crate::access::TokenRole;
use crate::signalling::message::SessionId;

const EXAMPLES: &str = "\
Examples:
  openssl rand -hex 32 > hub.secret
  rebound serve --host 0.0.0.0 --auth token --secret-file hub.secret
  rebound token --secret-file hub.secret --session court-1 --role sender > sender.token
  rebound send --hub ws://hub:3001 --session court-1 --token-file sender.token";

/// What a hub asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// Everybody may come.
    None,
    /// Whoever shows a token of `rebound token`.
    Token,
}

/// `rebound serve`'s part.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessArgs {
    /// Who may come: 'none' asks nothing, 'token' wants a token made by `rebound token`
    #[arg(long, value_name = "HOW", default_value = "none")]
    pub auth: Auth,
    /// File with the secret that tokens are signed with: at least 32 bytes
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Let other machines in (--host) although nobody is asked for a token
    #[arg(long)]
    pub insecure: bool,
}

/// `rebound token`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TokenConfig {
    /// File with the secret of the hub
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// The only session that it is good for [default: every session]
    #[arg(long, value_name = "ID")]
    pub session: Option<SessionId>,
    /// What its owner is: a sender opens the session, a receiver answers, a viewer watches
    #[arg(long, value_name = "ROLE", default_value = "viewer")]
    pub role: TokenRole,
    /// How long it is good for: 10m, 1h, 30d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = values::duration)]
    pub expires: Duration,
}
