//! Plots of how late the coordinates are.

use super::figure::{Differences, Group, groups, mean, setting};
use crate::bench::plots::{Axis, Bar, Bars, Chart, Division, Form, Line, Mark, Panel, Panels, Plot, Spot};
use crate::bench::results::{Cell, Digest, Point, Results, StageFigures};

/// What is compared in a panel: the first of these that differs at all.
const COMPARED: [&str; 5] = ["encoder", "network", "bitrate", "receivers", "channel"];
/// More panels than this are not looked through.
const MOST_PANELS: usize = 12;
/// More bars than this are not looked through; the table has them all.
const MOST_BARS: usize = 40;
/// More plots over time than this are not looked through; the raw samples have them all.
const MOST_OVER_TIME: usize = 12;
/// Points of a distribution's line: one for each 3 px.
const MOST_POINTS: usize = 300;

/// The stages in the order in which a frame goes through them.
pub(super) const STAGES: [&str; 6] = ["encode", "send", "there", "decode", "detect", "return"];

/// The stages' figures in that order.
fn stages(figures: &StageFigures) -> [Option<f64>; 6] {
    let StageFigures { encode, send, there, decode, detect, back } = *figures;
    [encode, send, there, decode, detect, back]
}

/// How the latency is distributed: a line for each run, a panel for each group of cells that are worth comparing.
pub(super) fn distribution(results: &Results) -> Option<Plot> {
    let measured = || results.cells.iter().filter(|cell| !curves(cell).is_empty());
    let differences = Differences::of(&measured().collect::<Vec<_>>());
    let differs = |name: &&&str| differences.differing.iter().any(|(differing, _)| differing == *name);
    let compared = COMPARED.iter().find(differs).unwrap_or(&COMPARED[0]);
    let mut series: Vec<String> = Vec::new();
    let mut groups = groups(measured(), compared, |_| true);
    let left_out = groups.len().saturating_sub(MOST_PANELS);
    groups.truncate(MOST_PANELS);
    let alone = groups.len() == 1;
    let panels: Vec<Panel> = groups.iter().map(|group| panel(group, compared, &mut series, alone)).collect();
    let rest = if left_out > 0 { format!(" {left_out} further combinations are in the table only.") } else { String::new() };
    (!panels.is_empty()).then(|| Plot {
        name: "latency".into(),
        title: "Latency".into(),
        caption: format!(
            "How many of the answered frames were answered within how many milliseconds, from their production to the arrival \
             of their coordinates; a line for each run. The further left and the steeper, the better; what bends to the right \
             at the top are the late ones.{rest}"
        ),
        chart: Chart::Panels(Panels {
            series,
            columns: panels.len().min(3),
            panels,
            share_x: true,
            share_y: true,
            height_px: if alone { 300.0 } else { 170.0 },
        }),
    })
}

fn curves(cell: &Cell) -> Vec<&[f64]> {
    let digests = cell.good_runs().filter_map(|run| run.digest.as_ref());
    digests.map(|digest| digest.latency_quantiles_ms.as_slice()).filter(|quantiles| quantiles.len() > 1).collect()
}

fn panel((name, cells): &Group<'_>, compared: &str, series: &mut Vec<String>, alone: bool) -> Panel {
    let mut lines = Vec::new();
    for cell in cells {
        let compared = setting(cell, compared);
        let at = series.iter().position(|other| *other == compared).unwrap_or(series.len());
        if at == series.len() {
            series.push(compared);
        }
        lines.extend(curves(cell).into_iter().map(|quantiles| Line {
            series: at,
            form: Form::Curve,
            spots: cumulative(quantiles),
        }));
    }
    let title = if alone { "answered frames (%)".into() } else { format!("{name} (% of answered)") };
    Panel {
        x: Axis { title: "latency (ms), logarithmic".into(), division: Division::Log },
        y: Axis { title, division: Division::FromZero },
        lines,
        marks: Vec::new(),
    }
}

/// Evenly spaced quantiles as a line, thinned out but with both ends.
fn cumulative(quantiles: &[f64]) -> Vec<Spot> {
    let last = quantiles.len() - 1;
    let every = quantiles.len().div_ceil(MOST_POINTS);
    let spot = |at: usize| Spot::at(quantiles[at], at as f64 / last as f64 * 100.0);
    (0..last).step_by(every).chain([last]).map(spot).collect()
}

