//! What the ledger keeps of one receiver.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::State;
use super::calibration::Calibration;
use super::cost::Cost;
use super::frames::Serial;
use super::joined::Joined;
use super::ledger::LedgerConfig;
use super::party::{Party, as_ms};
use super::states::{Account, Step};
use super::totals::{ClockTotals, Interruption, ReceiverSummary, ReceiverTotals, ResultTotals};
use crate::feedback::{ClockOffset, ReceiverStats};

/// What a receiver's list of interruptions holds, so that one that comes and goes for a week takes no more than 3 kB; the newest stay.
const MOST_INTERRUPTIONS: usize = 100;

/// Tells the receivers of a run apart; never given to two of them. One that was interrupted keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ReceiverId(pub u64);

impl fmt::Display for ReceiverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The messages with answers, which a receiver counts from 0 on each of its connections.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// The first number that counts: what came during warm-up does not.
    from: u64,
    /// One more than the highest number.
    next: u64,
    came: u64,
    /// Over earlier connections.
    before: ResultTotals,
}

impl Results {
    /// From now on they are counted from 0 again.
    fn begin_anew(&mut self) {
        *self = Results { before: self.totals(), ..Results::default() };
    }

    pub(super) fn note(&mut self, seq: u64, warms_up: bool) {
        self.next = self.next.max(seq.saturating_add(1));
        if warms_up {
            self.from = self.next;
        }
        self.came += u64::from(seq >= self.from);
    }

    fn totals(&self) -> ResultTotals {
        let sent = self.next - self.from;
        ResultTotals { sent: self.before.sent + sent, lost: self.before.lost + sent.saturating_sub(self.came) }
    }
}

/// What is known of one frame for one receiver.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) account: Account,
    /// When its first packet was handed to the network for this receiver.
    pub(super) sent_at: Option<Duration>,
    /// Its answer's own message came.
    pub(super) heard: bool,
    /// Its answer; kept only where records are.
    pub(super) joined: Option<Box<Joined>>,
}

/// A receiver, present or gone.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) id: ReceiverId,
    pub(super) name: Arc<str>,
    /// It answers nothing, and no frame counts for it.
    pub(super) is_viewer: bool,
    pub(super) hello_at: Duration,
    pub(super) joined_at: Duration,
    pub(super) left_at: Option<Duration>,
    /// It may come back.
    is_awaited: bool,
    /// The newest, oldest first: from when to when it was gone.
    interruptions: VecDeque<(Duration, Duration)>,
    pub(super) clock: ClockOffset,
    pub(super) calibration: Calibration,
    /// What it told of itself first, or last before warm-up was over.
    first_stats: Option<ReceiverStats>,
    /// What it had counted by the end of warm-up, as far as it told.
    warm_stats: Option<ReceiverStats>,
    stats: Option<ReceiverStats>,
    pub(super) results: Results,
    pub(super) party: Party,
    /// One for each remembered frame since the first that counts for it, which has this number; none for those that were made while
    /// it was away.
    entries: VecDeque<Option<Entry>>,
    first: Serial,
}

impl Receiver {
    pub(super) fn new(id: ReceiverId, name: Arc<str>, hello_at: Duration, joined_at: Duration) -> Receiver {
        Receiver {
            id,
            name,
            is_viewer: false,
            hello_at,
            joined_at,
            left_at: None,
            is_awaited: false,
            interruptions: VecDeque::new(),
            clock: ClockOffset::new(),
            calibration: Calibration::default(),
            first_stats: None,
            warm_stats: None,
            stats: None,
            results: Results::default(),
            party: Party::default(),
            entries: VecDeque::new(),
            first: 0,
        }
    }

    /// One that will answer nothing.
    pub(super) fn viewer(id: ReceiverId, name: Arc<str>, hello_at: Duration, joined_at: Duration) -> Receiver {
        Receiver { is_viewer: true, ..Receiver::new(id, name, hello_at, joined_at) }
    }

    pub(super) fn is_present(&self) -> bool {
        self.left_at.is_none()
    }

    /// It is gone since `at`, unless it was gone before; `for_good` tells whether it will not come back.
    pub(super) fn leave(&mut self, at: Duration, for_good: bool) {
        self.left_at.get_or_insert(at);
        self.is_awaited = !for_good;
    }

    /// It is gone since before `horizon`, and will not come back.
    pub(super) fn is_past(&self, horizon: Duration) -> bool {
        !self.is_awaited && self.left_at.is_some_and(|left_at| left_at < horizon)
    }

