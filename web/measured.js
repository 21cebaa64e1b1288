// What the sender measured of this receiver: the figures of its report, and the last frames one by one. Knows nothing of the page.

/** Frames in the plots: ten seconds at 30 frames per second. */
const LAST_FRAMES = 300;
/** Truths that wait for their picture. */
const MAX_TRUTHS = 256;

/** The stages of a frame's way, as in the sender's report, in order. */
export const STAGES = ["encode", "send", "there", "decode", "detect", "return"];

export class Measured {
  /** Of the last frames, oldest first: the largest error of their objects in px, null where nothing was paired. */
  errors = [];
  /** In ms. */
  latencies = [];
  /** The last result. */
  last = null;
  /** The newest totals. */
  totals = null;
  #truths = new Map();

  /** Nothing is known any more. */
  clear() {
    this.errors.length = this.latencies.length = 0;
    this.last = this.totals = null;
    this.#truths.clear();
  }

  onResults({ results, totals }) {
    for (const result of results) {
      this.last = result;
      push(this.errors, result.errors_px.length ? Math.max(...result.errors_px) : null);
      push(this.latencies, result.latency_us / 1000);
    }
    if (totals) this.totals = totals;
  }

  onTruth(truth) {
    remember(this.#truths, truth.rtp, truth);
  }

  /** Where everything truly is in this frame; undefined while that is not known. */
  truthOf(rtp) {
    return this.#truths.get(rtp);
  }
}

function push(values, value) {
  values.push(value);
  if (values.length > LAST_FRAMES) values.shift();
}

function remember(map, key, value) {
  map.set(key, value);
  if (map.size > MAX_TRUTHS) map.delete(map.keys().next().value);
}
