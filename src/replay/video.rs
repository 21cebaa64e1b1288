//! A recording, decoded and looked at picture by picture.

use std::path::Path;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::ReplayError;
use super::score::ledger_config;
use crate::decode::Picture;
use crate::detect::{self, Detector, Sighting};
use crate::feedback::Sightings;
use crate::pipeline::Pipeline;
use crate::report::{Ledger, ReceiverId, Spread, StageTotals, Totals, TotalsOf};
use crate::scene::Truth;
use crate::trace::Trace;
use crate::trace::line::Frame;
use crate::units::{FrameNumber, RtpTime};
use crate::witness;

/// The one who looks on, in the report.
const RECEIVER: ReceiverId = ReceiverId(0);

/// Scores every picture of the recording at `path` against the trace. Frames that the recording lacks count as dropped by the encoder.
pub(super) fn scored(trace: &Trace, path: &Path, launch: &str, detector: &str) -> Result<Totals, ReplayError> {
    let config = ledger_config(trace)?;
    if trace.frames.iter().all(|frame| frame.truth.is_none()) {
        return Err(ReplayError::NoTruth);
    }
    let broken = |why: String| ReplayError::Video { path: path.to_owned(), why };
    let mut looker = Looker {
        ledger: Ledger::new(config),
        detector: detect::by_name(detector).map_err(|error| broken(error.to_string()))?,
        codes: witness::Reader::default(),
        found: Vec::new(),
        frames: frames(trace),
        next: 0,
        tolerance_ticks: config.fps.interval_ticks() / 2,
    };
    looker.ledger.receiver_joined(RECEIVER, format!("replay:{detector}"), Duration::ZERO, Duration::ZERO);
    let pipeline = Pipeline::parse("replay", launch).map_err(|error| broken(error.to_string()))?;
    let offset = RtpTime(trace.header.timestamp_offset);
    let looked = looker.look_at_all(&pipeline, path, offset);
    let error = pipeline.first_error();
    pipeline.stop();
    let (pictures, known) = looked.map_err(broken)?;
    if let Some(error) = error {
        return Err(broken(error.to_string()));
    }
    if known == 0 {
        return Err(ReplayError::OtherRun { path: path.to_owned(), pictures });
    }
    if known < pictures {
        tracing::warn!("{} pictures of the recording are no frames of the trace, and are not scored", pictures - known);
    }
    Ok(looker.totals())
}

/// Each frame once, by age.
fn frames(trace: &Trace) -> Vec<&Frame> {
    let mut frames: Vec<&Frame> = trace.frames.iter().collect();
    frames.sort_by_key(|frame| frame.frame);
    frames.dedup_by_key(|frame| frame.frame);
    frames
}

struct Looker<'a> {
    ledger: Ledger,
    detector: Box<dyn Detector>,
    codes: witness::Reader,
    found: Vec<Sighting>,
    frames: Vec<&'a Frame>,
    /// The first frame that was not told to the ledger.
    next: usize,
    tolerance_ticks: u32,
}

impl Looker<'_> {
    /// Gives how many pictures there are, and how many of them are frames of the trace.
    fn look_at_all(&mut self, pipeline: &Pipeline, path: &Path, offset: RtpTime) -> Result<(u64, u64), String> {
        let file: gst::Element = pipeline.element("file").map_err(|error| error.to_string())?;
        file.set_property("location", path.as_os_str().to_string_lossy().as_ref());
        let sink = pipeline.element::<gst_app::AppSink>("pictures").map_err(|error| error.to_string())?;
        pipeline.play().map_err(|error| error.to_string())?;
        let (mut pictures, mut known) = (0, 0);
        // An error ends it as the end of the file does; the caller looks which it was.
        while let Ok(sample) = sink.pull_sample() {
            let Some(picture) = Picture::recorded(&sample, offset) else { continue };
            pictures += 1;
            known += u64::from(self.look_at(&picture)?);
        }
        Ok((pictures, known))
    }

    /// Looks at a picture; says whether it is a frame of the trace.
    fn look_at(&mut self, picture: &Picture) -> Result<bool, String> {
        let ticks_behind = |frame: &Frame| picture.rtp.ticks_since(RtpTime(frame.rtp));
        let tolerance = i32::try_from(self.tolerance_ticks).unwrap_or(i32::MAX);
        while let Some(frame) = self.frames.get(self.next).copied().filter(|frame| ticks_behind(frame) > tolerance) {
            self.produced(frame);
            self.next += 1;
        }
        let Some(frame) = self.frames.get(self.next).copied().filter(|frame| ticks_behind(frame) >= -tolerance) else {
            return Ok(false);
        };
        self.next += 1;
        self.found.clear();
        let view = picture.view().map_err(|error| error.to_string())?;
        detect::below_code(&mut *self.detector, &mut self.codes, &view, &mut self.found);
        self.answered(frame, picture.size());
        Ok(true)
    }

    fn produced(&mut self, frame: &Frame) {
        let (number, rtp) = (FrameNumber(frame.frame), RtpTime(frame.rtp));
        // Only a trace that was not written by this program has keys that do not grow: its frames are left out.
        let _ = self.ledger.produced(number, rtp, frame.truth(), Duration::from_nanos(frame.produced_ns));
        self.ledger.entered_encoder(rtp);
    }

    fn answered(&mut self, frame: &Frame, (width, height): (u32, u32)) {
        self.produced(frame);
        let (at, rtp) = (Duration::from_nanos(frame.produced_ns), RtpTime(frame.rtp));
        let bytes = usize::try_from(frame.bytes).unwrap_or(usize::MAX);
        self.ledger.encoded(rtp, at, bytes, frame.keyframe);
        self.ledger.sent(RECEIVER, rtp, at);
        let objects = std::mem::take(&mut self.found);
        let sightings = Sightings { rtp: Some(rtp), width, height, objects, ..Sightings::default() };
        self.ledger.feedback(RECEIVER, &sightings, &Truth::default(), at);
        self.found = sightings.objects;
    }

    /// The figures, without those of time: none of it was measured.
    fn totals(mut self) -> Totals {
        let rest = self.frames.split_off(self.next);
        rest.into_iter().for_each(|frame| self.produced(frame));
        let mut totals = self.ledger.finish(Duration::MAX);
        totals.all = timeless(totals.all);
        totals.receivers.iter_mut().for_each(|receiver| receiver.all = timeless(receiver.all));
        totals
    }
}

fn timeless(all: TotalsOf) -> TotalsOf {
    let (none, stages_ms) = (Spread::default(), StageTotals::default());
    TotalsOf { latency_ms: none, staleness_px: none, stages_ms, first_coordinate_ms: None, ..all }
}
