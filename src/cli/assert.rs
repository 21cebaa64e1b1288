//! `--assert` and `--junit` of `rebound send` and `rebound demo`.

use std::path::PathBuf;

use clap::Args;

use crate::assertion::{Assertion, Known};

/// What must hold of the report.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run and report")]
pub struct AssertConfig {
    /// Exit with code 3 unless this holds of the report, for example 'latency_ms.p99 < 16.7'; may be repeated
    #[arg(long = "assert", value_name = "EXPRESSION", value_parser = assertion, allow_hyphen_values = true)]
    pub assertions: Vec<Assertion>,
    /// Write which assertions hold as JUnit XML, for CI
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// An assertion about a sender's report; what no report has is refused before anything starts.
fn assertion(text: &str) -> Result<Assertion, String> {
    let assertion: Assertion = text.parse().map_err(|error: crate::assertion::AssertionError| error.to_string())?;
    Known::of_report().check(&assertion).map_err(|error| error.to_string())?;
    Ok(assertion)
}
