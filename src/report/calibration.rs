//! The offset between a client's own timestamps and the frames' keys, learnt from the codes in their pictures.

use super::totals::CalibrationTotals;
use crate::units::RtpTime;

/// Answers in a row that must agree before an offset is believed. A stale picture's code gives an offset that is wrong by whole
/// frames, but the next one's is wrong by another number of them.
const AGREEING: u32 = 5;

/// How far apart two offsets may be and still agree: timestamps that were milliseconds once are rounded by half of that.
const TOLERANCE_TICKS: u32 = 90;

/// What is known of one receiver's offset: its timestamps and the keys count the same ticks, RFC 3550 section 5.1, from another
/// beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calibration {
    believed: Option<u32>,
    agreeing: u64,
    /// Another offset, and how many answers in a row gave it: a client may start to count anew.
    candidate: Option<(u32, u32)>,
}

impl Calibration {
    /// A picture with these ticks showed the frame with this key.
    pub(super) fn note(&mut self, ticks: RtpTime, rtp: RtpTime) {
        let offset = rtp.0.wrapping_sub(ticks.0);
        if self.believed.is_some_and(|believed| agree(believed, offset)) {
            self.agreeing += 1;
            self.candidate = None;
            return;
        }
        let (offset, times) = match self.candidate {
            Some((known, times)) if agree(known, offset) => (known, times + 1),
            _ => (offset, 1),
        };
        self.candidate = Some((offset, times));
        if times >= AGREEING {
            (self.believed, self.agreeing, self.candidate) = (Some(offset), times.into(), None);
        }
    }

    /// The key for these ticks, once the offset is known.
    pub(super) fn key(&self, ticks: RtpTime) -> Option<RtpTime> {
        self.believed.map(|offset| RtpTime(ticks.0.wrapping_add(offset)))
    }

    pub(super) fn totals(&self) -> Option<CalibrationTotals> {
        self.believed.map(|offset_ticks| CalibrationTotals { offset_ticks, from: "code", agreeing: self.agreeing })
    }
}

fn agree(one: u32, other: u32) -> bool {
    RtpTime(one).ticks_since(RtpTime(other)).unsigned_abs() <= TOLERANCE_TICKS
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFSET: u32 = u32::MAX - 100;

    /// The picture of frame `shown` under the ticks of frame `named`.
    fn note(calibration: &mut Calibration, named: u32, shown: u32, offset: u32) {
        calibration.note(RtpTime(named * 1500), RtpTime((shown * 1500).wrapping_add(offset)));
    }

    #[test]
    fn an_offset_is_believed_when_several_answers_in_a_row_agree() {
        let mut calibration = Calibration::default();
        for frame in 0..4 {
            note(&mut calibration, frame, frame, OFFSET + frame * 20);
            assert_eq!(calibration.key(RtpTime(0)), None);
        }
        note(&mut calibration, 4, 2, OFFSET);
        (5..9).for_each(|frame| note(&mut calibration, frame, frame, OFFSET));
        assert_eq!(calibration.key(RtpTime(0)), None, "one was stale");
        note(&mut calibration, 9, 9, OFFSET);
        assert_eq!(calibration.key(RtpTime(1500)), Some(RtpTime(1500 - 101)));
        assert_eq!(calibration.totals().map(|totals| (totals.offset_ticks, totals.agreeing)), Some((OFFSET, 5)));
    }

    #[test]
    fn a_frozen_picture_does_not_move_it_and_a_client_that_counts_anew_does() {
        let mut calibration = Calibration::default();
        (0..10).for_each(|frame| note(&mut calibration, frame, frame, OFFSET));
        (10..100).for_each(|frame| note(&mut calibration, frame, 9, OFFSET));
        assert_eq!(calibration.key(RtpTime(0)), Some(RtpTime(OFFSET)));
        (100..105).for_each(|frame| note(&mut calibration, frame - 100, frame, OFFSET));
        assert_eq!(calibration.key(RtpTime(0)), Some(RtpTime(OFFSET.wrapping_add(150_000))));
    }
}
