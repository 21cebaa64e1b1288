//! The one stream that everybody is sent: its encoder, and the next one when that dies.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::event::{Event, Events};
use crate::clock::RunClock;
use crate::codec::{Codec, h264_level};
use crate::congestion::{BitrateRule, Mitigation, Target};
use crate::encode::{
    Catalogue, Choice, ChooseError, Chooser, Control, EncoderEvent, KeyframeGate, Request, RunningEncoder, Shape, Wanted,
};
use crate::pipeline::{Debugging, PeerOptions, Texts, TextsError};
use crate::record::Recorder;
use crate::signalling::room::Offered;
use crate::units::{FrameNumber, RtpTime};
use crate::webrtc::{Lanes, TRANSPORT_WIDE_CC};

/// The numbers of one peer's stream. The one who offers gives them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    /// RTP payload type of the video.
    pub(super) payload_type: u8,
    /// Of the header extension for congestion control; none if the other side gives no feedback.
    pub(super) transport_cc_id: Option<u8>,
    /// The profile of H.264 is the other side's to say.
    pub(super) is_answer: bool,
}

impl Numbers {
    /// In our own offers: the first dynamic payload type (RFC 3551 section 6), since each peer has one stream, and the first
    /// extension, since there is no other.
    const OURS: Numbers = Numbers { payload_type: 96, transport_cc_id: Some(1), is_answer: false };

    /// For a member, as it offered, if it did; none if its offer does not have the codec.
    pub(super) fn of(offered: Option<&Offered>, codec: Codec) -> Option<Numbers> {
        let Some(offered) = offered else { return Some(Numbers::OURS) };
        let (payload_type, transport_cc_id) = (offered.payload_type(codec)?, offered.transport_cc_id);
        Some(Numbers { payload_type, transport_cc_id, is_answer: true })
    }
}

/// A lane that waits for so long has not got the keyframe that was asked for when it opened: any encoder makes one within a few
/// frames.
const STARVED_AFTER: Duration = Duration::from_millis(500);

/// Whoever is sent keyframes only gets one so often: at 200 kbit/s one is about as large as ten other pictures, so that the others
/// lose a tenth of theirs.
const RATION: Duration = Duration::from_secs(1);

/// What is to be encoded, and with what.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) wanted: Wanted,
    pub(crate) codec: Option<Codec>,
    pub(crate) shape: Shape,
    pub(crate) texts: Arc<Texts>,
    pub(crate) catalogue: Arc<Catalogue>,
}

impl Plan {
    /// Finds an encoder. Blocks for the trials.
    pub(crate) fn choose(
        &self,
        allowed: Option<&[Codec]>,
        died: &[String],
        preferred: Option<Codec>,
    ) -> Result<Choice, ChooseError> {
        let Plan { codec, shape, texts, catalogue, .. } = self;
        // Whoever asked for an encoder by name is better served by another one than by none, once it has died.
        let wanted = if died.is_empty() { &self.wanted } else { &Wanted::Auto };
        let request = Request { wanted, codec: *codec, shape: *shape, allowed, excluded: died, preferred };
        Chooser { catalogue, texts }.choose(&request)
    }

    /// What could be encoded, with `current` first; only that if the user chose the encoder.
    pub(crate) fn codecs(&self, current: Codec) -> Vec<Codec> {
        let mut codecs = vec![current];
        if self.wanted == Wanted::Auto {
            let chooser = Chooser { catalogue: &self.catalogue, texts: &self.texts };
            let others = chooser.codecs().into_iter().filter(|codec| self.codec.is_none_or(|only| only == *codec));
            codecs.extend(others.filter(|codec| *codec != current));
        }
        codecs
    }
}

/// Where the source puts pictures: the encoder that is running now.
#[derive(Clone, Debug, Default)]
struct Intake(Arc<Mutex<Option<gst_app::AppSrc>>>);

impl Intake {
    fn push(&self, mut picture: gst::Buffer, running_time: Duration) {
        let frames = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        picture.make_mut().set_pts(clock_time(running_time));
        if let Some(frames) = frames {
            // An error is the end of the encoder, which its bus reports.
            let _ = frames.push_buffer(picture);
        }
    }

    fn set(&self, frames: Option<gst_app::AppSrc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = frames;
    }
}

/// A time of the run as GStreamer writes it.
fn clock_time(time: Duration) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX - 1))
}

/// The source's end of the stream.
#[derive(Clone)]
pub(super) struct Inlet {
    lanes: Arc<Lanes>,
    intake: Intake,
    fps_divisor: Arc<AtomicU32>,
}

impl Inlet {
    /// Whether anybody is to be sent this frame.
    pub(super) fn wants(&self, number: FrameNumber) -> bool {
        self.lanes.is_active() && number.0.is_multiple_of(self.fps_divisor.load(Ordering::Relaxed).max(1).into())
    }

    /// Gives a picture to the encoder, under this running time.
    pub(super) fn push(&self, picture: gst::Buffer, running_time: Duration) {
        self.intake.push(picture, running_time);
    }
}

