//! Samples that share neither their time nor their series with others, beside as many that do: what a sample costs in
//! memory, on disk and in processor time. `cargo bench --bench sparse -- FEED HOSTS SERIES HOURS`, where a feed is
//! `rows` (a row of all series every so many seconds as there are series), `staggered` (as often, but each series in a
//! second of its own, pushed together) or `single` (the same, each sample pushed alone).

#![expect(clippy::print_stdout, reason = "a bench says what it found")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::{Frame, HostInfo, Series, Shape, Timestamp};
use sysmond_tsdb::{Append, AppendError, Retention, Store, StoreOptions};

const HOUR_MS: i64 = 3_600_000;
/// When the feed begins: a whole day.
const START_MS: i64 = 20_000 * 24 * HOUR_MS;
/// Between two rounds of upkeep.
const UPKEEP_MS: i64 = 60_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let number = |place: usize, usual| words.get(place).and_then(|word| word.parse().ok()).unwrap_or(usual);
    let feed = words.first().map_or("staggered", String::as_str);
    let (hosts, series, hours) = (number(1, 10), number(2, 100), number(3, 2));
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let path = folder.path().join("store.db");
    let options =
        StoreOptions { retention: Retention::default(), max_disk_bytes: 1 << 36, queue_limit: 4096 };
    let store = Store::open(&path, options, Timestamp::from_millis(START_MS)).expect("a store");
    let mut samples = 0;
    let mut upkeep = START_MS;
    // A cycle in which each series has one sample.
    for cycle in 0..hours * HOUR_MS / (series * 1000) {
        let start = START_MS + cycle * series * 1000;
        for host in 0..hosts {
            samples += deliver(&store, feed, host, start, series);
        }
        let end = start + series * 1000;
        while upkeep + UPKEEP_MS <= end {
            upkeep += UPKEEP_MS;
            store.retain(Timestamp::from_millis(upkeep)).expect("kept in order");
        }
    }
    let before = peak_bytes();
    for minutes in [20, 40] {
        let later = START_MS + hours * HOUR_MS + minutes * 60_000;
        store.retain(Timestamp::from_millis(later)).expect("kept in order");
    }
    let per = |amount: f64| amount / samples as f64;
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let cpu = Duration::new(cpu.tv_sec.unsigned_abs(), u32::try_from(cpu.tv_nsec).unwrap_or(0));
    println!("{feed}: {hosts} hosts of {series} series, {hours} h, {samples} samples");
    println!(
        "resident at most: {} MB, and {} MB with the last hour's blocks; processor: {:.0} ns/sample",
        before / 1_000_000,
        peak_bytes() / 1_000_000,
        per(cpu.as_secs_f64() * 1e9)
    );
    store.close();
    sizes(&path, samples);
}

/// A cycle of one host.
fn deliver(store: &Store, feed: &str, host: i64, start: i64, series: i64) -> i64 {
    let name = |n: i64| Series::new("metric", format!("n={n}"));
    let value = |n: i64| ((start / 1000 * 7919 + n * 31 + host) % 9973) as f64 / 100.0;
    let at = |n: i64| Timestamp::from_millis(start + n * 1000);
    let all: Arc<Shape> = Shape::new((0..series).map(name).collect());
    match feed {
        "rows" => {
            let mut frame = Frame::new(all);
            frame.push_row(at(0), &(0..series).map(value).collect::<Vec<_>>());
            push(store, host, at(series), &frame);
        }
        "staggered" => {
            let mut frame = Frame::new(all);
            for n in 0..series {
                let cell = |own: i64| if own == n { value(n) } else { f64::NAN };
                frame.push_row(at(n), &(0..series).map(cell).collect::<Vec<_>>());
            }
            push(store, host, at(series), &frame);
        }
        "single" => {
            for n in 0..series {
                let mut frame = Frame::new(Shape::new(vec![name(n)]));
                frame.push_row(at(n), &[value(n)]);
                push(store, host, at(n), &frame);
            }
        }
        other => panic!("there is no feed `{other}`: rows, staggered or single"),
    }
    series
}

fn push(store: &Store, host: i64, received: Timestamp, frame: &Frame) {
    let host = HostInfo { hostname: format!("host-{host}"), ..HostInfo::default() };
    let append = || Append {
        host: host.clone(),
        static_info: None,
        received,
        frame: frame.clone(),
        processes: Vec::new(),
    };
    // As who is told to come again in a moment.
    while let Err(error) = store.append_wait(append()) {
        assert_eq!(error, AppendError::QueueFull);
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn sizes(path: &Path, samples: i64) {
    let conn = rusqlite::Connection::open(path).expect("readable");
    for table in ["log", "young", "block", "rollup"] {
        let sql = format!("SELECT count(*), coalesce(sum(length(data)), 0) FROM {table}");
        let (rows, bytes): (i64, i64) =
            conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("sound");
        println!("{table}: {rows} rows, {:.2} bytes/sample", bytes as f64 / samples as f64);
    }
    let layouts: i64 =
        conn.query_row("SELECT count(DISTINCT layout_id) FROM layout", [], |row| row.get(0)).expect("sound");
    let file = std::fs::metadata(path).expect("exists").len();
    println!("file: {:.2} bytes/sample; {layouts} layouts", file as f64 / samples as f64);
}

/// The most that was resident.
fn peak_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
