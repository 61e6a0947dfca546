// Where in a canvas a time and a value stand.

/** CSS pixels around the plot: room for the figures of the axes. */
const LEFT = 58;
const RIGHT = 6;
const TOP = 8;
const BOTTOM = 20;

/** @typedef {{ from: number, to: number }} TimeWindow Unix seconds */

export class Plot {
  /**
   * @param {import("./surface.js").Surface} surface
   * @param {TimeWindow} window
   * @param {number} top the value at the upper edge
   * @param {boolean} bare without axes
   */
  constructor(surface, window, top, bare = false) {
    this.window = window;
    this.top = top;
    this.left = bare ? 0 : surface.px(LEFT);
    this.right = surface.width - (bare ? 0 : surface.px(RIGHT));
    this.upper = bare ? surface.px(2) : surface.px(TOP);
    this.lower = surface.height - (bare ? surface.px(1) : surface.px(BOTTOM));
  }

  get width() {
    return Math.max(1, this.right - this.left);
  }

  /** @param {number} time */
  x(time) {
    const { from, to } = this.window;
    return this.left + ((time - from) / (to - from)) * (this.right - this.left);
  }

  /** @param {number} value */
  y(value) {
    return this.lower - (value / this.top) * (this.lower - this.upper);
  }

  /** @param {number} x device pixels */
  timeAt(x) {
    const { from, to } = this.window;
    return from + ((x - this.left) / this.width) * (to - from);
  }
}
