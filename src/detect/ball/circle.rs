//! Circles through points on edges, several in one group where disks touch or cross.
//!
//! Two edge points of one circle, with their inward directions, already tell the circle: `p1 + r n1 = p2 + r n2`. Pairs that
//! obey this are drawn at random; the circle with the most points on it wins, is fitted to them, and its points are taken
//! away. (Pairs of gradient vectors: Rad, Faez, Qaragozlou, "Fast circle detection using gradient pair vectors", DICTA 2003.
//! Sampling and counting: Fischler, Bolles, "Random sample consensus", CACM 24(6), 1981.)

use super::edge::{EdgePoint, POINTS_PER_RADIUS};
use super::solve::solve;

/// The smallest radius looked for: a little under the smallest promised, 4 px, for what a codec shaves off.
pub(super) const MIN_RADIUS_PX: f32 = 3.0;
/// Three points tell a circle, two more say that it is one.
const MIN_POINTS: usize = 5;
/// A circle shows at least this part of the points that a full one has: an arc of 90 degrees, of which a few are lost.
const MIN_SUPPORT: f32 = 0.22;
/// Circles tried before the best is taken. Where a sixth of the fitting pairs belong to one ball, the odds against missing it
/// 64 times are 100,000 to 1.
const TRIALS: usize = 64;
/// Pairs drawn before giving up: of two random points of eight balls, one pair in eight is of the same.
const DRAWS: usize = 1500;
/// Directions are good to some 3 degrees: sine of the angle up to which a pair still fits.
const PAIR_TOLERANCE: f32 = 0.12;
/// The directions of a pair differ by at least this (about 25 degrees): below, the radius is a guess.
const MIN_TURN: f32 = 0.45;
/// How far from a fitted circle its points lie at most.
const TOLERANCE_PX: f32 = 1.0;
/// Points this near to a found circle are its own and make no other: a codec's ringing adds some.
const OWN_PX: f32 = 2.0;
/// Cosine up to which a point's direction is the circle's.
const ALIGNED: f32 = 0.85;
/// The part of all points that ends the search: nothing better can follow.
const CLEAR_WIN: f32 = 0.9;

/// A circle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Circle {
    /// Centre.
    pub(super) x: f32,
    /// Centre.
    pub(super) y: f32,
    /// Radius.
    pub(super) radius: f32,
}

impl Circle {
    pub(super) fn distance(&self, other: &Circle) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// Does the point lie on this circle and look to its centre?
    fn owns(&self, point: &EdgePoint, tolerance_px: f32) -> bool {
        let (dx, dy) = (self.x - point.x, self.y - point.y);
        // Not `hypot`, which guards against overflow and takes ten times as long.
        let distance = (dx * dx + dy * dy).sqrt();
        (distance - self.radius).abs() <= tolerance_px && dx * point.inward.0 + dy * point.inward.1 >= ALIGNED * distance
    }

    fn support(&self, points: usize) -> f32 {
        points as f32 / (POINTS_PER_RADIUS * self.radius)
    }
}

/// Work that is left for one frame. It ends: no picture, however wild, takes longer.
pub(super) struct Budget {
    /// Looks at a point or a pair.
    pub(super) looks: usize,
    /// Largest radius.
    pub(super) max_radius: f32,
    random: u32,
}

impl Budget {
    /// For a frame. About 2 ns a look; eight balls of 60 px in one group take a quarter of it.
    pub(super) fn new(max_radius: f32) -> Budget {
        Budget { looks: 600_000, max_radius, random: 0x9e37_79b9 }
    }

    fn spend(&mut self, looks: usize) -> bool {
        let enough = self.looks >= looks;
        self.looks = self.looks.saturating_sub(looks);
        enough
    }

    /// Marsaglia's xorshift: the same picture draws the same pairs.
    fn draw(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        ((u64::from(self.random) * below as u64) >> 32) as usize
    }
}

