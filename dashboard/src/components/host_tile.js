// A host as a tile of the fleet's grid.

import { Sparkline } from "../chart/sparkline.js";
import { shownStatus, troublesOf } from "../fleet/trouble.js";
import { el, setAttribute, setText } from "../lib/dom.js";
import { formatValue } from "../lib/format.js";
import { showLevel } from "../lib/level.js";
import { seenText, tagsText } from "./host_row.js";
import { StatusMark } from "./status.js";

export class HostTile {
  #status = new StatusMark();
  #tags = el("bdi", { class: "row-tags" });
  /** The worst in words, before the tags: a tile has no room for a word beside each figure. */
  #trouble = el("span", { class: "level-word" });
  #age = el("span", { class: "tile-age" });
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
      el("div", { class: "tile-about" }, this.#age, this.#trouble, this.#tags),
      el("div", { class: "tile-figures" }, ...this.#cpu.parts, ...this.#memory.parts),
      this.#trend.element,
    );
  }

  /**
   * @param {import("../state.js").KnownHost} host
   * @param {number} now
   * @param {import("../chart/track.js").Track | null} trend
   * @param {import("../chart/plot.js").TimeWindow} window
   */
  show(host, now, trend, window) {
    const status = shownStatus(host);
    this.#status.show(status);
    setAttribute(this.element, "data-stale", status !== "online");
    setText(this.#tags, tagsText(host));
    const [cpu, memory] = [host.metrics?.["cpu.total_usage"], host.metrics?.["memory.usage_percent"]];
    setText(this.#cpu.value, formatValue(cpu, "percent"));
    setText(this.#memory.value, formatValue(memory, "percent"));
    const [worst] = troublesOf(host);
    showLevel(this.#trouble, worst?.level ?? "ok", worst?.label);
    setText(this.#age, status === "online" ? "" : seenText(host, now));
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