struct Running {
    encoder: RunningEncoder,
    control: Control,
    choice: Choice,
    mitigation: Mitigation,
    /// Its bitrate cannot be changed, and that was logged.
    complained: bool,
}

impl Running {
    fn make(&mut self, target: Target, full: &Shape) {
        let Target { bitrate, mitigation } = target;
        if std::mem::replace(&mut self.mitigation, mitigation) != mitigation {
            self.encoder.reshape(mitigation.size(full.size), mitigation.fps(full.fps));
        }
        if let Err(error) = self.control.set_bitrate(bitrate)
            && !std::mem::replace(&mut self.complained, true)
        {
            tracing::warn!(encoder = self.choice.name, "the bitrate stays as it is: {error}");
        }
    }
}

/// The stream, with at most one running encoder.
pub(super) struct Stream {
    clock: RunClock,
    offset: RtpTime,
    lanes: Arc<Lanes>,
    recorder: Option<Arc<Recorder>>,
    intake: Intake,
    events: Events,
    debugging: Debugging,
    running: Option<Running>,
    /// Of the encoder that counts: an earlier one may still be about to end.
    serial: Arc<AtomicU32>,
    died: Vec<String>,
    keyframes: KeyframeGate,
    starving_since: Option<Duration>,
    rationed_at: Duration,
    /// What congestion control wants, and what it is of.
    target: Option<(Target, Shape)>,
    /// Of the source's frames, every so many is made.
    fps_divisor: Arc<AtomicU32>,
}

impl Stream {
    pub(super) fn new(
        clock: RunClock,
        offset: RtpTime,
        events: Events,
        debugging: Debugging,
        recorder: Option<Arc<Recorder>>,
    ) -> Stream {
        let (lanes, intake) = (Arc::default(), Intake::default());
        let (running, serial, died, keyframes) = (None, Arc::default(), Vec::new(), KeyframeGate::default());
        let (starving_since, rationed_at, target) = (None, Duration::ZERO, None);
        Stream {
            clock,
            offset,
            lanes,
            recorder,
            intake,
            events,
            debugging,
            running,
            serial,
            died,
            keyframes,
            starving_since,
            rationed_at,
            target,
            fps_divisor: Arc::new(AtomicU32::new(1)),
        }
    }

    pub(super) fn lanes(&self) -> &Arc<Lanes> {
        &self.lanes
    }

    /// RTP timestamp of running time 0.
    pub(super) fn offset(&self) -> RtpTime {
        self.offset
    }

    /// The way in for the source.
    pub(super) fn inlet(&self) -> Inlet {
        Inlet { lanes: self.lanes.clone(), intake: self.intake.clone(), fps_divisor: self.fps_divisor.clone() }
    }

    /// What is encoding now.
    pub(super) fn choice(&self) -> Option<&Choice> {
        self.running.as_ref().map(|running| &running.choice)
    }

    /// Encoders that died.
    pub(super) fn died(&self) -> &[String] {
        &self.died
    }

    /// Starts the chosen encoder in the place of the one before.
    pub(super) fn start(&mut self, choice: Choice, texts: &Texts, shape: &Shape) -> anyhow::Result<()> {
        self.stop();
        if let Some(recorder) = &self.recorder {
            let h264_level = h264_level(shape.size, shape.fps, shape.bitrate);
            recorder.start(choice.codec, &texts.record(choice.codec, h264_level, shape.size, shape.fps)?)?;
        }
        let report = self.report(self.serial.fetch_add(1, Ordering::AcqRel) + 1);
        let started = RunningEncoder::start(&choice.pipeline, &self.clock, &self.debugging, report);
        let encoder = started
            .inspect_err(|_| self.died.push(choice.name.clone()))
            .with_context(|| format!("encoder {} does not start", choice.name))?;
        self.lanes.restart();
        let control = Control::new(encoder.pipeline(), &choice)?;
        encoder.pipeline().dump("start");
        self.intake.set(Some(encoder.frames().clone()));
        let mut running = Running { encoder, control, choice, mitigation: Mitigation::NONE, complained: false };
        if let Some((target, full)) = &self.target {
            running.make(*target, full);
        }
        self.running = Some(running);
        Ok(())
    }

