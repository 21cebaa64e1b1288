//! Figures of a cell: of each good run one, and over the runs their median and range.

use serde_json::Value;

use crate::bench::results::{Cell, CellSettings, Digest, Run};

/// A figure over the runs of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure {
    /// The median of the runs.
    pub(super) median: f64,
    /// The lowest of the runs.
    pub(super) low: f64,
    /// The highest of the runs.
    pub(super) high: f64,
    /// How many runs have it.
    pub(super) runs: usize,
}

/// The figure that `of_run` finds in the good runs of a cell; `None` if it finds none.
pub(super) fn figure(cell: &Cell, of_run: impl Fn(&Run) -> Option<f64>) -> Option<Figure> {
    let mut values: Vec<f64> = cell.good_runs().filter_map(of_run).filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let (&low, &high) = (values.first()?, values.last()?);
    let middle = values.len() / 2;
    let median =
        if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] };
    Some(Figure { median, low, high, runs: values.len() })
}

/// A number of the sender's report, for example at `/latency_ms/p95`.
pub(super) fn reported(cell: &Cell, pointer: &str) -> Option<Figure> {
    figure(cell, |run| run.report.as_ref()?.pointer(pointer).and_then(Value::as_f64))
}

/// A figure of what became of the frames.
pub(super) fn digested(cell: &Cell, of_digest: impl Fn(&Digest) -> Option<f64>) -> Option<Figure> {
    figure(cell, |run| run.digest.as_ref().and_then(&of_digest))
}

/// Frames that were answered in time, in percent.
pub(super) fn matched_percent(cell: &Cell) -> Option<Figure> {
    digested(cell, |digest| (digest.frames > 0).then(|| digest.matched as f64 / digest.frames as f64 * 100.0))
}

/// Objects that the detector did not find in the frames that were answered, in percent.
pub(super) fn missed_percent(cell: &Cell) -> Option<Figure> {
    figure(cell, |run| {
        let count = |pointer: &str| run.report.as_ref()?.pointer(pointer)?.as_f64();
        let (paired, misses) = (count("/objects/paired")?, count("/objects/misses")?);
        (paired + misses > 0.0).then(|| misses / (paired + misses) * 100.0)
    })
}

/// The length of the systematic error.
pub(super) fn bias_px(cell: &Cell) -> Option<Figure> {
    digested(cell, |digest| digest.bias_px.map(|[x, y]| x.hypot(y)))
}

/// The standard deviation about it, of both directions together.
pub(super) fn noise_px(cell: &Cell) -> Option<Figure> {
    digested(cell, |digest| digest.noise_px.map(|[x, y]| x.hypot(y)))
}

/// Processor time of the sender in ms for each frame, which is as many seconds for a thousand.
pub(super) fn sender_cpu(cell: &Cell) -> Option<Figure> {
    figure(cell, |run| run.cost.sender.map(|cost| cost.cpu_s_per_1000_frames))
}

/// The same of a receiver, on average.
pub(super) fn receiver_cpu(cell: &Cell) -> Option<Figure> {
    figure(cell, |run| mean(run.cost.receivers.iter().map(|cost| cost.cpu_s_per_1000_frames)))
}

/// The mean of some values.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

/// A number with as many decimals as its size is worth: three digits, but no more than three decimals.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// A percentage; only what is really all is told as 100.
pub(super) fn percent(value: f64) -> String {
    let floored = (value * 100.0 + 1e-9).floor() / 100.0;
    if value >= 100.0 { "100 %".to_owned() } else { format!("{floored:.2} %") }
}

impl Figure {
    /// The median, and with several runs their range.
    pub(super) fn words(&self, written: fn(f64) -> String, unit: &str) -> String {
        let median = written(self.median);
        let (low, high) = (written(self.low), written(self.high));
        match self.runs {
            1 => format!("{median}{unit}"),
            2 if low == high => format!("{median}{unit} (in both runs)"),
            runs if low == high => format!("{median}{unit} (in all {runs} runs)"),
            runs => format!("{median}{unit} ({low} to {high} in {runs} runs)"),
        }
    }
}

