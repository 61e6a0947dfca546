//! Snapshots through a real store.

#![expect(clippy::float_cmp, reason = "the figures are exact")]

use crate::testing::{append, host, opened, options, reopen, seconds};
use crate::{Append, Cursor, ProcessUsage, QueryError, Store};
use rusqlite::Connection;
use sysmond_model::limits::MAX_SNAPSHOTS_PER_HOUR;
use sysmond_model::{ProcessReading, ProcessSnapshot, ProcessUse, Timestamp};
use tempfile::TempDir;

/// The beginning of an hour and a day.
const START: i64 = 20_000 * 86_400;

fn taken(pid: u32, name: &str, cpu_percent: f64, megabytes: u64) -> ProcessUse {
    let (name, memory_bytes) = (name.to_owned(), megabytes * 1024 * 1000);
    ProcessUse {
        pid,
        name,
        state: 'S',
        threads: 2,
        cpu_percent: Some(cpu_percent),
        memory_bytes,
        ..ProcessUse::default()
    }
}

/// The snapshot of a second after the start.
fn reading(second: i64, processes: Vec<ProcessUse>) -> ProcessReading {
    let snapshot = ProcessSnapshot { seconds: 10.0, total: 200, processes };
    ProcessReading { timestamp: seconds(START + second), snapshot }
}

fn usual(second: i64) -> ProcessReading {
    let busy = if second % 20 == 0 { 50.0 } else { 12.5 };
    reading(second, vec![taken(7, "postgres", busy, 512), taken(9, "nginx", 1.0, 64)])
}

fn push(store: &Store, readings: &[ProcessReading]) -> (usize, usize) {
    let received = readings.iter().map(|reading| reading.timestamp).max().unwrap_or_default();
    let mut append = append("a", received, &[("m", "", received.as_millis(), 1.0)]);
    append.processes = readings.to_vec();
    let appended = store.append_wait(append).expect("stored");
    (appended.snapshots, appended.snapshots_refused)
}

/// Seconds after the start and processes of the newest snapshot up to `second`, at most 300 s old.
fn at(store: &Store, second: i64) -> Option<(i64, Vec<ProcessUse>)> {
    let at = seconds(START + second);
    let found = store.processes_at("a", at.plus_millis(-300_000), at).expect("readable")?;
    Some((found.timestamp.as_seconds() - START, found.snapshot.processes))
}

fn between(store: &Store, from: i64, to: i64) -> ProcessUsage {
    store.processes_between("a", (seconds(START + from), seconds(START + to)), 10).expect("readable")
}

fn count(folder: &TempDir, sql: &str) -> i64 {
    let conn = Connection::open(folder.path().join("store.db")).expect("readable");
    conn.query_row(sql, [], |row| row.get(0)).expect("a number")
}

fn packed_and_single(folder: &TempDir) -> (i64, i64) {
    (count(folder, "SELECT count(*) FROM process_hour"), count(folder, "SELECT count(*) FROM snapshot"))
}

/// Two hours of them, packed as they come, with a rest that is not.
fn filled() -> (TempDir, Store) {
    let (folder, store) = opened();
    for minute in 0..123 {
        let readings: Vec<_> = (0..6).map(|n| usual(minute * 60 + n * 10)).collect();
        assert_eq!(push(&store, &readings), (6, 0));
        store.retain(seconds(START + (minute + 1) * 60)).expect("sound");
    }
    (folder, store)
}

#[test]
fn a_moment_has_its_snapshot_wherever_it_lies_and_after_a_restart() {
    let (folder, store) = filled();
    assert_eq!(packed_and_single(&folder), (2, 18));
    let check = |store: &Store| {
        for second in [0, 3000, 3599, 3600, 7190, 7205, 7370] {
            let (taken, processes) = at(store, second).expect("there");
            assert_eq!(taken, second / 10 * 10);
            assert_eq!(processes, usual(taken).snapshot.processes);
        }
        assert_eq!(at(store, 7370 + 301), None, "too old");
        assert_eq!(at(store, -1), None);
        assert!(matches!(store.processes_at("b", seconds(0), seconds(1)), Err(QueryError::UnknownHost(_))));
    };
    check(&store);
    drop(store);
    check(&reopen(&folder, options()));
}

