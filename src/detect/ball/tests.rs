use proptest::prelude::*;

use super::*;
use crate::detect::testing::{Disk, Picture, Random, found_by};

fn find(picture: &Picture) -> Vec<Sighting> {
    found_by(&mut Ball::default(), picture)
}

/// The sighting nearest to a disk, as errors of its centre and of its radius.
fn errors(found: &[Sighting], disk: &Disk) -> Option<(f64, f64)> {
    let error = |sighting: &Sighting| {
        let Extent::Radius(radius) = sighting.extent else { panic!("a ball has a radius") };
        (sighting.centre_px.distance(disk.centre), (radius - disk.radius).abs())
    };
    found.iter().map(error).min_by(|a, b| a.0.total_cmp(&b.0))
}

fn assert_found(picture: &Picture, disks: &[Disk], centre_px: f64) {
    let found = find(picture);
    for disk in disks {
        let error = errors(&found, disk);
        assert!(error.is_some_and(|(centre, _)| centre <= centre_px), "{disk:?}: {error:?}");
    }
    assert_eq!(found.len(), disks.len(), "{found:?}");
}

#[test]
fn pictures_without_a_ball_show_none() {
    let mut random = Random::new(1);
    let pictures = [
        ("black", Picture::flat(640, 480, 16)),
        ("white", Picture::flat(640, 480, 235)),
        ("steep gradient", Picture::from_fn(640, 480, |x, y| (x + y) as f64 * 255.0 / 1120.0)),
        ("weak noise", Picture::noisy(640, 480, 4.0, 2)),
        ("strong noise", Picture::noisy(640, 480, 10.0, 3)),
        ("white noise", Picture::from_fn(640, 480, |_, _| 255.0 * random.unit())),
        ("squares of 8", Picture::from_fn(640, 480, |x, y| 200.0 * ((x / 8 + y / 8) % 2) as f64)),
        ("squares of 64", Picture::from_fn(640, 480, |x, y| 200.0 * ((x / 64 + y / 64) % 2) as f64)),
        (
            "a square",
            Picture::from_fn(640, 480, |x, y| if x.abs_diff(320).max(y.abs_diff(240)) < 20 { 235.0 } else { 16.0 }),
        ),
        ("a bar", Picture::from_fn(640, 480, |x, _| if x.abs_diff(320) < 20 { 235.0 } else { 16.0 })),
        ("half white", Picture::from_fn(640, 480, |x, _| if x < 320 { 235.0 } else { 16.0 })),
    ];
    for (name, picture) in pictures {
        assert_eq!(find(&picture), [], "{name}");
    }
}

#[test]
fn dark_disks_are_no_balls() {
    let mut picture = Picture::flat(320, 240, 200);
    picture.draw(Disk { luma: 30.0, ..Disk::white(150.3, 100.7, 25.0) });
    assert_eq!(find(&picture), []);
}

#[test]
fn a_ball_is_found_at_every_brightness_and_softness_on_a_noisy_gradient() {
    for (luma, ramp, noise) in
        [(235.0, 3.0, 8.0), (150.0, 3.0, 8.0), (235.0, 0.0, 12.0), (200.0, 5.0, 6.0), (130.0, 3.0, 3.0)]
    {
        for seed in 0..20 {
            let mut picture = Picture::noisy(320, 240, noise, seed);
            let disk = Disk { luma, ramp, ..Disk::white(120.0 + seed as f64 * 1.37, 90.0 + seed as f64 * 0.71, 20.0) };
            picture.draw(disk);
            assert_found(&picture, &[disk], 0.15);
        }
    }
}

#[test]
fn the_faintest_promised_ball_is_found_and_a_fainter_one_is_not() {
    for (luma, count) in [(126.0, 1), (120.0, 0)] {
        let mut picture = Picture::flat(320, 240, 100);
        picture.draw(Disk { luma, ramp: 3.0, ..Disk::white(150.3, 100.7, 12.0) });
        assert_eq!(find(&picture).len(), count, "luma {luma} on 100");
    }
}

#[test]
fn balls_that_touch_and_cross_are_told_apart() {
    let rows: [&[(f64, f64, f64)]; 4] = [
        &[(100.2, 120.1, 30.0), (155.4, 120.3, 25.0)],
        &[(100.2, 120.1, 30.0), (130.9, 131.3, 22.0)],
        &[(120.0, 120.0, 60.0), (180.5, 100.5, 12.0)],
        &[(100.5, 100.5, 30.0), (140.5, 100.5, 30.0), (120.5, 135.0, 30.0), (250.0, 150.0, 6.0), (210.2, 60.1, 45.3)],
    ];
    for row in rows {
        let mut picture = Picture::flat(320, 240, 16);
        let disks: Vec<Disk> = row.iter().map(|&(x, y, radius)| Disk::white(x, y, radius)).collect();
        disks.iter().for_each(|&disk| picture.draw(disk));
        assert_found(&picture, &disks, 0.05);
    }
}

