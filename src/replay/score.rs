//! The events of a run as its trace has them, told to a ledger again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::ReplayError;
use crate::detect::{Extent, Sighting};
use crate::feedback::{Pong, Recent, Sightings};
use crate::report::{ClockTotals, Ledger, LedgerConfig, ReceiverId, State, Totals};
use crate::scene::{TrueObject, Truth};
use crate::trace::Trace;
use crate::trace::line::{Answer, Frame, Receiver, ReceiverLeft};
use crate::units::{Fps, FrameNumber, Px, RtpTime, Size};

/// Something that happened in the run. Of events at the same time the earlier variant comes first.
#[derive(Clone, Copy)]
enum Event<'a> {
    Joined(&'a Receiver),
    Produced(&'a Frame),
    Encoded(&'a Frame),
    Sent(&'a Frame),
    Answered(&'a Frame, &'a Answer),
    Late(&'a Frame),
    Left(ReceiverLeft),
    /// It left, and came back later.
    Interrupted(ReceiverLeft),
}

impl Event<'_> {
    fn order(&self) -> u8 {
        match self {
            Event::Joined(_) => 0,
            Event::Produced(_) => 1,
            Event::Encoded(_) => 2,
            Event::Sent(_) => 3,
            Event::Answered(..) => 4,
            Event::Late(_) => 5,
            Event::Left(_) | Event::Interrupted(_) => 6,
        }
    }
}

/// Scores what was seen again, as late after `late_after` or as the run had it. Answers that were late in the run have no sightings
/// in the trace and stay late.
pub fn rescored(trace: &Trace, late_after: Option<Duration>) -> Result<Totals, ReplayError> {
    let config = ledger_config(trace)?;
    let run_late_after = Duration::from_nanos(trace.header.late_after_ns);
    let config = LedgerConfig { late_after: late_after.unwrap_or(run_late_after), ..config };
    let after_all = config.late_after.max(run_late_after) + Duration::from_nanos(1);
    let mut events = events(trace, after_all);
    events.sort_by_key(|(at, event)| (*at, event.order()));
    let mut scorer = Scorer { ledger: Ledger::new(config), size: config.size, fates: Vec::new() };
    events.iter().for_each(|(at, event)| scorer.tell(*event, *at));
    let end = events.last().map_or(Duration::ZERO, |(at, _)| *at);
    let mut totals = scorer.ledger.finish(end);
    // Times in the trace are on the sender's clock already.
    totals.receivers.iter_mut().for_each(|receiver| {
        receiver.clock_offset = ClockTotals { offset_ms: None, uncertainty_ms: None, drift_ppm: None, true_ms: None };
    });
    Ok(totals)
}

/// A ledger for the trace's frames.
pub(super) fn ledger_config(trace: &Trace) -> Result<LedgerConfig, ReplayError> {
    let scene = &trace.header.scene;
    let size = Size::new(scene.width, scene.height).map_err(|error| ReplayError::Scene(error.to_string()))?;
    let fps = Fps::new(scene.fps).map_err(|error| ReplayError::Scene(error.to_string()))?;
    Ok(LedgerConfig { history_size: 0, ..LedgerConfig::new(size, fps) })
}

fn events(trace: &Trace, late_after: Duration) -> Vec<(Duration, Event<'_>)> {
    let ns = Duration::from_nanos;
    let mut events = Vec::with_capacity(trace.frames.len() * 4);
    events.extend(trace.receivers.iter().map(|receiver| (ns(receiver.joined_ns), Event::Joined(receiver))));
    let joined_last: BTreeMap<_, _> =
        trace.receivers.iter().map(|receiver| (receiver.receiver, receiver.joined_ns)).collect();
    events.extend(trace.left.iter().map(|left| {
        let comes_back = joined_last.get(&left.receiver).is_some_and(|joined_ns| *joined_ns > left.left_ns);
        (ns(left.left_ns), if comes_back { Event::Interrupted(*left) } else { Event::Left(*left) })
    }));
    let mut known = BTreeSet::new();
    for frame in &trace.frames {
        if known.insert(frame.frame) {
            events.push((ns(frame.produced_ns), Event::Produced(frame)));
            events.extend(frame.encoded_ns.map(|at_ns| (ns(at_ns), Event::Encoded(frame))));
        }
        events.extend(frame.sent_ns.map(|at_ns| (ns(at_ns), Event::Sent(frame))));
        events.extend(frame.answer.as_ref().map(|answer| (ns(answer.at_ns), Event::Answered(frame, answer))));
        if frame.state == State::Late {
            events.push((ns(frame.produced_ns).saturating_add(late_after), Event::Late(frame)));
        }
    }
    events
}

struct Scorer {
    ledger: Ledger,
    size: Size,
    /// What became of frames that were not answered, told with their receiver's next answer.
    fates: Vec<(u64, RtpTime, State)>,
}

impl Scorer {
    fn tell(&mut self, event: Event<'_>, at: Duration) {
        match event {
            Event::Joined(receiver) => self.joined(receiver, at),
            Event::Left(left) => self.ledger.receiver_left(ReceiverId(left.receiver), at),
            Event::Interrupted(left) => self.ledger.receiver_interrupted(ReceiverId(left.receiver), at),
            Event::Produced(frame) => self.produced(frame, at),
            Event::Encoded(frame) => {
                let bytes = usize::try_from(frame.bytes).unwrap_or(usize::MAX);
                self.ledger.encoded(RtpTime(frame.rtp), at, bytes, frame.keyframe);
            }
            Event::Sent(frame) => {
                self.ledger.sent(ReceiverId(frame.receiver), RtpTime(frame.rtp), at);
                if matches!(
                    frame.state,
                    State::SkippedByDetector | State::DroppedByDecoder | State::Damaged | State::ResultLost
                ) {
                    self.fates.push((frame.receiver, RtpTime(frame.rtp), frame.state));
                }
            }
            Event::Answered(frame, answer) => self.answered(frame, answer, at),
            Event::Late(frame) => {
                let sightings = self.sightings(frame, Vec::new());
                self.ledger.feedback(ReceiverId(frame.receiver), &sightings, &Truth::default(), at);
            }
        }
    }

    fn joined(&mut self, receiver: &Receiver, at: Duration) {
        let id = ReceiverId(receiver.receiver);
        self.ledger.receiver_joined(id, receiver.name.as_str(), Duration::from_nanos(receiver.hello_ns), at);
        // A clock that agrees with the sender's, which the trace's times are on.
        let us = micros(at);
        let pong = Pong { id: 0, sent_us: us, received_us: us, answered_us: us };
        self.ledger.pong(id, &pong, Duration::from_micros(us));
    }

    fn produced(&mut self, frame: &Frame, at: Duration) {
        // Only a trace that was not written by this program has keys that do not grow: its frames are left out.
        let _ = self.ledger.produced(FrameNumber(frame.frame), RtpTime(frame.rtp), frame.truth(), at);
        if frame.state != State::DroppedBeforeEncoder {
            self.ledger.entered_encoder(RtpTime(frame.rtp));
        }
    }

    fn answered(&mut self, frame: &Frame, answer: &Answer, at: Duration) {
        let seen = answer.pairs.iter().map(|pair| [pair.x_px, pair.y_px]).chain(answer.false_finds_px.iter().copied());
        let stages = answer.stages_ns;
        let arrived_ns = frame.sent_ns.zip(stages.there).map(|(sent_ns, there_ns)| sent_ns.saturating_add(there_ns));
        let sightings = Sightings {
            decode_us: stages.decode.map(|ns| ns / 1000),
            detect_us: stages.detect.map(|ns| ns / 1000),
            arrived_us: arrived_ns.map(|ns| ns / 1000),
            recent: self.recent(frame.receiver),
            ..self.sightings(frame, seen.map(sighting).collect())
        };
        let now = answer.pairs.iter().filter_map(|pair| {
            let [x, y] = pair.now_px?;
            Some(TrueObject { id: pair.id, centre_px: Px { x, y }, radius_px: 0.0 })
        });
        self.ledger.feedback(ReceiverId(frame.receiver), &sightings, &now.collect(), at);
    }

    fn sightings(&self, frame: &Frame, objects: Vec<Sighting>) -> Sightings {
        let (width, height) = (self.size.width(), self.size.height());
        Sightings { rtp: Some(RtpTime(frame.rtp)), width, height, objects, ..Sightings::default() }
    }

    fn recent(&mut self, receiver: u64) -> Recent {
        let mut recent = Recent::default();
        for (_, rtp, state) in self.fates.extract_if(.., |(of, ..)| *of == receiver) {
            match state {
                State::SkippedByDetector => recent.skipped.push(rtp),
                State::DroppedByDecoder => recent.undecoded.push(rtp),
                State::Damaged => recent.damaged.push(rtp),
                _ => recent.detected.push(rtp),
            }
        }
        recent
    }
}

fn sighting([x, y]: [f64; 2]) -> Sighting {
    Sighting { label: "object".into(), centre_px: Px { x, y }, extent: Extent::Point, score: 1.0 }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::line::{End, Line, Object};
    use crate::trace::tests as made;

    fn trace() -> Trace {
        let mut trace = Trace {
            header: made::header(),
            receivers: Vec::new(),
            left: Vec::new(),
            frames: Vec::new(),
            end: Some(End { frames: 120, dropped: 0, limit_reached: false }),
            is_cut: false,
        };
        for line in made::run() {
            match line {
                Line::Receiver(receiver) => trace.receivers.push(receiver),
                Line::Frame(frame) => trace.frames.push(*frame),
                _ => {}
            }
        }
        trace
    }

    #[test]
    fn scored_again_a_run_has_the_figures_that_it_had() {
        let totals = rescored(&trace(), None).expect("scored");
        let [near, far] = &totals.receivers[..] else { panic!("{totals:#?}") };
        assert_eq!((near.all.frames.matched, near.all.frames.produced), (60, 60));
        assert_eq!((far.all.frames.matched, far.all.frames.ended.of(State::LostInNetwork)), (59, 1));
        assert_eq!(near.all.error_px.max, Some(0.3125));
        let ms =
            |mean: Option<f64>, expected: f64| assert!(mean.is_some_and(|mean| (mean - expected).abs() < 1e-6), "{mean:?}");
        ms(near.all.latency_ms.mean, 10.0);
        ms(far.all.latency_ms.mean, 150.0);
        ms(near.all.stages_ms.encode.mean, 1.0);
        ms(near.all.stages_ms.decode.mean, 1.0);
        assert!(near.all.stages_ms.there.mean.is_some_and(|mean| (mean - 6.0).abs() < 1e-3));
        assert_eq!(rescored(&trace(), None).expect("scored"), totals, "the same each time");
    }

    #[test]
    fn a_stricter_limit_makes_answers_late() {
        let totals = rescored(&trace(), Some(Duration::from_millis(100))).expect("scored");
        let far = &totals.receivers[1].all.frames;
        assert_eq!((far.matched, far.ended.of(State::Late)), (0, 59));
        assert_eq!(totals.receivers[0].all.frames.matched, 60);
    }

    #[test]
    fn where_the_truth_is_unknown_nothing_is_false_and_where_nothing_was_all_is() {
        let scored = |truth: Option<Vec<Object>>| {
            let mut trace = trace();
            for frame in &mut trace.frames {
                frame.truth.clone_from(&truth);
                let Some(answer) = &mut frame.answer else { continue };
                let places = answer.pairs.drain(..).map(|pair| [pair.x_px, pair.y_px]);
                answer.false_finds_px = if truth.is_some() { places.collect() } else { Vec::new() };
            }
            rescored(&trace, None).expect("scored").all
        };
        let (unknown, empty) = (scored(None), scored(Some(Vec::new())));
        assert_eq!((unknown.objects.false_finds, unknown.frames.matched), (0, 60));
        assert_eq!((empty.objects.false_finds, empty.frames.matched), (119, 60));
        assert_eq!(unknown.error_px.p50, None);
        assert!(unknown.latency_ms.max.is_some(), "times are known all the same");
    }
}
