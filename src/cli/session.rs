//! Where a sender and its receivers find each other.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::tls::TrustArgs;
use super::{Secret, values};
use crate::signalling::message::SessionId;

/// The hub, and the session there.
#[derive(Clone, Debug, Default, Args)]
pub struct SessionArgs {
    /// Meet at this hub (`rebound serve`), for example ws://192.168.1.7:3001
    #[arg(long, value_name = "URL", value_parser = values::signalling_url, help_heading = "Session")]
    pub hub: Option<Url>,
    /// Name of the session: 1 to 64 letters, digits, '_' and '-' [default: a new one for a sender, the only one for a receiver]
    #[arg(long, value_name = "ID", help_heading = "Session")]
    pub session: Option<SessionId>,
    /// File with the token that the hub asks for [default: the token in the environment variable REBOUND_TOKEN]
    #[arg(long, value_name = "FILE", help_heading = "Session")]
    pub token_file: Option<PathBuf>,
    /// Whose certificate the hub may have.
    #[command(flatten, next_help_heading = "Session")]
    pub trust: TrustArgs,
    /// What stands in the file or in the variable.
    #[arg(skip)]
    pub token: Option<Secret>,
}
