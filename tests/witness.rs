//! Frame codes on their way through real codecs, at bitrates that hurt.

use crate::support::beside_others;
use crate::support::report::Report;
use crate::support::roles::Sender;

fn looped(options: &[&str], detector: &str) -> Report {
    let mut sender = Sender::start(&[&["--frame-code"], options].concat());
    let _receiver = sender.receiver_with("one", &["--detector", detector]);
    let report = sender.report();
    report.assert_sound();
    report
}

#[test]
fn codes_are_read_and_agree_at_a_tenth_of_the_bitrate() {
    let _machine = beside_others();
    for encoder in ["x264enc", "vp8enc"] {
        let options = ["--encoder", encoder, "--scene", "hard", "--bitrate", "200k", "--frames", "90"];
        let report = looped(&options, "ball");
        let codes = |what: &str| report.count(&format!("/witness/{what}"));
        assert_eq!(codes("checked"), codes("agree") + codes("disagree"));
        // What an encoder makes of a frame that it has no bits for is the frame before: that is what disagrees.
        assert!(codes("disagree") * 20 <= codes("checked"), "{encoder}: {:#}", report.0);
        assert!(codes("unread") * 10 <= codes("checked"), "{encoder}: {:#}", report.0);
        assert_eq!(codes("disagree"), report.count("/frames/ended/wrong_picture"), "{encoder}: {:#}", report.0);
        // The ball goes 8 px from one frame to the next.
        assert!(report.number("/error_px/max") < 4.0, "{encoder}: {:#}", report.0);
    }
}

#[test]
fn the_code_is_no_object() {
    let _machine = beside_others();
    for scene in ["ball", "hard", "many"] {
        let report = looped(&["--scene", scene, "--frames", "60"], "ball");
        let (paired, false_finds) = (report.count("/objects/paired"), report.count("/objects/false_finds"));
        assert!(false_finds * 20 <= paired, "{scene}: {:#}", report.0);
        assert!(report.number("/error_px/p95") <= 0.5, "{scene}: {:#}", report.0);
    }
    // This one takes the first white that it finds for the ball.
    let report = looped(&["--frames", "60", "--radius", "25"], "naive");
    let error_px = report.number("/error_px/p50");
    assert!((24.0..27.0).contains(&error_px), "{error_px}");
}
