//! The frames that are remembered, and the search for one by its key.

use std::collections::VecDeque;
use std::time::Duration;

use super::states::{Account, Step};
use crate::scene::Truth;
use crate::units::{FrameNumber, RtpTime};

/// What is remembered of a produced frame.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) number: FrameNumber,
    pub(super) rtp: RtpTime,
    pub(super) truth: Truth,
    pub(super) produced_at: Duration,
    pub(super) step: Step,
    pub(super) encoded_at: Option<Duration>,
    pub(super) bytes: usize,
    pub(super) keyframe: bool,
    /// Its time for answers is over.
    pub(super) due: bool,
    /// Over all receivers; `None` if nobody was there to see it.
    pub(super) account: Option<Account>,
}

impl Frame {
    /// A frame that was made and has not gone anywhere yet.
    pub(super) fn new(number: FrameNumber, rtp: RtpTime, truth: Truth, at: Duration, account: Option<Account>) -> Frame {
        let (step, encoded_at, bytes, keyframe, due) = (Step::Produced, None, 0, false, false);
        Frame { number, rtp, truth, produced_at: at, step, encoded_at, bytes, keyframe, due, account }
    }
}

/// Counts remembered and forgotten frames from 0: what a frame is known by inside the ledger.
pub(super) type Serial = u64;

/// The frames of the last seconds, by age and so by key. A key is found by bisection: 10 comparisons for 10 s at 60 frames per
/// second, and no hash.
#[derive(Debug)]
pub(super) struct Frames {
    frames: VecDeque<Frame>,
    first: Serial,
    first_not_due: Serial,
    /// The key of the last frame that was forgotten: what is nearer to it than to any other is no longer known.
    forgotten: Option<RtpTime>,
    tolerance_ticks: u32,
}

impl Frames {
    /// Keys are found up to `tolerance_ticks` away.
    pub(super) fn new(tolerance_ticks: u32) -> Frames {
        Frames { frames: VecDeque::new(), first: 0, first_not_due: 0, forgotten: None, tolerance_ticks }
    }

    /// Whether a frame with this key may come next: keys go forwards, or two frames could not be told apart.
    pub(super) fn may_follow(&self, rtp: RtpTime) -> bool {
        self.frames.back().is_none_or(|last| rtp.ticks_since(last.rtp) > 0)
    }

