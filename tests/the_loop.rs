//! The closed loop between processes: every coordinate is joined to the frame that it was seen in.

use nix::sys::signal::Signal;

use crate::support::report::Report;
use crate::support::roles::{Receiver, Sender};
use crate::support::{alone, beside_others, free_port};

/// What a sender with these options reports of one receiver.
fn looped(options: &[&str]) -> Report {
    let mut sender = Sender::start(options);
    let _receiver = sender.receiver("one");
    let report = sender.report();
    report.assert_sound();
    report
}

#[test]
fn every_frame_comes_back_and_is_joined_to_itself() {
    let _machine = beside_others();
    let report = looped(&["--frames", "120"]);
    assert_eq!(report.count("/frames/produced"), 120);
    report.assert_closed();
    assert!(report.number("/error_px/p95") <= 0.05, "{:#}", report.0);
    assert_eq!(report.count("/objects/misses"), 0);
    assert!(report.count("/frames/repeats") > 100, "answers are not told again on a channel that loses: {:#}", report.0);
    let receiver = report.receiver("one");
    assert_eq!(receiver.count("/frames/matched"), report.count("/frames/matched"));
    // Both processes read the kernel's CLOCK_MONOTONIC, so the truth is known.
    let [estimate, truth, uncertainty] =
        ["offset_ms", "true_ms", "uncertainty_ms"].map(|name| receiver.number(&format!("/clock_offset/{name}")));
    assert!((estimate - truth).abs() <= uncertainty, "{estimate} {truth} {uncertainty}");
    assert!((estimate - truth).abs() <= 0.2, "{estimate} {truth} {uncertainty}");
}

#[test]
fn frames_are_joined_across_the_wrap_of_the_timestamp() {
    let _machine = beside_others();
    // Five seconds at 90 kHz before the wrap: time for a receiver to connect on a busy machine.
    let offset = (u32::MAX - 5 * 90_000 + 1).to_string();
    let mut sender = Sender::start(&["--timestamp-offset", &offset, "-vv"]);
    let _receiver = sender.receiver("one");
    sender.wait_for_receiver("one");
    let rtp = |line: &str| -> Option<u32> {
        line.contains(" produced number=").then(|| line.split("rtp=").nth(1)?.split_whitespace().next()?.parse().ok())?
    };
    let wrapped = sender.wait_until("30 frames after the wrap", |lines| {
        let produced: Vec<u32> = lines.iter().filter_map(|line| rtp(line)).collect();
        let after = produced.iter().filter(|rtp| **rtp < 1 << 31).count();
        (after >= 30).then(|| (produced.len() - after, after))
    });
    assert!(wrapped.0 > 0, "it had wrapped before the receiver came: {wrapped:?}");
    let report = sender.interrupt();
    report.assert_sound();
    report.assert_closed();
    assert!(report.number("/error_px/max") < 1.0, "{:#}", report.0);
}

#[test]
fn a_viewer_is_sent_every_frame_and_owes_no_answer() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--frames", "90"]);
    let mut viewer = sender.receiver_with("viewer", &["--detector", "none", "--duration", "60"]);
    sender.wait_for_receiver("viewer");
    let _receiver = sender.receiver("one");
    let report = sender.report();
    report.assert_sound();
    let (viewed, answered) = (report.receiver("viewer"), report.receiver("one"));
    assert_eq!((viewed.count("/frames/produced"), report.count("/frames/unknown")), (0, 0));
    assert_eq!(report.count("/frames/matched"), answered.count("/frames/matched"));
    // Those from before the other one joined, too.
    assert!(viewed.count("/frames/sent") >= answered.count("/frames/sent"), "{:#}", report.0);
    assert!(viewed.count("/stats/packets/received") > 0 && viewed.0["stats"]["pictures"]["decoded"] == 0, "{:#}", viewed.0);
    viewer.signal(Signal::SIGINT);
    assert_eq!(viewer.ended().code, Some(0));
}

#[test]
fn no_frame_of_two_thousand_is_joined_to_another_one() {
    let _machine = alone();
    // From one frame to the next the ball goes 10 px, so that no wrong join is small. Not x264enc: with a buffer of so few
    // milliseconds and frames left out it makes one picture in a thousand a copy of the one before, which looks the same.
    let quick = ["--size", "160x120", "--radius", "10", "--fps", "240", "--speed", "2400", "--encoder", "openh264enc"];
    let report = looped(&[&quick[..], &["--frames", "2000"]].concat());
    assert_eq!(report.count("/frames/produced"), 2000);
    report.assert_closed();
    assert!(report.number("/error_px/max") < 2.0, "{:#}", report.0);
}

