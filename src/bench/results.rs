//! What a benchmark leaves behind, as it stands in `results.json`: everything that is needed to read it, to draw it, to compare
//! it with another one and to repeat it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Changes when a reader of an older file would misread a newer one.
pub const FORMAT: u32 = 1;

/// A benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// [`FORMAT`].
    pub format: u32,
    /// What was run, and where.
    pub header: Header,
    /// The cells in the order of the matrix.
    pub cells: Vec<Cell>,
}

/// What was run, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The command line, word by word, without passwords.
    pub command: Vec<String>,
    /// The matrix: a built-in one's name, its file, or `flags`.
    pub matrix: String,
    /// The version of this program.
    pub rebound: String,
    /// When the first run began, RFC 3339.
    pub started: String,
    /// The order of the runs follows from it.
    pub seed: u64,
    /// The computer.
    pub machine: Machine,
    /// GStreamer's version.
    pub gstreamer: String,
    /// Encoders, decoders and the parts of WebRTC.
    pub elements: Vec<Element>,
}

/// The computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name in the network.
    pub host: String,
    /// The processor's model.
    pub cpu: String,
    /// Processors that the program may use.
    pub cores: usize,
    /// Memory in megabytes (10^6 bytes).
    pub memory_mb: u64,
    /// The kernel and its version.
    pub kernel: String,
    /// The distribution.
    pub os: String,
}

/// A GStreamer element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// For example `x264enc`.
    pub name: String,
    /// The plugin that it comes from.
    pub plugin: String,
    /// The plugin's version.
    pub version: String,
}

/// One combination of settings, and its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Follows from the settings: cells of two benchmarks with the same identity were run with the same settings.
    pub id: String,
    /// For people: given, or made of the settings that differ within the matrix.
    pub name: String,
    /// What it was run with.
    pub settings: CellSettings,
    /// In the order of `repeat`; a run that has not been made yet is missing.
    pub runs: Vec<Run>,
}

/// What a cell is run with. Texts are as the flags of `rebound send` and `rebound receive` take them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellSettings {
    /// `send --encoder`
    pub encoder: String,
    /// Frame width in pixels.
    pub width: u32,
    /// Frame height in pixels.
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
    /// `send --bitrate`
    pub bitrate: String,
    /// `send --scene`
    pub scene: String,
    /// `receive --detector` of every receiver, or of the first only if `light` is set.
    pub detector: String,
    /// `send --channel`; none leaves the default.
    pub channel: Option<String>,
    /// What is done to the packets.
    pub network: Network,
    /// `send --fec`, in percent; none leaves the default.
    pub fec: Option<String>,
    /// `receive --jitter-ms`; none leaves the default.
    pub jitter: Option<String>,
    /// Number of receivers.
    pub receivers: u32,
    /// Receivers after the first are viewers: `--detector none`.
    pub light: bool,
    /// Further words for `rebound send`.
    pub send: Vec<String>,
    /// Further words for `rebound receive`.
    pub receive: Vec<String>,
    /// Not measured, at the beginning.
    pub warmup_s: f64,
    /// Measured, after that.
    pub seconds: f64,
    /// Times that are told apart.
    pub phases: Vec<Phase>,
}

/// A condition of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// `clean`, a preset's name, or what was asked for.
    pub name: String,
    /// `send --impair`: what the video goes through; none if nothing.
    pub there: Option<String>,
    /// `receive --impair`: what the coordinates go through; none if nothing.
    pub back: Option<String>,
}

/// A part of the time of a run, in seconds after the timeline of the network began that the video goes through; where that is left
/// as it is, after the first receiver was connected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// As assertions call it.
    pub name: String,
    /// From here on
    pub from_s: f64,
    /// up to here.
    pub to_s: f64,
}

/// One run of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// From 1.
    pub repeat: u32,
    /// When it began, RFC 3339.
    pub started: String,
    /// Of the sender; none if a signal ended it.
    pub exit_code: Option<i32>,
    /// Why nothing, or not all, was measured; none if all went well.
    pub failed: Option<String>,
    /// The sender's report as `docs/report.schema.json` has it, without warm-up.
    pub report: Option<Value>,
    /// What the processes took.
    pub cost: Cost,
    /// What became of each frame, in brief.
    pub digest: Option<Digest>,
    /// The files with the raw samples, relative to the folder of `results.json`: the trace first, then reports and logs.
    pub files: Vec<String>,
    /// What was asserted, and whether it holds.
    pub assertions: Vec<Checked>,
}

/// What the processes of a run took, measured from outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Of the sender.
    pub sender: Option<ProcessCost>,
    /// Of each receiver.
    pub receivers: Vec<ProcessCost>,
}

/// What a process took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessCost {
    /// Processors kept busy on average while measured.
    pub cores: f64,
    /// Processor seconds for a thousand frames.
    pub cpu_s_per_1000_frames: f64,
    /// The most memory held at once, 10^6 bytes, over the whole run.
    pub max_rss_mb: f64,
}

/// An assertion and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// As written.
    pub expression: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was found, and by how much it misses.
    pub found: String,
}

/// What became of the frames of a run, in brief: of those after warm-up, over all receivers, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// Frames, counted once for each receiver.
    pub frames: u64,
    /// Of these, answered in time.
    pub matched: u64,
    /// The latency that a share of `index / (len - 1)` does not exceed: a cumulative distribution, exact. Empty if nothing was
    /// answered.
    pub latency_quantiles_ms: Vec<f64>,
    /// The same of the error.
    pub error_quantiles_px: Vec<f64>,
    /// The latency's parts, median; they follow each other in time.
    pub stages_p50_ms: StageFigures,
    /// Mean of the latency's parts; of what is known they add up to the mean latency.
    pub stages_mean_ms: StageFigures,
    /// Systematic error of a sighting, to the right and downwards: detector's and codec's bias. None if nothing was paired.
    pub bias_px: Option<[f64; 2]>,
    /// Standard deviation of the error about the bias.
    pub noise_px: Option<[f64; 2]>,
    /// Every half second, from when the first receiver was connected; those of warm-up may be without frames.
    pub series: Vec<Point>,
    /// Each second after warm-up, for comparisons that know that neighbouring frames are alike.
    pub blocks: Vec<Block>,
    /// The phases, in the order of the settings.
    pub phases: Vec<PhaseFigures>,
}

