// What hands do on a chart: drag to zoom, with Shift to have the span explained, double-click back, drag the time axis
// or turn the wheel sideways to pan. A finger moves the cursor, since a page has to scroll below it.

import { cursor } from "./cursor.js";

/** CSS pixels below which a drag was meant as a click. */
const LEAST_DRAG = 6;

/**
 * @typedef {object} Target
 * @property {import("./plot.js").Plot | null} plot
 * @property {number} ratio device pixels a CSS pixel
 * @property {(time: number) => number} nearest the moment with figures next to a time
 *
 * @typedef {{ kind: "zoom" | "explain" | "pan", x: number, time: number, window: import("./plot.js").TimeWindow }} Drag
 */

export class Gestures {
  /** @type {Drag | null} */
  #drag = null;

  /**
   * @param {HTMLElement} element
   * @param {Target} target
   */
  constructor(element, target) {
    this.element = element;
    this.target = target;
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#up(event));
    element.addEventListener("pointercancel", () => this.#cancel());
    element.addEventListener("pointerleave", () => this.#drag === null && cursor.move(null));
    element.addEventListener("dblclick", () => cursor.asked.emit({ kind: "back" }));
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** @param {MouseEvent} event @returns {{ x: number, y: number }} device pixels */
  #place(event) {
    const box = this.element.getBoundingClientRect();
    const { ratio } = this.target;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const { plot } = this.target;
    if (plot === null) return;
    const { x, y } = this.#place(event);
    cursor.move(this.target.nearest(plot.timeAt(x)));
    if (event.button !== 0 || event.pointerType === "touch") return;
    const kind = y > plot.floor ? "pan" : event.shiftKey ? "explain" : "zoom";
    this.#drag = { kind, x: event.clientX, time: clamp(plot.timeAt(x), plot.window), window: plot.window };
    this.element.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { plot } = this.target;
    if (plot === null) return;
    const { x } = this.#place(event);
    const time = plot.timeAt(x);
    const drag = this.#drag;
    if (drag?.kind === "pan") return this.#pan(drag, event.clientX - drag.x);
    cursor.move(this.target.nearest(time));
    if (drag !== null && isDrag(drag, event)) cursor.mark({ from: drag.time, to: clamp(time, plot.window) });
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const drag = this.#drag;
    const { span } = cursor;
    this.#cancel();
    if (drag === null || drag.kind === "pan" || !isDrag(drag, event) || span === null) return;
    cursor.asked.emit({ kind: drag.kind, ...span });
  }

  #cancel() {
    this.#drag = null;
    cursor.mark(null);
  }

  /**
   * @param {Drag} drag
   * @param {number} moved CSS pixels
   */
  #pan({ window }, moved) {
    const { plot, ratio } = this.target;
    if (plot === null || moved === 0) return;
    const seconds = (-moved * ratio) / plot.perSecond;
    cursor.asked.emit({ kind: "pan", from: window.from + seconds, to: window.to + seconds });
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const { plot, ratio } = this.target;
    const moved = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (plot === null || Math.abs(moved) <= Math.abs(event.shiftKey ? 0 : event.deltaY)) return;
    event.preventDefault();
    const seconds = (moved * ratio) / plot.perSecond;
    cursor.asked.emit({ kind: "pan", from: plot.window.from + seconds, to: plot.window.to + seconds });
  }
}

/**
 * @param {Drag} drag
 * @param {PointerEvent} event
 */
function isDrag(drag, event) {
  return Math.abs(event.clientX - drag.x) >= LEAST_DRAG;
}

/**
 * @param {number} time
 * @param {import("./plot.js").TimeWindow} window
 */
function clamp(time, { from, to }) {
  return Math.min(to, Math.max(from, time));
}
