//! `rebound calibrate`: what the instrument itself adds to what it measures, on this machine.
//!
//! Everything here runs without network and codec: whatever a report says beyond these floors comes from what is measured.

mod floor;
mod output;

use std::time::Duration;

use serde::Serialize;

use crate::cli::{CalibrateConfig, ExitCode};
use crate::clock::RunClock;
use crate::feedback::{Message, Sightings, message};
use crate::frame::{I420Layout, I420View};
use crate::logging::print_out;
use crate::report::{Distribution, Ledger, LedgerConfig, Outcome, ReceiverId, Spread};
use crate::scene::{Scene, SceneConfig, SceneKind};
use crate::units::{Fps, FrameNumber, RtpTime, Size};

pub use floor::{DETECTOR, SceneFloor, scene_floor};

/// Frames of each scene: enough for a 99th percentile, and half a second at 60 frames/s.
const FRAMES: u64 = 200;

/// Wake-ups: two seconds at 60 frames/s.
const WAKE_UPS: u64 = 120;

/// Readings of the clock: some milliseconds, far above the clock's own resolution.
const READINGS: u32 = 100_000;

/// Of scene frames one after the other the ball has hardly moved; every so many, it is anywhere.
pub(crate) const STRIDE: u64 = 41;

/// What `rebound calibrate` found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// The clock that all times are read from.
    pub clock: ClockFloor,
    /// How late a thread is woken that waits for its frame's time.
    pub wake_up_ms: Spread,
    /// From a drawn frame through detector, message, and ledger to its joined coordinate, without network and codec.
    pub loop_ms: Spread,
    /// What renderer and detector get wrong on their own, by scene.
    pub scenes: Vec<SceneFloor>,
}

/// A clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClockFloor {
    /// What reading it takes.
    pub read_ns: f64,
    /// The smallest step that was seen.
    pub resolution_ns: u64,
}

/// Measures, and prints a table or JSON.
pub fn run(config: &CalibrateConfig) -> anyhow::Result<ExitCode> {
    let (clock, size, fps) = (RunClock::start(), config.size, config.fps);
    let scenes: Result<Vec<SceneFloor>, _> = SceneKind::ALL
        .into_iter()
        .map(|kind| Scene::new(SceneConfig::new(kind, size, fps)).map(|scene| scene_floor(&scene, FRAMES)))
        .collect();
    let calibration = Calibration {
        clock: read_clock(&clock),
        wake_up_ms: wake_ups(&clock, fps),
        loop_ms: close_loop(&clock, size, fps)?,
        scenes: scenes?,
    };
    let json = || serde_json::to_string_pretty(&calibration).map(|json| json + "\n");
    print_out(&if config.json { json()? } else { output::table(&calibration) })?;
    Ok(ExitCode::Ok)
}

fn read_clock(clock: &RunClock) -> ClockFloor {
    let start = clock.now();
    let (mut last, mut resolution) = (start, Duration::MAX);
    for _ in 0..READINGS {
        let now = clock.now();
        if now > last {
            resolution = resolution.min(now - last);
        }
        last = now;
    }
    let read_ns = (last - start).as_nanos() as f64 / f64::from(READINGS);
    ClockFloor { read_ns, resolution_ns: u64::try_from(resolution.as_nanos()).unwrap_or(u64::MAX) }
}

/// Waits as the source does, for frames at this rate.
fn wake_ups(clock: &RunClock, fps: Fps) -> Spread {
    let start = clock.now();
    let mut late_ms = Distribution::new();
    for number in 1..=WAKE_UPS {
        let due = start + fps.time_of(FrameNumber(number));
        let woken = loop {
            let now = clock.now();
            if now >= due {
                break now;
            }
            std::thread::park_timeout(due - now);
        };
        late_ms.record((woken - due).as_secs_f64() * 1e3);
    }
    late_ms.spread()
}

/// The loop, with memory in the place of codec and network.
fn close_loop(clock: &RunClock, size: Size, fps: Fps) -> anyhow::Result<Spread> {
    let scene = Scene::new(SceneConfig::new(SceneKind::Ball, size, fps))?;
    let (layout, mut canvas) = (I420Layout::new(size), scene.new_canvas());
    let mut detector = crate::detect::by_name(DETECTOR)?;
    let (receiver, mut ledger) = (ReceiverId(0), Ledger::new(LedgerConfig::new(size, fps)));
    ledger.receiver_joined(receiver, "calibrate", Duration::ZERO, Duration::ZERO);
    let (mut text, mut taken_ms) = (String::new(), Distribution::new());
    for number in 0..FRAMES {
        let (frame, rtp) = (FrameNumber(number), RtpTime(number as u32 * fps.interval_ticks()));
        let truth = scene.draw(&mut canvas, frame);
        let produced = clock.now();
        ledger.produced(frame, rtp, truth, produced)?;
        let mut objects = Vec::new();
        detector.detect(&I420View::new(canvas.pixels(), &layout)?, &mut objects);
        answer(number, rtp, size, objects).write(&mut text)?;
        if let Message::Sightings(sightings) = message::read(text.as_bytes())? {
            let outcome = ledger.feedback(receiver, &sightings, &truth, clock.now());
            anyhow::ensure!(matches!(outcome, Outcome::Matched(_)), "frame {number} was not joined: {outcome:?}");
        }
        taken_ms.record((clock.now() - produced).as_secs_f64() * 1e3);
    }
    Ok(taken_ms.spread())
}

fn answer(seq: u64, rtp: RtpTime, size: Size, objects: Vec<crate::detect::Sighting>) -> Sightings {
    let (width, height) = (size.width(), size.height());
    Sightings { seq, rtp: Some(rtp), width, height, objects, ..Sightings::default() }
}
