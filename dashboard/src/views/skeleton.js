// The page's outline while nothing is known yet.

import { el } from "../lib/dom.js";

export class Skeleton {
  constructor() {
    const blocks = (/** @type {number} */ count, /** @type {string} */ name) =>
      Array.from({ length: count }, () => el("div", { class: `skeleton ${name}` }));
    this.element = el(
      "div",
      { class: "host", role: "status", "aria-busy": "true", "aria-label": "Loading" },
      el("div", { class: "skeleton skeleton-line" }),
      el("div", { class: "cards" }, ...blocks(4, "skeleton-card")),
      ...blocks(1, "skeleton-chart"),
    );
  }
  update() {}
  end() {}
}
