//! Memory and swap space, from `/proc/meminfo`.

use crate::exposition::{Exposition, Kind, meaning, name_part};
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::keyed::{self, Keyed};
use crate::source::{Roots, Values};
use crate::table::printable;
use std::time::Duration;
use sysmond_model::Metric;
use sysmond_model::catalogue::{
    MEMORY_ACTIVE_ANONYMOUS_BYTES, MEMORY_ACTIVE_BYTES, MEMORY_ACTIVE_FILE_BYTES, MEMORY_ANONYMOUS_BYTES,
    MEMORY_AVAILABLE_BYTES, MEMORY_BUFFERS_BYTES, MEMORY_CACHED_BYTES, MEMORY_COMMIT_LIMIT_BYTES,
    MEMORY_COMMITTED_BYTES, MEMORY_CORRUPTED_BYTES, MEMORY_DIRTY_BYTES, MEMORY_FREE_BYTES,
    MEMORY_HUGE_ANONYMOUS_BYTES, MEMORY_HUGE_FILE_BYTES, MEMORY_HUGE_PAGES_FREE, MEMORY_HUGE_PAGES_RESERVED,
    MEMORY_HUGE_PAGES_TOTAL, MEMORY_HUGE_PAGES_USED_BYTES, MEMORY_HUGE_SHARED_BYTES,
    MEMORY_INACTIVE_ANONYMOUS_BYTES, MEMORY_INACTIVE_BYTES, MEMORY_INACTIVE_FILE_BYTES,
    MEMORY_KERNEL_STACK_BYTES, MEMORY_LOCKED_BYTES, MEMORY_MAPPED_BYTES, MEMORY_PAGE_TABLES_BYTES,
    MEMORY_PER_CPU_BYTES, MEMORY_SHARED_BYTES, MEMORY_SLAB_BYTES, MEMORY_SLAB_RECLAIMABLE_BYTES,
    MEMORY_SLAB_UNRECLAIMABLE_BYTES, MEMORY_TOTAL_BYTES, MEMORY_UNEVICTABLE_BYTES, MEMORY_USAGE_PERCENT,
    MEMORY_USED_BYTES, MEMORY_VMALLOC_BYTES, MEMORY_WRITEBACK_BYTES, SWAP_CACHED_BYTES,
    SWAP_COMPRESSED_BYTES, SWAP_TOTAL_BYTES, SWAP_UNCOMPRESSED_BYTES, SWAP_USAGE_PERCENT, SWAP_USED_BYTES,
};

pub(crate) fn source(roots: &Roots) -> FileSource<Memory> {
    FileSource::new(ProcFile::new(roots.procfs.join("meminfo")), Memory::new())
}

/// What is read for more than one metric.
const NAMED: [&[u8]; 13] = [
    b"MemTotal",
    b"MemFree",
    b"MemAvailable",
    b"Buffers",
    b"Cached",
    b"Shmem",
    b"SReclaimable",
    b"SwapTotal",
    b"SwapFree",
    b"HugePages_Total",
    b"HugePages_Free",
    b"HugePages_Rsvd",
    b"Hugepagesize",
];

/// What is given as it is, in KiB.
const PARTS: [(&[u8], &Metric); 32] = [
    (b"MemFree", &MEMORY_FREE_BYTES),
    (b"Cached", &MEMORY_CACHED_BYTES),
    (b"Buffers", &MEMORY_BUFFERS_BYTES),
    (b"Shmem", &MEMORY_SHARED_BYTES),
    (b"AnonPages", &MEMORY_ANONYMOUS_BYTES),
    (b"Mapped", &MEMORY_MAPPED_BYTES),
    (b"Active", &MEMORY_ACTIVE_BYTES),
    (b"Inactive", &MEMORY_INACTIVE_BYTES),
    (b"Dirty", &MEMORY_DIRTY_BYTES),
    (b"Writeback", &MEMORY_WRITEBACK_BYTES),
    (b"Slab", &MEMORY_SLAB_BYTES),
    (b"SReclaimable", &MEMORY_SLAB_RECLAIMABLE_BYTES),
    (b"KernelStack", &MEMORY_KERNEL_STACK_BYTES),
    (b"PageTables", &MEMORY_PAGE_TABLES_BYTES),
    (b"Mlocked", &MEMORY_LOCKED_BYTES),
    (b"Committed_AS", &MEMORY_COMMITTED_BYTES),
    (b"CommitLimit", &MEMORY_COMMIT_LIMIT_BYTES),
    (b"AnonHugePages", &MEMORY_HUGE_ANONYMOUS_BYTES),
    (b"HardwareCorrupted", &MEMORY_CORRUPTED_BYTES),
    (b"SwapCached", &SWAP_CACHED_BYTES),
    (b"Active(anon)", &MEMORY_ACTIVE_ANONYMOUS_BYTES),
    (b"Inactive(anon)", &MEMORY_INACTIVE_ANONYMOUS_BYTES),
    (b"Active(file)", &MEMORY_ACTIVE_FILE_BYTES),
    (b"Inactive(file)", &MEMORY_INACTIVE_FILE_BYTES),
    (b"Unevictable", &MEMORY_UNEVICTABLE_BYTES),
    (b"SUnreclaim", &MEMORY_SLAB_UNRECLAIMABLE_BYTES),
    (b"Percpu", &MEMORY_PER_CPU_BYTES),
    (b"VmallocUsed", &MEMORY_VMALLOC_BYTES),
    (b"ShmemHugePages", &MEMORY_HUGE_SHARED_BYTES),
    (b"FileHugePages", &MEMORY_HUGE_FILE_BYTES),
    (b"Zswap", &SWAP_COMPRESSED_BYTES),
    (b"Zswapped", &SWAP_UNCOMPRESSED_BYTES),
];

