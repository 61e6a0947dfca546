// Where in a canvas a time and a value stand.

/** CSS pixels around the plot: room for the figures of the axes. */
const LEFT = 58;
const RIGHT = 6;
const TOP = 8;
const BOTTOM = 20;

/** @typedef {{ from: number, to: number }} TimeWindow Unix seconds */

export class Plot {
  /** Where times are written below, device pixels. @type {[number, number][]} */
  times = [];

  /**
   * @param {import("./surface.js").Surface} surface
   * @param {TimeWindow} window
   * @param {number} top the value at the upper edge
   * @param {{ bare?: boolean, bottom?: number }} [options] `bare`: without axes; `bottom`: the value at the lower edge
   */
  constructor(surface, window, top, { bare = false, bottom = 0 } = {}) {
    this.window = window;
    this.top = top;
    this.left = bare ? 0 : surface.px(LEFT);
    this.right = surface.width - (bare ? 0 : surface.px(RIGHT));
    this.upper = bare ? surface.px(2) : surface.px(TOP);
    this.floor = surface.height - (bare ? surface.px(1) : surface.px(BOTTOM));
    /** Device pixels a second. */
    this.perSecond = (this.right - this.left) / (window.to - window.from);
    /** Device pixels a unit of the values. */
    this.perValue = (this.floor - this.upper) / (top - bottom);
    /** Where zero stands. */
    this.lower = this.floor + bottom * this.perValue;
  }

  get width() {
    return Math.max(1, this.right - this.left);
  }

  /** @param {number} time */
  x(time) {
    return this.left + (time - this.window.from) * this.perSecond;
  }

  /** @param {number} value */
  y(value) {
    return this.lower - value * this.perValue;
  }

  /** @param {number} x device pixels */
  timeAt(x) {
    return this.window.from + (x - this.left) / this.perSecond;
  }
}
