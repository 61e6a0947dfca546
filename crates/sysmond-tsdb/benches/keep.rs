//! How long a push waits while a large deletion runs beside it, and what reading costs: a day of one of a host's many
//! series, the latest values, the fleet's summary, the figures of the storage, a start with full heads.
//! `cargo bench --bench keep -- HOSTS HOURS SERIES`

#![expect(clippy::print_stdout, reason = "a bench says what it found")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use sysmond_model::{Frame, HostInfo, Series, Shape, Timestamp};
use sysmond_tsdb::{Append, RangeQuery, Retention, Store, StoreOptions, TagMatch};

const HOUR_MS: i64 = 3_600_000;
const TICK_MS: i64 = 2_000;
/// When the feed begins: a whole day.
const START_MS: i64 = 20_000 * 24 * HOUR_MS;
/// Rows in one push while the store is filled.
const FILL_ROWS: i64 = 900;

fn main() {
    let numbers: Vec<i64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let number = |place: usize, usual| numbers.get(place).copied().unwrap_or(usual);
    let (hosts, hours, series) = (number(0, 4), number(1, 4), usize::try_from(number(2, 20)).unwrap_or(20));
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let path = folder.path().join("store.db");
    let options = |raw_hours: i64| {
        let raw = Duration::from_hours(raw_hours.unsigned_abs());
        StoreOptions { retention: Retention::of_raw(raw), max_disk_bytes: 1 << 36, queue_limit: 4096 }
    };
    let end = START_MS + hours * HOUR_MS;
    let store = Store::open(&path, options(hours + 48), Timestamp::from_millis(START_MS)).expect("a store");
    fill(&store, hosts, hours, series);
    let report = store.storage(Timestamp::from_millis(end)).expect("readable");
    println!(
        "{hosts} hosts, {hours} h, {series} series: {} MB in blocks, {:.2} bytes/sample",
        report.blocks.bytes / 1_000_000,
        report.blocks.bytes_per_sample().unwrap_or_default()
    );
    read(&store, hours);
    heads(&store, hosts, series, end);
    store.close();
    drop(store);

    let begin = Instant::now();
    let store = Store::open(&path, options(1), Timestamp::from_millis(end)).expect("a store");
    println!("opened with full heads in {:?}", begin.elapsed());
    deletion(&store, series, end);
    store.close();
}

fn push(store: &Store, host: i64, first: i64, rows: i64, series: usize) {
    let shape = Shape::new((0..series).map(|n| Series::new("metric", format!("n={n}"))).collect());
    let mut frame = Frame::new(shape);
    for row in 0..rows {
        let at = first + row * TICK_MS;
        let value = |n: usize| (((at / TICK_MS) as f64).mul_add(7919.0, n as f64 * 31.0) % 9973.0).sqrt();
        frame.push_row(Timestamp::from_millis(at), &(0..series).map(value).collect::<Vec<_>>());
    }
    let host = HostInfo { hostname: format!("host-{host}"), ..HostInfo::default() };
    let received = Timestamp::from_millis(first + rows * TICK_MS);
    store
        .append_wait(Append { host, static_info: None, received, frame, processes: Vec::new() })
        .expect("stored");
}

/// Whole hours, compacted as time goes on.
fn fill(store: &Store, hosts: i64, hours: i64, series: usize) {
    for part in 0..hours * HOUR_MS / (FILL_ROWS * TICK_MS) {
        let first = START_MS + part * FILL_ROWS * TICK_MS;
        for host in 0..hosts {
            push(store, host, first, FILL_ROWS, series);
        }
        store.retain(Timestamp::from_millis(first + FILL_ROWS * TICK_MS)).expect("kept in order");
    }
    for minutes in [20, 40] {
        let later = START_MS + hours * HOUR_MS + minutes * 60_000;
        store.retain(Timestamp::from_millis(later)).expect("kept in order");
    }
}

fn read(store: &Store, hours: i64) {
    let query = |hours: i64, points| RangeQuery {
        host: "host-0".into(),
        metrics: vec!["metric".into()],
        tags: TagMatch::Exactly("n=7".into()),
        from: Timestamp::from_millis(START_MS),
        to: Timestamp::from_millis(START_MS + hours * HOUR_MS),
        points,
    };
    let most = hours.min(24);
    // As many points as the day has minutes and more: samples are read, not their summaries.
    measure(&format!("{most} h of a series from its samples"), 200, || {
        store.range(&query(most, 1500)).expect("known").len()
    });
    measure(&format!("{most} h of a series to 1000 points"), 200, || {
        store.range(&query(most, 1000)).expect("known").len()
    });
    measure("latest of a host", 1000, || store.latest("host-0").map_or(0, |samples| samples.len()));
    let now = Timestamp::from_millis(START_MS + hours * HOUR_MS);
    measure("fleet summary", 1000, || {
        usize::try_from(store.fleet_summary(now, 300_000).total_hosts).unwrap_or(0)
    });
    measure("figures of the storage", 1000, || store.storage(now).expect("readable").quarantine.newest.len());
}

/// Prints the middle and the worst but one in a hundred, and the processor's time.
fn measure(what: &str, times: usize, mut run: impl FnMut() -> usize) {
    let mut took: Vec<Duration> = Vec::with_capacity(times);
    let cpu = thread_cpu();
    for _ in 0..times {
        let begin = Instant::now();
        std::hint::black_box(run());
        took.push(begin.elapsed());
    }
    let cpu = (thread_cpu().saturating_sub(cpu)) / u32::try_from(times).unwrap_or(1);
    took.sort_unstable();
    let at = |hundredths: usize| took.get(took.len() * hundredths / 100).copied().unwrap_or_default();
    println!("{what}: p50 {:?}, p99 {:?}, processor {cpu:?}", at(50), at(99));
}

/// Rows that stay in memory: nearly what a head holds before it is sealed.
fn heads(store: &Store, hosts: i64, series: usize, end: i64) {
    for host in 0..hosts {
        push(store, host, end + HOUR_MS, 100, series);
    }
}

/// Pushes while everything that is older than an hour goes.
fn deletion(store: &Store, series: usize, end: i64) {
    let later = end + 2 * HOUR_MS;
    let is_done = AtomicBool::new(false);
    let mut waits = Vec::new();
    let begin = Instant::now();
    let removed = std::thread::scope(|scope| {
        let deleting = scope.spawn(|| {
            let removed = store.retain(Timestamp::from_millis(later)).expect("removed");
            is_done.store(true, Ordering::Release);
            removed
        });
        let mut tick = 0;
        while !is_done.load(Ordering::Acquire) {
            let asked = Instant::now();
            push(store, 0, end + HOUR_MS + 400_000 + tick * TICK_MS, 1, series);
            waits.push(asked.elapsed());
            tick += 1;
        }
        deleting.join().expect("no panic")
    });
    waits.sort_unstable();
    let at = |per_mille: usize| waits.get(waits.len() * per_mille / 1000).copied().unwrap_or_default();
    println!(
        "deleted {removed} samples in {:?}; {} pushes beside it: p50 {:?}, p99 {:?}, longest {:?}",
        begin.elapsed(),
        waits.len(),
        at(500),
        at(990),
        waits.last()
    );
    let free = store.storage(Timestamp::from_millis(later)).expect("readable");
    println!("file {} MB, of it free {} MB", free.file_bytes / 1_000_000, free.free_bytes / 1_000_000);
}

fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
