// What the WebSocket tells, asked for over HTTP: for where a WebSocket cannot be had.

import { ApiError, getHistory, getHosts, getLatest, getStatic, getSummary } from "./api.js";
import { seriesKey } from "./lib/series_key.js";
import { CHARTED } from "./panels.js";
import { WINDOW_SECONDS } from "./state.js";

/** @typedef {import("./api.js").LiveFrame} LiveFrame */

/** Figures of more hosts would be more requests than a poll is worth. */
const MOST_FIGURES = 16;

/**
 * @param {AbortSignal} signal
 * @returns {Promise<LiveFrame[]>}
 */
export async function pollFleet(signal) {
  const [summary, { hosts }] = await Promise.all([getSummary(signal), getHosts(signal)]);
  const figures = await Promise.all(hosts.slice(0, MOST_FIGURES).map((host) => figuresOf(host.hostname, signal)));
  return [{ type: "fleet", summary, hosts: hosts.map((host, index) => ({ ...host, ...figures[index] })) }];
}

/**
 * @param {string} host
 * @param {AbortSignal} signal
 */
async function figuresOf(host, signal) {
  return figuresIn((await getLatest(host, signal)).metrics);
}

/**
 * What the fleet's frame would tell of a host: what is of it as a whole, and its disks.
 * @param {readonly import("./api.js").Sample[]} samples
 */
export function figuresIn(samples) {
  const readOnly = samples.filter(({ metric_type, value }) => metric_type === "disk.read_only" && value > 0);
  const found = samples.filter(
    ({ metric_type, tags }) =>
      tags === "" || (metric_type === "disk.usage_percent" && !readOnly.some((one) => one.tags === tags)),
  );
  return {
    metrics: Object.fromEntries(found.map(({ metric_type, tags, value }) => [seriesKey(metric_type, tags), value])),
    sampled_at: found.length === 0 ? undefined : Math.max(...found.map(({ timestamp }) => timestamp)),
  };
}

/**
 * @param {readonly import("./state.js").HostData[]} hosts
 * @param {number} serverNow
 * @param {AbortSignal} signal
 * @returns {Promise<LiveFrame[]>}
 */
export async function pollHosts(hosts, serverNow, signal) {
  const frames = await Promise.all(hosts.map((host) => pollHost(host, serverNow, signal)));
  return frames.flat();
}

/**
 * @param {import("./state.js").HostData} data
 * @param {number} serverNow
 * @param {AbortSignal} signal
 * @returns {Promise<LiveFrame[]>}
 */
async function pollHost(data, serverNow, signal) {
  const host = data.hostname;
  const [latest, info] = await Promise.all([
    getLatest(host, signal),
    data.info === null ? staticOrNone(host, signal) : null,
  ]);
  const newest = Math.max(...latest.metrics.map(({ timestamp }) => timestamp), -Infinity);
  const to = Number.isFinite(newest) ? newest : serverNow; // by the host's clock, which may be wrong
  const from = Math.max(data.newest, to - WINDOW_SECONDS);
  const series = from < to ? await getHistory({ host, metrics: CHARTED, from, to }, signal) : [];
  /** @type {LiveFrame[]} */
  const frames = [{ type: "history", host, series }, ...samplesOf(host, latest.metrics)];
  return info === null ? frames : [{ type: "static", hosts: [info] }, ...frames];
}

/**
 * A host that never sent its static data is no error.
 * @param {string} host
 * @param {AbortSignal} signal
 */
async function staticOrNone(host, signal) {
  try {
    return await getStatic(host, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/**
 * The latest values as the frames that would have brought them, one for each moment, oldest first.
 * @param {string} host
 * @param {readonly import("./api.js").Sample[]} samples
 * @returns {import("./api.js").SampleFrame[]}
 */
export function samplesOf(host, samples) {
  /** @type {Map<number, Record<string, number>>} */
  const moments = new Map();
  for (const { timestamp, metric_type, tags, value } of samples) {
    const moment = moments.get(timestamp) ?? {};
    moment[seriesKey(metric_type, tags)] = value;
    moments.set(timestamp, moment);
  }
  const ascending = [...moments].sort(([a], [b]) => a - b);
  return ascending.map(([timestamp, metrics]) => ({ type: "sample", host, timestamp, metrics }));
}
