// The page that publishes a camera: what stands on it, and what its buttons do.

import * as camera from "./camera.js";
import { byId, element, number } from "./dom.js";
import { drawMarks } from "./overlay.js";
import { now, Publishing } from "./publishing.js";
import { Returned } from "./returned.js";
import { Refused } from "./whip.js";

const SHOW_MS = 200;
const STATS_MS = 1000;
/** How long after a loss it is tried again. */
const AGAIN_MS = 1000;
/** Sightings older than this are not of what is to be seen. */
const STALE_MS = 500;

const WORDS = {
  off: "Off",
  asking: "Asking for the camera",
  connecting: "Connecting",
  live: "Publishing",
  paused: "Paused",
  interrupted: "Interrupted",
  refused: "Not published",
};

class Page {
  #where;
  #video = byId("video");
  #track = null;
  #publishing = null;
  #returned = new Returned();
  #newest = null;
  #newestMs = -Infinity;
  #isWanted = false;
  /** Counts how often the camera was opened or let go. */
  #opening = 0;
  /** Since it was started. */
  #wasLive = false;
  #againTimer = 0;

  constructor(session, token) {
    this.#where = { session, token };
    const fragment = token ? `#token=${encodeURIComponent(token)}` : "";
    byId("session-id").textContent = session;
    byId("watch-link").href = `/s/${session}${fragment}`;
    byId("all").href = `/${fragment}`;
    document.title = `Publish ${session} · rebound`;
  }

