//! Random runs, in which everything that can go wrong with a frame does, against what truly happened.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::config::{LATE_AFTER, REMEMBER};
use super::tests::{sightings, truth_at};
use super::*;
use crate::feedback::message::{Earlier, MAX_EARLIER};
use crate::feedback::{FateLog, Sightings};
use crate::random::Random;
use crate::report::Outcome;
use crate::report::states::Evidence;
use crate::units::{Fps, Size};

mod observer;

use observer::Observer;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Chance from a seed, so that a run of thousands of frames is one number to shrink and to repeat.
struct Chance {
    random: Random,
    drawn: u64,
}

impl Chance {
    fn new(seed: u64) -> Chance {
        Chance { random: Random::new(seed), drawn: 0 }
    }

    fn next(&mut self) -> u64 {
        self.drawn += 1;
        self.random.bits(self.drawn - 1)
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    fn between(&mut self, from: Duration, to: Duration) -> Duration {
        from + Duration::from_nanos(self.next() % (to - from).as_nanos() as u64)
    }
}

/// What truly became of a frame at the sender.
struct TrueFrame {
    rtp: RtpTime,
    produced_at: Duration,
    entered: bool,
    encoded_at: Option<Duration>,
}

/// A message on its way, and the frame that it truly is about.
#[derive(Clone)]
struct Answer {
    frame: Option<usize>,
    message: Sightings,
    /// The frames whose answers it carries again.
    earlier: Vec<usize>,
    /// The frames that it tells of.
    told: Vec<(usize, Evidence)>,
}

struct TrueReceiver {
    joined_at: Duration,
    /// From when to when it had no connection.
    away: Option<(Duration, Duration)>,
    left_at: Duration,
}

impl TrueReceiver {
    fn is_here(&self, at: Duration) -> bool {
        let is_away = self.away.is_some_and(|(from, to)| (from..to).contains(&at));
        (self.joined_at..self.left_at).contains(&at) && !is_away
    }

    /// When it left for good or for a while.
    fn leaves(&self) -> impl Iterator<Item = Duration> {
        self.away.map(|(from, _)| from).into_iter().chain([self.left_at])
    }
}

enum Event {
    Produced(usize),
    Entered(usize),
    Encoded(usize),
    Joined(usize),
    Interrupted(usize),
    Left(usize),
    Sent(usize, usize),
    Feedback(usize, Box<Answer>),
    Check,
}

struct Run {
    frames: Vec<TrueFrame>,
    receivers: Vec<TrueReceiver>,
    events: Vec<(Duration, Event)>,
}

fn run(fps: u32, frames: usize, receivers: usize, chance: &mut Chance) -> Run {
    let frames: Vec<_> = (0..frames as u64).map(|number| film(Fps::new(fps).expect("valid"), number, chance)).collect();
    let length = frames.last().expect("at least one").produced_at;
    let mut events = vec![(length / 2, Event::Check), (length + MS / 10, Event::Check)];
    for (index, frame) in frames.iter().enumerate() {
        events.push((frame.produced_at, Event::Produced(index)));
        if frame.entered {
            events.push((frame.produced_at, Event::Entered(index)));
        }
        events.extend(frame.encoded_at.map(|at| (at, Event::Encoded(index))));
    }
    let receivers: Vec<_> = (0..receivers)
        .map(|_| {
            let joined_at = chance.between(Duration::ZERO, length / 3 + MS);
            let left_at = chance.between(length / 2 + 4 * MS, length * 2 + 8 * MS);
            let middle = (joined_at + left_at) / 2;
            let away = chance.one_in(2).then(|| (chance.between(joined_at, middle), chance.between(middle, left_at)));
            TrueReceiver { joined_at, away, left_at }
        })
        .collect();
    for (who, receiver) in receivers.iter().enumerate() {
        events.push((receiver.joined_at, Event::Joined(who)));
        if let Some((from, to)) = receiver.away {
            events.extend([(from, Event::Interrupted(who)), (to, Event::Joined(who))]);
        }
        events.push((receiver.left_at, Event::Left(who)));
        receive(who, receiver, &frames, &mut events, chance);
    }
    events.sort_by_key(|(at, _)| *at);
    Run { frames, receivers, events }
}

/// The first second ends in the wrap of the RTP timestamp.
fn film(fps: Fps, number: u64, chance: &mut Chance) -> TrueFrame {
    let due = fps.time_of(FrameNumber(number));
    let produced_at = due + chance.between(Duration::ZERO, 2 * MS);
    let entered = !chance.one_in(20);
    let encode = if chance.one_in(100) { 1200 * MS } else { chance.between(MS, 5 * MS) };
    let encoded_at = (entered && !chance.one_in(20)).then_some(produced_at + encode);
    let rtp = RtpTime::from_running_time(RtpTime(u32::MAX - 89_999), due.as_nanos() as u64);
    TrueFrame { rtp, produced_at, entered, encoded_at }
}

/// What one receiver gets, loses, and answers.
fn receive(
    who: usize,
    receiver: &TrueReceiver,
    frames: &[TrueFrame],
    events: &mut Vec<(Duration, Event)>,
    chance: &mut Chance,
) {
    let mut arrivals = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let Some(at) = frame.encoded_at.filter(|at| receiver.is_here(*at)) else { continue };
        if chance.one_in(50) {
            continue;
        }
        events.push((at, Event::Sent(who, index)));
        if !chance.one_in(15) {
            let delay = if chance.one_in(20) { 300 * MS } else { 30 * MS };
            arrivals.push((at + chance.between(MS, delay), index));
        }
    }
    arrivals.sort_unstable();
    let mut end = Detection { log: FateLog::new(), keys: HashMap::new(), told: Vec::new(), carried: Vec::new(), seq: 0 };
    for (at, index) in arrivals {
        let Some(answer) = end.see(index, frames[index].rtp, chance) else { continue };
        // Nothing comes at the edge of what is remembered, where it would be up to the next frame's time.
        let times = 1 + usize::from(chance.one_in(15)) - usize::from(chance.one_in(15));
        for _ in 0..times {
            let delay = match chance.next() % 40 {
                0 => chance.between(500 * MS, 4 * SECOND),
                1 => chance.between(12 * SECOND, 15 * SECOND),
                _ => chance.between(MS, 20 * MS),
            };
            events.push((at + MS + delay, Event::Feedback(who, Box::new(answer.clone()))));
        }
    }
    let stranger = sightings(RtpTime(1 << 31), &[(0.0, 0.0)]);
    let answer = Answer { frame: None, message: stranger, earlier: Vec::new(), told: Vec::new() };
    events.push((receiver.left_at, Event::Feedback(who, Box::new(answer))));
}

