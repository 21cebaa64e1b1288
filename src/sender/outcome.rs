//! What a run leaves behind.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::Sender;
use crate::calibrate::scene_floor;
use crate::cli::{AssertConfig, ExitCode};
use crate::congestion::{CongestionTotals, Controller};
use crate::impair::Impaired;
use crate::junit;
use crate::logging::print_out;
use crate::report::{Cost, EncoderInfo, Floors, ImpairmentInfo, Kept, Report, RunInfo, SenderCost, ThreadCost, text};
use crate::usage::{self, Usage};

/// Frames for the error's floor: a few milliseconds of work after the run.
const FLOOR_FRAMES: u64 = 60;

/// Where stdout is meant, as everywhere.
const STDOUT: &str = "-";

/// Writes the report: as JSON where it is wanted, as a table on stdout unless the JSON goes there.
pub(crate) fn write(report: &Report, path: Option<&Path>) -> anyhow::Result<()> {
    match path {
        Some(path) if path == Path::new(STDOUT) => print_out(&report.to_json())?,
        Some(path) => {
            print_out(&text::table(report))?;
            let shown = path.display();
            std::fs::write(path, report.to_json()).with_context(|| format!("the report cannot be written to {shown}"))?;
        }
        None => print_out(&text::table(report))?,
    }
    Ok(())
}

/// Says which assertions hold of the report, on stderr and as JUnit XML where it is wanted.
pub(super) fn judge(report: &Report, config: &AssertConfig) -> anyhow::Result<ExitCode> {
    let report = serde_json::to_value(report)?;
    let mut suite = junit::Suite::new("rebound send");
    for assertion in &config.assertions {
        let verdict = assertion.check(&report);
        eprintln!("{} {assertion}: {}", if verdict.holds { "holds " } else { "missed" }, verdict.found);
        suite.add(assertion.text(), verdict);
    }
    let all_hold = suite.all_hold();
    if let Some(path) = &config.junit {
        junit::write(path, &[suite])?;
    }
    Ok(if all_hold { ExitCode::Ok } else { ExitCode::AssertionMissed })
}

/// The head of the report.
pub(super) fn run_info(sender: &Sender, cost: SenderCost) -> RunInfo {
    RunInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: sender.command.clone(),
        started: humantime::format_rfc3339_seconds(sender.started).to_string(),
        scene: sender.film.info(&sender.config),
        encoder: sender.last_choice.as_ref().map(|choice| EncoderInfo {
            name: choice.name.clone(),
            codec: choice.codec.encoding_name().to_owned(),
            hardware: choice.hardware,
        }),
        impairment: impairment(sender),
        cost,
        floors: Floors::default(),
        kept: Kept::default(),
        congestion: Some(CongestionTotals::new(sender.config.bitrate, sender.congestion.as_ref().map(Controller::record))),
    }
}

/// What the instrument added to this run; takes some milliseconds of work, and is therefore for its end.
pub(super) fn floors(sender: &Sender) -> Floors {
    let floor = sender.film.scene().map(|scene| scene_floor(scene, FLOOR_FRAMES).error_px);
    let error_px = floor.unwrap_or_default();
    Floors { error_px, produced_late_ms: sender.produced_late_ms.spread() }
}

/// Threads that are listed by name: what comes after ten costs next to nothing.
const LISTED_THREADS: usize = 10;

/// What the sender has taken for the encoded frames that count, since the first of them; to be asked while its threads are there.
pub(super) fn cost(sender: &Sender, now_at: Duration, frames: u64) -> SenderCost {
    let (Some((from, start, threads)), Some(now)) = (&sender.measured_from, Usage::now()) else {
        return SenderCost::default();
    };
    let thread =
        |usage: usage::ThreadUsage| ThreadCost { name: usage.name, threads: usage.threads, cpu_s: usage.cpu.as_secs_f64() };
    let by_thread = usage::since(threads, usage::threads_by_name()).into_iter().take(LISTED_THREADS).map(thread).collect();
    let (cpu, elapsed) = (now.cpu.saturating_sub(start.cpu), now_at.saturating_sub(*from));
    let cost = Cost::new(cpu.as_secs_f64(), elapsed.as_secs_f64(), frames);
    let max_rss_mb = Some(now.max_rss_bytes as f64 / 1e6);
    SenderCost { all: Cost { max_rss_mb, threads: now.threads, ..cost }, by_thread }
}

fn impairment(sender: &Sender) -> Option<ImpairmentInfo> {
    let spec = sender.config.network.impair.as_ref()?.to_string();
    let peers = sender.members.values().filter_map(|member| member.peer.as_ref());
    let impaired = peers.fold(sender.impaired, |sum, peer| Impaired::both(sum, peer.impaired()));
    let timeline_from_ms = impaired.and_then(|impaired| impaired.began).map(|began| began.as_secs_f64() * 1e3);
    let packets = impaired.map(|impaired| impaired.counters).unwrap_or_default();
    Some(ImpairmentInfo { spec, timeline_from_ms, packets })
}
