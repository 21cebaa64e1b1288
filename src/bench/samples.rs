//! The trace of a run, as a benchmark reads it.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use anyhow::{Context as _, bail};

use super::digest::{Sample, SampleAnswer};
use super::results::StageFigures;
use crate::trace;
use crate::trace::line::{Answer, Frame, StagesNs};

/// The frames of a trace, and when the first receiver was connected, in seconds; none if there is no trace.
///
/// # Errors
/// When it cannot be read, or when frames are missing in it: what became of them nobody knows.
pub(super) fn read(path: &Path) -> anyhow::Result<Option<(Vec<Sample>, f64)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let trace = trace::read(BufReader::new(file)).with_context(|| format!("cannot read {}", path.display()))?;
    if let Some(gaps) = trace.gaps() {
        bail!("the trace {} is not complete: {gaps}", path.display());
    }
    let began_ns = trace.receivers.iter().map(|receiver| receiver.joined_ns).min();
    Ok(began_ns.map(|began_ns| (trace.frames.iter().map(sample).collect(), began_ns as f64 / 1e9)))
}

fn sample(frame: &Frame) -> Sample {
    Sample {
        receiver: frame.receiver,
        produced_s: frame.produced_ns as f64 / 1e9,
        bytes: frame.bytes,
        answer: frame.answer.as_ref().map(answer),
    }
}

fn answer(answer: &Answer) -> SampleAnswer {
    let ms = |ns: Option<u64>| ns.map(|ns| ns as f64 / 1e6);
    let StagesNs { encode, send, network: _, there, decode, detect, back } = answer.stages_ns;
    SampleAnswer {
        at_s: answer.at_ns as f64 / 1e9,
        latency_ms: answer.latency_ns as f64 / 1e6,
        stages_ms: StageFigures {
            encode: ms(encode),
            send: ms(send),
            there: ms(there),
            decode: ms(decode),
            detect: ms(detect),
            back: ms(back),
        },
        errors_px: answer.pairs.iter().map(|pair| [pair.dx_px, pair.dy_px]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::line::{End, Line};
    use crate::trace::{Encoder, Format, tests as made};

    fn written(end: Option<End>) -> anyhow::Result<Option<(Vec<Sample>, f64)>> {
        let lines = made::run().into_iter().filter(|line| !matches!(line, Line::End(_))).chain(end.map(Line::End));
        let (mut bytes, mut encoder) = (Vec::new(), Encoder::new(Format::JsonLines));
        lines.for_each(|line| encoder.encode(&line, &mut bytes));
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        read(file.path())
    }

    #[test]
    fn a_trace_with_gaps_is_no_measurement() {
        let end = |dropped| End { frames: 120, dropped, limit_reached: false };
        let (samples, began_s) = written(Some(end(0))).expect("whole").expect("there");
        assert_eq!((samples.len(), began_s), (120, 0.009));
        for (gaps, why) in [(Some(end(3)), "3 lines are missing"), (None, "was killed")] {
            assert!(written(gaps).expect_err(why).to_string().contains(why), "{why}");
        }
    }
}
