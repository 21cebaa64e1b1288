//! A pipeline's messages as events.

use std::sync::{Mutex, OnceLock, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;

/// An error that an element gave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{element}: {message}{}", debug_line(debug.as_deref()))]
pub struct BusError {
    /// The element's path, as `/GstPipeline:encode/GstX264Enc:encoder`.
    pub element: String,
    /// What went wrong.
    pub message: String,
    /// For those who debug: file, line, details.
    pub debug: Option<String>,
}

fn debug_line(debug: Option<&str>) -> String {
    debug.map_or_else(String::new, |text| format!(" ({})", text.replace('\n', " ")))
}

/// What a pipeline tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusEvent {
    /// An element failed; the pipeline does not go on by itself.
    Error(BusError),
    /// An element warns and goes on.
    Warning(BusError),
    /// Every sink has seen the end of the stream.
    Eos,
    /// The latency of a part has changed: call [`recalculate_latency`](super::Pipeline::recalculate_latency), off this thread.
    Latency,
}

/// The part of a pipeline that its bus owns. It holds no reference to the pipeline.
#[derive(Default)]
pub(super) struct Watch {
    first_error: Mutex<Option<BusError>>,
    report: OnceLock<Report>,
}

type Report = Box<dyn Fn(BusEvent) + Send + Sync>;

impl Watch {
    /// From now on events go to `report`; `false` when somebody listens already.
    pub(super) fn listen(&self, report: impl Fn(BusEvent) + Send + Sync + 'static) -> bool {
        self.report.set(Box::new(report)).is_ok()
    }

    /// The first error since the pipeline was made.
    pub(super) fn first_error(&self) -> Option<BusError> {
        self.first_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs on whatever thread posts the message, most often a streaming thread; no lock is held while the event is reported.
    pub(super) fn on_message(&self, message: &gst::Message) {
        let Some(event) = event_of(message) else { return };
        if let BusEvent::Error(error) = &event {
            let mut first = self.first_error.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| error.clone());
        }
        if let Some(report) = self.report.get() {
            report(event);
        }
    }
}

fn event_of(message: &gst::Message) -> Option<BusEvent> {
    use gst::MessageView;
    match message.view() {
        MessageView::Error(error) => Some(BusEvent::Error(bus_error(message, &error.error(), error.debug()))),
        MessageView::Warning(warning) => Some(BusEvent::Warning(bus_error(message, &warning.error(), warning.debug()))),
        MessageView::Eos(_) => Some(BusEvent::Eos),
        MessageView::Latency(_) => Some(BusEvent::Latency),
        _ => None,
    }
}

fn bus_error(message: &gst::Message, error: &glib::Error, debug: Option<glib::GString>) -> BusError {
    let element = message.src().map_or_else(|| "unknown element".to_owned(), |source| source.path_string().into());
    BusError { element, message: error.message().to_owned(), debug: debug.map(Into::into) }
}
