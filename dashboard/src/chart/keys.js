// A chart by keyboard: the arrows move the cursor, Space begins a span, Enter zooms into it, E has it explained.

import { cursor } from "./cursor.js";

/** Samples that a key moves the cursor by. @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30, Home: -Infinity, End: Infinity };

/**
 * @typedef {object} Target
 * @property {import("./plot.js").TimeWindow} window
 * @property {number} step seconds between two samples
 * @property {(time: number) => number} nearest the moment with figures next to a time
 * @property {() => void} speak
 */

export class ChartKeys {
  /** Where a span began. @type {number | null} */
  #anchor = null;

  /**
   * @param {HTMLElement} element
   * @param {Target} target
   */
  constructor(element, target) {
    this.target = target;
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.#press(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    element.addEventListener("blur", () => this.#leave());
  }

  /** @param {string} key @returns {boolean} whether it means anything here */
  #press(key) {
    if (key in STEPS) this.#step(STEPS[key]);
    else if (key === " ") this.#begin();
    else if (key === "Backspace") cursor.asked.emit({ kind: "back" });
    else if ((key === "Enter" || key === "e") && cursor.span !== null) this.#ask(key === "e" ? "explain" : "zoom");
    else if (key === "Escape" && cursor.time !== null) this.#leave();
    else return false;
    return true;
  }

  /** @param {number} samples */
  #step(samples) {
    const { from, to } = this.target.window;
    const { time } = cursor;
    const wanted = time === null ? (samples === -Infinity ? from : to) : time + samples * this.target.step;
    cursor.move(this.target.nearest(Math.min(to, Math.max(from, wanted))));
    if (this.#anchor !== null && cursor.time !== null) cursor.mark({ from: this.#anchor, to: cursor.time });
    this.target.speak();
  }

  #begin() {
    this.#anchor = cursor.time ?? this.target.window.to;
    cursor.mark(null);
  }

  /** @param {"zoom" | "explain"} kind */
  #ask(kind) {
    const { span } = cursor;
    this.#leave();
    if (span !== null && span.to > span.from) cursor.asked.emit({ kind, ...span });
  }

  #leave() {
    this.#anchor = null;
    cursor.mark(null);
    cursor.move(null);
  }
}
