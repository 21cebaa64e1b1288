//! Somebody in the middle of the signalling who rewrites fingerprints: no frame and no message passes, and it is over at once.

use std::time::Duration;

use serde_json::Value;

use crate::support::report::Report;
use crate::support::roles::{Receiver, Sender};
use crate::support::websocket::{From, Middle, Passed};
use crate::support::{PATIENCE, beside_others};

/// How long a session with a wrong fingerprint lasts at most.
const OVER_WITHIN: Duration = Duration::from_secs(1);

/// How long ICE and DTLS may take until there is a certificate to look at, on a busy machine.
const CERTIFICATE_WITHIN: Duration = Duration::from_secs(10);

const FINGERPRINT: &str = "a=fingerprint:";

/// A sender, a receiver, and somebody in the middle.
struct Attack {
    sender: Sender,
    receiver: Receiver,
    middle: Middle,
}

impl Attack {
    /// Rewrites every line with a fingerprint in the SDP of `victim` to what `rewrite` makes of it; what begins with nothing is
    /// left out.
    fn on(victim: From, rewrite: impl Fn(&str) -> String + Send + Sync + 'static) -> Attack {
        let sender = Sender::start(&["--size", "320x240"]);
        let middle = Middle::start(&sender.url(), move |from, message| {
            if from == victim
                && let Some(sdp) = message["sdp"].as_str()
            {
                let lines = sdp.split_inclusive('\n');
                let line = |line: &str| if line.starts_with(FINGERPRINT) { rewrite(line) } else { line.to_owned() };
                message["sdp"] = Value::String(lines.map(line).collect());
            }
        });
        let receiver = Receiver::start(&middle.url, "victim", &[]);
        Attack { sender, receiver, middle }
    }

    /// The rewritten SDP.
    fn rewritten(&self, kind: &str) -> Passed {
        self.middle.wait_for(kind, PATIENCE, |passed| passed.message["type"] == kind)
    }

    /// The sender's complaint to the receiver.
    fn complaint(&self, patience: Duration) -> Passed {
        self.middle.wait_for("an error", patience, |passed| passed.message["type"] == "error")
    }

    /// Nothing that the receiver saw was believed, and nothing was seen that counts.
    fn assert_nothing_passed(self) {
        let report = self.assert_nothing_was_seen();
        assert_nothing_in(&report);
    }

    /// Nothing that the receiver saw was believed. The sender may have sent it something, until it went.
    fn assert_nothing_was_seen(mut self) -> Report {
        self.receiver.signal(nix::sys::signal::Signal::SIGTERM);
        let ended = self.receiver.ended();
        assert!(ended.stderr.contains("detected=0"), "{}", ended.stderr);
        let report = self.sender.interrupt();
        for count in ["detected", "returned", "matched", "unknown", "before_join", "garbage"] {
            assert_eq!(report.count(&format!("/frames/{count}")), 0, "{count}: {:#}", report.0);
        }
        report
    }
}

fn assert_nothing_in(report: &Report) {
    for count in ["sent", "decoded", "detected", "returned", "matched", "unknown", "before_join", "garbage"] {
        assert_eq!(report.count(&format!("/frames/{count}")), 0, "{count}: {:#}", report.0);
    }
    assert_eq!(report.receivers().len(), 0, "{:#}", report.0);
}

/// Another certificate's fingerprint, of the same form.
fn another(line: &str) -> String {
    let (name, digits) = line.split_at(line.rfind(' ').expect("a fingerprint has two words") + 1);
    let digit = |digit: char| if digit.is_ascii_hexdigit() { if digit == '0' { '1' } else { '0' } } else { digit };
    format!("{name}{}", digits.chars().map(digit).collect::<String>())
}

fn md5(_: &str) -> String {
    format!("{FINGERPRINT}md5 {}\r\n", ["AB"; 16].join(":"))
}

fn missing(_: &str) -> String {
    String::new()
}

fn conflicting(line: &str) -> String {
    format!("{line}{}", another(line))
}

#[test]
fn with_nothing_rewritten_the_middle_is_not_noticed() {
    let _machine = beside_others();
    let mut attack = Attack::on(From::Receiver, str::to_owned);
    attack.sender.wait_for_receiver("victim");
    attack.sender.wait_for("receivers 1");
    let report = attack.sender.interrupt();
    report.assert_sound();
    assert!(report.count("/frames/matched") > 0, "{:#}", report.0);
}

#[test]
fn another_certificate_than_the_answers_is_refused_by_the_sender() {
    let _machine = beside_others();
    let attack = Attack::on(From::Receiver, another);
    attack.rewritten("answer");
    let error = attack.complaint(CERTIFICATE_WITHIN).message;
    assert_eq!(error["code"], "FINGERPRINT_MISMATCH", "{error}");
    assert_eq!(error["recoverable"], false, "{error}");
    attack.receiver.wait_for("we are sent away");
    attack.sender.wait_for("receiver gone receiver=\"victim\"");
    attack.assert_nothing_passed();
}

#[test]
fn another_certificate_than_the_offers_is_refused_by_the_receiver() {
    let _machine = beside_others();
    let attack = Attack::on(From::Sender, another);
    attack.rewritten("offer");
    attack.receiver.wait_within(CERTIFICATE_WITHIN, "the sender's certificate is not the one that its offer names", 1);
    attack.receiver.wait_within(OVER_WITHIN, "session over: certificate and fingerprint differ", 1);
    attack.sender.wait_within(OVER_WITHIN, "receiver gone receiver=\"victim\"", 1);
    // The sender is not lied to, and may be connected before the receiver is gone.
    attack.assert_nothing_was_seen();
}

#[test]
fn answers_with_missing_weak_or_conflicting_fingerprints_are_refused() {
    let _machine = beside_others();
    for rewrite in [missing, md5, conflicting] {
        let attack = Attack::on(From::Receiver, rewrite);
        let answer = attack.rewritten("answer");
        let error = attack.complaint(PATIENCE);
        assert_eq!(error.message["code"], "SDP_REFUSED", "{}", error.message);
        assert_eq!(error.message["recoverable"], false, "{}", error.message);
        assert!(error.at - answer.at < OVER_WITHIN, "{:?}", error.at - answer.at);
        attack.assert_nothing_passed();
    }
}

#[test]
fn offers_with_missing_weak_or_conflicting_fingerprints_are_refused() {
    let _machine = beside_others();
    for rewrite in [missing, md5, conflicting] {
        let attack = Attack::on(From::Sender, rewrite);
        let offer = attack.rewritten("offer");
        let bye = attack.middle.wait_for("a bye", PATIENCE, |passed| passed.message["type"] == "bye");
        assert_eq!(bye.from, From::Receiver, "{}", bye.message);
        let reason = bye.message["reason"].as_str().unwrap();
        assert!(reason.contains("fingerprint"), "{reason}");
        assert!(bye.at - offer.at < OVER_WITHIN, "{:?}", bye.at - offer.at);
        attack.assert_nothing_passed();
    }
}
