// Which view of the hosts is shown.

import { el, setAttribute } from "../lib/dom.js";

/** @typedef {import("../router.js").ViewName} ViewName */

/** `more` is heard, and seen where there is room. @type {{ name: ViewName, label: string, more?: string }[]} */
const VIEWS = [
  { name: "single", label: "Single" },
  { name: "compare", label: "Compare" },
  { name: "fleet", label: "All", more: " hosts" },
];

export class ViewSwitch {
  /** @type {Map<ViewName, HTMLButtonElement>} */
  #buttons = new Map();

  /** @param {(view: ViewName) => void} onPick */
  constructor(onPick) {
    for (const { name, label, more = "" } of VIEWS) {
      const button = el("button", { type: "button" }, label, el("span", { class: "view-more" }, more));
      button.addEventListener("click", () => onPick(name));
      this.#buttons.set(name, button);
    }
    this.element = el("div", { class: "segments", role: "group", "aria-label": "View" }, ...this.#buttons.values());
  }

  /** @param {ViewName} view */
  show(view) {
    for (const [name, button] of this.#buttons) setAttribute(button, "aria-pressed", String(name === view));
  }
}
