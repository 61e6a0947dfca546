// What is wrong with a host, as far as the fleet's frames tell.

import { levelOf, levelOfLoad } from "../lib/level.js";
import { splitKey, splitTags } from "../lib/series_key.js";

/** @typedef {import("../lib/level.js").Level} Level */
/** A host, and whether its values no longer move. @typedef {import("../api.js").FleetHost & { stale?: boolean }} Known */
/** `weight`: among those of a level, percent. @typedef {{ label: string, level: Level, weight: number }} Trouble */

const DISK = "disk.usage_percent{";
const LEVELS = { ok: 0, warn: 1, bad: 2 };
const OFFLINE = 10_000;
const STALE = 5000;

/**
 * @param {Known} host
 * @returns {"online" | "stale" | "offline"}
 */
export function shownStatus({ status, stale }) {
  return status === "online" && stale ? "stale" : status;
}

/**
 * How full the fullest file system is.
 * @param {Known} host
 * @returns {{ series: string, percent: number } | undefined}
 */
export function fullestOf({ metrics = {} }) {
  /** @type {{ series: string, percent: number } | undefined} */
  let fullest;
  for (const [series, percent] of Object.entries(metrics))
    if (series.startsWith(DISK) && percent > (fullest?.percent ?? -1)) fullest = { series, percent };
  return fullest;
}

/** @param {string} series */
export function mountOf(series) {
  return splitTags(splitKey(series).tags).get("mount") ?? "";
}

/** @param {Known} host */
export function loadPerCore({ metrics, cpu_cores }) {
  const load = metrics?.["load.avg_1m"];
  return load === undefined || !cpu_cores ? undefined : load / cpu_cores;
}

/**
 * What is high, the worst first.
 * @param {Known} host
 * @returns {Trouble[]}
 */
export function troublesOf(host) {
  const perCore = loadPerCore(host) ?? 0;
  const share = (/** @type {string} */ label, percent = 0) => ({ label, level: levelOf(percent), weight: percent });
  return [
    share("CPU", host.metrics?.["cpu.total_usage"]),
    share("Memory", host.metrics?.["memory.usage_percent"]),
    share("Disk", fullestOf(host)?.percent),
    { label: "Load", level: levelOfLoad(perCore), weight: Math.min(100, perCore * 10) },
  ]
    .filter(({ level }) => level !== "ok")
    .sort((a, b) => LEVELS[b.level] - LEVELS[a.level] || b.weight - a.weight);
}

/**
 * How badly somebody has to look: hosts that are down before those that fell silent, these before those that are full,
 * and all that are well alike, so that they keep their places.
 * @param {Known} host
 */
export function trouble(host) {
  const status = shownStatus(host);
  if (status === "offline") return OFFLINE;
  const [worst] = troublesOf(host);
  return (status === "stale" ? STALE : 0) + (worst === undefined ? 0 : 1000 * LEVELS[worst.level] + worst.weight);
}

/** @typedef {{ offline: number, stale: number, high: number }} Counts */

/**
 * How many hosts are in which trouble, each counted once, by the worst of it.
 * @param {Iterable<Known>} hosts
 * @returns {Counts}
 */
export function countTrouble(hosts) {
  const counts = { offline: 0, stale: 0, high: 0 };
  for (const host of hosts) {
    const status = shownStatus(host);
    if (status !== "online") counts[status] += 1;
    else if (troublesOf(host).length > 0) counts.high += 1;
  }
  return counts;
}

/** Which search finds them. @type {Record<keyof Counts, string>} */
export const SEARCHES = { offline: "status:offline", stale: "status:stale", high: "status:online level:high" };