    pub(super) fn push(&mut self, frame: Frame) -> Serial {
        self.frames.push_back(frame);
        self.first + self.frames.len() as u64 - 1
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn get(&self, serial: Serial) -> Option<&Frame> {
        self.frames.get(usize::try_from(serial.checked_sub(self.first)?).ok()?)
    }

    /// All that are remembered.
    pub(super) fn serials(&self) -> std::ops::Range<Serial> {
        self.first..self.first + self.frames.len() as u64
    }

    pub(super) fn get_mut(&mut self, serial: Serial) -> Option<&mut Frame> {
        self.frames.get_mut(usize::try_from(serial.checked_sub(self.first)?).ok()?)
    }

    /// Those produced at `at` or later, oldest first.
    pub(super) fn since(&self, at: Duration) -> impl Iterator<Item = &Frame> {
        self.frames.range(self.frames.partition_point(|frame| frame.produced_at < at)..)
    }

    /// The frame with the nearest key, if it is near enough and no other is as near.
    pub(super) fn find(&self, rtp: RtpTime) -> Option<Serial> {
        let after = self.frames.partition_point(|frame| frame.rtp.ticks_since(rtp) < 0);
        let ticks_to = |key: RtpTime| key.ticks_since(rtp).unsigned_abs();
        let ticks_after = self.frames.get(after).map(|frame| ticks_to(frame.rtp));
        let ticks_before = match after.checked_sub(1) {
            Some(before) => self.frames.get(before).map(|frame| ticks_to(frame.rtp)),
            None => self.forgotten.map(ticks_to),
        };
        let (ticks_before, ticks_after) = (ticks_before.unwrap_or(u32::MAX), ticks_after.unwrap_or(u32::MAX));
        if ticks_before == ticks_after || ticks_before.min(ticks_after) > self.tolerance_ticks {
            return None;
        }
        let index = if ticks_after < ticks_before { after } else { after.checked_sub(1)? };
        Some(self.first + index as u64)
    }

    /// The frame whose number has these low 32 bits; numbers go forwards, and far fewer frames than that are remembered.
    pub(super) fn find_code(&self, code: u32) -> Option<Serial> {
        let is_before = |frame: &Frame| (frame.number.code().wrapping_sub(code) as i32) < 0;
        let index = self.frames.partition_point(is_before);
        let found = self.frames.get(index).is_some_and(|frame| frame.number.code() == code);
        found.then_some(self.first + index as u64)
    }

    /// The oldest frame produced before `deadline` that is not due yet; it is from now on.
    pub(super) fn next_due(&mut self, deadline: Duration) -> Option<Serial> {
        let serial = self.first_not_due;
        let frame = self.get_mut(serial).filter(|frame| frame.produced_at < deadline)?;
        frame.due = true;
        self.first_not_due += 1;
        Some(serial)
    }

    /// Whether the oldest frame still has time for answers.
    pub(super) fn oldest_is_not_due(&self) -> bool {
        self.first_not_due == self.first
    }

    /// When the oldest frame was produced.
    pub(super) fn oldest_at(&self) -> Option<Duration> {
        self.frames.front().map(|frame| frame.produced_at)
    }

    /// Forgets the oldest frame, which must be due.
    pub(super) fn forget_oldest(&mut self) -> Option<Serial> {
        let frame = self.frames.pop_front()?;
        self.forgotten = Some(frame.rtp);
        self.first += 1;
        Some(self.first - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(keys: &[u32]) -> Frames {
        let mut frames = Frames::new(750);
        for (number, &key) in (0..).zip(keys) {
            let rtp = RtpTime(key);
            assert!(frames.may_follow(rtp));
            let (number, truth, produced_at) = (FrameNumber(number), Truth::default(), Duration::from_secs(number));
            frames.push(Frame::new(number, rtp, truth, produced_at, None));
        }
        frames
    }

    #[test]
    fn the_nearest_key_within_half_an_interval_is_found_across_the_wrap() {
        let frames = frames(&[u32::MAX - 1999, u32::MAX - 499, 1000, 2500]);
        for (key, found) in [
            (u32::MAX - 1999, Some(0)),
            (u32::MAX - 2749, Some(0)),
            (u32::MAX - 2750, None),
            (u32::MAX - 1250, Some(0)),
            (u32::MAX - 1249, None),
            (u32::MAX - 1248, Some(1)),
            (u32::MAX, Some(1)),
            (0, Some(1)),
            (249, Some(1)),
            (250, None),
            (251, Some(2)),
            (3250, Some(3)),
            (3251, None),
            (1 << 31, None),
            ((1 << 31) + 1750, None),
        ] {
            assert_eq!(frames.find(RtpTime(key)), found, "{key}");
        }
        assert!(!frames.may_follow(RtpTime(2500)));
        assert!(!frames.may_follow(RtpTime(2499)));
    }

    #[test]
    fn a_forgotten_frame_is_not_taken_for_the_one_after_it() {
        let mut frames = frames(&[0, 900, 2400]);
        assert_eq!(frames.find(RtpTime(200)), Some(0));
        assert_eq!(frames.forget_oldest(), Some(0));
        assert_eq!(frames.find(RtpTime(200)), None);
        assert_eq!(frames.find(RtpTime(449)), None);
        assert_eq!(frames.find(RtpTime(451)), Some(1));
        assert_eq!(frames.find(RtpTime(2400)), Some(2));
    }

    #[test]
    fn frames_become_due_once_and_in_order() {
        let mut frames = frames(&[0, 1500, 3000]);
        assert!(frames.oldest_is_not_due());
        let mut due = |deadline| frames.next_due(Duration::from_millis(deadline));
        assert_eq!(
            [due(0), due(1001), due(1001), due(1001), due(9999), due(9999)],
            [None, Some(0), Some(1), None, Some(2), None]
        );
        assert!(!frames.oldest_is_not_due());
    }
}
