use crate::sql::{Database, Value};
use crate::testing::{OFFLINE, append, opened, seconds};
use crate::{Append, QueryError, Store};
use std::path::Path;
use std::time::Duration;
use sysmond_model::{ProcessReading, ProcessSnapshot, ProcessUse, Timestamp};

/// The beginning of an hour.
const START: i64 = 20_000 * 86_400;

/// A snapshot each ten seconds of which the busiest process has the number of its minute.
fn reading(second: i64) -> ProcessReading {
    let taken = |pid, name: &str, cpu_percent, memory_bytes| ProcessUse {
        pid,
        name: name.to_owned(),
        state: 'R',
        cpu_percent,
        memory_bytes,
        ..ProcessUse::default()
    };
    let minute = u32::try_from(second / 60).expect("small");
    let processes = vec![
        taken(1, "idle", None, 1024),
        taken(1000 + minute, "busy", Some(f64::from(minute % 50)), 2048 * 1024),
    ];
    let snapshot = ProcessSnapshot { seconds: 10.0, total: 200, processes };
    ProcessReading { timestamp: Timestamp::from_millis((START + second) * 1000), snapshot }
}

fn push(store: &Store, host: &str, from: i64, to: i64) {
    for minute in from..to {
        let now = seconds(START + (minute + 1) * 60);
        let processes = (0..6).map(|n| reading(minute * 60 + n * 10)).collect();
        let push = Append { processes, ..append(host, now, &[("m", "", now.as_millis(), 1.0)]) };
        store.append_wait(push).expect("stored");
        store.retain(now).expect("sound");
    }
}

fn rows(path: &Path, sql: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let mut database = Database::open(path, OFFLINE).expect("a store's file");
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => format!("{number:?}"),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{bytes:?}"),
    };
    let each = |_: &[String], values: &[Value]| {
        rows.push(values.iter().map(text).collect::<Vec<_>>().join(" "));
        Ok::<_, QueryError>(())
    };
    database.query(sql, seconds(0), Duration::from_secs(10), each).expect("a sound statement");
    rows
}

#[test]
fn what_ate_the_machine_is_answered_from_packed_and_single_snapshots() {
    let (folder, store) = opened();
    // Two hours and three minutes: the last are not packed yet.
    push(&store, "a", 0, 123);
    push(&store, "b", 0, 3);
    let path = folder.path().join("store.db");
    let check = |sql: &str, expected: &[&str]| assert_eq!(rows(&path, sql), expected, "{sql}");
    let at = |second: i64| START + second;
    check("SELECT host, count(*) FROM processes GROUP BY host", &["a 1476", "b 36"]);
    let worst = |from, to| {
        format!(
            "SELECT name, pid, max(cpu_percent) FROM processes WHERE host = 'a' AND timestamp BETWEEN {} AND {}",
            at(from),
            at(to)
        )
    };
    check(&worst(700, 719), &["busy 1011 11.0"]);
    check(&worst(7370, 9999), &["busy 1122 22.0"]);
    check(&worst(-60, -1), &["- - -"]);
    let moment = format!("FROM processes WHERE host = 'a' AND timestamp = {}", at(3600));
    check(
        &format!("SELECT timestamp, pid, state, cpu_percent, memory_bytes, read_bytes, command {moment}"),
        &[&format!("{} 1060 R 10.0 2097152 - -", at(3600)), &format!("{} 1 R - 1024 - -", at(3600))],
    );
    check(&format!("SELECT DISTINCT seconds, total {moment}"), &["10.0 200"]);
    check("SELECT count(*) FROM processes WHERE timestamp > 1e18 OR timestamp < -1e18", &["0"]);
    check("SELECT count(DISTINCT pid) FROM processes WHERE name = 'busy' AND host = 'a'", &["123"]);
    store.close();
    check("SELECT count(*) FROM processes WHERE host = 'a'", &["1476"]);
}

#[test]
fn snapshots_without_processes_and_hosts_without_snapshots_are_passed_over() {
    let (folder, store) = opened();
    let lone =
        Append { processes: Vec::new(), ..append("a", seconds(START), &[("m", "", START * 1000, 1.0)]) };
    store.append_wait(lone).expect("stored");
    let empty = ProcessReading { snapshot: ProcessSnapshot::default(), ..reading(0) };
    let processes = vec![empty, reading(10)];
    let push = Append { processes, ..append("b", seconds(START + 10), &[("m", "", START * 1000, 1.0)]) };
    store.append_wait(push).expect("stored");
    let path = folder.path().join("store.db");
    let pids = rows(&path, "SELECT host, pid FROM processes ORDER BY pid");
    assert_eq!(pids, ["b 1", "b 1000"]);
}

#[test]
fn only_the_hours_that_are_asked_for_are_read() {
    let (folder, store) = opened();
    push(&store, "a", 0, 123);
    store.close();
    let path = folder.path().join("store.db");
    let damage = rusqlite::Connection::open(&path).expect("writable");
    damage
        .execute("UPDATE process_hour SET data = x'00' WHERE id = (SELECT min(id) FROM process_hour)", [])
        .expect("damaged");
    let from = |second| {
        format!("SELECT count(*) FROM processes WHERE host = 'a' AND timestamp >= {}", START + second)
    };
    let check = |sql: &str, count: &str, damaged| {
        let mut database = Database::open(&path, OFFLINE).expect("a store's file");
        let each = |_: &[String], values: &[Value]| {
            assert_eq!(values, [Value::Integer(count.parse().expect("a number"))], "{sql}");
            Ok::<_, QueryError>(())
        };
        database.query(sql, seconds(0), Duration::from_secs(10), each).expect("a sound statement");
        assert_eq!(database.scanned().damaged, damaged, "{sql}");
    };
    check(&from(3600), "756", 0);
    check(&from(0), "756", 1);
}
