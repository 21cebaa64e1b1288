//! A file, a camera or a stream, picture by picture.

use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::Feed;
use crate::clock::RunClock;
use crate::mapped::MappedPicture;
use crate::pipeline::{BusEvent, Debugging, MediaText, Pipeline, PipelineError};
use crate::units::{Fps, FrameNumber};

/// How long a file may take to show its first picture: a disk that has to spin up, a stream that has to be connected to.
const OPEN_WITHIN: gst::ClockTime = gst::ClockTime::from_seconds(10);

/// A picture from outside, ready to be encoded.
pub struct Filmed {
    /// Counts time since the run began in frame intervals: pictures that were left out leave their numbers out.
    pub number: FrameNumber,
    /// Its running time: that of its number, so that every key is a whole frame away from the next.
    pub due: Duration,
    /// When it was there.
    pub at: Duration,
    /// The picture.
    pub picture: gst::Buffer,
    /// Its pixels; `None` for a picture that cannot be read.
    pub pixels: Option<MappedPicture>,
}

/// Why no more pictures come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaEnd {
    /// The file is over.
    Over,
    /// It broke.
    Failed(String),
}

/// Why footage cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Its pipeline cannot be made or started.
    #[error(
        "the source '{location}' cannot be opened: {error}; write a file, rtsp://…, /dev/video0, or launch text that gives raw video"
    )]
    Pipeline {
        /// As given, without passwords.
        location: String,
        /// Why.
        error: Box<PipelineError>,
    },
    /// It shows nothing.
    #[error("the source '{location}' shows no picture within {OPEN_WITHIN}")]
    NoPicture {
        /// As given, without passwords.
        location: String,
    },
}

/// Footage that is open, and shows its first picture when it is played.
pub struct MediaSource {
    pipeline: Option<Pipeline>,
    clock: RunClock,
    live: bool,
    feed: Option<Feed>,
}

impl MediaSource {
    /// Opens it. Blocks until the first picture of a file is there; a live source starts to run.
    pub fn open(text: &MediaText, clock: &RunClock, debugging: &Debugging) -> Result<MediaSource, MediaError> {
        let location = || text.shown.clone();
        let error = |error: PipelineError| MediaError::Pipeline { location: location(), error: Box::new(error) };
        let mut pipeline = Pipeline::parse("source", &text.launch).map_err(error)?;
        pipeline.set_debugging(debugging);
        if let Some((property, value)) = &text.location {
            pipeline.element::<gst::Element>("media").map_err(error)?.set_property(property, value);
        }
        clock.drive(pipeline.inner());
        let source = MediaSource { pipeline: Some(pipeline), clock: clock.clone(), live: text.live, feed: None };
        if source.preroll().map_err(error)? { Ok(source) } else { Err(MediaError::NoPicture { location: location() }) }
    }

    /// Whether it is ready in time.
    fn preroll(&self) -> Result<bool, PipelineError> {
        let Some(pipeline) = &self.pipeline else { return Ok(false) };
        let failed = || PipelineError::Start { pipeline: "source".to_owned(), cause: pipeline.first_error() };
        let begun = pipeline.inner().set_state(gst::State::Paused).map_err(|_| failed())?;
        if begun == gst::StateChangeSuccess::NoPreroll {
            return Ok(true);
        }
        let (reached, state, _) = pipeline.inner().state(OPEN_WITHIN);
        reached.map_err(|_| failed())?;
        Ok(state >= gst::State::Paused)
    }

    /// Opens it to what comes through this feed.
    ///
    /// # Errors
    /// When it is not made to be fed.
    pub fn take_from(&mut self, feed: &Feed) -> Result<(), PipelineError> {
        if let Some(pipeline) = &self.pipeline {
            feed.set(Some(pipeline.element("media")?));
            self.feed = Some(feed.clone());
        }
        Ok(())
    }

    /// Whether pictures come that nobody has asked for.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Plays it, from now on: pictures go to `give`, on the source's own thread; the end is told by `ended`.
    ///
    /// Of two pictures that fall into the same frame interval the later one is left out, as is every picture while `wanted` says no.
    pub fn play(
        &self,
        fps: Fps,
        wanted: impl Fn() -> bool + Send + 'static,
        mut give: impl FnMut(Filmed) + Send + 'static,
        ended: impl Fn(MediaEnd) + Send + Sync + 'static,
    ) -> Result<(), PipelineError> {
        let Some(pipeline) = &self.pipeline else { return Ok(()) };
        let pictures = pipeline.element::<gst_app::AppSink>("pictures")?;
        let clock = self.clock.clone();
        let origin = self.clock.now();
        let mut slots = Slots::new(origin, fps);
        let take = move |pictures: &gst_app::AppSink| {
            let sample = pictures.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let now = clock.now();
            let place = |time| slots.place(time, now.saturating_sub(origin));
            if wanted()
                && let Some(number) = running_time(&sample).and_then(place)
                && let Some(filmed) = filmed(&sample, number, fps, now)
            {
                give(filmed);
            }
            Ok(gst::FlowSuccess::Ok)
        };
        pictures.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
        pipeline.watch(move |event| match event {
            BusEvent::Eos => ended(MediaEnd::Over),
            BusEvent::Error(error) => ended(MediaEnd::Failed(error.to_string())),
            _ => {}
        });
        self.clock.drive_from_now(pipeline.inner());
        pipeline.play()
    }
}

