//! Pictures for the tests of detectors, drawn with nothing but this file.

use super::{Detector, Sighting};
use crate::frame::{I420View, Plane};
use crate::random;
use crate::units::Px;

/// A grey picture with rows padded by an odd number of bytes, which hold a trap: white.
#[derive(Clone)]
pub(super) struct Picture {
    luma: Vec<u8>,
    width: usize,
    height: usize,
}

/// A disk to draw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk {
    pub(super) centre: Px,
    pub(super) radius: f64,
    pub(super) luma: f64,
    /// Width of the linear ramp at the edge; below 0.2 the edge is sharp and covers pixels by area.
    pub(super) ramp: f64,
}

const PADDING: usize = 13;

impl Picture {
    pub(super) fn flat(width: usize, height: usize, luma: u8) -> Picture {
        Picture::from_fn(width, height, |_, _| f64::from(luma))
    }

    pub(super) fn from_fn(width: usize, height: usize, mut luma_at: impl FnMut(usize, usize) -> f64) -> Picture {
        let stride = width + PADDING;
        let mut luma = vec![255; stride * height];
        for (y, row) in luma.chunks_exact_mut(stride).enumerate() {
            row[..width].iter_mut().enumerate().for_each(|(x, luma)| *luma = luma_at(x, y).round() as u8);
        }
        Picture { luma, width, height }
    }

    /// A gradient of 60 steps with seeded noise that looks normal with this deviation.
    pub(super) fn noisy(width: usize, height: usize, deviation: f64, seed: u64) -> Picture {
        let mut random = Random::new(seed);
        Picture::from_fn(width, height, |x, y| {
            let gradient = 40.0 + 30.0 * x as f64 / width as f64 + 30.0 * y as f64 / height as f64;
            gradient + deviation * random.normal()
        })
    }

    pub(super) fn set(&mut self, x: usize, y: usize, luma: u8) {
        self.luma[y * (self.width + PADDING) + x] = luma;
    }

    pub(super) fn view(&self) -> I420View<'_> {
        let plane = |width, height| Plane::new(&self.luma, width, height, self.width + PADDING).expect("large enough");
        let half = plane(self.width.div_ceil(2), self.height.div_ceil(2));
        I420View { y: plane(self.width, self.height), u: half, v: half }
    }

    /// Blends a disk in, sixteen by sixteen samples a pixel at the edge.
    pub(super) fn draw(&mut self, disk: Disk) {
        let reach = disk.radius + disk.ramp + 1.0;
        let span = |at: f64, end: usize| ((at - reach).max(0.0) as usize)..((at + reach).max(0.0) as usize + 1).min(end);
        for y in span(disk.centre.y, self.height) {
            for x in span(disk.centre.x, self.width) {
                let at = y * (self.width + PADDING) + x;
                let under = f64::from(self.luma[at]);
                self.luma[at] = (under + (disk.luma - under) * disk.cover(x as f64, y as f64)).round() as u8;
            }
        }
    }
}

impl Disk {
    pub(super) fn white(x: f64, y: f64, radius: f64) -> Disk {
        Disk { centre: Px { x, y }, radius, luma: 235.0, ramp: 0.0 }
    }

    fn cover(&self, x: f64, y: f64) -> f64 {
        let ramp = |distance: f64| ((self.radius - distance) / self.ramp.max(0.05) + 0.5).clamp(0.0, 1.0);
        let (dx, dy) = (x - self.centre.x, y - self.centre.y);
        let inside = self.radius - dx.hypot(dy);
        if inside.abs() > self.ramp + 1.0 {
            return ramp(dx.hypot(dy));
        }
        let offsets = || (0..16).map(|i| (f64::from(i) + 0.5) / 16.0 - 0.5);
        offsets()
            .flat_map(|oy| offsets().map(move |ox| (ox, oy)))
            .map(|(ox, oy)| ramp((dx + ox).hypot(dy + oy)))
            .sum::<f64>()
            / 256.0
    }
}

/// One random number after the other.
pub(super) struct Random {
    table: random::Random,
    drawn: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random { table: random::Random::new(seed), drawn: 0 }
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.drawn += 1;
        self.table.bits(self.drawn - 1)
    }

    pub(super) fn unit(&mut self) -> f64 {
        self.drawn += 1;
        self.table.unit(self.drawn - 1)
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

pub(super) fn found_by(detector: &mut impl Detector, picture: &Picture) -> Vec<Sighting> {
    let mut found = Vec::new();
    detector.detect(&picture.view(), &mut found);
    found
}
