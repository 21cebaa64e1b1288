//! What is kept of a run besides the report: its trace and its video.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::Sender;
use crate::cli::SendConfig;
use crate::record::Recorder;
use crate::report::{Kept, Ledger, LedgerConfig, ReceiverId, RunInfo};
use crate::trace::Format;
use crate::trace::file::{TraceFile, TraceOptions};
use crate::trace::line::{self, Header};
use crate::trace::{Item, as_ns};
use crate::units::RtpTime;

/// The files of a run that is to have some.
#[derive(Default)]
pub(super) struct Keeping {
    trace: Option<TraceFile>,
    recorder: Option<Arc<Recorder>>,
}

impl Keeping {
    /// Begins what the settings ask for.
    pub(super) fn start(
        config: &SendConfig,
        run: RunInfo,
        ledger: &LedgerConfig,
        offset: RtpTime,
        recorder: Option<Arc<Recorder>>,
    ) -> anyhow::Result<Keeping> {
        let Some((path, format)) = config.kept.trace.as_deref().and_then(|path| Some((path, Format::of(path)?))) else {
            return Ok(Keeping { trace: None, recorder });
        };
        let RunInfo { version, command, started, scene, encoder, .. } = run;
        let header = Header {
            trace: line::VERSION,
            rebound: version,
            command,
            started,
            scene,
            encoder,
            timestamp_offset: offset.0,
            late_after_ns: as_ns(ledger.late_after),
            video: config.kept.record.as_ref().map(|path| path.display().to_string()),
        };
        let (path, limit_bytes) = (path.to_owned(), config.kept.trace_limit);
        let shown = path.display().to_string();
        let trace = TraceFile::start(TraceOptions { path, format, limit_bytes, header })
            .with_context(|| format!("the trace cannot be written to {shown}"))?;
        Ok(Keeping { trace: Some(trace), recorder })
    }

    /// Whether the ledger must keep records.
    pub(super) fn wants_records(config: &SendConfig) -> bool {
        config.kept.trace.is_some()
    }

    /// Ends the files, the trace with what the ledger has left. Blocks.
    pub(super) fn finish(self, ledger: &mut Ledger) -> Kept {
        let rest = Item::Rest(ledger.take_records().collect());
        Kept {
            trace: self.trace.map(|trace| trace.finish(rest, ledger.records_lost())),
            recording: self.recorder.map(|recorder| recorder.finish()),
        }
    }
}

impl Sender {
    /// Hands final frames over to the trace.
    pub(super) fn keep_records(&mut self) {
        if let Some(trace) = &mut self.keeping.trace {
            self.ledger.take_records().for_each(|record| trace.offer(Item::Frame(record)));
        }
    }

    pub(super) fn keep_joined(&mut self, receiver: ReceiverId, name: Arc<str>, hello_at: Duration, at: Duration) {
        if let Some(trace) = &mut self.keeping.trace {
            trace.offer(Item::Joined { receiver, name, hello_at, at });
        }
    }

    pub(super) fn keep_left(&mut self, receiver: ReceiverId, at: Duration) {
        if let Some(trace) = &mut self.keeping.trace {
            trace.offer(Item::Left { receiver, at });
        }
    }
}