/// A figure for each stage, in the order in which a frame goes through them; none where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageFigures {
    /// Produced to encoded.
    pub encode: Option<f64>,
    /// Encoded to handed to the network.
    pub send: Option<f64>,
    /// To the arrival of the last packet.
    pub there: Option<f64>,
    /// Arrival to picture.
    pub decode: Option<f64>,
    /// Picture to sightings.
    pub detect: Option<f64>,
    /// Sightings to their arrival.
    #[serde(rename = "return")]
    pub back: Option<f64>,
}

/// A stretch of half a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Its beginning.
    pub at_s: f64,
    /// Frames produced in it, counted once for each receiver.
    pub frames: u64,
    /// Of these, answered in time.
    pub matched: u64,
    /// Median latency of its frames.
    pub latency_p50_ms: Option<f64>,
    /// 95th percentile.
    pub latency_p95_ms: Option<f64>,
    /// Median error.
    pub error_p50_px: Option<f64>,
    /// Encoded for one receiver.
    pub kbps: f64,
}

/// A stretch of a second. Of more than [`Block::MOST`] values only evenly spaced ranks are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Frames, counted once for each receiver.
    pub frames: u64,
    /// Of these, answered in time.
    pub matched: u64,
    /// In ascending order.
    pub latency_ms: Vec<f64>,
    /// In ascending order.
    pub error_px: Vec<f64>,
}

impl Block {
    /// Enough for a 99th percentile, and for ten minutes of runs in a file of some megabytes.
    pub const MOST: usize = 128;
}

/// A phase in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PhaseFigures {
    /// As in the settings.
    pub name: String,
    /// Part of its frames that was answered in time, 0 to 1; none if it has no frames.
    pub matched: Option<f64>,
    /// Median latency.
    pub latency_p50_ms: Option<f64>,
    /// 95th percentile.
    pub latency_p95_ms: Option<f64>,
    /// 95th percentile of the error.
    pub error_p95_px: Option<f64>,
    /// Encoded for one receiver.
    pub kbps: Option<f64>,
    /// From its beginning to the arrival of the first coordinate of one of its frames.
    pub first_coordinate_ms: Option<f64>,
}

impl Cell {
    /// The runs that were measured.
    pub fn good_runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.failed.is_none())
    }

    /// Why a run of it failed, the first of them.
    pub fn failure(&self) -> Option<&str> {
        self.runs.iter().find_map(|run| run.failed.as_deref())
    }
}

impl CellSettings {
    /// Kilobits a second where a number was asked for; none where the bitrate follows the network.
    pub fn fixed_kbps(&self) -> Option<f64> {
        let text = self.bitrate.strip_prefix("fixed:").unwrap_or(&self.bitrate);
        text.parse::<crate::units::Bitrate>().ok().map(|bitrate| bitrate.as_bps() as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_bitrate_is_a_number_and_one_that_follows_is_none() {
        let with = |bitrate: &str| CellSettings { bitrate: bitrate.to_owned(), ..settings() };
        assert_eq!(with("800k").fixed_kbps(), Some(800.0));
        assert_eq!(with("fixed:1.5M").fixed_kbps(), with("1500k").fixed_kbps());
        assert_eq!(with("auto:500k-4M").fixed_kbps(), None);
    }

    #[test]
    fn what_was_written_is_read_again() {
        let run = Run {
            repeat: 1,
            started: "2026-01-01T00:00:00Z".to_owned(),
            exit_code: Some(0),
            failed: None,
            report: Some(serde_json::json!({"latency_ms": {"p50": null}})),
            cost: Cost { sender: None, receivers: Vec::new() },
            digest: Some(Digest {
                stages_p50_ms: StageFigures { back: Some(0.1), ..StageFigures::default() },
                ..Digest::default()
            }),
            files: vec!["raw/a.jsonl".to_owned()],
            assertions: Vec::new(),
        };
        let cell = Cell { id: "1".to_owned(), name: "a".to_owned(), settings: settings(), runs: vec![run] };
        let header = Header {
            command: Vec::new(),
            matrix: "quick".to_owned(),
            rebound: "0".to_owned(),
            started: String::new(),
            seed: 1,
            machine: Machine::default(),
            gstreamer: String::new(),
            elements: Vec::new(),
        };
        let results = Results { format: FORMAT, header, cells: vec![cell] };
        let text = serde_json::to_string(&results).expect("written");
        assert_eq!(serde_json::from_str::<Results>(&text).expect("read"), results);
        assert!(text.contains("\"return\":0.1"), "{text}");
    }

    fn settings() -> CellSettings {
        CellSettings {
            encoder: "x264enc".to_owned(),
            width: 640,
            height: 480,
            fps: 30,
            bitrate: "1M".to_owned(),
            scene: "ball".to_owned(),
            detector: "ball".to_owned(),
            channel: None,
            network: Network { name: "clean".to_owned(), there: None, back: None },
            fec: None,
            jitter: None,
            receivers: 1,
            light: false,
            send: Vec::new(),
            receive: Vec::new(),
            warmup_s: 1.0,
            seconds: 5.0,
            phases: Vec::new(),
        }
    }
}
