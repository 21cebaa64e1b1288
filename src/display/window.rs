//! A window with the video and what is seen in it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use gstreamer::prelude::*;
use gstreamer::{self as gst, MessageView};
use gstreamer_app::AppSrc;

use super::overlay;
use crate::detect::Sighting;
use crate::frame::I420Layout;

/// How soon a closed window is noticed where no frames come.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How long closing may take; a display that hangs must not keep the program from ending.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The first that starts is taken. Not autovideosink: without a display it goes on to take the console, draws in letters, or
/// shows nothing and says so to nobody. waylandsink comes after ximagesink, which Wayland's desktops serve too, since its library
/// complains on stderr where there is no Wayland.
const SINKS: [&str; 4] = ["ximagesink", "waylandsink", "osxvideosink", "d3d11videosink"];

/// appsrc holds one frame, and a newer one takes its place: a window that is slow shows the newest frame, not the next.
fn launch_text(width: u32, height: u32, sink: &str) -> String {
    format!(
        "appsrc name=frames format=time is-live=true do-timestamp=true max-buffers=1 leaky-type=downstream \
         ! videoconvert ! videoscale add-borders=true ! video/x-raw,width={width},height={height},pixel-aspect-ratio=1/1 \
         ! videoconvert ! {sink} sync=false"
    )
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// GStreamer or an element is missing.
    #[error("cannot open a window: {0}; install gstreamer1.0-plugins-base and gstreamer1.0-x, or use --snapshot")]
    Gstreamer(#[from] glib::Error),
    /// None of the sinks starts.
    #[error("cannot open a window: no display answers to any of {}; set DISPLAY, or use --snapshot", SINKS.join(", "))]
    NoDisplay,
    /// The sink starts alone but not in its pipeline.
    #[error("cannot open a window: {0}; use --snapshot instead")]
    Start(String),
    /// No thread for it.
    #[error("cannot start a thread for the window: {0}")]
    Thread(#[from] std::io::Error),
}

/// Why a window shows nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowEnd {
    /// Someone closed it.
    Closed,
    /// It broke.
    Failed(String),
}

/// A window that shows the newest frame that it gets. Dropping it closes it.
///
/// One that someone closes ends alone. When the X server itself dies, Xlib ends the whole process with code 1, and only unsafe
/// code could keep it from that.
pub struct Window {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
    skipped: AtomicU64,
}

/// Where one frame changes hands. Its memory goes back and forth and is never given up.
#[derive(Default)]
struct Slot {
    frame: Vec<u8>,
    sightings: Vec<Sighting>,
    /// Of the frame that waits; `None` when none does.
    waiting: Option<I420Layout>,
    end: Option<WindowEnd>,
    leave: bool,
    left: bool,
}

impl Window {
    /// Opens a window of this many pixels; video of another shape gets black borders.
    ///
    /// # Errors
    /// When there is no display or GStreamer lacks an element.
    pub fn open(width: u32, height: u32) -> Result<Window, WindowError> {
        gst::init()?;
        let started = SINKS.into_iter().find_map(|sink| Some((sink, started(sink)?)));
        let (sink, trial) = started.ok_or(WindowError::NoDisplay)?;
        let window = Window::with_sink(width, height, sink);
        // Not before: an X server that its last client leaves starts anew, and lets nobody in meanwhile.
        stop(&trial);
        window
    }

    fn with_sink(width: u32, height: u32, sink: &str) -> Result<Window, WindowError> {
        let pipeline = Pipeline::start(&launch_text(width, height, sink))?;
        let shared = Arc::new(Shared::default());
        let inner = Arc::clone(&shared);
        thread::Builder::new().name("window".to_owned()).spawn(move || {
            show_frames(&inner, &pipeline);
            drop(pipeline);
            inner.lock().left = true;
            inner.changed.notify_one();
        })?;
        Ok(Window { shared })
    }

    /// Offers a frame; never waits. A frame that is not shown yet is replaced; while the window takes one over, this one is
    /// skipped.
    pub fn offer(&self, frame: &[u8], layout: &I420Layout, sightings: &[Sighting]) {
        let mut slot = match self.shared.slot.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(slot)) => slot.into_inner(),
            Err(TryLockError::WouldBlock) => return self.shared.skip(),
        };
        if slot.end.is_some() {
            return self.shared.skip();
        }
        if slot.waiting.replace(*layout).is_some() {
            self.shared.skip();
        }
        slot.frame.clear();
        slot.frame.extend_from_slice(frame);
        slot.sightings.clear();
        slot.sightings.extend_from_slice(sightings);
        drop(slot);
        self.shared.changed.notify_one();
    }

    /// Frames that were offered and not shown.
    pub fn skipped_frames(&self) -> u64 {
        self.shared.skipped.load(Ordering::Relaxed)
    }

    /// Why the window shows nothing more; `None` while it is open.
    pub fn end(&self) -> Option<WindowEnd> {
        self.shared.lock().end.clone()
    }
}

/// A sink alone, if it finds its display.
fn started(sink: &str) -> Option<gst::Element> {
    let sink = gst::ElementFactory::make(sink).build().ok()?;
    let is_ready = sink.set_state(gst::State::Ready).is_ok();
    if !is_ready {
        stop(&sink);
    }
    is_ready.then_some(sink)
}

