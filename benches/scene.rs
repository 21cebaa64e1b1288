//! What painting one frame costs, into a canvas that holds the frame before: `cargo bench --bench scene`.

use divan::{AllocProfiler, Bencher, counter::ItemsCount};

use rebound::scene::{Scene, SceneConfig, SceneKind};
use rebound::units::{Fps, FrameNumber};

/// Painting allocates nothing; this shows it if it does.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SIZES: [&str; 3] = ["640x480", "1280x720", "1920x1080"];

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn ball(bencher: Bencher<'_, '_>, size: &str) {
    draw(bencher, SceneKind::Ball, size);
}

#[divan::bench(args = SIZES)]
fn hard(bencher: Bencher<'_, '_>, size: &str) {
    draw(bencher, SceneKind::Hard, size);
}

#[divan::bench(args = SIZES)]
fn gravity(bencher: Bencher<'_, '_>, size: &str) {
    draw(bencher, SceneKind::Gravity, size);
}

#[divan::bench(args = SIZES)]
fn many(bencher: Bencher<'_, '_>, size: &str) {
    draw(bencher, SceneKind::Many, size);
}

fn draw(bencher: Bencher<'_, '_>, kind: SceneKind, size: &str) {
    let size = size.parse().expect("a valid size");
    let fps = Fps::new(60).expect("a valid rate");
    let scene = Scene::new(SceneConfig::new(kind, size, fps)).expect("the defaults fit");
    let mut canvas = scene.new_canvas();
    let mut number = 0;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        number += 1;
        scene.draw(&mut canvas, FrameNumber(number))
    });
}
