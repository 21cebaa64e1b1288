//! How far a benchmark is, for whoever waits for it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::matrix::PlannedCell;
use super::results::Run;

/// What starting and ending the processes of a run takes beside the run itself: the trial of the encoder, connecting, the last
/// coordinates.
const AROUND_A_RUN_S: f64 = 2.0;

/// How often the bar is drawn: the time left is told in seconds.
const REDRAW: Duration = Duration::from_millis(500);

/// A bar on a terminal, and a line for each run in any case.
pub(super) struct Progress {
    bar: ProgressBar,
    quiet: bool,
}

impl Progress {
    pub(super) fn new<'a>(runs: impl Iterator<Item = &'a PlannedCell>, quiet: bool) -> Progress {
        let seconds: f64 = runs.map(lasts).sum();
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(seconds.round() as u64) };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %, {eta} left: {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(REDRAW);
        Progress { bar, quiet }
    }

    pub(super) fn begin(&self, name: &str) {
        self.bar.set_message(name.to_owned());
    }

    pub(super) fn end(&self, cell: &PlannedCell, run: &Run) {
        self.bar.inc(lasts(cell).round() as u64);
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{} #{}: {}", cell.name, run.repeat, outcome(run)));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn lasts(cell: &PlannedCell) -> f64 {
    cell.seconds() + AROUND_A_RUN_S
}

fn outcome(run: &Run) -> String {
    if let Some(why) = &run.failed {
        return format!("failed: {why}");
    }
    let number = |pointer: &str| run.report.as_ref().and_then(|report| report.pointer(pointer)?.as_f64());
    let shown = |pointer: &str, digits| number(pointer).map_or("-".to_owned(), |number| format!("{number:.digits$}"));
    let missed = run.assertions.iter().filter(|checked| !checked.holds).count();
    let missed = match missed {
        0 => String::new(),
        1 => ", 1 assertion missed".to_owned(),
        several => format!(", {several} assertions missed"),
    };
    let (p50, p95, error) = (shown("/latency_ms/p50", 2), shown("/latency_ms/p95", 2), shown("/error_px/p95", 3));
    format!("latency p50 {p50} p95 {p95} ms, error p95 {error} px{missed}")
}