    /// It is back, over another connection: its clock and its counts may have begun anew.
    pub(super) fn come_back(&mut self, at: Duration) {
        let Some(left_at) = self.left_at.take() else { return };
        if self.interruptions.len() == MOST_INTERRUPTIONS {
            self.interruptions.pop_front();
        }
        self.interruptions.push_back((left_at, at));
        self.is_awaited = false;
        self.clock = ClockOffset::new();
        self.calibration = Calibration::default();
        self.results.begin_anew();
        self.warm_stats = None;
        self.party.rate.pause();
    }

    /// It told of itself; the newest counts.
    pub(super) fn told(&mut self, stats: ReceiverStats, warms_up: bool) {
        if warms_up {
            (self.first_stats, self.warm_stats) = (Some(stats), Some(stats));
        }
        self.first_stats.get_or_insert(stats);
        self.stats = Some(stats);
    }

    /// Frames that are produced now count for it.
    pub(super) fn is_answering(&self) -> bool {
        self.is_present() && !self.is_viewer
    }

    /// This frame, which is later than all before, counts for it.
    pub(super) fn open(&mut self, serial: Serial) {
        if self.entries.is_empty() {
            self.first = serial;
        }
        while self.serials().end < serial {
            self.entries.push_back(None);
        }
        let account = self.party.ended.open();
        self.entries.push_back(Some(Entry { account, sent_at: None, heard: false, joined: None }));
    }

    /// The entry of a frame and the books it is counted in; none if the frame does not count for this receiver.
    pub(super) fn entry_mut(&mut self, serial: Serial) -> Option<(&mut Entry, &mut Party)> {
        let index = usize::try_from(serial.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(index)?.as_mut().map(|entry| (entry, &mut self.party))
    }

    /// The entry of a frame; none if the frame does not count for this receiver.
    pub(super) fn entry(&self, serial: Serial) -> Option<&Entry> {
        self.entries.get(usize::try_from(serial.checked_sub(self.first)?).ok()?)?.as_ref()
    }

    /// Counts a frame anew after something changed that is the same for all receivers.
    pub(super) fn update(&mut self, serial: Serial, step: Step, due: bool) {
        if let Some((entry, party)) = self.entry_mut(serial) {
            party.ended.update(&mut entry.account, step, due);
        }
    }

    /// The frames are forgotten in order.
    pub(super) fn forget(&mut self, serial: Serial) {
        if self.first == serial && self.entries.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// The remembered frames that may count for it.
    pub(super) fn serials(&self) -> std::ops::Range<Serial> {
        self.first..self.first + self.entries.len() as u64
    }

    pub(super) fn summary(&self) -> ReceiverSummary {
        let (error_px, latency_ms) = self.party.error_and_latency();
        let ended = &self.party.ended;
        let (frames, matched, in_flight) = (ended.total(), ended.of(State::Matched), ended.of(State::InFlight));
        let (id, name, present) = (self.id, self.name.to_string(), self.is_present());
        ReceiverSummary { id, name, present, frames, matched, in_flight, error_px, latency_ms }
    }

    /// In figures, as they are known at `at`.
    pub(super) fn totals(&self, at: Duration, config: &LedgerConfig) -> ReceiverTotals {
        let offset = self.clock.estimate(self.left_at.unwrap_or(at));
        let theirs = self.stats.and_then(|stats| stats.monotonic_zero_us);
        ReceiverTotals {
            id: self.id,
            name: self.name.to_string(),
            viewer: self.is_viewer,
            joined_ms: as_ms(self.joined_at),
            left_ms: self.left_at.map(as_ms),
            interruptions: self.interruptions.iter().map(|&(from, to)| Interruption::new(from, to)).collect(),
            clock_offset: ClockTotals {
                offset_ms: offset.map(|offset| offset.offset_us as f64 / 1e3),
                uncertainty_ms: offset.map(|offset| offset.uncertainty_us as f64 / 1e3),
                drift_ppm: offset.map(|offset| offset.drift * 1e6),
                true_ms: theirs.zip(config.monotonic_zero).map(|(theirs, ours)| as_ms(ours) - theirs as f64 / 1e3),
            },
            calibration: self.calibration.totals(),
            results: self.results.totals(),
            cost: self.first_stats.zip(self.stats).map(|(first, last)| Cost::of_receiver(&first, &last)).unwrap_or_default(),
            stats: self.stats.map(|stats| self.warm_stats.map_or(stats, |warm| stats.since(&warm))),
            all: self.party.totals(config.budget),
        }
    }
}
