//! `rebound bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, RangedU64ValueParser};
use clap::{ArgGroup, Args};

use super::values;
use crate::bench::matrix::{Axis, BUILT_IN};

const EXAMPLES: &str = "\
Examples:
  rebound bench                      the built-in matrix 'quick': one minute
  rebound bench codecs --out codecs    goes on where it stopped if the folder is there
  rebound bench --encoders x264enc,vp8enc --bitrates 500k,1M,2M --networks 'clean,loss=5% delay=20ms'
  rebound bench --matrix mine.toml --repeat 5 --assert 'latency_ms.p99 < 50' --junit results.xml
  rebound bench quick --repeat 5 --baseline old/results.json --max-regression 10%";

/// What `rebound bench` does.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("what").args(["built_in", "matrix", "render"]))]
pub struct BenchConfig {
    /// A built-in matrix: quick, codecs, network, scale, full [default: quick, unless flags name a matrix]
    #[arg(value_name = "MATRIX", value_parser = PossibleValuesParser::new(BUILT_IN.map(|(name, _)| name)))]
    pub built_in: Option<String>,
    /// Matrix from a TOML file, as docs/benchmarks.md describes it
    #[arg(long, value_name = "FILE", help_heading = "Matrix")]
    pub matrix: Option<PathBuf>,
    /// Values of the axes.
    #[command(flatten)]
    pub axes: AxesConfig,
    /// Measured in each run [default: what the matrix says, or 10]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Runs")]
    pub seconds: Option<Duration>,
    /// Not measured, at the beginning of each run [default: what the matrix says, or 2]
    #[arg(long, value_name = "TIME", value_parser = values::duration_or_none, help_heading = "Runs")]
    pub warmup: Option<Duration>,
    /// Runs of each cell [default: what the matrix says, or 1]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000), help_heading = "Runs")]
    pub repeat: Option<u32>,
    /// The order of the runs follows from it
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Runs")]
    pub seed: u64,
    /// Folder for the results; one that has some is continued [default: bench-YYYYMMDD-HHMMSS]
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    pub out: Option<PathBuf>,
    /// Run nothing; write the tables and pictures of this folder's results again
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    pub render: Option<PathBuf>,
    /// Exit with code 3 unless this holds in every cell, or in the one named in front: 'CELL: EXPRESSION'; may be repeated
    #[arg(long = "assert", value_name = "EXPRESSION", help_heading = "Results", allow_hyphen_values = true)]
    pub assertions: Vec<String>,
    /// Write which assertions hold as JUnit XML, for CI
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub junit: Option<PathBuf>,
    /// Exit with code 3 if a cell is surely worse than in these earlier results; needs at least five runs of each cell on both sides
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub baseline: Option<PathBuf>,
    /// How much worse is allowed
    #[arg(long, value_name = "PERCENT", default_value = "10%", value_parser = values::percent, help_heading = "Results")]
    pub max_regression: f64,
}

/// Values of the axes, in the place of those that the matrix has.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Matrix")]
pub struct AxesConfig {
    /// Encoders, separated by commas, as `send --encoder` takes them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    encoders: Vec<String>,
    /// Frame sizes
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    sizes: Vec<String>,
    /// Frames per second
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    rates: Vec<String>,
    /// Bits per second, as `send --bitrate` takes them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    bitrates: Vec<String>,
    /// Scenes
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    scenes: Vec<String>,
    /// Detectors
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    detectors: Vec<String>,
    /// Policies of the data channel, as `send --channel` takes them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    channels: Vec<String>,
    /// Networks: clean, or what `--impair` takes, with spaces instead of commas within one
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    networks: Vec<String>,
    /// Forward error correction in percent
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    fecs: Vec<String>,
    /// Milliseconds in the jitterbuffer, as `receive --jitter-ms` takes them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    jitters: Vec<String>,
    /// Numbers of receivers
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    receivers: Vec<String>,
}

impl AxesConfig {
    /// The axes that were given, with their values.
    pub fn given(&self) -> impl Iterator<Item = (Axis, &[String])> {
        let all = [
            (Axis::Encoder, &self.encoders),
            (Axis::Size, &self.sizes),
            (Axis::Fps, &self.rates),
            (Axis::Bitrate, &self.bitrates),
            (Axis::Scene, &self.scenes),
            (Axis::Detector, &self.detectors),
            (Axis::Channel, &self.channels),
            (Axis::Network, &self.networks),
            (Axis::Fec, &self.fecs),
            (Axis::Jitter, &self.jitters),
            (Axis::Receivers, &self.receivers),
        ];
        all.into_iter().filter(|(_, values)| !values.is_empty()).map(|(axis, values)| (axis, values.as_slice()))
    }
}
