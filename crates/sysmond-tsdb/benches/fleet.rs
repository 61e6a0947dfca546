//! A fleet's hours through a store, as fast as it takes them: what a sample costs in processor time, on disk and in
//! writes. `cargo bench --bench fleet -- HOSTS HOURS AT_ONCE STRETCHES`: so many pushes wait for their answers at a
//! time; 1 is the real pace of a small fleet. Behind each stretch of as many hours the store is opened anew as a crash
//! of the machine leaves it: with SQLite's own log, and nothing of either file in memory.

#![expect(clippy::print_stdout, reason = "a bench says what it found")]

// One feed for all that measures.
#[path = "../../../bench/src/feed.rs"]
#[expect(unused_imports, reason = "its tests are run where it lies")]
mod feed;

use rustix::fs::{Advice, fadvise};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use sysmond_model::{HostInfo, Shape, Timestamp};
use sysmond_tsdb::{Append, AppendError, Appended, RangeQuery, Retention, Store, StoreOptions, TagMatch};

/// Ticks in one push, two seconds each.
const TICKS_PER_PUSH: i64 = 5;
const TICK_MS: i64 = 2_000;
const HOUR_MS: i64 = 3_600_000;
/// When the feed begins: a whole day.
const START_MS: i64 = 20_000 * 86_400_000;

fn main() {
    let numbers: Vec<i64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let number = |place: usize, usual| numbers.get(place).copied().unwrap_or(usual);
    let (hosts, hours) = (number(0, 20), number(1, 3));
    let at_once = usize::try_from(number(2, i64::MAX)).expect("positive").max(1);
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let path = folder.path().join("store.db");
    let options =
        StoreOptions { retention: Retention::default(), max_disk_bytes: 1 << 36, queue_limit: 4096 };
    let mut fleet = Fleet::new(usize::try_from(hosts).expect("positive"));
    let mut samples = 0;
    for stretch in 0..number(3, 1) {
        let begin = START_MS + stretch * hours * HOUR_MS;
        let store = Store::open(&path, options.clone(), Timestamp::from_millis(begin)).expect("a store");
        samples += feed_hours(&store, &mut fleet, begin, hours, at_once, &path);
        crash(store, &path);
    }
    let end = START_MS + number(3, 1) * hours * HOUR_MS;
    let store = Store::open(&path, options.clone(), Timestamp::from_millis(end)).expect("a store");
    query(&store, hours);
    store.close();
    drop(store);
    sizes(&path, samples);
    let begin = Instant::now();
    let store = Store::open(&path, options, Timestamp::from_millis(end)).expect("a store");
    println!("opened in {:?}, {} hosts", begin.elapsed(), store.stats().hosts);
}

/// Makes of the store's files what a crash of the machine leaves now.
fn crash(store: Store, path: &Path) {
    let names = ["store.db", "store.db-wal"].map(|name| path.with_file_name(name));
    let copy = |name: &Path| {
        let mut copy = name.as_os_str().to_owned();
        copy.push(".copy");
        PathBuf::from(copy)
    };
    for name in &names {
        let left = copy(name);
        std::fs::copy(name, &left).expect("room for it");
    }
    store.close();
    drop(store);
    for name in &names {
        std::fs::rename(copy(name), name).expect("in its place");
        let file = std::fs::File::open(name).expect("there");
        file.sync_all().expect("on disk");
        fadvise(file, 0, None, Advice::DontNeed).expect("given back");
    }
}

