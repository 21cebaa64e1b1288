//! The receiver's memory of what became of each frame.

use std::collections::VecDeque;

use super::message::{MAX_RECENT, PictureStats, Recent};
use crate::units::RtpTime;

/// How many messages tell of a frame: the channel does not retransmit, and at 10 % loss three in a row are lost once in a
/// thousand.
const TIMES_TOLD: usize = 3;

/// The most frames between arrival and decoded picture; a decoder that holds more of them back is one that has stopped.
const MAX_WAITING: usize = 64;

/// The most fates waiting to be told for the first, second or third time: four messages full, so that a detector that looks
/// at one frame a second can still tell.
const MAX_UNTOLD: usize = 4 * MAX_RECENT;

#[derive(Clone, Copy, Debug)]
enum Fate {
    Detected,
    Skipped,
    Undecoded,
    Damaged,
}

/// Notes what becomes of each frame at the receiver, and tells it with the next messages. Bounded: when there is too much to
/// tell, the oldest is forgotten.
#[derive(Debug, Default)]
pub struct FateLog {
    undecided: VecDeque<RtpTime>,
    /// By how often it has been told.
    decided: [VecDeque<(RtpTime, Fate)>; TIMES_TOLD],
    decoded: u64,
    skipped: u64,
    damaged: u64,
}

impl FateLog {
    /// Nothing has arrived yet.
    pub fn new() -> FateLog {
        FateLog::default()
    }

    /// The last packet of this frame has arrived.
    pub fn arrived(&mut self, rtp: RtpTime) {
        if self.undecided.contains(&rtp) {
            return;
        }
        if self.undecided.len() == MAX_WAITING
            && let Some(given_up) = self.undecided.pop_front()
        {
            self.decide(0, given_up, Fate::Undecoded);
        }
        self.undecided.push_back(rtp);
    }

    /// The decoder made a picture of this frame. Pictures come in the order of their timestamps, so that no picture will be
    /// made any more of the earlier ones that still wait.
    pub fn decoded(&mut self, rtp: RtpTime) {
        self.decoded += 1;
        self.settle(rtp);
    }

    fn settle(&mut self, rtp: RtpTime) {
        for _ in 0..self.undecided.len() {
            let Some(waiting) = self.undecided.pop_front() else { break };
            match waiting.ticks_since(rtp) {
                0 => {}
                1.. => self.undecided.push_back(waiting),
                _ => self.decide(0, waiting, Fate::Undecoded),
            }
        }
    }

    /// The detector was busy and will never see this picture.
    pub fn skipped(&mut self, rtp: RtpTime) {
        self.skipped += 1;
        self.decide(0, rtp, Fate::Skipped);
    }

    /// Data of this frame, or of one that it builds on, was lost: the detector shall not see it.
    pub fn damaged(&mut self, rtp: RtpTime) {
        self.damaged += 1;
        self.settle(rtp);
        self.decide(0, rtp, Fate::Damaged);
    }

    /// What became of all pictures so far.
    pub fn pictures(&self) -> PictureStats {
        let FateLog { decoded, skipped, damaged, .. } = *self;
        PictureStats { decoded: Some(decoded), skipped: Some(skipped), damaged: Some(damaged) }
    }

    /// The detector has looked at this picture, and a message will say what it saw. Fills `recent` for that message: with
    /// earlier frames only, the message itself tells of this one.
    pub fn detected(&mut self, rtp: RtpTime, recent: &mut Recent) {
        self.tell(recent);
        self.decide(0, rtp, Fate::Detected);
    }

    /// What was told least comes first, so that with much to tell everything is told once before anything is repeated.
    fn tell(&mut self, recent: &mut Recent) {
        recent.clear();
        let waiting = self.decided.each_ref().map(VecDeque::len);
        for (times, waiting) in waiting.into_iter().enumerate() {
            for _ in 0..waiting.min(MAX_RECENT - recent.len()) {
                let Some((rtp, fate)) = self.decided[times].pop_front() else { break };
                match fate {
                    Fate::Detected => recent.detected.push(rtp),
                    Fate::Skipped => recent.skipped.push(rtp),
                    Fate::Damaged => recent.damaged.push(rtp),
                    Fate::Undecoded => recent.undecoded.push(rtp),
                }
                self.decide(times + 1, rtp, fate);
            }
        }
    }

    fn decide(&mut self, times_told: usize, rtp: RtpTime, fate: Fate) {
        let Some(waiting) = self.decided.get_mut(times_told) else { return };
        if waiting.len() == MAX_UNTOLD {
            waiting.pop_front();
        }
        waiting.push_back((rtp, fate));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(log: &mut FateLog, rtp: u32) -> Recent {
        let mut recent = Recent::default();
        log.detected(RtpTime(rtp), &mut recent);
        recent
    }

    #[test]
    fn each_fate_is_told_three_times_from_the_next_message_on() {
        let mut log = FateLog::new();
        for rtp in [u32::MAX, 2, 4, 5] {
            log.arrived(RtpTime(rtp));
        }
        log.decoded(RtpTime(2));
        log.skipped(RtpTime(2));
        log.damaged(RtpTime(4));
        log.decoded(RtpTime(5));
        let first = message(&mut log, 5);
        assert_eq!(log.pictures(), PictureStats { decoded: Some(2), skipped: Some(1), damaged: Some(1) });
        let keys = |keys: &[u32]| keys.iter().copied().map(RtpTime).collect::<Vec<_>>();
        let damaged = keys(&[4]);
        assert_eq!(first, Recent { detected: keys(&[]), skipped: keys(&[2]), undecoded: keys(&[u32::MAX]), damaged });
        assert_eq!(message(&mut log, 8), Recent { detected: keys(&[5]), ..first.clone() });
        assert_eq!(message(&mut log, 11), Recent { detected: keys(&[8, 5]), ..first });
        assert_eq!(message(&mut log, 14), Recent { detected: keys(&[11, 8, 5]), ..Recent::default() });
    }

    #[test]
    fn a_frame_that_overtakes_is_not_given_up() {
        let mut log = FateLog::new();
        log.arrived(RtpTime(20));
        log.arrived(RtpTime(10));
        log.decoded(RtpTime(10));
        log.decoded(RtpTime(20));
        assert!(message(&mut log, 20).is_empty());
    }

    #[test]
    fn a_stopped_decoder_and_a_slow_detector_stay_bounded() {
        let mut log = FateLog::new();
        (0..10_000).for_each(|rtp| log.arrived(RtpTime(rtp)));
        (0..10_000).for_each(|rtp| log.skipped(RtpTime(rtp)));
        assert_eq!(log.undecided.len(), MAX_WAITING);
        let mut told = 0;
        for rtp in 0..1000 {
            told += message(&mut log, 20_000 + rtp).len();
        }
        assert!(told <= (MAX_UNTOLD + 1000) * TIMES_TOLD, "{told}");
        assert_eq!(message(&mut log, 30_000).len(), TIMES_TOLD);
    }
}
