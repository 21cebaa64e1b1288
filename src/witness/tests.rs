use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::frame::{I420View, Plane};
use crate::random::Random;

/// A grey picture, so that tests can do to it what networks and displays do.
#[derive(Clone)]
struct Grey {
    luma: Vec<f64>,
    width: usize,
    height: usize,
}

impl Grey {
    fn with_code(width: u32, height: u32, number: u32) -> Grey {
        let layout = I420Layout::new(Size::new(width, height).unwrap());
        let mut pixels = vec![60; layout.len];
        draw(&mut pixels, &layout, number);
        let view = I420View::new(&pixels, &layout).unwrap();
        let luma = (0..view.y.height()).flat_map(|y| view.y.row(y)).map(|luma| f64::from(*luma)).collect();
        Grey { luma, width: view.y.width(), height: view.y.height() }
    }

    fn at(&self, x: usize, y: usize) -> f64 {
        self.luma[y.min(self.height - 1) * self.width + x.min(self.width - 1)]
    }

    fn map(&self, width: usize, height: usize, mut value: impl FnMut(usize, usize) -> f64) -> Grey {
        let luma = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| value(x, y)).collect();
        Grey { luma, width, height }
    }

    /// Means over 3 by 3 pixels.
    fn blurred(&self) -> Grey {
        let around = |at: usize| at.saturating_sub(1)..at + 2;
        self.map(self.width, self.height, |x, y| {
            let values: Vec<f64> =
                around(y).flat_map(|y| around(x).map(move |x| (x, y))).map(|(x, y)| self.at(x, y)).collect();
            values.iter().sum::<f64>() / values.len() as f64
        })
    }

    /// Each pixel is the mean of four samples, bilinear.
    fn scaled(&self, width: usize, height: usize) -> Grey {
        let sample = |x: f64, y: f64| {
            let (x, y) = ((x - 0.5).max(0.0), (y - 0.5).max(0.0));
            let (left, top, right, down) = (x as usize, y as usize, x.fract(), y.fract());
            let row = |y| self.at(left, y) * (1.0 - right) + self.at(left + 1, y) * right;
            row(top) * (1.0 - down) + row(top + 1) * down
        };
        let (wide, high) = (self.width as f64 / width as f64, self.height as f64 / height as f64);
        self.map(width, height, |x, y| {
            let four = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
            four.iter().map(|(dx, dy)| sample((x as f64 + dx) * wide, (y as f64 + dy) * high)).sum::<f64>() / 4.0
        })
    }

    fn read(&self) -> Option<Reading> {
        let luma: Vec<u8> = self.luma.iter().map(|luma| luma.round().clamp(0.0, 255.0) as u8).collect();
        let half = vec![128; self.width.div_ceil(2) * self.height.div_ceil(2)];
        let plane = |data, width, height| Plane::new(data, width, height, width).unwrap();
        let chroma = plane(&half, self.width.div_ceil(2), self.height.div_ceil(2));
        read(&I420View { y: plane(&luma, self.width, self.height), u: chroma, v: chroma })
    }
}

