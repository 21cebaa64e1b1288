//! A trial: a few moving pictures through the encoder. A factory in the registry is no promise, a hardware encoder without its
//! driver or device is listed like any other; only this tells.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use gstreamer as gst;
use gstreamer_app::{AppSink, AppSrc};

use crate::codec::Codec;
use crate::frame::I420Layout;
use crate::pipeline::{Pipeline, PipelineError};
use crate::units::{Bitrate, Fps, FrameNumber, Size};

/// What the encoder is to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Of the pictures.
    pub size: Size,
    /// Of the stream.
    pub fps: Fps,
    /// At the start.
    pub bitrate: Bitrate,
    /// Frames between keyframes that nobody asked for.
    pub gop_frames: u32,
    /// Size and rate may change while it runs.
    pub is_adaptive: bool,
}

/// A keyframe is many times as large as another picture and arrives late, so they come on request; this many is 43 s at 60 fps.
pub const DEFAULT_GOP_FRAMES: u32 = 2560;

/// What a trial found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// What comes out.
    pub codec: Codec,
    /// Median time from a picture going in to the encoded picture coming out.
    pub ms_per_frame: f64,
    /// How many pictures it keeps back before the first comes out; 0 is as it should be.
    pub delay_frames: usize,
}

/// Why a trial fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// The pipeline cannot be made or started.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// An element failed.
    #[error("it fails: {0}")]
    Failed(crate::pipeline::BusError),
    /// Nothing came out.
    #[error("nothing comes out after {0} pictures")]
    Silent(usize),
    /// What comes out is not a codec known here.
    #[error("what comes out is {0}, not a codec known here")]
    UnknownCodec(String),
    /// It neither works nor fails.
    #[error("it hangs: no answer within {} s", DEADLINE.as_secs())]
    Hangs,
}

/// Longer than any driver takes to start; a trial that takes longer is given up.
const DEADLINE: Duration = Duration::from_secs(10);

/// For the first picture: drivers load firmware and compile shaders then (NVENC and VA: up to about a second).
const FIRST_PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(3);

/// For a picture that follows: far above any usable encoder's time.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// For pictures after one that did not come: the encoder keeps pictures back, and it is only a question of how many.
const SHORT_PATIENCE: gst::ClockTime = gst::ClockTime::from_mseconds(20);

/// How often an error is looked for while waiting.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(10);

/// Encoders keep back at most this many: x264's largest lookahead (60) and some threads.
const MAX_DELAY_FRAMES: usize = 80;

/// Runs `frames` pictures through a complete encoding pipeline (`frames` … `units`) and measures.
///
/// It runs on a thread of its own, which is left behind if a driver never returns.
pub(super) fn run(text: &str, shape: &Shape, frames: usize) -> Result<Measured, TrialError> {
    let (text, shape) = (text.to_owned(), *shape);
    let (done, result) = sync_channel(1);
    let work = move || {
        let _ = done.send(encode(&text, &shape, frames));
    };
    let thread = std::thread::Builder::new().name("encoder-trial".to_owned()).spawn(work);
    match result.recv_timeout(DEADLINE) {
        Ok(measured) => {
            drop(thread.map(std::thread::JoinHandle::join));
            measured
        }
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(TrialError::Hangs),
    }
}

fn encode(text: &str, shape: &Shape, frames: usize) -> Result<Measured, TrialError> {
    let pipeline = Pipeline::parse("trial", text)?;
    let result = Trial::new(&pipeline, shape).and_then(|trial| {
        pipeline.play()?;
        trial.measure(frames)
    });
    pipeline.stop();
    result
}

struct Trial<'a> {
    pipeline: &'a Pipeline,
    source: AppSrc,
    sink: AppSink,
    fps: Fps,
    picture: MovingPicture,
}

