//! Launch text to elements, and errors that show the place.

use gstreamer as gst;

use super::error::PipelineError;
use super::missing::missing;

/// What the text describes: a pipeline, or the one element in it.
pub(super) fn parse_element(name: &str, text: &str) -> Result<gst::Element, PipelineError> {
    let text = one_line(text);
    let mut context = gst::ParseContext::new();
    let parsed = gst::parse::launch_full(&text, Some(&mut context), gst::ParseFlags::FATAL_ERRORS);
    parsed.map_err(|error| explain(name, text, &error, &context.missing_elements()))
}

/// The text with every run of white space made one space, as it is shown in errors.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn explain(name: &str, text: String, error: &glib::Error, blamed: &[String]) -> PipelineError {
    let (pipeline, what) = (name.to_owned(), error.message().to_owned());
    if error.matches(gst::ParseError::Syntax) {
        let column = text[..place_of_syntax_error(&text)].chars().count();
        return PipelineError::Syntax { pipeline, what, text, column };
    }
    // GStreamer also blames elements that are there but have no such property.
    let elements = missing(blamed.iter().map(String::as_str));
    if elements.is_empty() {
        PipelineError::Rejected { pipeline, what, text }
    } else {
        PipelineError::Missing { pipeline, elements }
    }
}

/// Bytes before the first word with which the text is no longer the beginning of a pipeline.
///
/// GStreamer 1.22 does not tell the place, so longer and longer beginnings are tried; a link at the end is not held against them.
fn place_of_syntax_error(text: &str) -> usize {
    let starts = std::iter::once(0).chain(text.match_indices(' ').map(|(at, _)| at + 1));
    let ends = text.match_indices(' ').map(|(at, _)| at).chain(std::iter::once(text.len()));
    let bad = |start: usize, end: usize| match &text[start..end] {
        "!" if end < text.len() => is_syntax_error(&format!("{} fakesink", &text[..end])),
        _ => is_syntax_error(&text[..end]),
    };
    starts.zip(ends).find(|&(start, end)| bad(start, end)).map_or(text.len(), |(start, _)| start)
}

fn is_syntax_error(text: &str) -> bool {
    let parsed = gst::parse::launch_full(text, None, gst::ParseFlags::FATAL_ERRORS);
    parsed.is_err_and(|error| error.matches(gst::ParseError::Syntax))
}
