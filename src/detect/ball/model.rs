//! The exact pass: a disk with a soft edge on a plane background, fitted to the pixels around its edge.
//!
//! The model, with `d` the distance from the centre `(x, y)`:
//!
//! ```text
//! luma = (1 - s) * (background + slope_x * dx + slope_y * dy) + s * inside,   s = smoothstep((radius - d) / softness)
//! ```
//!
//! All eight parameters are found together by least squares (Gauss-Newton), for white noise the best there is: every pixel of
//! the edge counts, weighted by how much it tells. A thresholded centroid uses one bit of each pixel.

use super::circle::Circle;
use super::solve::solve;
use crate::frame::Plane;

/// Parameters of the model: x, y, radius, softness, inside, background, slope x, slope y.
const PARAMETERS: usize = 8;
/// Pixels farther than this from the ramp tell nothing new: enough for both levels, few enough to be quick.
const MARGIN_PX: f32 = 4.0;
/// Width of half a ramp: what one pixel of area makes of a sharp edge.
const MIN_SOFTNESS_PX: f32 = 0.6;
/// Half a ramp at first, between a sharp edge and a ramp of 4 px.
const FIRST_SOFTNESS_PX: f32 = 1.5;
/// The most pixels of one disk that are looked at; a larger one is thinned evenly.
const MAX_PIXELS: usize = 4000;
/// The most pixels of all disks together, which bounds the time a frame takes: eight disks of 60 px radius are not thinned.
const MAX_PIXELS_A_FRAME: usize = 32_000;
/// Steps of Gauss and Newton; three do from a good start.
const MAX_STEPS: usize = 6;
/// A step this small ends the search: steps shrink tenfold from one to the next, and a hundredth of a pixel is promised.
const SETTLED_PX: f32 = 3e-3;
/// Residuals of this many times their mean, and more, are no noise but something else in the picture, as a part of another
/// disk: they lose their weight (Cauchy's, by iterative reweighting).
const TRUSTED_MEANS: f32 = 3.0;
/// Residuals up to this, in steps of luma, are never mistrusted.
const MIN_TRUSTED: f32 = 8.0;
/// Farther than this from where the pixels were gathered they do not fit any more.
const MAX_DRIFT_PX: f32 = 2.5;
/// Around another disk pixels are its own.
const OTHERS_PX: f32 = 3.0;
/// A seen part of the edge below this is no proof of a disk.
const MIN_PIXELS: usize = 24;

/// What the fit says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// Where.
    pub(super) circle: Circle,
    /// Inside less background.
    pub(super) contrast: f32,
    /// Half the width of the edge's ramp.
    pub(super) softness: f32,
    /// The part of the pixels' variance that the model explains.
    pub(super) explained: f32,
    /// The part of the edge that no other disk hides.
    pub(super) seen: f32,
}

/// Working space of the fit, one entry for each pixel.
#[derive(Default)]
pub(super) struct Fitter {
    dx: Vec<f32>,
    dy: Vec<f32>,
    luma: Vec<f32>,
    /// Derivatives by the parameters; last, what is left to explain.
    columns: [Vec<f32>; PARAMETERS + 1],
    /// What the model leaves unexplained.
    residuals: Vec<f32>,
    hidden: usize,
}

#[derive(Clone, Copy)]
struct State {
    x: f32,
    y: f32,
    radius: f32,
    softness: f32,
    inside: f32,
    background: f32,
    slope_x: f32,
    slope_y: f32,
    /// Residuals above this count ever less.
    trusted: f32,
}

impl Fitter {
    /// Fits the disk near `start`, one of `count`, without the pixels of `others`. None where there is none.
    pub(super) fn fit(&mut self, luma: &Plane<'_>, start: Circle, others: &[Circle], count: usize) -> Option<Fit> {
        self.gather(luma, start, others, MAX_PIXELS.min(MAX_PIXELS_A_FRAME / count.max(1)));
        if self.luma.len() < MIN_PIXELS {
            return None;
        }
        let mut state = self.first_state(start);
        for _ in 0..MAX_STEPS {
            let change = self.step(&mut state)?;
            let drift = state.x.hypot(state.y).max((state.radius - start.radius).abs());
            if drift > MAX_DRIFT_PX || state.softness > state.radius {
                return None;
            }
            if change < SETTLED_PX {
                break;
            }
        }
        Some(self.verdict(start, &state))
    }

