// The one moment that all charts point at, and the one span that is marked on all of them.

import { Signal } from "../lib/signal.js";

/** @typedef {import("./plot.js").TimeWindow} TimeWindow */
/** @typedef {{ kind: "zoom" | "explain" | "pan", from: number, to: number } | { kind: "back" } | { kind: "hold" }} Ask `hold`: what is seen now
 *  is where "back" leads to */

export class Cursor {
  /** Unix seconds, or `null` where nobody points. @type {number | null} */
  time = null;
  /** What is being marked. @type {TimeWindow | null} */
  span = null;
  /** @type {Signal<number | null>} */
  moved = new Signal();
  /** What somebody wants of the time, told by a gesture on any chart. @type {Signal<Ask>} */
  asked = new Signal();

  /** @param {number | null} time */
  move(time) {
    if (time === this.time) return;
    this.time = time;
    this.moved.emit(time);
  }

  /** @param {TimeWindow | null} span in either direction */
  mark(span) {
    if (span === null && this.span === null) return;
    this.span = span && { from: Math.min(span.from, span.to), to: Math.max(span.from, span.to) };
    this.moved.emit(this.time);
  }
}

export const cursor = new Cursor();
