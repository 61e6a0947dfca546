//! Hosts as an agent sees them: shares of time and rates as ratios over ticks and milliseconds that jitter, memory in
//! pages, disks and interfaces with bursts, and much that hardly moves.

use std::sync::Arc;
use sysmond_model::{Frame, HostInfo, Series, Shape, Timestamp};
use sysmond_tsdb::Append;

/// All hosts.
pub(crate) struct Feed {
    hosts: Vec<Host>,
    shape: Arc<Shape>,
}

struct Host {
    name: String,
    random: Random,
    load: f64,
    memory_pages: f64,
    disk_blocks: f64,
    cached_pages: f64,
}

/// A small generator: the feed has to be the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// 0 to `bound`, less than it.
    fn below(&mut self, bound: u64) -> f64 {
        (self.next() % bound.max(1)) as f64
    }

    /// Around 0.
    fn around(&mut self, width: u64) -> f64 {
        self.below(width) + self.below(width) - self.below(width) - self.below(width)
    }
}

const CORES: usize = 4;
const TOTAL_PAGES: f64 = 4_194_304.0;

impl Feed {
    /// That many hosts.
    pub(crate) fn new(hosts: usize) -> Self {
        let host = |n: usize| Host {
            name: format!("host-{n}"),
            random: Random(0x9e37_79b9_7f4a_7c15 ^ (n as u64 + 1).wrapping_mul(0x00c2_b2ae_3d27_d4eb)),
            load: 10.0 + (n % 50) as f64,
            memory_pages: 1_000_000.0 + (n * 1000) as f64,
            disk_blocks: 5_000_000.0,
            cached_pages: 900_000.0,
        };
        Self { hosts: (0..hosts).map(host).collect(), shape: Shape::new(series()) }
    }

    /// One push of each host.
    pub(crate) fn round(&mut self, at: i64, ticks: i64, tick_ms: i64) -> Vec<Append> {
        let shape = &self.shape;
        self.hosts
            .iter_mut()
            .map(|host| {
                let mut frame = Frame::new(shape.clone());
                for tick in 0..ticks {
                    let values = host.tick();
                    frame.push_row(Timestamp::from_millis(at + tick * tick_ms), &values);
                }
                let info = HostInfo {
                    hostname: host.name.clone(),
                    version: "0.5.0".into(),
                    platform: "Linux".into(),
                    tags: [].into(),
                };
                Append {
                    host: info,
                    static_info: None,
                    received: Timestamp::from_millis(at + ticks * tick_ms),
                    frame,
                }
            })
            .collect()
    }
}

fn series() -> Vec<Series> {
    let mut series: Vec<Series> = [
        "cpu.total_usage",
        "cpu.user",
        "cpu.system",
        "cpu.nice",
        "cpu.idle",
        "cpu.iowait",
        "cpu.irq",
        "cpu.softirq",
        "cpu.steal",
        "load.avg_1m",
        "load.avg_5m",
        "load.avg_15m",
        "memory.total_bytes",
        "memory.used_bytes",
        "memory.available_bytes",
        "memory.free_bytes",
        "memory.cached_bytes",
        "memory.buffers_bytes",
        "memory.usage_percent",
        "swap.total_bytes",
        "swap.used_bytes",
        "system.context_switches",
        "system.forks",
        "processes.running",
        "system.uptime_seconds",
    ]
    .into_iter()
    .map(|name| Series::new(name, ""))
    .collect();
    series.extend((0..CORES).map(|core| Series::new("cpu.core_usage", format!("core={core}"))));
    for name in [
        "disk.total_bytes",
        "disk.used_bytes",
        "disk.available_bytes",
        "disk.usage_percent",
        "disk.inodes_used",
    ] {
        series.push(Series::new(name, "mount=/"));
    }
    for device in ["device=sda", "device=sdb"] {
        for name in [
            "disk.read_bytes",
            "disk.write_bytes",
            "disk.reads",
            "disk.writes",
            "disk.queue",
            "disk.busy_percent",
        ] {
            series.push(Series::new(name, device));
        }
    }
    for interface in ["interface=eth0", "interface=eth1"] {
        for name in ["rx_bytes", "tx_bytes", "rx_packets", "tx_packets", "rx_errors", "tx_errors", "rx_drops"]
        {
            series.push(Series::new(format!("network.{name}"), interface));
        }
    }
    series
}

