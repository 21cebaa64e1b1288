//! The results in a table on the terminal.

use std::fmt::Write as _;

use serde_json::Value;

use super::results::{Cell, Results, Run};

/// A column: its head, its width, and its figure of a run.
type Column = (&'static str, usize, fn(&Run) -> Option<String>);

const COLUMNS: [Column; 6] = [
    ("matched %", 10, |run| Some(format!("{:.2}", 100.0 * of(run, "/frames/matched")? / of(run, "/frames/produced")?))),
    ("p50 ms", 8, |run| Some(format!("{:.2}", of(run, "/latency_ms/p50")?))),
    ("p95 ms", 8, |run| Some(format!("{:.2}", of(run, "/latency_ms/p95")?))),
    ("err p95 px", 11, |run| Some(format!("{:.3}", of(run, "/error_px/p95")?))),
    ("kbit/s", 8, |run| Some(format!("{:.0}", of(run, "/bitrate_kbps")?))),
    ("cpu s/1000", 11, |run| Some(format!("{:.2}", run.cost.sender?.cpu_s_per_1000_frames))),
];

fn of(run: &Run, pointer: &str) -> Option<f64> {
    run.report.as_ref()?.pointer(pointer).and_then(Value::as_f64)
}

/// One line for each run.
pub(super) fn text(results: &Results) -> String {
    let width = results.cells.iter().map(|cell| label(cell, None).chars().count() + 3).max().unwrap_or(0).max(8);
    let mut text = format!("\n{:<width$}", "cell");
    for (head, column, _) in COLUMNS {
        let _ = write!(text, "{head:>column$}");
    }
    text.push('\n');
    for cell in &results.cells {
        for run in &cell.runs {
            let _ = write!(text, "{:<width$}", label(cell, Some(run)));
            match &run.failed {
                Some(why) => text.push_str(&format!("  failed: {why}")),
                None => COLUMNS.iter().for_each(|(_, column, figure)| {
                    let _ = write!(text, "{:>column$}", figure(run).unwrap_or_else(|| "-".to_owned()));
                }),
            }
            text.push('\n');
        }
    }
    text
}

fn label(cell: &Cell, run: Option<&Run>) -> String {
    match run {
        Some(run) if cell.runs.len() > 1 => format!("{} #{}", cell.name, run.repeat),
        _ => cell.name.clone(),
    }
}