/// So many hours of the fleet, and the work in the background that follows; returns the samples.
fn feed_hours(store: &Store, fleet: &mut Fleet, start: i64, hours: i64, at_once: usize, path: &Path) -> u64 {
    let (mut made, mut samples) = (Duration::ZERO, 0_u64);
    let (begin, cpu_before, written_before) = (Instant::now(), process_cpu(), Written::read(path));
    let mut slowest = Duration::ZERO;
    let pushes_per_hour = HOUR_MS / TICK_MS / TICKS_PER_PUSH;
    for push in 0..hours * pushes_per_hour {
        let at = start + push * TICKS_PER_PUSH * TICK_MS;
        let before = thread_cpu();
        let round = fleet.round(at);
        made += thread_cpu().saturating_sub(before);
        let asked = Instant::now();
        samples += deliver(store, round, at_once);
        slowest = slowest.max(asked.elapsed());
        if push % 6 == 5 {
            store.retain(Timestamp::from_millis(at)).expect("kept in order");
        }
    }
    // Until the last hour is in blocks, and then the day in summaries.
    for minutes in [20, 60] {
        let later = start + hours * HOUR_MS + minutes * 60_000;
        store.retain(Timestamp::from_millis(later)).expect("kept in order");
    }
    let cpu = process_cpu().saturating_sub(cpu_before).saturating_sub(made);
    let per = |amount: f64| amount / samples as f64;
    println!("{} hosts, {hours} h, {samples} samples in {:?}", fleet.hosts.len(), begin.elapsed());
    println!(
        "processor: {:.1} ns/sample, {:.2} M samples/s",
        per(cpu.as_secs_f64() * 1e9),
        samples as f64 / cpu.as_secs_f64() / 1e6
    );
    for (name, cpu) in threads_cpu() {
        println!("    {name}: {:.1} ns/sample", per(cpu.as_secs_f64() * 1e9));
    }
    let written = Written::read(path);
    let grown = |of: fn(&Written) -> u64| per((of(&written) - of(&written_before)) as f64);
    println!(
        "written, bytes/sample: {:.2} by calls, {:.2} by the kernel's account of the process (whole folios), {:.2} by \
         the device's (of all processes)",
        grown(|written| written.calls),
        grown(|written| written.dirtied),
        grown(|written| written.device)
    );
    println!("slowest round of pushes: {slowest:?}; resident: {} MB", resident_bytes() / 1_000_000);
    println!("commits: {}", store.stats().commits);
    samples
}

/// The hosts, each with its feed.
struct Fleet {
    shape: Arc<Shape>,
    hosts: Vec<feed::Host>,
}

impl Fleet {
    fn new(hosts: usize) -> Self {
        Self { shape: feed::shape(), hosts: (0..hosts).map(feed::Host::new).collect() }
    }

    /// One push of each host.
    fn round(&mut self, at: i64) -> Vec<Append> {
        let append = |(number, host): (usize, &mut feed::Host)| Append {
            host: HostInfo {
                hostname: format!("host-{number}"),
                version: "0.5.0".into(),
                platform: "Linux".into(),
                tags: [].into(),
            },
            static_info: None,
            received: Timestamp::from_millis(at + TICKS_PER_PUSH * TICK_MS),
            frame: host.frame(&self.shape, at, TICKS_PER_PUSH, TICK_MS),
            processes: Vec::new(),
        };
        self.hosts.iter_mut().enumerate().map(append).collect()
    }
}

/// Delivers a round, never with more than `at_once` pushes that wait for an answer.
fn deliver(store: &Store, round: Vec<Append>, at_once: usize) -> u64 {
    let (done, answers) = channel::<Result<Appended, AppendError>>();
    let (mut stored, mut waiting) = (0, 0);
    let take = || answers.recv().expect("answered").expect("stored").stored as u64;
    for append in round {
        if waiting == at_once {
            stored += take();
            waiting -= 1;
        }
        let done = done.clone();
        store.append(append, move |answer| done.send(answer).expect("listens")).expect("queued");
        waiting += 1;
    }
    stored + (0..waiting).map(|_| take()).sum::<u64>()
}

