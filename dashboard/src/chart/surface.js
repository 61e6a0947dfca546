// A canvas whose pixels are the device's pixels: sizes in it are device pixels, `ratio` of them to a CSS pixel.

import { resized } from "./paper.js";

/** @type {WeakMap<Element, Surface>} */
const surfaces = new WeakMap();

const observer = new ResizeObserver((entries) => {
  for (const entry of entries) surfaces.get(entry.target)?.resized(entry);
});

export class Surface {
  width = 0;
  height = 0;
  ratio = 1;
  #changed;
  #ending;
  /** @type {CanvasRenderingContext2D | null} */
  #context = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} changed the size is another: draw again
   */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.#changed = changed;
    surfaces.set(canvas, this);
    observe(canvas);
    this.#ending = resized.listen(() => this.#measure());
  }

  /** Made with the first drawing: a page makes many surfaces before its first figures, and draws none. */
  get context() {
    this.#context ??= this.canvas.getContext("2d");
    if (this.#context === null) throw new Error("this browser has no 2d canvas");
    return this.#context;
  }

  end() {
    this.#ending();
    observer.unobserve(this.canvas);
  }

  /** @param {number} pixels CSS pixels @returns {number} device pixels, whole */
  px(pixels) {
    return Math.round(pixels * this.ratio);
  }

  clear() {
    this.context.clearRect(0, 0, this.width, this.height);
  }

  /** @param {ResizeObserverEntry} entry */
  resized(entry) {
    this.ratio = window.devicePixelRatio;
    const exact = entry.devicePixelContentBoxSize?.[0];
    const { width, height } = entry.contentRect;
    this.#become(
      devicePixels(width * this.ratio, exact?.inlineSize),
      devicePixels(height * this.ratio, exact?.blockSize),
    );
  }

  /** Where nobody waits for the observer. */
  #measure() {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.#become(Math.round(width * this.ratio), Math.round(height * this.ratio));
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #become(width, height) {
    if (width === this.width && height === this.height) return;
    this.width = this.canvas.width = width;
    this.height = this.canvas.height = height;
    this.#changed();
  }
}

/**
 * The exact size where the browser tells it. An emulated screen tells the one of the real screen: that is not it.
 * @param {number} computed
 * @param {number | undefined} exact
 */
function devicePixels(computed, exact) {
  return exact !== undefined && Math.abs(exact - computed) < 2 ? exact : Math.round(computed);
}

/** @param {HTMLCanvasElement} canvas */
function observe(canvas) {
  try {
    observer.observe(canvas, { box: "device-pixel-content-box" });
  } catch {
    observer.observe(canvas); // Safari has no exact box: rounding has to do
  }
}
