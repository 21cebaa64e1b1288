//! From the ledger's records to the lines of a trace.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::as_ns;
use super::line::{Answer, Frame, Line, Receiver, ReceiverLeft};
use crate::report::{FrameRecord, Joined, ReceiverId, State};

/// Something to be written.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are frames: a box would allocate for each")]
pub enum Item {
    /// A receiver is connected.
    Joined {
        /// Its number.
        receiver: ReceiverId,
        /// Its name.
        name: Arc<str>,
        /// When it said its first word.
        hello_at: Duration,
        /// When it was ready.
        at: Duration,
    },
    /// A receiver is gone.
    Left {
        /// Its number.
        receiver: ReceiverId,
        /// When.
        at: Duration,
    },
    /// A frame is final.
    Frame(FrameRecord),
    /// The frames that are left when the run ends.
    Rest(Vec<FrameRecord>),
}

/// Receivers whose unmatched frames are counted; with more, of those that joined first no more. 16 kB.
const MOST_RECEIVERS: usize = 1000;

/// Makes lines, and counts what happened around each frame.
#[derive(Debug, Default)]
pub struct Lines {
    unmatched: BTreeMap<ReceiverId, u64>,
}

impl Lines {
    /// Gives the lines of an item, one after the other.
    pub fn lines(&mut self, item: Item, mut give: impl FnMut(&Line)) {
        match item {
            Item::Joined { receiver, name, hello_at, at } => give(&Line::Receiver(Receiver {
                receiver: receiver.0,
                name: name.to_string(),
                hello_ns: as_ns(hello_at),
                joined_ns: as_ns(at),
            })),
            Item::Left { receiver, at } => {
                give(&Line::ReceiverLeft(ReceiverLeft { receiver: receiver.0, left_ns: as_ns(at) }));
            }
            Item::Frame(record) => give(&self.frame(&record)),
            Item::Rest(records) => records.iter().for_each(|record| give(&self.frame(record))),
        }
    }

    fn frame(&mut self, record: &FrameRecord) -> Line {
        if self.unmatched.len() > MOST_RECEIVERS {
            self.unmatched.pop_first();
        }
        let unmatched = self.unmatched.entry(record.receiver).or_default();
        let unmatched_before = if record.state == State::Matched { std::mem::take(unmatched) } else { *unmatched };
        *unmatched += u64::from(record.state != State::Matched);
        Line::Frame(Box::new(Frame {
            receiver: record.receiver.0,
            frame: record.frame.0,
            rtp: record.rtp.0,
            state: record.state,
            produced_ns: as_ns(record.produced_at),
            encoded_ns: record.encoded_at.map(as_ns),
            sent_ns: record.sent_at.map(as_ns),
            bytes: record.bytes as u64,
            keyframe: record.keyframe,
            unmatched_before,
            truth: Frame::objects(&record.truth),
            answer: record.joined.as_deref().map(Lines::answer),
        }))
    }

    fn answer(joined: &Joined) -> Answer {
        let Joined { at, score, latency, stages, within_budget, .. } = joined;
        Answer {
            at_ns: as_ns(*at),
            latency_ns: as_ns(*latency),
            stages_ns: (*stages).into(),
            over_budget: within_budget.map(|is_within| !is_within),
            pairs: score.pairs().iter().map(Into::into).collect(),
            misses: score.misses as u64,
            false_finds: score.false_finds as u64,
            false_finds_px: score.left_over_px().iter().map(|place| [place.x, place.y]).collect(),
        }
    }
}
