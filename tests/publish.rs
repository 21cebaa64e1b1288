//! A browser's camera, published: what the hub sees in it comes back to the page, and others can watch it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rebound::scene::{Scene, SceneConfig, SceneKind};
use rebound::units::{Fps, FrameNumber, Px, Size};
use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::process::Uses;
use crate::support::roles::Hub;
use crate::support::{PATIENCE, alone, poll};

/// Of the film that the browser takes for its camera.
const FRAMES: u64 = 30;

/// Keeps what comes on the data channel.
const LISTEN: &str = "window.heard = [];
    const create = RTCPeerConnection.prototype.createDataChannel;
    RTCPeerConnection.prototype.createDataChannel = function (...args) {
        const channel = create.apply(this, args);
        channel.addEventListener('message', ({ data }) => heard.push(JSON.parse(data)));
        return channel;
    };";

fn scene() -> Scene {
    let (size, fps) = (Size::new(640, 480).expect("valid"), Fps::new(30).expect("valid"));
    Scene::new(SceneConfig { frame_code: true, ..SceneConfig::new(SceneKind::Ball, size, fps) }).expect("valid")
}

/// The first frames of the scene, each with its number in it, as a camera of Chromium plays them over and over.
fn film(directory: &Path) -> PathBuf {
    let (path, scene) = (directory.join("camera.y4m"), scene());
    let mut file = BufWriter::new(File::create(&path).expect("a file"));
    file.write_all(b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420\n").expect("written");
    let mut canvas = scene.new_canvas();
    for number in 0..FRAMES {
        scene.draw(&mut canvas, FrameNumber(number));
        file.write_all(b"FRAME\n").expect("written");
        // At this size no row is padded.
        file.write_all(canvas.pixels()).expect("written");
    }
    path
}

/// How far what was seen in this picture is from where it truly is; none if the picture does not tell which it is.
fn error_px(scene: &Scene, sightings: &Value) -> Option<f64> {
    let number = FrameNumber(sightings["code"].as_u64()?);
    let [object] = &sightings["objects"].as_array()?[..] else { return Some(f64::INFINITY) };
    let by = scene.config().size.width() as f64 / sightings["width"].as_f64()?;
    let of = |axis: &str| object[axis].as_f64().map(|at| (at + 0.5) * by - 0.5);
    let seen = Px { x: of("x")?, y: of("y")? };
    let truth = scene.truth(number);
    Some(truth.objects()[0].centre_px.distance(seen))
}

/// Opens the page, and waits until it can be used.
fn open(browser: &Browser, page: &str) {
    browser.open(page);
    poll("the page can be used", PATIENCE, || {
        browser.ask("document.getElementById('start')?.disabled === false").as_bool()?.then_some(())
    });
}

fn start(browser: &Browser, page: &str) {
    open(browser, page);
    browser.click("start");
}

#[test]
fn a_camera_is_published_looked_at_and_watched_and_leaves_nothing() {
    let _machine = alone();
    let directory = tempfile::tempdir().expect("a directory");
    let film = film(directory.path());
    let hub = Hub::start();
    let before = hub.uses();
    let browser = Browser::start(&[
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        &format!("--use-file-for-fake-video-capture={}", film.display()),
    ]);
    browser.prepare(LISTEN);
    let page = format!("http://127.0.0.1:{}/s/camera/publish", hub.port);
    start(&browser, &page);
    browser.wait_for_text("state-word", "Publishing");

    let watching = hub.receiver("camera", "watching");
    poll("coordinates come back", PATIENCE, || {
        browser
            .ask("heard.filter(({ type, code }) => type === 'sightings' && code != null).length > 60")
            .as_bool()?
            .then_some(())
    });
    let heard = browser.ask("heard.filter(({ type }) => type === 'sightings')");
    let scene = scene();
    let mut errors: Vec<f64> = heard.as_array().expect("a list").iter().filter_map(|one| error_px(&scene, one)).collect();
    errors.sort_by(f64::total_cmp);
    let (median, worst) = (errors[errors.len() / 2], errors[errors.len() * 95 / 100]);
    assert!(median < 0.5 && worst < 2.0, "{median} px, {worst} px of {}", errors.len());
    let latency = browser.number("latency").expect("frames are named");
    assert!(latency > 1.0 && latency < 1000.0, "{latency} ms");
    assert!(browser.number("rate").is_some_and(|rate| rate > 5.0), "{}", browser.text("rate"));
    watching.wait_for("connected: the sender's certificate");
    hub.wait_for("first coordinates receiver=\"watching\"");

    // A second one finds the place taken.
    let other = Browser::start(&["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
    start(&other, &page);
    other.wait_for_text("reason", "has a sender");
    drop(other);

    browser.click("start");
    browser.wait_for_text("state-word", "Off");
    watching.wait_for("waiting for the sender: what was published here is over");
    drop(watching);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    drop(browser);
    // While it lasts there are 25 threads more. The runtime keeps a few for some seconds, GStreamer a descriptor for ever.
    let most = Uses { threads: before.threads + 8, descriptors: before.descriptors + 4 };
    hub.wait_until_it_uses_at_most(most, Duration::from_secs(20));
}

#[test]
fn a_page_that_may_not_use_the_camera_says_why() {
    let _machine = alone();
    let hub = Hub::start();
    let browser = Browser::start(&["--host-resolver-rules=MAP camera.test 127.0.0.1"]);
    browser.open(&format!("http://camera.test:{}/s/camera/publish", hub.port));
    browser.wait_for_text("reason", "over https or on localhost only");
    open(&browser, &format!("http://127.0.0.1:{}/s/camera/publish", hub.port));
    for (error, words) in [
        ("NotAllowedError", "may not be used"),
        ("NotFoundError", "no camera on this device"),
        ("NotReadableError", "in use elsewhere"),
    ] {
        browser.ask(&format!("navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{error}'))"));
        browser.click("start");
        browser.wait_for_text("reason", words);
        assert_eq!(browser.text("start"), "Start");
    }
}