impl Trial<'_> {
    fn new<'a>(pipeline: &'a Pipeline, shape: &Shape) -> Result<Trial<'a>, TrialError> {
        let (source, sink) = (pipeline.element("frames")?, pipeline.element("units")?);
        Ok(Trial { pipeline, source, sink, fps: shape.fps, picture: MovingPicture::new(shape.size) })
    }

    fn measure(&self, frames: usize) -> Result<Measured, TrialError> {
        let mut times_ms = Vec::with_capacity(frames);
        let mut codec = None;
        let mut delay_frames = 0;
        for number in 0..frames + MAX_DELAY_FRAMES {
            let begin = gst::get_timestamp();
            self.push(number)?;
            match self.pull(patience(number, delay_frames))? {
                Some(sample) => {
                    codec = Some(codec_of(&sample)?);
                    times_ms.push((gst::get_timestamp() - begin).nseconds() as f64 / 1e6);
                }
                None => delay_frames += 1,
            }
            if times_ms.len() >= frames || delay_frames > MAX_DELAY_FRAMES {
                break;
            }
        }
        let codec = codec.ok_or(TrialError::Silent(delay_frames))?;
        Ok(Measured { codec, ms_per_frame: median(times_ms), delay_frames })
    }

    fn push(&self, number: usize) -> Result<(), TrialError> {
        let mut buffer = self.picture.at(number);
        let pts = self.fps.time_of(FrameNumber(number as u64));
        let duration = self.fps.time_of(FrameNumber(1));
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::try_from(pts).ok());
            buffer.set_duration(gst::ClockTime::try_from(duration).ok());
        }
        match self.source.push_buffer(buffer) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.failure(number)),
        }
    }

    /// The next encoded picture; nothing when it does not come in time.
    fn pull(&self, patience: gst::ClockTime) -> Result<Option<gst::Sample>, TrialError> {
        let begin = gst::get_timestamp();
        loop {
            if let Some(sample) = self.sink.try_pull_sample(POLL) {
                return Ok(Some(sample));
            }
            if let Some(error) = self.pipeline.first_error() {
                return Err(TrialError::Failed(error));
            }
            if gst::get_timestamp() - begin > patience {
                return Ok(None);
            }
        }
    }

    fn failure(&self, frames: usize) -> TrialError {
        self.pipeline.first_error().map_or(TrialError::Silent(frames), TrialError::Failed)
    }
}

fn patience(number: usize, delay_frames: usize) -> gst::ClockTime {
    match (number, delay_frames) {
        (0, _) => FIRST_PATIENCE,
        (_, 0) => PATIENCE,
        _ => SHORT_PATIENCE,
    }
}

fn codec_of(sample: &gst::Sample) -> Result<Codec, TrialError> {
    let name = sample.caps().and_then(|caps| caps.structure(0)).map(|structure| structure.name().to_string());
    match name.as_deref() {
        Some("video/x-h264") => Ok(Codec::H264),
        Some("video/x-h265") => Ok(Codec::H265),
        Some("video/x-vp8") => Ok(Codec::Vp8),
        Some("video/x-vp9") => Ok(Codec::Vp9),
        Some("video/x-av1") => Ok(Codec::Av1),
        other => Err(TrialError::UnknownCodec(other.unwrap_or("without caps").to_owned())),
    }
}

fn median(mut times_ms: Vec<f64>) -> f64 {
    times_ms.sort_by(f64::total_cmp);
    times_ms.get(times_ms.len() / 2).copied().unwrap_or(0.0)
}

/// A bright square that moves over a slope of grey: enough for an encoder to have work with every picture.
struct MovingPicture {
    layout: I420Layout,
    background: Vec<u8>,
}

/// Side of the square, and pixels it moves from picture to picture: an even part of the smallest picture.
const SQUARE: usize = 16;
const STEP: usize = 4;

impl MovingPicture {
    fn new(size: Size) -> MovingPicture {
        let layout = I420Layout::new(size);
        let mut background = vec![128; layout.len];
        let (luma, _) = background.split_at_mut(layout.offsets[1]);
        for (y, row) in luma.chunks_mut(layout.strides[0]).enumerate() {
            row.iter_mut().enumerate().for_each(|(x, pixel)| *pixel = 32 + ((x + y) / 16 % 64) as u8);
        }
        MovingPicture { layout, background }
    }

    fn at(&self, number: usize) -> gst::Buffer {
        let mut picture = self.background.clone();
        let size = self.layout.size;
        let left = number * STEP % (size.width() as usize - SQUARE + 1);
        let top = number * STEP % (size.height() as usize - SQUARE + 1);
        for row in picture.chunks_mut(self.layout.strides[0]).skip(top).take(SQUARE) {
            row[left..left + SQUARE].fill(235);
        }
        gst::Buffer::from_mut_slice(picture)
    }
}