impl Host {
    fn tick(&mut self) -> Vec<f64> {
        let random = &mut self.random;
        self.load = (self.load + random.around(4)).clamp(1.0, 95.0);
        let mut out = Vec::with_capacity(60);
        let millis = 2000.0 + if random.below(10) < 1.0 { 1.0 } else { 0.0 }
            - if random.below(10) < 1.0 { 1.0 } else { 0.0 };
        let total = (CORES * 200) as f64 + random.around(2).round();
        let busy = (self.load * 6.0 + random.around(20)).clamp(0.0, 600.0).round();
        let system = (self.load * 1.5 + random.around(8)).clamp(0.0, 150.0).round();
        let iowait = if random.below(20) < 1.0 { random.below(12) } else { 0.0 };
        let softirq = random.below(3);
        let idle = (total - busy - system - iowait - softirq).max(0.0);
        for part in [total - idle - iowait, busy, system, 0.0, idle, iowait, 0.0, softirq, 0.0] {
            out.push(percent(part, total));
        }
        for scale in [1.0, 0.9, 0.8] {
            out.push((self.load * scale).round() / 100.0);
        }
        self.memory_pages =
            (self.memory_pages + random.around(200)).clamp(100_000.0, TOTAL_PAGES - 100_000.0);
        self.cached_pages = (self.cached_pages + random.around(40)).clamp(10_000.0, 1_000_000.0);
        let (whole, used) = (TOTAL_PAGES * 4096.0, self.memory_pages * 4096.0);
        let cached = self.cached_pages * 4096.0;
        out.extend([
            whole,
            used,
            whole - used,
            (whole - used - cached).max(0.0),
            cached,
            81_920_000.0,
            percent(used, whole),
        ]);
        out.extend([2_147_483_648.0, 0.0]);
        let rate = |count: f64| 1000.0 * count / millis;
        out.extend([
            rate(3000.0 + self.load * 40.0 + random.around(300)),
            rate(random.below(12)),
            1.0 + random.below(4),
        ]);
        out.push((self.random.0 % 1000) as f64 / 100.0 + 1e6);
        let random = &mut self.random;
        for _ in 0..CORES {
            let whole = 200.0 + random.around(1);
            out.push(percent((self.load * 2.0 + random.around(6)).clamp(0.0, 199.0).round(), whole));
        }
        self.disks(millis, &mut out);
        self.interfaces(millis, &mut out);
        out
    }

    fn disks(&mut self, millis: f64, out: &mut Vec<f64>) {
        let random = &mut self.random;
        let rate = |count: f64| 1000.0 * count / millis;
        self.disk_blocks += random.below(4);
        let (size, blocks) = (40_000_000.0 * 4096.0, self.disk_blocks * 4096.0);
        out.extend([
            size,
            blocks,
            size - blocks - 1e9,
            percent(blocks, size - 1e9),
            512_000.0 + (self.disk_blocks / 50.0).round(),
        ]);
        for device in 0..2 {
            let busy = device == 0 && random.below(3) < 1.0;
            let (reads, writes) =
                if busy { (random.below(5), random.below(60)) } else { (0.0, random.below(2)) };
            out.extend([
                rate(reads * 8192.0),
                rate(writes * 4096.0 * (1.0 + random.below(4))),
                rate(reads),
                rate(writes),
            ]);
            let work = writes * (1.0 + random.below(6));
            out.extend([work / millis, percent((work / 4.0).round(), millis).min(100.0)]);
        }
    }

    fn interfaces(&mut self, millis: f64, out: &mut Vec<f64>) {
        let random = &mut self.random;
        let rate = |count: f64| 1000.0 * count / millis;
        for interface in 0..2 {
            let packets = if interface == 0 { self.load * 20.0 + random.below(400) } else { 0.0 };
            let sent = (packets * 0.8).round();
            out.extend([
                rate((packets * 700.0 + random.below(5000)) * f64::from(u8::from(packets > 0.0))),
                rate(sent * 300.0),
                rate(packets.round()),
                rate(sent),
            ]);
            out.extend([0.0, 0.0, 0.0]);
        }
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    100.0 * part / whole
}
