// What this receiver says on the data channel, by docs/protocol.md. Knows nothing of the page.

const VERSION = 1;
const MAX_RECENT = 64;
const TIMES_TOLD = 3;
const MAX_EARLIER = 2;
/** More than this waiting in the channel means that the path is stuck: what is old then is of no use. */
const MAX_BUFFERED_BYTES = 64 * 1024;

const rounded = (value, digits) => Math.round(value * 10 ** digits) / 10 ** digits;

export class Feedback {
  #channel;
  #seq = 0;
  /** What became of frames, and how often that was told: `{rtp, fate, told}`. */
  #fates = [];
  #earlier = [];
  #startMs = performance.timeOrigin;

  /** @param {RTCDataChannel} channel */
  constructor(channel) {
    this.#channel = channel;
  }

  /** Asks to be told what the sender measures. */
  watch() {
    this.#send({ type: "watch", truth: true, results: true });
  }

  /** @param {import("./pictures.js").Seen} seen */
  seen({ rtp, width, height, objects, arrivedMs, picturedMs, skipped, undecoded }) {
    const places = objects.map(({ label, x, y, radius, score }) => {
      return { label, x: rounded(x, 4), y: rounded(y, 4), radius: rounded(radius, 4), score: rounded(score, 4) };
    });
    this.#note("skipped", skipped);
    this.#note("undecoded", undecoded);
    const times = this.#times(arrivedMs, picturedMs);
    const message = { type: "sightings", seq: this.#seq++, rtp, width, height, objects: places, ...times, recent: this.#recent() };
    // Only where nothing is sent again anyway.
    if (this.#channel.maxRetransmits === 0) {
      message.earlier = this.#earlier;
      const again = { rtp, places: places.map(({ x, y }) => [x, y]), ...times };
      this.#earlier = [again, ...this.#earlier].slice(0, MAX_EARLIER);
    }
    this.#note("detected", [rtp]);
    this.#send(message);
  }

  pong({ id, sent_us }, receivedMs) {
    const received_us = this.#micros(receivedMs);
    this.#send({ type: "pong", id, sent_us, received_us, answered_us: this.#micros(now()) });
  }

  /** @param {{packets: object, pictures: object, jitterMs?: number}} counts */
  stats({ packets, pictures, jitterMs: jitter_ms }) {
    this.#send({ type: "stats", at_us: this.#micros(now()), jitter_ms, packets, pictures });
  }

  #times(arrivedMs, picturedMs) {
    const detect_us = Math.round((now() - picturedMs) * 1000);
    if (arrivedMs === undefined) return { detect_us };
    return { decode_us: Math.max(0, Math.round((picturedMs - arrivedMs) * 1000)), detect_us, arrived_us: this.#micros(arrivedMs) };
  }

  #micros(ms) {
    return Math.round((ms - this.#startMs) * 1000);
  }

  #note(fate, rtps) {
    for (const rtp of rtps) this.#fates.push({ rtp, fate, told: 0 });
    this.#fates.splice(0, this.#fates.length - 4 * MAX_RECENT);
  }

  /** What was told least comes first, so that with much to tell everything is told once before anything is repeated. */
  #recent() {
    const recent = {};
    const told = [...this.#fates].sort((one, other) => one.told - other.told).slice(0, MAX_RECENT);
    for (const note of told) {
      (recent[note.fate] ??= []).push(note.rtp);
      note.told++;
    }
    this.#fates = this.#fates.filter((note) => note.told < TIMES_TOLD);
    return recent;
  }

  #send({ type, ...body }) {
    const { readyState, bufferedAmount } = this.#channel;
    if (readyState !== "open" || bufferedAmount > MAX_BUFFERED_BYTES) return;
    this.#channel.send(JSON.stringify({ type, version: VERSION, ...body }));
  }
}

/** Milliseconds since 1970 on the clock of `performance`. */
export const now = () => performance.timeOrigin + performance.now();
