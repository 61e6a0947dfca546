// Dark, light, or as the system has it.

import { rereadPalette } from "../chart/palette.js";
import { el, setAttribute, setText } from "../lib/dom.js";

/** Also read by head.js, before anything is drawn. */
const KEY = "sysmon-theme";
const ORDER = /** @type {const} */ (["auto", "light", "dark"]);
/** @typedef {typeof ORDER[number]} Theme */

export class ThemeButton {
  #word = el("span", { class: "theme-word" });

  constructor() {
    this.theme = saved();
    this.element = el(
      "button",
      { type: "button", class: "button theme-button" },
      el("span", { class: "theme-shape", "aria-hidden": "true" }),
      this.#word,
    );
    this.element.addEventListener("click", () => this.#next());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => rereadPalette());
    this.#show();
  }

  #next() {
    this.theme = ORDER[(ORDER.indexOf(this.theme) + 1) % ORDER.length];
    try {
      localStorage.setItem(KEY, this.theme);
    } catch {
      // a browser that keeps nothing still shows the theme until the page is left
    }
    setAttribute(document.documentElement, "data-theme", this.theme === "auto" ? undefined : this.theme);
    rereadPalette();
    this.#show();
  }

  #show() {
    setText(this.#word, this.theme);
    setAttribute(this.element, "aria-label", `Theme: ${this.theme}`);
    setAttribute(this.element, "title", "Theme: as the system, light or dark");
    setAttribute(this.element, "data-theme-choice", this.theme);
  }
}

/** @returns {Theme} */
function saved() {
  const theme = document.documentElement.getAttribute("data-theme");
  return theme === "light" || theme === "dark" ? theme : "auto";
}
