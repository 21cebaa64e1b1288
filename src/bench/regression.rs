//! Whether a benchmark has become worse than an earlier one, or only looks so. Pure.
//!
//! The cells of both are paired by their settings. For each figure the ratio of new to old has a confidence interval by a two-level
//! bootstrap (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8): runs are drawn with replacement,
//! then, in each run drawn, blocks of a second, since frames next to each other are not independent (Künsch 1989); the figure is
//! computed of what was drawn. An alarm needs a whole interval beyond the limit, at a level that allows for the number of figures
//! looked at (Bonferroni), and so many runs that chance alone would hardly put all new runs behind all old ones.

use std::fmt;

use super::plan::Draws;
use super::results::{Block, Cell, Results, Run};

/// How often is drawn. With many figures the tail that decides is thinner than one draw: then the worst of all draws decides.
const DRAWS: usize = 1000;

/// The chance of any false alarm in one comparison of two benchmarks, as far as the bootstrap is right.
const FALSE_ALARM: f64 = 0.01;

/// Of all ways to order the old and the new runs, at most this part may have all the new ones last; otherwise there are too few runs
/// to speak of a regression. Five on each side are enough (1 in 252), four on each are not (1 in 70).
const MOST_CHANCE: f64 = 0.005;

/// Below this a figure is too small for a ratio: the resolution of what is measured.
const SMALLEST: f64 = 1e-3;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Median latency.
    LatencyP50,
    /// 95th percentile of the latency.
    LatencyP95,
    /// 95th percentile of the error.
    ErrorP95,
    /// Frames that were answered in time, as a part of all. It is worse if it is less.
    Matched,
    /// Processor seconds of the sender for a thousand frames.
    SenderCpu,
    /// The same of the first receiver.
    ReceiverCpu,
}

impl Figure {
    /// All.
    pub const ALL: [Figure; 6] =
        [Figure::LatencyP50, Figure::LatencyP95, Figure::ErrorP95, Figure::Matched, Figure::SenderCpu, Figure::ReceiverCpu];

    /// For people and for the table.
    pub fn name(self) -> &'static str {
        match self {
            Figure::LatencyP50 => "latency p50 ms",
            Figure::LatencyP95 => "latency p95 ms",
            Figure::ErrorP95 => "error p95 px",
            Figure::Matched => "matched",
            Figure::SenderCpu => "sender cpu s/1000",
            Figure::ReceiverCpu => "receiver cpu s/1000",
        }
    }

    fn of(self, drawn: &[Drawn]) -> Option<f64> {
        match self {
            Figure::LatencyP50 => pooled(drawn, |block| &block.latency_ms, 0.5),
            Figure::LatencyP95 => pooled(drawn, |block| &block.latency_ms, 0.95),
            Figure::ErrorP95 => pooled(drawn, |block| &block.error_px, 0.95),
            Figure::Matched => matched(drawn),
            Figure::SenderCpu => mean(drawn, |run| Some(run.cost.sender?.cpu_s_per_1000_frames)),
            Figure::ReceiverCpu => mean(drawn, |run| Some(run.cost.receivers.first()?.cpu_s_per_1000_frames)),
        }
    }
}

/// One figure of one cell, new against old.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The cell.
    pub cell: String,
    /// What.
    pub figure: Figure,
    /// In the earlier benchmark.
    pub old: f64,
    /// In this one.
    pub new: f64,
    /// How much worse, as a ratio: 1 is the same, more is worse. Between these it lies, but for chance.
    pub worse: (f64, f64),
    /// What follows.
    pub judgement: Judgement,
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Not worse than allowed, or it cannot be told from that.
    Fine,
    /// Worse than allowed.
    Regression,
    /// It looks worse, but there are too few runs to tell.
    TooFewRuns,
}

/// All that could be compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Regressions {
    /// In the order of the cells.
    pub comparisons: Vec<Comparison>,
    /// Cells that only one of both has.
    pub unpaired: Vec<String>,
}

impl Regressions {
    /// Those that are alarming.
    pub fn alarms(&self) -> impl Iterator<Item = &Comparison> {
        self.comparisons.iter().filter(|comparison| comparison.judgement == Judgement::Regression)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        let (low, high) = (percent(self.worse.0), percent(self.worse.1));
        write!(
            f,
            "{}: {} {:.3} -> {:.3}, {low:+.1} % to {high:+.1} % worse",
            self.cell,
            self.figure.name(),
            self.old,
            self.new
        )
    }
}

