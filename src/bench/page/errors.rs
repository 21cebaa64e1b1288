//! Plots of how wrong the coordinates are.

use super::figure::{Figure, Group, bias_px, groups, noise_px, reported};
use crate::bench::plots::{Axis, Chart, Division, Form, Line, Panel, Panels, Plot, Spot};
use crate::bench::results::{Cell, Results};

/// More lines than this are not told apart.
const MOST_LINES: usize = 12;

/// A panel's title and what it shows of a cell.
type Shown = (&'static str, fn(&Cell) -> Option<Figure>);

const SHOWN: [Shown; 3] =
    [("error, p95 (px)", |cell| reported(cell, "/error_px/p95")), ("bias (px)", bias_px), ("noise (px)", noise_px)];

/// The error against the bitrate, with bias and noise apart, if something was run with several bitrates.
pub(super) fn against_bitrate(results: &Results) -> Option<Plot> {
    let fixed = results.cells.iter().filter(|cell| cell.settings.fixed_kbps().is_some());
    let several = |cells: &[&Cell]| cells.iter().filter(|cell| SHOWN[0].1(cell).is_some()).count() > 1;
    let mut groups = groups(fixed, "bitrate", several);
    let left_out = groups.len().saturating_sub(MOST_LINES);
    groups.truncate(MOST_LINES);
    let panels: Vec<Panel> =
        SHOWN.iter().map(|shown| panel(shown, &groups)).filter(|panel| !panel.lines.is_empty()).collect();
    if panels.is_empty() {
        return None;
    }
    let rest = if left_out > 0 { format!(" {left_out} further combinations are in the table only.") } else { String::new() };
    Some(Plot {
        name: "error-bitrate".into(),
        title: "Error against bitrate".into(),
        caption: format!(
            "How far a coordinate is from the truth of the same frame. The error has two parts: its bias is systematic, the \
             same in every frame, and can be calibrated away; its noise changes from frame to frame and cannot. Marks are \
             medians of the runs, thin lines their range. Both axes are logarithmic.{rest}"
        ),
        chart: Chart::Panels(Panels {
            series: groups.into_iter().map(|(name, _)| name).collect(),
            columns: panels.len(),
            panels,
            share_x: false,
            share_y: true,
            height_px: 260.0,
        }),
    })
}

fn panel((title, of_cell): &Shown, groups: &[Group<'_>]) -> Panel {
    let line = |(series, (_, cells)): (usize, &Group<'_>)| {
        let spot = |cell: &&Cell| Some(spot(cell.settings.fixed_kbps()?, of_cell(cell)?));
        let mut spots: Vec<Spot> = cells.iter().filter_map(spot).collect();
        spots.sort_unstable_by(|one, other| one.x.total_cmp(&other.x));
        Line { series, form: Form::Marked, spots }
    };
    Panel {
        x: Axis { title: "bitrate asked for (kbit/s)".into(), division: Division::Log },
        y: Axis { title: (*title).into(), division: Division::Log },
        lines: groups.iter().enumerate().map(line).filter(|line| !line.spots.is_empty()).collect(),
        marks: Vec::new(),
    }
}

/// A figure over the runs as a point of a line.
pub(super) fn spot(x: f64, figure: Figure) -> Spot {
    Spot { x, y: figure.median, range: (figure.runs > 1).then_some((figure.low, figure.high)) }
}
