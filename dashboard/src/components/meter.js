// A share as a bar. The figure stands beside it, and a word where it is high.

import { el, setAttribute, setProperty } from "../lib/dom.js";
import { levelOf } from "../lib/level.js";

export class Meter {
  constructor() {
    this.element = el("span", { class: "meter", "aria-hidden": "true" }, el("span", { class: "meter-fill" }));
  }

  /** @param {number | null} percent */
  show(percent) {
    const share = Math.min(100, Math.max(0, percent ?? 0)) / 100;
    setProperty(this.element, "--share", share.toFixed(4));
    setAttribute(this.element, "data-level", levelOf(percent));
    setAttribute(this.element, "data-none", percent === null); // an empty bar would say 0 %
  }
}
