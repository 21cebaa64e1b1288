//! `rebound serve`.

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::access::AccessArgs;
use super::ice::{self, IceServer};
use super::publish::PublishArgs;
use super::tls::TlsArgs;
use super::turn::TurnArgs;
use super::values;

const EXAMPLES: &str = "\
Examples:
  rebound serve                              a hub on 127.0.0.1:3001
  rebound send --hub ws://127.0.0.1:3001 --session court-1
  rebound receive --hub ws://127.0.0.1:3001 --session court-1";

/// What `rebound serve` does. `config::load` hands it out checked: every value alone and against the others.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ServeConfig {
    /// Address to listen on; 0.0.0.0 lets other machines in
    #[arg(long, default_value = "127.0.0.1", value_parser = values::host, help_heading = "Server")]
    pub host: String,
    /// Port to listen on; 0 takes any free one and says which
    #[arg(long, value_name = "N", default_value_t = ServeConfig::DEFAULT_PORT, help_heading = "Server")]
    pub port: u16,
    /// Web pages of this origin may connect, besides those of this host and of loopback; may be repeated
    #[arg(long = "allow-origin", value_name = "ORIGIN", value_parser = values::origin, help_heading = "Server")]
    pub allow_origins: Vec<String>,
    /// The certificate.
    #[command(flatten, next_help_heading = "Server")]
    pub tls: TlsArgs,
    /// Who may come.
    #[command(flatten)]
    pub access: AccessArgs,

    /// Most sessions at once; more are turned away
    #[arg(long, value_name = "N", default_value = "1000", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000),
        help_heading = "Limits")]
    pub max_sessions: u32,
    /// Most receivers and viewers of one session; more are turned away
    #[arg(long, value_name = "N", default_value = "100", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000),
        help_heading = "Limits")]
    pub max_receivers: u32,
    /// Most connections at once; more are answered 503
    #[arg(long, value_name = "N", default_value = "4096", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000),
        help_heading = "Limits")]
    pub max_connections: u32,
    /// Publishers.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// How long a lost connection is waited for, with its session and place kept
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration, help_heading = "Limits")]
    pub grace: Duration,
    /// How long receivers and viewers may wait in a session that has no sender
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = values::duration, help_heading = "Limits")]
    pub max_wait: Duration,
    /// After SIGTERM or Ctrl-C nobody new is let in, and those who are here have this time to leave; 0 for none
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::duration_or_none, help_heading = "Limits")]
    pub drain: Duration,

    /// STUN and TURN servers for everybody, at most one of STUN.
    #[arg(long = "ice-server", value_name = "URL", help = ice::HELP, help_heading = "Network")]
    pub ice_servers: Vec<IceServer>,
    /// TURN servers with passwords of their own for everybody.
    #[command(flatten)]
    pub turn: TurnArgs,
}

impl ServeConfig {
    /// Where a hub listens unless told otherwise.
    pub const DEFAULT_PORT: u16 = 3001;
}
