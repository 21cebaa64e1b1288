//! What is left of a frame when nothing more can become known of it.

use std::collections::VecDeque;
use std::collections::vec_deque::Drain;
use std::sync::Arc;
use std::time::Duration;

use super::frames::{Frame, Serial};
use super::joined::Joined;
use super::receiver::{Entry, ReceiverId};
use super::states::State;
use crate::scene::Truth;
use crate::units::{FrameNumber, RtpTime};

/// Records that wait to be taken: at the end of a run all remembered frames come at once, which is 60,000 for 100 receivers at 60
/// frames a second. A record takes up to 1 kB.
const MOST_RECORDS: usize = 65_536;

/// All that became known of one frame for one receiver. Times are on the sender's clock, since the run began.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameRecord {
    /// For whom.
    pub receiver: ReceiverId,
    /// The receiver's name.
    pub name: Arc<str>,
    /// The frame.
    pub frame: FrameNumber,
    /// Its key.
    pub rtp: RtpTime,
    /// Where everything was in it.
    pub truth: Truth,
    /// When it was made.
    pub produced_at: Duration,
    /// When it left the encoder.
    pub encoded_at: Option<Duration>,
    /// When its first packet was handed to the network for this receiver.
    pub sent_at: Option<Duration>,
    /// Encoded; 0 if it was not.
    pub bytes: usize,
    /// Whether the encoder made it a keyframe.
    pub keyframe: bool,
    /// How it ended.
    pub state: State,
    /// Its answer, if it is [`State::Matched`].
    pub joined: Option<Box<Joined>>,
}

impl FrameRecord {
    /// Takes the answer out of the receiver's entry.
    pub(super) fn new(receiver: ReceiverId, name: Arc<str>, frame: &Frame, entry: &mut Entry) -> FrameRecord {
        FrameRecord {
            receiver,
            name,
            frame: frame.number,
            rtp: frame.rtp,
            truth: frame.truth,
            produced_at: frame.produced_at,
            encoded_at: frame.encoded_at,
            sent_at: entry.sent_at,
            bytes: frame.bytes,
            keyframe: frame.keyframe,
            state: entry.account.state,
            joined: entry.joined.take(),
        }
    }
}

/// Records on their way out. Bounded: when nobody takes them, the oldest are lost.
#[derive(Debug, Default)]
pub(super) struct Records {
    waiting: VecDeque<FrameRecord>,
    next: Serial,
    lost: u64,
}

impl Records {
    /// The first frame that has not been recorded.
    pub(super) fn next(&self) -> Serial {
        self.next
    }

    /// Whether this frame has not been recorded; it is now.
    pub(super) fn is_next(&mut self, serial: Serial) -> bool {
        let is_next = serial >= self.next;
        self.next = self.next.max(serial + 1);
        is_next
    }

    pub(super) fn push(&mut self, record: FrameRecord) {
        if self.waiting.len() == MOST_RECORDS {
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.waiting.push_back(record);
    }

    pub(super) fn drain(&mut self) -> Drain<'_, FrameRecord> {
        self.waiting.drain(..)
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests;
