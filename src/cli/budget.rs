//! How old coordinates may be.

use std::time::Duration;

use clap::Args;

use super::values;

/// How old coordinates may be when they come back.
#[derive(Clone, Debug, Default, Args)]
pub struct BudgetOptions {
    /// Count coordinates that are older than this when they come: 50ms [default: not counted]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Run and report")]
    pub budget: Option<Duration>,
    /// Take those older than --budget for late: they are not measured
    #[arg(long, requires = "budget", help_heading = "Run and report")]
    pub budget_drop: bool,
}
