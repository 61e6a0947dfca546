//! Every metric that sysmon collects, once: name, kind, unit, tags, meaning, and what others call it.
//!
//! Names are dotted. Prometheus names are those of `node_exporter`'s series that the figure comes from, OpenTelemetry
//! names those of the system semantic conventions; either is empty where there is none. Documentation, dashboard,
//! API and tests are made from this table.

use serde::Serialize;

/// The unit of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// 0 to 100.
    Percent,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Events a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// A plain number of things.
    Count,
}

impl Unit {
    /// The unit's name in the API: `percent`, `bytes`, `bytes/s`, `1/s`, `seconds`, `count`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes/s",
            Self::PerSecond => "1/s",
            Self::Seconds => "seconds",
            Self::Count => "count",
        }
    }
}

impl Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How a metric's value comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A state at the moment of reading, or a ratio over the time since the reading before.
    Gauge,
    /// A counter's increase per second over the real time between two readings.
    Rate,
}

/// One metric.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Dotted name, such as `cpu.total_usage`.
    pub name: &'static str,
    /// How its value comes about.
    pub kind: Kind,
    /// Unit of its values.
    pub unit: Unit,
    /// Keys of the tags that tell its series apart.
    pub tags: &'static [&'static str],
    /// The `node_exporter` series it corresponds to, or empty.
    pub prometheus: &'static str,
    /// The OpenTelemetry name, or empty.
    pub opentelemetry: &'static str,
    /// What it means, one line.
    pub help: &'static str,
}

macro_rules! catalogue {
    ($($ident:ident = $name:literal, $kind:ident, $unit:ident, $tags:expr, $prometheus:literal, $otel:literal, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $ident: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                unit: Unit::$unit,
                tags: &$tags,
                prometheus: $prometheus,
                opentelemetry: $otel,
                help: $help,
            };
        )*
        /// All metrics, in the order in which people read them.
        pub static CATALOGUE: &[&Metric] = &[$(&$ident),*];
    };
}