#[test]
fn twenty_receivers_each_get_their_own_frames_joined() {
    let _machine = alone();
    let mut sender = Sender::start(&["--size", "320x240", "--fps", "15", "--speed", "240"]);
    let names: Vec<String> = (1..=20).map(|number| format!("receiver {number}")).collect();
    let _receivers: Vec<Receiver> = names.iter().map(|name| sender.receiver(name)).collect();
    names.iter().for_each(|name| sender.wait_for_receiver(name));
    // Two more seconds with all of them.
    let seen = sender.said_times("receivers 20");
    sender.wait_for_nth("receivers 20", seen + 2);
    let report = sender.interrupt();
    report.assert_sound();
    for name in &names {
        let receiver = report.receiver(name);
        receiver.assert_sound();
        assert!(receiver.count("/frames/matched") >= 10, "{:#}", receiver.0);
        // The ball goes 16 px from one frame to the next.
        assert!(receiver.number("/error_px/max") < 2.0, "{:#}", receiver.0);
    }
}

#[test]
fn a_receiver_that_is_there_first_waits_for_its_sender() {
    let _machine = beside_others();
    let port = free_port();
    let receiver = Receiver::start(&format!("ws://127.0.0.1:{port}/ws"), "early", &[]);
    receiver.wait_for("nobody listens there yet");
    let mut sender = Sender::start_at(port, &["--frames", "30"]);
    let report = sender.report();
    report.assert_closed();
    report.receiver("early").assert_sound();
}

#[test]
fn a_receiver_comes_back_to_a_sender_that_was_started_again() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--frames", "15"]);
    let port = sender.port;
    let mut receiver = sender.receiver("faithful");
    sender.report().assert_closed();
    let mut sender = Sender::start_at(port, &["--frames", "30"]);
    let report = sender.report();
    report.assert_closed();
    report.receiver("faithful").assert_sound();
    assert!(receiver.is_running());
}

#[test]
fn nothing_is_lost_on_a_channel_that_sends_again() {
    let _machine = beside_others();
    for policy in ["reliable", "unordered", "lifetime:500"] {
        let report = looped(&["--channel", policy, "--frames", "45"]);
        assert_eq!(report.count("/frames/ended/result_lost"), 0, "{policy}");
        assert_eq!(report.count("/frames/repeats"), 0, "{policy}: answers are told again to no use");
        report.assert_closed();
    }
}

#[test]
fn every_codec_closes_the_loop() {
    let _machine = beside_others();
    let choices = [
        ("--codec", "vp8", "vp8enc", "VP8"),
        ("--encoder", "openh264enc", "openh264enc", "H264"),
        ("--encoder", "vp9enc", "vp9enc", "VP9"),
    ];
    for (option, value, encoder, codec) in choices {
        let report = looped(&[option, value, "--frames", "45"]);
        assert_eq!((report.text("/encoder/name"), report.text("/encoder/codec")), (encoder, codec));
        report.assert_closed();
        assert!(report.number("/error_px/p95") <= 0.2, "{encoder}: {:#}", report.0);
    }
}

#[test]
fn the_objects_of_every_scene_are_found() {
    let _machine = beside_others();
    for (scene, balls) in [("hard", 1), ("gravity", 1), ("many", 8)] {
        let report = looped(&["--scene", scene, "--frames", "60"]);
        report.assert_closed();
        let (paired, misses) = (report.count("/objects/paired"), report.count("/objects/misses"));
        assert_eq!(paired + misses, balls * report.count("/frames/matched"), "{scene}: {:#}", report.0);
        assert!(misses * 20 <= paired, "{scene}: {:#}", report.0);
        assert!(report.count("/objects/false_finds") * 20 <= paired, "{scene}: {:#}", report.0);
        assert!(report.number("/error_px/p95") <= 0.5, "{scene}: {:#}", report.0);
    }
}

#[test]
fn the_naive_detector_is_wrong_by_the_radius() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--frames", "60", "--radius", "25"]);
    let _receiver = sender.receiver_with("naive", &["--detector", "naive"]);
    let report = sender.report();
    report.assert_sound();
    let error_px = report.number("/error_px/p50");
    assert!((24.0..27.0).contains(&error_px), "{error_px}");
}
