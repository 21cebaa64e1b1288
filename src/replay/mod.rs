//! `rebound replay`: a run that is over, scored again by the same ledger.
//!
//! Without a video, what was seen and when it came are taken from the trace. With one, every recorded frame is decoded and looked
//! at again; then nothing can be said of time.

mod score;
mod video;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::cli::{ExitCode, ReplayConfig};
use crate::codec::Codec;
use crate::pipeline::Texts;
use crate::report::{Floors, Kept, Report, RunInfo, SenderCost};
use crate::sender;
use crate::trace::{self, ReadError, Trace};

pub use score::rescored;

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file is not there, or not to be read.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no trace, or a broken one.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// There is nothing to compare with.
    #[error(
        "no frame of the trace has a known truth, so that what is seen in the video cannot be compared with anything; record a scene, or a \
         source with --reference"
    )]
    NoTruth,
    /// The scene in its header cannot be.
    #[error("the trace's header has a scene that cannot be: {0}")]
    Scene(String),
    /// It is not known what is in the recording.
    #[error("the trace does not say which codec its recording has ('{0}'); was anything encoded?")]
    Codec(String),
    /// The recording cannot be decoded.
    #[error("the recording {} cannot be decoded: {why}", path.display())]
    Video {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Nothing in the recording is of this run.
    #[error(
        "no picture of the {pictures} in {} is a frame of the trace: they are not of the same run", path.display()
    )]
    OtherRun {
        /// The recording.
        path: PathBuf,
        /// How many it has.
        pictures: u64,
    },
}

impl ReplayError {
    /// Whether another file was meant; else the file is broken.
    pub fn is_usage(&self) -> bool {
        match self {
            ReplayError::Read { source, .. } => matches!(source, ReadError::NotATrace(_) | ReadError::TooNew(_)),
            ReplayError::Video { .. } | ReplayError::Scene(_) | ReplayError::Codec(_) => false,
            ReplayError::Open { .. } | ReplayError::NoTruth | ReplayError::OtherRun { .. } => true,
        }
    }
}

/// Scores a run again and writes the report. Blocks.
pub fn run(config: &ReplayConfig, command: Vec<String>) -> anyhow::Result<ExitCode> {
    let trace = open(&config.trace)?;
    if let Some(gaps) = trace.gaps() {
        tracing::warn!("the trace {} is not complete: {gaps}", config.trace.display());
    }
    let totals = match &config.video {
        Some(path) => {
            let texts = Texts::load(config.pipelines.as_deref())?;
            let launch = texts.replay(codec(&trace)?)?;
            video::scored(&trace, path, &launch, &config.detector)?
        }
        None => rescored(&trace, config.late_after)?,
    };
    let report = Report { run: run_info(&trace, command), totals };
    sender::write_report(&report, config.report.as_deref())?;
    let matched = report.totals.all.frames.matched;
    Ok(if matched == 0 { ExitCode::NothingMatched } else { ExitCode::Ok })
}

/// Reads a trace from a file.
pub fn open(path: &Path) -> Result<Trace, ReplayError> {
    let file = File::open(path).map_err(|source| ReplayError::Open { path: path.to_owned(), source })?;
    trace::read(BufReader::new(file)).map_err(|source| ReplayError::Read { path: path.to_owned(), source })
}

fn codec(trace: &Trace) -> Result<Codec, ReplayError> {
    let name = trace.header.encoder.as_ref().map(|encoder| encoder.codec.as_str()).unwrap_or_default();
    let known = Codec::ALL.into_iter().find(|codec| codec.encoding_name() == name);
    known.ok_or_else(|| ReplayError::Codec(name.to_owned()))
}

/// The head of the report: what was run then, by which command it was scored now.
pub fn run_info(trace: &Trace, command: Vec<String>) -> RunInfo {
    RunInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command,
        started: trace.header.started.clone(),
        scene: trace.header.scene.clone(),
        encoder: trace.header.encoder.clone(),
        cost: SenderCost::default(),
        congestion: None,
        impairment: None,
        floors: Floors::default(),
        kept: Kept::default(),
    }
}
