// The exact pass: a disk with a soft edge on a plane background, fitted to the pixels around its edge by robust least squares
// (Gauss-Newton with Cauchy weights). The model and the reasons of the constants: src/detect/ball/model.rs.

import { solve } from "./solve.js";

/** x, y, radius, softness, inside, background, slope x, slope y. */
const PARAMETERS = 8;
const MARGIN_PX = 4;
const MIN_SOFTNESS_PX = 0.6;
const FIRST_SOFTNESS_PX = 1.5;
const MAX_PIXELS = 4000;
/** Half of the native detector's, for the same time. */
const MAX_PIXELS_A_FRAME = 16_000;
const MAX_STEPS = 6;
const SETTLED_PX = 3e-3;
const TRUSTED_MEANS = 3;
const MIN_TRUSTED = 8;
const MAX_DRIFT_PX = 2.5;
const OTHERS_PX = 3;
const MIN_PIXELS = 24;

/** Room for the pixels of one disk: thinning is by rows, so that a few more than asked for may come. */
const ROOM = 2 * MAX_PIXELS;

export class Fitter {
  #dx = new Float32Array(ROOM);
  #dy = new Float32Array(ROOM);
  #luma = new Float32Array(ROOM);
  #count = 0;
  #hidden = 0;
  #unexplained = 0;
  #trusted = Infinity;
  #matrix = new Float64Array(PARAMETERS * PARAMETERS);
  #right = new Float64Array(PARAMETERS);
  #row = new Float64Array(PARAMETERS);

  /**
   * Fits the disk near `start`, one of `count`, without the pixels of `others`. Null where there is none.
   * @returns {?{x: number, y: number, radius: number, contrast: number, explained: number, seen: number}}
   */
  fit(luma, start, others, count) {
    this.#gather(luma, start, others, Math.min(MAX_PIXELS, MAX_PIXELS_A_FRAME / Math.max(1, count)));
    if (this.#count < MIN_PIXELS) return null;
    const state = this.#firstState(start);
    this.#trusted = Infinity;
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const change = this.#step(state);
      if (change === null) return null;
      const drift = Math.max(Math.hypot(state[0], state[1]), Math.abs(state[2] - start.radius));
      if (drift > MAX_DRIFT_PX || state[3] > state[2]) return null;
      if (change < SETTLED_PX) break;
    }
    return this.#verdict(start, state);
  }

