// Stretches of history that are looked at: asked of the server a few metrics at a time, the first charts first. What
// was on screen before stays there until its successor has come, so that zooming and panning never show an empty
// page.

import { ApiError, getHistory } from "./api.js";
import { Track } from "./chart/track.js";
import { seriesKey, splitTags } from "./lib/series_key.js";
import { Signal } from "./lib/signal.js";
import { HostData } from "./state.js";
import { follows, windowOf } from "./time_range.js";

/** @typedef {import("./time_range.js").Range} Range */
/** @typedef {import("./chart/plot.js").TimeWindow} TimeWindow */
/**
 * @typedef {{ host: string, metrics: readonly string[], shift: number, behind?: number }} Want `shift`: so many seconds
 *   earlier; `behind`: what its clock is, where a window that does not follow is by another
 */

/** Points of a series: enough for a chart of a third of a screen, and its band shows what is between. */
const POINTS = 720;
/** Metrics in one question, so that the first charts need not wait for the last. */
const METRICS_AT_ONCE = 10;
/** A drag asks when it rests, milliseconds. */
const REST_MS = 150;
/** A range that moves is asked for again so often a span, but not faster or slower than this, seconds. */
const REFRESHES = 60;
const FASTEST_REFRESH = 30;
const SLOWEST_REFRESH = 600;
/** Beyond both edges, so that a line enters and leaves, as a share of the span. */
const MARGIN = 0.02;

export class Stretch {
  /** @type {"loading" | "loaded" | "failed"} */
  state = "loading";
  /** Why it failed, for a reader. */
  error = "";
  /** When it was asked for, milliseconds of the monotonic clock. */
  askedAt = 0;
  abort = new AbortController();
  /** Keys that came with the newest answer. @type {Set<string>} */
  fresh = new Set();

  /** @param {Want} want */
  constructor(want) {
    this.want = want;
    this.data = new HostData(want.host);
  }

  /** The distance of two points, seconds: the largest, 0 where nothing is known. */
  get resolution() {
    let most = 0;
    for (const { track } of this.data.series.values()) most = Math.max(most, track.resolution);
    return most;
  }
}

export class Stretches {
  /** @type {Signal<void>} */
  changed = new Signal();
  /** @type {Map<string, Stretch>} */
  #stretches = new Map();
  /** @type {Range | null} */
  #range = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;

  /**
   * @param {import("./state.js").HostCache} cache
   * @param {(host?: string) => number} now the time on a host's own clock, else the server's
   */
  constructor(cache, now) {
    this.cache = cache;
    this.now = now;
  }

