// Which view of the hosts is shown.

import { el, setAttribute } from "../lib/dom.js";

/** @typedef {import("../router.js").ViewName} ViewName */

/** @type {{ name: ViewName, label: string }[]} */
const VIEWS = [
  { name: "single", label: "Single" },
  { name: "compare", label: "Compare" },
  { name: "fleet", label: "All hosts" },
];

export class ViewSwitch {
  /** @type {Map<ViewName, HTMLButtonElement>} */
  #buttons = new Map();

  /** @param {(view: ViewName) => void} onPick */
  constructor(onPick) {
    for (const { name, label } of VIEWS) {
      const button = el("button", { type: "button" }, label);
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
