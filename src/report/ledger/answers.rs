//! What receivers say: answers are joined to their frames here and nowhere else.

use std::time::Duration;

use super::Ledger;
use crate::feedback::{Earlier, Pong, ReceiverStats, Sightings};
use crate::report::frames::Serial;
use crate::report::joined::{Joined, Outcome, Score, Stages, Times};
use crate::report::receiver::ReceiverId;
use crate::report::states::Evidence;
use crate::report::totals::WitnessTotals;
use crate::scene::Truth;
use crate::units::{Px, RtpTime};

/// An answer without what was seen.
struct Heard {
    rtp: Option<RtpTime>,
    ticks: Option<RtpTime>,
    code: Option<u32>,
    decode_us: Option<u64>,
    detect_us: Option<u64>,
    arrived_us: Option<u64>,
    /// Not from its own message.
    again: bool,
}

impl Heard {
    fn of(sightings: &Sightings) -> Heard {
        let Sightings { rtp, ticks, code, decode_us, detect_us, arrived_us, .. } = *sightings;
        Heard { rtp, ticks, code, decode_us, detect_us, arrived_us, again: false }
    }

    fn again(earlier: &Earlier) -> Heard {
        let Earlier { rtp, ticks, code, decode_us, detect_us, arrived_us, .. } = *earlier;
        Heard { rtp, ticks, code, decode_us, detect_us, arrived_us, again: true }
    }
}

/// How an answer names its frame.
#[derive(Clone, Copy, Debug)]
enum Named {
    /// By its timestamp and by the code in the picture.
    Both,
    /// By its timestamp; no code was read.
    Time,
    /// By its timestamp; the code is that of the frame with these low 32 bits.
    TimeOnly { shown: u32 },
    /// By the code in the picture; there is no timestamp, or none of a known beginning.
    Code,
}

impl Ledger {
    /// An answer came, and perhaps earlier ones again, of which the first that comes counts; what became of the answer itself.
    /// `truth_now` is where everything is at this moment.
    pub fn feedback(&mut self, id: ReceiverId, sightings: &Sightings, truth_now: &Truth, at: Duration) -> Outcome {
        self.tick(at);
        let Some(index) = self.index_of(id) else {
            self.all.unknown += u64::from(!self.warms_up);
            return Outcome::Unknown;
        };
        let warms_up = self.warms_up;
        self.receivers[index].results.note(sightings.seq, warms_up);
        self.learn_recent(index, sightings);
        let picture = (sightings.width, sightings.height);
        let places = sightings.objects.iter().map(|object| object.centre_px);
        let outcome = self.join(index, &Heard::of(sightings), (picture, places), truth_now, at);
        for earlier in &sightings.earlier {
            let repeat = self.join(index, &Heard::again(earlier), (picture, earlier.places.iter().copied()), truth_now, at);
            self.count_repeat(index, repeat);
        }
        let receiver = &mut self.receivers[index];
        for party in [&mut self.all, &mut receiver.party] {
            if outcome == Outcome::BeforeJoin && !sightings.objects.is_empty() {
                party.note_coordinate(at, receiver.hello_at);
            }
            if warms_up {
                continue;
            }
            match outcome {
                Outcome::Matched(_) | Outcome::Late { .. } | Outcome::WrongPicture { .. } => {}
                Outcome::Repeat => party.repeats += 1,
                Outcome::Duplicate => party.duplicate += 1,
                Outcome::Unknown => party.unknown += 1,
                Outcome::BeforeJoin => party.before_join += 1,
            }
        }
        outcome
    }

    fn count_repeat(&mut self, index: usize, repeat: Outcome) {
        if self.warms_up {
            return;
        }
        for party in [&mut self.all, &mut self.receivers[index].party] {
            match repeat {
                Outcome::Matched(_) => party.matched_by_repeat += 1,
                Outcome::Repeat | Outcome::Duplicate => party.repeats += 1,
                // Their own messages have been counted, or are lost.
                Outcome::Late { .. } | Outcome::WrongPicture { .. } | Outcome::Unknown | Outcome::BeforeJoin => {}
            }
        }
    }

