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
 * How many seconds later a host's samples stand where hosts stand beside each other: by what its clock is behind.
 * @param {Pick<import("../main.js").App, "cache">} app
 * @param {string} hostname
 */
export const lateBy = ({ cache }, hostname) => cache.get(hostname).clock.behind;

/**
 * One host's window is by its own clock; that of several by the server's, and each stands in it by `lateBy`.
 * @param {import("../main.js").App} app
 * @param {readonly string[]} hostnames
 * @param {import("./window_edge.js").WindowEdge} edge
 * @param {boolean} frozen
 * @returns {TimeWindow}
 */
export function windowFor(app, hostnames, edge, frozen) {
  const { cache, fleet, shown } = app;
  const seconds = followedSeconds(shown.range);
  if (seconds === null) return windowOf(shown.range, fleet.clock.now());
  const later = (/** @type {string} */ name) => (shown.view === "compare" ? lateBy(app, name) : 0);
  const ends = hostnames.map((name) => {
    const { newest, age, pace } = cache.get(name);
    return { newest: newest + later(name), age, pace };
  });
  return edge.window(ends, frozen, seconds);
}