fn noise(seed: u64, index: usize) -> f64 {
    Random::new(seed).unit(index as u64) - 0.5
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(100) })]

    #[test]
    fn a_code_is_read_through_blur_noise_and_another_brightness(
        number: u32, seed: u64, contrast in 0.5..1.1f64, offset in -30.0..60.0f64, strength in 0.0..80.0f64,
    ) {
        let mut picture = Grey::with_code(160, 120, number).blurred();
        for (index, luma) in picture.luma.iter_mut().enumerate() {
            *luma = *luma * contrast + offset + strength * noise(seed, index);
        }
        prop_assert_eq!(picture.read().map(|reading| reading.number), Some(number));
    }

    #[test]
    fn a_code_is_read_at_any_scale(number: u32, x in 0.45..3.0f64, y in 0.45..3.0f64) {
        let picture = Grey::with_code(160, 120, number).scaled((160.0 * x) as usize, (120.0 * y) as usize);
        let reading = picture.read();
        prop_assert_eq!(reading.map(|reading| reading.number), Some(number));
        let rows = reading.map_or(0.0, |reading| reading.rows as f64);
        prop_assert!((rows - 32.0 * y).abs() < 4.0 + 2.0 * y, "{} rows", rows);
    }

    #[test]
    fn a_code_that_is_half_another_frames_is_none(number: u32, later in 1u32..100, row in 1usize..31) {
        let (before, after) = (Grey::with_code(160, 120, number), Grey::with_code(160, 120, number.wrapping_add(later)));
        let torn = before.map(160, 120, |x, y| if y < row { after.at(x, y) } else { before.at(x, y) });
        let read = torn.read().map(|reading| reading.number);
        prop_assert!([None, Some(number), Some(number.wrapping_add(later))].contains(&read), "{:?}", read);
    }

    #[test]
    fn what_is_no_code_is_not_read(width in 1usize..200, height in 1usize..200, seed: u64, block in 1usize..24, levels in 2u32..9) {
        let picture = Grey { luma: Vec::new(), width, height }.map(width, height, |x, y| {
            let level = ((noise(seed, y / block * 1000 + x / block) + 0.5) * f64::from(levels)).floor();
            255.0 * level / f64::from(levels - 1)
        });
        prop_assert_eq!(picture.read(), None);
    }
}

#[test]
fn the_code_of_every_size_is_read_and_what_is_too_small_has_none() {
    for (width, height) in [(104, 120), (320, 240), (640, 480), (1280, 720), (1920, 1080), (720, 1280), (3840, 2160)] {
        let size = Size::new(width, height).unwrap();
        let rows = reserved_rows(size).expect("there is room");
        let reading = Grey::with_code(width, height, 4_000_000_000).read().expect("drawn");
        assert_eq!(reading.number, 4_000_000_000);
        assert!(reading.rows as u32 <= rows && rows * 3 <= height, "{size}: {} {rows}", reading.rows);
    }
    for (width, height) in [(102, 480), (640, 118), (16, 16)] {
        assert_eq!(reserved_rows(Size::new(width, height).unwrap()), None);
        assert_eq!(Grey::with_code(width, height, 1).read(), None);
    }
}

#[test]
fn a_reader_cuts_the_code_off_also_where_it_cannot_be_read() {
    let layout = I420Layout::new(Size::new(320, 240).unwrap());
    let mut pixels = vec![60; layout.len];
    let mut reader = Reader::default();
    let looked = |reader: &mut Reader, pixels: &[u8]| {
        let (number, below, rows) = reader.read(&I420View::new(pixels, &layout).unwrap());
        (number, below.y.height(), rows)
    };
    assert_eq!(looked(&mut reader, &pixels), (None, 240, 0));
    let without = pixels.clone();
    draw(&mut pixels, &layout, 77);
    assert_eq!(looked(&mut reader, &pixels), (Some(77), 208, 32), "at once");
    assert_eq!(looked(&mut reader, &without), (None, 240, 0), "one code may be chance");
    for _ in 0..2 {
        assert_eq!(looked(&mut reader, &pixels), (Some(77), 208, 32));
    }
    let mut unclear = pixels.clone();
    unclear[..320 * 16].fill(128);
    assert_eq!(looked(&mut reader, &unclear), (None, 208, 32), "three at the same place are none");
    let cut = (0..100).take_while(|_| looked(&mut reader, &without).1 < 240).count();
    assert!((30..100).contains(&cut), "in the end there are no codes any more: {cut}");
}

#[test]
fn one_code_in_many_pictures_cuts_no_other_picture() {
    let layout = I420Layout::new(Size::new(320, 240).unwrap());
    let without = vec![60; layout.len];
    let mut with = without.clone();
    draw(&mut with, &layout, 5);
    let mut reader = Reader::default();
    for number in 0..2000 {
        let is_hostile = number % 100 == 0;
        let pixels = if is_hostile { &with } else { &without };
        let (_, _, rows) = reader.read(&I420View::new(pixels, &layout).unwrap());
        assert_eq!(rows > 0, is_hostile, "{number}");
    }
}
