// The sparse pass: where is an edge at all? Reads one picture row in four. Constants and their reasons: src/detect/ball/coarse.rs.

/** A cell is this many pixels wide and high; its value is the mean of as many pixels of one of its rows. */
export const CELL = 4;
const ROW = 1;
const MIN_STEP = 14;
const STEP_OVER_MEDIAN = 5;
const MEDIAN_ROWS = 16;
const MAX_EDGES = 4096;

/**
 * A plane of luma.
 * @typedef {{data: Uint8Array, offset: number, stride: number, width: number, height: number}} Luma
 */

/** The picture in cells. */
export class Grid {
  width = 0;
  height = 0;
  #means = new Uint8Array(0);
  #steps = new Uint8Array(0);
  #unvisited = new Uint8Array(0);

  /** @param {Luma} luma */
  read({ data, offset, stride, width, height }) {
    this.width = Math.floor(width / CELL);
    this.height = Math.floor(height / CELL);
    if (this.#means.length !== this.width * this.height) {
      this.#means = new Uint8Array(this.width * this.height);
      this.#steps = new Uint8Array(this.width * this.height);
      this.#unvisited = new Uint8Array(this.width * this.height);
    }
    const means = this.#means;
    let cell = 0;
    for (let y = 0; y < this.height; y++) {
      let at = offset + (y * CELL + ROW) * stride;
      for (let x = 0; x < this.width; x++, at += CELL) {
        means[cell++] = (data[at] + data[at + 1] + data[at + 2] + data[at + 3] + 2) >> 2;
      }
    }
  }

  /** Cells not at the border. */
  isInner(x, y) {
    return x > 0 && y > 0 && x + 1 < this.width && y + 1 < this.height;
  }

  /** How much brighter the next cell to the right is than the one to the left; 0 at the border. */
  across(x, y) {
    const at = y * this.width + x;
    return this.isInner(x, y) ? this.#means[at + 1] - this.#means[at - 1] : 0;
  }

  /** How much brighter the next cell below is than the one above; 0 at the border. */
  down(x, y) {
    const at = y * this.width + x;
    return this.isInner(x, y) ? this.#means[at + this.width] - this.#means[at - this.width] : 0;
  }

  /** The cells on edges as `[x, y]`, in groups that hang together, corners included. */
  groups() {
    if (this.width < 3 || this.height < 3) return [];
    this.#takeSteps();
    const edges = this.#edges();
    const unvisited = this.#unvisited;
    for (const edge of edges) unvisited[edge] = 1;
    const groups = [];
    for (const edge of edges) if (unvisited[edge]) groups.push(this.#grow(edge));
    return groups;
  }

  /** The larger of the absolute steps in both directions, for every inner cell. */
  #takeSteps() {
    const { width, height } = this;
    const means = this.#means;
    for (let y = 1; y < height - 1; y++) {
      for (let at = y * width + 1; at < (y + 1) * width - 1; at++) {
        const across = Math.abs(means[at + 1] - means[at - 1]);
        const down = Math.abs(means[at + width] - means[at - width]);
        this.#steps[at] = across > down ? across : down;
      }
    }
  }

  #edges() {
    const edges = [];
    const threshold = this.#threshold();
    for (let y = 1; y < this.height - 1; y++) {
      for (let at = y * this.width + 1; at < (y + 1) * this.width - 1; at++) {
        if (this.#steps[at] >= threshold) edges.push(at);
      }
    }
    if (edges.length <= MAX_EDGES) return edges;
    const counts = new Uint32Array(256);
    for (const edge of edges) counts[this.#steps[edge]]++;
    const weakest = quantile(counts, edges.length - MAX_EDGES);
    return edges.filter((edge) => this.#steps[edge] > weakest);
  }

  /** What is an edge here and what is noise, told by the median step: edges of objects are few. */
  #threshold() {
    const counts = new Uint32Array(256);
    let total = 0;
    for (let y = 1; y < this.height - 1; y += MEDIAN_ROWS) {
      for (let x = 1; x < this.width - 1; x++, total++) counts[this.#steps[y * this.width + x]]++;
    }
    const median = quantile(counts, Math.floor(total / 2));
    return Math.min(255, Math.max(MIN_STEP, median * STEP_OVER_MEDIAN));
  }

  #grow(seed) {
    const { width } = this;
    const unvisited = this.#unvisited;
    const members = [seed];
    unvisited[seed] = 0;
    for (let next = 0; next < members.length; next++) {
      for (let dy = -width; dy <= width; dy += width) {
        for (let at = members[next] + dy - 1; at <= members[next] + dy + 1; at++) {
          if (unvisited[at]) {
            unvisited[at] = 0;
            members.push(at);
          }
        }
      }
    }
    return members.map((at) => [at % width, Math.floor(at / width)]);
  }
}

/** The lowest value that has more than `rank` counts up to it. */
function quantile(counts, rank) {
  let below = 0;
  const reached = counts.findIndex((count) => (below += count) > rank);
  return reached < 0 ? 255 : reached;
}
