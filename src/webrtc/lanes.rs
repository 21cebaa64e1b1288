//! Fan-out: every encoded unit goes to every peer that is ready for it, without a copy.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::encode::Unit;

/// What a lane does with the next unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LaneState {
    /// The peer is not connected: nothing is sent, so that nothing piles up.
    Shut = 0,
    /// The next keyframe opens the lane.
    AwaitingKeyframe = 1,
    /// Everything is sent.
    Open = 2,
    /// Keyframes are sent and nothing else: the path does not carry more.
    Rationed = 3,
}

/// The way of encoded units to one peer.
#[derive(Debug)]
pub struct Lane {
    units: gst_app::AppSrc,
    limit: u64,
    state: AtomicU8,
}

/// What became of a unit in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// On its way.
    Yes,
    /// The lane is shut or waits for a keyframe.
    No,
    /// The peer's pipeline does not take units as fast as they come: the unit is dropped, and so are all up to the next keyframe.
    Full,
}

impl Lane {
    /// A shut lane into `units`, which holds at most its `max-buffers`.
    pub fn new(units: gst_app::AppSrc) -> Lane {
        Lane { limit: units.max_buffers(), units, state: AtomicU8::new(LaneState::Shut as u8) }
    }

    /// Changes what happens to the next unit.
    pub fn set(&self, state: LaneState) {
        self.state.store(state as u8, Ordering::Release);
    }

    fn is_full(&self) -> bool {
        // As with GStreamer's queues, 0 is no limit.
        self.limit > 0 && self.units.current_level_buffers() >= self.limit
    }

    /// Whether this is what happens to the next unit.
    pub fn is(&self, state: LaneState) -> bool {
        self.state.load(Ordering::Acquire) == state as u8
    }

    /// Gives a unit on, if the lane takes it now.
    pub fn hand(&self, unit: &Unit) -> Handed {
        let state = self.state.load(Ordering::Acquire);
        let needs_keyframe = state == LaneState::AwaitingKeyframe as u8 || state == LaneState::Rationed as u8;
        if state == LaneState::Shut as u8 || (needs_keyframe && !unit.keyframe) {
            return Handed::No;
        }
        if self.is_full() && state == LaneState::Rationed as u8 {
            return Handed::No;
        }
        if self.is_full() {
            self.set(LaneState::AwaitingKeyframe);
            // Whoever waits already has asked, and is asked for again when there is room: see `is_starving`.
            return if state == LaneState::Open as u8 { Handed::Full } else { Handed::No };
        }
        if unit.keyframe {
            // Only if it still waits: a lane that was shut meanwhile stays shut.
            let (from, to) = (LaneState::AwaitingKeyframe as u8, LaneState::Open as u8);
            let _ = self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        }
        // An error is the end of the peer's pipeline, which its bus reports.
        let _ = self.units.push_buffer(stamped(unit));
        Handed::Yes
    }
}

/// `GST_BUFFER_OFFSET_NONE`: with an offset, payloaders would count by it instead of by time.
const NO_OFFSET: u64 = u64::MAX;

/// The unit's bytes under its running time: encoders shift their timestamps (x264enc by 1000 hours) and say so in a segment that
/// ends at the appsink.
fn stamped(unit: &Unit) -> gst::Buffer {
    let mut buffer = unit.buffer.copy();
    let stamped = buffer.make_mut();
    stamped.set_pts(unit.running_time);
    stamped.set_dts(gst::ClockTime::NONE);
    stamped.set_offset(NO_OFFSET);
    buffer
}

/// All lanes of an encoding.
#[derive(Debug, Default)]
pub struct Lanes {
    lanes: RwLock<Vec<Arc<Lane>>>,
    active: AtomicUsize,
}

impl Lanes {
    /// Adds a lane.
    pub fn add(&self, lane: Arc<Lane>) {
        self.lanes.write().unwrap_or_else(PoisonError::into_inner).push(lane);
    }

