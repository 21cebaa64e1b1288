//! The encoder that everybody is sent from.

use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::Unit;
use crate::clock::RunClock;
use crate::pipeline::{BusEvent, Debugging, Pipeline, PipelineError};
use crate::units::{Fps, Size};

/// What the running encoder reports, from GStreamer's threads.
#[derive(Debug)]
pub enum EncoderEvent {
    /// A frame of this running time went into the encoder.
    Entered {
        /// Names the frame.
        running_time: gst::ClockTime,
    },
    /// An encoded frame came out.
    Encoded {
        /// The frame.
        unit: Unit,
        /// When.
        at: Duration,
    },
    /// It broke; nothing more comes.
    Failed {
        /// What happened.
        reason: String,
    },
}

/// A running encoding pipeline: frames go in, units come out.
pub struct RunningEncoder {
    pipeline: Pipeline,
    frames: gst_app::AppSrc,
}

impl RunningEncoder {
    /// Starts `launch`: an appsrc `frames`, an encoder, an appsink `units`.
    pub fn start(
        launch: &str,
        clock: &RunClock,
        debugging: &Debugging,
        report: impl Fn(EncoderEvent) + Clone + Send + Sync + 'static,
    ) -> Result<RunningEncoder, PipelineError> {
        let mut pipeline = Pipeline::parse("encode", launch)?;
        pipeline.set_debugging(debugging);
        clock.drive(pipeline.inner());
        let frames = pipeline.element::<gst_app::AppSrc>("frames")?;
        let units = pipeline.element::<gst_app::AppSink>("units")?;
        report_entered(&frames, report.clone());
        report_encoded(&units, clock, report.clone());
        pipeline.watch(move |event| match event {
            BusEvent::Error(error) => report(EncoderEvent::Failed { reason: error.to_string() }),
            BusEvent::Eos => report(EncoderEvent::Failed { reason: "it ended by itself".to_owned() }),
            _ => {}
        });
        pipeline.play()?;
        Ok(RunningEncoder { pipeline, frames })
    }

    /// Where frames go in; the appsrc's own limit and policy say what happens when the encoder is not fast enough.
    pub fn frames(&self) -> &gst_app::AppSrc {
        &self.frames
    }

    /// From the next picture on they are of this size and rate. The encoder begins anew, with a keyframe. Needs a pipeline that is
    /// adaptive.
    pub fn reshape(&self, size: Size, fps: Fps) {
        if let Some(mut caps) = self.frames.caps()
            && let Some(shrunk) = self.pipeline.inner().by_name("shrunk")
        {
            let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
            caps.make_mut().set("framerate", gst::Fraction::new(number(fps.per_second()), 1));
            self.frames.set_caps(Some(&caps));
            let caps = gst::Caps::builder("video/x-raw")
                .field("width", number(size.width()))
                .field("height", number(size.height()))
                .field("pixel-aspect-ratio", gst::Fraction::new(1, 1));
            shrunk.set_property("caps", caps.build());
        }
    }

    /// Its pipeline, for graphs and for its encoder.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Ends it. Blocks.
    pub fn stop(self) {
        self.pipeline.stop();
    }
}

fn report_entered(frames: &gst_app::AppSrc, report: impl Fn(EncoderEvent) + Send + Sync + 'static) {
    let Some(pad) = frames.static_pad("src") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(running_time) = info.buffer().and_then(|buffer| buffer.pts()) {
            report(EncoderEvent::Entered { running_time });
        }
        gst::PadProbeReturn::Ok
    });
}

fn report_encoded(units: &gst_app::AppSink, clock: &RunClock, report: impl Fn(EncoderEvent) + Send + Sync + 'static) {
    let clock = clock.clone();
    let take = move |units: &gst_app::AppSink| {
        let sample = units.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if let Some(unit) = Unit::of_sample(&sample) {
            report(EncoderEvent::Encoded { unit, at: clock.now() });
        }
        Ok(gst::FlowSuccess::Ok)
    };
    units.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
}
