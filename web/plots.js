// Small plots: a line of the last values, and the stages of one frame as a waterfall.

import { element, number } from "./dom.js";
import { STAGES } from "./measured.js";

/** Room for the largest value above the line. */
const LABEL_PX = 13;

/** What the stages are, for people. */
const MEANING = {
  encode: "encoding at the sender",
  send: "to the first packet on the network",
  there: "on the network, there",
  network: "on the network, both ways",
  decode: "waiting and decoding here",
  detect: "detection here",
  return: "on the network, back",
};

/**
 * Draws `values`, oldest first, from 0 to the largest, which is written; nulls are gaps. `level` becomes a dashed
 * line.
 * @param {HTMLCanvasElement} canvas
 */
export function drawPlot(canvas, values, level, { capacity, digits }) {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  context.clearRect(0, 0, width, height);
  const top = Math.max(level ?? 0, ...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const x = (index) => width - ((values.length - 1 - index) * width) / (capacity - 1);
  const y = (value) => height - ratio - (value / top) * (height - LABEL_PX * ratio);
  context.strokeStyle = style.getPropertyValue("--faint");
  context.lineWidth = ratio;
  context.setLineDash([3 * ratio, 3 * ratio]);
  context.beginPath();
  if (Number.isFinite(level)) {
    context.moveTo(0, y(level));
    context.lineTo(width, y(level));
  }
  context.stroke();
  context.setLineDash([]);
  context.strokeStyle = style.getPropertyValue("--line");
  context.lineWidth = 1.5 * ratio;
  context.lineJoin = "round";
  context.beginPath();
  context.font = `${10 * ratio}px ${style.fontFamily}`;
  context.fillStyle = style.getPropertyValue("--soft");
  if (values.length > 0) context.fillText(number(top, digits), 0, 9 * ratio);
  canvas.dataset.frames = values.length;
  let isDown = false;
  values.forEach((value, index) => {
    if (value !== null) context[isDown ? "lineTo" : "moveTo"](x(index), y(value));
    isDown = value !== null;
  });
  context.stroke();
}

/** Shows the stages of a frame, one below the other, each where the one before ended; nothing where there is no result. */
export function showStages(list, result) {
  if (!result) return list.replaceChildren();
  const stages = inOrder(result);
  const before = [...list.children].map((item) => item.dataset.stage);
  if (before.join() !== stages.map(({ name }) => name).join()) {
    list.replaceChildren(...stages.map(({ name }) => row(name)));
  }
  const whole = Math.max(result.latency_us, 1);
  let sum = 0;
  stages.forEach(({ name, us }, index) => {
    const item = list.children[index];
    const bar = item.querySelector(".bar-fill");
    const isTotal = name === "total";
    bar.style.marginInlineStart = `${isTotal ? 0 : (100 * sum) / whole}%`;
    bar.style.inlineSize = `${(100 * us) / whole}%`;
    item.querySelector(".ms").textContent = number(us / 1000, 2);
    sum += us;
  });
}

/** What is known of the way: without the receiver's clock the network is one stage, without its times the rest is. */
function inOrder({ stages_us: us, latency_us }) {
  const known = STAGES.filter((name) => us[name] !== undefined).map((name) => ({ name, us: us[name] }));
  if (us.network !== undefined) known.splice(2, 0, { name: "network", us: us.network });
  return [...known, { name: "total", us: latency_us }];
}

function row(name) {
  const label = element("span", { className: "stage-name", textContent: name, title: MEANING[name] ?? "from production to coordinates" });
  const bar = element("span", { className: "bar-track" }, element("span", { className: "bar-fill" }));
  bar.setAttribute("aria-hidden", "true");
  const value = element("span", { className: "ms-of" }, element("b", { className: "ms" }), " ms");
  const item = element("li", {}, label, bar, value);
  item.dataset.stage = name;
  return item;
}
