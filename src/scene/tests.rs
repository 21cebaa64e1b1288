use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::frame::I420View;
use crate::units::{Fps, Size};

use super::backdrop::FLAT_LUMA;
use super::*;

fn scene(kind: SceneKind) -> Scene {
    Scene::new(SceneConfig::new(kind, Size::new(640, 480).unwrap(), Fps::new(60).unwrap())).unwrap()
}

fn configs() -> impl Strategy<Value = SceneConfig> {
    let sizes = prop_oneof![Just((64, 96, false)), Just((242, 250, false)), Just((242, 250, true)), Just((320, 240, true))];
    (0..SceneKind::ALL.len(), sizes, 0.0..1.0, 0.0..4000.0, any::<u64>()).prop_map(
        |(kind, (width, height, frame_code), r, speed_px_per_s, seed)| {
            let (size, fps) = (Size::new(width, height).unwrap(), Fps::new(60).unwrap());
            let config =
                SceneConfig { frame_code, speed_px_per_s, seed, ..SceneConfig::new(SceneKind::ALL[kind], size, fps) };
            let radius_px = SceneConfig::MIN_RADIUS_PX + r * (config.max_radius_px() - SceneConfig::MIN_RADIUS_PX);
            SceneConfig { radius_px, ..config }
        },
    )
}

