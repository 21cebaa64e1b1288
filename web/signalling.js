// The WebSocket to the hub, by docs/signalling.md: joins, comes back when the connection is lost, and passes on what concerns the
// video.

const VERSION = 1;
/** A hub that comes back is found within its first second. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
/** Refusals that time may heal, and how long that takes. */
const PAUSES_MS = {
  RESUME_REFUSED: FIRST_PAUSE_MS,
  SHUTTING_DOWN: LONGEST_PAUSE_MS,
  INTERNAL_ERROR: LONGEST_PAUSE_MS,
  CONNECTION_LOST: LONGEST_PAUSE_MS,
  TIMEOUT: LONGEST_PAUSE_MS,
  NO_SENDER: 5000,
  TOO_MANY: 5000,
};

/**
 * @typedef {object} Listener
 * @property {(welcome: {id: string, session?: string, kept: boolean, iceServers: RTCIceServer[]}) => void} onWelcome
 * @property {(sdp: string) => void} onOffer
 * @property {(candidate: RTCIceCandidateInit) => void} onCandidate
 * @property {(reason: string) => void} onWaiting there is no sender
 * @property {(reason: string, willTryAgain: boolean) => void} onRefused
 * @property {() => void} onLost the connection to the hub is lost and being made again
 * @property {() => boolean} isMediaAlive
 */

export class Signalling {
  #url;
  #protocols;
  #wish;
  #codecs;
  #listener;
  #socket = null;
  #pause = FIRST_PAUSE_MS;
  #timer = 0;
  #resume = null;
  #offer = undefined;
  #refusal = null;

  /**
   * @param {{session?: string, token?: string, role: string, codecs: () => string[]}} wish
   * @param {Listener} listener
   */
  constructor({ session, token, role, codecs }, listener) {
    this.#url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
    this.#protocols = token ? ["rebound", `rebound.bearer.${token}`] : [];
    this.#wish = { session, role };
    this.#codecs = codecs;
    this.#listener = listener;
  }

  /** Joins, or leaves and joins again with a new media connection. */
  join(role = this.#wish.role) {
    // As somebody else: answers of a viewer were never missed.
    if (role !== this.#wish.role) {
      this.#send({ type: "bye", reason: "comes back in another role" });
      this.#resume = null;
    }
    this.#wish.role = role;
    this.#pause = FIRST_PAUSE_MS;
    this.#connect(false);
  }

  leave() {
    this.#send({ type: "bye", reason: "the page is left" });
    this.#drop();
  }

  answer(sdp) {
    this.#send({ type: "answer", sdp, offer: this.#offer });
  }

  candidate(candidate) {
    this.#send({ type: "candidate", ...candidate, offer: this.#offer });
  }

  #connect(keep) {
    this.#drop();
    this.#refusal = null;
    const socket = new WebSocket(this.#url, this.#protocols);
    this.#socket = socket;
    // Asking the browser starts its WebRTC, some 100 ms: that is while the socket connects.
    this.#wish.codecs ??= this.#codecs();
    socket.onopen = () => this.#sayJoin(keep);
    socket.onmessage = ({ data }) => this.#onMessage(JSON.parse(data));
    socket.onclose = () => this.#onClose();
  }

  #sayJoin(keep) {
    const resume = this.#resume ? { ...this.#resume, keep } : undefined;
    this.#send({ type: "join", version: VERSION, ...this.#wish, resume });
  }

  #drop() {
    clearTimeout(this.#timer);
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #onMessage(message) {
    switch (message.type) {
      case "welcome":
        return this.#onWelcome(message);
      case "offer":
        this.#offer = message.offer;
        return this.#listener.onOffer(message.sdp);
      case "candidate":
        if ((message.offer ?? this.#offer) === this.#offer) this.#listener.onCandidate(message);
        return;
      case "waiting":
        return this.#listener.onWaiting(message.reason);
      case "error":
        if (message.code === "RESUME_REFUSED") this.#resume = null;
        if (!message.recoverable) this.#refusal = message;
        else if (message.code === "RESUME_REFUSED") this.#sayJoin(false);
        return;
      case "bye":
        this.#refusal = { message: message.reason, code: "SHUTTING_DOWN" };
    }
  }

  #onWelcome({ id, session, ticket, kept = false, ice_servers: iceServers = [] }) {
    this.#pause = FIRST_PAUSE_MS;
    this.#resume = ticket ? { id, ticket } : null;
    this.#listener.onWelcome({ id, session, kept, iceServers });
  }

  #onClose() {
    this.#socket = null;
    const refusal = this.#refusal;
    if (!refusal) {
      this.#listener.onLost();
      // Half of it at random, so that not all pages come back at once.
      this.#again(this.#pause * (0.5 + 0.5 * Math.random()));
      this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
      return;
    }
    const willTryAgain = refusal.code in PAUSES_MS;
    this.#listener.onRefused(refusal.message, willTryAgain);
    if (willTryAgain) this.#again(PAUSES_MS[refusal.code]);
  }

  #again(pauseMs) {
    this.#timer = setTimeout(() => this.#connect(this.#listener.isMediaAlive()), pauseMs);
  }
}
