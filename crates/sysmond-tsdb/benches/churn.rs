//! Hosts whose series come and go, as those of containers do: what a sample takes on disk, and what memory it takes to
//! have met them all. `cargo bench --bench churn -- HOSTS HOURS MINUTES`, MINUTES being how long a container lives.

#![expect(clippy::print_stdout, reason = "a bench says what it found")]

use std::sync::mpsc::channel;
use sysmond_model::{Frame, HostInfo, Series, Shape, Timestamp};
use sysmond_tsdb::{Append, Retention, Store, StoreOptions, TierStorage};

const HOUR_MS: i64 = 3_600_000;
const TICK_MS: i64 = 2_000;
/// When the feed begins: a whole day.
const START_MS: i64 = 20_000 * 24 * HOUR_MS;
/// Rows in one push.
const ROWS: i64 = 30;
/// Series that stay.
const STAY: i64 = 40;
/// Containers of a host at a time, and the series of each.
const CONTAINERS: i64 = 10;
const PER_CONTAINER: i64 = 10;

fn main() {
    let numbers: Vec<i64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let number = |place: usize, usual| numbers.get(place).copied().unwrap_or(usual);
    let (hosts, hours, minutes) = (number(0, 10), number(1, 4), number(2, 10).max(1));
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let options =
        StoreOptions { retention: Retention::default(), max_disk_bytes: 1 << 36, queue_limit: 1024 };
    let begin = Timestamp::from_millis(START_MS);
    let store = Store::open(&folder.path().join("store.db"), options, begin).expect("a store");
    let before = memory("VmRSS:");
    let mut samples = 0;
    for push in 0..hours * HOUR_MS / (ROWS * TICK_MS) {
        samples += round(&store, hosts, minutes, push);
        if push % 4 == 3 {
            store.retain(Timestamp::from_millis(START_MS + push * ROWS * TICK_MS)).expect("kept in order");
        }
    }
    let end = START_MS + hours * HOUR_MS;
    // The last hour goes into blocks, and the day into summaries once it is over.
    for later in [HOUR_MS / 3, HOUR_MS, 25 * HOUR_MS] {
        store.retain(Timestamp::from_millis(end + later)).expect("kept in order");
    }
    let series = hosts * (STAY + PER_CONTAINER * (CONTAINERS + hours * 60 / minutes * CONTAINERS));
    println!("{hosts} hosts, {hours} h, containers of {minutes} min: {series} series, {samples} samples");
    let report = store.storage(Timestamp::from_millis(end)).expect("readable");
    let per = |tier: TierStorage| tier.bytes as f64 / samples as f64;
    println!(
        "blocks {:.3} bytes/sample, by minutes {:.3}, by ten minutes {:.3}; file {:.3}",
        per(report.blocks),
        per(report.minutes),
        per(report.ten_minutes),
        report.file_bytes as f64 / samples as f64
    );
    println!("resident {} MB ({before} at the start), at most {}", memory("VmRSS:"), memory("VmHWM:"));
    store.close();
}

/// One push of each host; how many samples were stored.
fn round(store: &Store, hosts: i64, minutes: i64, push: i64) -> u64 {
    let (done, answers) = channel();
    for host in 0..hosts {
        let done = done.clone();
        let append = append(host, minutes, push);
        store.append(append, move |answer| done.send(answer).expect("listens")).expect("queued");
    }
    drop(done);
    answers.iter().map(|answer| answer.expect("stored").stored as u64).sum()
}

fn append(host: i64, minutes: i64, push: i64) -> Append {
    let first = START_MS + push * ROWS * TICK_MS;
    // Each container is another one after so many minutes, and they do not change together.
    let life = minutes * 60_000;
    let container = |slot: i64| (first - START_MS + slot * life / CONTAINERS) / life * CONTAINERS + slot;
    let stay = (0..STAY).map(|n| Series::new("stays", format!("n={n}")));
    let come_and_go = (0..CONTAINERS).flat_map(|slot| {
        let id = container(slot);
        (0..PER_CONTAINER).map(move |n| Series::new("container", format!("id={host}-{id},n={n}")))
    });
    let mut frame = Frame::new(Shape::new(stay.chain(come_and_go).collect()));
    for row in 0..ROWS {
        let at = first + row * TICK_MS;
        let value = |n: i64| (((at / TICK_MS).wrapping_mul(7919) ^ (n * 31 + host)) % 997 * (n % 4)) as f64;
        let values: Vec<f64> = (0..STAY + CONTAINERS * PER_CONTAINER).map(value).collect();
        frame.push_row(Timestamp::from_millis(at), &values);
    }
    let received = Timestamp::from_millis(first + ROWS * TICK_MS);
    let host = HostInfo { hostname: format!("host-{host}"), ..HostInfo::default() };
    Append { host, static_info: None, received, frame, processes: Vec::new() }
}

/// A figure of the process's memory, MB.
fn memory(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) / 1000
}