#[test]
fn a_stretch_has_means_and_maxima_of_processes_and_programs() {
    let (_folder, store) = filled();
    let usage = between(&store, 0, 7379);
    assert_eq!((usage.snapshots, usage.seconds), (738, 7380.0));
    let postgres = &usage.processes[0];
    let cpu = postgres.usage.cpu_percent.expect("known");
    assert_eq!((postgres.pid, cpu.mean, cpu.max), (7, 31.25, 50.0));
    assert_eq!((postgres.usage.first, postgres.usage.last), (seconds(START), seconds(START + 7370)));
    assert_eq!(usage.programs.iter().map(|program| program.processes).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(between(&store, 100_000, 110_000), ProcessUsage::default());
}

#[test]
fn many_short_processes_of_a_program_are_seen_together() {
    let (_folder, store) = opened();
    let readings: Vec<_> = (0..10)
        .map(|n| {
            let pid = 100 + u32::try_from(n).expect("small") * 2;
            let compilers = [taken(pid, "cc1", 20.0, 10), taken(pid + 1, "cc1", 20.0, 10)];
            reading(n * 10, [vec![taken(7, "idle", 30.0, 1)], compilers.to_vec()].concat())
        })
        .collect();
    push(&store, &readings);
    let usage = between(&store, 0, 100);
    assert_eq!((usage.processes[0].pid, usage.processes.len()), (7, 11));
    let cc1 = &usage.programs[0];
    assert_eq!((cc1.name.as_str(), cc1.processes, cc1.usage.snapshots), ("cc1", 20, 10));
    assert_eq!(cc1.usage.cpu_percent.expect("known").mean, 40.0);
    assert_eq!(cc1.usage.memory_bytes.mean, f64::from(20 * 1024 * 1000));
    let first = store.processes_between("a", (seconds(START), seconds(START + 100)), 1).expect("readable");
    assert_eq!((first.processes.len(), first.programs.len()), (2, 1), "the first by share and one by memory");
}

#[test]
fn a_repeated_snapshot_changes_nothing_and_another_replaces_it() {
    let (folder, store) = filled();
    let all: Vec<_> = (0..738).map(|n| usual(n * 10)).collect();
    for readings in all.chunks(200) {
        assert_eq!(push(&store, readings), (readings.len(), 0));
    }
    assert_eq!(packed_and_single(&folder), (2, 18));
    push(&store, &[reading(3000, vec![taken(1, "init", 2.0, 3)])]);
    let replaced = at(&store, 3000).expect("there").1;
    assert_eq!((packed_and_single(&folder), replaced[0].pid), ((2, 19), 1));
    store.retain(seconds(START + 10 * 3600)).expect("sound");
    assert_eq!((packed_and_single(&folder), at(&store, 3000).expect("there").1), ((3, 0), replaced));
    assert_eq!(between(&store, 0, 7379).snapshots, 738);
}

#[test]
fn a_cursor_meets_each_snapshot_once_in_the_order_of_storing() {
    let (folder, store) = filled();
    // One of the past comes late, and one is packed meanwhile.
    push(&store, &[usual(-5000)]);
    let (mut cursor, mut found) = (Cursor::default(), Vec::new());
    loop {
        let (readings, next) = store.processes_after("a", cursor, 50).expect("readable");
        if readings.is_empty() {
            assert_eq!(next, cursor);
            break;
        }
        assert!(readings.len() <= 50);
        found.extend(readings.iter().map(|reading| reading.timestamp.as_seconds() - START));
        cursor = next;
        store.retain(seconds(START + 4 * 3600)).expect("sound");
    }
    let expected: Vec<i64> = (0..738).map(|n| n * 10).chain([-5000]).collect();
    assert_eq!(found, expected);
    // Nothing is ever given a place that was passed already, although the last rows are packed and gone.
    assert_eq!(packed_and_single(&folder).1, 0);
    drop(store);
    let store = reopen(&folder, options());
    push(&store, &[usual(20_000)]);
    assert_eq!(store.processes_after("a", cursor, 50).expect("readable").0, [usual(20_000)]);
}

#[test]
fn they_go_with_the_samples_of_their_time() {
    let (folder, store) = filled();
    let storage = store.storage(seconds(START + 7380)).expect("readable");
    assert_eq!((storage.processes.samples, storage.processes.oldest), (738, Some(seconds(START))));
    assert!(storage.processes.bytes > 100);
    // A day is the retention; the host goes on.
    push(&store, &[usual(86_400 + 4000)]);
    store.retain(seconds(START + 86_400 + 4000)).expect("sound");
    assert_eq!((at(&store, 3590), at(&store, 3600).map(|found| found.0)), (None, Some(3600)));
    assert_eq!(push(&store, &[usual(3590)]), (0, 1));
    let storage = store.storage(seconds(START + 86_400 + 4000)).expect("readable");
    assert_eq!(storage.processes.samples, 738 - 360 + 1);
    push(&store, &[usual(3 * 86_400)]);
    store.retain(seconds(START + 3 * 86_400)).expect("sound");
    assert_eq!(packed_and_single(&folder), (0, 1));
    assert_eq!(count(&folder, "SELECT count(*) FROM tally WHERE tier = 5"), 1);
}

#[test]
fn a_host_without_samples_keeps_none_for_ever() {
    let (folder, store) = opened();
    let silent = Append {
        host: host("a"),
        static_info: None,
        received: seconds(START),
        frame: sysmond_model::Frame::default(),
        processes: vec![usual(0)],
    };
    store.append_wait(silent).expect("stored");
    store.retain(seconds(START + 2 * 86_400)).expect("sound");
    assert_eq!(packed_and_single(&folder), (0, 0));
}

#[test]
fn an_hour_has_so_many_at_most() {
    let (_folder, store) = opened();
    let most = i64::try_from(MAX_SNAPSHOTS_PER_HOUR).expect("small");
    let readings: Vec<_> = (0..most + 5).map(usual).collect();
    assert_eq!(push(&store, &readings), (MAX_SNAPSHOTS_PER_HOUR, 5));
    store.retain(seconds(START + most)).expect("sound");
    assert_eq!(push(&store, &[usual(3599), usual(3600)]), (1, 1));
}

#[test]
fn a_damaged_hour_is_set_aside_and_costs_no_other() {
    for (table, origin) in [("process_hour", "process_hour"), ("snapshot", "snapshot")] {
        let (folder, store) = filled();
        drop(store);
        let path = folder.path().join("store.db");
        let conn = Connection::open(&path).expect("readable");
        let update = format!(
            "UPDATE {table} SET data = cast(substr(data, 1, length(data) - 1) || x'ff' AS BLOB)
             WHERE id = (SELECT min(id) FROM {table})"
        );
        assert_eq!(conn.execute(&update, []).expect("ours"), 1);
        drop(conn);
        let store = reopen(&folder, options());
        let now = seconds(START + 7380);
        let seen = between(&store, 0, 7379).snapshots;
        assert!((377..738).contains(&seen), "{seen}");
        store.retain(now).expect("sound");
        let told = store.take_quarantined();
        assert_eq!((told.len(), told[0].origin.as_str(), told[0].host.as_deref()), (1, origin, Some("a")));
        assert_eq!(told[0].stretch.map(|(from, _)| from <= now), Some(true));
        assert_eq!(store.storage(now).expect("readable").quarantine.count, 1);
        store.retain(seconds(START + 20_000)).expect("sound");
        assert_eq!(between(&store, 0, 7379).snapshots, seen);
    }
}

#[test]
fn a_snapshot_is_as_durable_as_the_samples_beside_it() {
    let (folder, store) = opened();
    push(&store, &[usual(0)]);
    // What a killed process leaves: the file as it is, with SQLite's log.
    let copy = tempfile::tempdir().expect("a folder");
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).expect("copied");
    }
    let killed = reopen(&copy, options());
    assert_eq!(at(&killed, 5).map(|found| found.0), Some(0));
    assert_eq!(killed.newest("a").map(Timestamp::as_seconds), Some(START));
}
