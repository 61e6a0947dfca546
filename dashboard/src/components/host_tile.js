// A host as a tile of the fleet's grid.

import { Sparkline } from "../chart/sparkline.js";
import { el, setAttribute, setText } from "../lib/dom.js";
import { formatValue } from "../lib/format.js";
import { levelOf, LEVEL_WORDS } from "../lib/level.js";
import { seenText, tagsText } from "./host_row.js";
import { StatusMark } from "./status.js";

export class HostTile {
  #status = new StatusMark();
  #tags = el("bdi", { class: "row-tags" });
  #trouble = el("span", { class: "level-word" });
  #cpu = figure("CPU");
  #memory = figure("Mem");
  #trend = new Sparkline({ max: 100 });

  /**
   * @param {string} hostname
   * @param {() => void} onOpen
   */
  constructor(hostname, onOpen) {
    const open = el("button", { type: "button", class: "link-button", title: hostname }, el("bdi", {}, hostname));
    open.addEventListener("click", onOpen);
    this.element = el(
      "div",
      { class: "card tile", role: "listitem" },
      el("div", { class: "tile-head" }, open, this.#status.element),
      el("div", { class: "tile-about" }, this.#trouble, this.#tags),
      el("div", { class: "tile-figures" }, ...this.#cpu.parts, ...this.#memory.parts),
      this.#trend.element,
    );
  }

  /**
   * @param {import("../api.js").FleetHost} host
   * @param {number} now
   * @param {import("../chart/track.js").Track | null} trend
   * @param {import("../chart/plot.js").TimeWindow} window
   */
  show(host, now, trend, window) {
    const offline = host.status === "offline";
    this.#status.show(host.status);
    setAttribute(this.element, "data-stale", offline);
    setText(this.#tags, tagsText(host));
    const [cpu, memory] = [host.metrics?.["cpu.total_usage"], host.metrics?.["memory.usage_percent"]];
    setText(this.#cpu.value, formatValue(cpu, "percent"));
    setText(this.#memory.value, formatValue(memory, "percent"));
    setText(this.#trouble, offline ? seenText(host, now) : troubleOf({ CPU: cpu, Memory: memory }));
    this.#trend.show(trend, window);
  }

  end() {
    this.#trend.end();
  }
}

/** @param {string} label */
function figure(label) {
  const value = el("span", { class: "tile-value" });
  return { value, parts: [el("span", { class: "tile-label" }, label), value] };
}

/**
 * The worst in words, before the tags: a tile has no room for a word beside each figure.
 * @param {Record<string, number | undefined>} shares
 */
function troubleOf(shares) {
  const found = Object.entries(shares).filter(([, percent]) => levelOf(percent) !== "ok");
  const [worst] = found.sort(([, a], [, b]) => (b ?? 0) - (a ?? 0));
  return worst === undefined ? "" : `${worst[0]} ${LEVEL_WORDS[levelOf(worst[1])]}`;
}
