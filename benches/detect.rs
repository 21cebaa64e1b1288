//! What looking at one frame costs, and that it allocates nothing: `cargo bench --bench detect`.
//!
//! Bytes are those of the luma plane, so that sizes and machines compare. The pictures go round in a ring, as they do in a
//! receiver; the frame that is looked at lies in the cache or not, as the ring and the machine have it.

use divan::{AllocProfiler, Bencher, black_box, counter::BytesCount};

use rebound::detect::by_name;
use rebound::frame::{I420Layout, I420View};
use rebound::scene::{Scene, SceneConfig, SceneKind};
use rebound::units::{Fps, FrameNumber, Size};

/// Detection allocates nothing once it has warmed up; this shows it if it does.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SIZES: [&str; 3] = ["640x480", "1280x720", "1920x1080"];
/// Pictures in the ring.
const FRAMES: u64 = 4;

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn ball_on_clean(bencher: Bencher<'_, '_>, size: &str) {
    detect(bencher, "ball", size, &scene_frames(SceneKind::Ball, size));
}

#[divan::bench(args = SIZES)]
fn ball_on_hard(bencher: Bencher<'_, '_>, size: &str) {
    detect(bencher, "ball", size, &scene_frames(SceneKind::Hard, size));
}

#[divan::bench(args = SIZES)]
fn ball_on_many(bencher: Bencher<'_, '_>, size: &str) {
    detect(bencher, "ball", size, &scene_frames(SceneKind::Many, size));
}

#[divan::bench(args = SIZES)]
fn naive_on_clean(bencher: Bencher<'_, '_>, size: &str) {
    detect(bencher, "naive", size, &scene_frames(SceneKind::Ball, size));
}

/// The worst pictures: white noise, checkerboards with more edges than any scene, hundreds of disks of this radius.
#[divan::bench(args = ["noise", "squares of 8", "squares of 16", "squares of 64", "disks of 8", "disks of 150"])]
fn ball_on_hostile(bencher: Bencher<'_, '_>, kind: &str) {
    let (shape, side) = kind.split_once(" of ").unwrap_or((kind, "1"));
    let side: usize = side.parse().expect("a number");
    let mut noise = white_noise();
    let luma_at = |x: usize, y: usize| match shape {
        "squares" => [16, 235][(x / side + y / side) % 2],
        "disks" => {
            let off = |at: usize| (at % (3 * side)).abs_diff(3 * side / 2);
            if off(x).pow(2) + off(y).pow(2) < side * side { 235 } else { 16 }
        }
        _ => noise(),
    };
    detect(bencher, "ball", "1920x1080", &[picture("1920x1080", luma_at)]);
}

fn scene_frames(kind: SceneKind, size: &str) -> Vec<Vec<u8>> {
    let size = size.parse().expect("a valid size");
    let fps = Fps::new(60).expect("a valid rate");
    let scene = Scene::new(SceneConfig::new(kind, size, fps)).expect("the default scene fits");
    let mut canvas = scene.new_canvas();
    let mut frame = |number| {
        scene.draw(&mut canvas, FrameNumber(number * 41));
        canvas.pixels().to_vec()
    };
    (0..FRAMES).map(&mut frame).collect()
}

fn picture(size: &str, mut luma_at: impl FnMut(usize, usize) -> u8) -> Vec<u8> {
    let layout = I420Layout::new(size.parse().expect("a valid size"));
    let mut pixels = vec![128; layout.len];
    for (y, row) in pixels[..layout.offsets[1]].chunks_exact_mut(layout.strides[0]).enumerate() {
        row.iter_mut().enumerate().for_each(|(x, luma)| *luma = luma_at(x, y));
    }
    pixels
}

/// Marsaglia's xorshift.
fn white_noise() -> impl FnMut() -> u8 {
    let mut bits = 1u32;
    move || {
        bits ^= bits << 13;
        bits ^= bits >> 17;
        bits ^= bits << 5;
        (bits >> 24) as u8
    }
}

fn detect(bencher: Bencher<'_, '_>, name: &str, size: &str, frames: &[Vec<u8>]) {
    let size: Size = size.parse().expect("a valid size");
    let layout = I420Layout::new(size);
    let mut detector = by_name(name).expect("a known detector");
    let mut found = Vec::new();
    let mut ring = frames.iter().cycle();
    let mut look = || {
        let frame = I420View::new(ring.next().expect("a ring has no end"), &layout).expect("a whole frame");
        found.clear();
        detector.detect(black_box(&frame), &mut found);
        found.len()
    };
    (0..frames.len()).for_each(|_| _ = look());
    let bytes = BytesCount::new(size.width() as usize * size.height() as usize);
    bencher.counter(bytes).bench_local(look);
}
