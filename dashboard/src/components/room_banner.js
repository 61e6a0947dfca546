// A server without room stores nothing, and its hosts go offline one by one: the page says why. The server is asked for
// it now and then, since hosts that are silent make no frame that could tell.

import { getStorage } from "../api.js";
import { el, setText } from "../lib/dom.js";
import { formatDayMinute, formatMinute } from "../lib/format.js";

/** Between two questions. */
const EVERY_MS = 15_000;
/** Before the first one: what is to be seen first comes first. */
const FIRST_MS = 3000;
const DAY_SECONDS = 24 * 3600;

/**
 * That nothing is stored and why, and what is to be done.
 * @param {NonNullable<import("../api.js").Storage["full"]>} full
 * @param {number} now Unix seconds of the server
 * @returns {[string, string]}
 */
export function roomWords({ since, bound }, now) {
  const at = now - since < DAY_SECONDS ? formatMinute(since) : formatDayMinute(since);
  return bound === "disk"
    ? [`The server’s disk is full: nothing is stored since ${at}.`, "Make room on it; it goes on by itself."]
    : [`The server’s budget is used up: nothing is stored since ${at}.`, "Raise its --max-disk."];
}

export class RoomBanner {
  #text = el("span", { class: "banner-text", role: "alert" });
  #advice = el("span", { class: "muted" });
  #askAt = performance.now() + FIRST_MS;

  constructor() {
    const shape = el("span", { class: "banner-shape", "aria-hidden": "true" });
    this.element = el("div", { class: "banner room-banner", hidden: true }, shape, this.#text, this.#advice);
  }

  /** Called each second. @param {import("../live.js").LinkState} state */
  update(state) {
    if (state === "lost") this.element.hidden = true; // then there is another banner, and nobody knows
    const isDue = performance.now() >= this.#askAt && !document.hidden && (state === "live" || state === "polling");
    if (!isDue) return;
    this.#askAt = performance.now() + EVERY_MS;
    getStorage().then(
      ({ full, timestamp }) => this.#show(full, timestamp),
      () => {}, // the link's own word says that the server does not answer
    );
  }

  /**
   * @param {import("../api.js").Storage["full"]} full
   * @param {number} now the server's
   */
  #show(full, now) {
    this.element.hidden = full === null;
    if (full === null) return;
    const [text, advice] = roomWords(full, now);
    setText(this.#text, text);
    setText(this.#advice, advice);
  }
}
