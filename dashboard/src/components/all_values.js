// Every series of a host with its value of now: what no chart shows, metrics of others included.

import { el, setChildren, setText } from "../lib/dom.js";
import { formatValue } from "../lib/format.js";
import { naturally, seriesKey } from "../lib/series_key.js";

/** @typedef {{ row: HTMLTableRowElement, value: HTMLTableCellElement, series: import("../state.js").Series }} Row */

export class AllValues {
  #count = el("span", { class: "muted" });
  #body = el("tbody");
  /** @type {Row[]} */
  #rows = [];
  #shape = -1;

  constructor() {
    const head = el("thead", {}, el("tr", {}, ...["Metric", "Of", "Value"].map((name) => el("th", { scope: "col" }, name))));
    const table = el("table", { class: "values" }, head, this.#body);
    this.element = el("details", { class: "panel all-values" }, el("summary", {}, "All values ", this.#count), el("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "All values" }, table));
    this.element.addEventListener("toggle", () => (this.#shape = -1));
  }

  /** @param {import("../state.js").HostData} data */
  show(data) {
    setText(this.#count, String(data.series.size));
    if (!this.element.open) return;
    if (data.shape !== this.#shape) this.#remake(data);
    for (const { value, series } of this.#rows) setText(value, formatValue(data.currentOf(series), series.unit));
  }

  /** @param {import("../state.js").HostData} data */
  #remake(data) {
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
  const cells = [el("td", {}, el("bdi", {}, series.metric)), el("td", { class: "muted" }, el("bdi", {}, series.tags)), value];
  return { row: el("tr", {}, ...cells), value, series };
}