  open() {
    const reason = camera.unable();
    if (reason) {
      byId("camera").disabled = byId("size").disabled = true;
      return this.#setState("refused", reason);
    }
    byId("start").addEventListener("click", () => void (this.#isWanted ? this.#stop() : this.#start()));
    byId("pause").addEventListener("click", () => this.#pause());
    for (const id of ["camera", "size"]) byId(id).addEventListener("change", () => void this.#change());
    addEventListener("pagehide", () => this.#publishing?.stop());
    navigator.mediaDevices.addEventListener("devicechange", () => void showCameras(this.#track));
    this.#video.addEventListener("resize", () => {
      byId("stage").style.setProperty("--shape", `${this.#video.videoWidth} / ${this.#video.videoHeight}`);
    });
    byId("latency-absent").hidden = Publishing.namesFrames;
    byId("latency-spread").hidden = !Publishing.namesFrames;
    byId("start").disabled = false;
    setInterval(() => this.#show(), SHOW_MS);
    setInterval(() => void this.#showFormat(), STATS_MS);
    void showCameras(null);
  }

  async #start() {
    this.#isWanted = true;
    this.#wasLive = false;
    byId("start").textContent = "Stop";
    this.#setState("asking");
    try {
      if (!(await this.#openCamera())) return;
    } catch (error) {
      return this.#giveUp(camera.inWords(error));
    }
    await this.#publish();
  }

  /** Whether it is open and still wanted: a later opening, or a stop, makes an earlier one void. */
  async #openCamera() {
    const opening = ++this.#opening;
    // Some devices give one camera at a time.
    this.#track?.stop();
    const [width, height] = byId("size").value.split("x").map(Number);
    const asked = { deviceId: byId("camera").value, width, height };
    const track = await camera.open(asked).catch((error) => {
      if (opening === this.#opening) throw error;
      return null;
    });
    if (opening !== this.#opening) {
      track?.stop();
      return false;
    }
    track.enabled = !this.#isPaused;
    track.onended = () => this.#giveUp("The camera was taken away.");
    this.#track = track;
    this.#video.srcObject = new MediaStream([track]);
    byId("placeholder").hidden = true;
    await showCameras(track);
    return opening === this.#opening;
  }

  async #publish() {
    clearTimeout(this.#againTimer);
    this.#setState("connecting");
    this.#returned.clear();
    const publishing = new Publishing(this.#where, {
      onSent: (rtp, ms) => this.#returned.onSent(rtp, ms),
      onSightings: (message, ms) => this.#onSightings(message, ms),
      onConnected: () => this.#onConnected(),
      onInterrupted: () => this.#setState("interrupted"),
      onLost: (reason) => this.#again(publishing, reason),
    });
    this.#publishing = publishing;
    byId("pause").disabled = false;
    try {
      await publishing.start(this.#track);
    } catch (error) {
      if (this.#publishing !== publishing) return;
      if (!this.#mayPass(error)) return this.#giveUp(error.message);
      this.#again(publishing, error.message);
    }
  }

  /** The place that is taken may still be this page's own, after a loss. */
  #mayPass(error) {
    if (!(error instanceof Refused)) return true;
    return error.status >= 500 || (error.status === 409 && this.#wasLive);
  }

  /** After a loss; what took its place meanwhile is not disturbed. */
  #again(publishing, reason) {
    if (this.#publishing !== publishing) return;
    publishing.stop();
    this.#publishing = null;
    this.#setState("interrupted", `${reason} Trying again.`);
    this.#againTimer = setTimeout(() => void this.#publish(), AGAIN_MS);
  }

  #giveUp(reason) {
    this.#stop();
    this.#setState("refused", reason);
  }

  #stop() {
    this.#isWanted = false;
    this.#opening++;
    clearTimeout(this.#againTimer);
    this.#publishing?.stop();
    this.#publishing = null;
    if (this.#track) this.#track.onended = null;
    this.#track?.stop();
    this.#track = this.#video.srcObject = null;
    this.#returned.clear();
    this.#newest = null;
    this.#newestMs = -Infinity;
    this.#setPaused(false);
    byId("pause").disabled = true;
    byId("start").textContent = "Start";
    byId("placeholder").hidden = false;
    this.#setState("off");
  }

  get #isPaused() {
    return byId("pause").getAttribute("aria-pressed") === "true";
  }

  #setPaused(isPaused) {
    byId("pause").setAttribute("aria-pressed", String(isPaused));
    if (this.#track) this.#track.enabled = !isPaused;
  }

  #pause() {
    this.#setPaused(!this.#isPaused);
    if (["live", "paused"].includes(byId("state").dataset.state)) this.#setState(this.#isPaused ? "paused" : "live");
  }

  /** Another camera or size. */
  async #change() {
    if (!this.#track) return;
    try {
      if (await this.#openCamera()) await this.#publishing?.replace(this.#track);
    } catch (error) {
      this.#giveUp(camera.inWords(error));
    }
  }

  #onConnected() {
    this.#wasLive = true;
    this.#setState(this.#isPaused ? "paused" : "live");
  }

  #onSightings(message, ms) {
    this.#returned.onAnswered(message.rtp, ms);
    this.#newest = message;
    this.#newestMs = ms;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const canvas = byId("overlay");
    const [wide, high] = [canvas.clientWidth * devicePixelRatio, canvas.clientHeight * devicePixelRatio].map(Math.round);
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, wide, high);
    if (!this.#newest || !this.#track) return;
    const { width, height, objects } = this.#newest;
    const scale = Math.min(wide / width, high / height);
    const [left, top] = [(wide - width * scale) / 2, (high - height * scale) / 2];
    const place = ({ x, y }) => [left + (x + 0.5) * scale, top + (y + 0.5) * scale];
    const seenColour = getComputedStyle(canvas).getPropertyValue("--seen");
    drawMarks(context, { seen: objects, truth: [], seenColour }, place, scale, devicePixelRatio);
  }

  #show() {
    const { rate, sentRate, p50, p95 } = this.#returned.figures(now());
    const isOn = this.#publishing !== null;
    setText("rate", isOn ? String(rate) : "–");
    setText("sent-rate", isOn && Publishing.namesFrames ? `${sentRate} frames/s` : "–");
    setText("latency", number(p50, 1));
    setText("latency-p95", number(p95, 1));
    if (this.#newest && now() - this.#newestMs > STALE_MS) {
      this.#newest = null;
      this.#draw();
    }
    showSeen(isOn ? this.#newest : null);
  }

  async #showFormat() {
    const { width, height, frameRate } = this.#track?.getSettings() ?? {};
    setText("captured", width ? `${width}×${height}@${number(frameRate, 0)}` : "–");
    const stats = [...((await this.#publishing?.stats()) ?? new Map()).values()];
    const outbound = stats.find(({ type, kind }) => type === "outbound-rtp" && kind === "video");
    const codec = stats.find(({ id }) => id === outbound?.codecId)?.mimeType.replace("video/", "");
    setText("format", outbound?.frameWidth ? `${codec} ${outbound.frameWidth}×${outbound.frameHeight}` : "–");
  }

  /** @param {keyof WORDS} state */
  #setState(state, reason = "") {
    byId("state").dataset.state = state;
    setText("state-word", WORDS[state]);
    setText("reason", reason);
    setText("placeholder-text", state === "refused" ? reason : state === "asking" ? WORDS.asking : "The camera is off.");
  }
}

/** The cameras to choose from, with the one in use chosen. */
async function showCameras(track) {
  const cameras = await camera.list();
  const chosen = track?.getSettings().deviceId ?? byId("camera").value;
  const options = cameras.map(({ deviceId, label }, at) => {
    return element("option", { value: deviceId, selected: deviceId === chosen }, label || `Camera ${at + 1}`);
  });
  if (options.length) byId("camera").replaceChildren(...options);
}

function showSeen(sightings) {
  const text = ({ label, x, y }) => `${label} at ${number(x, 1)}, ${number(y, 1)}`;
  const texts = sightings?.objects.map(text) ?? [];
  const list = byId("seen");
  while (list.children.length > texts.length) list.lastChild.remove();
  texts.forEach((text, at) => {
    const item = list.children[at] ?? list.appendChild(element("li"));
    if (item.textContent !== text) item.textContent = text;
  });
}

function setText(id, text) {
  const target = byId(id);
  if (target.textContent !== text) target.textContent = text;
}

const [, session] = location.pathname.match(/^\/s\/([A-Za-z0-9_-]{1,64})\/publish$/);
new Page(session, new URLSearchParams(location.hash.slice(1)).get("token")).open();
