// Every series of a host with its value: what no chart shows, metrics of others included.

import { el, setChildren, setText } from "../lib/dom.js";
import { formatValue } from "../lib/format.js";
import { naturally, seriesKey } from "../lib/series_key.js";
import { loadStyle } from "../lib/style.js";

await loadStyle("css/tables.css");

/** @typedef {{ row: HTMLTableRowElement, value: HTMLTableCellElement, series: import("../state.js").Series }} Row */

export class AllValues {
  #body = el("tbody");
  #when = el("th", { scope: "col" });
  /** @type {Row[]} */
  #rows = [];
  /** @type {import("../state.js").HostData | null} */
  #data = null;
  #shape = -1;

  constructor() {
    const names = ["Metric", "Of"].map((name) => el("th", { scope: "col" }, name));
    const table = el("table", { class: "values" }, el("thead", {}, el("tr", {}, ...names, this.#when)), this.#body);
    this.element = el("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "All values" }, table);
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../chart/plot.js").TimeWindow | null} past
   * @param {string} when of when the values are
   */
  show(data, past, when) {
    setText(this.#when, when);
    if (data !== this.#data || data.shape !== this.#shape) this.#remake(data);
    for (const { value, series } of this.#rows) setText(value, formatValue(data.reading(series, past), series.unit));
  }

  /** @param {import("../state.js").HostData} data */
  #remake(data) {
    this.#data = data;
    this.#shape = data.shape;
    const key = (/** @type {import("../state.js").Series} */ { metric, tags }) => seriesKey(metric, tags);
    const series = [...data.series.values()].sort((a, b) => naturally(key(a), key(b)));
    this.#rows = series.map(rowOf);
    setChildren(
      this.#body,
      this.#rows.map(({ row }) => row),
    );
  }
}

/** @param {import("../state.js").Series} series @returns {Row} */
function rowOf(series) {
  const value = el("td", { class: "number" });
  const cells = [
    el("td", {}, el("bdi", {}, series.metric)),
    el("td", { class: "muted" }, el("bdi", {}, series.tags)),
    value,
  ];
  return { row: el("tr", {}, ...cells), value, series };
}