/// Compares each cell of `new` with that of `old` of the same settings. `most_worse` is the ratio that is still allowed: 1.1 for
/// ten percent. The same seed draws the same.
pub fn compare(old: &Results, new: &Results, most_worse: f64, seed: u64) -> Regressions {
    let mut pairs = Vec::new();
    let mut regressions = Regressions::default();
    for cell in &new.cells {
        match old.cells.iter().find(|other| other.id == cell.id) {
            Some(other) => pairs.push((other, cell)),
            None => regressions.unpaired.push(cell.name.clone()),
        }
    }
    let is_gone = |cell: &&Cell| !new.cells.iter().any(|other| other.id == cell.id);
    regressions.unpaired.extend(old.cells.iter().filter(is_gone).map(|cell| cell.name.clone()));
    let tail = FALSE_ALARM / (pairs.len().max(1) * Figure::ALL.len()) as f64;
    let mut random = Draws::new(seed);
    for (old, new) in pairs {
        let judge = |figure| judge(old, new, figure, most_worse, tail, &mut random);
        regressions.comparisons.extend(Figure::ALL.into_iter().filter_map(judge));
    }
    regressions
}

fn judge(old: &Cell, new: &Cell, figure: Figure, most_worse: f64, tail: f64, random: &mut Draws) -> Option<Comparison> {
    let (old_runs, new_runs): (Vec<&Run>, Vec<&Run>) = (old.good_runs().collect(), new.good_runs().collect());
    let (before, after) = (figure.of(&all(&old_runs))?, figure.of(&all(&new_runs))?);
    let mut ratios: Vec<f64> = (0..DRAWS)
        .filter_map(|_| Some(worse(figure, figure.of(&draw(&old_runs, random))?, figure.of(&draw(&new_runs, random))?)))
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let last = ratios.len().checked_sub(1)?;
    let outside = (tail * ratios.len() as f64) as usize;
    let interval = (ratios[outside.min(last)], ratios[last - outside.min(last)]);
    let judgement = match interval.0 > most_worse {
        false => Judgement::Fine,
        true if chance(old_runs.len(), new_runs.len()) <= MOST_CHANCE => Judgement::Regression,
        true => Judgement::TooFewRuns,
    };
    Some(Comparison { cell: new.name.clone(), figure, old: before, new: after, worse: interval, judgement })
}

/// How much worse, as a ratio. Of what should be many, the missing part is compared with the whole.
fn worse(figure: Figure, old: f64, new: f64) -> f64 {
    match figure {
        Figure::Matched => 1.0 + (old - new),
        _ => new / old.max(SMALLEST),
    }
}

/// The chance that of runs that do not differ all the new ones come out behind all the old ones.
fn chance(old: usize, new: usize) -> f64 {
    (1..=new).map(|k| k as f64 / (old + k) as f64).product()
}

/// A run and blocks of it.
struct Drawn<'a> {
    run: &'a Run,
    blocks: Vec<&'a Block>,
}

fn blocks(run: &Run) -> &[Block] {
    run.digest.as_ref().map_or(&[], |digest| &digest.blocks)
}

fn all<'a>(runs: &[&'a Run]) -> Vec<Drawn<'a>> {
    runs.iter().map(|run| Drawn { run, blocks: blocks(run).iter().collect() }).collect()
}

/// As many runs as there are, and in each as many blocks as it has, with replacement.
fn draw<'a>(runs: &[&'a Run], random: &mut Draws) -> Vec<Drawn<'a>> {
    let mut drawn = Vec::with_capacity(runs.len());
    for _ in runs {
        let run = runs[random.below(runs.len())];
        let from = blocks(run);
        let blocks = from.iter().map(|_| &from[random.below(from.len())]).collect();
        drawn.push(Drawn { run, blocks });
    }
    drawn
}

fn pooled(drawn: &[Drawn], values: fn(&Block) -> &Vec<f64>, share: f64) -> Option<f64> {
    let mut pooled: Vec<f64> =
        drawn.iter().flat_map(|run| run.blocks.iter().flat_map(|block| values(block))).copied().collect();
    let rank = (share * pooled.len() as f64).ceil().max(1.0) as usize;
    if rank > pooled.len() {
        return None;
    }
    Some(*pooled.select_nth_unstable_by(rank - 1, f64::total_cmp).1)
}

fn matched(drawn: &[Drawn]) -> Option<f64> {
    let blocks = || drawn.iter().flat_map(|run| &run.blocks);
    let frames: u64 = blocks().map(|block| block.frames).sum();
    let matched: u64 = blocks().map(|block| block.matched).sum();
    (frames > 0).then(|| matched as f64 / frames as f64)
}

fn mean(drawn: &[Drawn], of: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = drawn.iter().filter_map(|drawn| of(drawn.run)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests;
