// One WebRTC connection to the sender, which offers; from its offer to its end.

/** A connection that ICE calls disconnected for this long is taken for lost: shorter gaps mend themselves. */
const LOST_AFTER_MS = 4000;

export class Peer {
  #connection;
  #candidates = [];
  #isDescribed = false;
  #lostTimer = 0;

  /**
   * @param {RTCIceServer[]} iceServers
   * @param {{onCandidate: (candidate: object) => void, onTrack: (event: RTCTrackEvent) => void,
   *   onChannel: (channel: RTCDataChannel) => void, onInterrupted: () => void, onConnected: () => void, onLost: () => void}} listener
   */
  constructor(iceServers, listener) {
    const connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#connection = connection;
    connection.onicecandidate = ({ candidate }) =>
      listener.onCandidate(candidate?.toJSON() ?? { candidate: "", sdpMLineIndex: 0 });
    connection.ontrack = (event) => listener.onTrack(event);
    connection.ondatachannel = ({ channel }) => listener.onChannel(channel);
    connection.onconnectionstatechange = () => {
      clearTimeout(this.#lostTimer);
      switch (connection.connectionState) {
        case "connected":
          return listener.onConnected();
        case "disconnected":
          this.#lostTimer = setTimeout(() => listener.onLost(), LOST_AFTER_MS);
          return listener.onInterrupted();
        case "failed":
          return listener.onLost();
      }
    };
  }

  /** Takes the offer; returns the answer. */
  async accept(sdp) {
    await this.#connection.setRemoteDescription({ type: "offer", sdp });
    this.#isDescribed = true;
    for (const candidate of this.#candidates.splice(0)) await this.#add(candidate);
    await this.#connection.setLocalDescription();
    return this.#connection.localDescription.sdp;
  }

  async candidate(candidate) {
    if (this.#isDescribed) await this.#add(candidate);
    else this.#candidates.push(candidate);
  }

  get isAlive() {
    return this.#connection.connectionState === "connected";
  }

  stats() {
    return this.#connection.getStats();
  }

  close() {
    clearTimeout(this.#lostTimer);
    this.#connection.onconnectionstatechange = null;
    this.#connection.onicecandidate = null;
    this.#connection.close();
  }

  async #add({ candidate, sdpMLineIndex, sdpMid }) {
    // One that the browser cannot use, as a family of addresses that it has not, is no reason to give up the others.
    await this.#connection.addIceCandidate({ candidate, sdpMLineIndex, sdpMid }).catch(() => {});
  }
}

/** The video codecs that this browser decodes, as the signalling names them. */
export function codecs() {
  const known = RTCRtpReceiver.getCapabilities?.("video")?.codecs ?? [];
  const names = new Set(known.map(({ mimeType }) => mimeType.split("/")[1].toUpperCase()));
  return ["H264", "VP8", "VP9", "AV1", "H265"].filter((name) => names.has(name));
}
