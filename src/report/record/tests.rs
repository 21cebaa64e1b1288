use super::*;
use crate::report::ledger::tests::{ME, MS, config, film, key, ledger, sightings};
use crate::report::{LedgerConfig, Outcome};

const OTHER: ReceiverId = ReceiverId(2);

#[test]
fn a_frame_that_all_have_answered_is_recorded_at_once_unless_one_before_it_is_not() {
    let mut ledger = ledger(LedgerConfig { records: true, ..config() });
    ledger.receiver_joined(OTHER, "other", Duration::ZERO, Duration::ZERO);
    film(&mut ledger, 0..4);
    (0..4).for_each(|frame| ledger.sent(OTHER, key(frame), 50 * MS));
    let mut recorded = |answers: &[(ReceiverId, u32)], at| {
        for &(who, frame) in answers {
            ledger.feedback(who, &sightings(key(frame), &[]), &Truth::default(), at);
        }
        ledger.tick(at);
        ledger.take_records().map(|record| (record.frame.0, record.receiver, record.state)).collect::<Vec<_>>()
    };
    assert_eq!(recorded(&[(ME, 0)], 60 * MS), []);
    let [matched, late] = [State::Matched, State::Late];
    assert_eq!(recorded(&[(OTHER, 0), (ME, 2), (OTHER, 2)], 60 * MS), [(0, ME, matched), (0, OTHER, matched)]);
    assert_eq!(recorded(&[(ME, 1)], 2000 * MS), [], "the other may still answer");
    let (one, two) = ([(1, ME, late), (1, OTHER, late)], [(2, ME, matched), (2, OTHER, matched)]);
    assert_eq!(recorded(&[(OTHER, 1)], 3000 * MS), [one, two].concat());
    assert_eq!(recorded(&[], 10_040 * MS), [(3, ME, State::LostInNetwork), (3, OTHER, State::LostInNetwork)]);
}

#[test]
fn a_record_tells_all_of_a_frame_once_it_is_final() {
    let mut ledger = ledger(LedgerConfig { records: true, ..config() });
    film(&mut ledger, 0..3);
    let Outcome::Matched(joined) = ledger.feedback(ME, &sightings(key(1), &[(1.0, 50.5)]), &Truth::default(), 18 * MS)
    else {
        panic!("no match")
    };
    ledger.tick(10_005 * MS);
    let records: Vec<_> = ledger.take_records().collect();
    let states: Vec<_> = records.iter().map(|record| (record.frame.0, record.state)).collect();
    assert_eq!(states, [(0, State::LostInNetwork), (1, State::Matched)]);
    ledger.finish(10_006 * MS);
    assert_eq!(ledger.take_records().map(|record| record.frame.0).collect::<Vec<_>>(), [2]);
    let record = &records[1];
    assert_eq!((record.state, record.joined.as_deref()), (State::Matched, Some(&joined)));
    assert_eq!((record.produced_at, record.encoded_at, record.sent_at), (10 * MS, Some(12 * MS), Some(MS * 25 / 2)));
    assert_eq!((&*record.name, record.rtp, record.bytes, record.keyframe), ("me", key(1), 1250, false));
    ledger.finish(10_006 * MS);
    assert_eq!((ledger.take_records().count(), ledger.records_lost()), (0, 0));
}

#[test]
fn records_that_nobody_wants_or_takes_do_not_pile_up() {
    let mut quiet = ledger(config());
    film(&mut quiet, 0..100);
    quiet.finish(MS);
    assert_eq!(quiet.take_records().count(), 0);
    let mut forgotten = ledger(LedgerConfig { records: true, most_frames: 10, ..config() });
    film(&mut forgotten, 0..70_000);
    assert_eq!(forgotten.records_lost(), 70_000 - 10 - MOST_RECORDS as u64);
    assert_eq!(forgotten.take_records().count(), MOST_RECORDS);
}
