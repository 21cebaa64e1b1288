//! The folder of a benchmark: `results.json`, `results.csv`, `report.html` with `plots/`, and `raw/` with traces, reports and logs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::page;
use super::results::{Cell, FORMAT, Results, Run};
use super::write_whole;

/// Where the runs leave their files.
pub(super) const RAW: &str = "raw";

/// A folder that is there or will be.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn at(path: &Path) -> Folder {
        Folder(path.to_owned())
    }

    /// Makes a new one in `parent`: with a number behind its name if there is one of this name, be it another benchmark's of the
    /// same second.
    pub(super) fn new_one(parent: &Path, name: &str) -> anyhow::Result<Folder> {
        let mut path = parent.join(name);
        for number in 2.. {
            match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => path = parent.join(format!("{name}-{number}")),
                made => {
                    made.with_context(|| format!("cannot make the folder {}", path.display()))?;
                    break;
                }
            }
        }
        Ok(Folder(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn create(&self) -> anyhow::Result<()> {
        let raw = self.0.join(RAW);
        fs::create_dir_all(&raw).with_context(|| format!("cannot make the folder {}", raw.display()))
    }

    fn results(&self) -> PathBuf {
        self.0.join("results.json")
    }

    /// The results there, which there must be.
    pub(super) fn read_there(&self) -> Result<Results, NoResults> {
        read_file(&self.results())
    }

    /// The results there, if there are any.
    pub(super) fn read(&self) -> anyhow::Result<Option<Results>> {
        let path = self.results();
        if path.try_exists().with_context(|| format!("cannot read {}", path.display()))? {
            Ok(Some(read_file(&path)?))
        } else {
            Ok(None)
        }
    }

    pub(super) fn write_results(&self, results: &Results) -> anyhow::Result<()> {
        write_whole(&self.results(), &(serde_json::to_string(results)? + "\n"))
    }

    /// Everything that is made of the results.
    pub(super) fn render(&self, results: &Results) -> anyhow::Result<()> {
        self.write_results(results)?;
        write_whole(&self.0.join("results.csv"), &csv_text(results)?)?;
        for document in page::documents(results)? {
            let path = self.0.join(&document.path);
            let written =
                fs::create_dir_all(path.parent().unwrap_or(&self.0)).and_then(|()| fs::write(&path, document.bytes));
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Why a file holds no results: another one was meant.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}; give a results.json that `rebound bench` of this version wrote")]
pub(crate) struct NoResults {
    path: String,
    why: String,
}

/// Reads results.
pub(super) fn read_file(path: &Path) -> Result<Results, NoResults> {
    let no_results = |why: String| NoResults { path: path.display().to_string(), why };
    let text = fs::read_to_string(path).map_err(|error| no_results(format!("it cannot be read: {error}")))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| no_results(format!("it is no JSON: {error}")))?;
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => return Err(no_results(format!("it has format {format}, this program reads {FORMAT}"))),
        None => return Err(no_results("it has no format".to_owned())),
    }
    serde_json::from_value(value).map_err(|error| no_results(format!("it is of another shape: {error}")))
}

/// A column's name and, as JSON pointer, where the report has it.
const REPORTED: [(&str, &str); 16] = [
    ("produced", "/frames/produced"),
    ("encoded", "/frames/encoded"),
    ("matched", "/frames/matched"),
    ("error_p50_px", "/error_px/p50"),
    ("error_p95_px", "/error_px/p95"),
    ("error_max_px", "/error_px/max"),
    ("latency_p50_ms", "/latency_ms/p50"),
    ("latency_p95_ms", "/latency_ms/p95"),
    ("latency_p99_ms", "/latency_ms/p99"),
    ("latency_max_ms", "/latency_ms/max"),
    ("staleness_p95_px", "/staleness_px/p95"),
    ("encode_p50_ms", "/stages_ms/encode/p50"),
    ("decode_p50_ms", "/stages_ms/decode/p50"),
    ("detect_p50_ms", "/stages_ms/detect/p50"),
    ("bitrate_kbps", "/bitrate_kbps"),
    ("first_coordinate_ms", "/first_coordinate_ms"),
];

const OWN: [&str; 24] = [
    "id",
    "name",
    "repeat",
    "encoder",
    "width",
    "height",
    "fps",
    "bitrate",
    "scene",
    "detector",
    "channel",
    "network",
    "fec",
    "jitter",
    "receivers",
    "light",
    "seconds",
    "failed",
    "sender_cpu_s_per_1000_frames",
    "sender_max_rss_mb",
    "receiver_cpu_s_per_1000_frames",
    "receiver_max_rss_mb",
    "bias_x_px",
    "bias_y_px",
];

/// A line for each run.
fn csv_text(results: &Results) -> anyhow::Result<String> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(OWN.into_iter().chain(REPORTED.map(|(name, _)| name)))?;
    for cell in &results.cells {
        for run in &cell.runs {
            table.write_record(own(cell, run).into_iter().chain(REPORTED.map(|(_, pointer)| reported(run, pointer))))?;
        }
    }
    let bytes = table.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(String::from_utf8(bytes)?)
}

