use super::*;
use crate::detect::{Extent, Sighting};
use crate::feedback::{PictureStats, Ping, ReceiverStats, Recent, Sightings};
use crate::report::{Outcome, WitnessTotals};
use crate::scene::TrueObject;
use crate::units::{Fps, Px, Size};

pub(in crate::report) const MS: Duration = Duration::from_millis(1);
pub(in crate::report) const ME: ReceiverId = ReceiverId(1);

pub(in crate::report) fn truth_at(x: f64, y: f64) -> Truth {
    [TrueObject { id: 0, centre_px: Px { x, y }, radius_px: 20.0 }].into_iter().collect()
}

pub(in crate::report) fn sightings(rtp: RtpTime, places: &[(f64, f64)]) -> Sightings {
    let sighting = |&(x, y): &(f64, f64)| Sighting {
        label: "ball".into(),
        centre_px: Px { x, y },
        extent: Extent::Radius(20.0),
        score: 1.0,
    };
    Sightings {
        rtp: Some(rtp),
        width: 640,
        height: 480,
        objects: places.iter().map(sighting).collect(),
        decode_us: Some(800),
        detect_us: Some(100),
        ..Sightings::default()
    }
}

pub(in crate::report) fn config() -> LedgerConfig {
    LedgerConfig::new(Size::new(640, 480).expect("valid"), Fps::new(100).expect("valid"))
}

/// A ledger with one receiver.
pub(in crate::report) fn ledger(config: LedgerConfig) -> Ledger {
    let mut ledger = Ledger::new(config);
    ledger.receiver_joined(ME, "me", Duration::ZERO, Duration::ZERO);
    ledger
}

pub(in crate::report) fn key(frame: u32) -> RtpTime {
    RtpTime((u32::MAX - 1000).wrapping_add(900 * frame))
}

/// Frame after frame at 100 a second, produced and encoded 2 ms later.
pub(in crate::report) fn film(ledger: &mut Ledger, frames: std::ops::Range<u32>) {
    for frame in frames {
        let at = frame * 10 * MS;
        ledger.produced(FrameNumber(frame.into()), key(frame), truth_at(frame.into(), 50.0), at).expect("forwards");
        ledger.entered_encoder(key(frame));
        ledger.encoded(key(frame), at + 2 * MS, 1250, frame == 0);
        ledger.sent(ME, key(frame), at + MS * 5 / 2);
    }
}

#[test]
fn an_answer_is_measured_against_its_frame_and_against_now() {
    let mut ledger = ledger(config());
    film(&mut ledger, 0..5);
    assert!(ledger.pong(ME, &Ping { id: 0, sent_us: 10_000 }.answer(1_011_000, 1_011_000), 12 * MS));
    let mut answer = sightings(key(1), &[(1.0, 50.5)]);
    answer.arrived_us = Some(1_014_000);
    let Outcome::Matched(joined) = ledger.feedback(ME, &answer, &truth_at(4.0, 50.5), 18 * MS) else { panic!("no match") };
    assert_eq!((joined.frame, joined.latency), (FrameNumber(1), 8 * MS));
    let pair = joined.score.pairs()[0];
    assert_eq!((pair.error_px(), pair.staleness_px()), (0.5, Some(3.0)));
    let stages = joined.stages;
    assert_eq!((stages.encode, stages.send, stages.there), (Some(2 * MS), Some(MS / 2), Some(MS * 3 / 2)));
    assert_eq!(ledger.history().copied().collect::<Vec<_>>(), [joined]);
    let totals = ledger.finish(50 * MS);
    let all = &totals.all;
    assert_eq!((all.frames.produced, all.frames.encoded, all.frames.keyframes, all.frames.sent), (5, 5, 1, 5));
    assert_eq!((all.frames.decoded, all.frames.detected, all.frames.returned, all.frames.matched), (1, 1, 1, 1));
    assert_eq!((all.fps, all.bitrate_kbps, all.first_coordinate_ms), (Some(100.0), Some(1000.0), Some(18.0)));
    assert_eq!((all.error_px.mean, all.latency_ms.max, all.stages_ms.back.max), (Some(0.5), Some(8.0), Some(3.1)));
    assert_eq!(totals.receivers[0].clock_offset.offset_ms, Some(1000.0));
    assert_eq!(totals.receivers[0].all, totals.all);
}

