//! `rebound pipeline … --run`: plays launch text here.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::bus::{BusError, BusEvent};
use super::{Pipeline, PipelineError};

/// How a played pipeline ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Played {
    /// Every sink saw the end.
    Finished,
    /// [`Stop::stop`] was called.
    Stopped,
}

/// Why a played pipeline ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlayError {
    /// It cannot be made or started.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// An element failed.
    #[error(transparent)]
    Failed(BusError),
}

/// Ends a played pipeline from another thread, as on Ctrl-C.
#[derive(Clone, Debug)]
pub struct Stop(SyncSender<Result<Played, BusError>>);

/// Where a [`Stop`] and the pipeline's own end arrive.
#[derive(Debug)]
pub struct Ending(Receiver<Result<Played, BusError>>);

impl Stop {
    /// Room for one: whatever ends it first counts, the rest is late.
    pub fn channel() -> (Stop, Ending) {
        let (sender, receiver) = sync_channel(1);
        (Stop(sender), Ending(receiver))
    }

    /// Ends it.
    pub fn stop(&self) {
        self.end(Ok(Played::Stopped));
    }

    fn end(&self, how: Result<Played, BusError>) {
        let _ = self.0.try_send(how);
    }
}

/// Plays until the end, an error or a [`Stop`]. Blocks.
pub fn play(pipeline: Pipeline, stop: Stop, ending: &Ending) -> Result<Played, PlayError> {
    pipeline.watch(move |event| match event {
        BusEvent::Eos => stop.end(Ok(Played::Finished)),
        BusEvent::Error(error) => stop.end(Err(error)),
        BusEvent::Warning(warning) => tracing::warn!("{warning}"),
        BusEvent::Latency => {}
    });
    pipeline.play()?;
    pipeline.dump("start");
    let ended = ending.0.recv().unwrap_or(Ok(Played::Stopped));
    pipeline.dump(if ended.is_ok() { "end" } else { "error" });
    pipeline.stop();
    ended.map_err(PlayError::Failed)
}

#[cfg(test)]
mod tests {
    use gstreamer as gst;

    use super::*;

    fn played(text: &str, stop_first: bool) -> Result<Played, PlayError> {
        gst::init().expect("GStreamer starts");
        let (stop, ending) = Stop::channel();
        if stop_first {
            stop.stop();
        }
        play(Pipeline::parse("run", text)?, stop, &ending)
    }

    #[test]
    fn it_plays_to_the_end_the_error_or_the_stop() {
        assert_eq!(played("fakesrc num-buffers=2 ! fakesink", false), Ok(Played::Finished));
        assert_eq!(played("fakesrc ! fakesink", true), Ok(Played::Stopped));
        let failed = played("fakesrc ! identity error-after=2 ! fakesink", false);
        assert!(matches!(&failed, Err(PlayError::Failed(error)) if error.element.contains("GstIdentity")), "{failed:?}");
    }
}