/// Where the latency comes from.
pub(super) fn waterfall(results: &Results) -> Option<Plot> {
    let bars: Vec<Bar> = results.cells.iter().filter_map(waterfall_bar).take(MOST_BARS).collect();
    let parts = STAGES.map(String::from).to_vec();
    (!bars.is_empty()).then(|| Plot {
        name: "waterfall".into(),
        title: "Where the latency comes from".into(),
        caption:
            "The stages that a frame goes through, one after the other; means over all answered frames, because means add \
                  up and medians do not. A mean is above the median where some frames are very late."
                .into(),
        chart: Chart::Bars(Bars { title: "mean time (ms)".into(), unit: "ms".into(), parts, bars }),
    })
}

fn waterfall_bar(cell: &Cell) -> Option<Bar> {
    let digests: Vec<&Digest> = cell.good_runs().filter_map(|run| run.digest.as_ref()).collect();
    let part = |at: usize| mean(digests.iter().filter_map(|digest| stages(&digest.stages_mean_ms)[at])).unwrap_or_default();
    let parts: Vec<f64> = (0..STAGES.len()).map(part).collect();
    parts.iter().any(|part| *part > 0.0).then(|| Bar { name: cell.name.clone(), parts })
}

/// What happens while the network changes: a plot for each cell in which it does.
pub(super) fn over_time(results: &Results) -> Vec<Plot> {
    let changing = results.cells.iter().filter(|cell| changes(cell));
    let plots =
        changing.filter_map(|cell| cell.good_runs().find_map(|run| run.digest.as_ref()).map(|digest| (cell, digest)));
    let drawn = plots.filter(|(_, digest)| digest.series.len() > 1).take(MOST_OVER_TIME).enumerate();
    drawn.map(|(at, (cell, digest))| over_time_of(at, cell, digest)).collect()
}

fn changes(cell: &Cell) -> bool {
    let network = &cell.settings.network;
    let timeline = [&network.there, &network.back].into_iter().flatten().any(|impairment| impairment.contains("at="));
    timeline || !cell.settings.phases.is_empty() || cell.settings.bitrate.starts_with("auto:")
}

/// A panel's title and its lines: the series' index and what it shows of a stretch of time.
type Shown = (&'static str, &'static [(usize, fn(&Point) -> Option<f64>)]);

const SHOWN: [Shown; 3] = [
    ("latency (ms)", &[(0, |point| point.latency_p50_ms), (1, |point| point.latency_p95_ms)]),
    ("bitrate (kbit/s)", &[(2, |point| Some(point.kbps))]),
    ("matched (%)", &[(3, |point| (point.frames > 0).then(|| point.matched as f64 / point.frames as f64 * 100.0))]),
];

fn over_time_of(at: usize, cell: &Cell, digest: &Digest) -> Plot {
    let marks: Vec<Mark> =
        cell.settings.phases.iter().map(|phase| Mark { x: phase.from_s, label: phase.name.clone() }).collect();
    // Told once, above all.
    let named = |first: bool| {
        marks.iter().map(move |mark| Mark { label: if first { mark.label.clone() } else { String::new() }, ..*mark })
    };
    let panel = |(at, (title, lines)): (usize, &Shown)| Panel {
        x: Axis { title: "time (s)".into(), division: Division::FromZero },
        y: Axis { title: (*title).into(), division: Division::FromZero },
        lines: lines
            .iter()
            .map(|(series, of_point)| {
                let spot = |point: &Point| Some(Spot::at(point.at_s, of_point(point)?));
                Line { series: *series, form: Form::Steps, spots: digest.series.iter().filter_map(spot).collect() }
            })
            .collect(),
        marks: named(at == 0).collect(),
    };
    let network = &cell.settings.network;
    let impaired =
        network.there.as_ref().or(network.back.as_ref()).map_or(String::new(), |spec| format!(" Network: {spec}."));
    Plot {
        name: format!("time-{}", at + 1),
        title: format!("Over time: {}", cell.name),
        caption: format!("Each step is half a second; the first run of the cell, with its warm-up.{impaired}"),
        chart: Chart::Panels(Panels {
            series: ["latency, p50", "latency, p95", "encoded for one receiver", "frames answered in time"]
                .map(String::from)
                .into(),
            panels: SHOWN.iter().enumerate().map(panel).collect(),
            columns: 1,
            share_x: true,
            share_y: false,
            height_px: 130.0,
        }),
    }
}
