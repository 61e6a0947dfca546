//! What a reading of this machine costs: time and allocations, each source and all of them.
//!
//! `cargo bench -p sysmond-procfs`; that no source allocates in the steady state is asserted by `tests/allocations.rs`.

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use std::time::Duration;
use sysmond_procfs::{Roots, Source, Values, sources, static_info};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Those that are read each second, and those on a slow clock.
const FAST: [&str; 10] =
    ["cpu", "load", "memory", "vmstat", "disk", "network", "sockets", "protocols", "pressure", "uptime"];
const SLOW: [&str; 13] = [
    "frequency",
    "filesystem",
    "remote",
    "links",
    "connections",
    "processes",
    "tables",
    "clock",
    "sensors",
    "battery",
    "raid",
    "cgroup",
    "limit",
];

fn main() {
    divan::main();
}

fn roots() -> Roots {
    Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() }
}

/// Reads all of `sources` again and again, as an agent does each second.
fn read_again(bencher: Bencher<'_, '_>, mut sources: Vec<Box<dyn Source>>, every: Duration) {
    let mut out = Values::default();
    let mut at = Duration::ZERO;
    let mut read = || {
        at += every;
        out.clear();
        for source in &mut sources {
            drop(black_box(source.read(at, &mut out)));
        }
        out.iter().count()
    };
    // Opens the files, lets the buffers grow.
    read();
    read();
    bencher.bench_local(read);
}

fn one(bencher: Bencher<'_, '_>, name: &str, every: Duration) {
    let mut sources = sources(&roots(), Duration::from_secs(10));
    sources.retain(|source| source.name() == name);
    assert_eq!(sources.len(), 1, "{name}");
    read_again(bencher, sources, every);
}

/// What each costs a second.
#[divan::bench(args = FAST)]
fn each_second(bencher: Bencher<'_, '_>, name: &str) {
    one(bencher, name, Duration::from_secs(1));
}

/// What each costs when its time has come: every 5 to 60 seconds.
#[divan::bench(args = SLOW)]
fn on_a_slow_clock(bencher: Bencher<'_, '_>, name: &str) {
    one(bencher, name, Duration::from_mins(2));
}

/// A minute of an agent that reads each second, slow clocks included: a sixtieth of it is the cost of a second.
#[divan::bench(sample_count = 20)]
fn a_minute_of_all(bencher: Bencher<'_, '_>) {
    let mut sources = sources(&roots(), Duration::from_secs(3));
    let (mut out, mut at) = (Values::default(), Duration::ZERO);
    let mut minute = || {
        for _ in 0..60 {
            at += Duration::from_secs(1);
            out.clear();
            for source in &mut sources {
                drop(black_box(source.read(at, &mut out)));
            }
        }
        out.iter().count()
    };
    minute();
    let series = minute();
    bencher.counter(ItemsCount::new(60 * series)).bench_local(minute);
}

#[divan::bench]
fn what_is_read_once() -> usize {
    let (info, errors) = static_info(&roots());
    info.ip_addresses.len() + errors.len()
}
