//! The one book of a run.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::frames::{Frame, Frames, Serial};
use super::joined::Joined;
use super::party::{Party, Rate};
use super::receiver::{Entry, Receiver, ReceiverId};
use super::record::{FrameRecord, Records};
use super::states::{Evidence, State, Step};
use super::totals::{ReceiverSummary, ReceiverTotals, Summary, Totals};
use crate::scene::Truth;
use crate::units::{FrameNumber, RtpTime};

mod answers;
mod config;

pub use config::{LATE_AFTER, LedgerConfig};

/// Receivers that have left take 2 kB each: 2 MB, whatever comes and goes in a week.
const MOST_PAST_RECEIVERS: usize = 1000;

/// What a live view calls "lately".
const LATELY: Duration = Duration::from_secs(1);

/// A frame that cannot be measured, since its key does not tell it from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("frame {} has RTP timestamp {rtp}, which is not after that of the frame before it; its running time must grow", number.0)]
pub struct KeyError {
    /// The frame.
    pub number: FrameNumber,
    /// Its key.
    pub rtp: RtpTime,
}

/// Joins answers to frames and keeps count of all that happens. See the [module](super) for what always holds.
///
/// Events are told in the order in which they happen, as near as threads allow; `at` is when. An event of a frame or a receiver
/// that the ledger does not know changes nothing.
#[derive(Debug)]
pub struct Ledger {
    config: LedgerConfig,
    frames: Frames,
    all: Party,
    frames_unwatched: u64,
    /// When the first receiver joined.
    first_joined_at: Option<Duration>,
    /// What happens now does not count yet.
    warms_up: bool,
    receivers: Vec<Receiver>,
    past_receivers: VecDeque<ReceiverTotals>,
    receivers_forgotten: u64,
    history: VecDeque<Joined>,
    records: Records,
}

impl Ledger {
    /// An empty book.
    pub fn new(config: LedgerConfig) -> Ledger {
        Ledger {
            config,
            frames: Frames::new(config.fps.interval_ticks() / 2),
            all: Party::default(),
            frames_unwatched: 0,
            first_joined_at: None,
            warms_up: false,
            receivers: Vec::new(),
            past_receivers: VecDeque::new(),
            receivers_forgotten: 0,
            history: VecDeque::with_capacity(config.history_size),
            records: Records::default(),
        }
    }

    /// The source made a frame. It counts for all receivers that are there; if there are none, or if they are warming up, it is
    /// only remembered.
    pub fn produced(&mut self, number: FrameNumber, rtp: RtpTime, truth: Truth, at: Duration) -> Result<(), KeyError> {
        self.tick(at);
        if !self.frames.may_follow(rtp) {
            return Err(KeyError { number, rtp });
        }
        if self.frames.len() >= self.config.most_frames.max(1) {
            self.forget_oldest();
        }
        let is_watched = !self.warms_up && self.receivers.iter().any(Receiver::is_answering);
        let account = is_watched.then(|| self.all.ended.open());
        if !is_watched {
            self.frames_unwatched += 1;
            self.all.rate.pause();
        }
        let serial = self.frames.push(Frame::new(number, rtp, truth, at, account));
        if is_watched {
            self.receivers.iter_mut().filter(|receiver| receiver.is_answering()).for_each(|receiver| receiver.open(serial));
        }
        Ok(())
    }

    /// The frame was handed to the encoder.
    pub fn entered_encoder(&mut self, rtp: RtpTime) {
        self.came_to(rtp, Step::Entered);
    }

    /// The frame left the encoder.
    pub fn encoded(&mut self, rtp: RtpTime, at: Duration, bytes: usize, keyframe: bool) {
        let Some(serial) = self.came_to(rtp, Step::Encoded) else { return };
        let Some(frame) = self.frames.get_mut(serial) else { return };
        frame.encoded_at = Some(at);
        frame.bytes = bytes;
        frame.keyframe = keyframe;
        let watched = frame.account.is_some().then_some(&mut self.all);
        let receivers = self.receivers.iter_mut().filter_map(|receiver| receiver.entry_mut(serial));
        for party in watched.into_iter().chain(receivers.map(|(_, party)| party)) {
            party.encoded += 1;
            party.keyframes += u64::from(keyframe);
        }
        if frame.account.is_some() {
            self.all.rate.note(at, bytes);
        }
    }

    /// A frame came a step further at the sender; `None` if that is not known to be new.
    fn came_to(&mut self, rtp: RtpTime, step: Step) -> Option<Serial> {
        let serial = self.frames.find(rtp)?;
        let frame = self.frames.get_mut(serial)?;
        if frame.step == step || frame.step == Step::Encoded {
            return None;
        }
        frame.step = step;
        if frame.due {
            self.update(serial);
        }
        Some(serial)
    }

