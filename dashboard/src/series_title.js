// What a series is called on the page: the chart and the line in it.

import { splitTags } from "./lib/series_key.js";
import { GROUPS, panelOf, PANELS } from "./panels.js";

/**
 * Those of the cards, which no chart of a group has.
 * @type {Record<string, [import("./panels.js").GroupName, string]>}
 */
const TOTALS = {
  "cpu.total_usage": ["cpu", "All cores"],
  "memory.usage_percent": ["memory", "In use"],
  "swap.usage_percent": ["memory", "Swap in use"],
};

/** @param {string} metric */
const panelWith = (metric) => PANELS.find(({ lines }) => lines.some((line) => line.metric === metric));

/**
 * The group of charts in which a metric has its place.
 * @param {string} metric
 */
export function groupOf(metric) {
  if (Object.hasOwn(TOTALS, metric)) return TOTALS[metric][0];
  return panelWith(metric)?.group ?? panelOf(metric, "")?.group ?? metric.split(".", 1)[0];
}

/**
 * How a chart of it is scaled, as far as the page knows.
 * @param {string} metric
 * @returns {{ unit?: string, max?: number, floor?: number }}
 */
export function specOf(metric) {
  if (Object.hasOwn(TOTALS, metric)) return { unit: "percent", max: 100 };
  const { unit, max, floor } = panelWith(metric) ?? {};
  return { unit, max, floor };
}

/** @param {{ metric: string, tags: string }} series */
export function titleOf({ metric, tags }) {
  const of = [...splitTags(tags).values()].join(" ");
  const after = of === "" ? "" : ` (${of})`;
  const place = (/** @type {string} */ group) => GROUPS.find(({ name }) => name === group)?.title ?? "";
  if (Object.hasOwn(TOTALS, metric)) {
    const [group, title] = TOTALS[metric];
    return `${place(group)} · ${title}${after}`;
  }
  const found = panelWith(metric);
  const label = found?.lines.find((line) => line.metric === metric)?.label;
  return found === undefined
    ? metric + after
    : `${place(found.group)} · ${[found.title, label].filter(Boolean).join(": ")}${after}`;
}
