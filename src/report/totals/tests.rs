use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::report::ledger::tests::{sightings, truth_at};
use crate::report::{Cost, Ledger, LedgerConfig, SenderCost, State, ThreadCost};
use crate::units::{Fps, FrameNumber, RtpTime, Size};

const MS: Duration = Duration::from_millis(1);

fn run_info() -> RunInfo {
    RunInfo {
        version: "0.1.0".into(),
        command: ["rebound", "send", "--frames", "200"].map(String::from).into(),
        started: "2026-01-02T03:04:05Z".into(),
        scene: SceneInfo {
            name: "ball".into(),
            width: 1280,
            height: 720,
            fps: 100,
            seed: Some(1),
            radius_px: Some(20.0),
            speed_px_per_s: Some(300.0),
            reference: None,
        },
        encoder: Some(EncoderInfo { name: "x264enc".into(), codec: "H264".into(), hardware: false }),
        impairment: Some(ImpairmentInfo {
            spec: "loss=5%".to_owned(),
            timeline_from_ms: Some(512.5),
            packets: Counters { offered: 100, lost: 5, delivered: 95, delivered_bytes: 95_000, ..Counters::default() },
        }),
        cost: SenderCost {
            all: Cost { max_rss_mb: Some(61.5), threads: Some(24), ..Cost::new(0.8, 2.0, 200) },
            by_thread: vec![ThreadCost { name: "frames:src".into(), threads: 1, cpu_s: 0.6 }],
        },
        floors: Floors::default(),
        kept: Kept::default(),
        congestion: Some(CongestionTotals::new("auto".parse().expect("valid"), None)),
    }
}

/// Runs of 200 frames; of each receiver the nth answer is a pixel further off than the last, and every tenth is lost.
pub(in crate::report) fn report(receivers: u64, know_the_clock: bool) -> Report {
    let mut ledger = Ledger::new(LedgerConfig::new(Size::new(640, 480).expect("valid"), Fps::new(100).expect("valid")));
    for id in 0..receivers {
        ledger.receiver_joined(ReceiverId(id), format!("camera room {id}"), Duration::ZERO, 5 * MS);
        if know_the_clock {
            ledger.pong(ReceiverId(id), &crate::feedback::Ping { id: 0, sent_us: 0 }.answer(500, 500), MS);
        }
    }
    for frame in 0..200u32 {
        let (rtp, at) = (RtpTime(frame * 900), frame * 10 * MS);
        ledger.produced(FrameNumber(frame.into()), rtp, truth_at(100.0, 50.0), at).expect("forwards");
        ledger.entered_encoder(rtp);
        ledger.encoded(rtp, at + 2 * MS, 1250, frame == 0);
        for id in 0..receivers {
            ledger.sent(ReceiverId(id), rtp, at + 2 * MS);
            let mut answer = sightings(rtp, &[(100.0 + f64::from(frame), 50.0), (639.0, 479.0)]);
            answer.arrived_us = Some((at + 3 * MS).as_micros() as u64);
            let back = at + 4 * MS + frame * MS / 50;
            if frame % 10 > 0 {
                ledger.feedback(ReceiverId(id), &answer, &truth_at(101.0, 50.0), back);
            }
        }
    }
    if know_the_clock {
        ledger.stats(ReceiverId(0), ReceiverStats { jitter_ms: Some(20.0), ..Default::default() });
    }
    ledger.garbage(ReceiverId(0));
    Report { run: run_info(), totals: ledger.finish(2500 * MS) }
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("../../../docs/report.schema.json")).expect("JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("a schema");
    jsonschema::draft202012::new(&schema).expect("a schema")
}

fn json(report: &Report) -> Value {
    serde_json::from_str(&report.to_json()).expect("JSON")
}

#[test]
fn reports_keep_to_their_schema() {
    let validator = validator();
    let mut nothing = report(0, false);
    nothing.run.encoder = None;
    nothing.run.cost = SenderCost::default();
    for report in [nothing, report(1, false), report(1, true), report(20, true)] {
        let json = json(&report);
        let faults: Vec<_> =
            validator.iter_errors(&json).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn the_schema_refuses_what_is_not_in_it() {
    let validator = validator();
    let good = json(&report(1, true));
    for pointer in [
        "",
        "/frames",
        "/frames/ended",
        "/error_px",
        "/stages_ms",
        "/stages_ms/return",
        "/receivers/0",
        "/receivers/0/stats",
        "/scene",
        "/cost",
        "/receivers/0/cost",
        "/floors",
        "/witness",
    ] {
        let mut more = good.clone();
        let object = more.pointer_mut(pointer).and_then(Value::as_object_mut).expect("an object");
        object.insert("surprise".into(), 1.into());
        assert!(!validator.is_valid(&more), "more in '{pointer}'");
        let mut less = good.clone();
        let object = less.pointer_mut(pointer).and_then(Value::as_object_mut).expect("an object");
        let first = object.keys().next().cloned().expect("not empty");
        object.remove(&first);
        assert!(!validator.is_valid(&less), "less in '{pointer}'");
    }
}

#[test]
fn nothing_measured_is_null() {
    let json = json(&report(0, false));
    for pointer in
        ["/error_px/p50", "/latency_ms/max", "/stages_ms/return/mean", "/fps", "/bitrate_kbps", "/first_coordinate_ms"]
    {
        assert_eq!(json.pointer(pointer), Some(&Value::Null), "{pointer}");
    }
    assert_eq!(json.pointer("/frames_unwatched"), Some(&200.into()));
}

#[test]
fn without_the_receivers_clock_only_the_sum_of_both_ways_is_known() {
    let (without, with) = (report(1, false).totals.all.stages_ms, report(1, true).totals.all.stages_ms);
    assert_eq!((without.there.mean, without.back.mean), (None, None));
    assert_eq!(without.network, with.network);
    let sum = with.there.mean.expect("known") + with.back.mean.expect("known");
    assert!((sum - with.network.mean.expect("known")).abs() < 1e-9);
}

#[test]
fn the_stages_and_the_ended_states_add_up() {
    let totals = report(3, true).totals;
    let stages = totals.all.stages_ms;
    let sum: f64 = [stages.encode, stages.send, stages.there, stages.back, stages.decode, stages.detect]
        .iter()
        .filter_map(|stage| stage.mean)
        .sum();
    assert!((sum - totals.all.latency_ms.mean.expect("measured")).abs() < 1e-9);
    for ended in totals.receivers.iter().map(|receiver| receiver.all.frames.ended).chain([totals.all.frames.ended]) {
        assert_eq!((ended.total(), ended.of(State::Matched), ended.of(State::LostInNetwork)), (200, 180, 15));
        assert_eq!(ended.of(State::InFlight), 5);
    }
}