#[test]
fn duplicates_strangers_and_latecomers_are_counted_and_not_measured() {
    let mut ledger = ledger(config());
    film(&mut ledger, 0..10);
    let now = Truth::default();
    let answer = |ledger: &mut Ledger, rtp, at| ledger.feedback(ME, &sightings(rtp, &[(0.0, 0.0)]), &now, at);
    assert!(matches!(answer(&mut ledger, key(3), 100 * MS), Outcome::Matched(_)));
    assert_eq!(answer(&mut ledger, key(3), 101 * MS), Outcome::Duplicate);
    assert_eq!(answer(&mut ledger, RtpTime(key(3).0 + 450), 101 * MS), Outcome::Unknown);
    assert_eq!(answer(&mut ledger, key(4), 1041 * MS), Outcome::Late { frame: FrameNumber(4), latency: 1001 * MS });
    assert_eq!(answer(&mut ledger, key(4), 1042 * MS), Outcome::Duplicate);
    ledger.garbage(ME);
    let frames = ledger.finish(5000 * MS).all.frames;
    assert_eq!((frames.returned, frames.matched, frames.duplicate, frames.unknown, frames.garbage), (2, 1, 2, 1, 1));
    assert_eq!((frames.ended.of(State::Late), frames.ended.of(State::LostInNetwork)), (1, 8));
}

#[test]
fn a_lost_answer_comes_with_the_next_one_and_counts_once() {
    let mut ledger = ledger(config());
    film(&mut ledger, 0..5);
    let now = truth_at(9.0, 50.0);
    let mut message = sightings(key(0), &[(0.5, 50.0)]);
    let mut arrived = Vec::new();
    for frame in 1..5u32 {
        message.carry_on();
        (message.seq, message.rtp) = (frame.into(), Some(key(frame)));
        message.objects[0].centre_px.x = f64::from(frame) + 0.5;
        // The first answer's message and those of frames 1 and 2 are lost; frame 1's comes after all, later than its repeat.
        if frame >= 3 {
            arrived.push(message.clone());
        }
    }
    let outcomes = [&arrived[0], &arrived[1], &sightings(key(1), &[]), &sightings(key(1), &[])]
        .map(|message| ledger.feedback(ME, message, &now, 60 * MS));
    assert!(matches!(outcomes, [Outcome::Matched(_), Outcome::Matched(_), Outcome::Repeat, Outcome::Duplicate]));
    let joined: Vec<_> =
        ledger.history().map(|joined| (joined.frame.0, joined.latency, joined.score.pairs()[0].error_px())).collect();
    assert_eq!(joined, [(3, 30 * MS, 0.5), (2, 40 * MS, 0.5), (1, 50 * MS, 0.5), (4, 20 * MS, 0.5)]);
    let totals = ledger.finish(5000 * MS);
    let frames = totals.all.frames;
    assert_eq!((frames.matched, frames.matched_by_repeat, frames.repeats, frames.duplicate), (4, 2, 3, 1));
    assert_eq!(totals.receivers[0].all.frames, frames);
    assert_eq!(totals.receivers[0].results, crate::report::ResultTotals { sent: 5, lost: 1 });
}

#[test]
fn coordinates_older_than_the_budget_are_counted_and_where_it_is_wanted_not_measured() {
    for budget_drop in [false, true] {
        let mut ledger = ledger(LedgerConfig { budget: Some(20 * MS), budget_drop, records: true, ..config() });
        film(&mut ledger, 0..4);
        let answers = [(0, 20), (1, 31), (2, 1100)].map(|(frame, at)| (key(frame), at * MS));
        let outcomes = answers.map(|(key, at)| ledger.feedback(ME, &sightings(key, &[]), &Truth::default(), at));
        assert!(matches!(outcomes[0], Outcome::Matched(Joined { within_budget: Some(true), .. })));
        match outcomes[1] {
            Outcome::Matched(joined) => assert_eq!((joined.within_budget, budget_drop), (Some(false), false)),
            outcome => assert_eq!((outcome, budget_drop), (Outcome::Late { frame: FrameNumber(1), latency: 21 * MS }, true)),
        }
        assert_eq!(ledger.summary(1200 * MS).missed_percent, Some(200.0 / 3.0));
        let all = ledger.finish(5000 * MS).all;
        let missed_percent = Some(200.0 / 3.0);
        assert_eq!(all.budget, Some(crate::report::BudgetTotals { limit_ms: 20.0, kept: 1, missed: 2, missed_percent }));
        assert_eq!(all.frames.ended.of(State::Late), 1 + u64::from(budget_drop));
    }
}

