// Bright disks, to a hundredth of a pixel: the detector `ball` of the program, for browsers. docs/detectors.md says how it works and
// what it promises; here it has a fourth of the work a frame, so that busy pictures find it earlier at its limits.

import { Budget, MIN_RADIUS_PX, find } from "./circle.js";
import { Grid } from "./coarse.js";
import { pointsOn } from "./edge.js";
import { Fitter } from "./model.js";

const MIN_CONTRAST = 24;
const MIN_EXPLAINED = 0.8;
const MIN_SEEN = 0.15;
const MAX_DISKS = 32;
/** Disks farther apart than this, edge to edge, do not disturb each other. */
const NEAR_PX = 12;

/** Finds bright disks. Keeps nothing from frame to frame: the same picture gives the same answer. */
export class Ball {
  #grid = new Grid();
  #fitter = new Fitter();

  /**
   * @param {import("./coarse.js").Luma} luma
   * @returns {{label: string, x: number, y: number, radius: number, score: number}[]} in pixels; integers are pixel centres
   */
  detect(luma) {
    const circles = this.#search(luma);
    let fits = this.#fit(luma, circles);
    // Now with the neighbours where they are, and without those that are none.
    if (circles.length !== 1) fits = this.#fit(luma, fits);
    const isInFrame = ({ x, y }) => x >= -0.5 && y >= -0.5 && x < luma.width - 0.5 && y < luma.height - 0.5;
    return fits.filter(isInFrame).map(({ x, y, radius, explained }) => ({ label: "ball", x, y, radius, score: explained }));
  }

  #search(luma) {
    this.#grid.read(luma);
    const budget = new Budget(Math.max(luma.width, luma.height) / 2);
    return this.#grid
      .groups()
      .flatMap((group) => find(pointsOn(group, this.#grid, luma), budget))
      .slice(0, MAX_DISKS);
  }

  #fit(luma, circles) {
    const isNear = (one, other) => Math.hypot(one.x - other.x, one.y - other.y) < one.radius + other.radius + NEAR_PX;
    const fits = circles.map((circle) => {
      const others = circles.filter((other) => other !== circle && isNear(circle, other));
      return this.#fitter.fit(luma, circle, others, circles.length);
    });
    return fits.filter((fit) => fit && isDisk(fit));
  }
}

function isDisk({ radius, contrast, explained, seen }) {
  return radius >= MIN_RADIUS_PX && contrast >= MIN_CONTRAST && explained >= MIN_EXPLAINED && seen >= MIN_SEEN;
}
