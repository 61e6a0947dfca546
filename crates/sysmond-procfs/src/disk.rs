//! Block devices, from `/proc/diskstats`.
//!
//! Whole devices alone: what a partition does is in its device. `/sys/block` knows which are whole; where it is
//! missing, a name tells (`sda1` beside `sda`, `nvme0n1p1` beside `nvme0n1`). A logical or encrypted volume is `dm-3`
//! to the kernel and `vg0-root` to people, who get the latter. Left out are devices in memory or over files and floppy
//! drives, which are no disks, and devices that never did any I/O.

use crate::attribute;
use crate::exposition::Exposition;
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::pace::{Elapsed, Pace};
use crate::source::{Roots, Values};
use crate::table::{Row, Table};
use crate::text::{fields, lines, numbers};
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::catalogue::{
    DISK_BUSY_PERCENT, DISK_QUEUE, DISK_READ_BYTES, DISK_READ_LATENCY, DISK_READS, DISK_WRITE_BYTES,
    DISK_WRITE_LATENCY, DISK_WRITES,
};

/// Devices that are told apart, of eight series each: a large storage host has about a hundred.
pub(crate) const MAX_DEVICES: usize = 96;

/// Names of which it is remembered whether they are whole devices: with their partitions, all of a large host.
const MAX_NAMES: usize = 4096;

/// What the kernel calls a sector here, whatever the device's own.
const SECTOR_BYTES: u64 = 512;
/// Devices with these names and a number are no disks.
const NOT_DISKS: [&[u8]; 4] = [b"loop", b"ram", b"zram", b"fd"];
/// Those of them that `node_exporter` leaves out too.
const NOT_EXPOSED: [&[u8]; 3] = [b"loop", b"ram", b"fd"];

pub(crate) fn source(roots: &Roots, max_gap: Duration) -> FileSource<Disk> {
    let block = roots.sysfs.join("block");
    let block = block.is_dir().then_some(block);
    FileSource::new(ProcFile::new(roots.procfs.join("diskstats")), Disk::new(block, max_gap))
}

/// The counters of one device. Those of milliseconds have 32 bits and begin again after seven weeks of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    reads: u64,
    read_sectors: u64,
    read_millis: u64,
    writes: u64,
    written_sectors: u64,
    write_millis: u64,
    busy_millis: u64,
    weighted_millis: u64,
    merged_reads: u64,
    merged_writes: u64,
    in_flight: u64,
    /// Since 4.18.
    discards: Option<[u64; 4]>,
    /// Since 5.5: number and milliseconds.
    flushes: Option<[u64; 2]>,
}

impl Counters {
    const fn is_unused(&self) -> bool {
        self.reads == 0 && self.writes == 0
    }

    /// Whether counters fell that only rise: it is another device of the same name.
    const fn began_anew(&self, last: &Self) -> bool {
        self.reads < last.reads
            || self.read_sectors < last.read_sectors
            || self.writes < last.writes
            || self.written_sectors < last.written_sectors
    }
}

/// What is exposed beside what the catalogue names.
pub(crate) const FAMILIES: [&str; 9] = [
    "node_disk_io_now",
    "node_disk_reads_merged_total",
    "node_disk_writes_merged_total",
    "node_disk_discards_completed_total",
    "node_disk_discards_merged_total",
    "node_disk_discarded_sectors_total",
    "node_disk_discard_time_seconds_total",
    "node_disk_flush_requests_total",
    "node_disk_flush_requests_time_seconds_total",
];

