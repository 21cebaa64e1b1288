//! Benchmarks: a matrix of runs, each with sender and receivers as processes of their own, and what was measured in them.
//!
//! ```text
//! matrix (text -> cells) -> plan (what is still to be run) -> runner (processes -> Run) -> folder (results.json, .csv, raw/)
//! ```
//!
//! What thinks is pure: [`matrix`], [`plan`], [`digest`](mod@digest), [`regression`] and [`results`], the format of what is left
//! behind.

mod cost;
pub mod digest;
pub(crate) mod folder;
mod machine;
pub mod matrix;
pub mod page;
pub mod plan;
pub mod plots;
mod progress;
pub mod regression;
pub mod results;
mod runner;
mod samples;
mod table;
#[cfg(test)]
mod testing;
mod verdict;
mod words;

use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;

use crate::cli::{BenchConfig, Common, ExitCode};
use crate::logging::print_out;
use crate::signals::Signals;
use folder::Folder;
use matrix::{BUILT_IN, Matrix, MatrixError, MatrixText};
use plan::Job;
use progress::Progress;
use results::{Header, Results};
use runner::Runner;

/// What is run unless something else is said.
const DEFAULT_MATRIX: &str = "quick";

/// Runs what is still missing of a matrix, and says what came of it.
pub async fn run(config: &BenchConfig, common: &Common, command: Vec<String>) -> anyhow::Result<ExitCode> {
    if let Some(directory) = &config.render {
        let folder = Folder::at(directory);
        let results = folder.read_there()?;
        folder.render(&results)?;
        print_out(&table::text(&results))?;
        return Ok(ExitCode::Ok);
    }
    let matrix = matrix(config)?;
    let baseline = config.baseline.as_deref().map(folder::read_file).transpose()?;
    let header = header(config, &matrix, command);
    let folder = match &config.out {
        Some(path) => Folder::at(path),
        None => Folder::new_one(Path::new(""), &new_name(SystemTime::now()))?,
    };
    let mut results = prepare(&folder, &matrix, header)?;
    let jobs = plan::jobs(&matrix.cells, &results, config.seed);
    let is_whole = run_all(&folder, &matrix, &mut results, &jobs, common).await?;
    folder.render(&results)?;
    print_out(&table::text(&results))?;
    eprintln!("results in {}", folder.path().display());
    if !is_whole {
        eprintln!("interrupted: the same command with --out {} goes on from here", folder.path().display());
        return Ok(ExitCode::Failure);
    }
    verdict::judge(config, &matrix, &results, baseline.as_ref())
}

/// The built-in matrix or that of the file, changed by the flags.
fn matrix(config: &BenchConfig) -> anyhow::Result<Matrix> {
    let has_axes = config.axes.given().next().is_some();
    let built_in = config.built_in.as_deref().or((!has_axes).then_some(DEFAULT_MATRIX));
    let (name, mut text) = match (&config.matrix, built_in) {
        (Some(path), _) => {
            let name = path.display().to_string();
            let why = |error: std::io::Error| MatrixError::Unreadable { path: name.clone(), why: error.to_string() };
            let text = std::fs::read_to_string(path).map_err(why)?;
            let text = MatrixText::parse(&name, &text)?;
            (name, text)
        }
        (None, Some(built_in)) => {
            let text = BUILT_IN.into_iter().find(|(name, _)| *name == built_in).map(|(_, text)| text).unwrap_or_default();
            (built_in.to_owned(), MatrixText::parse(built_in, text)?)
        }
        (None, None) => ("flags".to_owned(), MatrixText::default()),
    };
    for (axis, values) in config.axes.given() {
        text.set(axis, values.iter().cloned());
    }
    text.seconds = config.seconds.map(|seconds| seconds.as_secs_f64()).or(text.seconds);
    text.warmup = config.warmup.map(|warmup| warmup.as_secs_f64()).or(text.warmup);
    text.repeat = config.repeat.or(text.repeat);
    let matrix = Matrix::new(&name, &text, &config.assertions)?;
    words::check(&matrix)?;
    Ok(matrix)
}

/// `bench-20260131-235959`, in universal time.
fn new_name(now: SystemTime) -> String {
    let digits: String = humantime::format_rfc3339_seconds(now).to_string().chars().filter(char::is_ascii_digit).collect();
    let (day, time) = digits.split_at(8.min(digits.len()));
    format!("bench-{day}-{time}")
}

fn header(config: &BenchConfig, matrix: &Matrix, command: Vec<String>) -> Header {
    Header {
        command,
        matrix: matrix.name.clone(),
        rebound: env!("CARGO_PKG_VERSION").to_owned(),
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        seed: config.seed,
        machine: machine::machine(),
        gstreamer: gstreamer::version_string().to_string(),
        elements: machine::elements(matrix),
    }
}

/// Takes over what is in the folder already.
fn prepare(folder: &Folder, matrix: &Matrix, header: Header) -> anyhow::Result<Results> {
    let there = folder.read()?;
    if let Some(there) = &there {
        plan::same_origin(&there.header, &header)?;
    }
    let is_new = there.is_none();
    let (mut results, found) = plan::merge(matrix, there, header);
    // What is asserted may be another thing than when the runs were made.
    for (cell, planned) in results.cells.iter_mut().zip(&matrix.cells) {
        cell.runs.iter_mut().for_each(|run| run.assertions = verdict::check(run, &planned.assertions));
    }
    folder.create()?;
    if !is_new {
        let plan::Found { done, failed, others } = found;
        eprintln!("{} is continued: {done} runs are there, {failed} failed ones are made again", folder.path().display());
        if others > 0 {
            eprintln!("{others} cells there are not in this matrix; they stay in the results");
        }
    }
    Ok(results)
}

/// Makes the runs, and keeps each of them as soon as it has ended. False when interrupted: the run at hand is then given up.
async fn run_all(
    folder: &Folder,
    matrix: &Matrix,
    results: &mut Results,
    jobs: &[Job],
    common: &Common,
) -> anyhow::Result<bool> {
    let runner = Runner::new(folder.path(), common.config.clone())?;
    let mut signals = Signals::listen()?;
    let progress = Progress::new(jobs.iter().map(|job| &matrix.cells[job.cell]), common.quiet);
    for job in jobs {
        let planned = &matrix.cells[job.cell];
        progress.begin(&planned.name);
        let run = tokio::select! {
            run = runner.run(planned, job.repeat) => run,
            () = signals.recv() => return Ok(false),
        };
        progress.end(planned, &run);
        let runs = &mut results.cells[job.cell].runs;
        runs.push(run);
        runs.sort_by_key(|run| run.repeat);
        folder.write_results(results)?;
    }
    Ok(true)
}

/// Writes a file so that there is at any time the old or the new one, whole.
fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("part");
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}
