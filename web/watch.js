// One session, watched: what comes from the hub, the peer and the detector, and what of it is shown.

import { byId } from "./dom.js";
import { Feedback, now } from "./feedback.js";
import { Measured } from "./measured.js";
import { Overlay } from "./overlay.js";
import { Peer, codecs } from "./peer.js";
import { Pictures } from "./pictures.js";
import { Signalling } from "./signalling.js";
import { View } from "./view.js";

/** The sender pings twice a second: one that is silent for this long is gone, as docs/protocol.md has it. */
const SILENCE_MS = 4500;
/** Three pings that did not come. */
const DOUBT_MS = 1500;
const STATS_MS = 1000;
/** How often figures and plots are renewed: faster than this nobody reads them. */
const SHOW_MS = 200;

export class Watch {
  #view;
  #video = byId("video");
  #measured = new Measured();
  #overlay = new Overlay(byId("overlay"), this.#measured);
  #signalling;
  #pictures;
  #id = null;
  #peer = null;
  #iceServers = [];
  #feedback = null;
  /** When the sender was last heard, on the clock of `now`. */
  #heardMs = Infinity;
  /** Why this browser can only watch; null if it detects. */
  #unable = Pictures.unable();

  constructor({ session, token }) {
    this.#view = new View(session);
    const wish = { session, token, role: this.#role(), codecs };
    this.#signalling = new Signalling(wish, {
      onWelcome: (welcome) => this.#onWelcome(welcome),
      onOffer: (sdp) => void this.#onOffer(sdp),
      onCandidate: (candidate) => void this.#peer?.candidate(candidate),
      onWaiting: (reason) => this.#onWaiting(reason),
      onRefused: (reason, willTryAgain) => this.#onRefused(reason, willTryAgain),
      onLost: () => this.#onHubLost(),
      isMediaAlive: () => this.#peer?.isAlive ?? false,
    });
    this.#pictures = new Pictures(this.#video, {
      onSeen: (seen) => this.#onSeen(seen),
      onUnable: (reason) => this.#onUnable(reason),
      onWay: (way) => this.#view.setDetector(way),
    });
  }

  start() {
    this.#view.onRetry = () => this.#join();
    this.#view.onDetect = () => this.#join();
    this.#view.onShow = (shows) => {
      this.#overlay.shows = shows;
      this.#overlay.refresh();
    };
    this.#video.addEventListener("resize", () => this.#view.setShape(this.#video.videoWidth, this.#video.videoHeight));
    this.#view.onPlay = () => void this.#play();
    if (this.#unable) this.#view.cannotDetect(this.#unable);
    addEventListener("pagehide", () => this.#signalling.leave());
    setInterval(() => this.#view.showFigures(this.#measured), SHOW_MS);
    setInterval(() => void this.#everySecond(), STATS_MS);
    this.#join();
  }

  #role() {
    return this.#unable || !this.#view.wantsDetection ? "viewer" : "receiver";
  }

  /**
   * Anew, from the beginning. The old connection ends when the new offer comes: a sender that sees it closed before it has let go of it
   * calls that a failure.
   */
  #join() {
    this.#heardMs = Infinity;
    this.#view.setState("connecting");
    this.#signalling.join(this.#role());
  }

  #onWelcome({ id, session, kept, iceServers }) {
    this.#iceServers = iceServers;
    if (session) this.#view.setSession(session);
    if (kept) this.#view.setState("live");
    // The sender measures somebody new.
    if (id !== this.#id) this.#measured.clear();
    this.#id = id;
  }

  async #onOffer(sdp) {
    this.#drop();
    const peer = new Peer(this.#iceServers, {
      onCandidate: (candidate) => this.#signalling.candidate(candidate),
      onTrack: (event) => this.#onTrack(event),
      onChannel: (channel) => this.#onChannel(channel),
      onConnected: () => this.#view.setState("live"),
      onInterrupted: () => this.#view.setState("interrupted"),
      onLost: () => this.#join(),
    });
    this.#peer = peer;
    try {
      const answer = await peer.accept(sdp);
      if (this.#peer === peer) this.#signalling.answer(answer);
    } catch (error) {
      if (this.#peer === peer) this.#view.setState("refused", `This browser cannot take the sender's offer: ${error.message}`);
    }
  }

  #onTrack(event) {
    // As soon as it is decoded: nothing is held back to be shown more smoothly.
    if ("jitterBufferTarget" in event.receiver) event.receiver.jitterBufferTarget = 0;
    this.#video.srcObject = new MediaStream([event.track]);
    const shown = () => this.#view.onFirstFrame();
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(shown);
    else this.#video.addEventListener("loadeddata", shown, { once: true });
    void this.#play();
    if (this.#role() === "receiver") this.#pictures.start(event);
  }

  async #play() {
    try {
      await this.#video.play();
      this.#view.setPlayable(true);
    } catch (error) {
      // Not when it was only replaced by another one meanwhile.
      if (error.name === "NotAllowedError") this.#view.setPlayable(false);
    }
  }

  #onChannel(channel) {
    const feedback = new Feedback(channel);
    this.#feedback = feedback;
    this.#heardMs = now();
    if (channel.readyState === "open") feedback.watch();
    else channel.onopen = () => feedback.watch();
    channel.onmessage = ({ data }) => {
      this.#heardMs = now();
      this.#onMessage(JSON.parse(data), this.#heardMs);
    };
  }

  #onMessage(message, atMs) {
    switch (message.type) {
      case "ping":
        return this.#feedback?.pong(message, atMs);
      case "truth":
        this.#measured.onTruth(message);
        return this.#overlay.onTruth(message);
      case "results":
        return this.#measured.onResults(message);
    }
  }

  #onSeen(seen) {
    this.#feedback?.seen(seen);
    this.#view.onFirstFrame();
    this.#overlay.show(seen);
  }

  #onUnable(reason) {
    this.#unable = reason;
    this.#view.cannotDetect(reason);
    this.#join();
  }

  #onWaiting(reason) {
    this.#drop();
    this.#view.setState("waiting", reason);
  }

  #onRefused(reason, willTryAgain) {
    this.#drop();
    this.#view.setState(willTryAgain ? "waiting" : "refused", reason);
  }

  #onHubLost() {
    if (this.#peer?.isAlive) return;
    this.#drop();
    this.#view.setState("interrupted", "The server cannot be reached. Trying again.");
  }

  async #everySecond() {
    if (!this.#peer?.isAlive) return;
    const silentMs = now() - this.#heardMs;
    if (silentMs > SILENCE_MS) return this.#join();
    if (this.#feedback && Number.isFinite(this.#heardMs)) this.#view.setState(silentMs > DOUBT_MS ? "interrupted" : "live");
    const stats = [...(await this.#peer.stats()).values()];
    const inbound = stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
    if (!inbound) return;
    this.#feedback?.stats(counts(inbound));
    const codec = stats.find(({ id }) => id === inbound.codecId)?.mimeType.replace("video/", "");
    this.#view.setVideo({ codec, width: inbound.frameWidth, height: inbound.frameHeight, fps: inbound.framesPerSecond });
  }

  #drop() {
    this.#pictures.stop();
    this.#peer?.close();
    this.#peer = this.#feedback = null;
    this.#heardMs = Infinity;
    this.#overlay.clear();
  }
}

/** As in docs/protocol.md, of what the browser counts. */
function counts(inbound) {
  const { packetsReceived, packetsLost, retransmittedPacketsReceived, nackCount, framesDecoded, framesDropped } = inbound;
  const { jitterBufferDelay, jitterBufferEmittedCount } = inbound;
  return {
    jitterMs: jitterBufferEmittedCount > 0 ? (1000 * jitterBufferDelay) / jitterBufferEmittedCount : undefined,
    packets: {
      received: packetsReceived,
      lost: Math.max(0, packetsLost),
      recovered: retransmittedPacketsReceived,
      retransmission_requests: nackCount,
    },
    pictures: { decoded: framesDecoded, skipped: framesDropped },
  };
}
