//! What should have come of a run, by somebody who sees everything.

use std::collections::{HashMap, HashSet};

use super::*;

/// What a perfect observer knows at a moment.
#[derive(Default)]
pub(super) struct Observer {
    told: HashMap<(usize, usize), Evidence>,
    answered: HashSet<(usize, usize)>,
    /// By the answer's own message.
    heard: HashSet<(usize, usize)>,
    matched: u64,
    matched_by_repeat: u64,
    repeats: u64,
    duplicate: u64,
    late: u64,
    unknown: u64,
    before_join: u64,
}

impl Observer {
    fn counts(run: &Run, who: usize, frame: usize) -> bool {
        run.receivers[who].is_here(run.frames[frame].produced_at)
    }

    fn learn(&mut self, run: &Run, who: usize, frame: usize, evidence: Evidence, at: Duration) {
        if at - run.frames[frame].produced_at < REMEMBER {
            let told = self.told.entry((who, frame)).or_insert(Evidence::Nothing);
            *told = evidence.max(*told);
        }
    }

    pub(super) fn feedback(&mut self, run: &Run, who: usize, answer: &Answer, outcome: Outcome, at: Duration) {
        answer.told.iter().for_each(|&(frame, evidence)| self.learn(run, who, frame, evidence, at));
        self.own_answer(run, who, answer.frame, outcome, at);
        answer.earlier.iter().for_each(|&frame| self.repeat(run, who, frame, at));
    }

    /// An answer in its own message.
    fn own_answer(&mut self, run: &Run, who: usize, frame: Option<usize>, outcome: Outcome, at: Duration) {
        let Some(frame) = frame.filter(|&frame| at - run.frames[frame].produced_at < REMEMBER) else {
            assert_eq!(outcome, Outcome::Unknown);
            self.unknown += 1;
            return;
        };
        let latency = at - run.frames[frame].produced_at;
        let number = FrameNumber(frame as u64);
        let is_first = Observer::counts(run, who, frame) && self.heard.insert((who, frame));
        if !Observer::counts(run, who, frame) {
            assert_eq!(outcome, Outcome::BeforeJoin);
            self.before_join += 1;
        } else if !self.answered.insert((who, frame)) {
            assert_eq!(outcome, if is_first { Outcome::Repeat } else { Outcome::Duplicate });
            self.repeats += u64::from(is_first);
            self.duplicate += u64::from(!is_first);
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

    /// An answer that another message carries again.
    fn repeat(&mut self, run: &Run, who: usize, frame: usize, at: Duration) {
        let latency = at - run.frames[frame].produced_at;
        if latency >= REMEMBER || !Observer::counts(run, who, frame) {
        } else if !self.answered.insert((who, frame)) {
            self.repeats += 1;
        } else if latency > LATE_AFTER {
            self.late += 1;
            self.learn(run, who, frame, Evidence::Late, at);
        } else {
            self.matched += 1;
            self.matched_by_repeat += 1;
            self.learn(run, who, frame, Evidence::Matched, at);
        }
    }

    fn state(&self, run: &Run, who: usize, index: usize, at: Duration) -> State {
        let frame = &run.frames[index];
        let is_over = at - frame.produced_at > LATE_AFTER;
        let is_early =
            |left_at: Duration| (frame.produced_at..=at).contains(&left_at) && left_at - frame.produced_at <= LATE_AFTER;
        let left_early = run.receivers[who].leaves().any(is_early);
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
    fn ended(&self, run: &Run, at: Duration) -> Vec<[u64; 11]> {
        let best_first = [
            State::Matched,
            State::Late,
            State::WrongPicture,
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
        let mut counts = vec![[0; 11]; run.receivers.len() + 1];
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
    pub(super) fn check_records(&self, run: &Run, records: &[FrameRecord], at: Duration) {
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

    pub(super) fn check(&self, run: &Run, ledger: &mut Ledger, at: Duration) {
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
        for receiver in &totals.receivers {
            let away = run.receivers[receiver.id.0 as usize].away.filter(|(_, to)| *to <= at);
            let shown = receiver.interruptions.iter().map(|gap| (gap.from_ms, gap.to_ms)).collect::<Vec<_>>();
            let as_ms = |(from, to): (Duration, Duration)| (from.as_secs_f64() * 1e3, to.as_secs_f64() * 1e3);
            assert_eq!(shown, away.map(as_ms).into_iter().collect::<Vec<_>>(), "receiver {}", receiver.id);
        }
        let produced = run.frames.iter().filter(|frame| frame.produced_at <= at).count() as u64;
        assert_eq!(frames.ended.total() + totals.frames_unwatched, produced);
        assert_eq!((frames.duplicate, frames.unknown, frames.before_join), (self.duplicate, self.unknown, self.before_join));
        assert_eq!((frames.repeats, frames.matched_by_repeat), (self.repeats, self.matched_by_repeat));
        let sum = |count: fn(&ReceiverTotals) -> u64| totals.receivers.iter().map(count).sum::<u64>();
        assert_eq!(sum(|receiver| receiver.all.frames.matched), self.matched);
        assert_eq!(sum(|receiver| receiver.all.frames.returned), self.matched + self.late);
        assert_eq!((totals.all.objects.paired, totals.all.objects.misses), (self.matched, 0));
        assert!(totals.all.error_px.max.unwrap_or(0.0) == 0.0);
    }
}
