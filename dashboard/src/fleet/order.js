// In which order hosts stand, and in which groups.

import { levelOf } from "../lib/level.js";
import { naturally } from "../lib/series_key.js";

/** @typedef {import("../api.js").FleetHost} FleetHost */
/** @typedef {"worst" | "name" | "cpu" | "memory" | "used" | "load" | "seen"} SortKey */
/** @typedef {{ key: SortKey, reverse: boolean }} Sort */
/** @typedef {{ name: string, hosts: FleetHost[] }} Group `name`: empty where there are no groups */

/** @type {Record<SortKey, (host: FleetHost) => number>} what is greater stands first */
const RANKS = {
  worst: trouble,
  name: () => 0,
  cpu: (host) => host.metrics?.["cpu.total_usage"] ?? -1,
  memory: (host) => host.metrics?.["memory.usage_percent"] ?? -1,
  used: (host) => host.metrics?.["memory.used_bytes"] ?? -1,
  load: (host) => host.metrics?.["load.avg_1m"] ?? -1,
  seen: (host) => -host.last_seen,
};
const LEVELS = { ok: 0, warn: 1, bad: 2 };
const OFFLINE = 10_000;

/** By which hosts without a tag are found. */
export const WITHOUT = "–";

/**
 * How badly somebody has to look: hosts that are down before those that are full, and all that are well alike, so that
 * they keep their places.
 * @param {FleetHost} host
 */
export function trouble(host) {
  if (host.status === "offline") return OFFLINE;
  const most = Math.max(host.metrics?.["cpu.total_usage"] ?? 0, host.metrics?.["memory.usage_percent"] ?? 0);
  const level = LEVELS[levelOf(most)];
  return level === 0 ? 0 : 1000 * level + most;
}

/** @param {string | undefined} text such as `cpu` or `-name` @returns {Sort} */
export function parseSort(text = "worst") {
  const reverse = text.startsWith("-");
  const key = reverse ? text.slice(1) : text;
  return Object.hasOwn(RANKS, key) ? { key: /** @type {SortKey} */ (key), reverse } : { key: "worst", reverse: false };
}

/** @param {Sort} sort */
export const formatSort = ({ key, reverse }) => (reverse ? "-" : "") + key;

/**
 * @param {readonly FleetHost[]} hosts
 * @param {Sort} sort
 */
export function sorted(hosts, { key, reverse }) {
  const rank = RANKS[key];
  const sign = reverse ? -1 : 1;
  return [...hosts].sort(
    (a, b) => sign * (rank(b) - rank(a)) || (key === "name" ? sign : 1) * naturally(a.hostname, b.hostname),
  );
}

/**
 * @param {readonly FleetHost[]} hosts in their order
 * @param {string | undefined} by the key of a tag, or `status`
 * @returns {Group[]} in the order of their names
 */
export function grouped(hosts, by) {
  if (!by) return [{ name: "", hosts: [...hosts] }];
  /** @type {Map<string, FleetHost[]>} */
  const groups = new Map();
  for (const host of hosts) {
    const name = by === "status" ? host.status : Object.hasOwn(host.tags, by) ? host.tags[by] : WITHOUT;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [host]);
    else group.push(host);
  }
  return [...groups].map(([name, members]) => ({ name, hosts: members })).sort((a, b) => naturally(a.name, b.name));
}

/**
 * The keys of tags that hosts have, the most frequent first.
 * @param {Iterable<FleetHost>} hosts
 */
export function tagKeys(hosts) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { tags } of hosts) for (const key of Object.keys(tags)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || naturally(a, b)).map(([key]) => key);
}