impl Counters {
    fn expose(&self, name: &[u8], out: &mut Exposition) {
        let [io_now, reads_merged, writes_merged, discard_names @ .., flushes, flush_time] = FAMILIES;
        let labels = [("device", name)];
        let seconds = |millis: u64| millis as f64 / 1000.0;
        let bytes = |sectors: u64| sectors as f64 * SECTOR_BYTES as f64;
        out.gauge(io_now, "Operations in flight", &labels, self.in_flight as f64);
        let mut put = |name, help, value| out.counter(name, help, &labels, value);
        put(DISK_READS.prometheus, DISK_READS.help, self.reads as f64);
        put(reads_merged, "Reads that were joined to others", self.merged_reads as f64);
        put(DISK_READ_BYTES.prometheus, DISK_READ_BYTES.help, bytes(self.read_sectors));
        let help = "Time that reads took, all added up";
        put(DISK_READ_LATENCY.prometheus, help, seconds(self.read_millis));
        put(DISK_WRITES.prometheus, DISK_WRITES.help, self.writes as f64);
        put(writes_merged, "Writes that were joined to others", self.merged_writes as f64);
        put(DISK_WRITE_BYTES.prometheus, DISK_WRITE_BYTES.help, bytes(self.written_sectors));
        let help = "Time that writes took, all added up";
        put(DISK_WRITE_LATENCY.prometheus, help, seconds(self.write_millis));
        put(DISK_BUSY_PERCENT.prometheus, "Time in which the device had work", seconds(self.busy_millis));
        let help = "Time that operations were in flight, all added up";
        put(DISK_QUEUE.prometheus, help, seconds(self.weighted_millis));
        if let Some([completed, merged, sectors, millis]) = self.discards {
            let [completed_name, merged_name, sectors_name, time_name] = discard_names;
            put(completed_name, "Discards completed", completed as f64);
            put(merged_name, "Discards that were joined to others", merged as f64);
            put(sectors_name, "Sectors of 512 bytes that were discarded", sectors as f64);
            put(time_name, "Time that discards took, all added up", seconds(millis));
        }
        if let Some([requests, millis]) = self.flushes {
            put(flushes, "Flushes completed", requests as f64);
            put(flush_time, "Time that flushes took, all added up", seconds(millis));
        }
    }
}

/// The name and the counters of each device and partition. Lines of fewer columns, which kernels before 2.6.25 had for
/// partitions, are passed over.
pub(crate) fn parse(text: &[u8]) -> impl Iterator<Item = (&[u8], Counters)> {
    lines(text).filter_map(|line| {
        let mut columns = fields(line).skip(2);
        let name = columns.next()?;
        let [
            reads,
            merged_reads,
            read_sectors,
            read_millis,
            writes,
            merged_writes,
            written_sectors,
            write_millis,
            in_flight,
            busy_millis,
            weighted_millis,
        ] = numbers(&mut columns)?;
        let counters = Counters {
            reads,
            read_sectors,
            read_millis,
            writes,
            written_sectors,
            write_millis,
            busy_millis,
            weighted_millis,
            merged_reads,
            merged_writes,
            in_flight,
            discards: numbers(&mut columns),
            flushes: numbers(columns),
        };
        Some((name, counters))
    })
}

/// What people call a device.
type Label = Arc<[u8]>;

/// The state between two readings.
#[derive(Debug)]
pub(crate) struct Disk {
    pace: Pace,
    /// `/sys/block`, where there is one.
    block: Option<PathBuf>,
    /// What people call a name seen before; nothing where it is not a whole device.
    known: HashMap<Box<[u8]>, Option<Label>>,
    devices: Table<Counters>,
}

impl Disk {
    pub(crate) fn new(block: Option<PathBuf>, max_gap: Duration) -> Self {
        let devices = Table::new("device", MAX_DEVICES);
        Self { pace: Pace::new(max_gap), block, known: HashMap::new(), devices }
    }

    fn label(&mut self, name: &[u8], text: &[u8]) -> Option<Label> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let label = match &self.block {
            Some(block) => {
                let dir = block.join(entry_name(name));
                dir.is_dir().then(|| mapped_name(&dir).unwrap_or_else(|| name.into()))
            }
            None => (!parse(text).any(|(other, _)| is_partition_of(name, other))).then(|| name.into()),
        };
        if self.known.len() >= MAX_NAMES {
            self.known.clear();
        }
        self.known.insert(name.into(), label.clone());
        label
    }
}

/// The name that the device mapper was given for its device.
fn mapped_name(dir: &Path) -> Option<Label> {
    let name = attribute::once(dir.join("dm/name"))?;
    (!name.is_empty()).then(|| name.into())
}

impl Reading for Disk {
    const NAME: &'static str = "disk";

    fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        self.devices.begin();
        for (name, counters) in parse(text) {
            if counters.is_unused() || is_numbered(name, &NOT_DISKS) {
                continue;
            }
            if let Some(label) = self.label(name, text) {
                self.devices.set_as(name, &label, counters);
            }
        }
        self.devices.end();
        // A name may come back as something else.
        if self.devices.changed() {
            self.known.clear();
        }
        if let Some(elapsed) = self.pace.step(at) {
            self.devices.rows().for_each(|device| put(device, elapsed, out));
        }
        self.devices.complete()
    }

    fn expose(&mut self, text: &[u8], out: &mut Exposition) {
        for (name, counters) in parse(text).take(MAX_NAMES) {
            // Theirs leaves out fewer: a disk in compressed memory and one that never did anything are there.
            if !is_numbered(name, &NOT_EXPOSED) && self.label(name, text).is_some() {
                counters.expose(name, out);
            }
        }
    }
}

/// The name below `/sys/block`, where a slash is written `!`.
fn entry_name(name: &[u8]) -> OsString {
    OsString::from_vec(name.iter().map(|byte| if *byte == b'/' { b'!' } else { *byte }).collect())
}

fn is_numbered(name: &[u8], kinds: &[&[u8]]) -> bool {
    kinds.iter().any(|kind| name.strip_prefix(*kind).is_some_and(is_digits))
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// `sda1` of `sda`, `nvme0n1p1` of `nvme0n1`.
fn is_partition_of(name: &[u8], device: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(device) else { return false };
    match device.last() {
        Some(last) if last.is_ascii_digit() => rest.strip_prefix(b"p").is_some_and(is_digits),
        Some(_) => is_digits(rest),
        None => false,
    }
}

fn put(device: &Row<Counters>, elapsed: Elapsed, out: &mut Values) {
    let Row { now, last: Some(last), tags, .. } = device else { return };
    if now.began_anew(last) {
        return;
    }
    let reads = now.reads - last.reads;
    let writes = now.writes - last.writes;
    let bytes = |now: u64, last: u64| (now - last).saturating_mul(SECTOR_BYTES);
    out.put(&DISK_READ_BYTES, tags, elapsed.per_second(bytes(now.read_sectors, last.read_sectors)));
    out.put(&DISK_WRITE_BYTES, tags, elapsed.per_second(bytes(now.written_sectors, last.written_sectors)));
    out.put(&DISK_READS, tags, elapsed.per_second(reads));
    out.put(&DISK_WRITES, tags, elapsed.per_second(writes));
    // Without an operation this is 0/0 and no value.
    if let Some(millis) = now.read_millis.checked_sub(last.read_millis).filter(|_| reads > 0) {
        out.put(&DISK_READ_LATENCY, tags, millis as f64 / (1000.0 * reads as f64));
    }
    if let Some(millis) = now.write_millis.checked_sub(last.write_millis).filter(|_| writes > 0) {
        out.put(&DISK_WRITE_LATENCY, tags, millis as f64 / (1000.0 * writes as f64));
    }
    if let Some(millis) = now.weighted_millis.checked_sub(last.weighted_millis) {
        out.put(&DISK_QUEUE, tags, millis as f64 / elapsed.millis());
    }
    if let Some(millis) = now.busy_millis.checked_sub(last.busy_millis) {
        out.put(&DISK_BUSY_PERCENT, tags, elapsed.percent_of_millis(millis));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{readings, value};

    fn two(first: &str, second: &str) -> Vec<String> {
        readings(&mut Disk::new(None, Duration::from_secs(10)), &[(1000, first), (3000, second)]).1
    }

    fn names(text: &str) -> Vec<String> {
        let has = |line: &String| line.strip_prefix("disk.reads{device=").map(|rest| rest.replace("} 0", ""));
        two(text, text).iter().filter_map(has).collect()
    }

    #[test]
    fn rates_latencies_queue_and_busy_time() {
        let found = two(
            "254 0 vda 100 9 1000 500 200 9 2000 900 0 1000 1400\n",
            "254 0 vda 110 9 1040 550 200 9 2000 900 3 1500 1800\n",
        );
        let expected = [
            "disk.read_bytes{device=vda} 10240",
            "disk.write_bytes{device=vda} 0",
            "disk.reads{device=vda} 5",
            "disk.writes{device=vda} 0",
            "disk.read_latency{device=vda} 0.005",
            "disk.queue{device=vda} 0.2",
            "disk.busy_percent{device=vda} 25",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn without_sysfs_names_tell_partitions() {
        let line = |name| format!("8 0 {name} 1 0 8 1 1 0 8 1 0 1 2\n");
        let all = ["sda", "sda1", "sda12", "nvme0n1", "nvme0n1p1", "dm-1", "dm-10", "md0", "md0p1", "xvdb1"];
        let text: String = all.map(line).concat();
        assert_eq!(names(&text), ["sda", "nvme0n1", "dm-1", "dm-10", "md0", "xvdb1"]);
    }

    #[test]
    fn with_sysfs_its_entries_tell() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["sda", "cciss!c0d0"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let text = "8 0 sda 1 0 8 1 1 0 8 1 0 1 2\n8 1 sda1 1 0 8 1 1 0 8 1 0 1 2\n104 0 cciss/c0d0 1 0 8 1 1 0 8 1 0 1 2\n";
        let mut disk = Disk::new(Some(dir.path().to_owned()), Duration::MAX);
        let (_, found) = readings(&mut disk, &[(1, text), (2, text)]);
        assert_eq!(value(&found, "disk.reads{device=cciss/c0d0}"), "0");
        assert_eq!(value(&found, "disk.reads{device=sda}"), "0");
        assert!(!found.iter().any(|line| line.contains("sda1")));
    }

    #[test]
    fn a_mapped_volume_is_called_what_people_call_it() {
        let dir = tempfile::tempdir().unwrap();
        for (device, name) in [("dm-0", "vg0-root\n"), ("dm-1", "\n")] {
            std::fs::create_dir_all(dir.path().join(device).join("dm")).unwrap();
            std::fs::write(dir.path().join(device).join("dm/name"), name).unwrap();
        }
        let text = "253 0 dm-0 1 0 8 1 1 0 8 1 0 1 2\n253 1 dm-1 1 0 8 1 1 0 8 1 0 1 2\n";
        let mut disk = Disk::new(Some(dir.path().to_owned()), Duration::MAX);
        let (_, found) = readings(&mut disk, &[(1, text), (2, text)]);
        assert_eq!(value(&found, "disk.reads{device=vg0-root}"), "0");
        assert_eq!(value(&found, "disk.reads{device=dm-1}"), "0");
    }

    #[test]
    fn what_is_no_disk_or_was_never_used_is_left_out() {
        let text = "7 0 loop0 1 0 8 1 1 0 8 1 0 1 2\n253 0 zram0 1 0 8 1 1 0 8 1 0 1 2\n1 0 ram3 1 0 8 1 1 0 8 1 0 1 2\n\
                    8 16 sdb 0 0 0 0 0 0 0 0 0 0 0\n8 0 sda 1 0 8 1 1 0 8 1 0 1 2\n8 1 sda1 1 2 3 4\n";
        assert_eq!(names(text), ["sda"]);
    }

    #[test]
    fn a_device_plugged_in_anew_gives_nothing() {
        let found = two("8 0 sda 9 0 72 9 9 0 72 9 0 9 18\n", "8 0 sda 10 0 80 10 1 0 8 1 0 1 2\n");
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_counter_of_32_bits_that_begins_again_gives_no_sample_of_its_own() {
        let found = two(
            "8 0 sda 9 0 72 4294967295 9 0 72 9 0 4294967295 4294967295\n",
            "8 0 sda 10 0 80 5 9 0 72 9 0 5 5\n",
        );
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(value(&found, "disk.reads{device=sda}"), "0.5");
    }

    #[test]
    fn busy_time_is_at_most_all_the_time() {
        let found = two("8 0 sda 9 0 72 9 9 0 72 9 0 0 0\n", "8 0 sda 9 0 72 9 9 0 72 9 0 2004 0\n");
        assert_eq!(value(&found, "disk.busy_percent{device=sda}"), "100");
    }
}
