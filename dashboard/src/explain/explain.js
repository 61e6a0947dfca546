// Which series of a host moved most in a span, in the order of how unusual that was, and in words.

import { formatValue } from "../lib/format.js";
import { groupOf } from "../series_title.js";
import { MOST_SCORE, rankOf } from "./importance.js";
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
/** Of a group among those that are read: a processor that burns moves thirty series beside itself. */
const MOST_OF_A_GROUP = 2;
/** So many are read. */
const FIRST = 6;
/** What mirrors another or tells the same event once more, only grows, or is about the agent itself. */
const LEFT_OUT = [
  /^(memory|disk)\.(used|available|free|total)_bytes$/,
  /^memory\.(active|inactive|huge_pages_\w+|paged_in|paged_out|commit_limit)(_bytes)?$/,
  /^memory\.(freed|dirtied|written)_pages$/,
  /^(cpu\.idle|cpu\.core_mode|load\.avg_5m|load\.avg_15m|network\.queue_packets|network\.speed)$/,
  /^(system\.softirqs|system\.entropy_bits|system\.uptime_seconds|processes\.sleeping)$/,
  /^(swap\.(total|used)_bytes|disk\.(inodes_total|inodes_used)|sockets\.used|tcp\.allocated)$/,
  /^limit\.(cpu_cores|memory_bytes|memory_used_bytes)$/,
  /^(textfile\.mtime|clock\.max_error)_seconds$/,
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
 * @returns {Finding[]} the most telling first
 */
export function findingsOf(all, span) {
  const found = all.flatMap((series) => {
    const movement = movementOf(series.points, span, series.unit, series.metric);
    if (movement === null || movement.score < NOTEWORTHY) return [];
    return [{ series, movement, rank: rankOf(series.metric, movement) }];
  });
  found.sort(
    (a, b) => b.rank.height - a.rank.height || a.rank.place - b.rank.place || b.movement.score - a.movement.score,
  );
  const kept = atMost(found, MOST_OF_A_METRIC, ({ series }) => series.metric)[0];
  return spread(kept)
    .slice(0, MOST_FINDINGS)
    .map(({ series, movement }) => ({ series, movement }));
}

/**
 * Two of a group among the first, so that these tell of six things and not six times of one; the others after them.
 * @template {Finding} F
 * @param {readonly F[]} found
 * @returns {F[]}
 */
function spread(found) {
  const [kept, others] = atMost(found, MOST_OF_A_GROUP, ({ series }) => groupOf(series.metric));
  const first = new Set(kept.slice(0, FIRST));
  const waiting = new Set([...kept, ...others]);
  for (const one of first) waiting.delete(one);
  return [...first, ...found.filter((one) => waiting.has(one))];
}

/**
 * @template {Finding} F
 * @param {readonly F[]} found
 * @param {number} most
 * @param {(finding: F) => string} kindOf
 * @returns {[F[], F[]]} the first of each kind, and those that are too many, in their order
 */
function atMost(found, most, kindOf) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @type {[F[], F[]]} */
  const parts = [[], []];
  for (const one of found) {
    const count = (counts.get(kindOf(one)) ?? 0) + 1;
    counts.set(kindOf(one), count);
    parts[count <= most ? 0 : 1].push(one);
  }
  return parts;
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
  if (score >= MOST_SCORE) return "far beyond its usual variation";
  return `${score < 10 ? score.toFixed(1) : score.toFixed(0)} times its usual variation`;
}
