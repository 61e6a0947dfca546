// What of hosts is compared, and with which past of their own. Data only: the view makes the charts.

import { LOAD } from "./lib/format.js";
import { splitKey } from "./lib/series_key.js";

/**
 * @typedef {{ metric: string, title: string, unit: string, tags?: string, max?: number, floor?: number }} Chart
 * @typedef {import("./router.js").Words} Words
 */

/** @type {Chart[]} */
export const COMPARED = [
  { metric: "cpu.total_usage", title: "CPU", unit: "percent", max: 100 },
  { metric: "memory.usage_percent", title: "Memory", unit: "percent", max: 100 },
  { metric: "load.avg_1m", title: "Load average", unit: LOAD, floor: 1 },
  { metric: "memory.used_bytes", title: "Memory used", unit: "bytes" },
  { metric: "pressure.cpu_some", title: "Pressure: waiting for CPU", unit: "percent", floor: 2 },
  { metric: "pressure.io_some", title: "Pressure: waiting for I/O", unit: "percent", floor: 2 },
];
/**
 * How long ago a host's own past is, by the word in the address, seconds.
 * @type {Record<string, { seconds: number, label: string }>}
 */
export const PASTS = {
  "1h": { seconds: 3600, label: "an hour before" },
  "1d": { seconds: 86_400, label: "the day before" },
  "7d": { seconds: 604_800, label: "the week before" },
};

/** What is asked of the server for it: the six, or what was chosen instead of them. @param {Words} words */
export const comparedMetrics = ({ metric }) =>
  metric ? [splitKey(metric).metric] : COMPARED.map((chart) => chart.metric);

/** @param {Words} words */
export const pastSeconds = ({ past }) => (past && Object.hasOwn(PASTS, past) ? PASTS[past].seconds : 0);
