//! In the steady state a reading allocates nothing: an agent that runs for a year leaves no holes in its memory.
//!
//! What is looked for anew once in a while (a sensor that was plugged in) may cost its word on that it is not there;
//! and a snapshot of processes is made to be given away: its names, and no more for all the other processes.

#![expect(unsafe_code, reason = "an allocator that counts is `unsafe` by its trait; it hands everything on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;
use sysmond_procfs::{Roots, Values, sources, text_files};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends has no counter any more, and is none of ours.
    COUNT.try_with(|count| count.set(count.get() + 1)).unwrap_or_default();
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Seconds until all slow clocks have come round and buffers have grown.
const WARM_UP: u64 = 200;
/// What a snapshot of processes may take: the names of thirty, and the list of them as it grows.
const SNAPSHOT: u64 = 30 + 8;
/// Seconds that are watched.
const WATCHED: u64 = 130;

#[test]
fn a_reading_of_this_machine_allocates_nothing() {
    let roots = Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() };
    let mut sources = sources(&roots, Duration::from_secs(3));
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..5 {
        let lines: Vec<_> = (0..40).map(|n| format!("own_{number}{{n=\"{n}\"}} 1\n")).collect();
        std::fs::write(folder.path().join(format!("{number}.prom")), lines.concat()).expect("ours");
    }
    // First: whatever comes to this machine meanwhile moves the values behind it to other buffers, which then grow.
    sources.insert(0, text_files(folder.path().into()));
    let mut out = Values::default();
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    let mut series = 0;
    for second in 1..=WARM_UP + WATCHED {
        out.clear();
        for source in &mut sources {
            let before = COUNT.get();
            let result = source.read(Duration::from_secs(second), &mut out);
            let is_absent = result.is_err_and(|error| error.is_absence());
            let more = COUNT.get() - before;
            let more = if source.name() == "processes" { more.saturating_sub(SNAPSHOT) } else { more };
            if second > WARM_UP && !is_absent && more > 0 {
                *found.entry(source.name()).or_default() += more;
            }
        }
        series = out.iter().count();
    }
    assert!(series > 260, "only {series} series: is this /proc?");
    // A file system, a process or a device may come while this runs, and that is no steady state: it happens once.
    found.retain(|_, count| *count > 12);
    assert!(found.is_empty(), "{found:?}");
}
