// What hands do on a chart: drag to zoom, with Shift to have the span explained, double-click back, drag the time axis
// or turn the wheel sideways to pan. A finger does the same sideways, since up and down it scrolls the page; a tap sets
// the cursor, which stays when the finger is gone; two fingers stretch the time between them.

import { cursor } from "./cursor.js";
import { pinched } from "./pinch.js";

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
  /** Where fingers are, CSS pixels, by pointer. @type {Map<number, number>} */
  #fingers = new Map();
  /** Two fingers, and the times that stay below them. @type {import("./pinch.js").Finger[] | null} */
  #pinch = null;

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
    element.addEventListener("pointercancel", (event) => this.#gone(event));
    element.addEventListener("pointerleave", (event) => {
      if (this.#drag === null && event.pointerType !== "touch") cursor.move(null);
    });
    element.addEventListener("dblclick", () => cursor.asked.emit({ kind: "back" }));
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** @param {{ clientX: number, clientY?: number }} event @returns {{ x: number, y: number }} device pixels */
  #place({ clientX, clientY = 0 }) {
    const box = this.element.getBoundingClientRect();
    const { ratio } = this.target;
    return { x: (clientX - box.left) * ratio, y: (clientY - box.top) * ratio };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const { plot } = this.target;
    if (plot === null) return;
    const { x, y } = this.#place(event);
    if (event.pointerType === "touch" && this.#touch(event)) return;
    cursor.move(this.target.nearest(plot.timeAt(x)));
    if (event.button !== 0) return;
    const kind = y > plot.floor ? "pan" : event.shiftKey ? "explain" : "zoom";
    this.#drag = { kind, x: event.clientX, time: clamp(plot.timeAt(x), plot.window), window: plot.window };
    this.element.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { plot } = this.target;
    if (plot === null) return;
    const { x } = this.#place(event);
    if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, event.clientX);
    if (this.#pinch !== null) return this.#stretch(this.#pinch);
    if (this.#fingers.size > 1) return;
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
    this.#gone(event);
    if (drag === null || drag.kind === "pan" || !isDrag(drag, event) || span === null) return;
    cursor.asked.emit({ kind: drag.kind, ...span });
  }

  /** @param {PointerEvent} event a hand that was lifted, or that scrolls the page now */
  #gone(event) {
    this.#fingers.delete(event.pointerId);
    this.#pinch = null;
    this.#drag = null;
    cursor.mark(null);
  }

  /** @param {PointerEvent} event @returns {boolean} whether it is more than one finger */
  #touch(event) {
    this.#fingers.set(event.pointerId, event.clientX);
    if (this.#fingers.size < 2) return false;
    this.#drag = null;
    cursor.mark(null);
    cursor.move(null);
    const { plot } = this.target;
    if (this.#fingers.size > 2 || plot === null) this.#pinch = null;
    else {
      this.#pinch = [...this.#fingers].map(([id, x]) => ({ id, time: plot.timeAt(this.#place({ clientX: x }).x) }));
      cursor.asked.emit({ kind: "hold" });
    }
    return true;
  }

  /** @param {import("./pinch.js").Finger[]} fingers */
  #stretch(fingers) {
    const { plot } = this.target;
    if (plot === null) return;
    const places = fingers.map(({ id }) => this.#place({ clientX: this.#fingers.get(id) ?? NaN }).x);
    const window = pinched(plot, fingers, places);
    if (window !== null) cursor.asked.emit({ kind: "pan", ...window });
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

/** A tap beside all charts takes the cursor off them, as leaving with a mouse does. */
export function watchTaps() {
  document.addEventListener("pointerdown", ({ pointerType, target }) => {
    if (pointerType === "touch" && target instanceof Element && target.closest(".chart") === null) cursor.move(null);
  });
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
