//! Receivers and senders that die, freeze, leave or never speak: nobody else notices, and nothing of them is left.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::process::Uses;
use crate::support::report::Report;
use crate::support::roles::{Receiver, Sender};
use crate::support::websocket::Client;
use crate::support::{PATIENCE, alone, beside_others};

/// A frozen peer is noticed after 4.5 s, since a network may carry nothing for 3 s; the rest is for a busy machine.
const NOTICED_WITHIN: Duration = Duration::from_secs(8);

/// Whoever is killed is let go with its media, since its connection to the hub is closed; that of one that is frozen counts as lost after 15 s
/// without an answer to a ping. The rest is for a busy machine.
const FREED_WITHIN: Duration = Duration::from_secs(30);

const SMALL: [&str; 4] = ["--size", "320x240", "--fps", "30"];

/// Lets a receiver come and go, so that everything that is made once and kept has been made.
fn warm_up(sender: &Sender) {
    let mut receiver = sender.receiver("first");
    sender.wait_for_receiver("first");
    receiver.signal(Signal::SIGTERM);
    receiver.ended();
    sender.wait_for("receiver gone receiver=\"first\"");
}

/// What a sender uses without and with two receivers, who stay.
fn with_two_receivers(sender: &Sender) -> (Uses, [Receiver; 2]) {
    let receivers = ["a", "b"].map(|name| sender.receiver(name));
    ["a", "b"].iter().for_each(|name| sender.wait_for_receiver(name));
    (sender.uses_at_rest(), receivers)
}

/// Waits for two more lines of the live view: a second, and so two heartbeats of everybody who is connected.
fn wait_for_heartbeats(sender: &Sender) {
    let line = "  receivers ";
    sender.wait_for_nth(line, sender.said_times(line) + 2);
}

fn assert_undisturbed(report: &Report) {
    for name in ["a", "b"] {
        let receiver = report.receiver(name);
        receiver.assert_sound();
        // Six processes at once on a busy machine lose a packet now and then.
        receiver.assert_accounted(0.95);
        assert!(receiver.number("/error_px/max") < 1.0, "{:#}", receiver.0);
    }
}

#[test]
fn killed_and_frozen_receivers_are_freed_and_the_others_do_not_notice() {
    let _machine = beside_others();
    let mut sender = Sender::start(&SMALL);
    warm_up(&sender);
    let (before, _receivers) = with_two_receivers(&sender);
    let victims = [("killed", Signal::SIGKILL), ("frozen", Signal::SIGSTOP)];
    let processes = victims.map(|(name, _)| sender.receiver(name));
    victims.iter().for_each(|(name, _)| sender.wait_for_receiver(name));
    wait_for_heartbeats(&sender);
    assert!(sender.uses().threads > before.threads, "a receiver costs nothing, so that freeing it cannot be seen");
    for ((name, harm), process) in victims.iter().zip(&processes) {
        process.signal(*harm);
        sender.wait_within(NOTICED_WITHIN, &format!("receiver gone receiver=\"{name}\""), 1);
    }
    sender.wait_until_it_uses_at_most(before, FREED_WITHIN);
    let report = sender.interrupt();
    assert_undisturbed(&report);
    for (name, _) in victims {
        assert!(!report.receiver(name).0["left_ms"].is_null(), "{name}");
    }
}

#[test]
fn a_frozen_receiver_that_thaws_comes_back_as_the_same_and_the_gap_is_shown() {
    let _machine = beside_others();
    let mut sender = Sender::start(&SMALL);
    let receiver = sender.receiver("sleeper");
    sender.wait_for_receiver("sleeper");
    wait_for_heartbeats(&sender);
    receiver.signal(Signal::SIGSTOP);
    sender.wait_within(NOTICED_WITHIN, "receiver gone receiver=\"sleeper\"", 1);
    receiver.signal(Signal::SIGCONT);
    sender.wait_for_nth("first coordinates receiver=\"sleeper\"", 2);
    let report = sender.interrupt();
    report.assert_sound();
    assert_eq!(report.receivers().len(), 1, "{:#}", report.0);
    let sleeper = report.receiver("sleeper");
    sleeper.assert_sound();
    let gaps = sleeper.0["interruptions"].as_array().expect("a list");
    assert!(!gaps.is_empty() && sleeper.0["left_ms"].is_null(), "{:#}", sleeper.0);
}

#[test]
fn a_receiver_that_lost_its_sender_keeps_waiting() {
    let _machine = beside_others();
    let sender = Sender::start(&SMALL);
    let mut receiver = sender.receiver("patient");
    sender.wait_for_receiver("patient");
    sender.signal(Signal::SIGKILL);
    receiver.wait_within(NOTICED_WITHIN, "session over", 1);
    receiver.wait_for("nobody listens there yet");
    assert!(receiver.is_running());
    receiver.signal(Signal::SIGTERM);
    assert_eq!(receiver.ended().code, Some(0));
}

