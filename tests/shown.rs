//! What a receiver shows: the decoded picture with what is detected in it, on a display and in a file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::support::process::{Process, rebound};
use crate::support::roles::Sender;
use crate::support::xvfb::{SCREEN, Xvfb};
use crate::support::{PATIENCE, beside_others, poll};

/// A picture of three bytes a pixel.
struct Picture {
    width: usize,
    rgb: Vec<u8>,
}

/// The middle of the pixels of one kind.
#[derive(Debug)]
struct Spot {
    pixels: usize,
    x: f64,
    y: f64,
}

impl Picture {
    fn points(&self, is_wanted: impl Fn([u8; 3]) -> bool) -> Vec<(f64, f64)> {
        let pixels = self.rgb.chunks_exact(3).enumerate();
        let wanted = pixels.filter(|(_, rgb)| is_wanted([rgb[0], rgb[1], rgb[2]]));
        wanted.map(|(at, _)| ((at % self.width) as f64, (at / self.width) as f64)).collect()
    }

    fn spot(&self, is_wanted: impl Fn([u8; 3]) -> bool) -> Spot {
        let points = self.points(is_wanted);
        let mean = |sum: f64| sum / points.len() as f64;
        Spot {
            pixels: points.len(),
            x: mean(points.iter().map(|point| point.0).sum()),
            y: mean(points.iter().map(|point| point.1).sum()),
        }
    }
}

/// The ball: bright, and without a colour.
fn is_bright([red, green, blue]: [u8; 3]) -> bool {
    red.min(green).min(blue) > 200
}

/// The overlay: nothing in the scene has a colour.
fn is_magenta([red, green, blue]: [u8; 3]) -> bool {
    red > 150 && blue > 150 && green < 60
}

/// Whether a picture shows one ball of this radius with a circle around it and a cross in it, or what is wrong.
fn shows_the_detected_ball(picture: &Picture, radius_px: f64) -> Result<(), String> {
    let (ball, overlay) = (picture.spot(is_bright), picture.spot(is_magenta));
    let disk_px = std::f64::consts::PI * radius_px * radius_px;
    // The overlay hides a part of the ball.
    if !(0.6 * disk_px..1.1 * disk_px).contains(&(ball.pixels as f64)) {
        return Err(format!("{ball:?} is no ball of radius {radius_px}"));
    }
    if overlay.pixels < 60 || (overlay.x - ball.x).hypot(overlay.y - ball.y) > 2.0 {
        return Err(format!("{overlay:?} does not belong to {ball:?}"));
    }
    let distances = picture.points(is_magenta).into_iter().map(|(x, y)| (x - ball.x).hypot(y - ball.y));
    let (ring, cross): (Vec<f64>, Vec<f64>) = distances.partition(|distance| *distance > radius_px / 2.0);
    let is_on_ring = |distance: &f64| (distance - radius_px).abs() < 0.15 * radius_px;
    match (ring.len() > 40 && ring.iter().all(is_on_ring), cross.len()) {
        (true, 5..) => Ok(()),
        _ => Err(format!("neither circle nor cross: {ring:?} {cross:?}")),
    }
}

/// The default radius in the default picture, 640x480.
const RADIUS_PX: f64 = 20.0;

#[test]
fn the_window_shows_the_video_with_what_is_detected_until_the_receiver_ends() {
    let _machine = beside_others();
    let display = Xvfb::start();
    let sender = Sender::start(&[]);
    // Four thirds as wide and high as the picture, and as much in the window.
    let size = ["--window-width", "800", "--window-height", "600"];
    let mut command = rebound(["receive", &sender.url(), "--window"]);
    let mut receiver = Process::start(command.args(size).env("DISPLAY", &display.display).env_remove("WAYLAND_DISPLAY"));
    receiver.wait_for("connected: ");
    poll("the ball and its overlay are on the screen", PATIENCE, || {
        assert!(receiver.is_running(), "{}", receiver.said());
        let screen = Picture { width: SCREEN.0, rgb: display.screenshot() };
        shows_the_detected_ball(&screen, RADIUS_PX * 800.0 / 640.0).ok()
    });
    receiver.signal(Signal::SIGINT);
    let ended = receiver.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("rror"), "{}", ended.stderr);
    poll("the window is gone", PATIENCE, || display.screenshot().iter().all(|byte| *byte == 0).then_some(()));
}

#[test]
fn without_a_display_the_window_says_what_to_do() {
    let mut command = rebound(["receive", "ws://127.0.0.1:9", "--window"]);
    let ended = Process::start(command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY")).ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no display") && ended.stderr.contains("--snapshot"), "{}", ended.stderr);
}

fn read_png(path: &Path) -> (usize, Picture) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().expect("a PNG file");
    let mut rgb = vec![0; reader.output_buffer_size().expect("small")];
    let info = reader.next_frame(&mut rgb).expect("a whole picture");
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    (info.height as usize, Picture { width: info.width as usize, rgb })
}

#[test]
fn the_snapshot_shows_what_is_detected_without_a_display() {
    let _machine = beside_others();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("seen.png");
    let sender = Sender::start(&[]);
    let mut command = rebound(["receive", &sender.url(), "--snapshot"]);
    let mut receiver = Process::start(command.arg(&file).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY"));
    receiver.wait_for("snapshot saved to ");
    receiver.signal(Signal::SIGINT);
    assert_eq!(receiver.ended().code, Some(0));
    let (height, picture) = read_png(&file);
    assert_eq!((picture.width, height), (640, 480));
    shows_the_detected_ball(&picture, RADIUS_PX).unwrap();
    let is_background = |[red, green, blue]: [u8; 3]| red.max(green).max(blue) < 60;
    assert!(picture.points(is_background).len() > 640 * 480 * 99 / 100, "the rest is dark");
}
