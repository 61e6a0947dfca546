// The last minutes that charts show: up to the newest sample, and on past it where samples stay away.

import { WINDOW_SECONDS } from "../state.js";

/** Samples may be this late before the charts move on without them, seconds. */
const PATIENCE = 3;

export class WindowEdge {
  #edge = -Infinity;

  /**
   * @param {readonly Pick<import("../state.js").HostData, "newest" | "age" | "pace">[]} hosts
   * @param {boolean} frozen
   * @param {number} [seconds] the length of the window
   * @returns {import("../chart/plot.js").TimeWindow}
   */
  window(hosts, frozen, seconds = WINDOW_SECONDS) {
    const edges = hosts.map((data) => data.newest + (frozen ? 0 : Math.max(0, data.age - PATIENCE - 2 * data.pace)));
    const newest = Math.max(...edges.filter(Number.isFinite), -Infinity);
    if (!frozen || this.#edge === -Infinity) this.#edge = newest;
    const to = Number.isFinite(this.#edge) ? this.#edge : Date.now() / 1000;
    return { from: to - seconds, to };
  }
}
