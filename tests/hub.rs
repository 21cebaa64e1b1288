//! Sessions at a hub of its own: who comes first, who is let in, and what survives when something in between is lost.

use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;

use crate::support::beside_others;
use crate::support::process::{Process, said_at};
use crate::support::proxy::Proxy;
use crate::support::report::Report;
use crate::support::roles::{Hub, Receiver, Sender};

/// What is promised of a hub that returns and of a receiver that starts.
const SOON: Duration = Duration::from_secs(2);

/// Waits for lines of the sender's live view: one a second.
fn wait_for_seconds(sender: &Sender, seconds: usize) {
    let line = "  receivers ";
    sender.wait_for_nth(line, sender.said_times(line) + seconds);
}

/// How long after `since` this process said `pattern` for the `nth` time, by its log.
fn said_after(process: &Process, since: SystemTime, pattern: &str, nth: usize) -> Duration {
    let line = process.wait_for_nth(pattern, nth);
    said_at(&line).duration_since(since).unwrap_or_default()
}

/// All its video came over one peer connection, and no answer to it was lost.
fn assert_never_interrupted(sender: &Sender, receiver: &Receiver, report: &Report, name: &str) {
    assert_eq!(sender.said_times(&format!("receiver connected receiver=\"{name}\"")), 1, "{}", sender.said());
    assert_eq!(receiver.said_times("connected: the sender's certificate"), 1, "{}", receiver.said());
    let served = report.receiver(name);
    served.assert_sound();
    served.assert_closed();
}

/// The id that the hub gave, in the `nth` welcome.
fn id_in_welcome(receiver: &Receiver, nth: usize) -> String {
    let line = receiver.wait_for_nth("the hub lets us in", nth);
    let id = line.split_whitespace().find(|word| word.starts_with("id="));
    id.unwrap_or_else(|| panic!("no id in {line}")).to_owned()
}

#[test]
fn either_side_comes_first_and_two_sessions_at_once_do_not_mix() {
    let _machine = beside_others();
    let hub = Hub::start();
    let early = hub.receiver("left", "early");
    early.wait_for("waiting for the sender");
    let mut right = hub.sender("right");
    right.wait_for("the session is open");
    let mut left = hub.sender("left");
    let _late = hub.receiver("right", "late");
    for (sender, name) in [(&left, "early"), (&right, "late")] {
        sender.wait_for(&format!("first coordinates receiver=\"{name}\""));
    }
    for (sender, name) in [(&mut left, "early"), (&mut right, "late")] {
        let report = sender.interrupt();
        assert_eq!(report.receivers().len(), 1, "{:#}", report.0);
        let receiver = report.receiver(name);
        receiver.assert_sound();
        assert!(receiver.count("/frames/matched") > 0, "{:#}", receiver.0);
    }
    early.wait_for("waiting for the sender: the sender ended");
}

#[test]
fn a_session_has_one_sender_and_its_name_is_free_again_when_that_ends() {
    let hub = Hub::start();
    let mut first = hub.sender("court");
    first.wait_for("the session is open");
    let ended = hub.sender("court").ended();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let told = "error: we are refused: session 'court' has a sender; choose another name, or end that one";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    first.signal(Signal::SIGKILL);
    first.ended();
    hub.sender("court").wait_for("the session is open");
}

#[test]
fn a_hub_that_was_killed_and_returns_is_found_soon_and_video_goes_on_meanwhile() {
    let _machine = beside_others();
    let mut hub = Hub::start();
    let mut sender = hub.sender("court");
    let stays = hub.receiver("court", "stays");
    sender.wait_for("first coordinates receiver=\"stays\"");
    hub.signal(Signal::SIGKILL);
    hub.ended();
    for process in [&*sender, &*stays] {
        process.wait_for("the connection to the hub is lost, video goes on");
    }
    // Long enough for both to try as seldom as they ever do.
    wait_for_seconds(&sender, 4);
    let hub = Hub::start_at(hub.port);
    let found =
        [said_after(&sender, hub.since, "the hub is back", 1), said_after(&stays, hub.since, "the hub lets us in", 2)];
    assert!(found.iter().all(|after| *after < SOON), "{found:?}");
    assert_eq!(id_in_welcome(&stays, 1), id_in_welcome(&stays, 2));
    let _late = hub.receiver("court", "late");
    sender.wait_for("first coordinates receiver=\"late\"");
    let report = sender.interrupt();
    assert_never_interrupted(&sender, &stays, &report, "stays");
    assert_eq!(report.receivers().len(), 2, "{:#}", report.0);
}

#[test]
fn a_receiver_that_was_killed_and_started_again_answers_soon() {
    let _machine = beside_others();
    let hub = Hub::start();
    let sender = hub.sender("court");
    let mut killed = hub.receiver("court", "killed");
    sender.wait_for("first coordinates receiver=\"killed\"");
    killed.signal(Signal::SIGKILL);
    killed.ended();
    let since = SystemTime::now();
    let _again = hub.receiver("court", "again");
    let after = said_after(&sender, since, "first coordinates receiver=\"again\"", 1);
    assert!(after < SOON, "{after:?}");
}

#[test]
fn connections_to_the_hub_that_are_cut_are_resumed_and_video_goes_on_meanwhile() {
    let _machine = beside_others();
    let hub = Hub::start();
    let [to_sender, to_receiver] = [Proxy::start(hub.port), Proxy::start(hub.port)];
    let mut sender = Sender::at_hub(to_sender.port, "court");
    let receiver = Receiver::at_hub(to_receiver.port, "court", "stays");
    sender.wait_for("first coordinates receiver=\"stays\"");
    to_receiver.cut();
    receiver.wait_for("kept=true");
    to_sender.cut();
    sender.wait_for("the hub is back");
    to_sender.cut();
    to_receiver.cut();
    sender.wait_for_nth("the hub is back", 2);
    receiver.wait_for_nth("kept=true", 2);
    wait_for_seconds(&sender, 2);
    let report = sender.interrupt();
    let ids = [1, 2, 3].map(|nth| id_in_welcome(&receiver, nth));
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(report.receivers().len(), 1, "{:#}", report.0);
    assert_never_interrupted(&sender, &receiver, &report, "stays");
}
