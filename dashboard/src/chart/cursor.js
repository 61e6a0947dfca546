// The one moment that all charts point at.

import { Signal } from "../lib/signal.js";

export class Cursor {
  /** Unix seconds, or `null` where nobody points. @type {number | null} */
  time = null;
  /** @type {Signal<number | null>} */
  moved = new Signal();

  /** @param {number | null} time */
  move(time) {
    if (time === this.time) return;
    this.time = time;
    this.moved.emit(time);
  }
}

export const cursor = new Cursor();
