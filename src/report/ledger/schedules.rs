//! Random runs, in which everything that can go wrong with a frame does, against what truly happened.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::config::{LATE_AFTER, REMEMBER};
use super::tests::{sightings, truth_at};
use super::*;
use crate::feedback::{FateLog, Sightings};
use crate::report::Outcome;
use crate::report::states::Evidence;
use crate::units::{Fps, Size};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Chance from a seed (splitmix64), so that a run of thousands of frames is one number to shrink and to repeat.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
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
    /// The frames that it tells of.
    told: Vec<(usize, Evidence)>,
}

struct TrueReceiver {
    joined_at: Duration,
    left_at: Duration,
}

enum Event {
    Produced(usize),
    Entered(usize),
    Encoded(usize),
    Joined(usize),
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
        .map(|_| TrueReceiver {
            joined_at: chance.between(Duration::ZERO, length / 3 + MS),
            left_at: chance.between(length / 2, length * 2 + MS),
        })
        .collect();
    for (who, receiver) in receivers.iter().enumerate() {
        events.push((receiver.joined_at, Event::Joined(who)));
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
        let Some(at) = frame.encoded_at.filter(|at| (receiver.joined_at..receiver.left_at).contains(at)) else { continue };
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
    let mut end = Detection { log: FateLog::new(), keys: HashMap::new(), told: Vec::new(), seq: 0 };
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
    let answer = Answer { frame: None, message: stranger, told: Vec::new() };
    events.push((receiver.left_at, Event::Feedback(who, Box::new(answer))));
}

struct Detection {
    log: FateLog,
    keys: HashMap<RtpTime, usize>,
    told: Vec<(usize, Evidence)>,
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
        Some(Answer { frame: Some(index), message, told: self.told.clone() })
    }
}

/// What a perfect observer knows at a moment.
#[derive(Default)]
struct Observer {
    told: HashMap<(usize, usize), Evidence>,
    answered: HashSet<(usize, usize)>,
    matched: u64,
    duplicate: u64,
    late: u64,
    unknown: u64,
    before_join: u64,
}

impl Observer {
    fn counts(run: &Run, who: usize, frame: usize) -> bool {
        let receiver = &run.receivers[who];
        (receiver.joined_at..receiver.left_at).contains(&run.frames[frame].produced_at)
    }

    fn learn(&mut self, run: &Run, who: usize, frame: usize, evidence: Evidence, at: Duration) {
        if at - run.frames[frame].produced_at < REMEMBER {
            let told = self.told.entry((who, frame)).or_insert(Evidence::Nothing);
            *told = evidence.max(*told);
        }
    }

    fn feedback(&mut self, run: &Run, who: usize, answer: &Answer, outcome: Outcome, at: Duration) {
        answer.told.iter().for_each(|&(frame, evidence)| self.learn(run, who, frame, evidence, at));
        let Some(frame) = answer.frame.filter(|&frame| at - run.frames[frame].produced_at < REMEMBER) else {
            assert_eq!(outcome, Outcome::Unknown);
            self.unknown += 1;
            return;
        };
        let latency = at - run.frames[frame].produced_at;
        let number = FrameNumber(frame as u64);
        if !Observer::counts(run, who, frame) {
            assert_eq!(outcome, Outcome::BeforeJoin);
            self.before_join += 1;
        } else if !self.answered.insert((who, frame)) {
            assert_eq!(outcome, Outcome::Duplicate);
            self.duplicate += 1;
        } else if latency > LATE_AFTER {
            assert_eq!(outcome, Outcome::Late { frame: number, latency });
            self.late += 1;
            self.learn(run, who, frame, Evidence::Late, at);
        } else {
            let Outcome::Matched(joined) = outcome else { panic!("{outcome:?} instead of a match with frame {frame}") };
            assert_eq!((joined.frame, joined.score.pairs()[0].error_px(), joined.latency), (number, 0.0, latency));
            self.matched += 1;
            self.learn(run, who, frame, Evidence::Matched, at);
        }
    }

