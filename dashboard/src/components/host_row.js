// A host as a row of the fleet's table.

import { Sparkline } from "../chart/sparkline.js";
import { el, setAttribute, setText } from "../lib/dom.js";
import { formatAge, formatValue, LOAD } from "../lib/format.js";
import { levelOf, LEVEL_WORDS } from "../lib/level.js";
import { Meter } from "./meter.js";
import { StatusMark } from "./status.js";

export class HostRow {
  #status = new StatusMark();
  #tags = el("bdi", { class: "row-tags" });
  #cpu = share();
  #memory = share();
  #used = el("td", { class: "number" });
  #load = el("td", { class: "number" });
  #seen = el("td", { class: "number muted" });
  #trend = new Sparkline({ max: 100 });

  /**
   * @param {string} hostname
   * @param {() => void} onOpen
   */
  constructor(hostname, onOpen) {
    const open = el("button", { type: "button", class: "link-button", title: hostname }, el("bdi", {}, hostname));
    open.addEventListener("click", onOpen);
    const name = el("th", { scope: "row", class: "row-name" }, open, this.#tags);
    this.element = el(
      "tr",
      { class: "host-row" },
      el("td", {}, this.#status.element),
      name,
      this.#cpu.cell,
      el("td", { class: "row-trend" }, this.#trend.element),
      this.#memory.cell,
      this.#used,
      this.#load,
      this.#seen,
    );
  }

  /**
   * @param {import("../api.js").FleetHost} host
   * @param {number} now
   * @param {import("../chart/track.js").Track | null} trend
   * @param {import("../chart/plot.js").TimeWindow} window
   */
  show(host, now, trend, window) {
    this.#status.show(host.status);
    setAttribute(this.element, "data-stale", host.status === "offline");
    setText(this.#tags, tagsText(host));
    showShare(this.#cpu, host.metrics?.["cpu.total_usage"]);
    showShare(this.#memory, host.metrics?.["memory.usage_percent"]);
    setText(this.#used, formatValue(host.metrics?.["memory.used_bytes"], "bytes"));
    setText(this.#load, formatValue(host.metrics?.["load.avg_1m"], LOAD));
    setText(this.#seen, seenText(host, now));
    this.#trend.show(trend, window);
  }

  end() {
    this.#trend.end();
  }
}

/** @param {import("../api.js").FleetHost} host */
export function tagsText({ tags }) {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join("  ");
}

/**
 * @param {import("../api.js").FleetHost} host
 * @param {number} now
 */
export function seenText(host, now) {
  return now - host.last_seen < 20 ? "now" : `${formatAge(now - host.last_seen)} ago`;
}

function share() {
  const meter = new Meter();
  const [value, word] = [el("span", { class: "share-value" }), el("span", { class: "level-word" })];
  return {
    cell: el("td", { class: "number" }, el("span", { class: "share" }, word, meter.element, value)),
    meter,
    value,
    word,
  };
}

/**
 * @param {ReturnType<typeof share>} cell
 * @param {number | undefined} percent
 */
function showShare({ meter, value, word }, percent) {
  meter.show(percent ?? null);
  setText(value, formatValue(percent, "percent"));
  setText(word, LEVEL_WORDS[levelOf(percent)]);
}
