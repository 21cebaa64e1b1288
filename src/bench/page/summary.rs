//! What the figures say, in words. Nothing is said that they do not show: where the ranges of the runs overlap, no winner is named.

use super::figure::{Figure, figure, groups, matched_percent, missed_percent, number, percent, reported, setting};
use crate::bench::results::{Cell, Results};

/// More sentences of a kind are not read; the table has the rest.
const MOST_OF_A_KIND: usize = 5;
/// A detector that misses more objects than this in the answered frames has lost sight, in percent.
const LOST_PERCENT: f64 = 1.0;

/// The summary, a sentence or two in each paragraph.
pub(super) fn summary(results: &Results) -> Vec<String> {
    let mut told = vec![runs(results)];
    told.extend(encoders(results, &FASTEST));
    told.extend(encoders(results, &MOST_EXACT));
    told.extend(bitrates(results));
    told.extend(networks(results));
    told.extend(receivers(results));
    told
}

/// The cells without a single good run, with the reason.
pub(super) fn failures(results: &Results) -> Vec<(String, String)> {
    let failed = results.cells.iter().filter_map(|cell| {
        let failures = cell.runs.iter().filter(|run| run.failed.is_some()).count();
        let reason = cell.failure()?;
        Some((cell.name.clone(), format!("{failures} of {}: {reason}", counted(cell.runs.len(), "run"))))
    });
    failed.collect()
}

