//! A scene, frame by frame, at the pace of the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gstreamer as gst;

use super::canvases::Canvases;
use crate::clock::RunClock;
use crate::scene::{Scene, Truth};
use crate::units::{Fps, FrameNumber};

/// Canvases in the store: one is drawn, one waits in front of the encoder, one is being encoded, and software encoders keep up to
/// two more as references without copying.
const CANVASES: usize = 6;

/// A frame of the scene, ready to be encoded.
#[derive(Debug)]
pub struct Produced {
    /// Its number.
    pub number: FrameNumber,
    /// What is truly in it.
    pub truth: Truth,
    /// When it was due: its running time. Due times are equally far apart, however late the thread was woken, so that every key is
    /// a whole frame away from the next.
    pub due: Duration,
    /// When it was ready.
    pub at: Duration,
    /// The picture. None when every canvas was still in use: the frame is dropped before the encoder.
    pub picture: Option<gst::Buffer>,
}

/// A thread that draws.
#[derive(Debug)]
pub struct SceneSource {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SceneSource {
    /// Starts to draw `scene`, whose frame 0 is at `start` of `clock`.
    ///
    /// Each frame goes to `give`. A frame that `wanted` says no to is not drawn, and time goes on. A frame whose time has passed
    /// before the one in front of it was done is left out: late frames help nobody.
    pub fn start(
        scene: Arc<Scene>,
        start: Duration,
        clock: RunClock,
        wanted: impl Fn(FrameNumber) -> bool + Send + 'static,
        give: impl FnMut(Produced) + Send + 'static,
    ) -> std::io::Result<SceneSource> {
        let stop = Arc::new(AtomicBool::new(false));
        let painter = Painter { canvases: Canvases::new((0..CANVASES).map(|_| scene.new_canvas())), scene, start, clock };
        let stopped = stop.clone();
        let work = move || painter.run(&stopped, &wanted, give);
        let thread = thread::Builder::new().name("scene".to_owned()).spawn(work)?;
        Ok(SceneSource { stop, thread: Some(thread) })
    }
}

impl Drop for SceneSource {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the painter has been reported by its hook already.
            let _ = thread.join();
        }
    }
}

struct Painter {
    scene: Arc<Scene>,
    canvases: Canvases,
    start: Duration,
    clock: RunClock,
}

impl Painter {
    fn run(self, stop: &AtomicBool, wanted: &impl Fn(FrameNumber) -> bool, mut give: impl FnMut(Produced)) {
        let fps = self.scene.config().fps;
        let mut number = FrameNumber(0);
        while self.wait_until(self.due(number), stop) {
            if wanted(number) {
                give(self.paint(number));
            }
            number = next_due(number, fps, self.clock.now().saturating_sub(self.start));
        }
    }

    fn due(&self, number: FrameNumber) -> Duration {
        self.start + self.scene.config().fps.time_of(number)
    }

    fn paint(&self, number: FrameNumber) -> Produced {
        let due = self.due(number);
        let Some(mut canvas) = self.canvases.take() else {
            return Produced { number, truth: self.scene.truth(number), due, at: self.clock.now(), picture: None };
        };
        let truth = self.scene.draw(&mut canvas, number);
        let at = self.clock.now();
        Produced { number, truth, due, at, picture: Some(self.canvases.lend(canvas)) }
    }

    /// False when it is to stop.
    fn wait_until(&self, due: Duration, stop: &AtomicBool) -> bool {
        loop {
            if stop.load(Ordering::Acquire) {
                return false;
            }
            let now = self.clock.now();
            if now >= due {
                return true;
            }
            thread::park_timeout(due - now);
        }
    }
}

/// The frame after `number`, or the newest one whose time has come if that is later.
fn next_due(number: FrameNumber, fps: Fps, elapsed: Duration) -> FrameNumber {
    let current = elapsed.as_nanos() * u128::from(fps.per_second()) / 1_000_000_000;
    FrameNumber((number.0 + 1).max(current as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{SceneConfig, SceneKind};
    use crate::units::Size;

    #[test]
    fn the_next_frame_is_the_next_one_unless_time_has_run_away() {
        let fps = Fps::new(50).expect("valid");
        let next = |number, ms| next_due(FrameNumber(number), fps, Duration::from_millis(ms)).0;
        assert_eq!(next(0, 1), 1);
        assert_eq!(next(10, 201), 11);
        assert_eq!(next(10, 219), 11);
        assert_eq!(next(10, 1000), 50, "frames 11 to 49 are gone");
    }

    #[test]
    fn frames_come_in_order_with_the_scenes_truth_and_only_while_wanted() {
        gst::init().expect("GStreamer starts");
        let (size, fps) = (Size::new(320, 240).expect("valid"), Fps::new(100).expect("valid"));
        let scene = Arc::new(Scene::new(SceneConfig::new(SceneKind::Ball, size, fps)).expect("valid"));
        let (give, frames) = std::sync::mpsc::sync_channel(64);
        let clock = RunClock::start();
        let asked = std::sync::atomic::AtomicU32::new(0);
        let wanted = move |_: FrameNumber| asked.fetch_add(1, Ordering::Relaxed) >= 2;
        let source = SceneSource::start(scene.clone(), clock.now(), clock, wanted, move |frame| {
            let _ = give.try_send(frame);
        });
        let frames: Vec<Produced> = frames.iter().take(5).collect();
        drop(source);
        assert!(frames[0].number >= FrameNumber(2), "the first two were not wanted");
        for pair in frames.windows(2) {
            assert!(pair[0].number < pair[1].number && pair[0].at < pair[1].at && pair[1].due <= pair[1].at);
        }
        assert!(frames.iter().all(|frame| frame.truth == scene.truth(frame.number) && frame.picture.is_some()));
    }
}
