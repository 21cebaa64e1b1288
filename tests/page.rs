//! The page, in a real browser, on a real sender.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::browser::Browser;
use crate::support::report::Report;
use crate::support::roles::Sender;
use crate::support::{PATIENCE, alone, beside_others, free_port, poll};

/// How much of the run the page has not been told of, or the page rounds away.
const ROUNDING_PX: f64 = 0.002;

fn page(sender: &Sender) -> String {
    format!("http://127.0.0.1:{}/s/test", sender.port)
}

/// Waits until the sender has told the page of so many frames.
fn wait_for_figures(browser: &Browser, least: u64) {
    poll("the page knows of matched frames", PATIENCE, || {
        let length = browser.ask("Number(document.getElementById('error-plot').dataset.frames ?? 0)").as_u64();
        length.filter(|length| *length >= least)
    });
}

/// What the page says is what the sender reports, and nothing was joined to a frame that it does not belong to: an answer of the
/// neighbouring frame would be off by 10 px, which is how far the ball moves.
fn assert_agrees(shown: &[(&str, f64)], report: &Report) {
    report.assert_sound();
    for &(figure, shown) in shown {
        let reported = report.number(figure);
        let tolerance = match figure {
            "/error_px/p50" | "/error_px/p95" => ROUNDING_PX,
            "/latency_ms/p50" => 0.1 * reported + 1.0,
            // The slowest are few, and on a busy machine they come in bursts: in the last second may be more of them.
            _ => 0.5 * reported + 10.0,
        };
        assert!((shown - reported).abs() <= tolerance, "{figure}: {shown} on the page, {reported} in the report");
    }
    assert!(report.number("/error_px/max") < 0.2, "{:#}", report.0);
}

fn figures(browser: &Browser) -> Vec<(&'static str, f64)> {
    let shown = [
        ("/error_px/p50", "error"),
        ("/error_px/p95", "error-p95"),
        ("/latency_ms/p50", "latency"),
        ("/latency_ms/p95", "latency-p95"),
    ];
    shown.map(|(figure, id)| (figure, browser.number(id).unwrap_or_else(|| panic!("no {id}")))).to_vec()
}

#[test]
fn a_browser_is_a_detector_and_shows_what_the_sender_measured() {
    let _machine = alone();
    let mut sender = Sender::start(&["--session", "test", "--size", "640x480", "--fps", "30"]);
    let browser = Browser::phone();
    browser.open(&page(&sender));
    browser.wait_for_text("state-word", "Live");
    wait_for_figures(&browser, 150);
    let shown = figures(&browser);
    let stages =
        browser.ask("[...document.getElementById('stages').children].map((stage) => stage.dataset.stage).join(' ')");
    assert_eq!(stages, "encode send there decode detect return total");
    assert_eq!(browser.text("detector"), "Detecting");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let report = sender.interrupt();
    let receivers = report.receivers();
    assert_eq!(receivers.len(), 1);
    assert_agrees(&shown, &receivers[0]);
    assert!(receivers[0].count("/stats/packets/received") > 0, "{:#}", receivers[0].0);
}

#[test]
fn a_browser_without_access_to_the_decoder_detects_what_it_shows() {
    let _machine = alone();
    let mut sender = Sender::start(&["--session", "test", "--size", "640x480", "--fps", "30"]);
    // By a name that is neither localhost nor https, as in a local network: browsers keep some things from such pages.
    let browser = Browser::start(&["--host-resolver-rules=MAP camera.test 127.0.0.1"]);
    browser.prepare("delete window.MediaStreamTrackProcessor");
    browser.open(&format!("http://camera.test:{}/s/test", sender.port));
    browser.wait_for_text("detector", "Detecting shown frames");
    assert_eq!(browser.ask("isSecureContext"), false);
    wait_for_figures(&browser, 150);
    let shown = figures(&browser);
    // Only that its clock is coarse, since such a page cannot be isolated.
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|complaint| complaint.contains("Cross-Origin-Opener-Policy")), "{complaints:?}");
    let report = sender.interrupt();
    assert_agrees(&shown, &report.receivers()[0]);
}

#[test]
fn a_browser_that_cannot_name_frames_watches_and_says_why() {
    let _machine = beside_others();
    let mut sender = Sender::start(&["--session", "test", "--size", "640x480", "--fps", "30"]);
    let browser = Browser::start(&[]);
    browser.prepare("delete window.MediaStreamTrackProcessor; delete HTMLVideoElement.prototype.requestVideoFrameCallback;");
    browser.open(&page(&sender));
    browser.wait_for_text("state-word", "Live");
    browser.wait_for_text("detector", "Viewing only");
    browser.wait_for_text("reason", "does not say which frame it shows");
    poll("the video plays", PATIENCE, || {
        browser.ask("document.getElementById('video').currentTime > 1").as_bool().filter(|plays| *plays)
    });
    assert_eq!(browser.ask("document.getElementById('placeholder').hidden"), true);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let report = sender.interrupt();
    assert_eq!(report.receivers()[0].0["viewer"], true, "{:#}", report.0);
}

#[test]
fn the_page_comes_back_by_itself_and_by_hand() {
    let _machine = beside_others();
    let port = free_port();
    let options = ["--session", "test", "--size", "320x240", "--fps", "30"];
    let sender = Sender::start_at(port, &options);
    let browser = Browser::start(&[]);
    browser.open(&page(&sender));
    browser.wait_for_text("state-word", "Live");
    browser.click("retry");
    sender.wait_for_nth("receiver connected", 2);
    browser.wait_for_text("state-word", "Live");
    wait_for_figures(&browser, 30);
    sender.signal(Signal::SIGKILL);
    drop(sender);
    browser.wait_for_text("state-word", "Interrupted");
    assert_eq!(browser.ask("document.getElementById('state').dataset.state"), "interrupted");
    let sender = Sender::start_at(port, &options);
    let back = Instant::now();
    sender.wait_for("receiver connected");
    assert!(back.elapsed() < Duration::from_secs(10), "{:?}", back.elapsed());
    browser.wait_for_text("state-word", "Live");
    wait_for_figures(&browser, 30);
}

#[test]
fn the_list_of_sessions_leads_to_each_of_them() {
    let _machine = beside_others();
    let sender = Sender::start(&["--session", "lab-camera", "--size", "320x240", "--fps", "30"]);
    let browser = Browser::start(&[]);
    // What a hub with two sessions answers.
    browser.prepare(
        r#"window.fetch = async (path) => path !== "/api/sessions" ? new Response("", { status: 404 }) : Response.json([
            { id: "lab-camera", sender: true, receivers: 2, viewers: 1, since: "2026-11-21T10:00:00Z" },
            { id: "<b>bold", sender: false, receivers: 0, viewers: 0, since: "" }])"#,
    );
    browser.open(&format!("http://127.0.0.1:{}/", sender.port));
    browser.wait_for_text("session-list", "lab-camera● sending · 2 receivers · 1 viewer · since ");
    browser.wait_for_text("session-list", "<b>bold○ no sender · 0 receivers · 0 viewers");
    assert_eq!(browser.ask("document.querySelector('#session-list b')"), serde_json::Value::Null);
    browser.ask("document.querySelector('#session-list a').click()");
    browser.wait_for_text("session-id", "lab-camera");
    browser.wait_for_text("state-word", "Live");
    browser.ask("document.querySelector('#share summary').click()");
    poll("the QR code is there", PATIENCE, || {
        browser.ask("document.getElementById('qr').naturalWidth > 0").as_bool().filter(|is_there| *is_there)
    });
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
