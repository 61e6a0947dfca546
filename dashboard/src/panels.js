// Which charts a host's page has, in the order in which they are read. Data only: the host view makes them.

import { LOAD } from "./lib/format.js";

/**
 * @typedef {object} LineSpec
 * @property {string} metric
 * @property {string} label
 * @property {number} [colour] from 0; its place in the list where not given
 *
 * @typedef {object} PanelSpec
 * @property {string} id
 * @property {string} title
 * @property {string} unit
 * @property {LineSpec[]} lines
 * @property {string} [each] a chart for each value of this label of the first line's metric
 * @property {string} [lineEach] a line for each value of this label
 * @property {boolean} [stacked]
 * @property {boolean} [area]
 * @property {number} [max]
 * @property {number} [floor] the least upper edge: a calm host does not look busy
 * @property {string} [maxOf] a metric whose value is the upper edge
 */

/** @type {PanelSpec} */
export const TRENDS = {
  id: "trends",
  title: "CPU & Memory trends",
  unit: "percent",
  max: 100,
  lines: [
    { metric: "cpu.total_usage", label: "CPU" },
    { metric: "memory.usage_percent", label: "Memory" },
  ],
};

/** @type {PanelSpec[]} */
export const PANELS = [
  {
    id: "cpu-modes",
    title: "CPU by mode",
    unit: "percent",
    stacked: true,
    floor: 8,
    lines: [
      { metric: "cpu.user", label: "user" },
      { metric: "cpu.system", label: "system" },
      { metric: "cpu.iowait", label: "iowait" },
      { metric: "cpu.nice", label: "nice" },
      { metric: "cpu.softirq", label: "softirq" },
      { metric: "cpu.irq", label: "irq" },
      { metric: "cpu.steal", label: "steal" },
    ],
  },
  {
    id: "load",
    title: "Load average",
    unit: LOAD,
    floor: 1,
    lines: [
      { metric: "load.avg_1m", label: "1 min" },
      { metric: "load.avg_5m", label: "5 min" },
      { metric: "load.avg_15m", label: "15 min" },
    ],
  },
  {
    id: "memory",
    title: "Memory",
    unit: "bytes",
    area: true,
    maxOf: "memory.total_bytes",
    lines: [
      { metric: "memory.used_bytes", label: "used", colour: 1 },
      { metric: "memory.cached_bytes", label: "cached", colour: 2 },
      { metric: "swap.used_bytes", label: "swap", colour: 4 },
    ],
  },
  {
    id: "pressure",
    title: "Pressure",
    unit: "percent",
    floor: 2,
    lines: [
      { metric: "pressure.cpu_some", label: "CPU" },
      { metric: "pressure.memory_some", label: "memory" },
      { metric: "pressure.io_some", label: "I/O" },
    ],
  },
  {
    id: "network",
    title: "Network",
    unit: "bytes/s",
    each: "interface",
    area: true,
    floor: 1024,
    lines: [
      { metric: "network.rx_bytes", label: "received" },
      { metric: "network.tx_bytes", label: "sent" },
    ],
  },
  {
    id: "disk",
    title: "Disk",
    unit: "bytes/s",
    each: "device",
    area: true,
    floor: 1024,
    lines: [
      { metric: "disk.read_bytes", label: "read" },
      { metric: "disk.write_bytes", label: "written" },
    ],
  },
  { id: "busy", title: "Disk busy", unit: "percent", floor: 2, lineEach: "device", lines: [{ metric: "disk.busy_percent", label: "" }] },
  {
    id: "tasks",
    title: "Tasks",
    unit: "count",
    floor: 4,
    lines: [
      { metric: "processes.running", label: "running" },
      { metric: "processes.blocked", label: "blocked" },
    ],
  },
  { id: "switches", title: "Context switches", unit: "1/s", floor: 100, lines: [{ metric: "system.context_switches", label: "per second" }] },
];

/** What the page draws or counts, for asking over HTTP. */
export const CHARTED = [
  ...new Set([
    ...[TRENDS, ...PANELS].flatMap(({ lines, maxOf }) => [...lines.map((line) => line.metric), ...(maxOf ? [maxOf] : [])]),
    "cpu.core_usage",
    "disk.total_bytes",
    "disk.used_bytes",
    "disk.usage_percent",
    "system.uptime_seconds",
  ]),
];

/** The figures of the cards and of the comparison. */
export const HEADLINES = ["cpu.total_usage", "memory.usage_percent", "load.avg_1m", "memory.used_bytes"];
