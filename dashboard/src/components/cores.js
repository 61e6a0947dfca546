// Each core as a small column of its modes: which of many is busy, and with what, is seen at a glance. One that is
// chosen gets a chart of its own.

import { el, setAttribute, setChildren, setProperty, setText } from "../lib/dom.js";
import { formatValue } from "../lib/format.js";
import { coreModes } from "../views/core_modes.js";

/** Figures below the columns where so many fit. */
const MOST_WITH_FIGURES = 16;
/** So many need no half of a page. */
const FEW = 4;

/** @typedef {{ label: string, colour: number, value: number | null }} Share of a core's time */
/** @typedef {{ name: string, value: number | null, parts: Share[] }} Core */

export class Cores {
  #bars = el("div", { class: "cores", role: "img" });
  #busiest = el("span", { class: "legend-value" });
  #choice = el("select", { class: "core-choice", "aria-label": "The core whose modes are drawn" });
  /** @type {Map<string, { cell: HTMLElement, figure: HTMLElement }>} */
  #cells = new Map();
  #names = "";

  /** @param {(core: string) => void} onChoose empty: none */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.#choice.addEventListener("change", () => onChoose(this.#choice.value));
    const busiest = el("span", { class: "legend" }, el("span", { class: "legend-label" }, "busiest"), this.#busiest);
    this.element = el(
      "div",
      { class: "panel", role: "group", "aria-label": "CPU cores" },
      el("header", { class: "panel-head" }, el("h3", { class: "panel-title" }, "CPU cores"), busiest, this.#choice),
      this.#bars,
    );
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../chart/plot.js").TimeWindow | null} past
   * @param {string} chosen
   */
  show(data, past, chosen) {
    const modes = coreModes(data);
    const cores = data.family("cpu.core_usage").map((series) => {
      const name = series.labels.get("core") ?? series.tags;
      const parts = (modes.get(name) ?? []).map(({ label, colour, series: mode }) => ({
        label,
        colour,
        value: data.reading(mode, past),
      }));
      return { name, value: data.reading(series, past), parts };
    });
    setAttribute(this.element, "data-few", cores.length <= FEW);
    setAttribute(this.#bars, "data-figures", cores.length <= MOST_WITH_FIGURES);
    setChildren(
      this.#bars,
      cores.map((core) => this.#cell(core, modes.has(core.name), core.name === chosen)),
    );
    const busiest = cores.reduce((most, core) => ((core.value ?? -1) > (most.value ?? -1) ? core : most), cores[0]);
    setText(
      this.#busiest,
      busiest === undefined ? "" : `core ${busiest.name} ${formatValue(busiest.value, "percent")}`,
    );
    const words = cores.map(({ name, value }) => `core ${name} ${formatValue(value, "percent")}`);
    setAttribute(this.#bars, "aria-label", `CPU cores ${past === null ? "now" : "at the end"}: ${words.join(", ")}`);
    this.#showChoice([...modes.keys()], chosen);
  }

  /**
   * @param {readonly string[]} names of those whose modes are known
   * @param {string} chosen
   */
  #showChoice(names, chosen) {
    this.#choice.hidden = names.length === 0;
    if (names.join() !== this.#names) {
      this.#names = names.join();
      const options = names.map((name) => el("option", { value: name }, `core ${name}`));
      this.#choice.replaceChildren(el("option", { value: "" }, "modes of…"), ...options);
    }
    const value = names.includes(chosen) ? chosen : "";
    if (this.#choice.value !== value) this.#choice.value = value;
  }

  /**
   * @param {Core} core
   * @param {boolean} choosable
   * @param {boolean} chosen
   */
  #cell({ name, value, parts }, choosable, chosen) {
    const { cell, figure } = this.#known(name);
    setProperty(cell, "--stack", stackOf(value, parts));
    const busy = parts
      .filter((part) => (part.value ?? 0) >= 0.5)
      .map((part) => `, ${part.label} ${percent(part.value)}`);
    setAttribute(cell, "title", `core ${name}: ${percent(value)}${busy.join("")}`);
    setAttribute(cell, "data-choosable", choosable);
    setAttribute(cell, "data-chosen", chosen);
    setText(figure, value === null ? "–" : value.toFixed(0));
    return cell;
  }

  /** @param {string} name */
  #known(name) {
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
      // The keyboard's way is the list beside it: hundreds of cores are no tab stops.
      cell.addEventListener("click", () => {
        if (cell.hasAttribute("data-choosable")) this.onChoose(cell.hasAttribute("data-chosen") ? "" : name);
      });
      this.#cells.set(name, (known = { cell, figure }));
    }
    return known;
  }
}

/** @param {number | null} value */
const percent = (value) => formatValue(value, "percent");

/**
 * The column as a picture that CSS draws: a mode upon the other, in the colours of the charts.
 * @param {number | null} value
 * @param {readonly { colour: number, value: number | null }[]} parts none where only the whole is known
 */
function stackOf(value, parts) {
  let top = 0;
  const known = parts.some((part) => part.value !== null) ? parts : [{ colour: 0, value }];
  const stops = known.map(({ colour, value: share }) => {
    const from = top;
    top = Math.min(100, top + (share ?? 0));
    return `var(--series-${colour + 1}) ${from.toFixed(1)}% ${top.toFixed(1)}%`;
  });
  return `linear-gradient(to top, ${stops.join(", ")}, transparent 0)`;
}
