// What stands on the page of a session. Knows nothing of WebRTC.

import { byId, number } from "./dom.js";
import { drawPlot, showStages } from "./plots.js";

const WORDS = {
  connecting: "Connecting",
  waiting: "Waiting for the sender",
  live: "Live",
  interrupted: "Interrupted",
  refused: "Refused",
};
const WAYS = { decoder: "Detecting", screen: "Detecting shown frames" };
const PLOT_FRAMES = 300;
/** Screen readers are told of figures this often at most, when they ask for the plot. */
const LABEL_MS = 2000;

export class View {
  onRetry = () => {};
  onDetect = () => {};
  onShow = () => {};
  onPlay = () => {};
  #labelledMs = 0;
  #isFramed = false;
  #hasSession = false;
  /** Why this browser can only watch. */
  #unable = "";

  constructor(session) {
    byId("watch").hidden = false;
    byId("retry").addEventListener("click", () => this.onRetry());
    byId("detect").addEventListener("change", () => this.onDetect());
    byId("play").addEventListener("click", () => this.onPlay());
    byId("copy").addEventListener("click", () => void copyLink());
    for (const id of ["show-seen", "show-truth", "show-lens"]) {
      byId(id).addEventListener("change", () => this.onShow(shows()));
    }
    byId("share").hidden = true;
    if (session) this.setSession(session);
  }

  get wantsDetection() {
    return byId("detect").checked;
  }

  setSession(session) {
    byId("session-id").textContent = session;
    document.title = `${session} · rebound`;
    // The fragment has the token, if there is one.
    byId("publish").href = `/s/${session}/publish${location.hash}`;
    this.#hasSession = true;
    const share = byId("share");
    share.hidden = false;
    byId("qr-note").hidden = !/^(localhost|127\..*|\[::1\])$/.test(location.hostname);
    const scheme = location.protocol.replace(":", "");
    share.addEventListener("toggle", () => (byId("qr").src = `/s/${session}/qr.svg?${scheme}`), { once: true });
  }

  /** @param {keyof WORDS} state */
  setState(state, reason = "") {
    byId("state").dataset.state = state;
    setText("state-word", WORDS[state]);
    setText("placeholder-text", reason || WORDS[state]);
    // Where nobody sends, this device might.
    byId("publish").hidden = state !== "waiting" || !this.#hasSession;
    if (state !== "live" && state !== "interrupted") this.#isFramed = false;
    this.#showPlaceholder();
    // What stands in the video's place need not be said twice.
    setText("reason", (this.#isFramed && reason) || this.#unable);
  }

  /** Whether the browser lets the video play by itself. */
  setPlayable(isPlayable) {
    byId("play").hidden = isPlayable;
    if (!isPlayable) setText("placeholder-text", "This browser does not start videos by itself.");
    this.#showPlaceholder();
  }

  onFirstFrame() {
    if (this.#isFramed) return;
    this.#isFramed = true;
    const first = byId("first-frame");
    if (first.textContent === "–") first.textContent = `${number(performance.now(), 0)} ms`;
    this.#showPlaceholder();
  }

  setDetector(way) {
    const badge = byId("detector");
    badge.hidden = false;
    badge.textContent = WAYS[way];
    badge.dataset.way = way;
  }

  cannotDetect(reason) {
    const badge = byId("detector");
    badge.hidden = false;
    badge.textContent = "Viewing only";
    badge.dataset.way = "none";
    const detect = byId("detect");
    detect.checked = false;
    detect.disabled = true;
    this.#unable = reason;
    setText("reason", reason);
  }

  /** Of the video, in pixels. */
  setShape(width, height) {
    if (width > 0 && height > 0) byId("stage").style.setProperty("--shape", `${width} / ${height}`);
  }

  setVideo({ codec, width, height, fps }) {
    setText("format", codec && width ? `${codec} ${width}×${height}` : "–");
    setText("rate", Number.isFinite(fps) ? `${fps} fps` : "–");
  }

  /** @param {import("./measured.js").Measured} measured */
  showFigures({ errors, latencies, last, totals }) {
    const { error_px: error = {}, latency_ms: latency = {}, matched, frames } = totals ?? {};
    showSpread("error", error, 3);
    showSpread("latency", latency, 1);
    setText("matched", frames > 0 ? `${number((100 * matched) / frames, 1)} %` : "–");
    if (document.hidden) return;
    showStages(byId("stages"), last);
    drawPlot(byId("error-plot"), errors, error.p95, { capacity: PLOT_FRAMES, digits: 3 });
    drawPlot(byId("latency-plot"), latencies, latency.p95, { capacity: PLOT_FRAMES, digits: 1 });
    this.#label(totals);
  }

  #label(totals) {
    if (!totals || performance.now() - this.#labelledMs < LABEL_MS) return;
    this.#labelledMs = performance.now();
    const text = (what, { p50, p95 }, digits, unit) =>
      `${what} of the last frames. All so far: median ${number(p50, digits)} ${unit}, 95th percentile ${number(p95, digits)} ${unit}`;
    byId("error-plot").ariaLabel = text("Error", totals.error_px, 3, "pixels");
    byId("latency-plot").ariaLabel = text("Latency", totals.latency_ms, 1, "milliseconds");
  }

  #showPlaceholder() {
    byId("placeholder").hidden = this.#isFramed && byId("play").hidden;
  }
}

function shows() {
  const [seen, truth, lens] = ["show-seen", "show-truth", "show-lens"].map((id) => byId(id).checked);
  return { seen, truth, lens };
}

function showSpread(id, { p50, p95, p99 }, digits) {
  setText(id, number(p50, digits));
  setText(`${id}-p95`, number(p95, digits));
  setText(`${id}-p99`, number(p99, digits));
}

/** Only what changed is written, so that nothing is announced twice and nothing is laid out for nothing. */
function setText(id, text) {
  const target = byId(id);
  if (target.textContent !== text) target.textContent = text;
}

async function copyLink() {
  const link = location.href.replace(/#.*/, "");
  const isCopied = await copyText(link);
  byId("copied").textContent = isCopied ? "Link copied" : `Copy it by hand: ${link}`;
  byId("copied").classList.remove("hidden");
}

async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  // Pages without https have no clipboard but this.
  const field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  return isCopied;
}
