//! `--impair`, of sender and receiver.

use clap::Args;

use crate::impair::Impairment;

/// A bad network on purpose.
#[derive(Clone, Debug, Args)]
pub struct ImpairConfig {
    /// Make the network bad for all that goes out here: loss=5%,delay=20ms±5ms,rate=2mbit,queue=300ms,burst=8,reorder=1%,duplicate=1%,seed=7;
    /// wifi, lte, satellite or congested; over time: rate=4mbit; at=10s rate=1mbit; at=20s blackout; at=23s [default: nothing]
    #[arg(long, value_name = "SPEC", help_heading = "Network")]
    pub impair: Option<Impairment>,
}
