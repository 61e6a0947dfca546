//! What the kernel does to find memory, from `/proc/vmstat`.

use crate::exposition::{Exposition, Kind, meaning, name_part};
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::keyed::{self, Keyed};
use crate::pace::Pace;
use crate::source::{Roots, Values};
use std::time::Duration;
use sysmond_model::Metric;
use sysmond_model::catalogue::{
    MEMORY_ACTIVATED_PAGES, MEMORY_COMPACT_STALLS, MEMORY_DEACTIVATED_PAGES, MEMORY_DIRTIED_PAGES,
    MEMORY_FREED_PAGES, MEMORY_HUGE_FALLBACKS, MEMORY_HUGE_FAULTS, MEMORY_MAJOR_FAULTS, MEMORY_OOM_KILLS,
    MEMORY_PAGE_FAULTS, MEMORY_PAGED_IN_BYTES, MEMORY_PAGED_OUT_BYTES, MEMORY_RECLAIM_STALLS,
    MEMORY_RECLAIMED_PAGES, MEMORY_REFAULTS, MEMORY_SCANNED_PAGES, MEMORY_WRITTEN_PAGES, SWAP_IN_BYTES,
    SWAP_OUT_BYTES,
};

pub(crate) fn source(roots: &Roots, max_gap: Duration) -> FileSource<VmStat> {
    let page_bytes = rustix::param::page_size() as u64;
    FileSource::new(ProcFile::new(roots.procfs.join("vmstat")), VmStat::new(page_bytes, max_gap))
}

/// Counters that every kernel has, or has since some version; some were split, and their parts are summed.
const KEYS: [&[u8]; 38] = [
    b"pgpgin",
    b"pgpgout",
    b"pswpin",
    b"pswpout",
    b"pgfault",
    b"pgmajfault",
    b"oom_kill",
    b"pgfree",
    b"pgactivate",
    b"pgdeactivate",
    b"thp_fault_alloc",
    b"thp_fault_fallback",
    b"compact_stall",
    b"nr_dirtied",
    b"nr_written",
    // Before 4.8 for each zone, then as two sums. On POWER all memory is in the zone `dma`, on 32 bits most in `high`.
    b"pgscan_kswapd",
    b"pgscan_direct",
    b"pgscan_kswapd_dma",
    b"pgscan_kswapd_dma32",
    b"pgscan_kswapd_normal",
    b"pgscan_kswapd_high",
    b"pgscan_kswapd_movable",
    b"pgscan_direct_dma",
    b"pgscan_direct_dma32",
    b"pgscan_direct_normal",
    b"pgscan_direct_high",
    b"pgscan_direct_movable",
    // Before 4.10 one for all zones.
    b"allocstall",
    b"allocstall_dma",
    b"allocstall_dma32",
    b"allocstall_normal",
    b"allocstall_high",
    b"allocstall_movable",
    // Since 5.9 two of them.
    b"workingset_refault",
    b"workingset_refault_anon",
    b"workingset_refault_file",
    // What a scan found; before 4.8 for each zone, and not summed then.
    b"pgsteal_kswapd",
    b"pgsteal_direct",
];

/// Bytes of a unit of `pgpgin` and `pgpgout`.
const PAGED_BYTES: u64 = 1024;

