//! Where a sender and its receivers find each other.

use clap::Args;
use url::Url;

use super::values;
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
}
