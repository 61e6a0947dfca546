// Which programs took more in a span than in the time before it, in words.

import { formatBytes, formatValue } from "../lib/format.js";

/** @typedef {import("../api.js").ProgramTotal} ProgramTotal */
/** @typedef {{ name: string, words: string, score: number }} Culprit `score`: in multiples of what is worth telling */

/** What is worth telling: of all cores, percent; of memory, bytes; of disks, bytes a second. */
const LEAST_CPU = 2;
const LEAST_MEMORY = 128 * 1024 * 1024;
const LEAST_DISK = 1024 * 1024;
/** More would be no explanation. */
const MOST = 6;

/** @type {{ least: number, of: (total: ProgramTotal) => number, tell: (value: number) => string, what: string }[]} */
const RESOURCES = [
  {
    least: LEAST_CPU,
    of: ({ cpu_percent }) => cpu_percent?.mean ?? 0,
    tell: (value) => formatValue(value, "percent"),
    what: "of all cores",
  },
  { least: LEAST_MEMORY, of: ({ memory_bytes }) => memory_bytes.mean, tell: formatBytes, what: "of memory" },
  {
    least: LEAST_DISK,
    of: ({ read_bytes, write_bytes }) => (read_bytes?.mean ?? 0) + (write_bytes?.mean ?? 0),
    tell: (value) => formatValue(value, "bytes/s"),
    what: "to and from disks",
  },
];

/**
 * @param {readonly ProgramTotal[]} during
 * @param {readonly ProgramTotal[]} before
 * @returns {Culprit[]} those that took more, the farthest first
 */
export function culpritsOf(during, before) {
  const earlier = new Map(before.map((total) => [total.name, total]));
  const found = during.flatMap((total) => {
    const past = earlier.get(total.name);
    const more = RESOURCES.map(({ least, of, tell, what }) => {
      const [now, then] = [of(total), past === undefined ? 0 : of(past)];
      const usual = past === undefined ? "none before" : `${tell(then)} before`;
      return { score: (now - then) / least, words: `${tell(now)} ${what} (${usual})` };
    }).filter(({ score }) => score >= 1);
    if (more.length === 0) return [];
    const count = total.processes === 1 ? "" : `, ${total.processes} processes`;
    const words = `took ${more.map((one) => one.words).join(" and ")}${count}.`;
    return [{ name: total.name, words, score: Math.max(...more.map(({ score }) => score)) }];
  });
  return found.sort((a, b) => b.score - a.score).slice(0, MOST);
}