  /** The pixels around the edge of `start`, relative to its centre; about `most` at most. */
  #gather({ data, offset, stride, width, height }, start, others, most) {
    this.#count = 0;
    this.#hidden = 0;
    const outer = start.radius + FIRST_SOFTNESS_PX + MARGIN_PX;
    const inner = start.radius - FIRST_SOFTNESS_PX - MARGIN_PX;
    const area = Math.PI * (outer * outer - Math.max(inner, 0) ** 2);
    const stepPx = Math.max(1, Math.ceil(area / most));
    for (let y = first(start.y - outer); y < end(start.y + outer, height); y++) {
      const dy = y - start.y;
      const half = Math.sqrt(Math.max(outer * outer - dy * dy, 0));
      const hole = Math.abs(dy) < inner ? Math.sqrt(inner * inner - dy * dy) : 0;
      const phase = (y * 7) % stepPx;
      const row = offset + y * stride;
      const leftEnd = end(start.x - hole, width);
      for (let x = first(start.x - half) + phase; x < leftEnd; x += stepPx) {
        this.#take(x - start.x, dy, data[row + x], start, others);
      }
      for (let x = Math.max(first(start.x + hole), leftEnd) + phase; x < end(start.x + half, width); x += stepPx) {
        this.#take(x - start.x, dy, data[row + x], start, others);
      }
    }
  }

  #take(dx, dy, luma, start, others) {
    for (const other of others) {
      const x = start.x + dx - other.x;
      const y = start.y + dy - other.y;
      const reach = other.radius + OTHERS_PX;
      if (x * x + y * y < reach * reach) {
        this.#hidden++;
        return;
      }
    }
    if (this.#count === ROOM) return;
    this.#dx[this.#count] = dx;
    this.#dy[this.#count] = dy;
    this.#luma[this.#count++] = luma;
  }

  /** Levels from the pixels well inside and well outside. */
  #firstState(start) {
    const sums = [0, 0];
    const weights = [Number.EPSILON, Number.EPSILON];
    for (let i = 0; i < this.#count; i++) {
      const out = Math.sqrt(this.#dx[i] ** 2 + this.#dy[i] ** 2) - start.radius;
      const side = out < 0 ? 0 : 1;
      sums[side] += out * out * this.#luma[i];
      weights[side] += out * out;
    }
    const softness = Math.min(FIRST_SOFTNESS_PX, start.radius / 2);
    return Float64Array.of(0, 0, start.radius, softness, sums[0] / weights[0], sums[1] / weights[1], 0, 0);
  }

  /** One step; tells how far the circle moved, null if it cannot be made. */
  #step(state) {
    const meanSize = this.#sumUp(state);
    const matrix = this.#matrix;
    // A trace of damping (Levenberg) for what the pixels do not tell, as the slope along a short arc.
    for (let row = 0; row < PARAMETERS; row++) matrix[row * PARAMETERS + row] += 1e-5 * matrix[row * PARAMETERS + row] + 1e-6;
    if (!solve(matrix, this.#right)) return null;
    for (let row = 0; row < PARAMETERS; row++) state[row] += this.#right[row];
    state[3] = Math.max(state[3], MIN_SOFTNESS_PX);
    this.#trusted = Math.max(TRUSTED_MEANS * meanSize, MIN_TRUSTED);
    return Math.max(Math.abs(this.#right[0]), Math.abs(this.#right[1]), Math.abs(this.#right[2]));
  }

  /** Fills the normal equations at this state; tells the mean of the absolute residuals. */
  #sumUp(state) {
    const [x, y, radius, softness, inside, background, slopeX, slopeY] = state;
    const matrix = this.#matrix.fill(0);
    const right = this.#right.fill(0);
    const by = this.#row;
    const trusted = this.#trusted;
    let sizes = 0;
    let squares = 0;
    for (let i = 0; i < this.#count; i++) {
      const px = this.#dx[i] - x;
      const py = this.#dy[i] - y;
      const distance = Math.max(Math.sqrt(px * px + py * py), 1e-3);
      const t = Math.min(1, Math.max(-1, (radius - distance) / softness));
      const cover = 0.5 + t * (0.75 - 0.25 * t * t);
      const under = background + slopeX * this.#dx[i] + slopeY * this.#dy[i];
      const residual = this.#luma[i] - under - (inside - under) * cover;
      const ratio = residual / trusted;
      const trust = 1 / Math.sqrt(1 + ratio * ratio);
      const edge = (trust * (inside - under) * 0.75 * (1 - t * t)) / softness;
      by[0] = (edge * px) / distance;
      by[1] = (edge * py) / distance;
      by[2] = edge;
      by[3] = -edge * t;
      by[4] = trust * cover;
      by[5] = trust * (1 - cover);
      by[6] = by[5] * this.#dx[i];
      by[7] = by[5] * this.#dy[i];
      for (let row = 0; row < PARAMETERS; row++) {
        right[row] += by[row] * trust * residual;
        for (let column = 0; column <= row; column++) matrix[row * PARAMETERS + column] += by[row] * by[column];
      }
      sizes += Math.abs(residual);
      squares += residual * residual;
    }
    this.#unexplained = squares;
    return sizes / this.#count;
  }

  /** By the residuals before the last step, which changed next to nothing. */
  #verdict(start, [x, y, radius, , inside, background]) {
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < this.#count; i++) {
      sum += this.#luma[i];
      squares += this.#luma[i] ** 2;
    }
    const variance = squares - (sum * sum) / this.#count;
    return {
      x: start.x + x,
      y: start.y + y,
      radius,
      contrast: inside - background,
      explained: Math.min(1, Math.max(0, 1 - this.#unexplained / Math.max(variance, 1))),
      seen: this.#count / (this.#count + this.#hidden),
    };
  }
}

/** The first pixel from `low` on, within the picture. */
function first(low) {
  return Math.max(0, Math.ceil(low));
}

/** One past the last pixel up to `high`, within the picture. */
function end(high, length) {
  return Math.min(length, Math.max(0, Math.floor(high + 1)));
}
