//! Memory and swap space, from `/proc/meminfo`.

use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::source::{Roots, Values};
use crate::text::{fields, lines, number, split_once};
use std::time::Duration;
use sysmond_model::catalogue::{
    MEMORY_AVAILABLE_BYTES, MEMORY_BUFFERS_BYTES, MEMORY_CACHED_BYTES, MEMORY_FREE_BYTES, MEMORY_TOTAL_BYTES,
    MEMORY_USAGE_PERCENT, MEMORY_USED_BYTES, SWAP_TOTAL_BYTES, SWAP_USAGE_PERCENT, SWAP_USED_BYTES,
};

pub(crate) fn source(roots: &Roots) -> FileSource<Memory> {
    FileSource::new(ProcFile::new(roots.procfs.join("meminfo")), Memory)
}

/// What `/proc/meminfo` says, bytes.
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
}

impl MemInfo {
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut info = Self::default();
        for (key, value) in lines(text).filter_map(|line| split_once(line, b':')) {
            let slot = match key {
                b"MemTotal" => &mut info.total,
                b"MemFree" => &mut info.free,
                b"MemAvailable" => &mut info.available,
                b"Buffers" => &mut info.buffers,
                b"Cached" => &mut info.cached,
                b"Shmem" => &mut info.shared,
                b"SReclaimable" => &mut info.reclaimable,
                b"SwapTotal" => &mut info.swap_total,
                b"SwapFree" => &mut info.swap_free,
                _ => continue,
            };
            *slot = fields(value).next().and_then(number).and_then(|kib| kib.checked_mul(1024));
        }
        info
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
pub(crate) struct Memory;

impl Reading for Memory {
    const NAME: &'static str = "memory";

    fn take(&mut self, text: &[u8], _at: Duration, out: &mut Values) -> Result<(), Fault> {
        let info = MemInfo::parse(text);
        put_swap(&info, out);
        let total = info.total.filter(|total| *total > 0).ok_or(Fault::Malformed("expected `MemTotal`"))?;
        out.put(&MEMORY_TOTAL_BYTES, "", total as f64);
        for (metric, value) in [
            (&MEMORY_FREE_BYTES, info.free),
            (&MEMORY_CACHED_BYTES, info.cached),
            (&MEMORY_BUFFERS_BYTES, info.buffers),
        ] {
            if let Some(bytes) = value {
                out.put(metric, "", bytes as f64);
            }
        }
        let available =
            info.available(total).ok_or(Fault::Malformed("expected `MemAvailable` or `MemFree`"))?;
        let used = total - available;
        out.put(&MEMORY_USED_BYTES, "", used as f64);
        out.put(&MEMORY_AVAILABLE_BYTES, "", available as f64);
        out.put(&MEMORY_USAGE_PERCENT, "", 100.0 * used as f64 / total as f64);
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{value, values};

    fn take(text: &str) -> Vec<String> {
        let mut out = Values::default();
        Memory.take(text.as_bytes(), Duration::ZERO, &mut out).unwrap();
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
    fn without_a_total_it_is_malformed() {
        for text in [
            "",
            "MemTotal: 0 kB\n",
            "MemTotal: x kB\n",
            "MemTotal: 99999999999999999999 kB\n",
            "MemTotal: 5 kB\n",
        ] {
            assert!(Memory.take(text.as_bytes(), Duration::ZERO, &mut Values::default()).is_err(), "{text}");
        }
    }
}
