//! Which pictures lack nothing.

use std::collections::VecDeque;

use super::PacketHead;
use crate::units::RtpTime;

/// Frames between their packets and what the depayloader makes of them: it holds one back at most.
const MAX_FRAMES: usize = 4;

/// Tells frames that lack nothing from damaged ones, by the sequence numbers in front of the depayloader.
///
/// Decoders cannot be asked: they conceal what is missing with what was there before, without a word (measured: a detector then
/// sees the ball where it was seconds ago). All frames refer to those before them, so that from a gap on everything is damaged up
/// to the next keyframe that lacks nothing itself.
#[derive(Clone, Debug, Default)]
pub struct Wholeness {
    last_seq: Option<u16>,
    frames: VecDeque<Frame>,
    reference: Reference,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reference {
    /// No keyframe has come yet.
    #[default]
    None,
    /// All that the next frame refers to is there.
    Sound,
    /// Something that the next frame refers to is missing.
    Broken,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    rtp: RtpTime,
    /// Its first packet and all that followed are there.
    unbroken: bool,
    ended: bool,
}

impl Wholeness {
    /// Takes the next packet; they come in the order of their sequence numbers. `after_gap` tells that something is missing before
    /// it all the same: what takes redundancy out of the stream (RED, ULPFEC) numbers the packets anew.
    pub fn on_packet(&mut self, head: PacketHead, after_gap: bool) {
        let follows = !after_gap && self.last_seq.is_some_and(|last| last.wrapping_add(1) == head.seq);
        if !follows && self.last_seq.is_some() {
            self.reference = Reference::Broken;
        }
        self.last_seq = Some(head.seq);
        match self.frames.back_mut().filter(|frame| frame.rtp == head.rtp) {
            Some(frame) => {
                frame.unbroken &= follows;
                frame.ended |= head.ends_frame;
            }
            None => {
                if self.frames.len() == MAX_FRAMES {
                    self.frames.pop_front();
                }
                let unbroken = follows || head.begins_frame;
                self.frames.push_back(Frame { rtp: head.rtp, unbroken, ended: head.ends_frame });
            }
        }
    }

    /// The depayloader made something of this frame: whether the picture will lack nothing.
    pub fn on_frame(&mut self, rtp: RtpTime, keyframe: bool) -> bool {
        let frame = self.frames.iter().find(|frame| frame.rtp == rtp);
        let complete = frame.is_some_and(|frame| frame.unbroken && frame.ended);
        self.reference = match (complete, keyframe, self.reference) {
            (true, true, _) | (true, false, Reference::Sound) => Reference::Sound,
            _ => Reference::Broken,
        };
        self.reference == Reference::Sound
    }

    /// Nothing more can be decoded without a keyframe.
    pub fn is_broken(&self) -> bool {
        self.reference == Reference::Broken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Frames of three packets each, every tenth a keyframe, with the packets of these indices lost.
    fn whole(frames: u32, first_seq: u16, lost: impl Fn(u32) -> bool) -> Vec<bool> {
        let mut wholeness = Wholeness::default();
        let mut verdicts = Vec::new();
        for frame in 0..frames {
            let (rtp, mut any) = (RtpTime(frame.wrapping_mul(3000)), false);
            for part in (0..3).filter(|part| !lost(frame * 3 + part)) {
                any = true;
                wholeness.on_packet(
                    PacketHead {
                        seq: first_seq.wrapping_add((frame * 3 + part) as u16),
                        rtp,
                        ends_frame: part == 2,
                        begins_frame: part == 0 && frame % 10 == 0,
                    },
                    false,
                );
            }
            verdicts.push(any && wholeness.on_frame(rtp, frame % 10 == 0));
        }
        verdicts
    }

    #[test]
    fn a_gap_damages_everything_up_to_the_next_keyframe() {
        assert!(whole(100, u16::MAX - 7, |_| false).iter().all(|whole| *whole));
        for lost in 3..6 {
            let seen = whole(20, 5, |packet| packet == lost);
            let expected: Vec<bool> = (0..20).map(|frame| !(1..10).contains(&frame)).collect();
            assert_eq!(seen, expected, "packet {lost}");
        }
    }

    #[test]
    fn a_keyframe_mends_only_when_it_lacks_nothing_itself() {
        for lost in 30..33 {
            let seen = whole(30, 5, |packet| packet == lost);
            let expected: Vec<bool> = (0..30).map(|frame| !(10..20).contains(&frame)).collect();
            assert_eq!(seen, expected, "packet {lost}");
        }
        let after_a_lost_tail = whole(20, 5, |packet| (27..30).contains(&packet));
        assert!(!after_a_lost_tail[9] && after_a_lost_tail[10], "the keyframe itself is all there");
    }

    #[test]
    fn nothing_is_whole_before_the_first_keyframe_and_it_is_not_asked_for_before_anything_is_missing() {
        assert_eq!(whole(11, 0, |packet| packet == 0), [[false; 10].as_slice(), &[true]].concat());
        let mut wholeness = Wholeness::default();
        let head = PacketHead { seq: 1, rtp: RtpTime(1), ends_frame: false, begins_frame: true };
        wholeness.on_packet(head, true);
        assert!(!wholeness.is_broken());
        wholeness.on_packet(PacketHead { seq: 3, ends_frame: true, begins_frame: false, ..head }, false);
        assert!(wholeness.is_broken());
    }

    #[test]
    fn a_gap_counts_also_when_the_numbers_do_not_show_it() {
        let mut wholeness = Wholeness::default();
        let head = |seq: u16| PacketHead { seq, rtp: RtpTime(seq.into()), ends_frame: true, begins_frame: seq == 1 };
        wholeness.on_packet(head(1), true);
        assert!(wholeness.on_frame(RtpTime(1), true));
        wholeness.on_packet(head(2), true);
        assert!(!wholeness.on_frame(RtpTime(2), false));
    }

    proptest! {
        #[test]
        fn a_picture_is_whole_exactly_if_all_packets_since_its_keyframe_came(
            seq: u16,
            lost in proptest::collection::hash_set(0u32..300, 0..40),
        ) {
            let seen = whole(100, seq, |packet| lost.contains(&packet));
            for (frame, whole) in (0u32..).zip(seen) {
                let since_keyframe = frame / 10 * 30..frame * 3 + 3;
                prop_assert_eq!(whole, since_keyframe.clone().all(|packet| !lost.contains(&packet)), "frame {}", frame);
            }
        }
    }
}