#[test]
fn an_answer_of_another_frames_picture_is_counted_and_not_measured() {
    let mut ledger = ledger(LedgerConfig { frame_code: true, ..config() });
    film(&mut ledger, 0..10);
    let mut answer = |frame, code| {
        let answer = Sightings { code, ..sightings(key(frame), &[(0.0, 0.0)]) };
        ledger.feedback(ME, &answer, &Truth::default(), 100 * MS)
    };
    assert!(matches!(answer(3, Some(3)), Outcome::Matched(_)));
    assert!(matches!(answer(4, None), Outcome::Matched(_)));
    assert_eq!(answer(5, Some(4)), Outcome::WrongPicture { frame: FrameNumber(5), shown: 4 });
    assert_eq!(answer(5, Some(5)), Outcome::Duplicate);
    assert_eq!(answer(6, Some(u32::MAX)), Outcome::WrongPicture { frame: FrameNumber(6), shown: u32::MAX });
    let all = ledger.finish(5000 * MS).all;
    assert_eq!(all.witness, WitnessTotals { checked: 3, agree: 1, disagree: 2, unread: 1 });
    assert_eq!((all.frames.matched, all.frames.returned, all.frames.ended.of(State::WrongPicture)), (2, 4, 2));
    assert_eq!(all.latency_ms.max, Some(70.0));
}

#[test]
fn codes_that_nobody_drew_are_not_believed() {
    let mut ledger = ledger(config());
    film(&mut ledger, 0..3);
    let wrong = Sightings { code: Some(7), ..sightings(key(1), &[]) };
    assert!(matches!(ledger.feedback(ME, &wrong, &Truth::default(), 30 * MS), Outcome::Matched(_)));
    let only = Sightings { code: Some(2), rtp: None, ..wrong };
    assert_eq!(ledger.feedback(ME, &only, &Truth::default(), 30 * MS), Outcome::Unknown);
    assert_eq!(ledger.finish(40 * MS).all.witness, WitnessTotals::default());
}

#[test]
fn a_client_with_timestamps_of_its_own_is_calibrated_by_codes_and_then_joined_by_time() {
    let mut ledger = ledger(LedgerConfig { frame_code: true, ..config() });
    film(&mut ledger, 0..40);
    // It counts from frame 2, the first that it got.
    let answer = |frame: u32, code| Sightings {
        rtp: None,
        ticks: Some(RtpTime(900 * frame.wrapping_sub(2))),
        code,
        ..sightings(key(0), &[(0.0, 0.0)])
    };
    let at = 400 * MS;
    let mut told = |answer| match ledger.feedback(ME, &answer, &Truth::default(), at) {
        Outcome::Matched(joined) => Some(joined.frame.0),
        _ => None,
    };
    assert_eq!(told(answer(2, None)), None, "the beginning is not known");
    for frame in 3..8 {
        assert_eq!(told(answer(frame, Some(frame))), Some(frame.into()));
    }
    assert_eq!(told(answer(8, None)), Some(8), "now it is");
    assert_eq!(told(answer(9, Some(7))), None, "a stale picture");
    let recent = Recent { skipped: vec![RtpTime(900 * 8)], ..Recent::default() };
    assert_eq!(told(Sightings { recent, ..answer(11, Some(11)) }), Some(11));
    let totals = ledger.finish(5000 * MS);
    let calibration = totals.receivers[0].calibration.expect("calibrated");
    assert_eq!((calibration.offset_ticks, calibration.agreeing), (key(2).0, 6));
    // The fifth code completed the calibration and is checked by it.
    assert_eq!(totals.all.witness, WitnessTotals { checked: 3, agree: 2, disagree: 1, unread: 1 });
    assert_eq!((totals.all.frames.unknown, totals.all.frames.ended.of(State::SkippedByDetector)), (1, 1));
}

#[test]
fn a_client_without_timestamps_is_joined_by_the_code_alone() {
    let mut ledger = ledger(LedgerConfig { frame_code: true, ..config() });
    film(&mut ledger, 0..5);
    let answer = Sightings { rtp: None, code: Some(3), ..sightings(key(0), &[]) };
    let outcome = ledger.feedback(ME, &answer, &Truth::default(), 50 * MS);
    assert!(matches!(outcome, Outcome::Matched(joined) if joined.frame == FrameNumber(3)), "{outcome:?}");
    let strange = Sightings { code: Some(99), ..answer };
    assert_eq!(ledger.feedback(ME, &strange, &Truth::default(), 50 * MS), Outcome::Unknown);
    assert_eq!(ledger.finish(60 * MS).all.witness, WitnessTotals::default());
}

#[test]
fn a_key_that_does_not_go_forwards_is_refused() {
    let mut ledger = ledger(config());
    film(&mut ledger, 0..3);
    let error = ledger.produced(FrameNumber(3), key(2), Truth::default(), 30 * MS).expect_err("same key");
    assert!(error.to_string().contains("frame 3 has RTP timestamp 799"), "{error}");
    assert!(ledger.produced(FrameNumber(3), key(3), Truth::default(), 30 * MS).is_ok());
}

