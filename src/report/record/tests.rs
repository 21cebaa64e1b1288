use super::*;
use crate::report::ledger::tests::{ME, MS, config, film, key, ledger, sightings};
use crate::report::{LedgerConfig, Outcome};

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
    assert_eq!(records.iter().map(|record| (record.frame.0, record.state)).collect::<Vec<_>>(), [(0, State::LostInNetwork)]);
    ledger.finish(10_006 * MS);
    let records: Vec<_> = ledger.take_records().collect();
    assert_eq!(records.iter().map(|record| record.frame.0).collect::<Vec<_>>(), [1, 2]);
    let record = &records[0];
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
