//! Points on edges, to a fraction of a pixel, with the direction to the bright side.

use super::coarse::{CELL, EdgeCell, Grid};
use crate::frame::Plane;

/// A point on an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct EdgePoint {
    /// Where.
    pub(super) x: f32,
    /// Where.
    pub(super) y: f32,
    /// Unit vector to the bright side: into the disk.
    pub(super) inward: (f32, f32),
}

/// Half the length of the line along which an edge is looked for: reaches over a ramp of 4 px and the neighbouring cells.
const REACH: isize = 6;
/// Radius of the round window that tells an edge's direction: the smallest disk's.
const WINDOW: isize = 4;
/// An edge is looked for along an axis if its step there is at least this part of the step along the other one.
const AXIS_SHARE: f32 = 0.5;

/// How many points a full circle gives, per pixel of its radius: one for each row and each column of cells that its edge
/// crosses at an angle that [`AXIS_SHARE`] admits.
pub(super) const POINTS_PER_RADIUS: f32 = 1.78;

/// The direction a line is read in.
#[derive(Clone, Copy)]
enum Axis {
    Across,
    Down,
}

/// Finds the points on the edges that run through `cells`.
pub(super) fn points_on(cells: &[EdgeCell], grid: &Grid, luma: &Plane<'_>, points: &mut Vec<EdgePoint>) {
    for cell in cells {
        let &EdgeCell { x, y, .. } = cell;
        for axis in [Axis::Across, Axis::Down] {
            if is_crest(grid, x, y, axis) {
                points.extend(locate(luma, x, y, axis));
            }
        }
    }
}

/// Is the step here along `axis` the largest of its neighbours along it?
fn is_crest(grid: &Grid, x: usize, y: usize, axis: Axis) -> bool {
    let along = |x: usize, y: usize| {
        let (across, down) = if grid.is_inner(x, y) { grid.steps_at(x, y) } else { (0, 0) };
        match axis {
            Axis::Across => (across, down),
            Axis::Down => (down, across),
        }
    };
    let (here, other) = along(x, y);
    let (before, after) = match axis {
        Axis::Across => (along(x - 1, y).0, along(x + 1, y).0),
        Axis::Down => (along(x, y - 1).0, along(x, y + 1).0),
    };
    let rises_as_here = |step: i32| if step.signum() == here.signum() { step.abs() } else { 0 };
    here != 0
        && here.abs() as f32 >= AXIS_SHARE * other.abs() as f32
        && here.abs() > rises_as_here(before)
        && here.abs() >= rises_as_here(after)
}

/// Where the luma crosses the middle between its two sides, on a line through the centre of a cell.
fn locate(luma: &Plane<'_>, cell_x: usize, cell_y: usize, axis: Axis) -> Option<EdgePoint> {
    const LEN: usize = 2 * REACH as usize;
    // Two pixels wide, so that its axis is the cell's: cell centres lie between pixels.
    let (left, top) = ((cell_x * CELL) as isize + 1, (cell_y * CELL) as isize + 1);
    let line: [f32; LEN] = std::array::from_fn(|at| {
        let along = at as isize - REACH + 1;
        match axis {
            Axis::Across => pixel(luma, left + along, top) + pixel(luma, left + along, top + 1),
            Axis::Down => pixel(luma, left, top + along) + pixel(luma, left + 1, top + along),
        }
    });
    let along = crossing(&line)? - (REACH - 1) as f32;
    let (left, top) = (left as f32, top as f32);
    let (x, y) = match axis {
        Axis::Across => (left + along, top + 0.5),
        Axis::Down => (left + 0.5, top + along),
    };
    Some(EdgePoint { x, y, inward: direction(luma, x, y)? })
}

/// The crossing of the middle level that is nearest to the middle of the line.
fn crossing(line: &[f32]) -> Option<f32> {
    let (low, high) = line.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let level = (low + high) / 2.0;
    let middle = (line.len() - 1) as f32 / 2.0;
    let crossings = line.windows(2).enumerate().filter(|(_, pair)| (pair[0] < level) != (pair[1] < level));
    let positions = crossings.map(|(at, pair)| at as f32 + (level - pair[0]) / (pair[1] - pair[0]));
    positions.min_by(|a, b| (a - middle).abs().total_cmp(&(b - middle).abs()))
}

/// The first moments of luma in a round window: their direction is the gradient's, without preferring any angle. None where the
/// window leaves the picture.
fn direction(luma: &Plane<'_>, x: f32, y: f32) -> Option<(f32, f32)> {
    let (x, y) = (x.round() as isize, y.round() as isize);
    if x < WINDOW || y < WINDOW || x + WINDOW >= luma.width() as isize || y + WINDOW >= luma.height() as isize {
        return None;
    }
    let (mut across, mut down) = (0i32, 0i32);
    for dy in -WINDOW..=WINDOW {
        let half = (WINDOW * WINDOW + WINDOW - dy * dy).isqrt();
        let row = &luma.row((y + dy) as usize)[(x - half) as usize..=(x + half) as usize];
        let sums = row
            .iter()
            .zip(-half as i32..)
            .fold((0, 0), |sums, (&v, dx)| (sums.0 + i32::from(v), sums.1 + i32::from(v) * dx));
        across += sums.1;
        down += sums.0 * dy as i32;
    }
    let length = (across as f32).hypot(down as f32);
    (length > 0.0).then(|| (across as f32 / length, down as f32 / length))
}

/// The luma of a pixel; outside the picture, that of the nearest inside.
fn pixel(luma: &Plane<'_>, x: isize, y: isize) -> f32 {
    let clamped = |at: isize, len: usize| at.clamp(0, len as isize - 1) as usize;
    f32::from(luma.row(clamped(y, luma.height()))[clamped(x, luma.width())])
}
