//! `--record`: the encoded stream as it is sent, in a file. From the same units as the peers' lanes, without encoding again.
//!
//! **Invariant**: the file follows the stream and never holds it up: what the disk does not take is dropped up to the next
//! keyframe, and counted.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::codec::Codec;
use crate::encode::Unit;
use crate::pipeline::{BusEvent, Pipeline, PipelineError};
use crate::report::RecordingInfo;
use crate::webrtc::{Handed, Lane, LaneState};

/// How long the end of a run waits for a slow disk.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// A recording, from the first encoder to the end of the run.
pub struct Recorder {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    frames: u64,
    dropped: u64,
    /// It broke, or the codec changed: the file goes on no more.
    has_failed: bool,
    /// What comes now is after its end.
    is_over: bool,
}

impl State {
    fn end(&mut self) -> Option<Running> {
        self.is_over = true;
        self.running.take()
    }
}

struct Running {
    pipeline: Pipeline,
    units: gst_app::AppSrc,
    lane: Lane,
    codec: Codec,
    ended: Receiver<Result<(), String>>,
}

impl Recorder {
    /// Into this file.
    pub fn new(path: &Path) -> Recorder {
        Recorder { path: path.to_owned(), state: Mutex::default() }
    }

    /// An encoder of `codec` begins: `launch` is the pipeline that takes its units. A file holds one codec, so that it ends, as far
    /// as there is something in it, when another one begins.
    pub fn start(&self, codec: Codec, launch: &str) -> Result<(), PipelineError> {
        let mut state = self.state();
        match &state.running {
            Some(running) if running.codec == codec => {
                running.lane.set(LaneState::AwaitingKeyframe);
                return Ok(());
            }
            Some(_) if state.frames > 0 => {
                state.has_failed = true;
                tracing::warn!("the recording {} ends: the codec changes to {codec}", self.path.display());
                return Ok(());
            }
            _ if state.has_failed => return Ok(()),
            _ => {}
        }
        if let Some(before) = state.running.take() {
            before.pipeline.stop();
        }
        state.running = Some(Running::start(codec, launch, &self.path)?);
        Ok(())
    }

    /// Takes a unit, from the encoder's thread, without waiting. True if a keyframe is wanted for the file to go on.
    pub fn hand(&self, unit: &Unit) -> bool {
        let mut state = self.state();
        if state.is_over {
            return false;
        }
        let failed = state.running.as_ref().and_then(|running| running.ended.try_recv().ok()).and_then(Result::err);
        if let Some(why) = failed {
            state.has_failed = true;
            tracing::warn!("the recording {} is not complete, the run goes on without: {why}", self.path.display());
        }
        let handed = match &state.running {
            Some(running) if !state.has_failed => running.lane.hand(unit),
            _ => Handed::No,
        };
        match handed {
            Handed::Yes => state.frames += 1,
            Handed::No | Handed::Full => state.dropped += 1,
        }
        handed == Handed::Full
    }

    /// Ends the file, so that it has its index. Blocks.
    pub fn finish(&self) -> RecordingInfo {
        // Not with the lock: whoever hands over a unit meanwhile must not wait for the disk.
        let running = self.state().end();
        let ended = running.map_or(Ok(()), Running::finish);
        let state = self.state();
        if let Err(why) = &ended
            && !state.has_failed
        {
            tracing::warn!("the recording {} is not complete: {why}", self.path.display());
        }
        if state.dropped > 0 {
            tracing::warn!("{} frames are missing in the recording {}", state.dropped, self.path.display());
        }
        RecordingInfo {
            file: self.path.display().to_string(),
            frames: state.frames,
            dropped: state.dropped,
            complete: ended.is_ok() && !state.has_failed && state.dropped == 0,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn start(codec: Codec, launch: &str, path: &Path) -> Result<Running, PipelineError> {
        let pipeline = Pipeline::parse("record", launch)?;
        let file: gstreamer::Element = pipeline.element("file")?;
        file.set_property("location", path.as_os_str().to_string_lossy().as_ref());
        let units = pipeline.element::<gst_app::AppSrc>("units")?;
        let lane = Lane::new(units.clone());
        lane.set(LaneState::AwaitingKeyframe);
        // Its end or its first error: what comes after that is of no interest.
        let (tell, ended) = sync_channel(1);
        pipeline.watch(move |event| {
            let end = match event {
                BusEvent::Eos => Ok(()),
                BusEvent::Error(error) => Err(error.to_string()),
                BusEvent::Warning(_) | BusEvent::Latency => return,
            };
            let _ = tell.try_send(end);
        });
        pipeline.play()?;
        Ok(Running { pipeline, units, lane, codec, ended })
    }

    fn finish(self) -> Result<(), String> {
        let Running { pipeline, units, ended, .. } = self;
        let told = units.end_of_stream().map_err(|error| format!("its end was not taken: {error:?}"));
        let ended = told.and_then(|_| match ended.recv_timeout(FINISH_WITHIN) {
            Ok(ended) => ended,
            Err(RecvTimeoutError::Timeout) => Err(format!("the disk takes longer than {FINISH_WITHIN:?}")),
            Err(RecvTimeoutError::Disconnected) => Err("it ended by itself".to_owned()),
        });
        pipeline.stop();
        ended
    }
}

#[cfg(test)]
mod tests;