#[test]
fn eight_balls_of_all_sizes_are_found_on_noise() {
    let mut picture = Picture::noisy(1280, 720, 6.0, 5);
    let radii = [6.0, 8.0, 12.0, 17.0, 25.0, 36.0, 50.0, 60.0];
    let place = |(index, &radius): (usize, &f64)| Disk {
        ramp: 3.0,
        ..Disk::white(80.3 + 150.7 * index as f64, 250.0 + 220.0 * (index % 2) as f64 + index as f64 / 7.0, radius)
    };
    let disks: Vec<Disk> = radii.iter().enumerate().map(place).collect();
    disks.iter().for_each(|&disk| picture.draw(disk));
    assert_found(&picture, &disks, 0.1);
}

#[test]
fn a_ball_at_the_border_is_found_by_the_part_that_is_seen() {
    for (x, y) in [(19.5, 100.0), (10.3, 120.7), (300.2, 219.5), (160.0, 5.5), (0.0, 120.0)] {
        let mut picture = Picture::flat(320, 240, 16);
        let disk = Disk::white(x, y, 20.0);
        picture.draw(disk);
        assert_found(&picture, &[disk], 0.05);
    }
}

#[test]
fn earlier_frames_leave_no_trace_and_the_working_space_stops_growing() {
    let mut picture = Picture::noisy(640, 480, 6.0, 9);
    picture.draw(Disk { ramp: 3.0, ..Disk::white(300.3, 200.2, 40.0) });
    let fresh = find(&picture);
    let mut ball = Ball::default();
    found_by(&mut ball, &Picture::flat(200, 900, 90));
    assert_eq!(found_by(&mut ball, &picture), fresh);
    let space = ball.capacity();
    for _ in 0..3 {
        assert_eq!(found_by(&mut ball, &picture), fresh);
    }
    assert_eq!(ball.capacity(), space);
}

impl Ball {
    /// Of all that a frame without a tie of overlapping disks fills.
    fn capacity(&self) -> [usize; 5] {
        [
            self.edges.capacity(),
            self.points.capacity(),
            self.circles.capacity(),
            self.others.capacity(),
            self.fits.capacity(),
        ]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_clean_ball_is_found_to_a_hundredth_of_a_pixel_anywhere(x in 70.0..250.0, y in 70.0..170.0, radius in 10.0..60.0) {
        let mut picture = Picture::flat(320, 240, 16);
        let disk = Disk::white(x, y, radius);
        picture.draw(disk);
        let found = find(&picture);
        prop_assert_eq!(found.len(), 1);
        let (centre, radius) = errors(&found, &disk).expect("one is found");
        prop_assert!(centre <= 0.01 && radius <= 0.02, "off by {centre}, radius by {radius}");
    }

    #[test]
    fn the_smallest_ball_is_never_missed(x in 20.0..300.0, y in 20.0..220.0, radius in 4.0..6.0, ramp in 0.0..3.0) {
        let mut picture = Picture::flat(320, 240, 16);
        let disk = Disk { ramp, ..Disk::white(x, y, radius) };
        picture.draw(disk);
        let found = find(&picture);
        prop_assert_eq!(found.len(), 1);
        prop_assert!(errors(&found, &disk).is_some_and(|(centre, _)| centre <= 0.05), "{:?}", found);
    }

    #[test]
    fn a_moved_picture_moves_the_answer(x in 60.0..120.0, y in 60.0..90.0, radius in 10.0..50.0, dx in 0u8..100, dy in 0u8..70) {
        let mut picture = Picture::flat(320, 240, 16);
        picture.draw(Disk::white(x, y, radius));
        // The same pixels, which may lie otherwise to the one row in four that is looked at first.
        let view = picture.view();
        let luma = |x: usize, y: usize| f64::from(view.y.row(y)[x]);
        let from = |at: usize, by: u8| at.checked_sub(usize::from(by));
        let shifted = Picture::from_fn(320, 240, |x, y| from(x, dx).zip(from(y, dy)).map_or(16.0, |(x, y)| luma(x, y)));
        let (here, there) = (find(&picture)[0].centre_px, find(&shifted)[0].centre_px);
        let moved = Px { x: here.x + f64::from(dx), y: here.y + f64::from(dy) };
        // Each is within a hundredth of the truth.
        prop_assert!(there.distance(moved) <= 0.02, "{:?} {:?}", there, moved);
    }

    #[test]
    fn any_picture_gives_finite_answers_within_it(
        width in 1usize..200, height in 1usize..200, seed: u64, blocks in 1usize..40, levels in 2u64..9,
    ) {
        let mut random = Random::new(seed);
        let noise: Vec<u64> = (0..width * height).map(|_| random.bits() % levels).collect();
        let scale = 255.0 / (levels - 1) as f64;
        let picture = Picture::from_fn(width, height, |x, y| noise[(y / blocks) * width + x / blocks] as f64 * scale);
        for sighting in find(&picture) {
            let Px { x, y } = sighting.centre_px;
            prop_assert!((-0.5..width as f64 - 0.5).contains(&x) && (-0.5..height as f64 - 0.5).contains(&y), "{x} {y}");
            prop_assert!((0.0..=1.0).contains(&sighting.score));
            prop_assert!(matches!(sighting.extent, Extent::Radius(radius) if radius.is_finite() && radius > 0.0));
        }
    }
}