/// Of all luma above the flat background.
fn centroid(canvas: &Canvas, size: Size) -> Px {
    let view = I420View::new(canvas.pixels(), &I420Layout::new(size)).unwrap();
    let (mut sum, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
    for y in 0..view.y.height() {
        for (x, luma) in view.y.row(y).iter().enumerate() {
            let weight = f64::from(*luma) - f64::from(FLAT_LUMA);
            sum += weight;
            x_sum += weight * x as f64;
            y_sum += weight * y as f64;
        }
    }
    Px { x: x_sum / sum, y: y_sum / sum }
}

fn drawn(scene: &Scene, number: u64) -> Canvas {
    let mut canvas = scene.new_canvas();
    scene.draw(&mut canvas, FrameNumber(number));
    canvas
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_centroid_of_a_painted_ball_is_its_true_centre(radius_px in 2.0..60.0, falls: bool, number in 0..u64::MAX, seed: u64) {
        let kind = if falls { SceneKind::Gravity } else { SceneKind::Ball };
        let size = Size::new(242, 250).unwrap();
        let config = SceneConfig { radius_px, seed, ..SceneConfig::new(kind, size, Fps::new(60).unwrap()) };
        let scene = Scene::new(config).unwrap();
        let mut canvas = scene.new_canvas();
        let truth = scene.draw(&mut canvas, FrameNumber(number));
        let error_px = centroid(&canvas, size).distance(truth.objects()[0].centre_px);
        prop_assert!(error_px < 0.002, "{error_px} px");
    }

    #[test]
    fn every_ball_is_wholly_in_the_frame_at_any_time(config in configs(), time_ns: u64) {
        let scene = Scene::new(config).unwrap();
        let (right, bottom) = (f64::from(config.size.width()) - 0.5, f64::from(config.size.height()) - 0.5);
        for TrueObject { centre_px, radius_px, .. } in scene.truth_at(Duration::from_nanos(time_ns)).objects() {
            prop_assert!(centre_px.x - radius_px >= -0.5 - 1e-9 && centre_px.x + radius_px <= right + 1e-9);
            let top = f64::from(config.reserved_rows()) - 0.5;
            prop_assert!(centre_px.y - radius_px >= top - 1e-9 && centre_px.y + radius_px <= bottom + 1e-9);
        }
    }

    #[test]
    fn repainting_what_changed_gives_the_frame_a_fresh_canvas_gives(
        config in configs(),
        numbers in prop::collection::vec(0..100_000_u64, 1..5),
    ) {
        let scene = Scene::new(config).unwrap();
        let mut canvas = scene.new_canvas();
        for number in numbers {
            scene.draw(&mut canvas, FrameNumber(number));
            prop_assert!(canvas.pixels() == drawn(&scene, number).pixels(), "frame {number}");
        }
    }

    #[test]
    fn luma_stays_in_video_range_and_chroma_neutral(config in configs(), number: u64) {
        let canvas = drawn(&Scene::new(config).unwrap(), number);
        let (luma, chroma) = canvas.pixels().split_at(I420Layout::new(config.size).offsets[1]);
        prop_assert!(luma.iter().all(|luma| (16..=235).contains(luma)));
        prop_assert!(chroma.iter().all(|chroma| *chroma == 128));
    }
}

#[test]
fn every_machine_paints_these_frames() {
    let digest_of = |kind| {
        let scene = scene(kind);
        let mut hash = Sha256::new();
        for number in [0, 1, 59, 1_000_000_000] {
            hash.update(drawn(&scene, number).pixels());
        }
        hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let golden = ["094fd32ebf060528", "a360509d8f6196fb", "4bc965d4fdce3e61", "f6517d204bfdfbca"];
    assert_eq!(SceneKind::ALL.map(digest_of), golden);
}

#[test]
fn the_code_in_a_frame_is_its_number_and_the_frame_below_is_as_without() {
    for kind in SceneKind::ALL {
        let plain = scene(kind);
        let coded = Scene::new(SceneConfig { frame_code: true, ..*plain.config() }).unwrap();
        let mut canvas = coded.new_canvas();
        for number in [0, 1, 59, 1_000_000_000_000] {
            coded.draw(&mut canvas, FrameNumber(number));
            let view = I420View::new(canvas.pixels(), &I420Layout::new(coded.config().size)).unwrap();
            assert_eq!(crate::witness::read(&view).map(|reading| reading.number), Some(number as u32), "{kind}");
        }
        let rows = coded.config().reserved_rows() as usize;
        assert!(canvas.pixels()[rows * 640..].iter().any(|luma| *luma > 200), "a ball is below the code");
        assert_eq!(drawn(&plain, 3).pixels()[640 * 480..], canvas.pixels()[640 * 480..], "colour stays as it was");
    }
}

#[test]
fn the_truth_between_two_frames_lies_between_them() {
    let scene = scene(SceneKind::Many);
    let truth_at = |us| scene.truth_at(Duration::from_micros(us));
    let (before, between, after) = (truth_at(100_000), truth_at(100_500), truth_at(101_000));
    for id in 0..MAX_OBJECTS {
        let [before, between, after] = [before, between, after].map(|truth| truth.objects()[id]);
        assert!((before.centre_px.x + after.centre_px.x - 2.0 * between.centre_px.x).abs() < 1e-9);
        assert!(before.centre_px.distance(after.centre_px) > 0.1);
        assert_eq!((between.id, between.radius_px), (id as u32, before.radius_px));
    }
}

#[test]
fn balls_of_many_sizes_cross_each_other() {
    let scene = scene(SceneKind::Many);
    let cross = |number| {
        let truth = scene.truth(FrameNumber(number));
        let objects = truth.objects();
        let touch = |a: &TrueObject, b: &TrueObject| a.centre_px.distance(b.centre_px) < a.radius_px + b.radius_px;
        objects.iter().any(|a| objects.iter().any(|b| a.id < b.id && touch(a, b)))
    };
    assert!((0..600).any(cross) && !(0..600).all(cross));
}

#[test]
fn a_hard_ball_is_where_the_truth_says() {
    let scene = scene(SceneKind::Hard);
    for number in 0..50 {
        let (canvas, without) = (drawn(&scene, number), scene.new_canvas());
        // How much of each pixel is the ball: only its noise, spread over its area, is left to disturb.
        let (mut sum, mut moment) = (0.0, Px::default());
        let truth = scene.truth(FrameNumber(number)).objects()[0];
        for index in 0..640 * 480 {
            let (seen, under) = (f64::from(canvas.pixels()[index]), f64::from(without.pixels()[index]));
            let weight = (seen - under) / (220.0 - under);
            sum += weight;
            moment.x += weight * ((index % 640) as f64 - truth.centre_px.x);
            moment.y += weight * ((index / 640) as f64 - truth.centre_px.y);
        }
        assert!(moment.x.hypot(moment.y) / sum < 0.05, "frame {number}");
    }
}

#[test]
fn a_canvas_of_another_scene_is_taken_over() {
    let (ball, hard) = (scene(SceneKind::Ball), scene(SceneKind::Hard));
    let mut canvas = drawn(&ball, 7);
    hard.draw(&mut canvas, FrameNumber(9));
    assert!(canvas.pixels() == drawn(&hard, 9).pixels());
}

#[test]
fn a_canvas_can_be_handed_to_another_thread() {
    fn check<T: Send + AsRef<[u8]> + 'static>() {}
    check::<Canvas>();
}
