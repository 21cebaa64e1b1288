// What came back of what was sent: how often, how late. Knows nothing of the page.

/** Frames whose coordinates are waited for: ten seconds at 30 frames per second. */
const MAX_SENT = 300;
/** Of which the figures are. */
const LAST_FRAMES = 300;
const SECOND_MS = 1000;

export class Returned {
  #sent = new Map();
  #latencies = [];
  #answeredMs = [];
  #sentMs = [];

  /** A frame was encoded, at this time of the clock. */
  onSent(rtp, ms) {
    this.#sent.set(rtp, ms);
    if (this.#sent.size > MAX_SENT) this.#sent.delete(this.#sent.keys().next().value);
    keep(this.#sentMs, ms, LAST_FRAMES);
  }

  /** Its coordinates are here. An answer to a frame that is not known is only counted. */
  onAnswered(rtp, ms) {
    keep(this.#answeredMs, ms, LAST_FRAMES);
    const sentMs = this.#sent.get(rtp);
    if (sentMs === undefined) return;
    this.#sent.delete(rtp);
    keep(this.#latencies, ms - sentMs, LAST_FRAMES);
  }

  clear() {
    this.#sent.clear();
    this.#latencies.length = this.#answeredMs.length = this.#sentMs.length = 0;
  }

  /** In the last second, and of the last frames. */
  figures(nowMs) {
    const recent = (times) => times.filter((ms) => nowMs - ms <= SECOND_MS).length;
    const rate = recent(this.#answeredMs);
    // Of what came back before it stopped coming back nobody wants to know.
    const sorted = (rate > 0 ? [...this.#latencies] : []).sort((one, other) => one - other);
    const quantile = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    return { rate, sentRate: recent(this.#sentMs), p50: quantile(0.5), p95: quantile(0.95) };
  }
}

function keep(values, value, most) {
  values.push(value);
  if (values.length > most) values.shift();
}
