//! From RTP packets to pictures that know which frame they are.
//!
//! ```text
//! peer ! depayloader ! decoder ! appsink -> mailbox of a few pictures
//!      ^             ^ what is damaged goes no further, and a keyframe is asked for
//!      stamp: RTP timestamp becomes the presentation time, arrival is noted
//! ```

mod mailbox;
mod stamp;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

pub use mailbox::Mailbox;

use crate::clock::RunClock;
use crate::codec::Codec;
use crate::feedback::FateLog;
use crate::frame::{I420Layout, I420View, PlaneTooSmall};
use crate::mapped::MappedPicture;
use crate::recovery::{Asking, HEAD_BYTES, PacketHead, Wholeness};
use crate::units::{RtpTime, Size};

/// A decoded picture.
#[derive(Debug)]
pub struct Picture {
    frame: MappedPicture,
    /// The key of the frame that it shows.
    pub rtp: RtpTime,
    /// When the frame's last packet came out of the jitterbuffer, if that is still known.
    pub arrived_at: Option<Duration>,
    /// When the decoder gave it.
    pub decoded_at: Duration,
}

impl Picture {
    /// A picture of a recording of a run whose running time 0 has the RTP timestamp `offset`.
    pub fn recorded(sample: &gst::Sample, offset: RtpTime) -> Option<Picture> {
        let buffer = sample.buffer_owned()?;
        let rtp = RtpTime::from_running_time(offset, buffer.pts()?.nseconds());
        let info = gst_video::VideoInfo::from_caps(sample.caps()?).ok()?;
        let frame = MappedPicture::new(buffer, &info)?;
        Some(Picture { frame, rtp, arrived_at: None, decoded_at: Duration::ZERO })
    }

    /// Whether it is worth looking at although there is a newer one.
    fn is_fresh(&self, now: Duration) -> bool {
        now.saturating_sub(self.decoded_at) <= FRESH
    }

    /// Its pixels.
    pub fn view(&self) -> Result<I420View<'_>, PlaneTooSmall> {
        self.frame.view()
    }

    /// Copies its pixels into `memory`, whose allocation is reused. None for sizes that this program does not send.
    pub fn copy_into(&self, memory: &mut Vec<u8>) -> Option<I420Layout> {
        let (width, height) = self.size();
        let layout = I420Layout::new(Size::new(width, height).ok()?);
        let view = self.view().ok()?;
        memory.resize(layout.len, 0);
        for (index, plane) in [view.y, view.u, view.v].iter().enumerate() {
            let rows = memory[layout.offsets[index]..].chunks_mut(layout.strides[index]);
            rows.zip(0..plane.height()).for_each(|(row, y)| row[..plane.width()].copy_from_slice(plane.row(y)));
        }
        Some(layout)
    }

    /// The picture for a pipeline, without a time and without a copy.
    pub fn sample(&self) -> gst::Sample {
        self.frame.sample()
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.frame.size()
    }
}

/// Where decoded pictures go, and the notes of what became of each frame. Shared by the decoder's thread and the detector's.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The newest pictures.
    pub pictures: Mailbox<Picture>,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    unwrapped: stamp::Unwrapped,
    arrivals: VecDeque<(RtpTime, Duration)>,
    fates: FateLog,
    last_arrival: Option<Duration>,
    wholeness: Wholeness,
    asking: Asking,
    round_trip: Duration,
    damaged: u64,
}

/// A picture that waited for longer is passed over if there is a newer one: pictures that come at once, because all of them waited
/// for one lost packet, are looked at within that time; a detector that is slower than the pictures gets the newest.
const FRESH: Duration = Duration::from_millis(8);

/// Arrivals remembered: the decoder holds a few frames at most, 64 is a second at 60 frames/s.
const MAX_ARRIVALS: usize = 64;

impl Decoded {
    /// Works on the notes of what became of each frame.
    pub fn with_fates<R>(&self, work: impl FnOnce(&mut FateLog) -> R) -> R {
        work(&mut self.notes().fates)
    }

    /// When the last packet of all came.
    pub fn last_arrival(&self) -> Option<Duration> {
        self.notes().last_arrival
    }

    /// Frames that were not decoded because something was missing in them or in those they refer to.
    pub fn damaged(&self) -> u64 {
        self.notes().damaged
    }

    /// How long the sender's answers take, so that a keyframe is not asked for again before it can be here.
    pub fn set_round_trip(&self, round_trip: Duration) {
        self.notes().round_trip = round_trip;
    }