    /// The frame was handed to the network for this receiver.
    pub fn sent(&mut self, receiver: ReceiverId, rtp: RtpTime, at: Duration) {
        let Some(index) = self.index_of(receiver) else { return };
        let Some(serial) = self.frames.find(rtp) else { return };
        let Some(frame) = self.frames.get_mut(serial) else { return };
        if self.receivers[index].is_viewer {
            if self.warms_up {
                return;
            }
            self.receivers[index].party.sent += 1;
            self.receivers[index].party.carry(at, frame.bytes);
            self.all.sent_bytes += frame.bytes as u64;
            return;
        }
        let Some((entry, party)) = self.receivers[index].entry_mut(serial) else { return };
        if !entry.account.sent {
            party.carry(at, frame.bytes);
            self.all.sent_bytes += frame.bytes as u64;
        }
        entry.sent_at.get_or_insert(at);
        party.note_sent(&mut entry.account);
        frame.account.iter_mut().for_each(|account| self.all.note_sent(account));
    }

    /// A receiver is connected, perhaps again: the frames produced from now on count for it. It said its first word at `hello_at`.
    pub fn receiver_joined(&mut self, id: ReceiverId, name: impl Into<Arc<str>>, hello_at: Duration, at: Duration) {
        if let Some(index) = self.index_of(id) {
            return self.receivers[index].come_back(at);
        }
        self.first_joined_at.get_or_insert(at);
        self.warm_up(at);
        self.receivers.push(Receiver::new(id, name.into(), hello_at, at));
    }

    /// A viewer is connected: it will answer nothing, so no frame counts for it; what it is sent and what it tells of itself does.
    pub fn viewer_joined(&mut self, id: ReceiverId, name: impl Into<Arc<str>>, hello_at: Duration, at: Duration) {
        match self.index_of(id) {
            Some(index) => self.receivers[index].come_back(at),
            None => self.receivers.push(Receiver::viewer(id, name.into(), hello_at, at)),
        }
    }

    /// A receiver is gone. Answers that are on their way may still come; what does not come is not held against the network.
    pub fn receiver_left(&mut self, id: ReceiverId, at: Duration) {
        self.part(id, at, true);
    }

    /// A receiver's connection is gone, and another one may take its place, see [`Ledger::receiver_joined`]. Until then no frame counts
    /// for it. Whoever is told of this is told of [`Ledger::receiver_left`] too, if it does not come back.
    pub fn receiver_interrupted(&mut self, id: ReceiverId, at: Duration) {
        self.part(id, at, false);
    }

    fn part(&mut self, id: ReceiverId, at: Duration, for_good: bool) {
        self.tick(at);
        let Some(index) = self.index_of(id) else { return };
        self.receivers[index].leave(at, for_good);
        for serial in self.receivers[index].serials() {
            if self.frames.get_mut(serial).is_some_and(|frame| !frame.due) {
                self.learn(index, serial, Evidence::Left);
            }
        }
    }

    /// Time has passed: frames whose time for answers is over end in the state that follows, and old ones are forgotten. Each
    /// frame and each answer does this too; without them, now and then is enough.
    pub fn tick(&mut self, at: Duration) {
        self.warm_up(at);
        let Some(deadline) = at.checked_sub(self.config.late_after) else { return };
        while let Some(serial) = self.frames.next_due(deadline) {
            self.update(serial);
        }
        let Some(horizon) = at.checked_sub(self.config.remember.max(self.config.late_after)) else { return };
        while self.frames.oldest_at().is_some_and(|oldest| oldest < horizon) {
            self.forget_oldest();
        }
        self.retire_receivers(horizon);
    }

    fn warm_up(&mut self, at: Duration) {
        let since_first = self.first_joined_at.map(|joined_at| at.saturating_sub(joined_at));
        self.warms_up = since_first.is_some_and(|since_first| since_first < self.config.warmup);
    }

    /// Counts a frame anew, over all and for each receiver, after something changed that is the same for all.
    fn update(&mut self, serial: Serial) {
        let Some(frame) = self.frames.get_mut(serial) else { return };
        let (step, due) = (frame.step, frame.due);
        frame.account.iter_mut().for_each(|account| self.all.ended.update(account, step, due));
        self.receivers.iter_mut().for_each(|receiver| receiver.update(serial, step, due));
    }

    fn learn(&mut self, index: usize, serial: Serial, evidence: Evidence) {
        let Some(frame) = self.frames.get_mut(serial) else { return };
        let Some((entry, party)) = self.receivers[index].entry_mut(serial) else { return };
        party.learn(&mut entry.account, evidence, frame.step, frame.due);
        frame.account.iter_mut().for_each(|account| self.all.learn(account, evidence, frame.step, frame.due));
    }

    fn forget_oldest(&mut self) {
        if self.frames.oldest_is_not_due()
            && let Some(serial) = self.frames.next_due(Duration::MAX)
        {
            self.update(serial);
        }
        self.record(self.frames.serials().start);
        let Some(serial) = self.frames.forget_oldest() else { return };
        self.receivers.iter_mut().for_each(|receiver| receiver.forget(serial));
    }

