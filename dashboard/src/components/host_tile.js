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
      this.#tags,
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
    this.#status.show(host.status, offline ? `offline, ${seenText(host, now)}` : undefined);
    setAttribute(this.element, "data-stale", offline);
    setText(this.#tags, tagsText(host));
    const [cpu, memory] = [host.metrics?.["cpu.total_usage"], host.metrics?.["memory.usage_percent"]];
    show(this.#cpu, cpu);
    show(this.#memory, memory);
    this.#trend.show(trend, window);
  }

  end() {
    this.#trend.end();
  }
}

/** @param {string} label */
function figure(label) {
  const value = el("span", { class: "tile-value" });
  const word = el("span", { class: "level-word" });
  return { value, word, parts: [el("span", { class: "tile-label" }, label), value, word] };
}

/**
 * @param {ReturnType<typeof figure>} figure
 * @param {number | undefined} percent
 */
function show({ value, word }, percent) {
  setText(value, formatValue(percent, "percent"));
  setText(word, LEVEL_WORDS[levelOf(percent)]);
}
