//! Painting balls into a picture that is used again and again.

use std::ops::Range;
use std::sync::Arc;

use crate::frame::I420Layout;
use crate::units::FrameNumber;
use crate::witness;

use super::MAX_OBJECTS;
use super::backdrop::{self, NOISE_LUMA};
use super::disk::{Disk, Spans};
use crate::random::Random;

/// Luma of a ball. With its noise, and with what an encoder rings above it, still within 8 bits; without ringing within the 235 of video
/// range (ITU-R BT.601).
const BALL_LUMA: u8 = 220;

/// One I420 picture that knows what was last painted into it, so that the next frame repaints only that and what is new.
///
/// Made by [`Scene::new_canvas`](super::Scene::new_canvas). It owns its memory: as many canvases as there are frames in flight.
#[derive(Debug)]
pub struct Canvas {
    pixels: Vec<u8>,
    layout: I420Layout,
    backdrop: Arc<[u8]>,
    painted: [Patch; MAX_OBJECTS],
}

/// The part of the luma plane that a ball was painted into; empty for none.
#[derive(Clone, Debug, Default)]
struct Patch {
    rows: Range<usize>,
    columns: Range<usize>,
}

/// What a ball is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ink {
    /// The same luma everywhere.
    Flat,
    /// Luma with noise, by pixel.
    Noisy(Random),
}

impl Canvas {
    pub(super) fn new(layout: I420Layout, backdrop: Arc<[u8]>) -> Canvas {
        Canvas { pixels: backdrop.to_vec(), layout, backdrop, painted: Default::default() }
    }

    /// The whole picture: Y, U and V as [`I420Layout::new`] lays them out for the size of the scene.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Whether this canvas has this very backdrop behind it.
    pub(super) fn is_over(&self, backdrop: &Arc<[u8]>) -> bool {
        Arc::ptr_eq(&self.backdrop, backdrop)
    }

    /// Takes away what was painted before and paints these balls, the later over the earlier.
    pub(super) fn repaint(&mut self, disks: impl Iterator<Item = Disk>, ink: Ink) {
        for index in 0..MAX_OBJECTS {
            self.restore(index);
        }
        for (index, disk) in disks.take(MAX_OBJECTS).enumerate() {
            self.painted[index] = self.paint(disk, ink);
        }
    }

    /// Draws the number of the frame where no ball ever is, so that there is nothing to restore: the next code covers this one.
    pub(super) fn stamp(&mut self, number: FrameNumber) {
        witness::draw(&mut self.pixels, &self.layout, number.code());
    }

    fn restore(&mut self, index: usize) {
        let Patch { rows, columns } = std::mem::take(&mut self.painted[index]);
        for y in rows {
            let start = y * self.layout.strides[0];
            let patch = start + columns.start..start + columns.end;
            self.pixels[patch.clone()].copy_from_slice(&self.backdrop[patch]);
        }
    }

    fn paint(&mut self, disk: Disk, ink: Ink) -> Patch {
        let (width, height) = (self.layout.size.width() as usize, self.layout.size.height() as usize);
        let disk = disk.balanced(width, height);
        let (mut left, mut right) = (Rounding::default(), Rounding::default());
        for y in disk.rows(height) {
            let row = &mut self.pixels[y * self.layout.strides[0]..][..width];
            let Spans { outer, inner } = disk.spans(y, width);
            ink.fill(row, y, inner.clone());
            for (columns, rounding) in [(outer.start..inner.start, &mut left), (inner.end..outer.end, &mut right)] {
                for (x, pixel) in columns.clone().zip(&mut row[columns]) {
                    *pixel = rounding.blend(*pixel, ink.luma(x, y), disk.coverage(x, y));
                }
            }
        }
        Patch { rows: disk.rows(height), columns: disk.columns(width) }
    }
}

impl AsRef<[u8]> for Canvas {
    fn as_ref(&self) -> &[u8] {
        self.pixels()
    }
}

impl Ink {
    fn luma(self, x: usize, y: usize) -> u8 {
        match self {
            Ink::Flat => BALL_LUMA,
            Ink::Noisy(random) => (f64::from(BALL_LUMA) + backdrop::noise(random, x, y)) as u8,
        }
    }

    fn fill(self, row: &mut [u8], y: usize, columns: Range<usize>) {
        match self {
            Ink::Flat => row[columns].fill(BALL_LUMA),
            Ink::Noisy(_) => columns.for_each(|x| row[x] = self.luma(x, y)),
        }
    }
}

/// Rounds to 8 bits along one edge of a ball, and hands what each pixel lost to the next one.
///
/// The pixels of an edge are neighbours, so that an error moves by a pixel or so instead of by the radius: the centroid of a ball of
/// 4 px is off by 0.0002 px instead of 0.0005 (standard deviation).
#[derive(Debug, Default)]
struct Rounding {
    /// -0.5 to 0.5.
    left_over: f64,
}

impl Rounding {
    fn blend(&mut self, under: u8, over: u8, coverage: f64) -> u8 {
        let exact = f64::from(under) + (f64::from(over) - f64::from(under)) * coverage;
        let wanted = exact + self.left_over;
        // Half up; the conversion cuts off what is behind the point.
        let rounded = (wanted + 0.5) as u8;
        self.left_over = wanted - f64::from(rounded);
        rounded
    }
}

// The brightest pixel there is stays within video range.
const _: () = assert!(BALL_LUMA + NOISE_LUMA <= 235);