    /// Writes a frame's records, one for each receiver that it counts for, unless that has been done.
    fn record(&mut self, serial: Serial) {
        let Some(frame) = self.frames.get(serial).filter(|_| self.config.records && self.records.is_next(serial)) else {
            return;
        };
        for receiver in &mut self.receivers {
            let (id, name) = (receiver.id, receiver.name.clone());
            if let Some((entry, _)) = receiver.entry_mut(serial) {
                self.records.push(FrameRecord::new(id, name, frame, entry));
            }
        }
    }

    /// Whether every receiver that this frame counts for has answered it: what its records tell is then fixed.
    fn is_settled(&self, serial: Serial) -> bool {
        let is_settled = |entry: &Entry| entry.account.is_answered() && entry.sent_at.is_some();
        let is_encoded = |frame: &Frame| frame.step == Step::Encoded;
        let mut entries = self.receivers.iter().filter_map(|receiver| receiver.entry(serial));
        self.config.records
            && self.frames.get(serial).is_some_and(|frame| frame.account.is_none() || is_encoded(frame))
            && entries.all(is_settled)
    }

    /// The records of frames that are final, oldest first, and within a frame in the order in which the receivers joined: nothing
    /// that becomes known later changes them. A frame that all have answered is final at once; one that somebody has not may
    /// still be answered late or explained, and holds back those after it until it is forgotten. None unless the configuration
    /// wants them. Whoever wants them takes them often; of those that nobody takes the oldest are lost, see
    /// [`Ledger::records_lost`].
    pub fn take_records(&mut self) -> impl Iterator<Item = FrameRecord> {
        while self.is_settled(self.records.next()) {
            self.record(self.records.next());
        }
        self.records.drain()
    }

    /// Records that nobody took in time.
    pub fn records_lost(&self) -> u64 {
        self.records.lost()
    }

    /// Receivers that left before `horizon` have no remembered frame: only their figures are kept.
    fn retire_receivers(&mut self, horizon: Duration) {
        for receiver in self.receivers.extract_if(.., |receiver| receiver.is_past(horizon)) {
            if self.past_receivers.len() == MOST_PAST_RECEIVERS {
                self.past_receivers.pop_front();
                self.receivers_forgotten += 1;
            }
            self.past_receivers.push_back(receiver.totals(horizon, &self.config));
        }
    }

    fn index_of(&self, id: ReceiverId) -> Option<usize> {
        self.receivers.iter().rposition(|receiver| receiver.id == id)
    }

    /// The last joined frames, oldest first.
    pub fn history(&self) -> impl ExactSizeIterator<Item = &Joined> {
        self.history.iter()
    }

    /// Whether a frame was made that counts: somebody is there, and warm-up is over.
    pub fn has_begun(&self) -> bool {
        self.all.ended.total() > 0
    }

    /// Frames that may still be answered in time.
    pub fn in_flight(&self) -> u64 {
        self.all.ended.of(State::InFlight)
    }

    /// The figures for a live view; takes some ten microseconds a receiver.
    pub fn summary(&self, at: Duration) -> Summary {
        let mut rate = Rate::default();
        let lately = self.frames.since(at.saturating_sub(LATELY));
        lately.filter_map(|frame| Some((frame.encoded_at?, frame.bytes))).for_each(|(at, bytes)| rate.note(at, bytes));
        let (error_px, latency_ms) = self.all.error_and_latency();
        Summary {
            frames: self.all.ended.total(),
            matched: self.all.ended.of(State::Matched),
            fps: rate.per_second(),
            bitrate_kbps: rate.kbps(),
            error_px,
            latency_ms,
            missed_percent: self.all.missed_percent(),
            receivers: self.receivers.iter().map(Receiver::summary).collect(),
        }
    }

    /// The figures of one receiver, for whoever wants to tell it; takes some ten microseconds.
    pub fn receiver_summary(&self, id: ReceiverId) -> Option<ReceiverSummary> {
        self.index_of(id).map(|index| self.receivers[index].summary())
    }

    /// The run is over: its figures. Frames that are still remembered are recorded as they stand.
    pub fn finish(&mut self, at: Duration) -> Totals {
        let totals = self.totals(at);
        self.frames.serials().for_each(|serial| self.record(serial));
        totals
    }

    /// The figures of the run until now.
    pub fn totals(&mut self, at: Duration) -> Totals {
        self.tick(at);
        let present = self.receivers.iter().map(|receiver| receiver.totals(at, &self.config));
        let mut receivers: Vec<_> = self.past_receivers.iter().cloned().chain(present).collect();
        receivers.sort_by(|one, other| one.joined_ms.total_cmp(&other.joined_ms));
        Totals {
            all: self.all.totals(self.config.budget),
            frames_unwatched: self.frames_unwatched,
            receivers,
            receivers_forgotten: self.receivers_forgotten,
        }
    }
}

#[cfg(test)]
mod interruptions;
#[cfg(test)]
mod schedules;
#[cfg(test)]
pub(super) mod tests;
