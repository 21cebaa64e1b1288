//! What became of every frame, in a file: one line each as JSON, or as tracks for the tools that show traces.
//!
//! ```text
//! ledger's records -> Lines -> Line -> Encoder (JSON lines, Chrome's trace events, Perfetto's packets) -> TraceFile's thread
//! ```
//!
//! All but [`mod@file`] is pure. **Invariant**: writing never slows the loop: what the thread does not take in time is dropped, counted,
//! and said at the end of the trace and in the report.

mod chrome;
pub mod file;
pub mod line;
mod lines;
mod perfetto;
mod read;
mod timeline;

use std::path::Path;
use std::time::Duration;

pub use lines::{Item, Lines};
pub use read::{ReadError, Trace, read};

use chrome::Chrome;
use line::Line;
use perfetto::Perfetto;

/// What a trace can be written as; the file's name says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.jsonl`: one JSON object a line, as [`mod@line`] has them; the only one that can be read again.
    JsonLines,
    /// `.json`: Chrome's trace events, for `chrome://tracing` and Perfetto.
    Chrome,
    /// `.pftrace`: Perfetto's own.
    Perfetto,
}

impl Format {
    /// The endings of files' names and what they stand for.
    pub const ALL: [(&str, Format); 3] =
        [("jsonl", Format::JsonLines), ("json", Format::Chrome), ("pftrace", Format::Perfetto)];

    /// What a file of this name holds.
    pub fn of(path: &Path) -> Option<Format> {
        let extension = path.extension()?.to_str()?;
        Format::ALL.into_iter().find(|(known, _)| *known == extension).map(|(_, format)| format)
    }
}

/// Makes the bytes of a trace, line by line.
#[derive(Debug)]
pub struct Encoder(Form);

#[derive(Debug)]
enum Form {
    JsonLines,
    Chrome(Chrome),
    Perfetto(Perfetto),
}

impl Encoder {
    /// For the beginning of a file.
    pub fn new(format: Format) -> Encoder {
        Encoder(match format {
            Format::JsonLines => Form::JsonLines,
            Format::Chrome => Form::Chrome(Chrome::default()),
            Format::Perfetto => Form::Perfetto(Perfetto::default()),
        })
    }

    /// Adds a line to `out`.
    pub fn encode(&mut self, line: &Line, out: &mut Vec<u8>) {
        match &mut self.0 {
            Form::JsonLines => {
                serde_json::to_writer(&mut *out, line).expect("memory takes everything, and a line has only names as keys");
                out.push(b'\n');
            }
            Form::Chrome(chrome) => chrome.encode(line, out),
            Form::Perfetto(perfetto) => perfetto.encode(line, out),
        }
    }
}

/// A time or a duration as the trace has it: 584 years fit.
pub(crate) fn as_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