    fn state(&self, run: &Run, who: usize, index: usize, at: Duration) -> State {
        let (frame, left_at) = (&run.frames[index], run.receivers[who].left_at);
        let is_over = at - frame.produced_at > LATE_AFTER;
        let left_early = left_at <= at && left_at - frame.produced_at <= LATE_AFTER;
        match self.told.get(&(who, index)) {
            Some(Evidence::Matched) => State::Matched,
            Some(Evidence::Late) => State::Late,
            _ if !is_over => State::InFlight,
            Some(Evidence::Detected) => State::ResultLost,
            Some(Evidence::Skipped) => State::SkippedByDetector,
            Some(Evidence::Damaged) => State::Damaged,
            Some(Evidence::Undecoded) => State::DroppedByDecoder,
            _ if !frame.entered => State::DroppedBeforeEncoder,
            _ if frame.encoded_at.is_none_or(|encoded_at| encoded_at > at) => State::DroppedByEncoder,
            _ if left_early => State::InFlight,
            _ => State::LostInNetwork,
        }
    }

    /// How all frames stand at `at`: for each receiver, then over all.
    fn ended(&self, run: &Run, at: Duration) -> Vec<[u64; 10]> {
        let best_first = [
            State::Matched,
            State::Late,
            State::ResultLost,
            State::SkippedByDetector,
            State::Damaged,
            State::DroppedByDecoder,
            State::InFlight,
            State::LostInNetwork,
            State::DroppedByEncoder,
            State::DroppedBeforeEncoder,
        ];
        let rank = |state: &State| best_first.iter().position(|other| other == state);
        let mut counts = vec![[0; 10]; run.receivers.len() + 1];
        for index in (0..run.frames.len()).filter(|&index| run.frames[index].produced_at <= at) {
            let counting = (0..run.receivers.len()).filter(|&who| Observer::counts(run, who, index));
            let states: Vec<_> = counting.map(|who| (who, self.state(run, who, index, at))).collect();
            states.iter().for_each(|&(who, state)| counts[who][state as usize] += 1);
            if let Some(best) = states.iter().map(|&(_, state)| state).min_by_key(rank) {
                counts[run.receivers.len()][best as usize] += 1;
            }
        }
        counts
    }

    /// One for each frame and receiver that it counts for, in order, and each as it truly ended.
    fn check_records(&self, run: &Run, records: &[FrameRecord], at: Duration) {
        let watched = (0..run.frames.len())
            .map(|frame| (0..run.receivers.len()).filter(move |&who| Observer::counts(run, who, frame)));
        assert_eq!(records.len(), watched.map(Iterator::count).sum::<usize>());
        assert!(records.is_sorted_by_key(|record| record.frame));
        let mut seen = HashSet::new();
        for record in records {
            let (who, index) = (record.receiver.0 as usize, record.frame.0 as usize);
            assert!(Observer::counts(run, who, index) && seen.insert((who, index)));
            assert_eq!(record.state, self.state(run, who, index, at));
            let answer = record.joined.as_ref().map(|joined| (joined.receiver, joined.frame));
            assert_eq!(answer, (record.state == State::Matched).then_some((record.receiver, record.frame)));
            assert_eq!(
                (record.produced_at, record.encoded_at),
                (run.frames[index].produced_at, run.frames[index].encoded_at)
            );
        }
    }

    fn check(&self, run: &Run, ledger: &mut Ledger, at: Duration) {
        let totals = ledger.totals(at);
        let expected = self.ended(run, at);
        let (all, receivers) = expected.split_last().expect("at least over all");
        assert_eq!(State::ALL.map(|state| totals.all.frames.ended.of(state)), *all);
        for receiver in &totals.receivers {
            let ended = receiver.all.frames.ended;
            assert_eq!(
                State::ALL.map(|state| ended.of(state)),
                receivers[receiver.id.0 as usize],
                "receiver {}",
                receiver.id
            );
        }
        let frames = &totals.all.frames;
        let produced = run.frames.iter().filter(|frame| frame.produced_at <= at).count() as u64;
        assert_eq!(frames.ended.total() + totals.frames_unwatched, produced);
        assert_eq!((frames.duplicate, frames.unknown, frames.before_join), (self.duplicate, self.unknown, self.before_join));
        let sum = |count: fn(&ReceiverTotals) -> u64| totals.receivers.iter().map(count).sum::<u64>();
        assert_eq!(sum(|receiver| receiver.all.frames.matched), self.matched);
        assert_eq!(sum(|receiver| receiver.all.frames.returned), self.matched + self.late);
        assert_eq!(totals.all.objects.paired, self.matched);
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
        play(&run(fps, frames, receivers, &mut Chance(seed)), fps);
    }
}

#[test]
fn ten_thousand_frames_and_twenty_receivers_have_no_wrong_join() {
    play(&run(60, 10_000, 20, &mut Chance(7)), 60);
}
