//! GStreamer pipelines from text: made with errors that help, watched without leaks, stopped for certain.

mod bus;
mod codecs;
mod dot;
mod error;
mod gstlog;
mod missing;
mod print;
mod run;
mod sources;
mod syntax;
mod template;
mod texts;
mod verbose;

use std::path::PathBuf;
use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;

use bus::Watch;
use syntax::parse_element;

pub use bus::{BusError, BusEvent};
pub use codecs::{CodecTable, Decoding, Payloading};
pub use error::PipelineError;
pub use gstlog::forward_gst_log;
pub use missing::{MissingElement, Source as ElementSource, advice, missing};
pub use print::{gst_launch, receive_text, send_text};
pub use run::{Ending, PlayError, Played, Stop, play};
pub use sources::{MediaText, SourceEntry, SourceTable};
pub use template::{FillError, Template, Value};
pub use texts::{PeerOptions, Source, Texts, TextsError};

/// Starts GStreamer, with the elements of gst-plugins-rs that the program brings along: Google congestion control and AV1 over RTP,
/// which Debian 12 does not have.
pub fn init() -> Result<(), glib::Error> {
    gst::init()?;
    gstrsrtp::plugin_register_static().map_err(|error| glib::Error::new(gst::CoreError::Failed, &error.message))
}

/// What is to be seen of a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Debugging {
    /// Where [`Pipeline::dump`] writes graphs; besides, `GST_DEBUG_DUMP_DOT_DIR` counts.
    pub dot_dir: Option<PathBuf>,
    /// Log changes of caps and properties, as `gst-launch-1.0 -v` does.
    pub log_changes: bool,
}

/// A pipeline made from launch text. Needs `gst::init` first.
///
/// Its bus is read from the start: messages become [`BusEvent`]s or are dropped, so that none waits there. Unread messages hold
/// references: 24 descriptors and 2 threads stayed for every peer that had left (measured on 1.22).
///
/// End it with [`Pipeline::stop`].
pub struct Pipeline {
    pipeline: gst::Pipeline,
    name: String,
    watch: Arc<Watch>,
    dot_dir: Option<PathBuf>,
}

impl Pipeline {
    /// Makes a pipeline from launch text; a single element gives a pipeline too.
    pub fn parse(name: &str, text: &str) -> Result<Pipeline, PipelineError> {
        let parsed = parse_element(name, text)?;
        let pipeline = match parsed.downcast::<gst::Pipeline>() {
            Ok(pipeline) => pipeline,
            Err(element) => in_a_pipeline(name, text, &element)?,
        };
        pipeline.set_property("name", name);
        Ok(Pipeline::watched(name, pipeline))
    }

    fn watched(name: &str, pipeline: gst::Pipeline) -> Pipeline {
        let watch = Arc::new(Watch::default());
        if let Some(bus) = pipeline.bus() {
            let watch = Arc::clone(&watch);
            bus.set_sync_handler(move |_, message| {
                watch.on_message(message);
                gst::BusSyncReply::Drop
            });
        }
        Pipeline { pipeline, name: name.to_owned(), watch, dot_dir: None }
    }

    /// The element that the text names `name=…`.
    pub fn element<T: IsA<gst::Element>>(&self, name: &str) -> Result<T, PipelineError> {
        let (pipeline, element) = (self.name.clone(), name.to_owned());
        let Some(found) = self.pipeline.by_name(name) else {
            return Err(PipelineError::NoSuchElement { pipeline, element });
        };
        found.downcast::<T>().map_err(|found| PipelineError::WrongType {
            pipeline,
            element,
            found: found.type_().name().to_owned(),
            wanted: T::static_type().name().to_owned(),
        })
    }

    /// The pipeline's name, as given to [`Pipeline::parse`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// GStreamer's own object.
    pub fn inner(&self) -> &gst::Pipeline {
        &self.pipeline
    }

    /// Reports what happens, from GStreamer's threads: `report` hands over and returns. It must not own the pipeline.
    ///
    /// There is one listener; a second one is refused and the refusal is logged.
    pub fn watch(&self, report: impl Fn(BusEvent) + Send + Sync + 'static) {
        if !self.watch.listen(report) {
            tracing::error!(pipeline = self.name, "somebody listens to this pipeline already");
        }
    }

    /// Starts it. Some failures come later, as a [`BusEvent::Error`].
    pub fn play(&self) -> Result<(), PipelineError> {
        match self.pipeline.set_state(gst::State::Playing) {
            Ok(_) => Ok(()),
            Err(_) => Err(PipelineError::Start { pipeline: self.name.clone(), cause: self.watch.first_error() }),
        }
    }

    /// The first error since it was made.
    pub fn first_error(&self) -> Option<BusError> {
        self.watch.first_error()
    }

    /// Distributes the latency anew after [`BusEvent::Latency`].
    pub fn recalculate_latency(&self) {
        if self.pipeline.recalculate_latency().is_err() {
            tracing::debug!(pipeline = self.name, "the latency cannot be told now");
        }
    }

    /// From now on it shows what `debugging` says.
    pub fn set_debugging(&mut self, debugging: &Debugging) {
        self.dot_dir.clone_from(&debugging.dot_dir);
        if debugging.log_changes {
            self.log_changes();
        }
    }

    /// Writes the graph as `<time>-<pipeline>.<moment>.dot`, if a directory is set here or in `GST_DEBUG_DUMP_DOT_DIR`.
    pub fn dump(&self, moment: &str) {
        dot::dump(&self.pipeline, self.dot_dir.as_deref(), &format!("{}.{moment}", self.name));
    }

    /// Ends it. Blocks until every streaming thread has ended: not for an event loop or a streaming thread.
    pub fn stop(self) {
        self.end();
    }

    fn end(&self) {
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!(pipeline = self.name, "the pipeline does not go to NULL");
        }
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
            bus.set_flushing(true);
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        if self.pipeline.current_state() > gst::State::Null {
            tracing::warn!(pipeline = self.name, "the pipeline was dropped without being stopped");
            self.end();
        }
    }
}

/// Makes a bin from launch text, whose one unlinked sink pad becomes its `sink`: the part of a pipeline that is linked later.
pub fn parse_bin(name: &str, text: &str) -> Result<gst::Bin, PipelineError> {
    // Parsed for its errors first: a bin's own parser tells less.
    parse_element(name, text)?;
    gst::parse::bin_from_description_with_name(&syntax::one_line(text), true, name).map_err(|error| {
        let (pipeline, what) = (name.to_owned(), error.message().to_owned());
        PipelineError::Rejected { pipeline, what, text: syntax::one_line(text) }
    })
}

fn in_a_pipeline(name: &str, text: &str, element: &gst::Element) -> Result<gst::Pipeline, PipelineError> {
    let pipeline = gst::Pipeline::new();
    pipeline.add(element).map_err(|error| PipelineError::Rejected {
        pipeline: name.to_owned(),
        what: error.to_string(),
        text: syntax::one_line(text),
    })?;
    Ok(pipeline)
}

#[cfg(test)]
mod tests;
