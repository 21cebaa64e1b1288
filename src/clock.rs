//! The one clock of a run. Nothing else reads the time: core modules are given it.

use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;

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
        RunClock { zero: Instant::now(), base_time: clock.time(), clock }
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
}
