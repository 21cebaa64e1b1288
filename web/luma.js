// The luma of a picture: as it was decoded where the browser hands that out, else from what it would show.

/** Layouts whose first plane is 8-bit luma of every pixel. */
const WITH_LUMA = new Set(["I420", "I420A", "I422", "I422A", "I444", "I444A", "NV12", "NV12A"]);

export class LumaReader {
  #bytes = new Uint8Array(0);
  #canvas = null;

  /**
   * @param {VideoFrame} picture
   * @returns {Promise<import("./ball/coarse.js").Luma>} good until the next call
   */
  async read(picture) {
    return WITH_LUMA.has(picture.format) ? this.#copy(picture) : this.#draw(picture);
  }

  async #copy(frame) {
    this.#makeRoom(frame.allocationSize());
    const [{ offset, stride }] = await frame.copyTo(this.#bytes);
    const { width, height } = frame.visibleRect;
    return { data: this.#bytes, offset, stride, width, height };
  }

  #draw(picture) {
    const { displayWidth: width, displayHeight: height } = picture;
    this.#canvas ??= new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, alpha: false });
    const { canvas } = this.#canvas;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.#canvas.drawImage(picture, 0, 0, width, height);
    const { data: rgba } = this.#canvas.getImageData(0, 0, width, height);
    this.#makeRoom(width * height);
    // The weights of BT.709 in 256ths. Which weights does not matter to a detector that takes every level as it is.
    for (let at = 0, from = 0; at < width * height; at++, from += 4) {
      this.#bytes[at] = (54 * rgba[from] + 183 * rgba[from + 1] + 19 * rgba[from + 2] + 128) >> 8;
    }
    return { data: this.#bytes, offset: 0, stride: width, width, height };
  }

  #makeRoom(size) {
    if (this.#bytes.length < size) this.#bytes = new Uint8Array(size);
  }
}
