/** Frames until anything is believed. */
const FIRST_FRAMES = 10;
/** So many that do not fit, one after the other, mean that time has begun anew. */
const LOST_FRAMES = 60;
/** Both times are in microseconds at least; a frame interval is some milliseconds. */
const TOLERANCE_MS = 0.5;

/**
 * Tells whether a picture is the frame that the browser says it is. By the time that it is taken, the video element may already show
 * the next one (seen in one of 150 frames on a busy machine), and an answer would be joined to the wrong frame.
 *
 * The picture's own timestamp and the frame's media time count the same from different beginnings, so that their difference is the
 * same for all pictures that are what they are said to be, and larger for those that are newer.
 */
export class SameFrame {
  #leastMs = Infinity;
  #frames = 0;
  #misfits = 0;

  check(pictureMs, frameMs) {
    const differenceMs = pictureMs - frameMs;
    this.#leastMs = Math.min(this.#leastMs, differenceMs);
    this.#frames++;
    const fits = differenceMs - this.#leastMs < TOLERANCE_MS;
    this.#misfits = fits ? 0 : this.#misfits + 1;
    if (this.#misfits === LOST_FRAMES) [this.#leastMs, this.#frames, this.#misfits] = [Infinity, 0, 0];
    return fits && this.#frames > FIRST_FRAMES;
  }
}
