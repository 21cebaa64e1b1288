//! The table: a row for each cell.

use super::figure::{
    Differences, Figure, Setting, bias_px, figure, matched_percent, mean, noise_px, number, percent, receiver_cpu, reported,
    sender_cpu,
};
use crate::bench::results::{Cell, Results};

/// A table as the page writes it.
pub(super) struct Table {
    pub(super) heads: Vec<Head>,
    pub(super) rows: Vec<Vec<Entry>>,
}

/// The head of a column.
pub(super) struct Head {
    pub(super) title: String,
    /// In the unit of its figures; nothing for text.
    pub(super) unit: &'static str,
    pub(super) numeric: bool,
}

/// What stands in a row and a column.
pub(super) struct Entry {
    pub(super) text: String,
    /// The range over the runs, if there is more than one.
    pub(super) range: String,
    /// What the row is sorted by: a number where there is one.
    pub(super) key: String,
    pub(super) numeric: bool,
    /// An assertion or a run failed.
    pub(super) bad: bool,
}

/// A column of figures: title, unit, how it is written, and what it shows.
type Column = (&'static str, &'static str, fn(f64) -> String, fn(&Cell) -> Option<Figure>);

/// The title of the column that says how many runs went well.
const RUNS: &str = "runs";

const COLUMNS: [Column; 14] = [
    ("latency p50", "ms", number, |cell| reported(cell, "/latency_ms/p50")),
    ("p95", "ms", number, |cell| reported(cell, "/latency_ms/p95")),
    ("p99", "ms", number, |cell| reported(cell, "/latency_ms/p99")),
    ("error p50", "px", number, |cell| reported(cell, "/error_px/p50")),
    ("p95", "px", number, |cell| reported(cell, "/error_px/p95")),
    ("max", "px", number, |cell| reported(cell, "/error_px/max")),
    ("bias", "px", number, bias_px),
    ("noise", "px", number, noise_px),
    ("matched", "", percent, matched_percent),
    ("sender CPU", "ms/frame", number, sender_cpu),
    ("receiver CPU", "ms/frame", number, receiver_cpu),
    ("sender memory", "MB", number, |cell| figure(cell, |run| run.cost.sender.map(|cost| cost.max_rss_mb))),
    ("receiver memory", "MB", number, |cell| {
        figure(cell, |run| mean(run.cost.receivers.iter().map(|cost| cost.max_rss_mb)))
    }),
    (
        RUNS,
        "",
        |runs| format!("{runs:.0}"),
        |cell| {
            let good = cell.good_runs().count();
            Some(Figure { median: good as f64, low: good as f64, high: good as f64, runs: 1 })
        },
    ),
];

pub(super) fn table(results: &Results, differences: &Differences) -> Table {
    let text = |title: &str| Head { title: title.into(), unit: "", numeric: false };
    let mut heads = vec![text("cell")];
    heads.extend(COLUMNS.iter().map(|(title, unit, ..)| Head { title: (*title).into(), unit, numeric: true }));
    heads.push(Head { title: "assertions held".into(), unit: "", numeric: true });
    let told: Vec<Setting> =
        differences.differing.iter().filter(|setting| !is_in_names(setting, results)).copied().collect();
    heads.extend(told.iter().map(|(title, _)| text(title)));
    let mut table = Table { heads, rows: results.cells.iter().map(|cell| row(cell, &told)).collect() };
    table.drop_idle();
    table
}

/// Whether the name of each cell has the value as a word, so that a column would say it again.
fn is_in_names((_, value): &Setting, results: &Results) -> bool {
    results.cells.iter().all(|cell| {
        let has = |part: &str| cell.name.split(' ').any(|word| word.strip_suffix("fps").unwrap_or(word) == part);
        value(&cell.settings).split('@').any(has)
    })
}

impl Table {
    /// A column in which nothing was measured is left out, and so is the number of runs where it is one everywhere.
    fn drop_idle(&mut self) {
        let filled = |at: usize| self.rows.iter().any(|row| !row[at].text.is_empty());
        let says_more = |at: usize| self.heads[at].title != RUNS || self.rows.iter().any(|row| row[at].text != "1");
        let kept: Vec<bool> = (0..self.heads.len()).map(|at| filled(at) && says_more(at)).collect();
        let mut kept_heads = kept.iter();
        self.heads.retain(|_| *kept_heads.next().unwrap_or(&true));
        for row in &mut self.rows {
            let mut kept = kept.iter();
            row.retain(|_| *kept.next().unwrap_or(&true));
        }
    }
}

fn row(cell: &Cell, told: &[Setting]) -> Vec<Entry> {
    let text = |text: String| Entry { key: text.clone(), text, range: String::new(), numeric: false, bad: false };
    let mut row = vec![Entry { bad: cell.failure().is_some(), ..text(cell.name.clone()) }];
    row.extend(COLUMNS.iter().map(|(_, _, written, of_cell)| entry(of_cell(cell), *written)));
    row.push(assertions(cell));
    // A line may break where a space is.
    row.extend(told.iter().map(|(_, value)| text(value(&cell.settings).replace(',', ", "))));
    row
}

fn entry(figure: Option<Figure>, written: fn(f64) -> String) -> Entry {
    let text = figure.map_or(String::new(), |figure| written(figure.median));
    let key = figure.map_or(String::new(), |figure| figure.median.to_string());
    let several = figure.filter(|figure| written(figure.low) != written(figure.high));
    let range = several.map_or(String::new(), |figure| format!("{} to {}", written(figure.low), written(figure.high)));
    Entry { text, range, key, numeric: true, bad: false }
}

fn assertions(cell: &Cell) -> Entry {
    let all: Vec<bool> = cell.runs.iter().flat_map(|run| &run.assertions).map(|checked| checked.holds).collect();
    let held = all.iter().filter(|holds| **holds).count();
    let text = if all.is_empty() { String::new() } else { format!("{held} of {}", all.len()) };
    let key = if all.is_empty() { String::new() } else { (held as f64 / all.len() as f64).to_string() };
    Entry { text, range: String::new(), key, numeric: true, bad: held < all.len() }
}
