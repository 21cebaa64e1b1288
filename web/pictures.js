// Brings every decoded picture, with the RTP timestamp of its frame, to the detector's worker.
//
// Two ways. Where the browser hands out frames as they leave the decoder (MediaStreamTrackProcessor), the worker reads them itself.
// Elsewhere each picture is taken when it is shown (requestVideoFrameCallback), which is some 20 ms later.

import { SameFrame } from "./same_frame.js";

const NO_TIMESTAMP = "This browser does not tell a frame's RTP timestamp, so that it can watch but not detect.";

/**
 * @typedef {object} Seen
 * @property {number} rtp
 * @property {number} width of the picture, in pixels
 * @property {number} height
 * @property {object[]} objects
 * @property {number} [arrivedMs] when the last packet arrived
 * @property {number} picturedMs when the picture was decoded
 * @property {number[]} skipped frames that nobody looked at
 * @property {number[]} undecoded frames that arrived and were not decoded
 * @property {VideoFrame} picture for whoever gets this to close
 */

const canRead = "MediaStreamTrackProcessor" in self;
const canAsk = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
const canTake = "VideoFrame" in self;

export class Pictures {
  #video;
  #listener;
  #detector = null;
  #arrivals = null;
  #processor = null;
  #callback = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {{onSeen: (seen: Seen) => void, onUnable: (reason: string) => void, onWay: (way: string) => void}} listener
   */
  constructor(video, listener) {
    this.#video = video;
    this.#listener = listener;
  }

  /** Why this browser cannot tell which frame it sees; null if it may. */
  static unable() {
    if (canRead || (canAsk && canTake)) return null;
    if (canAsk) return "This browser hands out no pictures (WebCodecs) on a page without https, so that it can watch but not detect.";
    return "This browser does not say which frame it shows (requestVideoFrameCallback), so that it can watch but not detect.";
  }

  /** @param {RTCTrackEvent} event */
  start({ track, receiver }) {
    this.stop();
    this.#detector = new Worker("/assets/detector.js", { type: "module" });
    this.#detector.onmessage = ({ data }) => this.#onMessage(data);
    this.#detector.onerror = () => this.#giveUp("The detector does not run in this browser, so that it can watch but not detect.");
    if (canRead) this.#readFrames(track, receiver);
    else this.#askForFrames();
  }

  stop() {
    this.#detector?.terminate();
    this.#arrivals?.terminate();
    if (this.#callback) this.#video.cancelVideoFrameCallback(this.#callback);
    [this.#detector, this.#arrivals, this.#processor, this.#callback] = [null, null, null, 0];
  }

  #readFrames(track, receiver) {
    this.#listener.onWay("decoder");
    if ("RTCRtpScriptTransform" in self) {
      const { port1, port2 } = new MessageChannel();
      this.#arrivals = new Worker("/assets/arrivals.js", { type: "module" });
      receiver.transform = new RTCRtpScriptTransform(this.#arrivals, { port: port1 }, [port1]);
      this.#detector.postMessage({ arrivals: port2 }, [port2]);
    }
    // A queue so that the worker learns of every frame, also of those that it has no time for.
    this.#processor = new MediaStreamTrackProcessor({ track, maxBufferSize: 8 });
    const { readable } = this.#processor;
    this.#detector.postMessage({ frames: readable }, [readable]);
  }

  #askForFrames() {
    this.#listener.onWay("screen");
    const sameFrame = new SameFrame();
    const ask = () => (this.#callback = this.#video.requestVideoFrameCallback(take));
    const take = (_, { rtpTimestamp: rtp, receiveTime, mediaTime }) => {
      if (rtp === undefined) return this.#giveUp(NO_TIMESTAMP);
      ask();
      const picture = this.#take();
      if (!picture) return;
      if (!sameFrame.check(picture.timestamp / 1000, 1000 * mediaTime)) {
        picture.close();
        return this.#detector.postMessage({ missed: rtp });
      }
      const picturedMs = performance.timeOrigin + performance.now();
      const arrivedMs = receiveTime === undefined ? undefined : performance.timeOrigin + receiveTime;
      this.#detector.postMessage({ picture, rtp, arrivedMs, picturedMs }, [picture]);
    };
    ask();
  }

  /** What is shown now; null while there is nothing, as when the video has just been replaced. */
  #take() {
    try {
      return new VideoFrame(this.#video);
    } catch {
      return null;
    }
  }

  #onMessage(data) {
    if (!data.isUnkeyed) this.#listener.onSeen(data);
    else if (canAsk && canTake) this.#askForFrames();
    else this.#giveUp(NO_TIMESTAMP);
  }

  #giveUp(reason) {
    this.stop();
    this.#listener.onUnable(reason);
  }
}