/// The sums of counters that belong together.
type Sums = [(&'static Metric, Option<u64>); 19];

/// The state between two readings.
#[derive(Debug)]
pub(crate) struct VmStat {
    pace: Pace,
    keyed: Keyed<{ KEYS.len() }>,
    page_bytes: u64,
    last: Option<Sums>,
}

impl VmStat {
    pub(crate) const fn new(page_bytes: u64, max_gap: Duration) -> Self {
        Self { pace: Pace::new(max_gap), keyed: Keyed::new(KEYS), page_bytes, last: None }
    }

    fn sums(&mut self, text: &[u8]) -> Sums {
        let numbers = self.keyed.numbers(text);
        let [pgpgin, pgpgout, pswpin, pswpout, pgfault, pgmajfault, oom_kill, rest @ ..] = numbers;
        let [freed, activated, deactivated, huge, fallback, compact, dirtied, written, rest @ ..] = rest;
        let bytes = |count: Option<u64>, each: u64| count.map(|count| count.saturating_mul(each));
        let sum = |parts: &[Option<u64>]| parts.iter().flatten().copied().reduce(u64::saturating_add);
        let (scans, rest) = rest.split_at(12);
        let (stalls, rest) = rest.split_at(6);
        let (refaults, steals) = rest.split_at(3);
        [
            (&MEMORY_PAGE_FAULTS, pgfault),
            (&MEMORY_MAJOR_FAULTS, pgmajfault),
            (&MEMORY_PAGED_IN_BYTES, bytes(pgpgin, PAGED_BYTES)),
            (&MEMORY_PAGED_OUT_BYTES, bytes(pgpgout, PAGED_BYTES)),
            (&MEMORY_SCANNED_PAGES, sum(scans)),
            (&MEMORY_RECLAIM_STALLS, sum(stalls)),
            (&MEMORY_REFAULTS, sum(refaults)),
            (&MEMORY_FREED_PAGES, freed),
            (&MEMORY_ACTIVATED_PAGES, activated),
            (&MEMORY_DEACTIVATED_PAGES, deactivated),
            (&MEMORY_HUGE_FAULTS, huge),
            (&MEMORY_HUGE_FALLBACKS, fallback),
            (&MEMORY_COMPACT_STALLS, compact),
            (&MEMORY_DIRTIED_PAGES, dirtied),
            (&MEMORY_WRITTEN_PAGES, written),
            (&MEMORY_RECLAIMED_PAGES, sum(steals)),
            (&MEMORY_OOM_KILLS, oom_kill),
            (&SWAP_IN_BYTES, bytes(pswpin, self.page_bytes)),
            (&SWAP_OUT_BYTES, bytes(pswpout, self.page_bytes)),
        ]
    }
}

/// Those that `node_exporter` shows by itself, and those that our sums are made from.
fn is_exposed(key: &[u8]) -> bool {
    let is_fault = key.starts_with(b"pg") && key.windows(5).any(|part| part == b"fault");
    is_fault || key.starts_with(b"pgpg") || KEYS.contains(&key)
}

impl Reading for VmStat {
    const NAME: &'static str = "vmstat";

    fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let now = self.sums(text);
        let last = self.last.replace(now);
        if let (Some(elapsed), Some(last)) = (self.pace.step(at), last) {
            for ((metric, now), (_, last)) in now.iter().zip(last) {
                let increase = now.zip(last).and_then(|(now, last)| now.checked_sub(last));
                if let Some(increase) = increase {
                    out.put(metric, "", elapsed.per_second(increase));
                }
            }
        }
        let has_any = now.iter().any(|(_, sum)| sum.is_some());
        if has_any { Ok(()) } else { Err(Fault::Malformed("expected counters such as `pgfault`")) }
    }

    fn expose(&mut self, text: &[u8], out: &mut Exposition) {
        for (key, value, _) in keyed::pairs(text).filter(|(key, ..)| is_exposed(key)) {
            let key = name_part(key);
            let family = format!("node_vmstat_{key}");
            let help = meaning(&family, || format!("`{key}` of /proc/vmstat"));
            out.put(family, Kind::Untyped, help, &[], value as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{readings, value};

    fn two(first: &str, second: &str) -> Vec<String> {
        let mut vmstat = VmStat::new(4096, Duration::from_secs(10));
        readings(&mut vmstat, &[(1000, first), (3000, second)]).1
    }

    #[test]
    fn rates_of_pages_and_bytes() {
        let found = two(
            "nr_free_pages 5\npgpgin 100\npswpin 10\npgfault 1000\noom_kill 0\n",
            "nr_free_pages 6\npgpgin 104\npswpin 12\npgfault 1500\noom_kill 1\n",
        );
        let expected = [
            "memory.page_faults 250",
            "memory.paged_in_bytes 2048",
            "memory.oom_kills 0.5",
            "swap.in_bytes 4096",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn counters_of_old_and_new_kernels_mean_the_same() {
        let check = |first: &str, second: &str, series, expected| {
            assert_eq!(value(&two(first, second), series), expected, "{second}");
        };
        check("allocstall 1\n", "allocstall 5\n", "memory.reclaim_stalls", "2");
        let (first, second) =
            ("allocstall_normal 1\nallocstall_movable 1\n", "allocstall_normal 2\nallocstall_movable 4\n");
        check(first, second, "memory.reclaim_stalls", "2");
        check("pgscan_kswapd_normal 0\n", "pgscan_kswapd_normal 8\n", "memory.scanned_pages", "4");
        check("pgscan_kswapd_dma 1\n", "pgscan_kswapd_dma 9\n", "memory.scanned_pages", "4");
        check("pgscan_direct_high 1\n", "pgscan_direct_high 9\n", "memory.scanned_pages", "4");
        check("allocstall_dma 0\n", "allocstall_dma 2\n", "memory.reclaim_stalls", "1");
        check(
            "pgscan_kswapd 0\npgscan_direct 0\n",
            "pgscan_kswapd 6\npgscan_direct 2\n",
            "memory.scanned_pages",
            "4",
        );
        check("workingset_refault_file 0\n", "workingset_refault_file 2\n", "memory.refaults", "1");
    }

    #[test]
    fn a_counter_that_fell_gives_nothing() {
        assert_eq!(two("pgfault 9\npgmajfault 1\n", "pgfault 8\npgmajfault 3\n"), ["memory.major_faults 1"]);
    }

    #[test]
    fn what_is_no_such_text_is_malformed() {
        let mut vmstat = VmStat::new(4096, Duration::MAX);
        assert!(vmstat.take(b"pgfault\n", Duration::ZERO, &mut Values::default()).is_err());
    }
}
