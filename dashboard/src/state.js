// What the page knows: the fleet, and of each host that was looked at the samples of the last minutes.

import { Track } from "./chart/track.js";
import { countTrouble } from "./fleet/trouble.js";
import { ServerClock } from "./lib/clock.js";
import { HostClock } from "./lib/host_clock.js";
import { naturally, seriesKey, splitKey, splitTags } from "./lib/series_key.js";

/** What the charts show, seconds. */
export const WINDOW_SECONDS = 300;
/** What is kept: the window and enough before it that a line enters from the left. */
const KEEP_SECONDS = WINDOW_SECONDS + 60;
/** A host that pushes every ten seconds is not late before this, seconds. */
export const STALE_SECONDS = 15;
/** Hosts whose samples are kept when nobody looks at them any more. */
const MOST_HOSTS_KEPT = 16;
const TRIM_EVERY = 30;

/**
 * A host of the fleet. `mark` is what moves with its values, `arrived` when it last moved and `late` how long that
 * may take, seconds of the server's clock: a host's own may be wrong.
 * @typedef {import("./api.js").FleetHost & { mark: number, arrived: number, late: number, stale: boolean }} KnownHost
 */
/** @typedef {{ metric: string, tags: string, labels: Map<string, string>, unit: string, track: Track }} Series */

export class Fleet {
  clock = new ServerClock();
  /** @type {import("./api.js").FleetSummary | null} */
  summary = null;
  /** By name. @type {Map<string, KnownHost>} */
  hosts = new Map();
  /** Hosts in trouble. @type {import("./fleet/trouble.js").Counts} */
  counts = { offline: 0, stale: 0, high: 0 };
  /** When a value of any host last moved, seconds of the server's clock, or `-Infinity`. */
  storedAt = -Infinity;
  /** Grows whenever `names` or a status may be another. */
  version = 0;
  /** @type {string[]} */
  #names = [];

  get loaded() {
    return this.summary !== null;
  }

  /** In the order in which people read them. */
  get names() {
    return this.#names;
  }

  /**
   * @param {import("./api.js").FleetFrame} frame
   * @param {boolean} full all hosts, not only those that changed
   */
  apply(frame, full) {
    this.summary = frame.summary;
    this.clock.set(frame.summary.timestamp);
    // Where it has all hosts there are, those that it lacks are no more.
    const whole = full || (frame.hosts.length === frame.summary.total_hosts && frame.hosts.length < this.hosts.size);
    const before = whole ? new Map(this.hosts) : this.hosts;
    if (whole) this.hosts.clear();
    let changed = whole;
    for (const host of frame.hosts) {
      const known = before.get(host.hostname);
      changed ||= known === undefined || known.status !== host.status || known.platform !== host.platform;
      this.hosts.set(host.hostname, knownHost(host, known));
    }
    for (const host of this.hosts.values()) {
      host.stale = frame.summary.timestamp - host.arrived > host.late;
      this.storedAt = Math.max(this.storedAt, host.arrived);
    }
    this.counts = countTrouble(this.hosts.values());
    if (changed) this.version += 1;
    if (this.hosts.size !== this.#names.length || whole) this.#names = [...this.hosts.keys()].sort(naturally);
  }
}

/**
 * Whether its values move is seen from one frame to the next; until then a host has the benefit of the doubt.
 * @param {import("./api.js").FleetHost} host
 * @param {KnownHost | undefined} before
 * @returns {KnownHost}
 */
function knownHost(host, before) {
  const mark = host.metrics === undefined ? host.last_seen : (host.sampled_at ?? host.last_seen);
  const told = {
    ...host,
    metrics: host.metrics ?? before?.metrics,
    cpu_cores: host.cpu_cores ?? before?.cpu_cores,
    sampled_at: host.sampled_at ?? before?.sampled_at,
  };
  if (before !== undefined && mark === before.mark) return { ...before, ...told };
  const between = before === undefined ? 0 : host.last_seen - before.arrived;
  return { ...told, mark, arrived: host.last_seen, late: Math.max(STALE_SECONDS, 2 * between), stale: false };
}

export class HostData {
  /** @type {import("./api.js").StaticInfo | null} */
  info = null;
  /** By key. @type {Map<string, Series>} */
  series = new Map();
  /** Every metric that was ever heard of. @type {Set<string>} */
  metrics = new Set();
  /** Grows with each series that comes or goes. */
  shape = 0;
  /** The time of the newest sample by the host's clock, or `-Infinity`. */
  newest = -Infinity;
  /** Whether the history has been told. */
  loaded = false;
  /** What its samples tell of its clock. */
  clock = new HostClock();
  /** When the newest sample came, milliseconds of the monotonic clock. */
  #arrived = 0;
  #sinceTrim = 0;

