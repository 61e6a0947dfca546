//! The table itself, family by family, in the order in which people read them.

use super::declare::catalogue;
use super::{Kind, Metric, Unit};

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
    CPU_CORE_MODE = "cpu.core_mode", Gauge, Percent, ["core", "mode"], "node_cpu_seconds_total", "",
        "Share of one core's time in a mode; on hosts of at most 16 cores";
    CPU_FREQUENCY = "cpu.frequency_hertz", Gauge, Hertz, [], "node_cpu_scaling_frequency_hertz", "system.cpu.frequency",
        "Clock of the cores, mean of all";
    CPU_CORE_FREQUENCY = "cpu.core_frequency_hertz", Gauge, Hertz, ["core"], "node_cpu_scaling_frequency_hertz", "system.cpu.frequency",
        "Clock of one core; on hosts of at most 64 cores";
    CPU_THROTTLES = "cpu.throttles", Rate, PerSecond, [], "node_cpu_core_throttles_total", "",
        "Times that cores were slowed down for heat, sum of all";
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
    MEMORY_SHARED_BYTES = "memory.shared_bytes", Gauge, Bytes, [], "node_memory_Shmem_bytes", "system.memory.linux.shared",
        "Shared memory and tmpfs";
    MEMORY_ANONYMOUS_BYTES = "memory.anonymous_bytes", Gauge, Bytes, [], "node_memory_AnonPages_bytes", "",
        "Memory of programs that no file backs";
    MEMORY_MAPPED_BYTES = "memory.mapped_bytes", Gauge, Bytes, [], "node_memory_Mapped_bytes", "",
        "Files mapped into programs";
    MEMORY_ACTIVE_BYTES = "memory.active_bytes", Gauge, Bytes, [], "node_memory_Active_bytes", "",
        "Memory used lately";
    MEMORY_INACTIVE_BYTES = "memory.inactive_bytes", Gauge, Bytes, [], "node_memory_Inactive_bytes", "",
        "Memory not used lately, first to be given back";
    MEMORY_DIRTY_BYTES = "memory.dirty_bytes", Gauge, Bytes, [], "node_memory_Dirty_bytes", "",
        "Memory that waits to be written to disk";
    MEMORY_WRITEBACK_BYTES = "memory.writeback_bytes", Gauge, Bytes, [], "node_memory_Writeback_bytes", "",
        "Memory that is being written to disk";
    MEMORY_SLAB_BYTES = "memory.slab_bytes", Gauge, Bytes, [], "node_memory_Slab_bytes", "",
        "The kernel's caches of objects";
    MEMORY_SLAB_RECLAIMABLE_BYTES = "memory.slab_reclaimable_bytes", Gauge, Bytes, [], "node_memory_SReclaimable_bytes", "system.memory.linux.slab.usage",
        "Part of the kernel's caches of objects that can be given back";
    MEMORY_KERNEL_STACK_BYTES = "memory.kernel_stack_bytes", Gauge, Bytes, [], "node_memory_KernelStack_bytes", "",
        "Stacks of tasks in the kernel";
    MEMORY_PAGE_TABLES_BYTES = "memory.page_tables_bytes", Gauge, Bytes, [], "node_memory_PageTables_bytes", "",
        "Page tables";
    MEMORY_LOCKED_BYTES = "memory.locked_bytes", Gauge, Bytes, [], "node_memory_Mlocked_bytes", "",
        "Memory that programs keep from being swapped out";
    MEMORY_COMMITTED_BYTES = "memory.committed_bytes", Gauge, Bytes, [], "node_memory_Committed_AS_bytes", "",
        "Memory that programs were promised";
    MEMORY_COMMIT_LIMIT_BYTES = "memory.commit_limit_bytes", Gauge, Bytes, [], "node_memory_CommitLimit_bytes", "",
        "What may be promised where overcommitting is off";
    MEMORY_HUGE_ANONYMOUS_BYTES = "memory.huge_anonymous_bytes", Gauge, Bytes, [], "node_memory_AnonHugePages_bytes", "",
        "Memory of programs in transparent huge pages";
    MEMORY_CORRUPTED_BYTES = "memory.corrupted_bytes", Gauge, Bytes, [], "node_memory_HardwareCorrupted_bytes", "",
        "Memory taken out of use since it failed";
    MEMORY_HUGE_PAGES_TOTAL = "memory.huge_pages_total", Gauge, Count, [], "node_memory_HugePages_Total", "system.memory.linux.hugepages.limit",
        "Huge pages set aside; the metrics of huge pages are absent where there are none";
    MEMORY_HUGE_PAGES_FREE = "memory.huge_pages_free", Gauge, Count, [], "node_memory_HugePages_Free", "system.memory.linux.hugepages.usage",
        "Huge pages that nobody uses";
    MEMORY_HUGE_PAGES_RESERVED = "memory.huge_pages_reserved", Gauge, Count, [], "node_memory_HugePages_Rsvd", "system.memory.linux.hugepages.reserved",
        "Free huge pages that are promised";
    MEMORY_HUGE_PAGES_USED_BYTES = "memory.huge_pages_used_bytes", Gauge, Bytes, [], "", "",
        "Memory in huge pages that are in use";
    MEMORY_ACTIVE_ANONYMOUS_BYTES = "memory.active_anonymous_bytes", Gauge, Bytes, [], "node_memory_Active_anon_bytes", "",
        "Memory of programs, backed by no file, used lately";
    MEMORY_INACTIVE_ANONYMOUS_BYTES = "memory.inactive_anonymous_bytes", Gauge, Bytes, [], "node_memory_Inactive_anon_bytes", "",
        "Memory of programs, backed by no file, not used lately: first to be swapped out";
    MEMORY_ACTIVE_FILE_BYTES = "memory.active_file_bytes", Gauge, Bytes, [], "node_memory_Active_file_bytes", "",
        "Page cache used lately";
    MEMORY_INACTIVE_FILE_BYTES = "memory.inactive_file_bytes", Gauge, Bytes, [], "node_memory_Inactive_file_bytes", "",
        "Page cache not used lately: first to be given back";
    MEMORY_UNEVICTABLE_BYTES = "memory.unevictable_bytes", Gauge, Bytes, [], "node_memory_Unevictable_bytes", "",
        "Memory that cannot be given back or swapped out";
    MEMORY_SLAB_UNRECLAIMABLE_BYTES = "memory.slab_unreclaimable_bytes", Gauge, Bytes, [], "node_memory_SUnreclaim_bytes", "",
        "Part of the kernel's caches of objects that cannot be given back";
    MEMORY_PER_CPU_BYTES = "memory.per_cpu_bytes", Gauge, Bytes, [], "node_memory_Percpu_bytes", "",
        "What the kernel keeps once for each processor";
    MEMORY_VMALLOC_BYTES = "memory.vmalloc_bytes", Gauge, Bytes, [], "node_memory_VmallocUsed_bytes", "",
        "Memory of the kernel that is contiguous by its addresses alone";
    MEMORY_HUGE_SHARED_BYTES = "memory.huge_shared_bytes", Gauge, Bytes, [], "node_memory_ShmemHugePages_bytes", "",
        "Shared memory in transparent huge pages";
    MEMORY_HUGE_FILE_BYTES = "memory.huge_file_bytes", Gauge, Bytes, [], "node_memory_FileHugePages_bytes", "",
        "Page cache in transparent huge pages";
    MEMORY_PAGE_FAULTS = "memory.page_faults", Rate, PerSecond, [], "node_vmstat_pgfault", "system.paging.faults",
        "Page faults";
    MEMORY_MAJOR_FAULTS = "memory.major_faults", Rate, PerSecond, [], "node_vmstat_pgmajfault", "system.paging.faults",
        "Page faults that had to read from disk";
    MEMORY_PAGED_IN_BYTES = "memory.paged_in_bytes", Rate, BytesPerSecond, [], "node_vmstat_pgpgin", "",
        "Read from block devices into memory";
    MEMORY_PAGED_OUT_BYTES = "memory.paged_out_bytes", Rate, BytesPerSecond, [], "node_vmstat_pgpgout", "",
        "Written from memory to block devices";
    MEMORY_SCANNED_PAGES = "memory.scanned_pages", Rate, PerSecond, [], "", "",
        "Pages that the kernel looked at to find some to give back";
    MEMORY_RECLAIM_STALLS = "memory.reclaim_stalls", Rate, PerSecond, [], "", "",
        "Times that a program had to wait until memory was found";
    MEMORY_REFAULTS = "memory.refaults", Rate, PerSecond, [], "", "",
        "Pages that were given back and needed again soon after: memory is too small";
    MEMORY_FREED_PAGES = "memory.freed_pages", Rate, PerSecond, [], "node_vmstat_pgfree", "",
        "Pages freed";
    MEMORY_ACTIVATED_PAGES = "memory.activated_pages", Rate, PerSecond, [], "node_vmstat_pgactivate", "",
        "Pages that turned out to be in use";
    MEMORY_DEACTIVATED_PAGES = "memory.deactivated_pages", Rate, PerSecond, [], "node_vmstat_pgdeactivate", "",
        "Pages that were no longer in use";
    MEMORY_HUGE_FAULTS = "memory.huge_faults", Rate, PerSecond, [], "node_vmstat_thp_fault_alloc", "",
        "Page faults that were given a huge page";
    MEMORY_HUGE_FALLBACKS = "memory.huge_fallbacks", Rate, PerSecond, [], "node_vmstat_thp_fault_fallback", "",
        "Page faults that would have been given a huge page if there had been one";
    MEMORY_COMPACT_STALLS = "memory.compact_stalls", Rate, PerSecond, [], "node_vmstat_compact_stall", "",
        "Times that a program had to wait until memory was moved together";
    MEMORY_DIRTIED_PAGES = "memory.dirtied_pages", Rate, PerSecond, [], "node_vmstat_nr_dirtied", "",
        "Pages of files that were changed";
    MEMORY_WRITTEN_PAGES = "memory.written_pages", Rate, PerSecond, [], "node_vmstat_nr_written", "",
        "Pages of files that were written back";
    MEMORY_RECLAIMED_PAGES = "memory.reclaimed_pages", Rate, PerSecond, [], "", "",
        "Pages that were found to give back";
    MEMORY_OOM_KILLS = "memory.oom_kills", Rate, PerSecond, [], "node_vmstat_oom_kill", "",
        "Processes killed for want of memory";
    SWAP_TOTAL_BYTES = "swap.total_bytes", Gauge, Bytes, [], "node_memory_SwapTotal_bytes", "system.paging.usage",
        "Swap space";
    SWAP_USED_BYTES = "swap.used_bytes", Gauge, Bytes, [], "node_memory_SwapFree_bytes", "system.paging.usage",
        "Swap space in use";
    SWAP_USAGE_PERCENT = "swap.usage_percent", Gauge, Percent, [], "node_memory_SwapFree_bytes", "system.paging.utilization",
        "Share of swap space in use";
    SWAP_CACHED_BYTES = "swap.cached_bytes", Gauge, Bytes, [], "node_memory_SwapCached_bytes", "",
        "Memory that is in swap space too";
    SWAP_COMPRESSED_BYTES = "swap.compressed_bytes", Gauge, Bytes, [], "node_memory_Zswap_bytes", "",
        "Memory taken by what is swapped into compressed memory";
    SWAP_UNCOMPRESSED_BYTES = "swap.uncompressed_bytes", Gauge, Bytes, [], "node_memory_Zswapped_bytes", "",
        "What that would take uncompressed";
    SWAP_IN_BYTES = "swap.in_bytes", Rate, BytesPerSecond, [], "node_vmstat_pswpin", "system.paging.operations",
        "Read back from swap space";
    SWAP_OUT_BYTES = "swap.out_bytes", Rate, BytesPerSecond, [], "node_vmstat_pswpout", "system.paging.operations",
        "Written to swap space";
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
    DISK_INODES_USAGE_PERCENT = "disk.inodes_usage_percent", Gauge, Percent, ["mount"], "node_filesystem_files_free", "",
        "Share of inodes in use";
    DISK_READ_ONLY = "disk.read_only", Gauge, Count, ["mount"], "node_filesystem_readonly", "",
        "1 where the file system cannot be written to, 0 where it can";
    DISK_ANSWERS = "disk.answers", Gauge, Count, ["mount"], "node_filesystem_device_error", "",
        "Of file systems on other machines: 1 where it answered in time, 0 where it hangs or fails";
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
    NETWORK_UP = "network.up", Gauge, Count, ["interface"], "node_network_up", "hw.network.up",
        "1 where the interface can carry traffic, 0 where not";
    NETWORK_SPEED = "network.speed", Gauge, BitsPerSecond, ["interface"], "node_network_speed_bytes", "hw.network.bandwidth.limit",
        "Speed of the link, where it is known";
    NETWORK_CARRIER_CHANGES = "network.carrier_changes", Rate, PerSecond, ["interface"], "node_network_carrier_changes_total", "",
        "Times that the link came or went";
    NETWORK_QUEUE_PACKETS = "network.queue_packets", Rate, PerSecond, [], "node_softnet_processed_total", "",
        "Packets that processors took from their queues";
    NETWORK_QUEUE_DROPS = "network.queue_drops", Rate, PerSecond, [], "node_softnet_dropped_total", "",
        "Packets dropped since a processor's queue was full";
    NETWORK_QUEUE_SQUEEZES = "network.queue_squeezes", Rate, PerSecond, [], "node_softnet_times_squeezed_total", "",
        "Times that a processor stopped taking packets before its queue was empty";
    NETWORK_CONNTRACK_ENTRIES = "network.conntrack_entries", Gauge, Count, [], "node_nf_conntrack_entries", "",
        "Connections that the firewall keeps track of";
    NETWORK_CONNTRACK_LIMIT = "network.conntrack_limit", Gauge, Count, [], "node_nf_conntrack_entries_limit", "",
        "Connections that the firewall can keep track of; beyond it packets are dropped";
    IP_FORWARDED = "ip.forwarded", Rate, PerSecond, [], "node_netstat_Ip_ForwDatagrams", "",
        "Packets passed on to other hosts (IPv4)";
    IP_DISCARDS_IN = "ip.discards_in", Rate, PerSecond, [], "node_netstat_Ip_InDiscards", "",
        "Good packets received and dropped, for want of memory above all (IPv4)";
    IP_DISCARDS_OUT = "ip.discards_out", Rate, PerSecond, [], "node_netstat_Ip_OutDiscards", "",
        "Good packets not sent, for want of memory above all (IPv4)";
    IP_NO_ROUTES = "ip.no_routes", Rate, PerSecond, [], "node_netstat_Ip_OutNoRoutes", "",
        "Packets not sent since no route leads to their host (IPv4)";
    IP_REASSEMBLY_FAILS = "ip.reassembly_fails", Rate, PerSecond, [], "node_netstat_Ip_ReasmFails", "",
        "Packets in parts that could not be put together (IPv4)";
    IP_FRAGMENT_FAILS = "ip.fragment_fails", Rate, PerSecond, [], "node_netstat_Ip_FragFails", "",
        "Packets too large for the way that were not taken apart (IPv4)";
    IP_ICMP_IN = "ip.icmp_in", Rate, PerSecond, [], "node_netstat_Icmp_InMsgs", "",
        "Messages of ICMP received (IPv4)";
    IP_ICMP_OUT = "ip.icmp_out", Rate, PerSecond, [], "node_netstat_Icmp_OutMsgs", "",
        "Messages of ICMP sent (IPv4)";
    IP_ICMP_ERRORS = "ip.icmp_errors", Rate, PerSecond, [], "node_netstat_Icmp_InErrors", "",
        "Messages of ICMP received with an error (IPv4)";
    IP_UNREACHABLE = "ip.unreachable", Rate, PerSecond, [], "node_netstat_Icmp_InDestUnreachs", "",
        "Answers that a host or port cannot be reached (IPv4)";
    SOCKETS_USED = "sockets.used", Gauge, Count, [], "node_sockstat_sockets_used", "",
        "Open sockets of all kinds";
    SOCKETS_RAW = "sockets.raw", Gauge, Count, [], "node_sockstat_RAW_inuse", "",
        "Raw sockets";
    TCP_SOCKETS = "tcp.sockets", Gauge, Count, [], "node_sockstat_TCP_inuse", "",
        "TCP sockets in use, listening ones too";
    TCP_ALLOCATED = "tcp.allocated", Gauge, Count, [], "node_sockstat_TCP_alloc", "",
        "TCP sockets that exist, in use or not";
    TCP_ORPHANS = "tcp.orphans", Gauge, Count, [], "node_sockstat_TCP_orphan", "",
        "TCP sockets that no program holds any more";
    TCP_TIME_WAIT = "tcp.time_wait", Gauge, Count, [], "node_sockstat_TCP_tw", "",
        "TCP connections that were closed a moment ago";
    TCP_MEMORY_BYTES = "tcp.memory_bytes", Gauge, Bytes, [], "node_sockstat_TCP_mem_bytes", "",
        "Memory of TCP buffers";
    TCP_ESTABLISHED = "tcp.established", Gauge, Count, [], "node_netstat_Tcp_CurrEstab", "system.network.connection.count",
        "TCP connections that are open";
    TCP_CONNECTIONS = "tcp.connections", Gauge, Count, ["state"], "node_tcp_connection_states", "system.network.connection.count",
        "TCP connections by state; absent where there are more than 32768, which the collector's health says";
    TCP_OPENED = "tcp.opened", Rate, PerSecond, [], "node_netstat_Tcp_ActiveOpens", "",
        "Connections that this host began";
    TCP_ACCEPTED = "tcp.accepted", Rate, PerSecond, [], "node_netstat_Tcp_PassiveOpens", "",
        "Connections that others began";
    TCP_FAILED = "tcp.failed", Rate, PerSecond, [], "node_netstat_Tcp_AttemptFails", "",
        "Connections that could not be made";
    TCP_RESETS = "tcp.resets", Rate, PerSecond, [], "node_netstat_Tcp_EstabResets", "",
        "Open connections that were reset";
    TCP_SEGMENTS_IN = "tcp.segments_in", Rate, PerSecond, [], "node_netstat_Tcp_InSegs", "",
        "Segments received";
    TCP_SEGMENTS_OUT = "tcp.segments_out", Rate, PerSecond, [], "node_netstat_Tcp_OutSegs", "",
        "Segments sent, repeated ones left out";
    TCP_RETRANSMITS = "tcp.retransmits", Rate, PerSecond, [], "node_netstat_Tcp_RetransSegs", "",
        "Segments sent again";
    TCP_ERRORS_IN = "tcp.errors_in", Rate, PerSecond, [], "node_netstat_Tcp_InErrs", "",
        "Segments received with an error";
    TCP_RESETS_OUT = "tcp.resets_out", Rate, PerSecond, [], "node_netstat_Tcp_OutRsts", "",
        "Resets sent";
    TCP_LISTEN_OVERFLOWS = "tcp.listen_overflows", Rate, PerSecond, [], "node_netstat_TcpExt_ListenOverflows", "",
        "Connections refused since a program did not accept them fast enough";
    TCP_LISTEN_DROPS = "tcp.listen_drops", Rate, PerSecond, [], "node_netstat_TcpExt_ListenDrops", "",
        "Connections refused by listening sockets for any reason";
    TCP_SYN_RETRANSMITS = "tcp.syn_retransmits", Rate, PerSecond, [], "node_netstat_TcpExt_TCPSynRetrans", "",
        "First segments of connections sent again";
    TCP_TIMEOUTS = "tcp.timeouts", Rate, PerSecond, [], "node_netstat_TcpExt_TCPTimeouts", "",
        "Segments that nobody acknowledged in time";
    TCP_SYN_COOKIES = "tcp.syn_cookies", Rate, PerSecond, [], "node_netstat_TcpExt_SyncookiesSent", "",
        "Connections answered without keeping state: many at once, or an attack";
    TCP_RECEIVE_DROPS = "tcp.receive_drops", Rate, PerSecond, [], "node_netstat_TcpExt_TCPRcvQDrop", "",
        "Segments dropped since a program did not read them";
    TCP_LOST_RETRANSMITS = "tcp.lost_retransmits", Rate, PerSecond, [], "node_netstat_TcpExt_TCPLostRetransmit", "",
        "Segments sent again that were lost again";
    TCP_FAST_RETRANSMITS = "tcp.fast_retransmits", Rate, PerSecond, [], "node_netstat_TcpExt_TCPFastRetrans", "",
        "Segments sent again at once, since later ones had arrived";
    TCP_SLOW_START_RETRANSMITS = "tcp.slow_start_retransmits", Rate, PerSecond, [], "node_netstat_TcpExt_TCPSlowStartRetrans", "",
        "Segments sent again after a loss of many";
    TCP_SPURIOUS_TIMEOUTS = "tcp.spurious_timeouts", Rate, PerSecond, [], "node_netstat_TcpExt_TCPSpuriousRTOs", "",
        "Timeouts of segments that had arrived";
    TCP_DUPLICATES_REPORTED = "tcp.duplicates_reported", Rate, PerSecond, [], "node_netstat_TcpExt_TCPDSACKRecv", "",
        "Times that the other side said it had a segment twice";
    TCP_OUT_OF_ORDER = "tcp.out_of_order", Rate, PerSecond, [], "node_netstat_TcpExt_TCPOFOQueue", "",
        "Segments received before those that they follow";
    TCP_ABORTED_TIMEOUT = "tcp.aborted_timeout", Rate, PerSecond, [], "node_netstat_TcpExt_TCPAbortOnTimeout", "",
        "Connections given up since the other side did not answer";
    TCP_ABORTED_MEMORY = "tcp.aborted_memory", Rate, PerSecond, [], "node_netstat_TcpExt_TCPAbortOnMemory", "",
        "Connections given up for want of memory";
    TCP_MEMORY_PRESSURES = "tcp.memory_pressures", Rate, PerSecond, [], "node_netstat_TcpExt_TCPMemoryPressures", "",
        "Times that memory for buffers became short";
    TCP_PRUNED = "tcp.pruned", Rate, PerSecond, [], "node_netstat_TcpExt_PruneCalled", "",
        "Times that a full buffer was searched for what could be dropped";
    TCP_BACKLOG_DROPS = "tcp.backlog_drops", Rate, PerSecond, [], "node_netstat_TcpExt_TCPBacklogDrop", "",
        "Segments dropped since a connection was busy with earlier ones";
    TCP_REQUEST_DROPS = "tcp.request_drops", Rate, PerSecond, [], "node_netstat_TcpExt_TCPReqQFullDrop", "",
        "Connections refused since too many were being made";
    TCP_RETRANSMIT_PERCENT = "tcp.retransmit_percent", Gauge, Percent, [], "", "",
        "Share of sent segments that were sent again; absent where none was sent";
    UDP_SOCKETS = "udp.sockets", Gauge, Count, [], "node_sockstat_UDP_inuse", "",
        "UDP sockets in use";
    UDP_MEMORY_BYTES = "udp.memory_bytes", Gauge, Bytes, [], "node_sockstat_UDP_mem_bytes", "",
        "Memory of UDP buffers";
    UDP_DATAGRAMS_IN = "udp.datagrams_in", Rate, PerSecond, [], "node_netstat_Udp_InDatagrams", "",
        "Datagrams received";
    UDP_DATAGRAMS_OUT = "udp.datagrams_out", Rate, PerSecond, [], "node_netstat_Udp_OutDatagrams", "",
        "Datagrams sent";
    UDP_NO_PORT = "udp.no_port", Rate, PerSecond, [], "node_netstat_Udp_NoPorts", "",
        "Datagrams received for a port that nobody listens on";
    UDP_ERRORS_IN = "udp.errors_in", Rate, PerSecond, [], "node_netstat_Udp_InErrors", "",
        "Datagrams that were received and could not be delivered";
    UDP_RECEIVE_DROPS = "udp.receive_drops", Rate, PerSecond, [], "node_netstat_Udp_RcvbufErrors", "",
        "Datagrams dropped since a program did not read them";
    UDP_SEND_DROPS = "udp.send_drops", Rate, PerSecond, [], "node_netstat_Udp_SndbufErrors", "",
        "Datagrams not sent since a buffer was full";
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
    SYSTEM_INTERRUPTS = "system.interrupts", Rate, PerSecond, [], "node_intr_total", "",
        "Interrupts";
    SYSTEM_SOFTIRQS = "system.softirqs", Rate, PerSecond, [], "", "",
        "Soft interrupts";
    SYSTEM_SOFTIRQ = "system.softirq", Rate, PerSecond, ["kind"], "node_softirqs_total", "",
        "Soft interrupts of one kind: `net_rx` is packets received, `sched` the scheduler";
    SYSTEM_FORKS = "system.forks", Rate, PerSecond, [], "node_forks_total", "system.process.created",
        "Processes and threads started";
    SYSTEM_OPEN_FILES = "system.open_files", Gauge, Count, [], "node_filefd_allocated", "",
        "Open files of all processes";
    SYSTEM_OPEN_FILES_LIMIT = "system.open_files_limit", Gauge, Count, [], "node_filefd_maximum", "",
        "Open files that the kernel allows; absent where it sets no limit";
    SYSTEM_ENTROPY_BITS = "system.entropy_bits", Gauge, Count, [], "node_entropy_available_bits", "",
        "Random bits that the kernel has gathered";
    CLOCK_SYNCHRONIZED = "clock.synchronized", Gauge, Count, [], "", "",
        "1 where the clock is kept by a server or another source of time, 0 where not; absent where nothing tells";
    CLOCK_MAX_ERROR = "clock.max_error_seconds", Gauge, Seconds, [], "node_timex_maxerror_seconds", "",
        "Error of the clock at most; 0.5 ms more each second until it is corrected, up to 16 s";
    CLOCK_ESTIMATED_ERROR = "clock.estimated_error_seconds", Gauge, Seconds, [], "node_timex_estimated_error_seconds", "",
        "Error of the clock as estimated by the program that keeps it; 0 where that estimates none";
    CLOCK_OFFSET = "clock.offset_seconds", Gauge, Seconds, [], "node_timex_offset_seconds", "",
        "What the kernel has yet to move the clock by, below 0 where it is ahead; 0 where a program moves it by itself";
    CLOCK_CORRECTION = "clock.correction_ppm", Gauge, Count, [], "", "",
        "How much faster than its oscillator the clock is made to run, parts per million, size alone";
    CLOCK_STEP_SECONDS = "clock.step_seconds", Gauge, Seconds, [], "", "",
        "How far the clock was set at once, either way, since the reading before";
    PROCESSES_RUNNING = "processes.running", Gauge, Count, [], "node_procs_running", "system.process.count",
        "Tasks that run or could run";
    PROCESSES_BLOCKED = "processes.blocked", Gauge, Count, [], "node_procs_blocked", "system.process.count",
        "Tasks that wait for I/O";
    PROCESSES_THREADS = "processes.threads", Gauge, Count, [], "node_processes_threads", "",
        "Threads of all processes";
    PROCESSES_TOTAL = "processes.total", Gauge, Count, [], "node_processes_pids", "system.process.count",
        "Processes; absent, as are their states, where the host hides those of other users (hidepid)";
    PROCESSES_SLEEPING = "processes.sleeping", Gauge, Count, [], "node_processes_state", "system.process.count",
        "Processes whose first thread waits";
    PROCESSES_STOPPED = "processes.stopped", Gauge, Count, [], "node_processes_state", "system.process.count",
        "Processes that are stopped or traced";
    PROCESSES_ZOMBIES = "processes.zombies", Gauge, Count, [], "node_processes_state", "system.process.count",
        "Processes that ended and that their parents have not asked for";
    SENSORS_TEMPERATURE = "sensors.temperature", Gauge, Celsius, ["chip", "sensor"], "node_hwmon_temp_celsius", "hw.temperature",
        "Temperature";
    SENSORS_TEMPERATURE_CRITICAL = "sensors.temperature_critical", Gauge, Celsius, ["chip", "sensor"], "node_hwmon_temp_crit_celsius", "hw.temperature.limit",
        "Temperature at which the hardware protects itself, where it says";
    SENSORS_FAN = "sensors.fan_speed", Gauge, TurnsPerMinute, ["chip", "sensor"], "node_hwmon_fan_rpm", "hw.fan.speed",
        "Speed of a fan";
    SENSORS_VOLTAGE = "sensors.voltage", Gauge, Volts, ["chip", "sensor"], "node_hwmon_in_volts", "hw.voltage",
        "Voltage";
    SENSORS_CURRENT = "sensors.current", Gauge, Amperes, ["chip", "sensor"], "node_hwmon_curr_amps", "",
        "Current";
    SENSORS_POWER = "sensors.power", Gauge, Watts, ["chip", "sensor"], "node_hwmon_power_watt", "hw.power",
        "Power taken";
    BATTERY_CHARGE = "battery.charge_percent", Gauge, Percent, ["battery"], "node_power_supply_capacity", "hw.battery.charge",
        "Charge";
    BATTERY_HEALTH = "battery.health_percent", Gauge, Percent, ["battery"], "", "",
        "What a full charge is of what it was when new";
    BATTERY_POWER = "battery.power", Gauge, Watts, ["battery"], "", "hw.power",
        "Power going in or out";
    BATTERY_CHARGING = "battery.charging", Gauge, Count, ["battery"], "", "",
        "1 where it is being charged or full, 0 where it is being drained";
    BATTERY_CYCLES = "battery.cycles", Gauge, Count, ["battery"], "node_power_supply_cyclecount", "",
        "Times that it was charged in full";
    BATTERY_MAINS = "battery.mains", Gauge, Count, ["supply"], "node_power_supply_online", "",
        "1 where power comes from the mains, 0 where not";
    RAID_ACTIVE = "raid.active", Gauge, Count, ["array"], "node_md_state", "",
        "1 where the array works, 0 where it is stopped or broken";
    RAID_DISKS_REQUIRED = "raid.disks_required", Gauge, Count, ["array"], "node_md_disks_required", "",
        "Disks that the array should have";
    RAID_DISKS_ACTIVE = "raid.disks_active", Gauge, Count, ["array"], "node_md_disks", "",
        "Disks that work in the array";
    RAID_DISKS_MISSING = "raid.disks_missing", Gauge, Count, ["array"], "node_md_disks", "",
        "Disks that the array should have and does not";
    RAID_DISKS_FAILED = "raid.disks_failed", Gauge, Count, ["array"], "node_md_disks", "",
        "Disks of the array that are marked as failed";
    RAID_DISKS_SPARE = "raid.disks_spare", Gauge, Count, ["array"], "node_md_disks", "",
        "Disks that wait to take the place of a failed one";
    RAID_SYNC_PERCENT = "raid.sync_percent", Gauge, Percent, ["array"], "", "",
        "How far a rebuild, check or resync has come, 0 while it waits; absent where there is none";
    SERVICE_CPU_PERCENT = "service.cpu_percent", Gauge, Percent, ["service"], "", "",
        "Share of all cores' time that the systemd service took";
    SERVICE_CPU_THROTTLED_PERCENT = "service.cpu_throttled_percent", Gauge, Percent, ["service"], "", "",
        "Share of periods in which the systemd service was held back by its limit of CPU; absent without one";
    SERVICE_MEMORY_BYTES = "service.memory_bytes", Gauge, Bytes, ["service"], "", "",
        "Memory of the systemd service, less page cache not used lately";
    SERVICE_MEMORY_PERCENT = "service.memory_percent", Gauge, Percent, ["service"], "", "",
        "Memory of the systemd service as share of its limit; absent without one";
    SERVICE_OOM_KILLS = "service.oom_kills", Rate, PerSecond, ["service"], "", "",
        "Processes of the systemd service killed for want of memory";
    SERVICE_READ_BYTES = "service.read_bytes", Rate, BytesPerSecond, ["service"], "", "",
        "Bytes that the systemd service read from block devices";
    SERVICE_WRITE_BYTES = "service.write_bytes", Rate, BytesPerSecond, ["service"], "", "",
        "Bytes that the systemd service wrote to block devices";
    SERVICE_TASKS = "service.tasks", Gauge, Count, ["service"], "", "",
        "Threads of the systemd service";
    CONTAINER_CPU_PERCENT = "container.cpu_percent", Gauge, Percent, ["container"], "", "container.cpu.usage",
        "Share of all cores' time that the container took";
    CONTAINER_CPU_THROTTLED_PERCENT = "container.cpu_throttled_percent", Gauge, Percent, ["container"], "", "",
        "Share of periods in which the container was held back by its limit of CPU; absent without one";
    CONTAINER_MEMORY_BYTES = "container.memory_bytes", Gauge, Bytes, ["container"], "", "container.memory.usage",
        "Memory of the container, less page cache not used lately";
    CONTAINER_MEMORY_PERCENT = "container.memory_percent", Gauge, Percent, ["container"], "", "",
        "Memory of the container as share of its limit; absent without one";
    CONTAINER_OOM_KILLS = "container.oom_kills", Rate, PerSecond, ["container"], "", "",
        "Processes of the container killed for want of memory";
    CONTAINER_READ_BYTES = "container.read_bytes", Rate, BytesPerSecond, ["container"], "", "container.disk.io",
        "Bytes that the container read from block devices";
    CONTAINER_WRITE_BYTES = "container.write_bytes", Rate, BytesPerSecond, ["container"], "", "container.disk.io",
        "Bytes that the container wrote to block devices";
    CONTAINER_TASKS = "container.tasks", Gauge, Count, ["container"], "", "",
        "Threads of the container";
    LIMIT_CPU_CORES = "limit.cpu_cores", Gauge, Count, [], "", "",
        "Cores that the container in which the agent runs may use; absent outside of one and without a limit";
    LIMIT_CPU_PERCENT = "limit.cpu_percent", Gauge, Percent, [], "", "",
        "Share of that which is used";
    LIMIT_CPU_THROTTLED_PERCENT = "limit.cpu_throttled_percent", Gauge, Percent, [], "", "",
        "Share of periods in which the container was held back by its limit of CPU";
    LIMIT_MEMORY_BYTES = "limit.memory_bytes", Gauge, Bytes, [], "", "",
        "Memory that the container in which the agent runs may use; absent outside of one and without a limit";
    LIMIT_MEMORY_USED_BYTES = "limit.memory_used_bytes", Gauge, Bytes, [], "", "",
        "Memory that the container uses, less page cache not used lately";
    LIMIT_MEMORY_PERCENT = "limit.memory_percent", Gauge, Percent, [], "", "",
        "Share of that limit in use";
    TEXTFILE_MTIME_SECONDS = "textfile.mtime_seconds", Gauge, Seconds, ["file"], "node_textfile_mtime_seconds", "",
        "When the file of own metrics was written, Unix seconds";
    TEXTFILE_UP = "textfile.up", Gauge, Count, ["file"], "", "",
        "1 where the file of own metrics could be read, 0 where it is wrong and gives nothing";
    AGENT_COLLECTOR_UP = "agent.collector_up", Gauge, Count, ["collector"], "", "",
        "1 where the collector's last reading succeeded, 0 where it failed or timed out";
    AGENT_COLLECTOR_SECONDS = "agent.collector_seconds", Gauge, Seconds, ["collector"], "", "",
        "Time that the collector's last reading took";
}
