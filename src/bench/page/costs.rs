//! Plots of what the loop costs.

use super::errors::spot;
use super::figure::{Figure, Group, figure, groups, mean, receiver_cpu, reported, sender_cpu};
use crate::bench::plots::{Axis, Bar, Bars, Chart, Division, Form, Line, Panel, Panels, Plot, Spot};
use crate::bench::results::{Cell, Results};

/// More bars than this are not looked through; the table has them all.
const MOST_BARS: usize = 40;
/// More lines than this are not told apart.
const MOST_LINES: usize = 7;

/// Processor time for each frame.
pub(super) fn cpu(results: &Results) -> Option<Plot> {
    let bar = |cell: &Cell| {
        let parts = [sender_cpu(cell), receiver_cpu(cell)].map(|figure| figure.map_or(0.0, |figure| figure.median));
        parts.iter().any(|part| *part > 0.0).then(|| Bar { name: cell.name.clone(), parts: parts.to_vec() })
    };
    let bars: Vec<Bar> = results.cells.iter().filter_map(bar).take(MOST_BARS).collect();
    (!bars.is_empty()).then(|| Plot {
        name: "cpu".into(),
        title: "What a frame costs".into(),
        caption: "Processor time of the processes for each frame: drawing the scene and encoding in the sender, decoding and \
                  detecting in a receiver (with several receivers: of one of them, on average). As many ms for a frame as seconds for a \
                  thousand frames."
            .into(),
        chart: Chart::Bars(Bars {
            title: "processor time (ms for each frame)".into(),
            unit: "ms".into(),
            parts: vec!["sender".into(), "a receiver".into()],
            bars,
        }),
    })
}

/// A panel's title and what it shows of a cell.
type Shown = (&'static str, fn(&Cell) -> Option<Figure>);

const SHOWN: [Shown; 4] = [
    ("sender's processors (% of one)", |cell| figure(cell, |run| run.cost.sender.map(|cost| cost.cores * 100.0))),
    ("sender's memory (MB)", |cell| figure(cell, |run| run.cost.sender.map(|cost| cost.max_rss_mb))),
    ("a receiver's processors (% of one)", |cell| {
        figure(cell, |run| mean(run.cost.receivers.iter().map(|cost| cost.cores * 100.0)))
    }),
    ("latency, p95 (ms)", |cell| reported(cell, "/latency_ms/p95")),
];

/// What more receivers cost, if something was run with different numbers of them.
pub(super) fn scale(results: &Results) -> Option<Plot> {
    let several = |cells: &[&Cell]| cells.iter().filter(|cell| SHOWN[0].1(cell).is_some()).count() > 1;
    let mut groups = groups(results.cells.iter(), "receivers", several);
    groups.truncate(MOST_LINES);
    let panels: Vec<Panel> =
        SHOWN.iter().map(|shown| panel(shown, &groups)).filter(|panel| !panel.lines.is_empty()).collect();
    (!groups.is_empty()).then(|| Plot {
        name: "scale".into(),
        title: "What more receivers cost".into(),
        caption:
            "One sender, one encoder, several receivers, all on the same machine. Marks are medians of the runs, thin lines \
                  their range."
                .into(),
        chart: Chart::Panels(Panels {
            series: groups.into_iter().map(|(name, _)| name).collect(),
            panels,
            columns: 2,
            share_x: false,
            share_y: false,
            height_px: 180.0,
        }),
    })
}

fn panel((title, of_cell): &Shown, groups: &[Group<'_>]) -> Panel {
    let line = |(series, (_, cells)): (usize, &Group<'_>)| {
        let spot = |cell: &&Cell| Some(spot(f64::from(cell.settings.receivers), of_cell(cell)?));
        let mut spots: Vec<Spot> = cells.iter().filter_map(spot).collect();
        spots.sort_unstable_by(|one, other| one.x.total_cmp(&other.x));
        Line { series, form: Form::Marked, spots }
    };
    Panel {
        x: Axis { title: "receivers".into(), division: Division::FromZero },
        y: Axis { title: (*title).into(), division: Division::FromZero },
        lines: groups.iter().enumerate().map(line).filter(|line| !line.spots.is_empty()).collect(),
        marks: Vec::new(),
    }
}