    /// Removes a lane.
    pub fn remove(&self, lane: &Arc<Lane>) {
        lane.set(LaneState::Shut);
        self.lanes.write().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, lane));
        self.recount();
    }

    /// Opens a lane at the next keyframe.
    pub fn open(&self, lane: &Arc<Lane>) {
        lane.set(LaneState::AwaitingKeyframe);
        self.recount();
    }

    /// Whether anybody is to be sent to: if not, nothing need be drawn or encoded.
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire) > 0
    }

    /// A new encoder begins: nothing of the one before may follow its first keyframe.
    pub fn restart(&self) {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().filter(|lane| lane.is(LaneState::Open)).for_each(|lane| lane.set(LaneState::AwaitingKeyframe));
    }

    /// Whether a lane has room and waits for a keyframe.
    pub fn is_starving(&self) -> bool {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().any(|lane| lane.is(LaneState::AwaitingKeyframe) && !lane.is_full())
    }

    /// Whether a lane takes keyframes only.
    pub fn is_rationed(&self) -> bool {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().any(|lane| lane.is(LaneState::Rationed))
    }

    /// Hands the unit to all lanes. True when a lane was full and a keyframe is wanted for it.
    pub fn hand(&self, unit: &Unit) -> bool {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().filter(|lane| lane.hand(unit) == Handed::Full).count() > 0
    }

    fn recount(&self) {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        let active = lanes.iter().filter(|lane| !lane.is(LaneState::Shut)).count();
        self.active.store(active, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(limit: u64) -> Arc<Lane> {
        gst::init().expect("GStreamer starts");
        Arc::new(Lane::new(gst_app::AppSrc::builder().max_buffers(limit).build()))
    }

    fn unit(keyframe: bool) -> Unit {
        let mut buffer = gst::Buffer::with_size(4).expect("memory");
        buffer.make_mut().set_pts(gst::ClockTime::from_seconds(3_600_000));
        Unit { buffer, running_time: gst::ClockTime::from_seconds(1), keyframe }
    }

    #[test]
    fn a_lane_opens_at_a_keyframe_only() {
        let lane = lane(8);
        assert_eq!(lane.hand(&unit(true)), Handed::No, "shut");
        lane.set(LaneState::AwaitingKeyframe);
        assert_eq!(lane.hand(&unit(false)), Handed::No);
        assert_eq!(lane.hand(&unit(true)), Handed::Yes);
        assert_eq!(lane.hand(&unit(false)), Handed::Yes);
    }

    #[test]
    fn a_full_lane_drops_up_to_the_next_keyframe_and_asks_for_one() {
        let lanes = Lanes::default();
        let stalled = lane(2);
        lanes.add(stalled.clone());
        lanes.open(&stalled);
        let handed = [true, false, false, false].map(|keyframe| lanes.hand(&unit(keyframe)));
        assert_eq!(handed, [false, false, true, false], "asks once");
        assert_eq!(stalled.units.current_level_buffers(), 2);
        assert!(!lanes.hand(&unit(true)) && !lanes.is_starving(), "no room, no use for keyframes");
    }

    #[test]
    fn a_rationed_lane_takes_keyframes_only_until_it_is_opened_again() {
        let (lanes, lane) = (Lanes::default(), lane(8));
        lanes.add(lane.clone());
        lane.set(LaneState::Rationed);
        let handed = [false, true, false, true].map(|keyframe| lane.hand(&unit(keyframe)));
        assert_eq!(handed, [Handed::No, Handed::Yes, Handed::No, Handed::Yes]);
        assert!(lanes.is_rationed());
        lanes.open(&lane);
        assert!(!lanes.is_rationed() && lane.hand(&unit(true)) == Handed::Yes && lane.hand(&unit(false)) == Handed::Yes);
    }

    #[test]
    fn nothing_need_be_encoded_while_no_lane_is_open() {
        let lanes = Lanes::default();
        let lane = lane(8);
        lanes.add(lane.clone());
        assert!(!lanes.is_active());
        lanes.open(&lane);
        assert!(lanes.is_active());
        lanes.remove(&lane);
        assert!(!lanes.is_active());
    }

    #[test]
    fn a_unit_is_stamped_with_the_frames_running_time_without_a_copy_of_its_bytes() {
        gst::init().expect("GStreamer starts");
        let unit = unit(true);
        let copy = stamped(&unit);
        assert_eq!(copy.pts(), Some(unit.running_time));
        let address = |buffer: &gst::Buffer| buffer.map_readable().expect("readable").as_ptr();
        assert_eq!(address(&copy), address(&unit.buffer));
    }
}
