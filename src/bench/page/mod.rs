//! `report.html`: what a benchmark found, in one file that needs no network, and its plots as files.

mod costs;
mod delays;
mod errors;
mod figure;
mod summary;
mod table;

#[cfg(test)]
mod tests;

use askama::Template;
use thiserror::Error;

use self::figure::Differences;
use self::table::Table;
use super::plots::{DrawError, Plot, Width};
use super::results::Results;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum PageError {
    /// A plot could not be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// The page could not be written.
    #[error("the report's page cannot be made: {0}")]
    Template(#[from] askama::Error),
}

/// A file of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Relative to the folder of the results, with `/`.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The page and its plots as files, `report.html` first.
pub fn documents(results: &Results) -> Result<Vec<Document>, PageError> {
    let plots = plots(results);
    let mut documents = vec![Document { path: "report.html".into(), bytes: page(results, &plots)?.into_bytes() }];
    for plot in &plots {
        let path = format!("plots/{}", plot.name);
        documents.push(Document { path: format!("{path}.svg"), bytes: plot.svg(Width::Wide)?.into_bytes() });
        documents.push(Document { path: format!("{path}.png"), bytes: plot.png()? });
    }
    Ok(documents)
}

/// The plots that there is something for.
pub fn plots(results: &Results) -> Vec<Plot> {
    let mut plots: Vec<Plot> = delays::distribution(results).into_iter().collect();
    plots.extend(delays::waterfall(results));
    plots.extend(errors::against_bitrate(results));
    plots.extend(delays::over_time(results));
    plots.extend(costs::cpu(results));
    plots.extend(costs::scale(results));
    plots
}

/// What the page is made of.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    results: &'a Results,
    command: String,
    summary: Vec<String>,
    failures: Vec<(String, String)>,
    broken: Vec<(String, String, String)>,
    same: Vec<(&'static str, String)>,
    table: Table,
    figures: Vec<Drawn<'a>>,
    files: Vec<(String, Vec<String>)>,
    floors: Vec<(String, String)>,
    style: &'static str,
    script: &'static str,
}

/// A plot, drawn for both widths.
struct Drawn<'a> {
    plot: &'a Plot,
    wide: String,
    narrow: String,
}

fn page(results: &Results, plots: &[Plot]) -> Result<String, PageError> {
    let differences = Differences::of(&results.cells.iter().collect::<Vec<_>>());
    let drawn = |plot| -> Result<Drawn<'_>, DrawError> {
        Ok(Drawn { plot, wide: Plot::svg(plot, Width::Wide)?, narrow: Plot::svg(plot, Width::Narrow)? })
    };
    let page = Page {
        results,
        command: results.header.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        summary: summary::summary(results),
        failures: summary::failures(results),
        broken: summary::broken_assertions(results),
        table: table::table(results, &differences),
        same: differences.same,
        figures: plots.iter().map(drawn).collect::<Result<_, _>>()?,
        files: results
            .cells
            .iter()
            .map(|cell| (cell.name.clone(), files(cell)))
            .filter(|(_, files)| !files.is_empty())
            .collect(),
        floors: floors(results),
        style: include_str!("style.css"),
        script: include_str!("sort.js"),
    };
    Ok(page.render()?)
}

/// The raw samples of a cell.
fn files(cell: &super::results::Cell) -> Vec<String> {
    cell.runs.iter().flat_map(|run| run.files.iter().cloned()).collect()
}

/// What the instrument itself adds, as far as a report states it.
fn floors(results: &Results) -> Vec<(String, String)> {
    let mut reports = results.cells.iter().flat_map(|cell| cell.good_runs().filter_map(|run| run.report.as_ref()));
    let Some(floors) = reports.find_map(|report| report.get("floors")?.as_object()) else { return Vec::new() };
    floors.iter().filter_map(|(name, floor)| Some((name.replace('_', " "), figure::number(floor.as_f64()?)))).collect()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