    /// What the encoder reports, from its own threads: units go straight to the peers, all else to the loop.
    fn report(&self, serial: u32) -> impl Fn(EncoderEvent) + Clone + Send + Sync + 'static {
        let (events, lanes, offset, current) = (self.events.clone(), self.lanes.clone(), self.offset, self.serial.clone());
        let recorder = self.recorder.clone();
        let key = move |running_time: gst::ClockTime| RtpTime::from_running_time(offset, running_time.nseconds());
        move |event| match event {
            _ if current.load(Ordering::Acquire) != serial => {}
            EncoderEvent::Entered { running_time } => events.tell(Event::Entered { rtp: key(running_time) }),
            EncoderEvent::Encoded { unit, at } => {
                let (rtp, bytes, keyframe) = (key(unit.running_time), unit.buffer.size(), unit.keyframe);
                events.tell(Event::Encoded { rtp, at, bytes, keyframe });
                let is_full = recorder.as_ref().is_some_and(|recorder| recorder.hand(&unit));
                if lanes.hand(&unit) || is_full {
                    events.tell(Event::LaneFull);
                }
            }
            EncoderEvent::Failed { reason } => events.tell(Event::EncoderFailed { serial, reason }),
        }
    }

    /// The encoder with this serial number broke; false if that is not the one that runs.
    pub(super) fn on_failed(&mut self, serial: u32) -> bool {
        let Some(running) = self.running.as_ref().filter(|_| serial == self.serial.load(Ordering::Acquire)) else {
            return false;
        };
        running.encoder.pipeline().dump("error");
        self.died.push(running.choice.name.clone());
        self.stop();
        true
    }

    /// Ends the encoder, off this thread.
    pub(super) fn stop(&mut self) {
        self.intake.set(None);
        if let Some(running) = self.running.take() {
            running.encoder.pipeline().dump("end");
            tokio::task::spawn_blocking(|| running.encoder.stop());
        }
    }

    /// Somebody cannot decode without a keyframe.
    pub(super) fn want_keyframe(&mut self) {
        if self.keyframes.on_request(self.clock.now()) {
            self.force_keyframe();
        }
    }

    /// Asks for the keyframe that waited for its time.
    pub(super) fn on_time(&mut self) {
        let now = self.clock.now();
        self.starving_since = self.lanes.is_starving().then(|| self.starving_since.unwrap_or(now));
        if self.starving_since.is_some_and(|since| now.saturating_sub(since) >= STARVED_AFTER) {
            self.starving_since = Some(now);
            self.want_keyframe();
        }
        if self.lanes.is_rationed() && now.saturating_sub(self.rationed_at) >= RATION {
            self.rationed_at = now;
            self.want_keyframe();
        }
        if self.keyframes.on_time(self.clock.now()) {
            self.force_keyframe();
        }
    }

    /// From the next picture on this is made, by this encoder and those after it.
    pub(super) fn set_target(&mut self, target: Target, full: &Shape) {
        self.target = Some((target, *full));
        self.fps_divisor.store(target.mitigation.fps_divisor, Ordering::Relaxed);
        if let Some(running) = &mut self.running {
            running.make(target, full);
        }
    }

    fn force_keyframe(&self) {
        if let Some(running) = &self.running {
            running.control.force_keyframe();
        }
    }

    /// A peer's pipeline for this codec, as text, and what its stream is in the offer.
    pub(super) fn peer(
        &self,
        plan: &Plan,
        codec: Codec,
        rule: BitrateRule,
        numbers: Numbers,
    ) -> Result<(String, gst::Caps), TextsError> {
        let Numbers { payload_type, transport_cc_id, .. } = numbers;
        let (timestamp_offset, h264_level) = (self.offset.0, h264_level(plan.shape.size, plan.shape.fps, rule.ceiling()));
        let twcc = transport_cc_id.filter(|_| matches!(rule, BitrateRule::Auto { .. })).map(|id| format!("extmap-{id}"));
        let extensions = twcc.as_ref().map(|field| format!(",{field}=(string)\"{TRANSPORT_WIDE_CC}\""));
        let options = PeerOptions { codec, h264_level, payload_type, timestamp_offset, extensions, jitter_ms: 0 };
        let mut caps = rtp_caps(codec, numbers, h264_level, random_ssrc());
        if let Some(field) = twcc {
            caps.make_mut().set(field, TRANSPORT_WIDE_CC);
        }
        Ok((plan.texts.peer(&options)?, caps))
    }
}

/// The stream as it stands in the offer. For H.264: constrained baseline (RFC 7742 section 6.2). webrtcbin holds the payloader to
/// these caps, so there is no field here that payloaders do not write.
///
/// With `ssrc`: webrtcbin 1.22 ties retransmission to the `a=ssrc` lines of the offer, and without them its receiver never asks for
/// a lost packet (measured).
fn rtp_caps(codec: Codec, numbers: Numbers, h264_level: u8, ssrc: u32) -> gst::Caps {
    let caps = gst::Caps::builder("application/x-rtp")
        .field("media", "video")
        .field("encoding-name", codec.encoding_name())
        .field("payload", i32::from(numbers.payload_type))
        .field("clock-rate", 90_000i32)
        .field("ssrc", ssrc);
    match codec {
        Codec::H264 if numbers.is_answer => caps.field("packetization-mode", "1").build(),
        Codec::H264 => {
            caps.field("packetization-mode", "1").field("profile-level-id", format!("42e0{h264_level:02x}")).build()
        }
        _ => caps.build(),
    }
}

/// RFC 3550 section 8.1 wants it to be random. The standard library's hasher keys are.
fn random_ssrc() -> u32 {
    RandomState::new().hash_one(()) as u32
}
