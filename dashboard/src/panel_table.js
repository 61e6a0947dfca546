// The table of charts. `metric label, metric label` are the lines of one; a number after `@` is a colour.

import { LOAD } from "./lib/format.js";

/** @typedef {import("./panels.js").PanelSpec} PanelSpec */
/** @typedef {import("./panels.js").GroupName} GroupName */

/**
 * @param {GroupName} group
 * @param {string} id
 * @param {string} title
 * @param {string} unit
 * @param {string} lines
 * @param {Partial<PanelSpec>} [options]
 * @returns {PanelSpec}
 */
export function panel(group, id, title, unit, lines, options = {}) {
  const specs = lines.split(", ").map((text) => {
    const [, metric, label, colour] = /^(\S+)\s*([^@]*)(?:@(\d))?$/.exec(text) ?? [];
    return { metric, label, ...(colour === undefined ? {} : { colour: Number(colour) }) };
  });
  return { group, id, title, unit, lines: specs, ...options };
}

const INTERFACE = { each: "interface" };
const DEVICE = { each: "device" };
const MOUNT = { lineEach: "mount" };
const SENSOR = { lineEach: "*" };
const SERVICE = { lineEach: "service" };
const CONTAINER = { lineEach: "container" };
const BUSY = { busy: true };

// prettier-ignore
/** @type {PanelSpec[]} */
export const TABLE = [
  panel("cpu", "cpu-modes", "CPU by mode", "percent",
    "cpu.user user, cpu.system system, cpu.iowait iowait, cpu.nice nice, cpu.softirq softirq, cpu.irq irq, "
    + "cpu.steal steal",
    { stacked: true, floor: 8 }),
  panel("cpu", "load", "Load average", LOAD, "load.avg_1m 1 min, load.avg_5m 5 min, load.avg_15m 15 min", { floor: 1 }),
  panel("cpu", "cores", "Each core", "percent", "cpu.core_usage", { lineEach: "core", max: 100 }),
  panel("cpu", "frequency", "Frequency", "hertz", "cpu.frequency_hertz"),
  panel("cpu", "core-frequency", "Frequency of each core", "hertz", "cpu.core_frequency_hertz", { lineEach: "core" }),
  panel("cpu", "throttles", "Thermal throttling", "1/s", "cpu.throttles", BUSY),
  panel("memory", "memory", "Memory", "bytes",
    "memory.used_bytes used@1, memory.cached_bytes cached@2, memory.buffers_bytes buffers@3",
    { area: true, maxOf: "memory.total_bytes" }),
  panel("memory", "available", "Free and available", "bytes",
    "memory.available_bytes available@0, memory.free_bytes free@5", { maxOf: "memory.total_bytes" }),
  panel("memory", "kinds", "Memory by kind", "bytes",
    "memory.anonymous_bytes anonymous (programs), memory.mapped_bytes mapped files, memory.shared_bytes shared, "
    + "memory.locked_bytes locked, memory.huge_anonymous_bytes huge, memory.huge_pages_used_bytes huge pages, "
    + "memory.unevictable_bytes unevictable"),
  panel("memory", "activity", "Active and inactive", "bytes",
    "memory.active_bytes active, memory.inactive_bytes inactive, memory.active_anonymous_bytes programs active, "
    + "memory.inactive_anonymous_bytes programs inactive, memory.active_file_bytes files active, "
    + "memory.inactive_file_bytes files inactive"),
  panel("memory", "kernel", "Kernel memory", "bytes",
    "memory.slab_bytes slab, memory.slab_reclaimable_bytes reclaimable, memory.kernel_stack_bytes stacks, "
    + "memory.page_tables_bytes page tables, memory.slab_unreclaimable_bytes not reclaimable, "
    + "memory.per_cpu_bytes per core, memory.vmalloc_bytes contiguous"),
  panel("memory", "huge", "Huge pages: shared and files", "bytes",
    "memory.huge_shared_bytes shared, memory.huge_file_bytes files", BUSY),
  panel("memory", "dirty", "Dirty and writeback", "bytes", "memory.dirty_bytes dirty, memory.writeback_bytes writeback",
    { floor: 1_048_576 }),
  panel("memory", "committed", "Committed", "bytes", "memory.committed_bytes committed"),
  panel("memory", "faults", "Page faults", "1/s",
    "memory.page_faults all, memory.major_faults major (from disk)", { floor: 100 }),
  panel("memory", "paging", "Paging", "bytes/s",
    "memory.paged_in_bytes in, memory.paged_out_bytes out", { floor: 1024 }),
  panel("memory", "reclaim", "Reclaim", "1/s",
    "memory.scanned_pages pages scanned, memory.refaults refaults, memory.reclaim_stalls direct reclaim stalls", BUSY),
  panel("memory", "pages", "Pages", "1/s",
    "memory.freed_pages freed, memory.activated_pages activated, memory.deactivated_pages deactivated, "
    + "memory.reclaimed_pages reclaimed, memory.dirtied_pages dirtied, memory.written_pages written",
    { floor: 100 }),
  panel("memory", "huge-faults", "Transparent huge pages", "1/s",
    "memory.huge_faults faults, memory.huge_fallbacks fallbacks, memory.compact_stalls compaction stalls", BUSY),
  panel("memory", "oom", "OOM kills", "1/s", "memory.oom_kills", BUSY),
  panel("memory", "swap", "Swap", "bytes", "swap.used_bytes used@4, swap.cached_bytes also in memory@5",
    { area: true, maxOf: "swap.total_bytes" }),
  panel("memory", "swap-compressed", "Compressed swap (zswap)", "bytes",
    "swap.compressed_bytes compressed, swap.uncompressed_bytes before", BUSY),
  panel("memory", "swapping", "Swapping", "bytes/s", "swap.in_bytes in, swap.out_bytes out", BUSY),
  panel("disk", "space", "Disk usage over time", "percent", "disk.usage_percent", { ...MOUNT, max: 100 }),
  panel("disk", "disk", "Throughput", "bytes/s", "disk.read_bytes read, disk.write_bytes written",
    { ...DEVICE, area: true, floor: 1024 }),
  panel("disk", "operations", "Operations", "1/s", "disk.reads reads, disk.writes writes", { ...DEVICE, floor: 5 }),
  panel("disk", "latency", "Latency", "seconds", "disk.read_latency read, disk.write_latency write",
    { ...DEVICE, floor: 0.001 }),
  panel("disk", "busy", "Busy", "percent", "disk.busy_percent", { lineEach: "device", floor: 2 }),
  panel("disk", "queue", "Queue", "count", "disk.queue", { lineEach: "device", floor: 1 }),
  panel("disk", "inodes", "Inodes used", "count", "disk.inodes_used", MOUNT),
  panel("disk", "inode-share", "Inodes used, share", "percent", "disk.inodes_usage_percent", { ...MOUNT, max: 100 }),
  panel("disk", "raid", "RAID", "count",
    "raid.disks_active active, raid.disks_missing missing, raid.disks_failed failed, raid.disks_spare spare",
    { each: "array" }),
  panel("disk", "raid-sync", "RAID synchronising", "percent", "raid.sync_percent", { lineEach: "array", max: 100 }),
  panel("network", "network", "Traffic", "bytes/s", "network.rx_bytes received, network.tx_bytes sent",
    { ...INTERFACE, area: true, floor: 1024 }),
  panel("network", "packets", "Packets", "1/s", "network.rx_packets received, network.tx_packets sent",
    { ...INTERFACE, floor: 10 }),
  panel("network", "errors", "Errors and drops", "1/s",
    "network.rx_errors receive errors, network.tx_errors send errors, network.rx_drops receive drops, "
    + "network.tx_drops send drops", { ...INTERFACE, ...BUSY }),
  panel("network", "carrier", "Link up and down (carrier changes)", "1/s", "network.carrier_changes",
    { lineEach: "interface", ...BUSY }),
  panel("network", "tcp", "TCP connections", "count",
    "tcp.established established, tcp.time_wait TIME_WAIT, tcp.orphans orphans, tcp.allocated allocated"),
  panel("network", "tcp-states", "TCP by state", "count", "tcp.connections", { lineEach: "state" }),
  panel("network", "tcp-opened", "TCP opened", "1/s",
    "tcp.opened from here, tcp.accepted to here, tcp.failed failed, tcp.resets reset", { floor: 5 }),
  panel("network", "tcp-segments", "TCP segments", "1/s", "tcp.segments_in in, tcp.segments_out out", { floor: 10 }),
  panel("network", "tcp-retransmits", "TCP retransmits", "1/s",
    "tcp.retransmits all, tcp.syn_retransmits SYN, tcp.timeouts timeouts", { floor: 1 }),
  panel("network", "tcp-share", "TCP retransmits, share", "percent", "tcp.retransmit_percent", { floor: 1 }),
  panel("network", "tcp-trouble", "TCP trouble", "1/s",
    "tcp.listen_overflows listen overflows, tcp.listen_drops listen drops, tcp.errors_in errors, "
    + "tcp.resets_out resets sent, tcp.syn_cookies SYN cookies, tcp.receive_drops dropped", BUSY),
  panel("network", "tcp-losses", "TCP loss recovery", "1/s",
    "tcp.fast_retransmits fast retransmits, tcp.lost_retransmits lost retransmits, "
    + "tcp.slow_start_retransmits in slow start, tcp.spurious_timeouts spurious timeouts, "
    + "tcp.duplicates_reported duplicates (DSACK), tcp.out_of_order out of order", BUSY),
  panel("network", "tcp-given-up", "TCP aborted, out of memory or time", "1/s",
    "tcp.aborted_timeout timeouts, tcp.aborted_memory no memory, tcp.memory_pressures short, tcp.pruned pruned, "
    + "tcp.backlog_drops busy, tcp.request_drops too many", BUSY),
  panel("network", "udp", "UDP datagrams", "1/s", "udp.datagrams_in in, udp.datagrams_out out", { floor: 5 }),
  panel("network", "udp-trouble", "UDP trouble", "1/s",
    "udp.no_port no port, udp.errors_in errors, udp.receive_drops receive drops, udp.send_drops send drops", BUSY),
  panel("network", "queues", "Packets received (softnet)", "1/s", "network.queue_packets", { floor: 10 }),
  panel("network", "queue-trouble", "Softnet drops and squeezes", "1/s",
    "network.queue_drops dropped, network.queue_squeezes squeezed", BUSY),
  panel("network", "icmp", "ICMP", "1/s", "ip.icmp_in in, ip.icmp_out out", BUSY),
  panel("network", "ip-trouble", "IP trouble", "1/s",
    "ip.discards_in discarded, ip.discards_out not sent, ip.no_routes no route, "
    + "ip.reassembly_fails reassembly, ip.fragment_fails fragmentation, ip.icmp_errors ICMP errors, "
    + "ip.unreachable unreachable", BUSY),
  panel("network", "ip-forwarded", "IP forwarded", "1/s", "ip.forwarded", BUSY),
  panel("network", "sockets", "Sockets", "count",
    "sockets.used all, tcp.sockets TCP, udp.sockets UDP, sockets.raw raw"),
  panel("network", "socket-memory", "Socket memory", "bytes", "tcp.memory_bytes TCP, udp.memory_bytes UDP"),
  panel("network", "conntrack", "Tracked connections (conntrack)", "count", "network.conntrack_entries",
    { maxOf: "network.conntrack_limit" }),
  panel("pressure", "pressure", "Some tasks waited (PSI)", "percent",
    "pressure.cpu_some for CPU, pressure.memory_some for memory, pressure.io_some for I/O", { floor: 2 }),
  panel("pressure", "pressure-full", "All tasks waited (PSI)", "percent",
    "pressure.memory_full for memory@1, pressure.io_full for I/O@2", { floor: 2 }),
  panel("sensors", "temperature", "Temperature", "celsius", "sensors.temperature", { ...SENSOR, floor: 50 }),
  panel("sensors", "fans", "Fans", "rpm", "sensors.fan_speed", SENSOR),
  panel("sensors", "power", "Power", "watts", "sensors.power", SENSOR),
  panel("sensors", "voltage", "Voltage", "volts", "sensors.voltage", SENSOR),
  panel("sensors", "current", "Current", "amperes", "sensors.current", SENSOR),
  panel("sensors", "battery", "Battery", "percent", "battery.charge_percent charge, battery.health_percent health",
    { each: "battery", max: 100 }),
  panel("sensors", "battery-power", "Battery power", "watts", "battery.power", { lineEach: "battery" }),
  panel("system", "tasks", "Tasks", "count", "processes.running running, processes.blocked blocked", { floor: 4 }),
  panel("system", "processes", "Processes", "count",
    "processes.total all, processes.threads threads, processes.sleeping sleeping"),
  panel("system", "lost", "Stopped and zombies", "count", "processes.stopped stopped, processes.zombies zombies", BUSY),
  panel("system", "switches", "Context switches", "1/s", "system.context_switches", { floor: 100 }),
  panel("system", "interrupts", "Interrupts", "1/s", "system.interrupts hard, system.softirqs softirqs",
    { floor: 100 }),
  panel("system", "softirqs", "Softirqs by kind", "1/s", "system.softirq", { lineEach: "kind", floor: 100 }),
  panel("system", "forks", "Processes started (forks)", "1/s", "system.forks", { floor: 5 }),
  panel("system", "files", "Open files", "count", "system.open_files"),
  panel("system", "clock", "Clock frequency correction (NTP)", "ppm", "clock.correction_ppm"),
  panel("system", "clock-offset", "Clock’s offset", "seconds",
    "clock.offset_seconds to be corrected, clock.estimated_error_seconds estimated error"),
  panel("system", "clock-error", "Clock’s maximum error", "seconds", "clock.max_error_seconds"),
  panel("system", "clock-step", "Clock’s last step", "seconds", "clock.step_seconds", BUSY),
  panel("system", "clock-synchronized", "Clock synchronized", "count", "clock.synchronized", { max: 1 }),
  panel("services", "limit-cpu", "Limits of this host’s own cgroup", "percent",
    "limit.cpu_percent CPU, limit.memory_percent memory, limit.cpu_throttled_percent throttled", { floor: 2 }),
  panel("services", "limit-memory", "Memory of this host’s own cgroup", "bytes", "limit.memory_used_bytes used",
    { maxOf: "limit.memory_bytes" }),
  ...["service", "container"].flatMap((kind) => perUnit(kind)),
  panel("agent", "collectors", "Time to read each source", "seconds", "agent.collector_seconds",
    { lineEach: "collector" }),
];

/** @param {string} kind `service` or `container` @returns {PanelSpec[]} */
function perUnit(kind) {
  const options = kind === "service" ? SERVICE : CONTAINER;
  const name = kind === "service" ? "Services" : "Containers";
  const of = (
    /** @type {string} */ what,
    /** @type {string} */ title,
    /** @type {string} */ unit,
    /** @type {Partial<PanelSpec>} */ more = {},
  ) => panel("services", `${kind}-${what}`, `${name}: ${title}`, unit, `${kind}.${what}`, { ...options, ...more });
  return [
    of("cpu_percent", "CPU", "percent", { floor: 2 }),
    of("cpu_throttled_percent", "CPU throttled", "percent", BUSY),
    of("memory_bytes", "memory", "bytes"),
    of("memory_percent", "memory of the limit", "percent", { max: 100 }),
    of("read_bytes", "read", "bytes/s", { floor: 1024 }),
    of("write_bytes", "written", "bytes/s", { floor: 1024 }),
    of("tasks", "tasks", "count"),
    of("oom_kills", "OOM kills", "1/s", BUSY),
  ];
}
