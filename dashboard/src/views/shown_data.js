// What a chart shows of a host: its live samples, or the stretch of history that was asked for.

import { followedSeconds, isLive, windowOf } from "../time_range.js";

/** @typedef {import("../state.js").HostData} HostData */
/** @typedef {import("../chart/plot.js").TimeWindow} TimeWindow */

/**
 * @param {import("../main.js").App} app
 * @param {string} hostname
 * @returns {HostData}
 */
export function dataOf({ cache, ranges, shown }, hostname) {
  const live = cache.get(hostname);
  return isLive(shown.range) ? live : (ranges.find(hostname)?.data ?? live);
}

/**
 * @param {import("../main.js").App} app
 * @param {readonly string[]} hostnames
 * @param {import("./window_edge.js").WindowEdge} edge
 * @param {boolean} frozen
 * @returns {TimeWindow}
 */
export function windowFor({ cache, fleet, shown }, hostnames, edge, frozen) {
  const seconds = followedSeconds(shown.range);
  if (seconds === null) return windowOf(shown.range, fleet.clock.now());
  return edge.window(
    hostnames.map((name) => cache.get(name)),
    frozen,
    seconds,
  );
}
