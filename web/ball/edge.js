// Points on edges, to a fraction of a pixel, with the direction to the bright side. See src/detect/ball/edge.rs.

import { CELL } from "./coarse.js";

const REACH = 6;
const WINDOW = 4;
const AXIS_SHARE = 0.5;

/** How many points a full circle gives, per pixel of its radius. */
export const POINTS_PER_RADIUS = 1.78;

/** Half the width of each row of the round window. */
const HALVES = Array.from({ length: 2 * WINDOW + 1 }, (_, row) => {
  const dy = row - WINDOW;
  return Math.floor(Math.sqrt(WINDOW * WINDOW + WINDOW - dy * dy));
});

const line = new Float64Array(2 * REACH);

/**
 * The points on the edges that run through these cells: `[{x, y, inX, inY}]`, `(inX, inY)` the unit vector to the bright side.
 */
export function pointsOn(cells, grid, luma) {
  const points = [];
  for (const [x, y] of cells) {
    for (const isAcross of [true, false]) {
      const point = isCrest(grid, x, y, isAcross) && locate(luma, x, y, isAcross);
      if (point) points.push(point);
    }
  }
  return points;
}

/** Is the step here along the axis the largest of its neighbours along it? */
function isCrest(grid, x, y, isAcross) {
  const step = (x, y) => (isAcross ? grid.across(x, y) : grid.down(x, y));
  const here = step(x, y);
  const other = isAcross ? grid.down(x, y) : grid.across(x, y);
  const before = isAcross ? step(x - 1, y) : step(x, y - 1);
  const after = isAcross ? step(x + 1, y) : step(x, y + 1);
  const size = Math.abs(here);
  const asHere = (step) => (Math.sign(step) === Math.sign(here) ? Math.abs(step) : 0);
  return here !== 0 && size >= AXIS_SHARE * Math.abs(other) && size > asHere(before) && size >= asHere(after);
}

/** Where the luma crosses the middle between its two sides, on a line of two pixels' width through the centre of a cell. */
function locate(luma, cellX, cellY, isAcross) {
  const left = cellX * CELL + 1;
  const top = cellY * CELL + 1;
  for (let at = 0; at < line.length; at++) {
    const along = at - REACH + 1;
    line[at] = isAcross
      ? pixel(luma, left + along, top) + pixel(luma, left + along, top + 1)
      : pixel(luma, left, top + along) + pixel(luma, left + 1, top + along);
  }
  const at = crossing();
  if (at === null) return null;
  const along = at - (REACH - 1);
  const x = isAcross ? left + along : left + 0.5;
  const y = isAcross ? top + 0.5 : top + along;
  return direction(luma, x, y);
}

/** The crossing of the middle level that is nearest to the middle of the line. */
function crossing() {
  let low = Infinity;
  let high = -Infinity;
  for (const value of line) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const level = (low + high) / 2;
  const middle = (line.length - 1) / 2;
  let best = null;
  for (let at = 0; at + 1 < line.length; at++) {
    if (line[at] < level === line[at + 1] < level) continue;
    const position = at + (level - line[at]) / (line[at + 1] - line[at]);
    if (best === null || Math.abs(position - middle) < Math.abs(best - middle)) best = position;
  }
  return best;
}

/** The point with its direction by the first moments of luma in a round window; none where the window leaves the picture. */
function direction({ data, offset, stride, width, height }, x, y) {
  const [column, row] = [Math.round(x), Math.round(y)];
  if (column < WINDOW || row < WINDOW || column + WINDOW >= width || row + WINDOW >= height) return null;
  let across = 0;
  let down = 0;
  for (let dy = -WINDOW; dy <= WINDOW; dy++) {
    const half = HALVES[dy + WINDOW];
    const middle = offset + (row + dy) * stride + column;
    for (let dx = -half; dx <= half; dx++) {
      const value = data[middle + dx];
      across += value * dx;
      down += value * dy;
    }
  }
  const length = Math.hypot(across, down);
  return length > 0 ? { x, y, inX: across / length, inY: down / length } : null;
}

/** The luma of a pixel; outside the picture, that of the nearest inside. */
function pixel({ data, offset, stride, width, height }, x, y) {
  const column = x < 0 ? 0 : x < width ? x : width - 1;
  const row = y < 0 ? 0 : y < height ? y : height - 1;
  return data[offset + row * stride + column];
}