struct Detection {
    log: FateLog,
    keys: HashMap<RtpTime, usize>,
    told: Vec<(usize, Evidence)>,
    carried: Vec<Earlier>,
    seq: u64,
}

impl Detection {
    /// A client may know the key only to a few ticks.
    fn see(&mut self, index: usize, rtp: RtpTime, chance: &mut Chance) -> Option<Answer> {
        let key = RtpTime(rtp.0.wrapping_add((chance.next() % 7) as u32).wrapping_sub(3));
        self.keys.insert(key, index);
        self.log.arrived(key);
        if chance.one_in(20) {
            return None;
        }
        self.log.decoded(key);
        if chance.one_in(30) {
            self.log.damaged(key);
            return None;
        }
        if chance.one_in(8) {
            self.log.skipped(key);
            return None;
        }
        let mut message = sightings(key, &[(index as f64, 0.0)]);
        message.seq = self.seq;
        self.seq += 1;
        self.log.detected(key, &mut message.recent);
        self.told.clear();
        let recent = &message.recent;
        for (keys, evidence) in [
            (&recent.detected, Evidence::Detected),
            (&recent.skipped, Evidence::Skipped),
            (&recent.undecoded, Evidence::Undecoded),
            (&recent.damaged, Evidence::Damaged),
        ] {
            self.told.extend(keys.iter().map(|key| (self.keys[key], evidence)));
        }
        message.earlier.clone_from(&self.carried);
        let earlier = self.carried.iter().map(|earlier| self.keys[&earlier.rtp.expect("named")]).collect();
        let places = vec![message.objects[0].centre_px];
        self.carried.insert(0, Earlier { rtp: Some(key), places, ..Earlier::default() });
        self.carried.truncate(MAX_EARLIER);
        Some(Answer { frame: Some(index), message, earlier, told: self.told.clone() })
    }
}

fn play(run: &Run, fps: u32) {
    let config = LedgerConfig::new(Size::new(640, 480).expect("valid"), Fps::new(fps).expect("valid"));
    let mut ledger = Ledger::new(LedgerConfig { records: true, ..config });
    let mut records = Vec::new();
    let mut observer = Observer::default();
    let mut end = Duration::ZERO;
    for (at, event) in &run.events {
        end = *at;
        records.extend(ledger.take_records());
        match event {
            Event::Produced(frame) => {
                let (number, rtp) = (FrameNumber(*frame as u64), run.frames[*frame].rtp);
                ledger.produced(number, rtp, truth_at(*frame as f64, 0.0), *at).expect("keys go forwards");
            }
            Event::Entered(frame) => ledger.entered_encoder(run.frames[*frame].rtp),
            Event::Encoded(frame) => ledger.encoded(run.frames[*frame].rtp, *at, 1000, *frame == 0),
            Event::Joined(who) => ledger.receiver_joined(ReceiverId(*who as u64), "random", *at, *at),
            Event::Interrupted(who) => ledger.receiver_interrupted(ReceiverId(*who as u64), *at),
            Event::Left(who) => ledger.receiver_left(ReceiverId(*who as u64), *at),
            Event::Sent(who, frame) => ledger.sent(ReceiverId(*who as u64), run.frames[*frame].rtp, *at),
            Event::Feedback(who, answer) => {
                let outcome = ledger.feedback(ReceiverId(*who as u64), &answer.message, &Truth::default(), *at);
                observer.feedback(run, *who, answer, outcome, *at);
            }
            Event::Check => observer.check(run, &mut ledger, *at),
        }
    }
    observer.check(run, &mut ledger, end + 20 * SECOND);
    ledger.finish(end + 20 * SECOND);
    records.extend(ledger.take_records());
    observer.check_records(run, &records, end + 20 * SECOND);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn no_join_is_wrong_and_every_frame_ends_as_it_truly_did(
        seed: u64,
        fps in prop::sample::select(vec![25u32, 60, 240]),
        frames in 1usize..3000,
        receivers in 0usize..5,
    ) {
        play(&run(fps, frames, receivers, &mut Chance::new(seed)), fps);
    }
}

#[test]
fn ten_thousand_frames_and_twenty_receivers_have_no_wrong_join() {
    play(&run(60, 10_000, 20, &mut Chance::new(7)), 60);
}
