//! What can be wrong with a pipeline.

use super::bus::BusError;
use super::missing::{MissingElement, advice};

/// Why a pipeline cannot be made, searched or started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// Elements that are not installed, all of them.
    #[error("pipeline '{pipeline}' needs elements that are not installed: {}", advice(elements))]
    Missing {
        /// The pipeline's name.
        pipeline: String,
        /// In the order of the text.
        elements: Vec<MissingElement>,
    },
    /// The text is not launch syntax.
    #[error("pipeline '{pipeline}': {what}\n  {text}\n  {}^ here", " ".repeat(*column))]
    Syntax {
        /// The pipeline's name.
        pipeline: String,
        /// What GStreamer says.
        what: String,
        /// The text, in one line.
        text: String,
        /// Characters of `text` before the place.
        column: usize,
    },
    /// No such property, a value it does not take, or elements that do not fit together; GStreamer names them.
    #[error("pipeline '{pipeline}': {what}\n  in: {text}")]
    Rejected {
        /// The pipeline's name.
        pipeline: String,
        /// What GStreamer says: it names the element and the property.
        what: String,
        /// The text, in one line.
        text: String,
    },
    /// The text has no element of that name.
    #[error("pipeline '{pipeline}' has no element named '{element}'; add name={element} to it in the launch text")]
    NoSuchElement {
        /// The pipeline's name.
        pipeline: String,
        /// The name looked for.
        element: String,
    },
    /// The element of that name is of another kind.
    #[error("pipeline '{pipeline}': element '{element}' is a {found}, a {wanted} is needed")]
    WrongType {
        /// The pipeline's name.
        pipeline: String,
        /// The element's name.
        element: String,
        /// The type found.
        found: String,
        /// The type needed.
        wanted: String,
    },
    /// It does not start.
    #[error("pipeline '{pipeline}' does not start{}", because(cause.as_ref()))]
    Start {
        /// The pipeline's name.
        pipeline: String,
        /// The error that an element gave as its reason.
        cause: Option<BusError>,
    },
}

fn because(cause: Option<&BusError>) -> String {
    cause.map_or_else(|| ", and no element says why".to_owned(), |error| format!(": {error}"))
}
