//! `--impair`: what becomes of the packets is what was asked for, as told by those who do not know of it.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::report::Report;
use crate::support::roles::Sender;
use crate::support::{alone, beside_others, poll};

/// Of 4 Mbit/s eight packets a frame: enough of them in four seconds.
const MANY_PACKETS: [&str; 8] = ["--size", "640x480", "--fps", "30", "--scene", "hard", "--frames", "120"];

/// Few packets, and little work.
const FEW_PACKETS: [&str; 6] = ["--size", "320x240", "--fps", "30", "--frames", "60"];

/// What a sender and a receiver with these options report together.
fn looped(send: &[&str], receive: &[&str]) -> Report {
    let mut sender = Sender::start(send);
    let _receiver = sender.receiver_with("one", receive);
    let report = sender.report();
    report.assert_sound();
    report
}

#[test]
fn so_many_packets_are_lost_as_asked_and_the_receiver_misses_as_many() {
    let _machine = beside_others();
    let report = looped(&[&MANY_PACKETS[..], &["--bitrate", "4M", "--impair", "loss=10%"]].concat(), &[]);
    let [offered, lost] = ["offered", "lost"].map(|name| report.count(&format!("/impairment/packets/{name}")) as f64);
    assert!(offered >= 500.0, "{:#}", report.0);
    let (lost_percent, tolerance) = (100.0 * lost / offered, five_deviations(offered));
    assert!((lost_percent - 10.0).abs() <= tolerance, "{lost_percent} % are lost, 10 % ± {tolerance} % were asked for");

    let receiver = report.receiver("one");
    let [received, recovered, given_up] =
        ["received", "recovered", "lost"].map(|name| receiver.count(&format!("/stats/packets/{name}")) as f64);
    let due = received + given_up;
    let missed_percent = 100.0 * (recovered + given_up) / due;
    // A request for a packet that is only late counts as well.
    let tolerance = five_deviations(due) + 1.0;
    assert!(
        (missed_percent - 10.0).abs() <= tolerance,
        "{missed_percent} % are missed, {tolerance} % off: {:#}",
        receiver.0
    );
}

/// Of a loss of 10 % of so many packets, in percent of them.
fn five_deviations(packets: f64) -> f64 {
    100.0 * 5.0 * (0.1 * 0.9 / packets).sqrt()
}

#[test]
fn the_last_frames_of_a_far_receiver_are_answered_too() {
    let _machine = beside_others();
    let report = looped(&[&FEW_PACKETS[..], &["--impair", "delay=400ms"]].concat(), &[]);
    assert_eq!(report.count("/frames/ended/in_flight"), 0, "{:#}", report.0);
}

#[test]
fn packets_are_late_by_the_delay_of_the_end_that_sends_them() {
    let _machine = alone();
    let median = |send: &[&str], receive: &[&str], stage: &str| {
        looped(&[&FEW_PACKETS[..], send].concat(), receive).number(&format!("/stages_ms/{stage}/p50"))
    };
    let delay = &["--impair", "delay=100ms"][..];
    let clear = looped(&FEW_PACKETS, &[]);
    let [there, network] = ["there", "network"].map(|stage| clear.number(&format!("/stages_ms/{stage}/p50")));
    // The rest is for threads of a busy machine that wake up late.
    let close = |late_ms: f64, delay_ms: f64| (delay_ms - 2.0..delay_ms + 15.0).contains(&late_ms);

    let both = looped(&[&FEW_PACKETS[..], delay].concat(), delay);
    let [there_late, network_late] = ["there", "network"].map(|stage| both.number(&format!("/stages_ms/{stage}/p50")));
    assert!(close(there_late - there, 100.0), "{there} without the delay, {there_late} with it");
    assert!(close(network_late - network, 200.0), "{network} without the delays, {network_late} with them");
    // How the time divides between there and back, no clock could tell: only the sum is known.
    let one_way = median(delay, &[], "network");
    assert!(close(one_way - network, 100.0), "{network} without the delay, {one_way} with it one way");
    let other_way = median(&[], delay, "network");
    assert!(close(other_way - network, 100.0), "{network} without the delay, {other_way} with it the other way");
}

#[test]
fn no_more_comes_than_the_rate_and_nothing_waits_longer_than_the_queue() {
    let _machine = beside_others();
    let mut sender =
        Sender::start(&[&MANY_PACKETS[..], &["--bitrate", "2M"], &["--impair", "rate=1mbit,queue=300ms"]].concat());
    let started = Instant::now();
    // It does not wait for lost packets, so that none of its times contains a second way through the queue.
    let _receiver = sender.receiver_with("one", &["--jitter-ms", "0"]);
    let report = sender.report();
    let most_bytes = started.elapsed().as_secs_f64() * 1e6 / 8.0;
    let packets = |name: &str| report.count(&format!("/impairment/packets/{name}"));
    assert!(packets("delivered_bytes") as f64 <= most_bytes, "{most_bytes}: {:#}", report.0);
    assert!(packets("queue_dropped") > packets("offered") / 10, "the rate was no limit: {:#}", report.0);
    // The video lasts four seconds at least.
    assert!(packets("delivered_bytes") as f64 >= 2.0 * 1e6 / 8.0, "{:#}", report.0);
    let latest_ms = report.number("/stages_ms/there/max");
    assert!((150.0..370.0).contains(&latest_ms), "{latest_ms}: {:#}", report.0);
}

#[test]
fn nothing_of_a_bad_network_is_left_when_a_receiver_goes() {
    let _machine = beside_others();
    let network = ["--impair", "clean; at=1s delay=10s"];
    let mut sender = Sender::start(&[&["--size", "320x240", "--fps", "30"][..], &network].concat());
    assert_eq!(impairing_threads(&sender), 0, "before anybody came");
    for name in ["first", "second"] {
        let receiver = sender.receiver(name);
        sender.wait_for_receiver(name);
        assert_eq!(impairing_threads(&sender), 1);
        // The live view, once a second: by then packets are on their way for ten seconds, which nobody waits for.
        let line = "  receivers ";
        sender.wait_for_nth(line, sender.said_times(line) + 3);
        receiver.signal(Signal::SIGKILL);
        // Another connection is offered to it until the hub has waited long enough.
        sender.wait_for(&format!("receiver gone receiver=\"{name}\" why=its connection closed"));
        poll("its thread ends", Duration::from_secs(5), || (impairing_threads(&sender) == 0).then_some(()));
    }
    let report = sender.interrupt();
    assert_eq!(sender.said_times("CRITICAL"), 0, "GStreamer complains: {}", sender.said());
    let packets = |name: &str| report.count(&format!("/impairment/packets/{name}"));
    assert!(packets("offered") > packets("delivered") + 20, "no packet was on its way: {:#}", report.0);
}

fn impairing_threads(sender: &Sender) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", sender.pid())).expect("it runs");
    let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.trim() == "impair").count()
}