#[test]
fn while_warming_up_nothing_counts_but_the_first_coordinate_is_noted() {
    let mut ledger = Ledger::new(LedgerConfig { warmup: 30 * MS, ..config() });
    ledger.receiver_joined(ME, "me", 5 * MS, 10 * MS);
    film(&mut ledger, 1..3);
    let now = Truth::default();
    let told = |decoded, at_us| ReceiverStats {
        at_us: Some(at_us),
        cpu_us: Some(at_us / 2),
        pictures: PictureStats { decoded: Some(decoded), ..PictureStats::default() },
        ..ReceiverStats::default()
    };
    let answer = |seq, frame| Sightings { seq, ..sightings(key(frame), &[(0.0, 0.0)]) };
    assert_eq!(ledger.feedback(ME, &answer(3, 2), &now, 25 * MS), Outcome::BeforeJoin);
    ledger.garbage(ME);
    ledger.stats(ME, told(100, 25_000));
    film(&mut ledger, 3..6);
    assert!(matches!(ledger.feedback(ME, &answer(5, 4), &now, 55 * MS), Outcome::Matched(_)));
    ledger.stats(ME, told(103, 55_000));
    let totals = ledger.finish(60 * MS);
    let me = &totals.receivers[0];
    assert_eq!((me.results.sent, me.results.lost), (2, 1), "of the messages 4 and 5 the first did not come");
    assert_eq!(me.stats.and_then(|stats| stats.pictures.decoded), Some(3));
    assert_eq!(me.cost.cpu_s_per_1000_frames, Some(5.0));
    assert_eq!((me.all.frames.garbage, me.all.frames.before_join), (0, 0));
    assert_eq!((totals.all.frames.produced, totals.frames_unwatched, totals.all.frames.matched), (2, 3, 1));
    assert_eq!(totals.all.first_coordinate_ms, Some(20.0));
}

#[test]
fn who_comes_later_does_not_answer_for_what_was_before() {
    let mut ledger = Ledger::new(config());
    film(&mut ledger, 0..2);
    ledger.receiver_joined(ME, "me", 15 * MS, 25 * MS);
    film(&mut ledger, 3..5);
    let now = Truth::default();
    assert_eq!(ledger.feedback(ME, &sightings(key(1), &[]), &now, 45 * MS), Outcome::BeforeJoin);
    assert_eq!(ledger.feedback(ReceiverId(9), &sightings(key(3), &[]), &now, 45 * MS), Outcome::Unknown);
    assert!(matches!(ledger.feedback(ME, &sightings(key(3), &[]), &now, 45 * MS), Outcome::Matched(_)));
    assert!(matches!(ledger.feedback(ME, &sightings(key(4), &[(0.0, 0.0)]), &now, 55 * MS), Outcome::Matched(_)));
    let totals = ledger.finish(60 * MS);
    assert_eq!((totals.all.frames.produced, totals.frames_unwatched, totals.all.frames.before_join), (2, 2, 1));
    assert_eq!((totals.all.objects.misses, totals.all.first_coordinate_ms), (1, Some(40.0)));
}

#[test]
fn who_leaves_takes_frames_along_that_are_not_held_against_the_network() {
    let mut ledger = ledger(config());
    film(&mut ledger, 0..150);
    ledger.receiver_left(ME, 1500 * MS);
    assert!(matches!(ledger.feedback(ME, &sightings(key(149), &[]), &Truth::default(), 1501 * MS), Outcome::Matched(_)));
    let totals = ledger.finish(9000 * MS);
    let ended = totals.receivers[0].all.frames.ended;
    assert_eq!([State::LostInNetwork, State::InFlight, State::Matched].map(|state| ended.of(state)), [50, 99, 1]);
    assert_eq!(totals.all.frames.ended, ended);
}

