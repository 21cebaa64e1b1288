use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use super::*;

/// Long enough for a loaded machine; nothing waits this long when all is well.
const PATIENCE: Duration = Duration::from_secs(10);

fn parse(text: &str) -> Result<Pipeline, PipelineError> {
    gst::init().expect("GStreamer starts");
    Pipeline::parse("test", text)
}

fn error_of(text: &str) -> PipelineError {
    parse(text).err().unwrap_or_else(|| panic!("'{text}' is accepted"))
}

fn events_of(pipeline: &Pipeline) -> Receiver<BusEvent> {
    let (sender, events) = sync_channel(16);
    pipeline.watch(move |event| {
        if event != BusEvent::Latency {
            let _ = sender.try_send(event);
        }
    });
    events
}

#[test]
fn a_single_element_is_a_pipeline_too() {
    let pipeline = parse("fakesrc name=only num-buffers=1").expect("valid");
    assert_eq!(pipeline.inner().name(), "test");
    assert!(pipeline.element::<gst::Element>("only").is_ok());
}

#[test]
fn all_missing_elements_are_named_at_once() {
    let PipelineError::Missing { elements, .. } = error_of("nosuch1 ! avdec_nosuch2 ! fakesink foo=1 nosuch1. ! nosuch1")
    else {
        panic!("another error");
    };
    let names: Vec<&str> = elements.iter().map(|missing| missing.element.as_str()).collect();
    assert_eq!(names, ["nosuch1", "avdec_nosuch2"]);
}

#[test]
fn a_syntax_error_shows_its_place() {
    for (text, place) in [
        ("videotestsrc ! ! fakesink", "! fakesink"),
        ("videotestsrc !  fakesink ) extra", ") extra"),
        ("= ! fakesink", "= ! fakesink"),
        ("fakesrc num-buffers=1 !", "!"),
    ] {
        let PipelineError::Syntax { text, column, .. } = error_of(text) else { panic!("'{text}': another error") };
        assert_eq!(&text[column..], place);
    }
}

#[test]
fn a_wrong_property_or_value_names_element_and_property() {
    for (text, wanted) in
        [("fakesrc foo=1 ! fakesink", ["foo", "fakesrc"]), ("videotestsrc pattern=zebra ! fakesink", ["pattern", "zebra"])]
    {
        let message = error_of(text).to_string();
        assert!(wanted.iter().all(|word| message.contains(word)), "{message}");
    }
    assert!(matches!(error_of(""), PipelineError::Rejected { .. }));
}

#[test]
fn elements_are_found_by_name_and_type() {
    let pipeline = parse("fakesrc name=source ! fakesink").expect("valid");
    let wrong = pipeline.element::<gst::Bin>("source").expect_err("not a bin");
    assert!(matches!(wrong, PipelineError::WrongType { .. }), "{wrong}");
    let none = pipeline.element::<gst::Element>("sauce").expect_err("no such element");
    assert!(matches!(none, PipelineError::NoSuchElement { .. }), "{none}");
}

#[test]
fn the_reason_for_not_starting_is_told() {
    let pipeline = parse("filesrc location=/nonexistent/file ! fakesink").expect("valid");
    let Err(PipelineError::Start { cause: Some(cause), .. }) = pipeline.play() else { panic!("no cause") };
    assert!(cause.element.contains("GstFileSrc") && cause.debug.is_some(), "{cause}");
}

#[test]
fn the_end_and_errors_are_events_and_nothing_stays_on_the_bus() {
    let pipeline = parse("fakesrc num-buffers=3 ! fakesink").expect("valid");
    let events = events_of(&pipeline);
    pipeline.play().expect("starts");
    assert_eq!(events.recv_timeout(PATIENCE), Ok(BusEvent::Eos));
    assert!(!pipeline.inner().bus().expect("has a bus").have_pending());
    pipeline.stop();

    let pipeline = parse("fakesrc ! identity error-after=2 ! fakesink").expect("valid");
    let events = events_of(&pipeline);
    pipeline.play().expect("starts");
    assert!(matches!(events.recv_timeout(PATIENCE), Ok(BusEvent::Error(_))));
    pipeline.stop();
}

#[test]
fn a_stopped_pipeline_is_freed_and_lets_go_of_its_listener() {
    let pipeline = parse("fakesrc ! fakesink").expect("valid");
    let events = events_of(&pipeline);
    pipeline.play().expect("starts");
    let (tell, freed) = sync_channel(1);
    let notify = pipeline.inner().add_weak_ref_notify(move || {
        let _ = tell.send(());
    });
    pipeline.stop();
    // A thread of GStreamer's may still be about to let go.
    assert_eq!(freed.recv_timeout(PATIENCE), Ok(()));
    assert_eq!(events.recv_timeout(PATIENCE), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    drop(notify);
}

#[test]
fn graphs_are_named_after_pipeline_and_moment() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut pipeline = parse("fakesrc ! fakesink").expect("valid");
    pipeline.set_debugging(&Debugging { dot_dir: Some(directory.path().to_owned()), log_changes: false });
    pipeline.dump("start");
    let entry = std::fs::read_dir(directory.path()).expect("readable").next().expect("one file").expect("readable");
    assert!(entry.file_name().to_string_lossy().ends_with("-test.start.dot"), "{entry:?}");
    assert!(std::fs::read_to_string(entry.path()).expect("readable").starts_with("digraph"));
}
