//! What a reading of this machine costs: time and allocations, each source and all of them.
//!
//! `cargo bench -p sysmond-procfs`; in the steady state no source allocates.

use divan::{AllocProfiler, Bencher, black_box};
use std::time::Duration;
use sysmond_procfs::{Roots, Source, Values, sources, static_info};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SOURCES: [&str; 8] = ["cpu", "load", "memory", "filesystem", "disk", "network", "pressure", "uptime"];

fn main() {
    divan::main();
}

fn roots() -> Roots {
    Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() }
}

/// Reads all of `sources` again and again, as an agent does each second.
fn read_again(bencher: Bencher<'_, '_>, mut sources: Vec<Box<dyn Source>>) {
    let mut out = Values::default();
    let mut at = Duration::ZERO;
    let mut read = || {
        at += Duration::from_secs(1);
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

#[divan::bench(args = SOURCES)]
fn source(bencher: Bencher<'_, '_>, name: &str) {
    let mut sources = sources(&roots(), Duration::from_secs(10));
    sources.retain(|source| source.name() == name);
    read_again(bencher, sources);
}

#[divan::bench]
fn all_sources(bencher: Bencher<'_, '_>) {
    read_again(bencher, sources(&roots(), Duration::from_secs(10)));
}

#[divan::bench]
fn what_is_read_once() -> usize {
    let (info, errors) = static_info(&roots());
    info.ip_addresses.len() + errors.len()
}