    /// Waits for the next picture that is worth looking at; `None` once closed.
    pub fn next_picture(&self, clock: &RunClock) -> Option<Picture> {
        loop {
            let (picture, newer_wait) = self.pictures.take()?;
            if !newer_wait || picture.is_fresh(clock.now()) {
                return Some(picture);
            }
            self.with_fates(|fates| fates.skipped(picture.rtp));
        }
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a packet of a frame; gives the presentation time that stands for the frame.
    fn on_packet(&self, head: PacketHead, after_gap: bool, at: Duration) -> gst::ClockTime {
        let mut notes = self.notes();
        let rtp = head.rtp;
        notes.wholeness.on_packet(head, after_gap);
        notes.last_arrival = Some(at);
        match notes.arrivals.iter_mut().rev().find(|(known, _)| *known == rtp) {
            Some((_, last)) => *last = at,
            None => {
                if notes.arrivals.len() == MAX_ARRIVALS {
                    notes.arrivals.pop_front();
                }
                notes.arrivals.push_back((rtp, at));
                notes.fates.arrived(rtp);
            }
        }
        gst::ClockTime::from_nseconds(stamp::ns_of_ticks(notes.unwrapped.extend(rtp)))
    }

    /// Notes what the depayloader made of a frame; whether it is to be decoded.
    fn on_frame(&self, rtp: RtpTime, keyframe: bool) -> bool {
        let mut notes = self.notes();
        let whole = notes.wholeness.on_frame(rtp, keyframe);
        if !whole {
            notes.damaged += 1;
            notes.fates.damaged(rtp);
        }
        whole
    }

    /// Whether the sender is to be asked for a keyframe now.
    fn wants_keyframe(&self, now: Duration) -> bool {
        let mut notes = self.notes();
        let (broken, round_trip) = (notes.wholeness.is_broken(), notes.round_trip);
        notes.asking.is_due(broken, now, round_trip)
    }

    fn on_decoded(&self, sample: &gst::Sample, at: Duration) {
        let Some(picture) = self.picture(sample, at) else { return };
        self.with_fates(|fates| fates.decoded(picture.rtp));
        let is_stale = |waiting: &Picture| !waiting.is_fresh(at);
        self.pictures.offer(picture, is_stale, |older| self.with_fates(|fates| fates.skipped(older.rtp)));
    }

    fn picture(&self, sample: &gst::Sample, decoded_at: Duration) -> Option<Picture> {
        let buffer = sample.buffer_owned()?;
        let rtp = stamp::rtp_of_ns(buffer.pts()?.nseconds());
        let info = gst_video::VideoInfo::from_caps(sample.caps()?).ok()?;
        let frame = MappedPicture::new(buffer, &info)?;
        let arrived_at = self.notes().arrivals.iter().rev().find(|(known, _)| *known == rtp).map(|(_, at)| *at);
        Some(Picture { frame, rtp, arrived_at, decoded_at })
    }
}

/// The bin lacks an element that it must have.
#[derive(Debug, thiserror::Error)]
#[error("the receiving tail has no {0}; see pipelines/receive.gst")]
pub struct TailError(&'static str);

/// Notes what comes to the depayloader `depay` of `tail`, and lets nothing damaged past it.
pub fn note_arrivals(tail: &gst::Bin, codec: Codec, clock: &RunClock, decoded: &Arc<Decoded>) -> Result<(), TailError> {
    let depayloader = tail.by_name("depay").ok_or(TailError("depayloader named 'depay'"))?;
    stamp_packets(&depayloader, codec, clock, decoded).ok_or(TailError("depayloader with a sink pad"))?;
    hold_back_damaged(&depayloader, decoded).ok_or(TailError("depayloader with a src pad"))
}

/// Makes `tail` (which has a depayloader `depay` and an appsink `pictures`) give its pictures to `decoded` while `admitted` says
/// so.
pub fn attach(
    tail: &gst::Bin,
    codec: Codec,
    admitted: impl Fn() -> bool + Send + Sync + 'static,
    clock: &RunClock,
    decoded: &Arc<Decoded>,
) -> Result<(), TailError> {
    note_arrivals(tail, codec, clock, decoded)?;
    let sink = tail.by_name("pictures").and_then(|sink| sink.downcast::<gst_app::AppSink>().ok());
    let sink = sink.ok_or(TailError("appsink named 'pictures'"))?;
    let (decoded, clock) = (decoded.clone(), clock.clone());
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if admitted() {
            decoded.on_decoded(&sample, clock.now());
        }
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
    Ok(())
}

/// Notes every packet, and asks for a keyframe as long as one is needed.
fn stamp_packets(depayloader: &gst::Element, codec: Codec, clock: &RunClock, decoded: &Arc<Decoded>) -> Option<()> {
    let (decoded, clock) = (decoded.clone(), clock.clone());
    depayloader.static_pad("sink")?.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let now = clock.now();
        let mut head = [0; HEAD_BYTES];
        if let Some(packet) = info.buffer_mut() {
            let head = &mut head[..HEAD_BYTES.min(packet.size())];
            if packet.copy_to_slice(0, head).is_ok()
                && let Some(head) = PacketHead::read(head, codec)
            {
                let after_gap = packet.flags().contains(gst::BufferFlags::DISCONT);
                let pts = decoded.on_packet(head, after_gap, now);
                packet.make_mut().set_pts(pts);
            }
        }
        if decoded.wants_keyframe(now) {
            // It ends as RTCP PLI (RFC 4585 section 6.3.1); when it is lost, it is sent again.
            pad.push_event(gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
        gst::PadProbeReturn::Ok
    })?;
    Some(())
}

/// What is damaged is not decoded: decoders conceal it, and nobody could tell.
fn hold_back_damaged(depayloader: &gst::Element, decoded: &Arc<Decoded>) -> Option<()> {
    let decoded = decoded.clone();
    depayloader.static_pad("src")?.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let frame = info.buffer().and_then(|frame| Some((frame.pts()?, frame.flags())));
        let whole = frame.is_none_or(|(pts, flags)| {
            decoded.on_frame(stamp::rtp_of_ns(pts.nseconds()), !flags.contains(gst::BufferFlags::DELTA_UNIT))
        });
        // Not Drop: gstreamer-rs frees the frame, and GStreamer 1.22 complains that it cannot.
        if whole { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Handled }
    })?;
    Some(())
}