    /// The pixels around the edge of `start`, relative to its centre; about `most` at most.
    fn gather(&mut self, luma: &Plane<'_>, start: Circle, others: &[Circle], most: usize) {
        [&mut self.dx, &mut self.dy, &mut self.luma].into_iter().for_each(Vec::clear);
        self.hidden = 0;
        let reach = FIRST_SOFTNESS_PX + MARGIN_PX;
        let (outer, inner) = (start.radius + reach, start.radius - reach);
        let area = std::f32::consts::PI * (outer * outer - inner.max(0.0) * inner.max(0.0));
        let stride = (area / most as f32).ceil().max(1.0) as usize;
        let rows = span(start.y - outer, start.y + outer, luma.height());
        for y in rows {
            let dy = y as f32 - start.y;
            let half = (outer * outer - dy * dy).max(0.0).sqrt();
            let hole = if dy.abs() < inner { (inner * inner - dy * dy).sqrt() } else { 0.0 };
            let left = span(start.x - half, start.x - hole, luma.width());
            let right = span(start.x + hole, start.x + half, luma.width());
            let right = right.start.max(left.end)..right.end;
            let phase = y * 7 % stride;
            let row = luma.row(y);
            for x in left.skip(phase).step_by(stride).chain(right.skip(phase).step_by(stride)) {
                self.take(x as f32 - start.x, dy, row[x], start, others);
            }
        }
    }

    fn take(&mut self, dx: f32, dy: f32, luma: u8, start: Circle, others: &[Circle]) {
        let hides = |other: &Circle| {
            let (x, y, reach) = (start.x + dx - other.x, start.y + dy - other.y, other.radius + OTHERS_PX);
            x * x + y * y < reach * reach
        };
        if others.iter().any(hides) {
            self.hidden += 1;
        } else {
            self.dx.push(dx);
            self.dy.push(dy);
            self.luma.push(f32::from(luma));
        }
    }

    /// Levels from the pixels well inside and well outside.
    fn first_state(&self, start: Circle) -> State {
        let (mut inside, mut outside) = ((0.0, 0.0), (0.0, 0.0));
        for ((dx, dy), luma) in self.dx.iter().zip(&self.dy).zip(&self.luma) {
            let out = (dx * dx + dy * dy).sqrt() - start.radius;
            let side = if out < 0.0 { &mut inside } else { &mut outside };
            let weight = out * out;
            *side = (side.0 + weight * luma, side.1 + weight);
        }
        let level = |(sum, weight): (f32, f32)| sum / weight.max(f32::EPSILON);
        State {
            x: 0.0,
            y: 0.0,
            radius: start.radius,
            softness: FIRST_SOFTNESS_PX.min(start.radius / 2.0),
            inside: level(inside),
            background: level(outside),
            slope_x: 0.0,
            slope_y: 0.0,
            trusted: f32::MAX,
        }
    }

    /// One step; tells how far the circle moved.
    fn step(&mut self, state: &mut State) -> Option<f32> {
        self.derive(state);
        let mut matrix = [[0.0; PARAMETERS]; PARAMETERS];
        let [columns @ .., rest] = &self.columns;
        for (row, column) in columns.iter().enumerate() {
            for (cell, other) in matrix[row].iter_mut().zip(&columns[..=row]) {
                *cell = dot(column, other);
            }
            // A trace of damping (Levenberg) for what the pixels do not tell, as the slope along a short arc.
            matrix[row][row] += 1e-5 * matrix[row][row] + 1e-6;
        }
        let right: [f64; PARAMETERS] = std::array::from_fn(|row| dot(&columns[row], rest));
        let change = solve(matrix, right)?.map(|change| change as f32);
        state.x += change[0];
        state.y += change[1];
        state.radius += change[2];
        state.softness = (state.softness + change[3]).max(MIN_SOFTNESS_PX);
        state.inside += change[4];
        state.background += change[5];
        state.slope_x += change[6];
        state.slope_y += change[7];
        state.trusted = (TRUSTED_MEANS * mean_size(&self.residuals)).max(MIN_TRUSTED);
        Some(change[0].abs().max(change[1].abs()).max(change[2].abs()))
    }