fn stop(element: &gst::Element) {
    if element.set_state(gst::State::Null).is_err() {
        tracing::warn!("{} does not stop", element.name());
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut slot = self.shared.lock();
        slot.leave = true;
        self.shared.changed.notify_one();
        let waited = self.shared.changed.wait_timeout_while(slot, CLOSE_TIMEOUT, |slot| !slot.left);
        if waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
            tracing::warn!("the window did not close in time");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn skip(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits a little for a frame and swaps it for `spare`. An error says that it is time to leave.
    fn take(&self, spare: &mut Vec<u8>, sightings: &mut Vec<Sighting>) -> Result<Option<I420Layout>, ()> {
        let nothing_new = |slot: &mut Slot| slot.waiting.is_none() && !slot.leave;
        let waited = self.changed.wait_timeout_while(self.lock(), LOOK_INTERVAL, nothing_new);
        let (mut slot, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if slot.leave {
            return Err(());
        }
        let Some(layout) = slot.waiting.take() else { return Ok(None) };
        std::mem::swap(&mut slot.frame, spare);
        std::mem::swap(&mut slot.sightings, sightings);
        Ok(Some(layout))
    }
}

/// The window's thread: draws and pushes the newest frame, and looks whether the window is still there.
fn show_frames(shared: &Shared, pipeline: &Pipeline) {
    let (mut frame, mut sightings) = (Vec::new(), Vec::new());
    let end = loop {
        match shared.take(&mut frame, &mut sightings) {
            Err(()) => return,
            Ok(None) => {}
            Ok(Some(layout)) => {
                overlay::draw(&mut frame, &layout, &sightings);
                pipeline.push(&frame, &layout);
            }
        }
        if let Some(end) = pipeline.end() {
            break end;
        }
    };
    tracing::info!(?end, "the window is closed; the loop goes on without it");
    shared.lock().end = Some(end);
}

/// The pipeline behind a window; it ends with this value.
struct Pipeline {
    pipeline: gst::Pipeline,
    frames: AppSrc,
}

impl Pipeline {
    fn start(text: &str) -> Result<Pipeline, WindowError> {
        let element = gst::parse::launch(text)?;
        let pipeline = element.downcast::<gst::Pipeline>().expect("several elements make a pipeline");
        let frames = pipeline.by_name("frames").and_downcast::<AppSrc>().expect("named in the launch text");
        let started = Pipeline { pipeline, frames };
        if started.pipeline.set_state(gst::State::Playing).is_err() {
            return Err(WindowError::Start(started.failure().unwrap_or_else(|| "the display does not answer".to_owned())));
        }
        Ok(started)
    }

    /// Hands a frame over. The format follows the frames: a sender may change its size.
    fn push(&self, frame: &[u8], layout: &I420Layout) {
        let caps = gst::Caps::builder("video/x-raw")
            .field("format", "I420")
            .field("width", layout.size.width() as i32)
            .field("height", layout.size.height() as i32)
            .field("framerate", gst::Fraction::new(0, 1))
            .build();
        if self.frames.caps().as_ref() != Some(&caps) {
            self.frames.set_caps(Some(&caps));
        }
        // A sink that is gone says so on the bus.
        let _ = self.frames.push_buffer(gst::Buffer::from_slice(frame.to_owned()));
    }

    /// What the bus says about the end.
    fn end(&self) -> Option<WindowEnd> {
        let text = self.failure()?;
        // ximagesink, xvimagesink, glimagesink and waylandsink all end with this or a similar sentence.
        Some(if text.to_lowercase().contains("window was closed") { WindowEnd::Closed } else { WindowEnd::Failed(text) })
    }

    fn failure(&self) -> Option<String> {
        let message = self.pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
        match message.view() {
            MessageView::Error(error) => Some(error.error().message().to_owned()),
            _ => None,
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("the window's pipeline did not stop");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Size;
    use std::time::Instant;

    fn frame(width: u32, height: u32) -> (Vec<u8>, I420Layout) {
        let layout = I420Layout::new(Size::new(width, height).expect("valid"));
        (vec![100; layout.len], layout)
    }

    #[test]
    fn offering_never_waits_for_a_stuck_window() {
        gst::init().expect("GStreamer starts");
        // The sink holds each frame for an hour.
        let window = Window::with_sink(320, 240, "identity sleep-time=3600000000 ! fakesink").expect("opens");
        let (picture, layout) = frame(1280, 720);
        let begun = Instant::now();
        for _ in 0..200 {
            window.offer(&picture, &layout, &[]);
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(window.end(), None);
        drop(window);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn frames_of_changing_size_are_shown() {
        gst::init().expect("GStreamer starts");
        let window = Window::with_sink(320, 240, "fakesink").expect("opens");
        for (width, height) in [(64, 48), (640, 480), (66, 50)] {
            let (picture, layout) = frame(width, height);
            window.offer(&picture, &layout, &[]);
            while window.shared.lock().waiting.is_some() {
                thread::yield_now();
            }
        }
        assert_eq!(window.end(), None);
    }

    #[test]
    fn a_window_that_breaks_says_so_and_takes_no_more() {
        gst::init().expect("GStreamer starts");
        let window = Window::with_sink(320, 240, "identity error-after=1 ! fakesink").expect("opens");
        let (picture, layout) = frame(64, 48);
        window.offer(&picture, &layout, &[]);
        while window.end().is_none() {
            thread::yield_now();
        }
        let before = window.skipped_frames();
        window.offer(&picture, &layout, &[]);
        assert_eq!(window.skipped_frames(), before + 1);
        assert!(matches!(window.end(), Some(WindowEnd::Failed(_))));
    }

    #[test]
    fn a_missing_element_is_named() {
        gst::init().expect("GStreamer starts");
        let error = Window::with_sink(320, 240, "nosuchsink").err().expect("refused").to_string();
        assert!(error.contains("nosuchsink") && error.contains("--snapshot"), "{error}");
    }
}
