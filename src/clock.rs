//! The one clock of a run. Nothing else reads the time: core modules are given it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gstreamer as gst;
use gstreamer::prelude::*;

/// What the calendar says: the time since the beginning of 1970, in UTC.
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// How long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins now.
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// The time since then.
    pub fn read(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A thread may be put aside between the two readings that are to be one moment; not five times.
const ZERO_READINGS: usize = 5;

/// A monotonic clock that starts at zero when the run begins, and GStreamer's system clock with the same zero.
///
/// Both read `CLOCK_MONOTONIC`, so that a pipeline whose base time is `base_time` has this clock's time as its
/// running time: a frame's presentation time and the times in the report are in one domain.
#[derive(Clone, Debug)]
pub struct RunClock {
    zero: Instant,
    clock: gst::Clock,
    base_time: gst::ClockTime,
}

impl RunClock {
    /// A clock that begins now. GStreamer must have been initialised.
    #[must_use]
    pub fn start() -> RunClock {
        let clock = gst::SystemClock::obtain();
        let readings = std::iter::repeat_with(|| (Instant::now(), clock.time(), Instant::now())).take(ZERO_READINGS);
        let closest = readings.min_by_key(|(before, _, after)| *after - *before);
        let (zero, base_time, _) = closest.expect("there is at least one reading");
        RunClock { zero, base_time, clock }
    }

    /// Time since the run began.
    pub fn now(&self) -> Duration {
        self.zero.elapsed()
    }

    /// What the kernel's `CLOCK_MONOTONIC` showed when the run began: the same for all processes of a machine.
    pub fn monotonic_zero(&self) -> Duration {
        self.base_time.into()
    }

    /// Makes a pipeline run on this clock.
    pub fn drive(&self, pipeline: &gst::Pipeline) {
        pipeline.use_clock(Some(&self.clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        pipeline.set_base_time(self.base_time);
    }

    /// Makes a pipeline run on this clock, with its running time 0 now: for footage that begins when it is played.
    pub fn drive_from_now(&self, pipeline: &gst::Pipeline) {
        self.drive(pipeline);
        pipeline.set_base_time(self.clock.time());
    }
}
