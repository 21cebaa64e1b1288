//! `--trace` and `--record`.

use std::path::PathBuf;

use clap::Args;

use crate::trace::Format;

/// What is kept of a run besides the report.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Trace and recording")]
pub struct TraceArgs {
    /// Write what became of every frame: FILE.jsonl (a JSON object a line), FILE.json (Chrome) or FILE.pftrace (Perfetto)
    #[arg(long, value_name = "FILE", value_parser = trace_file)]
    pub trace: Option<PathBuf>,
    /// The trace ends before it is larger, the run goes on: 64k to 1000G bytes
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = bytes)]
    pub trace_limit: u64,
    /// Keep the encoded video as it is sent, as Matroska; `rebound replay` looks at it again
    #[arg(long, value_name = "FILE.mkv", value_parser = video_file)]
    pub record: Option<PathBuf>,
}

/// Room for the first line, the last one and a few seconds between.
const LEAST_BYTES: u64 = 64_000;

/// A larger file is a slip of the finger.
const MOST_BYTES: u64 = 1_000_000_000_000;

fn trace_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match Format::of(&path) {
        Some(_) => Ok(path),
        None => {
            let known = Format::ALL.map(|(extension, _)| format!(".{extension}")).join(", ");
            Err(format!("'{text}' does not say how the trace is to be written: the name must end in one of {known}"))
        }
    }
}

fn video_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.extension().is_some_and(|extension| extension == "mkv") {
        return Ok(path);
    }
    Err(format!("'{text}' is no name of a Matroska file: it must end in .mkv"))
}

/// `500k`, `20M`, `1G`: powers of ten, as disks are sold.
fn bytes(text: &str) -> Result<u64, String> {
    let units = [("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];
    let unit = units.into_iter().find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, factor)));
    let (number, factor) = unit.unwrap_or((text, 1));
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    bytes
        .filter(|bytes| (LEAST_BYTES..=MOST_BYTES).contains(bytes))
        .ok_or_else(|| format!("'{text}' is not a size from 64k to 1000G bytes; write for example 500k, 20M or 1G"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traces_name_says_what_it_is() {
        for good in ["a.jsonl", "dir/b.json", "c.pftrace"] {
            assert_eq!(trace_file(good), Ok(PathBuf::from(good)));
        }
        for bad in ["a", "a.txt", ".json", "a.JSON", "jsonl"] {
            assert!(trace_file(bad).is_err_and(|why| why.contains(".jsonl, .json, .pftrace")), "{bad}");
        }
        assert!(video_file("a.mkv").is_ok() && video_file("a.mp4").is_err());
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(
            (bytes("64k"), bytes("20M"), bytes("1G"), bytes("64000")),
            (Ok(64_000), Ok(20_000_000), Ok(1_000_000_000), Ok(64_000))
        );
        for bad in ["", "G", "1k", "-1G", "1.5G", "1001G", "99999999999999999999", "1g", "1 G"] {
            assert!(bytes(bad).is_err_and(|why| why.contains("20M")), "{bad}");
        }
    }
}
