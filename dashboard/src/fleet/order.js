// In which order hosts stand, and in which groups.

import { naturally } from "../lib/series_key.js";
import { fullestOf, shownStatus, trouble } from "./trouble.js";

/** @typedef {import("./trouble.js").Known} Known */
/** @typedef {"worst" | "name" | "cpu" | "memory" | "disk" | "used" | "load" | "seen"} SortKey */
/** @typedef {{ key: SortKey, reverse: boolean }} Sort */
/** @typedef {{ name: string, hosts: Known[] }} Group `name`: empty where there are no groups */

/** @type {Record<SortKey, (host: Known) => number>} what is greater stands first */
const RANKS = {
  worst: trouble,
  name: () => 0,
  cpu: (host) => host.metrics?.["cpu.total_usage"] ?? -1,
  memory: (host) => host.metrics?.["memory.usage_percent"] ?? -1,
  disk: (host) => fullestOf(host)?.percent ?? -1,
  used: (host) => host.metrics?.["memory.used_bytes"] ?? -1,
  load: (host) => host.metrics?.["load.avg_1m"] ?? -1,
  seen: (host) => -host.last_seen,
};
/** By which hosts without a tag are found. */
export const WITHOUT = "–";

/** @param {string | undefined} text such as `cpu` or `-name` @returns {Sort} */
export function parseSort(text = "worst") {
  const reverse = text.startsWith("-");
  const key = reverse ? text.slice(1) : text;
  return Object.hasOwn(RANKS, key) ? { key: /** @type {SortKey} */ (key), reverse } : { key: "worst", reverse: false };
}

/** @param {Sort} sort */
export const formatSort = ({ key, reverse }) => (reverse ? "-" : "") + key;

/**
 * @param {readonly Known[]} hosts
 * @param {Sort} sort
 */
export function sorted(hosts, { key, reverse }) {
  const sign = reverse ? -1 : 1;
  return hosts
    .map((host) => ({ host, rank: RANKS[key](host) }))
    .sort(
      (a, b) => sign * (b.rank - a.rank) || (key === "name" ? sign : 1) * naturally(a.host.hostname, b.host.hostname),
    )
    .map(({ host }) => host);
}

/**
 * @param {readonly Known[]} hosts in their order
 * @param {string | undefined} by the key of a tag, or `status`
 * @param {Sort} sort
 * @returns {Group[]} in the order of their names, or of their worst hosts where hosts are
 */
export function grouped(hosts, by, { key, reverse }) {
  if (!by) return [{ name: "", hosts: [...hosts] }];
  /** @type {Map<string, Known[]>} */
  const groups = new Map();
  for (const host of hosts) {
    const name = by === "status" ? shownStatus(host) : Object.hasOwn(host.tags, by) ? host.tags[by] : WITHOUT;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [host]);
    else group.push(host);
  }
  const rank = (/** @type {Known[]} */ [first]) => (key === "worst" ? (reverse ? -1 : 1) * trouble(first) : 0);
  return [...groups]
    .map(([name, members]) => ({ name, hosts: members, rank: rank(members) }))
    .sort((a, b) => b.rank - a.rank || naturally(a.name, b.name));
}

/**
 * The keys of tags that hosts have, the most frequent first.
 * @param {Iterable<Known>} hosts
 */
export function tagKeys(hosts) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { tags } of hosts) for (const key of Object.keys(tags)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || naturally(a, b)).map(([key]) => key);
}
