// Each core as a small column: which of many is busy is seen at a glance.

import { el, setAttribute, setChildren, setProperty, setText } from "../lib/dom.js";
import { formatValue } from "../lib/format.js";

/** Figures below the columns where so many fit. */
const MOST_WITH_FIGURES = 8;

export class Cores {
  #bars = el("div", { class: "cores", role: "img" });
  #busiest = el("span", { class: "legend-value" });
  /** @type {Map<string, { cell: HTMLElement, figure: HTMLElement }>} */
  #cells = new Map();

  constructor() {
    const legend = el("span", { class: "legend" }, el("span", { class: "legend-label" }, "busiest"), this.#busiest);
    this.element = el(
      "div",
      { class: "panel", role: "group", "aria-label": "CPU cores" },
      el("header", { class: "panel-head" }, el("h3", { class: "panel-title" }, "CPU cores"), legend),
      this.#bars,
    );
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../chart/plot.js").TimeWindow | null} past
   */
  show(data, past) {
    const cores = data
      .family("cpu.core_usage")
      .map((series) => ({ name: series.labels.get("core") ?? series.tags, value: data.reading(series, past) }));
    setAttribute(this.#bars, "data-figures", cores.length <= MOST_WITH_FIGURES);
    setChildren(
      this.#bars,
      cores.map(({ name, value }) => this.#cell(name, value)),
    );
    const busiest = cores.reduce((most, core) => ((core.value ?? -1) > (most.value ?? -1) ? core : most), cores[0]);
    setText(
      this.#busiest,
      busiest === undefined ? "" : `core ${busiest.name} ${formatValue(busiest.value, "percent")}`,
    );
    const words = cores.map(({ name, value }) => `core ${name} ${formatValue(value, "percent")}`);
    setAttribute(this.#bars, "aria-label", `CPU cores ${past === null ? "now" : "at the end"}: ${words.join(", ")}`);
  }

  /**
   * @param {string} name
   * @param {number | null} value
   */
  #cell(name, value) {
    let known = this.#cells.get(name);
    if (known === undefined) {
      const figure = el("span", { class: "core-figure" });
      const cell = el(
        "span",
        { class: "core" },
        figure,
        el("span", { class: "core-bar" }),
        el("span", { class: "core-name" }, name),
      );
      this.#cells.set(name, (known = { cell, figure }));
    }
    setProperty(known.cell, "--share", (Math.min(100, value ?? 0) / 100).toFixed(4));
    setAttribute(known.cell, "title", `core ${name}: ${formatValue(value, "percent")}`);
    setText(known.figure, value === null ? "–" : value.toFixed(0));
    return known.cell;
  }
}
