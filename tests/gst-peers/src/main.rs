//! Runs a launch line of GStreamer's own WebRTC elements (`webrtcsrc`, `webrtcsink`, WHIP and WHEP), which share no code with
//! rebound, and prints what arrives at each element whose name begins with `out`.
//!
//!     gst-peers 'webrtcsrc stun-server="" signaller::uri=ws://127.0.0.1:3001/gst ! videoconvert ! fakesink name=out'
//!
//! Ends with SIGINT or SIGTERM, which stops the pipeline as an application would, at the end of the stream, or with an error.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gstreamer::prelude::*;
use gstreamer::{self as gst, glib};

/// How often it tells how much arrived: every so many buffers.
const TELL_EVERY: u64 = 30;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>().join(" ")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(launch: &str) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    gst::init().map_err(|error| text(&error))?;
    gstrswebrtc::plugin_register_static().map_err(|error| text(&error))?;
    let pipeline = gst::parse::launch(launch).map_err(|error| text(&error))?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| "the launch line has one element only".to_owned())?;
    for element in pipeline.iterate_elements().into_iter().flatten().filter(|one| one.name().starts_with("out")) {
        watch(&element)?;
    }
    let ended = play(&pipeline);
    let stopped = pipeline.set_state(gst::State::Null).map_err(|error| text(&error));
    ended.and(stopped.map(|_| ()))
}

fn watch(element: &gst::Element) -> Result<(), String> {
    let name = element.name();
    let pad = element.static_pad("sink").ok_or_else(|| format!("{name} has no sink pad"))?;
    let arrived = Arc::new(AtomicU64::new(0));
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        let count = arrived.fetch_add(1, Ordering::Relaxed) + 1;
        if count == 1 {
            eprintln!("{name}: first buffer, {}", pad.current_caps().map(|caps| caps.to_string()).unwrap_or_default());
        } else if count.is_multiple_of(TELL_EVERY) {
            eprintln!("{name}: {count} buffers");
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// Plays until the end of the stream, a signal or an error.
fn play(pipeline: &gst::Pipeline) -> Result<(), String> {
    let main_loop = glib::MainLoop::new(None, false);
    let (tell, told) = std::sync::mpsc::channel();
    let quit = main_loop.clone();
    let bus = pipeline.bus().ok_or("a pipeline without a bus")?;
    let _watch = bus.add_watch(move |_, message| {
        let ended = match message.view() {
            gst::MessageView::Eos(_) => Ok(()),
            gst::MessageView::Error(error) => Err(format!("{} ({})", error.error(), error.debug().unwrap_or_default())),
            _ => return glib::ControlFlow::Continue,
        };
        // Whoever listens listens until the loop ends.
        let _ = tell.send(ended);
        quit.quit();
        glib::ControlFlow::Break
    });
    let quit = main_loop.clone();
    ctrlc::set_handler(move || quit.quit()).map_err(|error| error.to_string())?;
    pipeline.set_state(gst::State::Playing).map_err(|error| error.to_string())?;
    eprintln!("playing");
    main_loop.run();
    told.try_recv().unwrap_or(Ok(()))
}