  /**
   * @param {Range} range
   * @param {readonly Want[]} wants
   */
  want(range, wants) {
    const moved = JSON.stringify(range) !== JSON.stringify(this.#range);
    this.#range = range;
    const keys = new Set(wants.map(keyOf));
    for (const [key, stretch] of this.#stretches) {
      if (keys.has(key)) continue;
      stretch.abort.abort();
      this.#stretches.delete(key);
    }
    for (const want of wants) {
      const known = this.#stretches.get(keyOf(want));
      if (known === undefined) this.#open(want);
      else if (known.want.metrics.join() !== want.metrics.join() || known.want.behind !== want.behind) {
        known.want = want;
        known.askedAt = 0;
      } else if (moved) known.askedAt = 0;
    }
    if (wants.length > 0) this.#soon();
  }

  /**
   * @param {string} host
   * @param {number} [shift]
   */
  find(host, shift = 0) {
    return this.#stretches.get(keyOf({ host, shift }));
  }

  /** To be called each second: ranges that move are asked for again. */
  tick() {
    if (this.#range === null || this.#stretches.size === 0) return;
    const { from, to } = windowOf(this.#range, this.now());
    const wait = Math.min(SLOWEST_REFRESH, Math.max(FASTEST_REFRESH, (to - from) / REFRESHES)) * 1000;
    for (const stretch of this.#stretches.values())
      if ("ago" in this.#range.to && stretch.state !== "loading" && performance.now() - stretch.askedAt > wait)
        void this.#load(stretch, this.#range);
  }

  /** Asks again for what could not be had. */
  retry() {
    for (const stretch of this.#stretches.values()) if (stretch.state === "failed") stretch.askedAt = 0;
    this.#soon();
  }

  /** A live sample goes on the end of a range that follows. @param {import("./api.js").SampleFrame} frame */
  sample({ host, timestamp, metrics }) {
    if (this.#range === null || !follows(this.#range)) return;
    const stretch = this.find(host);
    if (stretch === undefined || stretch.state === "failed") return;
    for (const [key, value] of Object.entries(metrics))
      if (stretch.fresh.has(key)) stretch.data.series.get(key)?.track.add(timestamp, value);
  }

  /** @param {Want} want */
  #open(want) {
    const stretch = new Stretch(want);
    if (want.shift === 0)
      for (const [key, series] of this.cache.get(want.host).series) stretch.data.series.set(key, series);
    this.#stretches.set(keyOf(want), stretch);
  }

  #soon() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      for (const stretch of this.#stretches.values())
        if (stretch.askedAt === 0 && this.#range !== null) void this.#load(stretch, this.#range);
    }, REST_MS);
  }

  /**
   * @param {Stretch} stretch
   * @param {Range} range
   */
  async #load(stretch, range) {
    stretch.abort.abort();
    const { signal } = (stretch.abort = new AbortController());
    stretch.askedAt = performance.now();
    stretch.state = "loading";
    this.changed.emit();
    const { metrics } = stretch.want;
    try {
      const fresh = new Set();
      for (let at = 0; at < metrics.length; at += METRICS_AT_ONCE)
        for (const key of await this.#ask(stretch, range, metrics.slice(at, at + METRICS_AT_ONCE), signal))
          fresh.add(key);
      for (const key of stretch.data.series.keys()) if (!fresh.has(key)) stretch.data.series.delete(key);
      stretch.data.shape += 1;
      stretch.data.loaded = true;
      stretch.state = "loaded";
    } catch (error) {
      if (signal.aborted) return;
      stretch.state = "failed";
      // A browser's own words for a server that does not answer tell nobody anything.
      stretch.error = error instanceof ApiError ? `History: ${error.message}.` : "The history could not be fetched.";
    }
    this.changed.emit();
  }

  /**
   * @param {Stretch} stretch
   * @param {Range} range
   * @param {readonly string[]} metrics
   * @param {AbortSignal} signal
   * @returns {Promise<string[]>} the keys that came
   */
  async #ask(stretch, range, metrics, signal) {
    const { host, shift, behind = 0 } = stretch.want;
    const { from, to } = windowOf(range, follows(range) ? this.now(host) : this.now());
    const earlier = shift + behind;
    const margin = (to - from) * MARGIN;
    const ahead = shift > 0 && "ago" in range.to ? FASTEST_REFRESH * 2 : 0; // the past of what is still to come
    const question = {
      host,
      metrics,
      from: from - margin - earlier,
      to: to + margin - earlier + ahead,
      points: POINTS,
    };
    const answer = await getHistory(question, signal);
    const keys = [];
    for (const series of answer) {
      if (series.points.length === 0) continue;
      keys.push(put(stretch, series));
    }
    for (const key of keys) stretch.fresh.add(key);
    stretch.data.shape += 1;
    this.changed.emit();
    return keys;
  }
}

/**
 * @param {Stretch} stretch
 * @param {import("./api.js").HistorySeries} answer
 * @returns {string} its key
 */
function put({ data, want }, { metric, tags, unit, resolution_seconds, points }) {
  const key = seriesKey(metric, tags);
  const track = new Track();
  track.resolution = resolution_seconds;
  for (const [time, low, value, high] of points) track.add(time + want.shift, value, low, high);
  data.series.set(key, { metric, tags, labels: splitTags(tags), unit, track });
  data.newest = Math.max(data.newest, track.lastTime);
  return key;
}

/** @param {{ host: string, shift: number }} want */
function keyOf({ host, shift }) {
  return `${shift} ${host}`;
}