fn query(store: &Store, hours: i64) {
    let query = RangeQuery {
        host: "host-0".into(),
        metrics: vec!["cpu.total_usage".into()],
        tags: TagMatch::Any,
        from: Timestamp::from_millis(START_MS),
        to: Timestamp::from_millis(START_MS + hours * HOUR_MS),
        points: 1000,
    };
    let begin = Instant::now();
    let points = (0..20).map(|_| store.range(&query).expect("known").remove(0).points.len()).max();
    println!("{hours} h of a series to {points:?} points: {:?}", begin.elapsed() / 20);
    let begin = Instant::now();
    let latest = (0..1000).filter_map(|_| store.latest("host-0")).map(|samples| samples.len()).max();
    println!("latest of a host ({latest:?}): {:?}", begin.elapsed() / 1000);
    let begin = Instant::now();
    let now = Timestamp::from_millis(START_MS + hours * HOUR_MS);
    let online = (0..100).map(|_| store.fleet_summary(now, 300_000).online_hosts).max();
    println!("fleet summary ({online:?} online): {:?}", begin.elapsed() / 100);
}

fn sizes(path: &Path, samples: u64) {
    let conn = rusqlite::Connection::open(path).expect("readable");
    for table in ["log", "young", "block", "rollup"] {
        let sql = format!("SELECT count(*), coalesce(sum(length(data)), 0) FROM {table}");
        let (rows, bytes): (i64, i64) =
            conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("sound");
        println!("{table}: {rows} rows, {bytes} bytes, {:.3} bytes/sample", bytes as f64 / samples as f64);
    }
    for (tier, name) in [(1, "minutes"), (2, "ten minutes")] {
        let sql = "SELECT coalesce(sum(length(data)), 0) FROM rollup WHERE id >> 60 = ?1";
        let bytes: i64 = conn.query_row(sql, [tier], |row| row.get(0)).expect("sound");
        println!("    by {name}: {:.4} bytes/sample", bytes as f64 / samples as f64);
    }
    let cells: i64 =
        conn.query_row("SELECT coalesce(sum(cells), 0) FROM block", [], |row| row.get(0)).expect("sound");
    let bytes: i64 = conn
        .query_row("SELECT coalesce(sum(length(data)), 0) FROM block", [], |row| row.get(0))
        .expect("sound");
    println!("blocks: {:.3} bytes/sample", bytes as f64 / cells as f64);
    let file = std::fs::metadata(path).expect("exists").len();
    println!("file: {file} bytes, {:.3} bytes/sample", file as f64 / samples as f64);
}

fn clock(id: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(id);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn process_cpu() -> Duration {
    clock(rustix::time::ClockId::ProcessCPUTime)
}

fn thread_cpu() -> Duration {
    clock(rustix::time::ClockId::ThreadCPUTime)
}

/// Of each thread its name and what it took.
fn threads_cpu() -> Vec<(String, Duration)> {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let one = |thread: std::fs::DirEntry| {
        let name = std::fs::read_to_string(thread.path().join("comm")).ok()?;
        let times = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanos = times.split_whitespace().next()?.parse().ok()?;
        Some((name.trim().to_owned(), Duration::from_nanos(nanos)))
    };
    threads.filter_map(one).collect()
}

/// Bytes written since the start, by who counts.
struct Written {
    /// What this process gave to calls that write.
    calls: u64,
    /// `write_bytes`: the pages of files that it made dirty. The kernel counts a folio whole where one page of it is
    /// written, and what was read ahead lies in large ones.
    dirtied: u64,
    /// What the device below took, of all processes.
    device: u64,
}

impl Written {
    fn read(path: &Path) -> Self {
        let io = std::fs::read_to_string("/proc/self/io").expect("Linux");
        let field =
            |name: &str| io.lines().find_map(|line| line.strip_prefix(name)?.parse().ok()).unwrap_or(0);
        let device = std::fs::metadata(path).expect("there").dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        // A file system that is on no device, as in memory, has none.
        let stat =
            std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).unwrap_or_default();
        let sectors: u64 = stat.split_whitespace().nth(6).and_then(|word| word.parse().ok()).unwrap_or(0);
        Self { calls: field("wchar: "), dirtied: field("write_bytes: "), device: sectors * 512 }
    }
}

fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
