//! `rebound diff`: two runs side by side.
//!
//! Both are reports in the end: a trace is scored again first. Where both are traces of the same scene, their frames are compared too.

mod figures;
mod frames;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::cli::{DiffConfig, ExitCode};
use crate::logging::print_out;
use crate::replay;
use crate::report::Report;
use crate::trace::Trace;

use figures::Figure;
use frames::FrameChanges;

/// Why two files cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// A file is not there, or not to be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// JSON, but no report.
    #[error("{} is no report of rebound; give what --report or --trace FILE.jsonl wrote", .0.display())]
    NotAReport(PathBuf),
}

/// What two runs differ in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Figures of the reports.
    pub figures: Vec<Figure>,
    /// Frame by frame; only for two traces of the same scene.
    pub frames: Option<FrameChanges>,
}

/// One of the two.
struct Side {
    report: Value,
    trace: Option<Trace>,
}

/// Compares two files and prints what differs.
pub fn run(config: &DiffConfig) -> anyhow::Result<ExitCode> {
    let (before, after) = (side(&config.before)?, side(&config.after)?);
    let frames = before.trace.as_ref().zip(after.trace.as_ref()).and_then(|(before, after)| frames::compare(before, after));
    let difference = Difference { figures: figures::compare(&before.report, &after.report), frames };
    let text = if config.json {
        serde_json::to_string_pretty(&difference)? + "\n"
    } else {
        let frames = difference.frames.as_ref().map(ToString::to_string).unwrap_or_default();
        figures::table(&difference.figures) + &frames
    };
    print_out(&text)?;
    Ok(ExitCode::Ok)
}

/// A report is one JSON object; everything else is read as a trace.
fn side(path: &Path) -> anyhow::Result<Side> {
    let is_trace = path.extension().is_some_and(|extension| extension == "jsonl");
    if !is_trace {
        let text = std::fs::read(path).map_err(|source| DiffError::Unreadable { path: path.to_owned(), source })?;
        let report: Value = serde_json::from_slice(&text).map_err(|_| DiffError::NotAReport(path.to_owned()))?;
        if !report["frames"]["matched"].is_u64() {
            return Err(DiffError::NotAReport(path.to_owned()).into());
        }
        return Ok(Side { report, trace: None });
    }
    let trace = replay::open(path)?;
    if let Some(gaps) = trace.gaps() {
        tracing::warn!("the trace {} is not complete: {gaps}", path.display());
    }
    let report = Report { run: replay::run_info(&trace, Vec::new()), totals: replay::rescored(&trace, None)? };
    Ok(Side { report: serde_json::to_value(&report)?, trace: Some(trace) })
}
