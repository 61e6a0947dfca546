// Which charts a host's page has, in the order in which they are read. Data only: the host view makes them. A new metric
// is a new line here; one that stands nowhere here gets a chart among the others.

import { LOAD } from "./lib/format.js";

/**
 * @typedef {object} LineSpec
 * @property {string} metric
 * @property {string} label
 * @property {number} [colour] from 0; its place in the list where not given
 *
 * @typedef {"cpu" | "memory" | "disk" | "network" | "pressure" | "sensors" | "system" | "services" | "agent" | "other"} GroupName
 *
 * @typedef {object} PanelSpec
 * @property {GroupName} group
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
 * @property {boolean} [busy] only where something happened
 */

/** In the order of the page. `absent`: why a host may have none of it. @type {{ name: GroupName, title: string, absent?: string }[]} */
export const GROUPS = [
  { name: "cpu", title: "CPU" },
  { name: "memory", title: "Memory" },
  { name: "disk", title: "Disks", absent: "no block device or file system of its own, as in a container" },
  { name: "network", title: "Network", absent: "no interface but loopback is up" },
  { name: "pressure", title: "Pressure", absent: "its kernel has no pressure stall information (/proc/pressure)" },
  { name: "sensors", title: "Sensors", absent: "no sensor can be read, as in most virtual machines" },
  { name: "system", title: "System" },
  { name: "services", title: "Services" },
  { name: "agent", title: "Agent" },
  { name: "other", title: "Other" },
];

/** @type {PanelSpec} */
export const TRENDS = {
  group: "cpu",
  id: "trends",
  title: "CPU & Memory trends",
  unit: "percent",
  max: 100,
  lines: [
    { metric: "cpu.total_usage", label: "CPU" },
    { metric: "memory.usage_percent", label: "Memory" },
  ],
};

/**
 * @param {GroupName} group
 * @param {string} id
 * @param {string} title
 * @param {string} unit
 * @param {Record<string, string | [string, number]>} lines metric to label, or to label and colour
 * @param {Partial<PanelSpec>} [options]
 * @returns {PanelSpec}
 */
function panel(group, id, title, unit, lines, options = {}) {
  const specs = Object.entries(lines).map(([metric, given]) =>
    typeof given === "string" ? { metric, label: given } : { metric, label: given[0], colour: given[1] },
  );
  return { group, id, title, unit, lines: specs, ...options };
}

const PER_INTERFACE = { each: "interface" };
const PER_DEVICE = { each: "device" };

