// The tab's title and icon: they tell of trouble where only the tab is seen.

import { setAttribute } from "./lib/dom.js";

export class Tab {
  /** What the icon tells. */
  #down = 0;

  /** @param {import("./main.js").App} app */
  show({ shown: { view, host }, fleet, feed }) {
    const down = fleet.summary?.offline_hosts ?? 0;
    const name = view === "single" && host !== null ? `${host} · sysmon` : "sysmon";
    const trouble = feed.link.state === "lost" ? "No link · " : down > 0 ? `(${down} down) ` : "";
    document.title = trouble + name;
    void this.#showIcon(down);
  }

  /** @param {number} down */
  async #showIcon(down) {
    if (down === this.#down) return;
    this.#down = down;
    const href = down === 0 ? "favicon.svg" : (await import("./lib/down_icon.js")).downIcon(down);
    const icon = document.querySelector("link[rel=icon]");
    if (icon !== null && down === this.#down) setAttribute(icon, "href", href);
  }
}
