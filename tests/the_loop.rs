//! The closed loop between processes: every coordinate is joined to the frame that it was seen in.

use crate::support::beside_others;
use crate::support::roles::Sender;

#[test]
fn every_frame_comes_back_and_is_joined_to_itself() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--frames", "90"]);
    let _receiver = sender.receiver("one");
    let report = sender.report();
    report.assert_sound();
    assert_eq!(report.count("/frames/produced"), 90);
    assert!(report.matched_part() >= 0.99, "{:#}", report.0);
    assert!(report.number("/error_px/p95") <= 0.05, "{:#}", report.0);
}
