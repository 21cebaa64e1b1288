// One publication: a camera's track on its way to the hub, and what was seen in it on its way back. Knows nothing of the page.

import { Whip } from "./whip.js";

const LABEL = "rebound";
const VERSION = 1;
const PING_MS = 500;
/** The addresses of this device are found within milliseconds. */
const GATHER_MS = 1500;
/** A hub that is there has heard of the end by then. */
const END_MS = 1000;
/** As in `peer.js`: shorter gaps mend themselves. */
const LOST_AFTER_MS = 4000;

export class Publishing {
  /** Whether frames can be told apart, so that it can be said how long each took. */
  static namesFrames = "RTCRtpScriptTransform" in globalThis;
  #connection = null;
  #sender = null;
  #whip;
  #listener;
  #timers = [];
  #lostTimer = 0;
  #worker = null;

  /**
   * @param {{session: string, token?: string}} where
   * @param {{onSent: (rtp: number, ms: number) => void, onSightings: (message: object, ms: number) => void, onConnected: () => void,
   *   onInterrupted: () => void, onLost: (reason: string) => void}} listener
   */
  constructor({ session, token }, listener) {
    this.#whip = new Whip({ session, token });
    this.#listener = listener;
  }

  /** Publishes; done when the hub has answered. */
  async start(track) {
    // The hub's answer names its addresses, those of its relays among them: this end needs none of its own.
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#connection = connection;
    connection.onconnectionstatechange = () => this.#onState(connection.connectionState);
    const { sender } = connection.addTransceiver(track, { direction: "sendonly" });
    this.#sender = sender;
    this.#nameFrames(sender);
    const channel = connection.createDataChannel(LABEL, { ordered: false, maxRetransmits: 0 });
    channel.onopen = () => this.#pingOn(channel);
    channel.onmessage = ({ data }) => this.#onMessage(JSON.parse(data), now());
    await connection.setLocalDescription();
    await gathered(connection);
    if (this.#connection !== connection) return;
    const answer = await this.#whip.publish(connection.localDescription.sdp);
    if (this.#connection !== connection) return;
    await connection.setRemoteDescription({ type: "answer", sdp: answer });
    await keepSize(sender);
  }

  /** Another camera, or the same in another size. */
  async replace(track) {
    await this.#sender?.replaceTrack(track);
  }

  stats() {
    return this.#connection?.getStats();
  }

  /** Ends it; the hub is told. */
  stop() {
    this.#timers.splice(0).forEach(clearInterval);
    clearTimeout(this.#lostTimer);
    this.#worker?.terminate();
    const connection = this.#connection;
    if (connection) connection.onconnectionstatechange = null;
    // Only then: the hub would take a connection that breaks for a failure.
    const told = Promise.race([this.#whip.end(), new Promise((resolve) => setTimeout(resolve, END_MS))]);
    void told.then(() => connection?.close());
    this.#connection = this.#sender = this.#worker = null;
  }

  #onState(state) {
    clearTimeout(this.#lostTimer);
    if (state === "connected") return this.#listener.onConnected();
    if (state === "failed") return this.#listener.onLost("The connection to the hub is lost.");
    if (state !== "disconnected") return;
    this.#lostTimer = setTimeout(() => this.#listener.onLost("The connection to the hub is lost."), LOST_AFTER_MS);
    this.#listener.onInterrupted();
  }

  #nameFrames(sender) {
    if (!Publishing.namesFrames) return;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data: { rtp, ms } }) => this.#listener.onSent(rtp, ms);
    this.#worker = new Worker("/assets/sent.js", { type: "module" });
    sender.transform = new RTCRtpScriptTransform(this.#worker, { port: port2 }, [port2]);
  }

  /** The hub hears that this end lives, also while the camera is paused. */
  #pingOn(channel) {
    let id = 0;
    const ping = () => {
      if (channel.readyState !== "open") return;
      channel.send(JSON.stringify({ type: "ping", version: VERSION, id: id++, sent_us: Math.round(performance.now() * 1000) }));
    };
    ping();
    this.#timers.push(setInterval(ping, PING_MS));
  }

  #onMessage(message, ms) {
    if (message.type === "sightings") this.#listener.onSightings(message, ms);
  }
}

/** Milliseconds since 1970, on the clock of `performance`. */
export const now = () => performance.timeOrigin + performance.now();

function gathered(connection) {
  if (connection.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHER_MS);
    connection.addEventListener("icegatheringstatechange", () => {
      if (connection.iceGatheringState === "complete") resolve();
    });
  });
}

/** Coordinates are of pixels: where bandwidth is short, rather fewer pictures than smaller ones. */
async function keepSize(sender) {
  const parameters = sender.getParameters();
  parameters.degradationPreference = "maintain-resolution";
  // A browser that does not know it goes on as it likes.
  await sender.setParameters(parameters).catch(() => {});
}
