// The last minutes of each host's processors: what the fleet's frames brought, and before that what the server has,
// asked for those hosts that are on screen.

import { getTrends } from "../api.js";
import { Track } from "../chart/track.js";

export const TREND_SECONDS = 600;
/** Hosts in one question, as the server takes them. */
const HOSTS_AT_ONCE = 32;
const POINTS = 60;
/** A trend of ten minutes has no gap where a push came late, seconds. */
const JOINED = 30;
const METRIC = "cpu.total_usage";

export class Trends {
  /** @type {Map<string, Track>} */
  #tracks = new Map();
  /** @type {Set<string>} */
  #asked = new Set();
  #asking = false;

  /** @param {() => void} onCame */
  constructor(onCame) {
    this.onCame = onCame;
  }

  /** @param {import("../api.js").FleetHost} host */
  take(host) {
    const value = host.metrics?.[METRIC];
    if (host.status !== "online" || value === undefined) return;
    const track = this.of(host.hostname);
    const at = host.sampled_at ?? host.last_seen; // a host that is heard of may have nothing new to say
    if (at > track.lastTime) track.add(at, value);
    track.trim(host.last_seen - TREND_SECONDS);
  }

  /** @param {string} hostname */
  of(hostname) {
    let track = this.#tracks.get(hostname);
    if (track === undefined) this.#tracks.set(hostname, (track = new Track()));
    track.resolution = Math.max(track.resolution, JOINED);
    return track;
  }

  /**
   * Asks for the past of those that it was not asked for yet, a few at a time.
   * @param {readonly string[]} hostnames on screen
   * @param {number} now
   */
  async want(hostnames, now) {
    const missing = hostnames.filter((name) => !this.#asked.has(name)).slice(0, HOSTS_AT_ONCE);
    if (this.#asking || missing.length === 0) return;
    this.#asking = true;
    for (const name of missing) this.#asked.add(name);
    const question = { hosts: missing, metric: METRIC, from: now - TREND_SECONDS, points: POINTS };
    // A trend that could not be had begins with what comes from now on.
    for (const { host, resolution_seconds, points } of await getTrends(question).catch(() => [])) {
      const track = this.of(host);
      track.resolution = Math.max(track.resolution, resolution_seconds);
      for (const [time, , average] of points) track.add(time, average);
    }
    this.#asking = false;
    this.onCame();
  }
}