/// Finds the circles in one group of points, and uses the points up.
pub(super) fn find(points: &mut Vec<EdgePoint>, budget: &mut Budget, circles: &mut Vec<Circle>) {
    while points.len() >= MIN_POINTS {
        let Some(circle) = best(points, budget) else { return };
        circles.push(circle);
        points.retain(|point| !circle.owns(point, OWN_PX));
    }
}

fn best(points: &[EdgePoint], budget: &mut Budget) -> Option<Circle> {
    let mut best: Option<(usize, Circle)> = None;
    let mut trials = 0;
    for _ in 0..DRAWS {
        if trials == TRIALS || !budget.spend(1) {
            break;
        }
        let pair = (points[budget.draw(points.len())], points[budget.draw(points.len())]);
        let Some(guess) = through(&pair.0, &pair.1, budget.max_radius) else { continue };
        trials += 1;
        if !budget.spend(4 * points.len()) {
            break;
        }
        let Some((count, circle)) = settle(guess, points, budget.max_radius) else { continue };
        if best.is_none_or(|(most, _)| count > most) {
            best = Some((count, circle));
        }
        if count as f32 >= CLEAR_WIN * points.len() as f32 {
            break;
        }
    }
    best.map(|(_, circle)| circle)
}

/// The circle through two points with the inward directions there, if there is one.
fn through(a: &EdgePoint, b: &EdgePoint, max_radius: f32) -> Option<Circle> {
    let (turn_x, turn_y) = (b.inward.0 - a.inward.0, b.inward.1 - a.inward.1);
    let (chord_x, chord_y) = (a.x - b.x, a.y - b.y);
    let (turn, chord) = (turn_x.hypot(turn_y), chord_x.hypot(chord_y));
    let radius = chord / turn;
    let fits = turn >= MIN_TURN
        && (MIN_RADIUS_PX..=max_radius).contains(&radius)
        && turn_x * chord_x + turn_y * chord_y > 0.0
        && (turn_x * chord_y - turn_y * chord_x).abs() <= PAIR_TOLERANCE * turn * chord;
    let middle = |a: f32, b: f32, inward_a: f32, inward_b: f32| (a + b + radius * (inward_a + inward_b)) / 2.0;
    fits.then(|| Circle { x: middle(a.x, b.x, a.inward.0, b.inward.0), y: middle(a.y, b.y, a.inward.1, b.inward.1), radius })
}

/// Fits a guess to the points near it, thrice, ever nearer; tells how many points it ends with.
fn settle(mut circle: Circle, points: &[EdgePoint], max_radius: f32) -> Option<(usize, Circle)> {
    for tolerance_px in [TOLERANCE_PX.max(0.06 * circle.radius), TOLERANCE_PX, TOLERANCE_PX] {
        circle = step(circle, points, tolerance_px)?;
        if !(MIN_RADIUS_PX..=max_radius).contains(&circle.radius) {
            return None;
        }
    }
    let count = points.iter().filter(|point| circle.owns(point, TOLERANCE_PX)).count();
    (count >= MIN_POINTS && circle.support(count) >= MIN_SUPPORT).then_some((count, circle))
}

/// One step of Gauss and Newton to the least squares of the distances from the circle.
fn step(circle: Circle, points: &[EdgePoint], tolerance_px: f32) -> Option<Circle> {
    let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
    for point in points.iter().filter(|point| circle.owns(point, tolerance_px)) {
        let (dx, dy) = (f64::from(point.x - circle.x), f64::from(point.y - circle.y));
        let distance = (dx * dx + dy * dy).sqrt().max(f64::EPSILON);
        let slope = [dx / distance, dy / distance, 1.0];
        for row in 0..3 {
            right[row] += slope[row] * (distance - f64::from(circle.radius));
            (0..=row).for_each(|column| matrix[row][column] += slope[row] * slope[column]);
        }
    }
    let [x, y, radius] = solve(matrix, right)?.map(|change| change as f32);
    Some(Circle { x: circle.x + x, y: circle.y + y, radius: circle.radius + radius })
}
