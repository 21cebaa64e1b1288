//! The calibration for people.

use super::Calibration;
use crate::report::Spread;

/// A table, with a newline at the end of each line.
pub(super) fn table(calibration: &Calibration) -> String {
    let Calibration { clock, wake_up_ms, loop_ms, scenes } = calibration;
    let mut lines = format!("clock        {:.0} ns to read, steps of {} ns\n\n", clock.read_ns, clock.resolution_ns);
    lines += "                       p50       p95       p99       max\n";
    lines += &row("woken late", wake_up_ms, 3, "ms");
    lines += &row("loop in memory", loop_ms, 3, "ms");
    for floor in scenes {
        lines += &row(&format!("error {}", floor.scene), &floor.error_px, 4, "px");
    }
    lines
}

fn row(name: &str, spread: &Spread, decimals: usize, unit: &str) -> String {
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.decimals$}"));
    let cells = [spread.p50, spread.p95, spread.p99, spread.max].map(|value| format!("{:>10}", figure(value))).concat();
    format!("{name:<16}{cells}  {unit}\n")
}