#[test]
fn memory_is_bounded_whoever_comes_and_goes() {
    let mut ledger = Ledger::new(LedgerConfig { most_frames: 100, history_size: 3, ..config() });
    let resident = ReceiverId(10_000);
    ledger.receiver_joined(resident, "resident", Duration::ZERO, Duration::ZERO);
    for round in 0..1500u32 {
        let id = ReceiverId(round.into());
        let (from, to) = (round * 100, (round + 1) * 100);
        ledger.receiver_joined(id, "passer-by", from * 10 * MS, from * 10 * MS);
        film(&mut ledger, from..to);
        ledger.feedback(id, &sightings(key(to - 1), &[(0.0, 0.0)]), &Truth::default(), to * 10 * MS);
        ledger.receiver_left(id, to * 10 * MS);
        assert!(ledger.frames.len() <= 100 && ledger.receivers.len() <= 13 && ledger.history.len() <= 3);
    }
    let totals = ledger.finish(Duration::from_secs(10_000));
    assert!(totals.receivers.is_sorted_by(|one, next| one.joined_ms <= next.joined_ms));
    assert_eq!((totals.receivers.len(), totals.receivers_forgotten), (1001, 500));
    assert_eq!(
        (totals.all.frames.produced, totals.all.frames.matched, totals.all.error_px.mean.is_some()),
        (150_000, 1500, true)
    );
    assert_eq!((ledger.frames.len(), ledger.receivers.len()), (0, 1));
}

#[test]
fn a_frame_that_is_forgotten_early_has_an_end_too() {
    let mut ledger = ledger(LedgerConfig { most_frames: 10, ..config() });
    film(&mut ledger, 0..300);
    let now = Truth::default();
    assert_eq!(ledger.feedback(ME, &sightings(key(289), &[]), &now, 2995 * MS), Outcome::Unknown);
    assert!(matches!(ledger.feedback(ME, &sightings(key(290), &[]), &now, 2995 * MS), Outcome::Matched(_)));
    let ended = ledger.finish(9000 * MS).all.frames.ended;
    assert_eq!([State::LostInNetwork, State::InFlight, State::Matched].map(|state| ended.of(state)), [299, 0, 1]);
}

#[test]
fn no_frame_counts_for_a_viewer_but_what_it_is_sent_does() {
    let viewer = ReceiverId(2);
    let mut ledger = ledger(config());
    ledger.viewer_joined(viewer, "viewer", Duration::ZERO, Duration::ZERO);
    film(&mut ledger, 0..10);
    (0..10).for_each(|frame| ledger.sent(viewer, key(frame), frame * 10 * MS + 3 * MS));
    for frame in 0..10 {
        ledger.feedback(ME, &sightings(key(frame), &[]), &Truth::default(), 150 * MS);
    }
    ledger.stats(viewer, ReceiverStats { threads: Some(9), ..ReceiverStats::default() });
    ledger.receiver_left(ME, 200 * MS);
    film(&mut ledger, 20..30);
    let totals = ledger.finish(3000 * MS);
    assert_eq!((totals.all.frames.produced, totals.all.frames.matched, totals.frames_unwatched), (10, 10, 10));
    let [me, it] = [&totals.receivers[0], &totals.receivers[1]];
    assert_eq!((me.viewer, me.all.frames.sent, me.all.sent_bytes), (false, 10, 12_500));
    assert_eq!((it.viewer, it.all.frames.sent, it.all.sent_bytes), (true, 10, 12_500));
    assert_eq!((it.all.frames.produced, it.all.frames.ended.total(), it.all.fps), (0, 0, Some(100.0)));
    assert_eq!((totals.all.sent_bytes, it.cost.threads), (25_000, Some(9)));
}

#[test]
fn the_rate_is_that_of_the_frames_that_were_watched() {
    let mut ledger = ledger(config());
    film(&mut ledger, 0..100);
    ledger.receiver_left(ME, 1000 * MS);
    film(&mut ledger, 100..101);
    ledger.receiver_joined(ReceiverId(2), "next", 60_000 * MS, 60_000 * MS);
    film(&mut ledger, 6000..6100);
    let totals = ledger.finish(61_000 * MS);
    assert_eq!((totals.all.frames.encoded, totals.frames_unwatched), (200, 1));
    assert_eq!((totals.all.fps, totals.all.bitrate_kbps), (Some(100.0), Some(1000.0)));
}

#[test]
fn the_live_view_shows_the_last_second() {
    let mut ledger = ledger(config());
    film(&mut ledger, 0..300);
    ledger.feedback(ME, &sightings(key(299), &[(299.0, 50.0)]), &Truth::default(), 2995 * MS);
    let summary = ledger.summary(3000 * MS);
    assert_eq!((summary.frames, summary.matched, summary.error_px.p95), (300, 1, Some(0.0)));
    assert!((summary.fps.expect("frames came") - 100.0).abs() < 1e-9);
    assert!((summary.bitrate_kbps.expect("frames came") - 1000.0).abs() < 1e-9);
    assert_eq!((summary.receivers[0].name.as_str(), summary.receivers[0].matched), ("me", 1));
    assert_eq!(ledger.summary(5000 * MS).fps, None);
}
