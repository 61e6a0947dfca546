//! What a tick allocates in the steady state, on all threads: the row that is given away, and nothing else.

#![expect(unsafe_code, reason = "an allocator that counts is `unsafe` by its trait; it hands everything on")]

use super::keep::Ring;
use super::registry::Registry;
use super::rows::Rows;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use sysmond_model::Timestamp;
use sysmond_model::catalogue::{CPU_CORE_USAGE, LOAD_AVG_1M};
use sysmond_procfs::{Lane, Source, SourceError, Values};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Two lanes with sources like those of a host, which by themselves allocate nothing.
struct Cores(Lane);

impl Source for Cores {
    fn name(&self) -> &'static str {
        "cores"
    }

    fn lane(&self) -> Lane {
        self.0
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let tags = if self.0 == Lane::Kernel { "core=0" } else { "core=1" };
        out.put(&CPU_CORE_USAGE, tags, 1.0);
        out.put(&LOAD_AVG_1M, tags, 1.0);
        Ok(())
    }
}

/// The times and the values of a row, which is kept for whoever stores and pushes it.
const OF_A_ROW: u64 = 2;
const TICKS: i64 = 200;

#[test]
fn a_tick_allocates_the_row_that_it_gives_away() {
    let lanes = [Lane::Kernel, Lane::Kernel, Lane::Kernel, Lane::Processes, Lane::Storage, Lane::Hardware];
    let sources = lanes.map(|lane| Box::new(Cores(lane)) as Box<dyn Source>);
    let mut registry = Registry::start(sources.into(), true).unwrap();
    let mut rows = Rows::new(Arc::default());
    let ring = Ring::new(Arc::default());
    // In a ring that is full already: as it grows it allocates, but not for ever.
    let mut least = u64::MAX;
    for tick in 0..TICKS + 600 {
        let before = COUNT.load(Ordering::Relaxed);
        registry.read(Duration::from_secs(20));
        let at = Duration::from_secs(tick.unsigned_abs());
        ring.put(rows.row(Timestamp::from_seconds(tick), at, registry.collectors()), None);
        // Another test of this process may allocate meanwhile, so that the least of many ticks counts.
        least = least.min(COUNT.load(Ordering::Relaxed) - before);
    }
    registry.stop();
    assert_eq!(least, OF_A_ROW);
}
