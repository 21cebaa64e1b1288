//! Receivers whose connection is lost, and that come back or do not.

use super::tests::{ME, MS, config, film, key, ledger, sightings};
use super::*;
use crate::feedback::Sightings;
use crate::report::{Interruption, Outcome};

#[test]
fn who_comes_back_is_counted_on_without_the_frames_between() {
    let mut ledger = ledger(config());
    ledger.receiver_joined(ReceiverId(2), "stays", Duration::ZERO, Duration::ZERO);
    film(&mut ledger, 0..10);
    ledger.receiver_left(ME, 100 * MS);
    film(&mut ledger, 10..20);
    ledger.receiver_joined(ME, "me", 200 * MS, 200 * MS);
    film(&mut ledger, 20..25);
    let now = Truth::default();
    assert!(matches!(ledger.feedback(ME, &sightings(key(9), &[]), &now, 245 * MS), Outcome::Matched(_)));
    assert_eq!(ledger.feedback(ME, &sightings(key(15), &[]), &now, 246 * MS), Outcome::BeforeJoin);
    assert!(matches!(ledger.feedback(ME, &sightings(key(22), &[]), &now, 247 * MS), Outcome::Matched(_)));
    let totals = ledger.finish(250 * MS);
    let me = &totals.receivers[0];
    assert_eq!((me.all.frames.produced, me.all.frames.matched, me.left_ms), (15, 2, None));
    assert_eq!((totals.receivers.len(), totals.receivers[1].all.frames.produced), (2, 25));
}

#[test]
fn who_is_interrupted_stays_the_same_receiver_and_does_not_answer_for_the_gap() {
    let mut ledger = ledger(config());
    let answer = |seq, frame| Sightings { seq, ..sightings(key(frame), &[(f64::from(frame), 50.0)]) };
    let now = Truth::default();
    film(&mut ledger, 0..10);
    for frame in 0..10 {
        ledger.feedback(ME, &answer(frame.into(), frame), &now, 100 * MS);
    }
    ledger.receiver_interrupted(ME, 100 * MS);
    film(&mut ledger, 10..5000);
    ledger.receiver_joined(ME, "me", 49_000 * MS, 50_000 * MS);
    film(&mut ledger, 5000..5010);
    assert_eq!(ledger.feedback(ME, &answer(0, 4999), &now, 50_100 * MS), Outcome::BeforeJoin);
    for frame in 5001..5010 {
        ledger.feedback(ME, &answer(u64::from(frame) - 4999, frame), &now, 50_100 * MS);
    }
    let totals = ledger.finish(60_000 * MS);
    let [me] = &totals.receivers[..] else { panic!("{:?}", totals.receivers) };
    let frames = &me.all.frames;
    assert_eq!((frames.produced, frames.matched, frames.ended.of(State::LostInNetwork)), (20, 19, 1));
    assert_eq!(me.interruptions, [Interruption { from_ms: 100.0, to_ms: 50_000.0 }]);
    assert_eq!((me.left_ms, me.results.sent, me.results.lost), (None, 21, 1));
    assert_eq!((me.all.fps, totals.frames_unwatched), (Some(100.0), 4990));
}

#[test]
fn who_is_interrupted_and_does_not_come_back_has_left_then() {
    let mut ledger = ledger(config());
    film(&mut ledger, 0..10);
    ledger.receiver_interrupted(ME, 100 * MS);
    ledger.tick(100_000 * MS);
    assert_eq!(ledger.receivers.len(), 1, "it is waited for");
    ledger.receiver_left(ME, 100_000 * MS);
    let totals = ledger.finish(200_000 * MS);
    assert_eq!((totals.receivers[0].left_ms, totals.receivers[0].interruptions.len()), (Some(100.0), 0));
    assert_eq!(ledger.receivers.len(), 0);
}