/// What `/proc/meminfo` says: bytes, and numbers of huge pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemInfo {
    pub(crate) total: Option<u64>,
    free: Option<u64>,
    available: Option<u64>,
    buffers: Option<u64>,
    cached: Option<u64>,
    shared: Option<u64>,
    reclaimable: Option<u64>,
    swap_total: Option<u64>,
    swap_free: Option<u64>,
    huge_total: Option<u64>,
    huge_free: Option<u64>,
    huge_reserved: Option<u64>,
    huge_size: Option<u64>,
}

fn bytes(kib: Option<u64>) -> Option<u64> {
    kib?.checked_mul(1024)
}

impl MemInfo {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self::of(Keyed::new(NAMED).numbers(text))
    }

    fn of(numbers: [Option<u64>; NAMED.len()]) -> Self {
        let [kib @ .., huge_total, huge_free, huge_reserved, huge_size] = numbers;
        let [total, free, available, buffers, cached, shared, reclaimable, swap_total, swap_free] =
            kib.map(bytes);
        Self {
            total,
            free,
            available,
            buffers,
            cached,
            shared,
            reclaimable,
            swap_total,
            swap_free,
            huge_total,
            huge_free,
            huge_reserved,
            huge_size: bytes(huge_size),
        }
    }

    /// Memory that programs can get without swapping, never more than there is.
    ///
    /// Kernels before 3.14 do not say: there it is what is free or can be given back, which is free memory, buffers,
    /// page cache and reclaimable slabs, less shared memory, which is in the page cache and cannot be dropped.
    fn available(&self, total: u64) -> Option<u64> {
        let estimate = || {
            let givable = [self.buffers, self.cached, self.reclaimable];
            let sum = givable.into_iter().flatten().fold(self.free?, u64::saturating_add);
            Some(sum.saturating_sub(self.shared.unwrap_or(0)))
        };
        Some(self.available.or_else(estimate)?.min(total))
    }
}

#[derive(Debug)]
pub(crate) struct Memory {
    named: Keyed<{ NAMED.len() }>,
    parts: Keyed<{ PARTS.len() }>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { named: Keyed::new(NAMED), parts: Keyed::new(PARTS.map(|(key, _)| key)) }
    }
}

impl Reading for Memory {
    const NAME: &'static str = "memory";

    fn take(&mut self, text: &[u8], _at: Duration, out: &mut Values) -> Result<(), Fault> {
        let info = MemInfo::of(self.named.numbers(text));
        for ((_, metric), kib) in PARTS.iter().zip(self.parts.numbers(text)) {
            if let Some(bytes) = bytes(kib) {
                out.put(metric, "", bytes as f64);
            }
        }
        put_swap(&info, out);
        put_huge_pages(&info, out);
        let total = info.total.filter(|total| *total > 0).ok_or(Fault::Malformed("expected `MemTotal`"))?;
        out.put(&MEMORY_TOTAL_BYTES, "", total as f64);
        let available =
            info.available(total).ok_or(Fault::Malformed("expected `MemAvailable` or `MemFree`"))?;
        let used = total - available;
        out.put(&MEMORY_USED_BYTES, "", used as f64);
        out.put(&MEMORY_AVAILABLE_BYTES, "", available as f64);
        out.put(&MEMORY_USAGE_PERCENT, "", 100.0 * used as f64 / total as f64);
        Ok(())
    }

