// A chart's figures as a table, and as a file.

import { csvOf, rowsOf } from "../lib/csv.js";
import { el } from "../lib/dom.js";
import { formatValue, formatWithin } from "../lib/format.js";
import { loadStyle } from "../lib/style.js";

await loadStyle("css/tables.css");

/** @typedef {import("../chart/time_chart.js").TimeChart} TimeChart */

/** The newest so many: all of them are in the file. */
const MOST_ROWS = 300;

/** @param {TimeChart} chart */
export function tableOf({ lines, window, options }) {
  const rows = rowsOf(lines, window).slice(-MOST_ROWS).reverse();
  const span = window.to - window.from;
  const head = el(
    "tr",
    {},
    ...["Time", ...lines.map((line) => line.label || options.title)].map((name) =>
      el("th", { scope: "col" }, el("bdi", {}, name)),
    ),
  );
  const body = rows.map(({ time, cells }) => {
    const values = lines.map(({ track }, column) => {
      const at = cells[column];
      const { values, lows, highs } = track.points();
      const range =
        track.banded && at >= 0
          ? ` (${formatValue(lows[at], options.unit)} – ${formatValue(highs[at], options.unit)})`
          : "";
      return el("td", { class: "number" }, formatValue(at < 0 ? null : values[at], options.unit) + range);
    });
    return el("tr", {}, el("th", { scope: "row" }, formatWithin(time, span)), ...values);
  });
  const label = `${options.title} as a table`;
  return el(
    "div",
    { class: "table-scroll chart-table", tabindex: 0, role: "region", "aria-label": label },
    el("table", { class: "values", "aria-label": label }, el("thead", {}, head), el("tbody", {}, ...body)),
  );
}

/** @param {TimeChart} chart */
export function download({ lines, window, options }) {
  const named = lines.map(({ label, track }) => ({ label: label || options.title, track }));
  const url = URL.createObjectURL(new Blob([csvOf(named, window)], { type: "text/csv" }));
  const name = options.title.replaceAll(/[^\p{L}\p{N}.-]+/gu, "-").slice(0, 80);
  el("a", { href: url, download: `${name}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
