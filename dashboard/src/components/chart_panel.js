// A chart with its heading and a legend that gives the values under the cursor, or of now.

import { cursor } from "../chart/cursor.js";
import { TimeChart } from "../chart/time_chart.js";
import { el, setAttribute, setChildren, setText } from "../lib/dom.js";
import { formatValue } from "../lib/format.js";

/** The description for screen readers is renewed this often, milliseconds: it is long, and nobody hears each second. */
const DESCRIBE_EVERY_MS = 5000;

/** @typedef {import("../chart/time_chart.js").Line} Line */

export class ChartPanel {
  #legend = el("ul", { class: "legend" });
  #span = el("span", { class: "panel-span" });
  /** @type {{ line: Line, item: HTMLLIElement, value: HTMLElement }[]} */
  #entries = [];
  #described = -Infinity;
  #ending;

  /** @param {import("../chart/time_chart.js").ChartOptions & { wide?: boolean }} options */
  constructor(options) {
    this.chart = new TimeChart(options);
    const title = el("h3", { class: "panel-title" }, el("bdi", {}, options.title));
    setAttribute(this.#legend, "data-unit", options.unit);
    const span = options.wide ? [this.#span] : [];
    this.element = el(
      "div",
      { class: options.wide ? "panel panel-wide" : "panel", role: "group", "aria-label": options.title },
      el("header", { class: "panel-head" }, title, ...span, this.#legend),
      this.chart.holder,
    );
    this.#ending = cursor.moved.listen(() => this.#showValues());
  }

  /**
   * @param {readonly Line[]} lines
   * @param {import("../chart/plot.js").TimeWindow} window
   * @param {string} [span] what the window is called now
   */
  show(lines, window, span = this.chart.options.span) {
    this.chart.options.span = span;
    setText(this.#span, span);
    this.#keepEntries(lines);
    this.chart.show(lines, window);
    this.#showValues();
    if (performance.now() - this.#described < DESCRIBE_EVERY_MS) return;
    this.#described = performance.now();
    this.chart.describe();
  }

  end() {
    this.#ending();
    this.chart.end();
  }

  /** @param {readonly Line[]} lines */
  #keepEntries(lines) {
    const same =
      lines.length === this.#entries.length && lines.every((line, index) => sameLine(line, this.#entries[index].line));
    if (same) return;
    this.#entries = lines.map(entry);
    this.#described = -Infinity;
    setChildren(
      this.#legend,
      this.#entries.map(({ item }) => item),
    );
  }

  #showValues() {
    const time = cursor.time;
    for (const { line, value } of this.#entries) {
      const shown = time === null ? line.track.lastValue : line.track.valueAt(time);
      setText(value, formatValue(shown, this.chart.options.unit));
    }
  }
}

/**
 * @param {Line} a
 * @param {Line} b
 */
function sameLine(a, b) {
  return a.label === b.label && a.colour === b.colour && a.track === b.track;
}

/** @param {Line} line */
function entry(line) {
  const value = el("span", { class: "legend-value" });
  const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
  setAttribute(swatch, "data-series", line.colour + 1);
  const label = line.label === "" ? [] : [el("bdi", { class: "legend-label" }, line.label)];
  const item = el("li", { class: "legend-item" }, swatch, ...label, value);
  return { line, item, value };
}