    /// Fills the columns; written so that the compiler makes vectors of it.
    fn derive(&mut self, state: &State) {
        let State { x, y, radius, softness, inside, background, slope_x, slope_y, trusted } = *state;
        let len = self.luma.len();
        self.columns.iter_mut().for_each(|column| column.resize(len, 0.0));
        let [by_x, by_y, by_radius, by_softness, by_inside, by_background, by_slope_x, by_slope_y, rest] =
            self.columns.each_mut().map(|column| &mut column[..len]);
        self.residuals.resize(len, 0.0);
        let residuals = &mut self.residuals[..len];
        let (dx, dy, luma) = (&self.dx[..len], &self.dy[..len], &self.luma[..len]);
        for i in 0..len {
            let (px, py) = (dx[i] - x, dy[i] - y);
            let distance = (px * px + py * py).sqrt().max(1e-3);
            let t = ((radius - distance) / softness).clamp(-1.0, 1.0);
            let cover = 0.5 + t * (0.75 - 0.25 * t * t);
            let under = background + slope_x * dx[i] + slope_y * dy[i];
            let residual = luma[i] - under - (inside - under) * cover;
            let ratio = residual / trusted;
            let trust = 1.0 / (1.0 + ratio * ratio).sqrt();
            let edge = trust * (inside - under) * 0.75 * (1.0 - t * t) / softness;
            by_x[i] = edge * px / distance;
            by_y[i] = edge * py / distance;
            by_radius[i] = edge;
            by_softness[i] = -edge * t;
            by_inside[i] = trust * cover;
            by_background[i] = trust * (1.0 - cover);
            by_slope_x[i] = trust * (1.0 - cover) * dx[i];
            by_slope_y[i] = trust * (1.0 - cover) * dy[i];
            rest[i] = trust * residual;
            residuals[i] = residual;
        }
    }

    /// By the residuals before the last step, which changed next to nothing.
    fn verdict(&self, start: Circle, state: &State) -> Fit {
        let len = self.luma.len() as f64;
        let sum: f64 = self.luma.iter().map(|&luma| f64::from(luma)).sum();
        let variance = dot(&self.luma, &self.luma) - sum * sum / len;
        let explained = 1.0 - dot(&self.residuals, &self.residuals) / variance.max(1.0);
        Fit {
            circle: Circle { x: start.x + state.x, y: start.y + state.y, radius: state.radius },
            contrast: state.inside - state.background,
            softness: state.softness,
            explained: explained.clamp(0.0, 1.0) as f32,
            seen: (len / (len + self.hidden as f64)) as f32,
        }
    }
}

/// The pixels from `low` to `high`, within `0..len`.
fn span(low: f32, high: f32, len: usize) -> std::ops::Range<usize> {
    // A cast of a negative float gives 0.
    low.ceil() as usize..((high + 1.0).max(0.0) as usize).min(len)
}

/// The mean of the absolute values.
fn mean_size(values: &[f32]) -> f32 {
    let (chunks, tail) = values.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for chunk in chunks {
        for lane in 0..8 {
            sums[lane] += chunk[lane].abs();
        }
    }
    (sums.iter().sum::<f32>() + tail.iter().map(|value| value.abs()).sum::<f32>()) / values.len() as f32
}

/// Eight sums side by side, which the compiler keeps in vector registers.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0f32; 8];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let tail: f32 = a_tail.iter().zip(b_tail).map(|(a, b)| a * b).sum();
    sums.iter().map(|&sum| f64::from(sum)).sum::<f64>() + f64::from(tail)
}
