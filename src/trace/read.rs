//! A trace that was written as JSON lines, read again. Whoever wrote it may have been killed, or be another program.

use std::io::{BufRead, Read as _};

use super::line::{End, Frame, Header, Line, Receiver, ReceiverLeft, VERSION};

/// The longest line that is read: a frame with eight objects takes 3 kB, a header its command line, of which Linux allows 128 kB
/// a word.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Of a first line that is not whole.
const CUT: &str = "it breaks off: the program was killed as it began, or the disk was full";

/// A trace in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What was run.
    pub header: Header,
    /// Who received, in the order in which they joined.
    pub receivers: Vec<Receiver>,
    /// Who left, and when.
    pub left: Vec<ReceiverLeft>,
    /// Each frame for each receiver, by age.
    pub frames: Vec<Frame>,
    /// How it ends; none if the program was killed.
    pub end: Option<End>,
    /// The last line breaks off and was left out.
    pub is_cut: bool,
}

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("line {line} cannot be read: {source}")]
    Io {
        /// From 1.
        line: usize,
        /// Why.
        source: std::io::Error,
    },
    /// Another file.
    #[error(
        "this is no trace of rebound: its first line is no header ({0}); `rebound send --trace FILE.jsonl` writes one that can be read"
    )]
    NotATrace(String),
    /// Written by a later version.
    #[error("the trace has version {0} of the format, this program reads version {VERSION}; use a newer rebound")]
    TooNew(u64),
    /// A line that is none.
    #[error("line {line} is broken: {what}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// Reads a whole trace. Lines of unknown types are left out, and so is the last one if it breaks off.
pub fn read(mut from: impl BufRead) -> Result<Trace, ReadError> {
    let mut bytes = Vec::new();
    next(&mut from, &mut bytes, 1)?;
    let mut trace = Trace {
        header: header(&bytes)?,
        receivers: Vec::new(),
        left: Vec::new(),
        frames: Vec::new(),
        end: None,
        is_cut: false,
    };
    for line in 2.. {
        if !next(&mut from, &mut bytes, line)? {
            break;
        }
        match serde_json::from_slice(&bytes) {
            Ok(known) => trace.take(known, line)?,
            Err(_) if !bytes.ends_with(b"\n") => trace.is_cut = true,
            Err(error) => return Err(ReadError::Line { line, what: error.to_string() }),
        }
    }
    Ok(trace)
}

/// Reads a line with its end into `bytes`; false after the last one.
fn next(from: &mut impl BufRead, bytes: &mut Vec<u8>, line: usize) -> Result<bool, ReadError> {
    bytes.clear();
    let read =
        from.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', bytes).map_err(|source| ReadError::Io { line, source })?;
    if read as u64 == MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
        return Err(too_long(line));
    }
    Ok(read > 0)
}

fn too_long(line: usize) -> ReadError {
    let what = format!("it is longer than {MAX_LINE_BYTES} bytes");
    if line == 1 { ReadError::NotATrace(what) } else { ReadError::Line { line, what } }
}

fn header(bytes: &[u8]) -> Result<Header, ReadError> {
    #[derive(serde::Deserialize)]
    struct OnlyVersion {
        trace: u64,
    }
    // A later version's header may have other fields.
    if let Ok(OnlyVersion { trace }) = serde_json::from_slice(bytes)
        && trace != VERSION
    {
        return Err(ReadError::TooNew(trace));
    }
    match serde_json::from_slice(bytes) {
        Ok(Line::Header(header)) => Ok(*header),
        Ok(_) => Err(ReadError::NotATrace("it is a line of another type".to_owned())),
        Err(_) if !bytes.ends_with(b"\n") => Err(ReadError::NotATrace(CUT.to_owned())),
        Err(error) => Err(ReadError::NotATrace(error.to_string())),
    }
}

impl Trace {
    fn take(&mut self, line: Line, number: usize) -> Result<(), ReadError> {
        match line {
            Line::Header(_) => {
                return Err(ReadError::Line { line: number, what: "a second header: two traces in one file".to_owned() });
            }
            Line::Receiver(receiver) => self.receivers.push(receiver),
            Line::ReceiverLeft(left) => self.left.push(left),
            Line::Frame(frame) => self.frames.push(*frame),
            Line::End(end) => self.end = Some(end),
            Line::Unknown => {}
        }
        Ok(())
    }

    /// What is missing in it, for people; none if nothing is.
    pub fn gaps(&self) -> Option<String> {
        match &self.end {
            _ if self.is_cut => Some("its last line breaks off: the program was killed, or the disk was full".to_owned()),
            None => Some("it has no last line: the program was killed".to_owned()),
            Some(end) if end.limit_reached => Some("it had reached its limit before the run ended".to_owned()),
            Some(End { dropped: 0, .. }) => None,
            Some(end) => Some(format!("{} lines are missing, since the disk was too slow", end.dropped)),
        }
    }
}
