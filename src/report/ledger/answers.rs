//! What receivers say: answers are joined to their frames here and nowhere else.

use std::time::Duration;

use super::Ledger;
use crate::feedback::{Pong, ReceiverStats, Recent, Sightings};
use crate::report::joined::{Joined, Outcome, Score, Stages, Times};
use crate::report::receiver::ReceiverId;
use crate::report::states::Evidence;
use crate::scene::Truth;

impl Ledger {
    /// An answer came. `truth_now` is where everything is at this moment.
    pub fn feedback(&mut self, id: ReceiverId, sightings: &Sightings, truth_now: &Truth, at: Duration) -> Outcome {
        self.tick(at);
        let Some(index) = self.index_of(id) else {
            self.all.unknown += 1;
            return Outcome::Unknown;
        };
        self.learn_recent(index, &sightings.recent);
        let outcome = self.join(index, sightings, truth_now, at);
        for party in [&mut self.all, &mut self.receivers[index].party] {
            match outcome {
                Outcome::Matched(_) | Outcome::Late { .. } => {}
                Outcome::Duplicate => party.duplicate += 1,
                Outcome::Unknown => party.unknown += 1,
                Outcome::BeforeJoin => party.before_join += 1,
            }
        }
        outcome
    }

    fn learn_recent(&mut self, index: usize, recent: &Recent) {
        for (keys, evidence) in [
            (&recent.detected, Evidence::Detected),
            (&recent.skipped, Evidence::Skipped),
            (&recent.undecoded, Evidence::Undecoded),
            (&recent.damaged, Evidence::Damaged),
        ] {
            for &rtp in keys {
                if let Some(serial) = self.frames.find(rtp) {
                    self.learn(index, serial, evidence);
                }
            }
        }
    }

    fn join(&mut self, index: usize, sightings: &Sightings, truth_now: &Truth, at: Duration) -> Outcome {
        let receiver = &mut self.receivers[index];
        let Some(serial) = self.frames.find(sightings.rtp) else { return Outcome::Unknown };
        let Some(frame) = self.frames.get_mut(serial) else { return Outcome::Unknown };
        let Some((entry, _)) = receiver.entry_mut(serial) else { return Outcome::BeforeJoin };
        if entry.account.is_answered() {
            return Outcome::Duplicate;
        }
        let sent_at = entry.sent_at;
        let latency = at.saturating_sub(frame.produced_at);
        if latency > self.config.late_after {
            let frame = frame.number;
            self.learn(index, serial, Evidence::Late);
            return Outcome::Late { frame, latency };
        }
        let times = Times { produced_at: frame.produced_at, encoded_at: frame.encoded_at, sent_at, at };
        let joined = Joined {
            receiver: receiver.id,
            frame: frame.number,
            rtp: frame.rtp,
            at,
            score: Score::new(&frame.truth, truth_now, sightings, self.config.size),
            latency,
            stages: Stages::split(times, (sightings.decode_us, sightings.detect_us), receiver.arrived_us(sightings)),
        };
        if self.config.records
            && let Some((entry, _)) = receiver.entry_mut(serial)
        {
            entry.joined = Some(Box::new(joined));
        }
        self.learn(index, serial, Evidence::Matched);
        self.measure(index, joined);
        Outcome::Matched(joined)
    }

    fn measure(&mut self, index: usize, joined: Joined) {
        let receiver = &mut self.receivers[index];
        receiver.party.measure(&joined, receiver.hello_at);
        self.all.measure(&joined, receiver.hello_at);
        if self.history.len() >= self.config.history_size {
            self.history.pop_front();
        }
        if self.config.history_size > 0 {
            self.history.push_back(joined);
        }
    }

    /// A message came that could not be read.
    pub fn garbage(&mut self, id: ReceiverId) {
        self.all.garbage += 1;
        if let Some(index) = self.index_of(id) {
            self.receivers[index].party.garbage += 1;
        }
    }

    /// A pong came; says whether it was a possible one.
    pub fn pong(&mut self, id: ReceiverId, pong: &Pong, at: Duration) -> bool {
        self.index_of(id).is_some_and(|index| self.receivers[index].clock.note(pong, at))
    }

    /// A receiver told of itself; the newest counts.
    pub fn stats(&mut self, id: ReceiverId, stats: ReceiverStats) {
        if let Some(index) = self.index_of(id) {
            self.receivers[index].stats = Some(stats);
        }
    }
}
