//! Files that earlier programs wrote, each with the last program of its version: two hosts over three and a half hours
//! across midnight, so that there are rows in the log, young blocks, late rows of an older hour, hours' blocks and a
//! day's summaries; from version 6 on also processes. `told.txt` is what those programs answered.

use crate::testing::options;
use crate::{Cursor, RangeQuery, Retention, Store, StoreOptions, TagMatch, file, schema};
use rusqlite::Connection;
use std::fmt::Write;
use std::path::Path;
use sysmond_model::{Frame, SeriesRange, Timestamp};

/// When the first sample was taken, and when the last push had come, milliseconds.
const START: i64 = 20_000 * 86_400_000 - 9_000_000;
const END: i64 = 20_000 * 86_400_000 + 3_600_000;
const METRICS: [&str; 5] = ["cpu.total_usage", "disk.read_bytes", "load.1m", "temperature", "memory.total"];

const VERSIONS: [(i64, &[u8]); 7] = [
    (1, include_bytes!("../../tests/versions/1.db.zst")),
    (2, include_bytes!("../../tests/versions/2.db.zst")),
    (3, include_bytes!("../../tests/versions/3.db.zst")),
    (4, include_bytes!("../../tests/versions/4.db.zst")),
    (5, include_bytes!("../../tests/versions/5.db.zst")),
    (6, include_bytes!("../../tests/versions/6.db.zst")),
    (7, include_bytes!("../../tests/versions/7.db.zst")),
];

/// What the program of that version answered. Before version 6 nothing was kept of processes; in version 1 a row that
/// came in parts counted more often in the order of storing.
fn golden(version: i64) -> String {
    let packed: &[u8] = include_bytes!("../../tests/versions/told.txt.zst");
    let told = String::from_utf8(zstd::decode_all(packed).expect("sound")).expect("text");
    let known = told.lines().filter(|line| version >= 6 || !line.contains("ProcessSnapshot"));
    let line = |line: &str| match line {
        "host-0 Cursor(300) 120 Cursor(420)" if version == 1 => "host-0 Cursor(590) 120 Cursor(830)\n".into(),
        "host-1 Cursor(300) 140 Cursor(440)" if version == 1 => "host-1 Cursor(600) 140 Cursor(860)\n".into(),
        line => format!("{line}\n"),
    };
    known.map(line).collect()
}

fn range(store: &Store, host: &str, points: usize) -> Vec<SeriesRange> {
    let (from, to) = (Timestamp::from_millis(START), Timestamp::from_millis(END));
    let metrics = METRICS.map(Into::into).to_vec();
    store
        .range(&RangeQuery { host: host.into(), metrics, tags: TagMatch::Any, from, to, points })
        .expect("readable")
}

/// All that a store says of its hosts, in the words of `told.txt`.
fn told(store: &Store) -> String {
    let mut out = String::new();
    let mut say = |line: std::fmt::Arguments<'_>| writeln!(out, "{line}").expect("room");
    for host in store.hosts() {
        let name = host.info.hostname;
        say(format_args!("{name} {:?} {}", host.info.tags, host.first_seen.as_millis()));
        for SeriesRange { series, points, .. } in range(store, &name, 10_000) {
            for point in points {
                let at = point.timestamp.as_millis();
                say(format_args!("{name} {} {} {at} {:?}", series.metric_type, series.tags, point.avg));
            }
        }
        for sample in store.latest(&name).expect("known") {
            let (metric, at) = (sample.series.metric_type, sample.timestamp.as_millis());
            say(format_args!("{name} latest {metric} {at} {:?}", sample.value));
        }
        let (snapshots, _) = store.processes_after(&name, Cursor::default(), 10_000).expect("readable");
        for reading in snapshots {
            say(format_args!("{name} {} {:?}", reading.timestamp.as_millis(), reading.snapshot));
        }
        let cursor = store.cursor(&format!("push:{name}")).expect("readable");
        let rest = store.read_after(&name, cursor, 10_000).expect("readable");
        let rows = rest.frames.iter().map(Frame::row_count).sum::<usize>();
        say(format_args!("{name} {cursor:?} {rows} {:?}", rest.next));
    }
    out
}