    fn learn_recent(&mut self, index: usize, sightings: &Sightings) {
        let Sightings { rtp, recent, .. } = sightings;
        let calibration = self.receivers[index].calibration;
        let key = |ticks| if rtp.is_some() { Some(ticks) } else { calibration.key(ticks) };
        for (keys, evidence) in [
            (&recent.detected, Evidence::Detected),
            (&recent.skipped, Evidence::Skipped),
            (&recent.undecoded, Evidence::Undecoded),
            (&recent.damaged, Evidence::Damaged),
        ] {
            for &rtp in keys {
                if let Some(serial) = key(rtp).and_then(|rtp| self.frames.find(rtp)) {
                    self.learn(index, serial, evidence);
                }
            }
        }
    }

    /// The frame that an answer is of: the one that its timestamp names, or if that says nothing, the one that was shown.
    fn identify(&mut self, index: usize, heard: &Heard) -> Option<(Serial, Named)> {
        let code = heard.code.filter(|_| self.config.frame_code);
        let shown = code.and_then(|code| self.frames.find_code(code));
        let calibration = &mut self.receivers[index].calibration;
        let ticks = heard.ticks.filter(|_| !heard.again);
        if let (Some(ticks), Some(frame)) = (ticks, shown.and_then(|shown| self.frames.get(shown))) {
            calibration.note(ticks, frame.rtp);
        }
        let rtp = heard.rtp.or_else(|| calibration.key(heard.ticks?));
        let Some(rtp) = rtp else { return shown.map(|shown| (shown, Named::Code)) };
        let serial = self.frames.find(rtp)?;
        let number = self.frames.get(serial)?.number;
        let named = match code {
            Some(code) if code == number.code() => Named::Both,
            Some(shown) => Named::TimeOnly { shown },
            None => Named::Time,
        };
        Some((serial, named))
    }

    fn witness(&mut self, index: usize, named: Named) {
        let is_drawn = self.config.frame_code;
        for WitnessTotals { checked, agree, disagree, unread } in
            [&mut self.all.witness, &mut self.receivers[index].party.witness]
        {
            *checked += u64::from(matches!(named, Named::Both | Named::TimeOnly { .. }));
            *agree += u64::from(matches!(named, Named::Both));
            *disagree += u64::from(matches!(named, Named::TimeOnly { .. }));
            *unread += u64::from(is_drawn && matches!(named, Named::Time));
        }
    }

    fn join(
        &mut self,
        index: usize,
        heard: &Heard,
        (picture, places): ((u32, u32), impl ExactSizeIterator<Item = Px>),
        truth_now: &Truth,
        at: Duration,
    ) -> Outcome {
        let Some((serial, named)) = self.identify(index, heard) else { return Outcome::Unknown };
        let receiver = &mut self.receivers[index];
        let Some(frame) = self.frames.get_mut(serial) else { return Outcome::Unknown };
        let Some((entry, _)) = receiver.entry_mut(serial) else { return Outcome::BeforeJoin };
        let was_heard = entry.heard;
        entry.heard |= !heard.again;
        if entry.account.is_answered() {
            return if was_heard && !heard.again { Outcome::Duplicate } else { Outcome::Repeat };
        }
        let sent_at = entry.sent_at;
        let latency = at.saturating_sub(frame.produced_at);
        receiver.party.spend(latency, self.config.budget);
        self.all.spend(latency, self.config.budget);
        if latency > self.config.measured_within() {
            let frame = frame.number;
            self.learn(index, serial, Evidence::Late);
            self.witness(index, named);
            return Outcome::Late { frame, latency };
        }
        if let Named::TimeOnly { shown } = named {
            let frame = frame.number;
            self.learn(index, serial, Evidence::WrongPicture);
            self.witness(index, named);
            return Outcome::WrongPicture { frame, shown };
        }
        let times = Times { produced_at: frame.produced_at, encoded_at: frame.encoded_at, sent_at, at };
        let arrived_us = heard.arrived_us.and_then(|us| receiver.clock.to_sender_us(us, at));
        let joined = Joined {
            receiver: receiver.id,
            frame: frame.number,
            rtp: frame.rtp,
            at,
            score: Score::new(&frame.truth, truth_now, picture, places, self.config.size),
            latency,
            within_budget: self.config.budget.map(|budget| latency <= budget),
            stages: Stages::split(times, (heard.decode_us, heard.detect_us), arrived_us),
        };
        if self.config.records
            && let Some((entry, _)) = receiver.entry_mut(serial)
        {
            entry.joined = Some(Box::new(joined));
        }
        self.learn(index, serial, Evidence::Matched);
        self.witness(index, named);
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
        if self.warms_up {
            return;
        }
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
            self.receivers[index].told(stats, self.warms_up);
        }
    }
}
