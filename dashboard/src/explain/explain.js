// Which series of a host moved most in a span, in the order of how unusual that was, and in words.

import { formatValue } from "../lib/format.js";
import { GROUPS, PANELS } from "../panels.js";
import { splitTags } from "../lib/series_key.js";
import { movementOf, NOTEWORTHY } from "./score.js";

/** @typedef {import("../chart/plot.js").TimeWindow} TimeWindow */
/** @typedef {import("../api.js").HistorySeries} HistorySeries */
/** @typedef {{ series: HistorySeries, movement: import("./score.js").Movement }} Finding */

/** The time before is so many times as long as the span. */
const BEFORE = 3;
const SHORTEST_BEFORE = 300;
const LONGEST_BEFORE = 86_400;
/** More would be no explanation. */
export const MOST_FINDINGS = 12;
/** Of a kind: of sixty-four cores that moved the first tell it. */
const MOST_OF_A_METRIC = 3;
/** What mirrors another, only grows, or is about the agent itself. */
const LEFT_OUT = [
  /^(memory|disk)\.(used|available|free|total)_bytes$/,
  /^(cpu\.idle|swap\.total_bytes|disk\.inodes_total|system\.uptime_seconds)$/,
  /^limit\.(cpu_cores|memory_bytes)$/,
  /^agent\./,
];

/**
 * The span with the time before it that it is measured against.
 * @param {TimeWindow} span
 * @returns {TimeWindow}
 */
export function withBefore({ from, to }) {
  return { from: from - Math.min(LONGEST_BEFORE, Math.max(SHORTEST_BEFORE, BEFORE * (to - from))), to };
}

/** @param {string} metric */
export const explains = (metric) => !LEFT_OUT.some((pattern) => pattern.test(metric));

/**
 * @param {readonly HistorySeries[]} all
 * @param {TimeWindow} span
 * @returns {Finding[]}
 */
export function findingsOf(all, span) {
  /** @type {Finding[]} */
  const found = [];
  for (const series of all) {
    const movement = movementOf(series.points, span, series.unit);
    if (movement !== null && movement.score >= NOTEWORTHY) found.push({ series, movement });
  }
  found.sort((a, b) => b.movement.score - a.movement.score);
  /** @type {Map<string, number>} */
  const counts = new Map();
  const kept = found.filter(({ series: { metric } }) => {
    const count = (counts.get(metric) ?? 0) + 1;
    counts.set(metric, count);
    return count <= MOST_OF_A_METRIC;
  });
  return kept.slice(0, MOST_FINDINGS);
}

/**
 * What a series is called on the page: the chart and the line in it.
 * @param {{ metric: string, tags: string }} series
 */
export function titleOf({ metric, tags }) {
  const of = [...splitTags(tags).values()].join(" ");
  const after = of === "" ? "" : ` (${of})`;
  for (const { group, title, lines } of PANELS) {
    const line = lines.find((one) => one.metric === metric);
    if (line === undefined) continue;
    const place = GROUPS.find(({ name }) => name === group)?.title ?? "";
    return `${place} · ${[title, line.label].filter(Boolean).join(": ")}${after}`;
  }
  return metric + after;
}

/** @param {Finding} finding */
export function wordsOf({ series: { unit }, movement: { before, during, spike } }) {
  const text = (/** @type {number} */ value) => formatValue(value, unit);
  const up = during > before;
  if (spike) return `${up ? "Peaked at" : "Fell for a moment to"} ${text(during)}; usually ${text(before)}.`;
  return `${up ? "Rose" : "Fell"} from ${text(before)} to ${text(during)}.`;
}

/** @param {number} score */
export function farWords(score) {
  if (score >= 100) return "more than 100 times its usual variation";
  return `${score < 10 ? score.toFixed(1) : score.toFixed(0)} times its usual variation`;
}