/// In how few points a series is asked for, no extreme is lost: those come from summaries.
fn check_summaries(store: &Store, host: &str) {
    let fold = |range: &SeriesRange, of: fn(&sysmond_model::Point) -> f64, pick: fn(f64, f64) -> f64| {
        range.points.iter().map(of).reduce(pick)
    };
    let (few, all) = (range(store, host, 20), range(store, host, 10_000));
    assert_eq!(few.len(), all.len());
    for (few, all) in few.iter().zip(&all) {
        assert!(few.points.len() <= 40 && all.points.len() > 200, "{:?}", few.series);
        assert_eq!(fold(few, |point| point.min, f64::min), fold(all, |point| point.min, f64::min));
        assert_eq!(fold(few, |point| point.max, f64::max), fold(all, |point| point.max, f64::max));
    }
}

/// Opens what lies at `path` and compares all of it with what was told of it once, before and after upkeep.
fn check(path: &Path, version: i64) {
    let expected = golden(version);
    let raw = 30 * Retention::DAY;
    let options = StoreOptions { retention: Retention::of_raw(raw), ..options() };
    let now = Timestamp::from_millis(END + 120_000);
    for _ in 0..2 {
        let store = Store::open(path, options.clone(), now).expect("brought forward");
        assert_eq!(store.recovered(), None);
        let same = |told: String, when: &str| {
            let differs = told.lines().zip(expected.lines()).find(|(told, expected)| told != expected);
            assert_eq!((differs, told.len()), (None, expected.len()), "version {version}, {when}");
        };
        same(told(&store), "opened");
        store.seal_all();
        assert_eq!(store.retain(now).expect("looked after"), 0);
        same(told(&store), "looked after");
        check_summaries(&store, "host-0");
        check_summaries(&store, "host-1");
        store.close();
    }
    let conn = Connection::open(path).expect("readable");
    assert_eq!(schema::version(&conn).expect("sound"), schema::VERSION);
}

fn write(folder: &Path, packed: &[u8]) -> std::path::PathBuf {
    let path = folder.join("store.db");
    std::fs::write(&path, zstd::decode_all(packed).expect("sound")).expect("writable");
    path
}

/// What a kill now would leave of an open file.
fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        std::fs::copy(file::beside(from, suffix), file::beside(to, suffix)).expect("there");
    }
}

#[test]
fn files_of_all_versions_are_brought_forward_and_say_the_same() {
    for (version, packed) in VERSIONS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = write(folder.path(), packed);
        let conn = Connection::open(&path).expect("readable");
        assert_eq!(schema::version(&conn).expect("sound"), version);
        drop(conn);
        check(&path, version);
    }
}

#[test]
fn a_kill_within_a_step_of_a_migration_leaves_a_file_that_is_brought_forward_next_time() {
    for ((version, packed), step) in VERSIONS.iter().zip(schema::MIGRATIONS.iter().skip(1)) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = write(folder.path(), packed);
        let killed = folder.path().join("killed.db");
        let conn = Connection::open(&path).expect("writable");
        // A cache of few pages: what is not committed goes to SQLite's log all the same.
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA cache_size = 4; BEGIN IMMEDIATE")
            .expect("free");
        conn.execute_batch(step).expect("the step");
        let spoil = match version {
            1 => "UPDATE tick SET data = zeroblob(length(data))",
            _ => "UPDATE block SET data = zeroblob(length(data)); DELETE FROM log; DELETE FROM young",
        };
        conn.execute_batch(spoil).expect("what the program does itself");
        conn.execute_batch("CREATE TABLE large AS SELECT zeroblob(400000) AS data")
            .expect("more than the cache");
        copy(&path, &killed);
        assert!(file::wal_bytes(&killed) > 20_000, "nothing of the step was in the log of version {version}");
        drop(conn);
        check(&killed, *version);
    }
}

#[test]
fn a_kill_between_two_steps_of_a_migration_leaves_a_file_that_is_brought_forward_next_time() {
    for (version, packed) in VERSIONS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = write(folder.path(), packed);
        let mut conn = Connection::open(&path).expect("writable");
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").expect("free");
        let at = |step: i64| folder.path().join(format!("{step}.db"));
        let mut steps = Vec::new();
        let mut told = |upgrade: crate::Upgrade| {
            if upgrade.at > upgrade.from && upgrade.at < upgrade.to {
                copy(&path, &at(upgrade.at));
                steps.push(upgrade.at);
            }
        };
        schema::migrate(&mut conn, &mut told).expect("sound");
        assert!(steps.iter().copied().eq(version + 1..schema::VERSION), "{steps:?}");
        drop(conn);
        for step in steps {
            check(&at(step), version);
        }
    }
}