catalogue! {
    CPU_TOTAL_USAGE = "cpu.total_usage", Gauge, Percent, [], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of all cores' time that was not idle (iowait counts as idle)";
    CPU_USER = "cpu.user", Gauge, Percent, [], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of all cores' time in user mode";
    CPU_SYSTEM = "cpu.system", Gauge, Percent, [], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of all cores' time in the kernel";
    CPU_NICE = "cpu.nice", Gauge, Percent, [], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of all cores' time in user mode at low priority";
    CPU_IDLE = "cpu.idle", Gauge, Percent, [], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of all cores' time with nothing to do";
    CPU_IOWAIT = "cpu.iowait", Gauge, Percent, [], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of all cores' time idle while I/O was pending";
    CPU_IRQ = "cpu.irq", Gauge, Percent, [], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of all cores' time serving interrupts";
    CPU_SOFTIRQ = "cpu.softirq", Gauge, Percent, [], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of all cores' time serving soft interrupts";
    CPU_STEAL = "cpu.steal", Gauge, Percent, [], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of all cores' time taken by the hypervisor for others";
    CPU_CORE_USAGE = "cpu.core_usage", Gauge, Percent, ["core"], "node_cpu_seconds_total", "system.cpu.utilization",
        "Share of one core's time that was not idle";
    LOAD_AVG_1M = "load.avg_1m", Gauge, Count, [], "node_load1", "system.cpu.load_average.1m",
        "Tasks running or waiting, averaged over 1 minute";
    LOAD_AVG_5M = "load.avg_5m", Gauge, Count, [], "node_load5", "system.cpu.load_average.5m",
        "Tasks running or waiting, averaged over 5 minutes";
    LOAD_AVG_15M = "load.avg_15m", Gauge, Count, [], "node_load15", "system.cpu.load_average.15m",
        "Tasks running or waiting, averaged over 15 minutes";
    MEMORY_TOTAL_BYTES = "memory.total_bytes", Gauge, Bytes, [], "node_memory_MemTotal_bytes", "system.memory.limit",
        "Physical memory that the kernel can use";
    MEMORY_USED_BYTES = "memory.used_bytes", Gauge, Bytes, [], "node_memory_MemAvailable_bytes", "system.memory.usage",
        "Memory in use: total less available";
    MEMORY_AVAILABLE_BYTES = "memory.available_bytes", Gauge, Bytes, [], "node_memory_MemAvailable_bytes", "system.memory.linux.available",
        "Memory that programs can get without swapping";
    MEMORY_FREE_BYTES = "memory.free_bytes", Gauge, Bytes, [], "node_memory_MemFree_bytes", "system.memory.usage",
        "Memory that nothing uses";
    MEMORY_CACHED_BYTES = "memory.cached_bytes", Gauge, Bytes, [], "node_memory_Cached_bytes", "system.memory.usage",
        "Page cache";
    MEMORY_BUFFERS_BYTES = "memory.buffers_bytes", Gauge, Bytes, [], "node_memory_Buffers_bytes", "system.memory.usage",
        "Buffers of block devices";
    MEMORY_USAGE_PERCENT = "memory.usage_percent", Gauge, Percent, [], "node_memory_MemAvailable_bytes", "system.memory.utilization",
        "Share of memory in use";
    SWAP_TOTAL_BYTES = "swap.total_bytes", Gauge, Bytes, [], "node_memory_SwapTotal_bytes", "system.paging.usage",
        "Swap space";
    SWAP_USED_BYTES = "swap.used_bytes", Gauge, Bytes, [], "node_memory_SwapFree_bytes", "system.paging.usage",
        "Swap space in use";
    SWAP_USAGE_PERCENT = "swap.usage_percent", Gauge, Percent, [], "node_memory_SwapFree_bytes", "system.paging.utilization",
        "Share of swap space in use";
    DISK_TOTAL_BYTES = "disk.total_bytes", Gauge, Bytes, ["mount"], "node_filesystem_size_bytes", "system.filesystem.limit",
        "Size of the file system";
    DISK_USED_BYTES = "disk.used_bytes", Gauge, Bytes, ["mount"], "node_filesystem_free_bytes", "system.filesystem.usage",
        "Space in use, as df's Used";
    DISK_AVAILABLE_BYTES = "disk.available_bytes", Gauge, Bytes, ["mount"], "node_filesystem_avail_bytes", "system.filesystem.usage",
        "Space that users without privilege can still fill, as df's Available";
    DISK_USAGE_PERCENT = "disk.usage_percent", Gauge, Percent, ["mount"], "node_filesystem_avail_bytes", "system.filesystem.utilization",
        "Space in use of what users can have, as df's Use%: used / (used + available)";
    DISK_INODES_TOTAL = "disk.inodes_total", Gauge, Count, ["mount"], "node_filesystem_files", "",
        "Inodes of the file system";
    DISK_INODES_USED = "disk.inodes_used", Gauge, Count, ["mount"], "node_filesystem_files_free", "",
        "Inodes in use";
    DISK_READ_BYTES = "disk.read_bytes", Rate, BytesPerSecond, ["device"], "node_disk_read_bytes_total", "system.disk.io",
        "Bytes read from the block device";
    DISK_WRITE_BYTES = "disk.write_bytes", Rate, BytesPerSecond, ["device"], "node_disk_written_bytes_total", "system.disk.io",
        "Bytes written to the block device";
    DISK_READS = "disk.reads", Rate, PerSecond, ["device"], "node_disk_reads_completed_total", "system.disk.operations",
        "Read operations completed";
    DISK_WRITES = "disk.writes", Rate, PerSecond, ["device"], "node_disk_writes_completed_total", "system.disk.operations",
        "Write operations completed";
    DISK_READ_LATENCY = "disk.read_latency", Gauge, Seconds, ["device"], "node_disk_read_time_seconds_total", "system.disk.operation_time",
        "Mean time of a read operation; absent where none completed";
    DISK_WRITE_LATENCY = "disk.write_latency", Gauge, Seconds, ["device"], "node_disk_write_time_seconds_total", "system.disk.operation_time",
        "Mean time of a write operation; absent where none completed";
    DISK_QUEUE = "disk.queue", Gauge, Count, ["device"], "node_disk_io_time_weighted_seconds_total", "",
        "Mean number of operations in flight";
    DISK_BUSY_PERCENT = "disk.busy_percent", Gauge, Percent, ["device"], "node_disk_io_time_seconds_total", "system.disk.io_time",
        "Share of time in which the device had work";
    NETWORK_RX_BYTES = "network.rx_bytes", Rate, BytesPerSecond, ["interface"], "node_network_receive_bytes_total", "system.network.io",
        "Bytes received";
    NETWORK_TX_BYTES = "network.tx_bytes", Rate, BytesPerSecond, ["interface"], "node_network_transmit_bytes_total", "system.network.io",
        "Bytes sent";
    NETWORK_RX_PACKETS = "network.rx_packets", Rate, PerSecond, ["interface"], "node_network_receive_packets_total", "system.network.packet.count",
        "Packets received";
    NETWORK_TX_PACKETS = "network.tx_packets", Rate, PerSecond, ["interface"], "node_network_transmit_packets_total", "system.network.packet.count",
        "Packets sent";
    NETWORK_RX_ERRORS = "network.rx_errors", Rate, PerSecond, ["interface"], "node_network_receive_errs_total", "system.network.errors",
        "Packets received with an error";
    NETWORK_TX_ERRORS = "network.tx_errors", Rate, PerSecond, ["interface"], "node_network_transmit_errs_total", "system.network.errors",
        "Packets not sent for an error";
    NETWORK_RX_DROPS = "network.rx_drops", Rate, PerSecond, ["interface"], "node_network_receive_drop_total", "system.network.packet.dropped",
        "Packets dropped on receipt";
    NETWORK_TX_DROPS = "network.tx_drops", Rate, PerSecond, ["interface"], "node_network_transmit_drop_total", "system.network.packet.dropped",
        "Packets dropped on sending";
    PRESSURE_CPU_SOME = "pressure.cpu_some", Gauge, Percent, [], "node_pressure_cpu_waiting_seconds_total", "",
        "Share of time in which some task waited for a processor";
    PRESSURE_MEMORY_SOME = "pressure.memory_some", Gauge, Percent, [], "node_pressure_memory_waiting_seconds_total", "",
        "Share of time in which some task waited for memory";
    PRESSURE_MEMORY_FULL = "pressure.memory_full", Gauge, Percent, [], "node_pressure_memory_stalled_seconds_total", "",
        "Share of time in which all tasks waited for memory";
    PRESSURE_IO_SOME = "pressure.io_some", Gauge, Percent, [], "node_pressure_io_waiting_seconds_total", "",
        "Share of time in which some task waited for I/O";
    PRESSURE_IO_FULL = "pressure.io_full", Gauge, Percent, [], "node_pressure_io_stalled_seconds_total", "",
        "Share of time in which all tasks waited for I/O";
    SYSTEM_UPTIME = "system.uptime_seconds", Gauge, Seconds, [], "node_boot_time_seconds", "system.uptime",
        "Time since the kernel started";
    SYSTEM_CONTEXT_SWITCHES = "system.context_switches", Rate, PerSecond, [], "node_context_switches_total", "",
        "Context switches";
    SYSTEM_FORKS = "system.forks", Rate, PerSecond, [], "node_forks_total", "",
        "Processes and threads started";
    PROCESSES_RUNNING = "processes.running", Gauge, Count, [], "node_procs_running", "system.process.count",
        "Tasks that run or could run";
    PROCESSES_BLOCKED = "processes.blocked", Gauge, Count, [], "node_procs_blocked", "system.process.count",
        "Tasks that wait for I/O";
    AGENT_COLLECTOR_UP = "agent.collector_up", Gauge, Count, ["collector"], "node_scrape_collector_success", "",
        "1 where the collector's last reading succeeded, 0 where it failed or timed out";
    AGENT_COLLECTOR_SECONDS = "agent.collector_seconds", Gauge, Seconds, ["collector"], "node_scrape_collector_duration_seconds", "",
        "Time that the collector's last reading took";
}

/// The metric of that name, where sysmon knows it.
pub fn find(name: &str) -> Option<&'static Metric> {
    CATALOGUE.iter().copied().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_dotted_and_lower_case() {
        let mut seen = HashSet::new();
        for metric in CATALOGUE {
            assert!(seen.insert(metric.name), "{} stands twice", metric.name);
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let parts: Vec<_> = metric.name.split('.').collect();
            assert!(
                parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && part.chars().all(legal)),
                "{}",
                metric.name
            );
            assert!(!metric.help.is_empty(), "{}", metric.name);
        }
    }

    #[test]
    fn the_documented_names_are_there() {
        for name in ["cpu.total_usage", "memory.usage_percent", "memory.used_bytes"] {
            assert!(find(name).is_some(), "{name}");
        }
    }
}
