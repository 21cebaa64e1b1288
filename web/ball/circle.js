// Circles through points on edges, several in one group where disks touch or cross. See src/detect/ball/circle.rs for the method,
// its sources and the reasons of the constants.

import { POINTS_PER_RADIUS } from "./edge.js";
import { solve } from "./solve.js";

export const MIN_RADIUS_PX = 3;
const MIN_POINTS = 5;
const MIN_SUPPORT = 0.22;
const TRIALS = 64;
const DRAWS = 1500;
const PAIR_TOLERANCE = 0.12;
const MIN_TURN = 0.45;
const TOLERANCE_PX = 1;
const OWN_PX = 2;
const ALIGNED = 0.85;
const CLEAR_WIN = 0.9;
/** A quarter of the native detector's: about 8 ns a look here, so that no picture takes longer than some milliseconds. */
const LOOKS = 150_000;

const matrix = new Float64Array(9);
const right = new Float64Array(3);
const slope = new Float64Array(3);

/** Work that is left for one frame. */
export class Budget {
  #looks = LOOKS;
  #random = 0x9e3779b9;

  constructor(maxRadius) {
    this.maxRadius = maxRadius;
  }

  spend(looks) {
    const isEnough = this.#looks >= looks;
    this.#looks = Math.max(0, this.#looks - looks);
    return isEnough;
  }

  /** Marsaglia's xorshift: the same picture draws the same pairs. */
  draw(below) {
    let random = this.#random;
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    this.#random = random >>> 0;
    return Math.floor((this.#random / 2 ** 32) * below);
  }
}

/** The circles `{x, y, radius}` in one group of points. */
export function find(points, budget) {
  const circles = [];
  while (points.length >= MIN_POINTS) {
    const circle = best(points, budget);
    if (!circle) break;
    circles.push(circle);
    points = points.filter((point) => !owns(circle, point, OWN_PX));
  }
  return circles;
}

function best(points, budget) {
  let most = 0;
  let best = null;
  for (let draws = 0, trials = 0; draws < DRAWS && trials < TRIALS && budget.spend(1); draws++) {
    const guess = through(points[budget.draw(points.length)], points[budget.draw(points.length)], budget.maxRadius);
    if (!guess) continue;
    trials++;
    if (!budget.spend(4 * points.length)) break;
    const count = settle(guess, points, budget.maxRadius);
    if (count > most) [most, best] = [count, guess];
    if (count >= CLEAR_WIN * points.length) break;
  }
  return best;
}

/** The circle through two points with the inward directions there, if there is one. */
function through(a, b, maxRadius) {
  const turnX = b.inX - a.inX;
  const turnY = b.inY - a.inY;
  const chordX = a.x - b.x;
  const chordY = a.y - b.y;
  const turn = Math.sqrt(turnX * turnX + turnY * turnY);
  const chord = Math.sqrt(chordX * chordX + chordY * chordY);
  const radius = chord / turn;
  const fits =
    turn >= MIN_TURN &&
    radius >= MIN_RADIUS_PX &&
    radius <= maxRadius &&
    turnX * chordX + turnY * chordY > 0 &&
    Math.abs(turnX * chordY - turnY * chordX) <= PAIR_TOLERANCE * turn * chord;
  if (!fits) return null;
  return { x: (a.x + b.x + radius * (a.inX + b.inX)) / 2, y: (a.y + b.y + radius * (a.inY + b.inY)) / 2, radius };
}

/** Fits a guess to the points near it, thrice, ever nearer; tells how many points it ends with, 0 for no circle. */
function settle(circle, points, maxRadius) {
  for (const tolerancePx of [Math.max(TOLERANCE_PX, 0.06 * circle.radius), TOLERANCE_PX, TOLERANCE_PX]) {
    if (!step(circle, points, tolerancePx)) return 0;
    if (!(circle.radius >= MIN_RADIUS_PX && circle.radius <= maxRadius)) return 0;
  }
  let count = 0;
  for (const point of points) if (owns(circle, point, TOLERANCE_PX)) count++;
  return count >= MIN_POINTS && count / (POINTS_PER_RADIUS * circle.radius) >= MIN_SUPPORT ? count : 0;
}

/** One step of Gauss and Newton to the least squares of the distances from the circle. */
function step(circle, points, tolerancePx) {
  matrix.fill(0);
  right.fill(0);
  for (const point of points) {
    if (!owns(circle, point, tolerancePx)) continue;
    const dx = point.x - circle.x;
    const dy = point.y - circle.y;
    const distance = Math.max(Math.sqrt(dx * dx + dy * dy), Number.EPSILON);
    slope[0] = dx / distance;
    slope[1] = dy / distance;
    slope[2] = 1;
    for (let row = 0; row < 3; row++) {
      right[row] += slope[row] * (distance - circle.radius);
      for (let column = 0; column <= row; column++) matrix[row * 3 + column] += slope[row] * slope[column];
    }
  }
  if (!solve(matrix, right)) return false;
  circle.x += right[0];
  circle.y += right[1];
  circle.radius += right[2];
  return true;
}

/** Does the point lie on this circle and look to its centre? */
function owns(circle, point, tolerancePx) {
  const dx = circle.x - point.x;
  const dy = circle.y - point.y;
  const distance = Math.sqrt(dx * dx + dy * dy);
  return Math.abs(distance - circle.radius) <= tolerancePx && dx * point.inX + dy * point.inY >= ALIGNED * distance;
}