/// A setting for a reader: its name, and how it reads in a cell.
pub(super) type Setting = (&'static str, fn(&CellSettings) -> String);

/// The settings, in the order in which they are told.
const SETTINGS: [Setting; 13] = [
    ("encoder", |settings| settings.encoder.clone()),
    ("scene", |settings| settings.scene.clone()),
    ("size", |settings| format!("{}x{}@{}", settings.width, settings.height, settings.fps)),
    ("bitrate", |settings| settings.bitrate.clone()),
    ("detector", |settings| settings.detector.clone()),
    ("network", |settings| settings.network.name.clone()),
    ("channel", |settings| settings.channel.clone().unwrap_or_else(|| "default".into())),
    ("FEC", |settings| settings.fec.as_ref().map_or("default".into(), |percent| format!("{percent} %"))),
    ("jitter ms", |settings| settings.jitter.clone().unwrap_or_else(|| "default".into())),
    ("receivers", |settings| settings.receivers.to_string()),
    ("light", |settings| if settings.light { "the others only receive" } else { "no" }.to_owned()),
    ("send", |settings| settings.send.join(" ")),
    ("receive", |settings| settings.receive.join(" ")),
];

/// Which settings differ between the cells, and which do not.
pub(super) struct Differences {
    pub(super) differing: Vec<Setting>,
    /// Names and values.
    pub(super) same: Vec<(&'static str, String)>,
}

impl Differences {
    pub(super) fn of(cells: &[&Cell]) -> Differences {
        let value = |setting: &Setting, cell: &Cell| (setting.1)(&cell.settings);
        let Some(first) = cells.first() else { return Differences { differing: Vec::new(), same: Vec::new() } };
        let alike = |setting: &&Setting| cells.iter().all(|cell| value(setting, cell) == value(setting, first));
        let (same, differing): (Vec<&Setting>, Vec<&Setting>) = SETTINGS.iter().partition(alike);
        let same = same.into_iter().map(|setting| (setting.0, value(setting, first)));
        let told = |(_, value): &(&str, String)| !value.is_empty() && value != "default" && value != "no";
        Differences { differing: differing.into_iter().copied().collect(), same: same.filter(told).collect() }
    }

    /// What tells a cell from the others, without one of the settings.
    fn name(&self, cell: &Cell, but: &str) -> String {
        let told = self.differing.iter().filter(|setting| setting.0 != but);
        let words: Vec<String> =
            told.map(|setting| worded(setting, &cell.settings)).filter(|word| !word.is_empty()).collect();
        words.join(", ")
    }

    fn split<'a>(&self, cells: &[&'a Cell], but: &str) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        for &cell in cells {
            let name = self.name(cell, but);
            match groups.iter_mut().find(|(other, _)| *other == name) {
                Some((_, members)) => members.push(cell),
                None => groups.push((name, vec![cell])),
            }
        }
        groups
    }
}

/// Cells of which only one setting differs, and what tells them from those of the other groups.
pub(super) type Group<'a> = (String, Vec<&'a Cell>);

/// The cells in groups within which nothing but one setting differs, in the order of the matrix; of these the groups that
/// are worth something.
pub(super) fn groups<'a>(
    cells: impl Iterator<Item = &'a Cell>,
    but: &str,
    worth: impl Fn(&[&Cell]) -> bool,
) -> Vec<Group<'a>> {
    let all: Vec<&Cell> = cells.collect();
    let mut groups = Differences::of(&all).split(&all, but);
    groups.retain(|(_, cells)| worth(cells));
    // What differed from the other groups only need not be told.
    let kept: Vec<&Cell> = groups.into_iter().flat_map(|(_, cells)| cells).collect();
    Differences::of(&kept).split(&kept, but)
}

/// The value of the setting with this name.
pub(super) fn setting(cell: &Cell, name: &str) -> String {
    SETTINGS.iter().find(|(other, _)| *other == name).map_or(String::new(), |setting| worded(setting, &cell.settings))
}

/// The value of a setting, with its name if it says nothing by itself.
fn worded((name, value): &Setting, settings: &CellSettings) -> String {
    match (*name, value(settings)) {
        ("channel" | "FEC" | "jitter ms" | "light", value) => format!("{name} {value}"),
        ("receivers", value) => format!("{value} receiver{}", if value == "1" { "" } else { "s" }),
        (_, value) => value,
    }
}
