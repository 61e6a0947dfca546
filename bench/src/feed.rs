//! Hosts as an agent sees them: shares of time and rates as ratios over ticks and milliseconds that jitter, memory in
//! pages, disks and interfaces with bursts, and much that hardly moves. Made anew in each run, the same each time.

use std::sync::Arc;
use sysmond_model::{Frame, Series, Shape, Timestamp};

const CORES: usize = 4;
const TOTAL_PAGES: f64 = 4_194_304.0;
/// Bytes of a page of memory and of a block of a file system.
const PAGE: f64 = 4096.0;

/// One host and where its figures stand.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    random: Random,
    load: f64,
    memory_pages: f64,
    disk_blocks: f64,
    cached_pages: f64,
    uptime_ms: f64,
}

/// A small generator: the feed has to be the same in each run.
#[derive(Clone, Debug)]
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

    /// Once in so many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }
}

/// The columns of every host.
pub(crate) fn shape() -> Arc<Shape> {
    let plain = |name: &&str| Series::new(*name, "");
    let mut series: Vec<Series> = PLAIN.iter().map(plain).collect();
    series.extend((0..CORES).map(|core| Series::new("cpu.core_usage", format!("core={core}"))));
    for (names, tags) in [
        (FILESYSTEM, &["mount=/"][..]),
        (DISK, &["device=sda", "device=sdb"]),
        (NETWORK, &["interface=eth0", "interface=eth1"]),
    ] {
        series.extend(tags.iter().flat_map(|tags| names.iter().map(|name| Series::new(*name, *tags))));
    }
    Shape::new(series)
}

const PLAIN: &[&str] = &[
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
];
const FILESYSTEM: &[&str] = &[
    "disk.total_bytes",
    "disk.used_bytes",
    "disk.available_bytes",
    "disk.usage_percent",
    "disk.inodes_used",
];
const DISK: &[&str] =
    &["disk.read_bytes", "disk.write_bytes", "disk.reads", "disk.writes", "disk.queue", "disk.busy_percent"];
const NETWORK: &[&str] = &[
    "network.rx_bytes",
    "network.tx_bytes",
    "network.rx_packets",
    "network.tx_packets",
    "network.rx_errors",
    "network.tx_errors",
    "network.rx_drops",
];

fn percent(part: f64, whole: f64) -> f64 {
    100.0 * part / whole
}

