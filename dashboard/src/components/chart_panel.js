// A chart with its heading and a legend that gives the values under the cursor, or of now.

import { cursor } from "../chart/cursor.js";
import { TimeChart } from "../chart/time_chart.js";
import { el, setAttribute, setChildren, setText } from "../lib/dom.js";
import { formatValue } from "../lib/format.js";
import { notLoaded } from "./not_loaded.js";

/** The description for screen readers is renewed this often, milliseconds: it is long, and nobody hears each second. */
const DESCRIBE_EVERY_MS = 5000;

/** @typedef {import("../chart/time_chart.js").Line} Line */

export class ChartPanel {
  #legend = el("ul", { class: "legend" });
  #span = el("span", { class: "panel-span" });
  #note = el("span", { class: "panel-of", title: "Those that weigh most; the others are among “All values”" });
  /** @type {{ line: Line, item: HTMLLIElement, value: HTMLElement }[]} */
  #entries = [];
  #described = -Infinity;
  #ending;
  /** @type {HTMLElement | null} */
  #table = null;
  #asTable = el("button", { type: "button", class: "menu-button" }, "View as table");

  /** @param {import("../chart/time_chart.js").ChartOptions & { wide?: boolean }} options */
  constructor(options) {
    this.chart = new TimeChart(options);
    const title = el("h3", { class: "panel-title" }, el("bdi", {}, options.title), this.#note);
    setAttribute(this.#legend, "data-unit", options.unit);
    const span = options.wide ? [this.#span] : [];
    const asFile = el("button", { type: "button", class: "menu-button" }, "Download CSV");
    const menu = el(
      "details",
      { class: "panel-menu" },
      el("summary", { "aria-label": `${options.title}: more`, title: "More" }, "⋯"),
      el("div", { class: "menu panel" }, this.#asTable, asFile),
    );
    this.#asTable.addEventListener("click", () => {
      menu.open = false;
      void this.#withTables(({ tableOf }) => this.#toggleTable(tableOf));
    });
    asFile.addEventListener("click", () => {
      menu.open = false;
      void this.#withTables(({ download }) => download(this.chart));
    });
    menu.addEventListener("focusout", (event) => {
      if (!(event.relatedTarget instanceof Node && menu.contains(event.relatedTarget))) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => event.key === "Escape" && (menu.open = false));
    this.element = el(
      "div",
      { class: options.wide ? "panel panel-wide" : "panel", role: "group", "aria-label": options.title },
      el("header", { class: "panel-head" }, title, ...span, this.#legend, menu),
      this.chart.holder,
    );
    this.#ending = cursor.moved.listen(() => this.#showValues());
  }

  /**
   * @param {readonly Line[]} lines
   * @param {import("../chart/plot.js").TimeWindow} window
   * @param {string} [span] what the window is called now
   * @param {boolean} [past] whether it ends before now
   */
  show(lines, window, span = this.chart.options.span, past = false) {
    const { options } = this.chart;
    const renamed = options.past !== past || (past && options.span !== span);
    options.span = span;
    options.past = past;
    setText(this.#span, span);
    this.#keepEntries(lines);
    this.chart.show(lines, window);
    this.#showValues();
    if (!renamed && performance.now() - this.#described < DESCRIBE_EVERY_MS) return;
    this.#described = performance.now();
    this.chart.describe();
    if (this.#table !== null) void this.#withTables(({ tableOf }) => this.#renewTable(tableOf));
  }

  /** @param {string} text how many of how many are shown; empty where all are */
  note(text) {
    setText(this.#note, text && ` · ${text}`);
  }

  end() {
    this.#ending();
    this.chart.end();
  }

  /** @param {(tables: typeof import("./chart_table.js")) => void} use */
  async #withTables(use) {
    try {
      use(await import("./chart_table.js"));
    } catch {
      this.element.append(notLoaded(() => void this.#withTables(use)));
    }
  }

  /** @param {(chart: TimeChart) => HTMLElement} tableOf */
  #toggleTable(tableOf) {
    const shown = this.#table !== null;
    this.#table?.remove();
    this.#table = shown ? null : tableOf(this.chart);
    if (this.#table !== null) this.element.append(this.#table);
    this.chart.holder.hidden = this.#table !== null;
    setText(this.#asTable, this.#table === null ? "View as table" : "View as chart");
  }

  /** @param {(chart: TimeChart) => HTMLElement} tableOf */
  #renewTable(tableOf) {
    if (this.#table === null || this.#table.contains(document.activeElement)) return; // nobody reads what moves
    const fresh = tableOf(this.chart);
    this.#table.replaceWith(fresh);
    this.#table = fresh;
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
    const { time } = cursor;
    const { window, options } = this.chart;
    for (const { line, value } of this.#entries) {
      const { track } = line;
      const last = options.past ? track.lastWithin(window) : track.lastValue;
      const shown = time === null ? last : track.valueAt(time);
      setText(value, formatValue(shown, options.unit));
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
  setAttribute(swatch, "data-dash", line.dash === true);
  const label = line.label === "" ? [] : [el("bdi", { class: "legend-label" }, line.label)];
  const item = el("li", { class: "legend-item" }, swatch, ...label, value);
  return { line, item, value };
}
