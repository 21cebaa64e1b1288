//! What the sender spends on knowing: per frame, per answer, per message.
//!
//! `cargo bench --bench ledger`; a call of `answers` is one frame with an answer from each receiver.

use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use rebound::detect::{Extent, Sighting};
use rebound::feedback::{Recent, Sightings, message};
use rebound::report::{Ledger, LedgerConfig, Outcome, ReceiverId};
use rebound::scene::{TrueObject, Truth};
use rebound::units::{Fps, FrameNumber, Px, RtpTime, Size};

/// Shows that joining and writing allocate nothing once they run.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn place(index: usize) -> Px {
    Px { x: 40.0 + 70.0 * (index % 16) as f64, y: 100.0 + 13.0 * (index * index % 17) as f64 }
}

fn truth(objects: usize) -> Truth {
    let object = |index| TrueObject { id: index as u32, centre_px: place(index), radius_px: 20.0 };
    (0..objects).map(object).collect()
}

/// An answer that also tells what became of the three frames before, and carries the last two answers again.
fn answer(frame: u32, objects: usize, repeats: bool) -> Sightings {
    let object = |index| Sighting {
        label: "ball".into(),
        centre_px: Px { x: place(index).x + 0.011, ..place(index) },
        extent: Extent::Radius(20.0),
        score: 0.98,
    };
    let mut answer = Sightings {
        seq: frame.into(),
        rtp: Some(key(frame)),
        ticks: None,
        code: None,
        width: 1280,
        height: 720,
        objects: (0..objects).rev().map(object).collect(),
        decode_us: Some(812),
        detect_us: Some(95),
        arrived_us: None,
        recent: Recent { detected: (1..4).map(|back| key(frame.wrapping_sub(back))).collect(), ..Recent::default() },
        earlier: Vec::new(),
    };
    if repeats {
        (0..2).for_each(|_| answer.carry_on());
        answer.earlier.iter_mut().zip(1..).for_each(|(earlier, back)| earlier.rtp = Some(key(frame.wrapping_sub(back))));
    }
    answer
}

fn key(frame: u32) -> RtpTime {
    RtpTime(frame.wrapping_mul(1500))
}

fn ledger(receivers: u64, records: bool) -> Ledger {
    let (size, fps) = (Size::new(1280, 720).expect("valid"), Fps::new(60).expect("valid"));
    let mut ledger = Ledger::new(LedgerConfig { records, ..LedgerConfig::new(size, fps) });
    (0..receivers).for_each(|id| ledger.receiver_joined(ReceiverId(id), "bench", Duration::ZERO, Duration::ZERO));
    ledger
}

/// One frame with all its steps and an answer from each receiver, in a ledger that has ten seconds to remember.
#[divan::bench(args = [(1, 1), (20, 1), (1, 8), (20, 8)])]
fn answers(bencher: Bencher<'_, '_>, (receivers, objects): (u64, usize)) {
    answered(bencher, ledger(receivers, false), receivers, objects);
}

/// The same, and every frame's record is kept and taken, as for a trace.
#[divan::bench(args = [(1, 1), (20, 1), (1, 8), (20, 8)])]
fn answers_recorded(bencher: Bencher<'_, '_>, (receivers, objects): (u64, usize)) {
    answered(bencher, ledger(receivers, true), receivers, objects);
}

fn answered(bencher: Bencher<'_, '_>, mut ledger: Ledger, receivers: u64, objects: usize) {
    let truth = truth(objects);
    let mut message = answer(0, objects, true);
    let mut frame = 0;
    let mut step = move || {
        let at = Duration::from_secs(1) * frame / 60;
        let rtp = key(frame);
        message.rtp = Some(rtp);
        message.earlier.iter_mut().zip(1..).for_each(|(earlier, back)| earlier.rtp = Some(key(frame.wrapping_sub(back))));
        message.recent.detected.iter_mut().zip(1..).for_each(|(told, back)| *told = key(frame.wrapping_sub(back)));
        ledger.produced(FrameNumber(frame.into()), rtp, truth, at).expect("keys go forwards");
        ledger.entered_encoder(rtp);
        ledger.encoded(rtp, at + Duration::from_millis(1), 6000, false);
        for id in (0..receivers).map(ReceiverId) {
            ledger.sent(id, rtp, at + Duration::from_millis(1));
            let outcome = ledger.feedback(id, &message, &truth, at + Duration::from_micros(3600));
            assert!(matches!(outcome, Outcome::Matched(_)));
            ledger.take_records().for_each(|record| drop(divan::black_box(record)));
        }
        frame += 1;
    };
    (0..1000).for_each(|_| step());
    bencher.counter(ItemsCount::new(receivers)).bench_local(step);
}

#[divan::bench(args = [(1, false), (1, true), (8, false), (8, true), (64, true)])]
fn write(bencher: Bencher<'_, '_>, (objects, repeats): (usize, bool)) {
    let (message, mut text) = (answer(7, objects, repeats), String::new());
    bencher.bench_local(|| message.write(&mut text));
}

#[divan::bench(args = [(1, false), (1, true), (8, false), (8, true), (64, true)])]
fn read(bencher: Bencher<'_, '_>, (objects, repeats): (usize, bool)) {
    let mut text = String::new();
    answer(7, objects, repeats).write(&mut text).expect("valid");
    bencher.bench_local(|| message::read(text.as_bytes()));
}

#[divan::bench]
fn summary_of_20_receivers(bencher: Bencher<'_, '_>) {
    let mut ledger = ledger(20, false);
    for frame in 0..600 {
        let at = Duration::from_secs(1) * frame / 60;
        ledger.produced(FrameNumber(frame.into()), key(frame), truth(1), at).expect("keys go forwards");
        for id in (0..20).map(ReceiverId) {
            ledger.feedback(id, &answer(frame, 1, true), &truth(1), at + Duration::from_micros(3600));
        }
    }
    bencher.bench_local(|| ledger.summary(Duration::from_secs(10)));
}
