// A host's status as a shape and a word: never as a colour alone.

import { el, setAttribute, setText } from "../lib/dom.js";

/** @typedef {"online" | "offline" | "stale" | "high" | "unknown"} Status */

/** For places where there is only text, such as the options of a list. @type {Record<Status, string>} */
export const STATUS_GLYPHS = { online: "●", offline: "▼", stale: "○", high: "◆", unknown: "○" };

export class StatusMark {
  #word = el("span", { class: "status-word" });

  constructor() {
    this.element = el(
      "span",
      { class: "status" },
      el("span", { class: "status-shape", "aria-hidden": "true" }),
      this.#word,
    );
  }

  /**
   * @param {Status} status
   * @param {string} [word]
   */
  show(status, word = status) {
    setAttribute(this.element, "data-status", status);
    setText(this.#word, word);
  }
}

/**
 * @param {import("../state.js").Fleet} fleet
 * @param {string} hostname
 * @returns {Status}
 */
export function statusOf(fleet, hostname) {
  return fleet.hosts.get(hostname)?.status ?? "unknown";
}