  /** @param {string} hostname */
  constructor(hostname) {
    this.hostname = hostname;
  }

  /**
   * @param {readonly import("./api.js").HistorySeries[]} answer
   * @param {number} serverNow Unix seconds
   * @param {number} [arrived] when the newest of it came, where that is known: the host's own clock may be wrong
   */
  applyHistory(answer, serverNow, arrived) {
    let newest = this.newest;
    for (const { metric, tags, unit, resolution_seconds, points } of answer) {
      if (points.length === 0) continue;
      const series = this.#seriesOf(seriesKey(metric, tags));
      series.unit = unit;
      series.track.resolution = resolution_seconds;
      for (const [time, low, average, high] of points) series.track.add(time, average, low, high);
      newest = Math.max(newest, points[points.length - 1][0]);
    }
    this.loaded = true;
    if (newest > this.newest) this.#advance(newest, Math.max(0, serverNow - (arrived ?? newest)));
    this.#trim();
  }

  /**
   * @param {number} time
   * @param {Record<string, number>} values by key
   */
  applySample(time, values) {
    for (const [key, value] of Object.entries(values)) this.#seriesOf(key).track.add(time, value);
    if (time > this.newest) this.#advance(time, 0);
    if ((this.#sinceTrim += 1) >= TRIM_EVERY) this.#trim();
  }

  /**
   * @param {string} metric
   * @param {string} [tags]
   */
  find(metric, tags = "") {
    return this.series.get(seriesKey(metric, tags));
  }

  /**
   * All series of a metric, ordered by their tags.
   * @param {string} metric
   */
  family(metric) {
    return [...this.series.values()]
      .filter((series) => series.metric === metric)
      .sort((a, b) => naturally(a.tags, b.tags));
  }

  /**
   * The value of now: none where the series fell silent while the host speaks on.
   * @param {string} metric
   * @param {string} [tags]
   */
  current(metric, tags = "") {
    const series = this.find(metric, tags);
    return series === undefined ? null : this.currentOf(series);
  }

  /** @param {Series} series */
  currentOf({ track }) {
    return track.lastTime < this.newest - Math.max(STALE_SECONDS, 2 * track.gap) ? null : track.lastValue;
  }

  /**
   * What is told of a series where nobody points at a moment.
   * @param {Series} series
   * @param {import("./chart/plot.js").TimeWindow | null} past the window that is looked at, where it does not end now
   */
  reading(series, past) {
    return past === null ? this.currentOf(series) : series.track.lastWithin(past);
  }

  /** Seconds since the newest sample came. */
  get age() {
    return this.newest === -Infinity ? Infinity : (performance.now() - this.#arrived) / 1000;
  }

  /** Whether it was heard of, but not for a while. */
  get stale() {
    return this.loaded && this.age > STALE_SECONDS;
  }

  /** The usual distance of two samples, seconds. */
  get pace() {
    return (this.find("cpu.total_usage") ?? this.series.values().next().value)?.track.usualDistance() || 1;
  }

  /**
   * @param {number} newest
   * @param {number} age
   */
  #advance(newest, age) {
    this.newest = newest;
    this.#arrived = performance.now() - age * 1000;
  }

  /** @param {string} key */
  #seriesOf(key) {
    let series = this.series.get(key);
    if (series === undefined) {
      const { metric, tags } = splitKey(key);
      series = { metric, tags, labels: splitTags(tags), unit: "", track: new Track() };
      this.series.set(key, series);
      this.metrics.add(metric);
      this.shape += 1;
    }
    return series;
  }

  #trim() {
    this.#sinceTrim = 0;
    for (const [key, { track }] of this.series) {
      track.trim(this.newest - KEEP_SECONDS);
      if (track.length > 0) continue;
      this.series.delete(key);
      this.shape += 1;
    }
  }
}

/** The hosts that were looked at, the latest last. */
export class HostCache {
  /** @type {Map<string, HostData>} */
  #hosts = new Map();

  /** @param {string} hostname */
  get(hostname) {
    const data = this.#hosts.get(hostname) ?? new HostData(hostname);
    this.#hosts.delete(hostname);
    this.#hosts.set(hostname, data);
    if (this.#hosts.size > MOST_HOSTS_KEPT) this.#forgetOldest();
    return data;
  }

  /** @param {string} hostname */
  has(hostname) {
    return this.#hosts.has(hostname);
  }

  #forgetOldest() {
    const oldest = this.#hosts.keys().next();
    if (!oldest.done) this.#hosts.delete(oldest.value);
  }
}
