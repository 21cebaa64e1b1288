//! `rebound replay` and `rebound diff`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::values;
use crate::detect;

const REPLAY_EXAMPLES: &str = "\
Examples:
  rebound replay run.jsonl --late-after 100ms
  rebound replay run.jsonl --video run.mkv --detector naive --report naive.json";

const DIFF_EXAMPLES: &str = "\
Examples:
  rebound diff before.jsonl after.jsonl
  rebound diff before.json after.json --json | jq .figures";

/// What `rebound replay` does.
#[derive(Clone, Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub struct ReplayConfig {
    /// The trace: FILE.jsonl of --trace
    #[arg(value_name = "TRACE")]
    pub trace: PathBuf,
    /// Look at each frame of this recording again instead of taking what was seen from the trace
    #[arg(long, value_name = "FILE.mkv")]
    pub video: Option<PathBuf>,
    /// How the objects in the recording are looked for
    #[arg(long, value_name = "NAME", default_value = "ball", requires = "video",
        value_parser = PossibleValuesParser::new(detect::NAMES))]
    pub detector: String,
    /// Answers that took longer count as late [default: as in the run]
    #[arg(long, value_name = "TIME", value_parser = values::duration, conflicts_with = "video")]
    pub late_after: Option<Duration>,
    /// Write the report as JSON ('-': on stdout, instead of the table)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Pipelines and decoder table from this directory instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub pipelines: Option<PathBuf>,
}

/// What `rebound diff` does.
#[derive(Clone, Debug, Args)]
#[command(after_help = DIFF_EXAMPLES)]
pub struct DiffConfig {
    /// A report (--report) or a trace (--trace FILE.jsonl)
    #[arg(value_name = "A")]
    pub before: PathBuf,
    /// What it is compared with
    #[arg(value_name = "B")]
    pub after: PathBuf,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}
