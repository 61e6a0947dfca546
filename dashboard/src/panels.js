// Which charts a host's page has, in the order in which they are read. Data only: the host view makes them. A new
// metric is a new line here; one that stands nowhere here gets a chart among the others.

import { panel, TABLE } from "./panel_table.js";

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

/**
 * In the order of the page. `absent`: why a host may have none of it.
 * @type {{ name: GroupName, title: string, absent?: string }[]}
 */
export const GROUPS = [
  { name: "cpu", title: "CPU" },
  { name: "memory", title: "Memory" },
  { name: "disk", title: "Disks", absent: "no block device or file system of its own, as in a container" },
  { name: "network", title: "Network", absent: "no interface but loopback is up" },
  { name: "pressure", title: "Pressure", absent: "its kernel has no pressure stall information (/proc/pressure)" },
  { name: "sensors", title: "Sensors", absent: "no sensor can be read, as in most virtual machines" },
  { name: "system", title: "System" },
  { name: "services", title: "Services and containers" },
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

export const PANELS = TABLE;

/** Figures that stand elsewhere on the page, are always as they were, or tell only what another chart does. */
const WITHOUT_CHART = [
  "cpu.idle",
  "cpu.core_mode",
  "memory.total_bytes",
  "swap.total_bytes",
  "swap.usage_percent",
  "disk.total_bytes",
  "disk.used_bytes",
  "disk.available_bytes",
  "disk.inodes_total",
  "system.uptime_seconds",
  "agent.collector_up",
  "memory.huge_pages_total",
  "memory.huge_pages_free",
  "memory.huge_pages_reserved",
  "memory.commit_limit_bytes",
  "memory.corrupted_bytes",
  "disk.read_only",
  "disk.answers",
  "network.up",
  "network.speed",
  "network.conntrack_limit",
  "system.open_files_limit",
  "system.entropy_bits",
  "sensors.temperature_critical",
  "battery.mains",
  "battery.charging",
  "battery.cycles",
  "raid.disks_required",
  "limit.cpu_cores",
  "limit.memory_bytes",
  "textfile.up",
  "textfile.mtime_seconds",
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
  ip: "network",
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
  clock: "system",
  limit: "services",
  raid: "disk",
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
  return panel(group, `metric:${metric}`, metric, unit, metric, { lineEach: "*" });
}
