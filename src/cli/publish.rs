//! What `rebound serve` does for publishers.

use clap::Args;
use clap::builder::RangedU64ValueParser;

/// Who may publish.
#[derive(Clone, Debug, Args)]
pub struct PublishArgs {
    /// Most publishers at once, whose video this machine decodes, looks at and encodes; more are turned away, 0 takes none
    #[arg(long, value_name = "N", default_value = "4", value_parser = RangedU64ValueParser::<u32>::new().range(0..=1000),
        help_heading = "Limits")]
    pub max_publishers: u32,
}
