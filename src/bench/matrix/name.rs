//! Names of cells: what tells them apart, and nothing else.

use super::file::{Axis, Values};

/// A name for each of these, made of the values that are not the same in all of them.
pub(super) fn tell_apart(cells: &[Values]) -> Vec<String> {
    let varies = |axis: Axis| cells.iter().any(|cell| cell.get(&axis) != cells[0].get(&axis));
    let axes: Vec<Axis> = Axis::ALL.into_iter().map(|(axis, _)| axis).filter(|axis| varies(*axis)).collect();
    let name = |cell: &Values| {
        let parts: Vec<String> = axes.iter().filter_map(|axis| Some(part(*axis, cell.get(axis)?))).collect();
        if parts.is_empty() { cell.get(&Axis::Encoder).cloned().unwrap_or_default() } else { parts.join(" ") }
    };
    cells.iter().map(name).collect()
}

fn part(axis: Axis, value: &str) -> String {
    match axis {
        Axis::Fps => format!("{value}fps"),
        Axis::Detector => format!("{value}-detector"),
        Axis::Fec => format!("fec-{value}"),
        Axis::Jitter => format!("jitter-{value}"),
        Axis::Receivers => format!("{value}-receivers"),
        _ => value.to_owned(),
    }
}
