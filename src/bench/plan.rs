//! What is still to be run, and in which order. Pure.

use super::matrix::{Matrix, PlannedCell};
use super::results::{Cell, Header, Results};
use crate::random::Random;

/// A run that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// Place of the cell in the matrix.
    pub cell: usize,
    /// From 1.
    pub repeat: u32,
}

/// What was found in the folder, against what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Runs that are there and need not be made.
    pub done: usize,
    /// Runs that are there but failed; they are made again.
    pub failed: usize,
    /// Cells in the folder that the matrix does not have; they stay as they are.
    pub others: usize,
}

/// Why a folder cannot be continued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the results there are from {what} {theirs}, this is {ours}: they cannot be continued; choose another folder with --out"
)]
pub struct OtherOrigin {
    what: &'static str,
    theirs: String,
    ours: String,
}

/// Whether runs made here and now belong together with those in the folder.
///
/// # Errors
/// When program, GStreamer, processor or kernel are others.
pub fn same_origin(there: &Header, here: &Header) -> Result<(), OtherOrigin> {
    let differing = [
        ("rebound", &there.rebound, &here.rebound),
        ("GStreamer", &there.gstreamer, &here.gstreamer),
        ("processor", &there.machine.cpu, &here.machine.cpu),
        ("kernel", &there.machine.kernel, &here.machine.kernel),
    ];
    match differing.into_iter().find(|(_, there, here)| there != here) {
        None => Ok(()),
        Some((what, theirs, ours)) => Err(OtherOrigin { what, theirs: theirs.clone(), ours: ours.clone() }),
    }
}

/// The results with all cells of the matrix, in its order, and with the runs that are there already; the cells that the matrix does
/// not have come last.
pub fn merge(matrix: &Matrix, there: Option<Results>, header: Header) -> (Results, Found) {
    let (header, mut old) = match there {
        Some(results) => (Header { command: header.command, matrix: header.matrix, ..results.header }, results.cells),
        None => (header, Vec::new()),
    };
    let mut found = Found::default();
    let mut cells = Vec::new();
    for planned in &matrix.cells {
        let at = old.iter().position(|cell| cell.id == planned.id);
        let mut runs = at.map(|at| old.remove(at).runs).unwrap_or_default();
        let before = runs.len();
        runs.retain(|run| run.failed.is_none());
        (found.done, found.failed) = (found.done + runs.len(), found.failed + before - runs.len());
        cells.push(Cell { id: planned.id.clone(), name: planned.name.clone(), settings: planned.settings.clone(), runs });
    }
    found.others = old.len();
    cells.extend(old);
    (Results { format: super::results::FORMAT, header, cells }, found)
}

/// The runs that are missing. First all first runs of the cells, then all second ones and so on, each time in another order: what
/// changes slowly on the machine then touches all cells alike.
pub fn jobs(cells: &[PlannedCell], results: &Results, seed: u64) -> Vec<Job> {
    let most = cells.iter().map(|cell| cell.repeat).max().unwrap_or(0);
    let mut random = Draws::new(seed);
    let mut jobs = Vec::new();
    for repeat in 1..=most {
        let mut round: Vec<Job> =
            (0..cells.len()).filter(|&cell| cells[cell].repeat >= repeat).map(|cell| Job { cell, repeat }).collect();
        // The whole round is shuffled, also what is done, so that a run's neighbours do not depend on interruptions.
        shuffle(&mut round, &mut random);
        let is_done = |job: &Job| results.cells[job.cell].runs.iter().any(|run| run.repeat == job.repeat);
        jobs.extend(round.into_iter().filter(|job| !is_done(job)));
    }
    jobs
}

/// Fisher and Yates.
fn shuffle(jobs: &mut [Job], random: &mut Draws) {
    for last in (1..jobs.len()).rev() {
        jobs.swap(last, random.below(last + 1));
    }
}

/// One random number after the other: enough to shuffle and to draw samples.
#[derive(Clone, Debug)]
pub struct Draws {
    random: Random,
    drawn: u64,
}

impl Draws {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Draws {
        Draws { random: Random::new(seed), drawn: 0 }
    }

    fn next(&mut self) -> u64 {
        let bits = self.random.bits(self.drawn);
        self.drawn += 1;
        bits
    }

    /// An index below `len`, which is not 0; its bias is `len` in 2^64.
    pub fn below(&mut self, len: usize) -> usize {
        ((u128::from(self.next()) * len as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests;
