// Draws each picture that was looked at, with what was seen in it and what is true: on that very frame, whatever the video element
// shows by now.

/** Side of the magnifier on the page, as far as the picture leaves room. */
const LENS_SIZE_PX = 168;
/** What it shows: a little more than the object, at least and at most so many pixels of the picture. */
const LENS_SHOWS_PX = [16, 96];

export class Overlay {
  #canvas;
  #context;
  #measured;
  #newest = null;
  #isDue = false;
  /** What is to be drawn. */
  shows = { seen: true, truth: true, lens: false };

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./measured.js").Measured} measured
   */
  constructor(canvas, measured) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#measured = measured;
    canvas.hidden = true;
    new ResizeObserver(() => this.refresh()).observe(canvas);
  }

  /** @param {import("./pictures.js").Seen} seen its picture is closed here */
  show(seen) {
    this.#newest?.picture.close();
    this.#newest = seen;
    this.#canvas.hidden = false;
    this.refresh();
  }

  /** The truth of this frame has come: it may be late. */
  onTruth({ rtp }) {
    if (this.#newest?.rtp === rtp) this.refresh();
  }

  /** Leaves the video as it is. */
  clear() {
    this.#newest?.picture.close();
    this.#newest = null;
    this.#canvas.hidden = true;
  }

  refresh() {
    if (this.#isDue || !this.#newest) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      if (this.#newest) this.#draw(this.#newest);
    });
  }

  #draw({ picture, width, height, rtp, objects }) {
    const context = this.#context;
    const view = this.#fit(width, height);
    const colours = getComputedStyle(this.#canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.drawImage(picture, view.left, view.top, width * view.scale, height * view.scale);
    const truth = this.shows.truth ? this.#measured.truthOf(rtp) : undefined;
    const marks = {
      seen: this.shows.seen ? objects : [],
      truth: truth ? truth.objects.map((object) => scaled(object, width / truth.width, height / truth.height)) : [],
      seenColour: colours.getPropertyValue("--seen"),
      truthColour: colours.getPropertyValue("--truth"),
    };
    const place = ({ x, y }) => [view.left + (x + 0.5) * view.scale, view.top + (y + 0.5) * view.scale];
    drawMarks(context, marks, place, view.scale, devicePixelRatio);
    if (this.shows.lens) this.#drawLens(picture, marks);
  }

  /** Where the picture stands in the canvas: whole, in its middle. */
  #fit(width, height) {
    const canvas = this.#canvas;
    const [wide, high] = [canvas.clientWidth * devicePixelRatio, canvas.clientHeight * devicePixelRatio].map(Math.round);
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const scale = Math.min(canvas.width / width, canvas.height / height);
    return { scale, left: (canvas.width - width * scale) / 2, top: (canvas.height - height * scale) / 2 };
  }

  /** The first object, many times as large: there the difference can be seen. */
  #drawLens(picture, marks) {
    const centre = marks.seen[0] ?? marks.truth[0];
    if (!centre) return;
    const context = this.#context;
    const ratio = devicePixelRatio;
    const shown = Math.round(Math.min(Math.max(2.6 * (centre.radius ?? 0), LENS_SHOWS_PX[0]), LENS_SHOWS_PX[1]));
    const size = Math.round(Math.min(LENS_SIZE_PX * ratio, 0.34 * this.#canvas.width, 0.6 * this.#canvas.height));
    const scale = size / shown;
    const left = this.#canvas.width - size - 12 * ratio;
    const top = this.#canvas.height - size - 12 * ratio;
    const from = { x: Math.round(centre.x - shown / 2), y: Math.round(centre.y - shown / 2) };
    context.save();
    context.beginPath();
    context.roundRect(left, top, size, size, 8 * ratio);
    context.clip();
    context.imageSmoothingEnabled = false;
    context.fillStyle = "#000";
    context.fillRect(left, top, size, size);
    context.drawImage(picture, from.x, from.y, shown, shown, left, top, size, size);
    const place = ({ x, y }) => [left + (x + 0.5 - from.x) * scale, top + (y + 0.5 - from.y) * scale];
    drawMarks(context, marks, place, scale, ratio);
    context.restore();
    context.strokeStyle = "#fff";
    context.lineWidth = ratio;
    context.strokeRect(left, top, size, size);
  }
}

/** From pixels of the frame as it was sent to those of the picture; corners fall together, half a pixel outside of the centres. */
function scaled({ x, y, radius }, byX, byY) {
  return { x: (x + 0.5) * byX - 0.5, y: (y + 0.5) * byY - 0.5, radius: radius * byX };
}

export function drawMarks(context, { seen, truth, seenColour, truthColour }, place, scale, ratio) {
  context.lineCap = "round";
  const reach = ({ radius = 20 }) => Math.min(Math.max(0.5 * radius * scale, 3 * ratio), 9 * ratio);
  for (const object of truth) {
    ring(context, place(object), object.radius * scale + 3 * ratio, 2 * ratio, truthColour, [2 * ratio, 5 * ratio]);
    cross(context, place(object), 0.8 * reach(object), 1.5 * ratio, truthColour, Math.PI / 4);
  }
  for (const object of seen) {
    ring(context, place(object), (object.radius ?? 8) * scale, 2 * ratio, seenColour, []);
    cross(context, place(object), reach(object), 1.5 * ratio, seenColour, 0);
  }
}

function ring(context, [x, y], radius, width, colour, dashes) {
  context.setLineDash(dashes);
  context.beginPath();
  context.arc(x, y, Math.max(radius, 1), 0, 2 * Math.PI);
  stroke(context, width, colour);
}

function cross(context, [x, y], reach, width, colour, turn) {
  context.setLineDash([]);
  context.beginPath();
  for (const angle of [turn, turn + Math.PI / 2]) {
    const [dx, dy] = [reach * Math.cos(angle), reach * Math.sin(angle)];
    context.moveTo(x - dx, y - dy);
    context.lineTo(x + dx, y + dy);
  }
  stroke(context, width, colour);
}

/** With a dark seam, to be seen on bright and on dark pictures. */
function stroke(context, width, colour) {
  context.strokeStyle = "rgb(0 0 0 / 0.55)";
  context.lineWidth = width * 2;
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}