impl Host {
    /// The host of that number.
    pub(crate) fn new(number: usize) -> Self {
        let seed = 0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1).wrapping_mul(0x00c2_b2ae_3d27_d4eb);
        Self {
            random: Random(seed),
            load: 10.0 + (number % 50) as f64,
            memory_pages: 1_000_000.0 + (number % 2000 * 1000) as f64,
            disk_blocks: 5_000_000.0,
            cached_pages: 900_000.0,
            uptime_ms: 1e9 + number as f64 * 86_410.0,
        }
    }

    /// Its next readings, `tick_ms` apart, the first `at`.
    pub(crate) fn frame(&mut self, shape: &Arc<Shape>, at: i64, ticks: i64, tick_ms: i64) -> Frame {
        let mut frame = Frame::new(Arc::clone(shape));
        let mut values = Vec::with_capacity(shape.len());
        for tick in 0..ticks {
            values.clear();
            self.tick(tick_ms, &mut values);
            frame.push_row(Timestamp::from_millis(at + tick * tick_ms), &values);
        }
        frame
    }

    fn tick(&mut self, tick_ms: i64, out: &mut Vec<f64>) {
        let late =
            f64::from(u8::from(self.random.once_in(10))) - f64::from(u8::from(self.random.once_in(10)));
        let millis = tick_ms as f64 + late;
        self.uptime_ms += millis;
        self.load = (self.load + self.random.around(4)).clamp(1.0, 95.0);
        self.processors(tick_ms, out);
        self.memory(out);
        self.system(millis, out);
        for _ in 0..CORES {
            let whole = tick_ms as f64 / 10.0 + self.random.around(1);
            let busy = (self.load * whole / 100.0 + self.random.around(6)).clamp(0.0, whole - 1.0);
            out.push(percent(busy.round(), whole));
        }
        self.filesystem(out);
        self.disks(millis, out);
        self.networks(millis, out);
    }

    /// Ticks of 10 ms of all cores by mode, and the load.
    fn processors(&mut self, tick_ms: i64, out: &mut Vec<f64>) {
        let random = &mut self.random;
        let whole = tick_ms as f64 / 10.0 * CORES as f64;
        let total = whole + random.around(2).round();
        let user = (self.load * whole / 133.0 + random.around(20)).clamp(0.0, whole * 0.75).round();
        let system = (self.load * whole / 533.0 + random.around(8)).clamp(0.0, whole * 0.18).round();
        let iowait = if random.once_in(20) { random.below(12) } else { 0.0 };
        let softirq = random.below(3);
        let idle = (total - user - system - iowait - softirq).max(0.0);
        for part in [total - idle - iowait, user, system, 0.0, idle, iowait, 0.0, softirq, 0.0] {
            out.push(percent(part, total));
        }
        out.extend([1.0, 0.9, 0.8].map(|scale| (self.load * scale).round() / 100.0));
    }

    fn memory(&mut self, out: &mut Vec<f64>) {
        let random = &mut self.random;
        let pages = self.memory_pages + random.around(200);
        self.memory_pages = pages.clamp(100_000.0, TOTAL_PAGES - 100_000.0);
        self.cached_pages = (self.cached_pages + random.around(40)).clamp(10_000.0, 1_000_000.0);
        let (whole, used, cached) = (TOTAL_PAGES * PAGE, self.memory_pages * PAGE, self.cached_pages * PAGE);
        let free = (whole - used - cached).max(0.0);
        out.extend([whole, used, whole - used, free, cached, 81_920_000.0, percent(used, whole)]);
        out.extend([2_147_483_648.0, 0.0]);
    }

    fn system(&mut self, millis: f64, out: &mut Vec<f64>) {
        let random = &mut self.random;
        let switches = (3000.0 + self.load * 40.0 + random.around(300)).round();
        out.extend([1000.0 * switches / millis, 1000.0 * random.below(12) / millis, 1.0 + random.below(4)]);
        out.push((self.uptime_ms / 10.0).round() / 100.0);
    }

    fn filesystem(&mut self, out: &mut Vec<f64>) {
        self.disk_blocks += self.random.below(4);
        let (size, used) = (40_000_000.0 * PAGE, self.disk_blocks * PAGE);
        // A part is kept for root.
        let inodes = 512_000.0 + (self.disk_blocks / 50.0).round();
        out.extend([size, used, size - used - 1e9, percent(used, size - 1e9), inodes]);
    }

    fn disks(&mut self, millis: f64, out: &mut Vec<f64>) {
        let random = &mut self.random;
        for device in 0..2 {
            let busy = device == 0 && random.once_in(3);
            let (reads, writes) =
                if busy { (random.below(5), random.below(60)) } else { (0.0, random.below(2)) };
            let counts = [reads * 8192.0, writes * PAGE * (1.0 + random.below(4)), reads, writes];
            out.extend(counts.map(|count| 1000.0 * count / millis));
            let work = writes * (1.0 + random.below(6));
            out.extend([work / millis, percent((work / 4.0).round(), millis).min(100.0)]);
        }
    }

    fn networks(&mut self, millis: f64, out: &mut Vec<f64>) {
        let random = &mut self.random;
        for interface in 0..2 {
            let packets = if interface == 0 { (self.load * 20.0 + random.below(400)).round() } else { 0.0 };
            let bytes = if packets > 0.0 { packets * 700.0 + random.below(5000) } else { 0.0 };
            let sent = (packets * 0.8).round();
            let counts = [bytes, sent * 300.0, packets, sent];
            out.extend(counts.map(|count| 1000.0 * count / millis));
            out.extend([0.0; 3]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_sixty_series_that_move_and_are_the_same_each_time() {
        let shape = shape();
        let made = |number| Host::new(number).frame(&shape, 1_000, 30, 2_000);
        let values = |frame: &Frame| frame.samples().map(|(_, _, value)| value.to_bits()).collect::<Vec<_>>();
        let (first, again, other) = (made(1), made(1), made(2));
        assert_eq!((shape.len(), first.sample_count()), (60, 1800));
        assert_eq!(values(&first), values(&again));
        assert_ne!(values(&first), values(&other));
        assert!(first.samples().all(|(_, _, value)| value.is_finite() && value >= 0.0));
    }
}
