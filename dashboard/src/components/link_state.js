// How the page is connected: a word in the corner while all is well, one banner where it is not.

import { el, setAttribute, setText } from "../lib/dom.js";
import { formatClock } from "../lib/format.js";

/** @type {Record<import("../live.js").LinkState, string>} */
const WORDS = { connecting: "Connecting", live: "Live", polling: "Polling every 5 s", lost: "No link" };
/** @type {Record<import("../live.js").LinkState, string>} */
const TITLES = {
  connecting: "Waiting for the server",
  live: "New values arrive each second by WebSocket",
  polling: "A WebSocket could not be had: the page asks every 5 seconds",
  lost: "The server does not answer",
};

export class LinkWord {
  #word = el("span", { class: "status-word" });

  constructor() {
    this.element = el(
      "span",
      { class: "status link-word", role: "status" },
      el("span", { class: "status-shape", "aria-hidden": "true" }),
      this.#word,
    );
  }

  /** @param {import("../live.js").LinkState} state */
  show(state) {
    setAttribute(this.element, "data-link", state);
    setAttribute(this.element, "title", TITLES[state]);
    setText(this.#word, WORDS[state]);
  }
}

export class LostBanner {
  /** Alone an alert: the seconds beside it would be read out one by one. */
  #text = el("span", { class: "banner-text", role: "alert" });
  #next = el("span", { class: "muted" });

  /** @param {() => void} onRetry */
  constructor(onRetry) {
    const button = el("button", { type: "button", class: "button" }, "Try now");
    button.addEventListener("click", onRetry);
    this.element = el(
      "div",
      { class: "banner", hidden: true },
      el("span", { class: "banner-shape", "aria-hidden": "true" }),
      this.#text,
      this.#next,
      button,
    );
  }

  /**
   * @param {{ state: import("../live.js").LinkState, retryAt: number }} link
   * @param {number | null} since Unix seconds by this browser's clock
   */
  show({ state, retryAt }, since) {
    const lost = state === "lost";
    this.element.hidden = !lost;
    if (!lost) return;
    const frozen = since === null ? "" : ` Values stand as of ${formatClock(since)}.`;
    setText(this.#text, `The link to the server is lost.${frozen}`);
    const wait = Math.ceil((retryAt - performance.now()) / 1000);
    setText(this.#next, wait > 0 ? `Next try in ${wait} s.` : "Trying…");
  }
}