#[test]
fn a_frozen_sender_is_noticed_by_its_receiver() {
    let _machine = beside_others();
    let sender = Sender::start(&SMALL);
    let mut receiver = sender.receiver("patient");
    sender.wait_for_receiver("patient");
    wait_for_heartbeats(&sender);
    sender.signal(Signal::SIGSTOP);
    receiver.wait_within(NOTICED_WITHIN, "session over: nothing was heard of the sender", 1);
    assert!(receiver.is_running());
    sender.signal(Signal::SIGCONT);
    sender.wait_for_nth("receiver connected receiver=\"patient\"", 2);
}

#[test]
fn a_sender_ends_well_on_either_signal() {
    let _machine = beside_others();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut sender = Sender::start(&SMALL);
        let receiver = sender.receiver("one");
        sender.wait_for_receiver("one");
        receiver.wait_for("connected: the sender's certificate");
        sender.wait_for("receivers 1");
        sender.signal(signal);
        let report = sender.report();
        report.assert_sound();
        assert!(report.count("/frames/matched") > 0, "{:#}", report.0);
        receiver.wait_for("the sender ended");
    }
}

#[test]
fn a_sender_without_receivers_reports_too() {
    let mut sender = Sender::start(&SMALL);
    let report = sender.interrupt();
    report.assert_sound();
    assert_eq!(report.receivers().len(), 0);
    assert!(report.0["error_px"]["mean"].is_null());
}

#[test]
fn the_second_interrupt_ends_at_once() {
    let _machine = beside_others();
    let mut sender = Sender::start(&SMALL);
    let receiver = sender.receiver("frozen");
    sender.wait_for_receiver("frozen");
    // The coordinates of the frames that it is sent from now on are waited for at the end, and do not come.
    receiver.signal(Signal::SIGSTOP);
    wait_for_heartbeats(&sender);
    sender.signal(Signal::SIGINT);
    sender.wait_for("once more ends at once");
    sender.signal(Signal::SIGINT);
    let ended = sender.ended();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(!sender.report_file().exists());
}

#[test]
fn a_receiver_says_goodbye() {
    let _machine = beside_others();
    let mut sender = Sender::start(&SMALL);
    for (number, signal) in [(1, Signal::SIGTERM), (2, Signal::SIGINT)] {
        let mut receiver = sender.receiver("polite");
        sender.wait_for_nth("receiver connected receiver=\"polite\"", number);
        receiver.signal(signal);
        assert_eq!(receiver.ended().code, Some(0));
        let line = sender.wait_for_nth("receiver gone receiver=\"polite\"", number);
        assert!(line.contains("it said goodbye"), "{line}");
    }
    sender.interrupt();
}

#[test]
fn thirty_receivers_that_come_and_go_leave_nothing_behind() {
    let _machine = alone();
    let mut sender = Sender::start(&["--size", "320x240", "--fps", "15"]);
    warm_up(&sender);
    let mut crowd = |round: usize| {
        let names: Vec<String> = (0..10).map(|number| format!("round {round} number {number}")).collect();
        let mut receivers: Vec<Receiver> = names.iter().map(|name| sender.receiver(name)).collect();
        names.iter().for_each(|name| sender.wait_for_receiver(name));
        for (number, receiver) in receivers.iter_mut().enumerate() {
            receiver.signal(if number % 2 == 0 { Signal::SIGTERM } else { Signal::SIGKILL });
        }
        names.iter().for_each(|name| drop(sender.wait_for(&format!("receiver gone receiver=\"{name}\""))));
    };
    // The first crowd makes the pools as large as they get.
    crowd(0);
    for number in [1, 3, 5, 7, 9] {
        sender.wait_for(&format!("receiver gone receiver=\"round 0 number {number}\" why=its connection closed"));
    }
    let before = sender.uses_at_rest();
    (1..4).for_each(&mut crowd);
    sender.wait_until_it_uses_at_most(before, FREED_WITHIN);
    sender.interrupt();
}

#[test]
fn a_receiver_that_never_answers_is_sent_away_and_freed() {
    let mut sender = Sender::start(&SMALL);
    warm_up(&sender);
    let before = sender.uses_at_rest();
    let mut client = Client::connect(&sender.url());
    client.say(&json!({"type": "join", "version": 1, "role": "receiver", "name": "silent", "codecs": ["H264", "VP8"]}));
    client.hear("offer", PATIENCE).expect("an offer");
    let offered = Instant::now();
    let error = client.hear("error", PATIENCE).expect("an error");
    assert_eq!((&error["code"], &error["recoverable"]), (&json!("TIMEOUT"), &json!(false)), "{error}");
    assert!(offered.elapsed() >= Duration::from_secs(9), "ten seconds are promised");
    assert_eq!(client.hear("bye", PATIENCE), None, "the sender closes");
    sender.wait_for("receiver gone receiver=\"silent\"");
    sender.wait_until_it_uses_at_most(before, FREED_WITHIN);
    sender.interrupt();
}
