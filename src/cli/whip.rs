//! Servers of other people that a role goes to instead of a hub.

use clap::Args;
use url::Url;

use super::values;

/// `rebound send`'s part.
#[derive(Clone, Debug, Default, Args)]
pub struct WhipArgs {
    /// Publish to this WHIP server instead of letting receivers in, for example https://HOST/court-1/whip; its token as
    /// for a hub
    #[arg(long, value_name = "URL", value_parser = values::server_url, conflicts_with_all = ["hub", "session"],
        help_heading = "Session")]
    pub whip: Option<Url>,
}

/// `rebound receive`'s part.
#[derive(Clone, Debug, Default, Args)]
pub struct WhepArgs {
    /// Receive from this WHEP server instead of a sender, for example https://HOST/court-1/whep; its token as for a hub
    #[arg(long, value_name = "URL", value_parser = values::server_url, conflicts_with_all = ["url", "hub", "session"],
        help_heading = "Session")]
    pub whep: Option<Url>,
}