    fn expose(&mut self, text: &[u8], out: &mut Exposition) {
        for (key, value, unit) in keyed::pairs(text) {
            let (end, each) = if unit == b"kB" { ("_bytes", 1024.0) } else { ("", 1.0) };
            let field = format!("{}{end}", name_part(key));
            let family = format!("node_memory_{field}");
            let help = meaning(&family, || match key {
                b"MemAvailable" => MEMORY_AVAILABLE_BYTES.help.to_owned(),
                b"SwapFree" => "Swap space that nothing uses".to_owned(),
                key => format!("`{}` of /proc/meminfo", printable(key)),
            });
            out.put(family, Kind::Gauge, help, &[], value as f64 * each);
        }
    }
}

/// A host without swap space has 0 of 0 in use, and no percentage.
fn put_swap(info: &MemInfo, out: &mut Values) {
    let (Some(total), Some(free)) = (info.swap_total, info.swap_free) else { return };
    let used = total.saturating_sub(free);
    out.put(&SWAP_TOTAL_BYTES, "", total as f64);
    out.put(&SWAP_USED_BYTES, "", used as f64);
    if total > 0 {
        out.put(&SWAP_USAGE_PERCENT, "", 100.0 * used as f64 / total as f64);
    }
}

/// Most hosts have none set aside.
fn put_huge_pages(info: &MemInfo, out: &mut Values) {
    let (Some(total), Some(free)) = (info.huge_total, info.huge_free) else { return };
    if total == 0 {
        return;
    }
    out.put(&MEMORY_HUGE_PAGES_TOTAL, "", total as f64);
    out.put(&MEMORY_HUGE_PAGES_FREE, "", free as f64);
    if let Some(reserved) = info.huge_reserved {
        out.put(&MEMORY_HUGE_PAGES_RESERVED, "", reserved as f64);
    }
    if let Some(size) = info.huge_size {
        let used = total.saturating_sub(free).saturating_mul(size);
        out.put(&MEMORY_HUGE_PAGES_USED_BYTES, "", used as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{value, values};

    fn take(text: &str) -> Vec<String> {
        let mut out = Values::default();
        Memory::new().take(text.as_bytes(), Duration::ZERO, &mut out).unwrap();
        values(&out)
    }

    #[test]
    fn used_is_total_less_available() {
        let found =
            take("MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 750 kB\nBuffers: 10 kB\nCached: 20 kB\n");
        assert_eq!(value(&found, "memory.used_bytes"), "256000");
        assert_eq!(value(&found, "memory.usage_percent"), "25");
        assert_eq!(value(&found, "memory.available_bytes"), "768000");
        assert_eq!(value(&found, "memory.free_bytes"), "102400");
    }

    #[test]
    fn an_old_kernel_gets_an_estimate() {
        let found = take(
            "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 300 kB\nShmem: 40 kB\nSReclaimable: 90 kB\n",
        );
        assert_eq!(value(&found, "memory.available_bytes"), "512000");
        assert_eq!(value(&found, "memory.usage_percent"), "50");
    }

    #[test]
    fn more_available_than_there_is_means_nothing_is_used() {
        let found = take("MemTotal: 1000 kB\nMemAvailable: 2000 kB\n");
        assert_eq!(value(&found, "memory.used_bytes"), "0");
    }

    #[test]
    fn swap_has_a_percentage_where_there_is_any() {
        let memory = "MemTotal: 1000 kB\nMemAvailable: 500 kB\n";
        let found = take(&format!("{memory}SwapTotal: 200 kB\nSwapFree: 150 kB\n"));
        assert_eq!(value(&found, "swap.usage_percent"), "25");
        let found = take(&format!("{memory}SwapTotal: 0 kB\nSwapFree: 0 kB\n"));
        assert_eq!(value(&found, "swap.used_bytes"), "0");
        assert!(!found.iter().any(|line| line.starts_with("swap.usage_percent")), "{found:?}");
    }

    #[test]
    fn huge_pages_are_shown_where_there_are_any() {
        let memory = "MemTotal: 1000 kB\nMemAvailable: 500 kB\n";
        let huge = "HugePages_Total: 8\nHugePages_Free: 5\nHugePages_Rsvd: 2\nHugepagesize: 2048 kB\n";
        let found = take(&format!("{memory}{huge}"));
        assert_eq!(value(&found, "memory.huge_pages_free"), "5");
        assert_eq!(value(&found, "memory.huge_pages_used_bytes"), "6291456");
        let found = take(&format!("{memory}{}", huge.replace('8', "0")));
        assert!(!found.iter().any(|line| line.starts_with("memory.huge_pages")), "{found:?}");
    }

    #[test]
    fn without_a_total_it_is_malformed() {
        for text in [
            "",
            "MemTotal: 0 kB\n",
            "MemTotal: x kB\n",
            "MemTotal: 99999999999999999999 kB\n",
            "MemTotal: 5 kB\n",
        ] {
            assert!(
                Memory::new().take(text.as_bytes(), Duration::ZERO, &mut Values::default()).is_err(),
                "{text}"
            );
        }
    }
}