impl Drop for MediaSource {
    fn drop(&mut self) {
        self.feed.iter().for_each(|feed| feed.set(None));
        if let Some(pipeline) = self.pipeline.take() {
            pipeline.stop();
        }
    }
}

fn running_time(sample: &gst::Sample) -> Option<Duration> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    segment.to_running_time(sample.buffer()?.pts()?).map(Into::into)
}

fn filmed(sample: &gst::Sample, number: FrameNumber, fps: Fps, at: Duration) -> Option<Filmed> {
    let buffer = sample.buffer_owned()?;
    let info = gst_video::VideoInfo::from_caps(sample.caps()?).ok()?;
    let pixels = MappedPicture::new(buffer.clone(), &info);
    let mut picture = buffer;
    let stamped = picture.make_mut();
    // Of its times only the one it gets with its number counts.
    stamped.set_dts(gst::ClockTime::NONE);
    stamped.set_duration(gst::ClockTime::NONE);
    Some(Filmed { number, due: fps.time_of(number), at, picture, pixels })
}

/// Gives each picture a frame interval of the run of its own.
struct Slots {
    first: FrameNumber,
    fps: Fps,
    last: Option<FrameNumber>,
}

/// How far, in frame intervals, a picture may be moved off its own time to get a number: cameras jitter by less than half an interval,
/// to which the rounding adds another half.
const MOST_MOVED: f64 = 1.0;

impl Slots {
    /// For pictures whose running time 0 is at `origin` of the run. They are numbered so that none is due before it is there, since
    /// whoever sends it would wait for that.
    fn new(origin: Duration, fps: Fps) -> Slots {
        let elapsed = origin.as_nanos() * u128::from(fps.per_second()) / 1_000_000_000;
        Slots { first: FrameNumber((elapsed as u64).saturating_sub(MOST_MOVED as u64)), fps, last: None }
    }

    /// The number of the picture with this running time, which is there `now`: the nearest that is free. None if it is too near to
    /// the one before. A time that is still to come is a broken one, as cameras tell when their clock jumps: believed, it would leave
    /// out all pictures until then.
    fn place(&mut self, running_time: Duration, now: Duration) -> Option<FrameNumber> {
        let intervals = running_time.min(now).as_secs_f64() * f64::from(self.fps.per_second());
        let nearest = FrameNumber(self.first.0 + intervals.round() as u64);
        let free = self.last.map_or(nearest, |last| nearest.max(FrameNumber(last.0 + 1)));
        let moved = (free.0 - self.first.0) as f64 - intervals;
        (moved <= MOST_MOVED).then(|| *self.last.insert(free))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slots() -> Slots {
        Slots::new(Duration::from_millis(1010), Fps::new(50).expect("valid"))
    }

    /// Of a picture that comes at its time.
    fn place(slots: &mut Slots, running_time: Duration) -> Option<FrameNumber> {
        slots.place(running_time, running_time)
    }

    #[test]
    fn a_camera_whose_clock_jumps_ahead_loses_no_picture() {
        let mut slots = slots();
        let hour = Duration::from_secs(3600);
        let times = (0..6).map(|picture| Duration::from_millis(20 * picture));
        let jumps = [Duration::ZERO, Duration::ZERO, hour, Duration::ZERO, hour, hour];
        let numbers: Vec<u64> =
            times.zip(jumps).filter_map(|(time, jump)| slots.place(time + jump, time)).map(|n| n.0).collect();
        assert_eq!(numbers, [49, 50, 51, 52, 53, 54]);
    }

    #[test]
    fn regular_pictures_get_one_number_after_the_other() {
        let mut slots = slots();
        let numbers: Vec<u64> =
            (0..5).filter_map(|picture| place(&mut slots, Duration::from_millis(20 * picture))).map(|n| n.0).collect();
        assert_eq!(numbers, [49, 50, 51, 52, 53]);
        assert_eq!(
            place(&mut slots, Duration::from_secs(1)),
            Some(FrameNumber(99)),
            "what was left out leaves its numbers out"
        );
    }

    proptest! {
        #[test]
        fn a_jittering_camera_loses_no_picture(phase_us in 0u64..20_000, jitter_us in prop::collection::vec(0u64..9_900, 100)) {
            let mut slots = slots();
            let mut last = None;
            for (picture, jitter_us) in (0..).zip(jitter_us) {
                let placed = place(&mut slots, Duration::from_micros(phase_us + picture * 20_000 + jitter_us));
                prop_assert!(placed.is_some() && placed > last, "picture {}", picture);
                last = placed;
            }
        }

        #[test]
        fn a_source_that_is_too_fast_is_thinned_out_and_never_runs_ahead(steps_us in prop::collection::vec(0u64..20_000, 1..200)) {
            let mut slots = slots();
            let (mut time, mut last) = (Duration::ZERO, None);
            for step_us in steps_us {
                time += Duration::from_micros(step_us);
                if let Some(number) = place(&mut slots, time) {
                    prop_assert!(last.is_none_or(|last| number > last));
                    prop_assert!(Fps::new(50).expect("valid").time_of(number) <= Duration::from_millis(1010) + time);
                    last = Some(number);
                }
            }
        }
    }
}
