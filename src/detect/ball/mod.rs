//! Bright disks, to a hundredth of a pixel.
//!
//! Four passes, each over far less than the one before:
//!
//! 1. `coarse`: one row in four becomes cells; where neighbouring cells differ by more than the picture's own noise is an edge.
//! 2. `edge`: on each edge, points to a fraction of a pixel with the direction to the bright side.
//! 3. `circle`: circles through the points of one connected edge, several where disks touch or cross.
//! 4. `model`: a disk with a soft edge on a plane background, fitted to all pixels around each circle by robust least
//!    squares. It says where the centre is, and whether this is a disk at all. Where there are several, it runs twice, the
//!    second time knowing which pixels are a neighbour's.
//!
//! Nothing is learnt from frame to frame and no level is fixed: what counts is the edge, so that gradients, bright places in
//! the background and other balls do not move the answer.
//!
//! **Limits.** Disks brighter than what surrounds them by at least 24 steps of luma (and five deviations of its noise), of
//! radius 4 px up to half of the frame's longer side; the edge's ramp up to 5 px wide; at least about 40 % of the edge
//! in sight; the centre in the frame; at most 32 in a frame. Of a disk over another one of the same brightness only the outer
//! edges are seen. Every step is bounded: no picture takes longer than a few milliseconds at 1920x1080.

mod circle;
mod coarse;
mod edge;
mod model;
mod solve;

use circle::{Budget, Circle, MIN_RADIUS_PX};
use coarse::{EdgeCell, Grid, Groups};
use edge::EdgePoint;
use model::{Fit, Fitter};

use super::{Detector, Extent, Sighting};
use crate::frame::{I420View, Plane};
use crate::units::Px;

/// Steps of luma from the background to the disk that it takes at least.
const MIN_CONTRAST: f32 = 24.0;
/// The part of the variance around its edge that a disk explains at least. Normal noise of a quarter of the contrast leaves
/// 0.8; a square of the same size explains 0.75.
const MIN_EXPLAINED: f32 = 0.8;
/// A disk shows at least this part of its edge.
const MIN_SEEN: f32 = 0.15;
/// The most disks fitted in one frame, which bounds the time it takes.
const MAX_DISKS: usize = 32;

/// Finds bright disks: sub-pixel centre and radius of each, on any background that is calmer than they are. The score is the
/// part of the pixels' variance around the edge that a perfect disk explains.
///
/// Disks from 4 px radius, at least 24 steps of luma brighter than what surrounds them. Limits, accuracy and speed are in
/// `docs/detectors.md`.
#[derive(Default)]
pub struct Ball {
    grid: Grid,
    edges: Vec<EdgeCell>,
    groups: Groups,
    points: Vec<EdgePoint>,
    circles: Vec<Circle>,
    others: Vec<Circle>,
    fits: Vec<Fit>,
    fitter: Fitter,
}

impl Detector for Ball {
    fn detect(&mut self, frame: &I420View<'_>, found: &mut Vec<Sighting>) {
        self.search(&frame.y);
        self.fit(&frame.y);
        let (width, height) = (frame.y.width() as f32, frame.y.height() as f32);
        let in_frame = |c: &Circle| (-0.5..width - 0.5).contains(&c.x) && (-0.5..height - 0.5).contains(&c.y);
        found.extend(self.fits.iter().filter(|fit| in_frame(&fit.circle)).map(sighting));
    }
}

impl Ball {
    /// Leaves the circles that edges make in `circles`.
    fn search(&mut self, luma: &Plane<'_>) {
        self.circles.clear();
        self.grid.read(luma);
        self.grid.edges(&mut self.edges);
        self.groups.group(&self.grid, &self.edges);
        let mut budget = Budget::new(luma.width().max(luma.height()) as f32 / 2.0);
        for group in self.groups.iter() {
            self.points.clear();
            edge::points_on(group, &self.grid, luma, &mut self.points);
            circle::find(&mut self.points, &mut budget, &mut self.circles);
        }
        self.circles.truncate(MAX_DISKS);
    }

    /// Leaves the disks that the pixels confirm in `fits`.
    fn fit(&mut self, luma: &Plane<'_>) {
        self.fit_once(luma);
        let alone = self.circles.len() == 1;
        if !alone {
            // Now with the neighbours where they are, and without those that are none.
            self.circles.clear();
            self.circles.extend(self.fits.iter().map(|fit| fit.circle));
            self.fit_once(luma);
        }
    }

    fn fit_once(&mut self, luma: &Plane<'_>) {
        self.fits.clear();
        for (index, circle) in self.circles.iter().enumerate() {
            self.others.clear();
            let others = self.circles.iter().enumerate().filter(|&(other, _)| other != index).map(|(_, other)| *other);
            self.others.extend(others.filter(|other| circle.distance(other) < circle.radius + other.radius + 12.0));
            let fit = self.fitter.fit(luma, *circle, &self.others, self.circles.len());
            self.fits.extend(fit.filter(is_disk));
        }
    }
}

fn is_disk(fit: &Fit) -> bool {
    fit.circle.radius >= MIN_RADIUS_PX
        && fit.contrast >= MIN_CONTRAST
        && fit.explained >= MIN_EXPLAINED
        && fit.seen >= MIN_SEEN
}

fn sighting(fit: &Fit) -> Sighting {
    Sighting {
        label: "ball".into(),
        centre_px: Px { x: fit.circle.x.into(), y: fit.circle.y.into() },
        extent: Extent::Radius(fit.circle.radius.into()),
        score: fit.explained.into(),
    }
}

#[cfg(test)]
mod tests;