/// What was asserted and does not hold: cell, assertion, what was found.
pub(super) fn broken_assertions(results: &Results) -> Vec<(String, String, String)> {
    let runs = results.cells.iter().flat_map(|cell| cell.runs.iter().map(move |run| (cell, run)));
    let broken = runs.flat_map(|(cell, run)| {
        let broken = run.assertions.iter().filter(|checked| !checked.holds);
        broken.map(move |checked| {
            (format!("{}, run {}", cell.name, run.repeat), checked.expression.clone(), checked.found.clone())
        })
    });
    broken.collect()
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn runs(results: &Results) -> String {
    let runs: Vec<_> = results.cells.iter().flat_map(|cell| &cell.runs).collect();
    let failed = runs.iter().filter(|run| run.failed.is_some()).count();
    let seconds: f64 = results.cells.iter().map(|cell| cell.settings.seconds * cell.good_runs().count() as f64).sum();
    let (cells, all) = (counted(results.cells.len(), "cell"), counted(runs.len(), "run"));
    let outcome = if failed == 0 { "none failed".to_owned() } else { format!("{failed} failed") };
    let assertions: Vec<_> = runs.iter().flat_map(|run| &run.assertions).collect();
    let broken = assertions.iter().filter(|checked| !checked.holds).count();
    let asserted = match (assertions.len(), broken) {
        (0, _) => String::new(),
        (all, 0) => format!(" All {} hold.", counted(all, "assertion")),
        (all, broken) => format!(" {broken} of {} do not hold.", counted(all, "assertion")),
    };
    format!("{cells}, {all}, {seconds:.0} s measured; {outcome}.{asserted}")
}

/// An encoder and a figure of it.
type Ranked = (String, Figure);

/// What a comparison of encoders is about.
struct Question {
    best: &'static str,
    worst: &'static str,
    what: &'static str,
    unit: &'static str,
    of_cell: fn(&Cell) -> Option<Figure>,
}

const FASTEST: Question = Question {
    best: "fastest",
    worst: "slowest",
    what: "latency p50",
    unit: " ms",
    of_cell: |cell| reported(cell, "/latency_ms/p50"),
};

const MOST_EXACT: Question = Question {
    best: "most exact",
    worst: "least exact",
    what: "error p95",
    unit: " px",
    of_cell: |cell| reported(cell, "/error_px/p95"),
};

/// Which encoder is best where nothing but the encoder differs.
fn encoders(results: &Results, question: &Question) -> Vec<String> {
    let several = |cells: &[&Cell]| cells.iter().filter(|cell| (question.of_cell)(cell).is_some()).count() > 1;
    let groups = groups(results.cells.iter(), "encoder", several);
    let rankings: Vec<(&str, Vec<Ranked>)> =
        groups.iter().map(|(name, cells)| (name.as_str(), ranked(cells, question))).collect();
    if let Some(sentence) = always(&rankings, question) {
        return vec![sentence];
    }
    rankings.iter().take(MOST_OF_A_KIND).filter_map(|(group, ranked)| compared(&at(group), ranked, question)).collect()
}

/// Encoders by a figure, the smallest first.
fn ranked(cells: &[&Cell], question: &Question) -> Vec<Ranked> {
    let figure = |cell: &&Cell| Some((setting(cell, "encoder"), (question.of_cell)(cell)?));
    let mut ranked: Vec<Ranked> = cells.iter().filter_map(figure).collect();
    ranked.sort_by(|(_, one), (_, other)| one.median.total_cmp(&other.median));
    ranked
}

/// How many cannot be told from the first, itself among them: the ranges of their runs overlap with its range, or a reader sees the
/// same number.
fn tied(ranked: &[Ranked]) -> usize {
    let reads_the_same = |one: &Figure, other: &Figure| number(one.median) == number(other.median);
    let first = |figure: &Figure| figure.low <= ranked[0].1.high || reads_the_same(figure, &ranked[0].1);
    ranked.iter().take_while(|(_, figure)| first(figure)).count()
}

/// One sentence for several comparisons that all end alike, and clearly.
fn always(rankings: &[(&str, Vec<Ranked>)], question: &Question) -> Option<String> {
    let [(_, first), _, ..] = rankings else { return None };
    let (best, worst) = (&first.first()?.0, &first.last()?.0);
    let alike = |ranked: &[Ranked]| {
        tied(ranked) == 1
            && ranked.first().is_some_and(|(name, _)| name == best)
            && ranked.last().is_some_and(|(name, _)| name == worst)
    };
    if !rankings.iter().all(|(_, ranked)| alike(ranked)) {
        return None;
    }
    let Question { best: fastest, worst: slowest, what, unit, .. } = question;
    let span = |ends: &dyn Fn(&[Ranked]) -> Option<Figure>| {
        let figures: Vec<Figure> = rankings.iter().filter_map(|(_, ranked)| ends(ranked)).collect();
        let low = figures.iter().map(|figure| figure.median).fold(f64::INFINITY, f64::min);
        let high = figures.iter().map(|figure| figure.median).fold(0.0, f64::max);
        format!("{} to {}{unit}", number(low), number(high))
    };
    let best_span = span(&|ranked| ranked.first().map(|(_, figure)| *figure));
    let worst_span = span(&|ranked| ranked.last().map(|(_, figure)| *figure));
    let times = rankings.len();
    Some(format!("{best} is {fastest} in all {times} comparisons: {what} {best_span}; {worst} is {slowest}: {worst_span}."))
}

fn at(group: &str) -> String {
    if group.is_empty() { String::new() } else { format!("At {group}: ") }
}

/// First and last of a ranking in words.
fn compared(start: &str, ranked: &[Ranked], question: &Question) -> Option<String> {
    let [(first, figure), .., (last, last_figure)] = ranked else { return None };
    let Question { best, worst, what, unit, .. } = question;
    let (tied, told) = (tied(ranked), figure.words(number, unit));
    if tied == ranked.len() {
        let (lowest, highest) = (number(figure.median), number(last_figure.median));
        let no = if start.is_empty() { "No" } else { "no" };
        if lowest == highest {
            return Some(format!("{start}{no} encoder is {best}: {what} {lowest}{unit} with each of them."));
        }
        return Some(format!(
            "{start}{no} encoder is {best}: {what} {lowest} to {highest}{unit}, and the ranges of the runs overlap."
        ));
    }
    let names: Vec<&str> = ranked[..tied].iter().map(|(name, _)| name.as_str()).collect();
    let lead = if tied == 1 {
        format!("{first} is {best}: {what} {told}")
    } else {
        format!("{} are {best} and not told apart: {what} from {told}", names.join(" and "))
    };
    Some(format!("{start}{lead}; {last} is {worst}: {}.", last_figure.words(number, unit)))
}

/// What a lower bitrate does to the error, and from where on the detector loses sight.
fn bitrates(results: &Results) -> Vec<String> {
    let fixed = results.cells.iter().filter(|cell| cell.settings.fixed_kbps().is_some());
    let groups = groups(fixed, "bitrate", |cells| cells.len() > 1);
    groups.iter().filter_map(|(group, cells)| bitrate(group, cells)).take(MOST_OF_A_KIND).collect()
}

fn bitrate(group: &str, cells: &[&Cell]) -> Option<String> {
    let mut cells: Vec<(f64, &Cell, f64)> = cells
        .iter()
        .filter_map(|cell| Some((cell.settings.fixed_kbps()?, *cell, reported(cell, "/error_px/p95")?.median)))
        .collect();
    cells.sort_by(|one, other| one.0.total_cmp(&other.0));
    let [(low, _, error_low), .., (high, _, error_high)] = cells.as_slice() else { return None };
    if low == high {
        return None;
    }
    let missed = |cell: &Cell| missed_percent(cell).is_some_and(|missed| missed.median > LOST_PERCENT);
    let lost = cells.iter().filter(|(_, cell, _)| missed(cell)).map(|(kbps, ..)| *kbps).reduce(f64::max);
    let sight = match lost {
        Some(kbps) => format!("; at {kbps:.0} kbit/s the detector misses more than {LOST_PERCENT:.0} % of the objects"),
        None => String::new(),
    };
    let group = if group.is_empty() { "" } else { &format!("{group}: ") };
    let (error_low, error_high) = (number(*error_low), number(*error_high));
    Some(format!("{group}error p95 {error_high} px at {high:.0} kbit/s and {error_low} px at {low:.0} kbit/s{sight}."))
}

/// What came back over networks that are not clean.
fn networks(results: &Results) -> Vec<String> {
    let impaired = |cell: &&Cell| cell.settings.network.there.is_some() || cell.settings.network.back.is_some();
    let mut cells: Vec<(&Cell, Figure)> =
        results.cells.iter().filter(impaired).filter_map(|cell| Some((cell, matched_percent(cell)?))).collect();
    // The worst are what one must know.
    cells.sort_by(|(_, one), (_, other)| one.median.total_cmp(&other.median));
    let sentence = |(cell, matched): &(&Cell, Figure)| {
        let latency = reported(cell, "/latency_ms/p95");
        let latency = latency.map_or(String::new(), |latency| format!(", latency p95 {}", latency.words(number, " ms")));
        format!("{}: {} of the frames came back in time{latency}.", cell.name, matched.words(percent, ""))
    };
    cells.iter().take(MOST_OF_A_KIND).map(sentence).collect()
}

/// What a further receiver costs the sender, between the fewest and the most.
fn receivers(results: &Results) -> Vec<String> {
    let groups = groups(results.cells.iter(), "receivers", |cells| cells.len() > 1);
    groups.iter().filter_map(|(group, cells)| added_receiver(group, cells)).take(MOST_OF_A_KIND).collect()
}

fn added_receiver(group: &str, cells: &[&Cell]) -> Option<String> {
    let cores = |cell: &Cell| figure(cell, |run| run.cost.sender.map(|cost| cost.cores));
    let memory = |cell: &Cell| figure(cell, |run| run.cost.sender.map(|cost| cost.max_rss_mb));
    let measured = || cells.iter().filter(|cell| cores(cell).is_some());
    let few = measured().min_by_key(|cell| cell.settings.receivers)?;
    let many = measured().max_by_key(|cell| cell.settings.receivers)?;
    let (from, to) = (few.settings.receivers, many.settings.receivers);
    if from == to {
        return None;
    }
    let added = f64::from(to - from);
    let cores = (cores(many)?.median - cores(few)?.median) / added * 100.0;
    let memory = (memory(many)?.median - memory(few)?.median) / added;
    let start = if group.is_empty() { "From".to_owned() } else { at(group) + "from" };
    Some(format!(
        "{start} {from} to {to} receivers, each further one cost the sender {cores:.2} % of a processor and {memory:.1} MB."
    ))
}