fn reported(run: &Run, pointer: &str) -> String {
    let value = run.report.as_ref().and_then(|report| report.pointer(pointer));
    value.and_then(serde_json::Value::as_f64).map(|value| value.to_string()).unwrap_or_default()
}

fn own(cell: &Cell, run: &Run) -> [String; OWN.len()] {
    let settings = &cell.settings;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let (sender, receiver) = (run.cost.sender, run.cost.receivers.first());
    let bias = run.digest.as_ref().and_then(|digest| digest.bias_px);
    [
        cell.id.clone(),
        cell.name.clone(),
        run.repeat.to_string(),
        settings.encoder.clone(),
        settings.width.to_string(),
        settings.height.to_string(),
        settings.fps.to_string(),
        settings.bitrate.clone(),
        settings.scene.clone(),
        settings.detector.clone(),
        text(&settings.channel),
        settings.network.name.clone(),
        text(&settings.fec),
        text(&settings.jitter),
        settings.receivers.to_string(),
        settings.light.to_string(),
        settings.seconds.to_string(),
        text(&run.failed),
        number(sender.map(|cost| cost.cpu_s_per_1000_frames)),
        number(sender.map(|cost| cost.max_rss_mb)),
        number(receiver.map(|cost| cost.cpu_s_per_1000_frames)),
        number(receiver.map(|cost| cost.max_rss_mb)),
        number(bias.map(|bias| bias[0])),
        number(bias.map(|bias| bias[1])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing;

    #[test]
    fn every_run_is_a_line_and_what_is_not_known_is_empty() {
        let mut results = testing::results(&testing::matrix("[axes]\nnetwork = ['loss=5%,delay=1ms']\n"));
        let report = serde_json::json!({"latency_ms": {"p50": 4.5, "p95": null}});
        results.cells[0].runs =
            vec![Run { report: Some(report), ..testing::run(1, None) }, testing::run(2, Some("it hung, alas"))];
        let text = csv_text(&results).expect("written");
        let mut lines = csv::Reader::from_reader(text.as_bytes());
        let column = |lines: &mut csv::Reader<&[u8]>, name: &str| {
            lines.headers().expect("there").iter().position(|own| own == name).expect(name)
        };
        let (p50, p95, failed) =
            (column(&mut lines, "latency_p50_ms"), column(&mut lines, "latency_p95_ms"), column(&mut lines, "failed"));
        let records: Vec<csv::StringRecord> = lines.records().collect::<Result<_, _>>().expect("lines");
        assert_eq!((&records[0][p50], &records[0][p95], &records[0][failed]), ("4.5", "", ""));
        assert_eq!((records.len(), &records[1][failed]), (2, "it hung, alas"));
    }

    #[test]
    fn two_benchmarks_of_one_second_have_a_folder_each() {
        let directory = tempfile::tempdir().expect("a directory");
        let made = || Folder::new_one(directory.path(), "bench-1").expect("made").0;
        let made = [made(), made(), made()];
        assert_eq!(made, ["bench-1", "bench-1-2", "bench-1-3"].map(|name| directory.path().join(name)));
        assert!(Folder::new_one(&directory.path().join("missing"), "bench-1").is_err());
    }

    #[test]
    fn what_was_written_is_read_and_what_is_none_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = Folder::at(directory.path());
        assert!(folder.read().expect("readable").is_none());
        let results = testing::results(&testing::matrix("repeat = 2"));
        folder.write_results(&results).expect("written");
        assert_eq!(folder.read().expect("readable"), Some(results));
        for (text, why) in [("{}", "no format"), ("{\"format\": 99}", "has format 99"), ("x", "is no JSON")] {
            fs::write(directory.path().join("results.json"), text).expect("written");
            assert!(folder.read().expect_err(text).to_string().contains(why), "{text}");
        }
    }
}