/** @type {PanelSpec[]} */
export const PANELS = [
  panel(
    "cpu",
    "cpu-modes",
    "CPU by mode",
    "percent",
    {
      "cpu.user": "user",
      "cpu.system": "system",
      "cpu.iowait": "iowait",
      "cpu.nice": "nice",
      "cpu.softirq": "softirq",
      "cpu.irq": "irq",
      "cpu.steal": "steal",
    },
    { stacked: true, floor: 8 },
  ),
  panel(
    "cpu",
    "load",
    "Load average",
    LOAD,
    { "load.avg_1m": "1 min", "load.avg_5m": "5 min", "load.avg_15m": "15 min" },
    { floor: 1 },
  ),
  panel("cpu", "cores", "Each core", "percent", { "cpu.core_usage": "" }, { lineEach: "core", max: 100 }),
  panel(
    "memory",
    "memory",
    "Memory",
    "bytes",
    { "memory.used_bytes": ["used", 1], "memory.cached_bytes": ["cached", 2], "memory.buffers_bytes": ["buffers", 3] },
    { area: true, maxOf: "memory.total_bytes" },
  ),
  panel(
    "memory",
    "available",
    "Free and available",
    "bytes",
    { "memory.available_bytes": ["available", 0], "memory.free_bytes": ["free", 5] },
    { maxOf: "memory.total_bytes" },
  ),
  panel(
    "memory",
    "swap",
    "Swap",
    "bytes",
    { "swap.used_bytes": ["used", 4] },
    { area: true, maxOf: "swap.total_bytes" },
  ),
  panel("disk", "space", "Space in use", "percent", { "disk.usage_percent": "" }, { lineEach: "mount", max: 100 }),
  panel(
    "disk",
    "disk",
    "Throughput",
    "bytes/s",
    { "disk.read_bytes": "read", "disk.write_bytes": "written" },
    { ...PER_DEVICE, area: true, floor: 1024 },
  ),
  panel(
    "disk",
    "operations",
    "Operations",
    "1/s",
    { "disk.reads": "reads", "disk.writes": "writes" },
    { ...PER_DEVICE, floor: 5 },
  ),
  panel(
    "disk",
    "latency",
    "Latency",
    "seconds",
    { "disk.read_latency": "read", "disk.write_latency": "write" },
    { ...PER_DEVICE, floor: 0.001 },
  ),
  panel("disk", "busy", "Busy", "percent", { "disk.busy_percent": "" }, { lineEach: "device", floor: 2 }),
  panel("disk", "queue", "Queue", "count", { "disk.queue": "" }, { lineEach: "device", floor: 1 }),
  panel("disk", "inodes", "Inodes in use", "count", { "disk.inodes_used": "" }, { lineEach: "mount" }),
  panel(
    "network",
    "network",
    "Traffic",
    "bytes/s",
    { "network.rx_bytes": "received", "network.tx_bytes": "sent" },
    { ...PER_INTERFACE, area: true, floor: 1024 },
  ),
  panel(
    "network",
    "packets",
    "Packets",
    "1/s",
    { "network.rx_packets": "received", "network.tx_packets": "sent" },
    { ...PER_INTERFACE, floor: 10 },
  ),
  panel(
    "network",
    "errors",
    "Errors and drops",
    "1/s",
    {
      "network.rx_errors": "receive errors",
      "network.tx_errors": "send errors",
      "network.rx_drops": "receive drops",
      "network.tx_drops": "send drops",
    },
    { ...PER_INTERFACE, busy: true },
  ),
  panel(
    "pressure",
    "pressure",
    "Some tasks waited",
    "percent",
    { "pressure.cpu_some": "for CPU", "pressure.memory_some": "for memory", "pressure.io_some": "for I/O" },
    { floor: 2 },
  ),
  panel(
    "pressure",
    "pressure-full",
    "All tasks waited",
    "percent",
    { "pressure.memory_full": ["for memory", 1], "pressure.io_full": ["for I/O", 2] },
    { floor: 2 },
  ),
  panel(
    "system",
    "tasks",
    "Tasks",
    "count",
    { "processes.running": "running", "processes.blocked": "blocked" },
    { floor: 4 },
  ),
  panel("system", "switches", "Context switches", "1/s", { "system.context_switches": "" }, { floor: 100 }),
  panel("system", "forks", "Processes started", "1/s", { "system.forks": "" }, { floor: 5 }),
  panel(
    "agent",
    "collectors",
    "Time to read each source",
    "seconds",
    { "agent.collector_seconds": "" },
    { lineEach: "collector" },
  ),
];

/** Figures that stand elsewhere on the page, and need no chart. */
const WITHOUT_CHART = [
  "cpu.idle",
  "memory.total_bytes",
  "swap.total_bytes",
  "swap.usage_percent",
  "disk.total_bytes",
  "disk.used_bytes",
  "disk.available_bytes",
  "disk.inodes_total",
  "system.uptime_seconds",
  "agent.collector_up",
];

/** What the page draws or counts, the first charts first, for asking over HTTP. */
export const CHARTED = [
  ...new Set([
    ...[TRENDS, ...PANELS].flatMap(({ lines, maxOf }) => [
      ...lines.map((line) => line.metric),
      ...(maxOf ? [maxOf] : []),
    ]),
    ...WITHOUT_CHART,
  ]),
];

/** Names whose place is known without a line of their own. @type {Record<string, GroupName>} */
const GROUP_OF_PREFIX = {
  cpu: "cpu",
  load: "cpu",
  memory: "memory",
  swap: "memory",
  vm: "memory",
  disk: "disk",
  network: "network",
  sockets: "network",
  tcp: "network",
  udp: "network",
  conntrack: "network",
  pressure: "pressure",
  sensor: "sensors",
  sensors: "sensors",
  temperature: "sensors",
  thermal: "sensors",
  fan: "sensors",
  power: "sensors",
  battery: "sensors",
  processes: "system",
  system: "system",
  files: "system",
  kernel: "system",
  entropy: "system",
  time: "system",
  cgroup: "services",
  service: "services",
  systemd: "services",
  container: "services",
  agent: "agent",
};

const CHARTED_SET = new Set(CHARTED);

/**
 * A chart for a metric that stands nowhere above, with a line for each of its series.
 * @param {string} metric
 * @param {string} unit as the server names it; empty where nobody knows
 * @returns {PanelSpec | null} `null` where it has its place
 */
export function panelOf(metric, unit) {
  if (CHARTED_SET.has(metric)) return null;
  const [prefix] = metric.split(".", 1);
  const group = Object.hasOwn(GROUP_OF_PREFIX, prefix) ? GROUP_OF_PREFIX[prefix] : "other";
  return panel(group, `metric:${metric}`, metric, unit, { [metric]: "" }, { lineEach: "*" });
}
