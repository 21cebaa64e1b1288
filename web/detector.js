// The worker that looks at pictures. One at a time; of those that come meanwhile the newest waits, and the others are named as
// skipped.
//
// In:  {frames: ReadableStream<VideoFrame>}, {arrivals: MessagePort}, {picture, rtp, arrivedMs, picturedMs},
//      or {missed: rtp} for a frame that could not be taken
// Out: {rtp, width, height, objects, arrivedMs, picturedMs, skipped, undecoded, picture}, or {isUnkeyed: true}
//
// Times are milliseconds since 1970 on the clock of `performance`, which all threads of a page have in common.

import { Ball } from "./ball/ball.js";
import { LumaReader } from "./luma.js";

/** Frames that arrived and are not yet decoded; a decoder that holds more of them back has stopped. */
const MAX_WAITING = 64;

const ball = new Ball();
const luma = new LumaReader();
/** When the last packet of each frame arrived, by RTP timestamp, in the order of arrival. */
const arrivals = new Map();

let newest = null;
let isBusy = false;
let skipped = [];
let undecoded = [];

self.onmessage = ({ data }) => {
  if (data.frames) void pump(data.frames);
  else if (data.arrivals) data.arrivals.onmessage = ({ data: { rtp, ms } }) => onArrival(rtp, ms);
  else if (data.missed !== undefined) skipped.push(data.missed);
  else offer(data);
};

const now = () => performance.timeOrigin + performance.now();

/** Reads decoded frames as they come. */
async function pump(frames) {
  for await (const picture of frames) {
    const picturedMs = now();
    const rtp = picture.metadata?.().rtpTimestamp;
    if (rtp === undefined) {
      picture.close();
      self.postMessage({ isUnkeyed: true });
      return;
    }
    offer({ picture, rtp, arrivedMs: arrivals.get(rtp), picturedMs });
    settle(rtp);
  }
}

function onArrival(rtp, ms) {
  arrivals.set(rtp, ms);
  if (arrivals.size > MAX_WAITING) giveUp(arrivals.keys().next().value);
}

/** Pictures come in the order of their timestamps: none will be made any more of the earlier ones that still wait. */
function settle(rtp) {
  arrivals.delete(rtp);
  for (const waiting of [...arrivals.keys()]) if (((waiting - rtp) | 0) < 0) giveUp(waiting);
}

function giveUp(rtp) {
  arrivals.delete(rtp);
  undecoded.push(rtp);
}

function offer(picture) {
  if (newest) {
    skipped.push(newest.rtp);
    newest.picture.close();
  }
  newest = picture;
  if (!isBusy) void work();
}

async function work() {
  isBusy = true;
  while (newest) {
    const { picture, ...frame } = newest;
    newest = null;
    await look(picture, frame);
    // Whatever came meanwhile is heard before the next is chosen.
    await nextTask();
  }
  isBusy = false;
}

async function look(picture, frame) {
  const plane = await luma.read(picture);
  const objects = ball.detect(plane);
  const { width, height } = plane;
  const news = { ...frame, width, height, objects, skipped, undecoded, picture };
  [skipped, undecoded] = [[], []];
  self.postMessage(news, [picture]);
}

const tasks = new MessageChannel();
const nextTask = () =>
  new Promise((resolve) => {
    tasks.port1.onmessage = resolve;
    tasks.port2.postMessage(null);
  });
