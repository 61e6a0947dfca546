// A server without room stores nothing, and its hosts go offline one by one: the page says why. Where no host has been
// heard of for a while the server is asked for the reason; while values come it stores them, and nothing is asked.

import { getStorage } from "../api.js";
import { el, setText } from "../lib/dom.js";
import { formatDayMinute, formatMinute } from "../lib/format.js";

/** Between two questions. */
const EVERY_MS = 15_000;
/** Agents push each ten seconds: of a fleet that is silent for longer, not one was heard. */
const SILENT_SECONDS = 15;
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
  #askAt = 0;

  constructor() {
    const shape = el("span", { class: "banner-shape", "aria-hidden": "true" });
    this.element = el("div", { class: "banner room-banner", hidden: true }, shape, this.#text, this.#advice);
  }

  /**
   * Called each second.
   * @param {import("../state.js").Fleet} fleet
   * @param {import("../live.js").LinkState} state
   */
  update(fleet, state) {
    const stores = fleet.clock.now() - fleet.storedAt < SILENT_SECONDS;
    if (state === "lost" || stores) this.element.hidden = true; // of a lost link another banner tells
    const isDue = performance.now() >= this.#askAt && !document.hidden && (state === "live" || state === "polling");
    if (!fleet.loaded || stores || !isDue) return; // what is to be seen first comes first
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
