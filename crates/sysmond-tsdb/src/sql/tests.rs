//! The documented queries, as written, against a store that is open and one that is closed.

#![expect(clippy::float_cmp, reason = "values come back bit for bit")]

use super::{Database, Value};
use crate::testing::{OFFLINE, append, opened, options, seconds};
use crate::{QueryError, Store};
use std::path::Path;
use std::time::Duration;
use sysmond_model::Timestamp;

const LIMIT: Duration = Duration::from_secs(10);

fn ask(path: &Path, sql: &str, now: Timestamp) -> Result<Vec<Vec<Value>>, QueryError> {
    let mut rows = Vec::new();
    let mut database = Database::open(path, OFFLINE).expect("a store's file");
    database.query(sql, now, LIMIT, |_, values| {
        rows.push(values.to_vec());
        Ok::<_, QueryError>(())
    })?;
    Ok(rows)
}

fn figure(path: &Path, sql: &str, now: Timestamp) -> f64 {
    match ask(path, sql, now).expect("a sound statement").first().and_then(|row| row.first()) {
        Some(Value::Integer(number)) => *number as f64,
        Some(Value::Real(number)) => *number,
        other => panic!("{sql}: {other:?}"),
    }
}

/// Three hosts of which the last is silent; the first has an older sample with other figures.
fn fleet(store: &Store) {
    let samples =
        [("a", 990, 90.0, 1e9), ("a", 1000, 20.0, 2e9), ("b", 1001, 40.0, 3e9), ("c", 500, 80.0, 4e9)];
    for (name, at, cpu, memory) in samples {
        let cells = [("cpu.total_usage", "", at * 1000, cpu), ("memory.used_bytes", "", at * 1000, memory)];
        store.append_wait(append(name, seconds(at), &cells)).expect("stored");
    }
}

const TOTAL: &str = "-- Total hosts\nSELECT COUNT(*) FROM hosts;";
const ONLINE: &str = "-- Online hosts (last 5 minutes)
SELECT COUNT(*) 
FROM hosts 
WHERE last_seen > (current_timestamp - 300);";

fn of_the_online(function: &str, metric: &str) -> String {
    format!(
        "SELECT {function}(value) FROM (
    SELECT m.value 
    FROM metrics m
    INNER JOIN hosts h ON m.host = h.hostname
    INNER JOIN (
        SELECT host, MAX(timestamp) as max_ts
        FROM metrics
        WHERE metric_type = '{metric}'
        GROUP BY host
    ) latest ON m.host = latest.host 
            AND m.timestamp = latest.max_ts
    WHERE h.last_seen > (current_timestamp - 300)
      AND m.metric_type = '{metric}'
);"
    )
}

#[test]
fn the_documented_queries_agree_with_the_summary_whether_the_store_is_open_or_not() {
    let (folder, store) = opened();
    fleet(&store);
    let (path, now) = (folder.path().join("store.db"), seconds(1010));
    let summary = store.fleet_summary(now, 300_000);
    let check = || {
        let figures = [
            figure(&path, TOTAL, now),
            figure(&path, ONLINE, now),
            figure(&path, &of_the_online("AVG", "cpu.total_usage"), now),
            figure(&path, &of_the_online("SUM", "memory.used_bytes"), now),
        ];
        assert_eq!(figures, [3.0, 2.0, 30.0, 5e9]);
        assert_eq!((summary.total_hosts, summary.online_hosts, summary.offline_hosts), (3, 2, 1));
        assert_eq!((summary.avg_cpu_usage, summary.total_memory_used), (30.0, 5_000_000_000));
    };
    check();
    store.close();
    check();
}

#[test]
fn a_killed_stores_file_answers_without_its_log() {
    let (folder, store) = opened();
    fleet(&store);
    store.close();
    let path = folder.path().join("store.db");
    assert!(!crate::file::beside(&path, "-wal").exists(), "a closed store leaves no log");
    assert_eq!(figure(&path, TOTAL, seconds(0)), 3.0);
}

#[test]
fn hosts_has_the_documented_columns_and_a_status_of_now() {
    let (folder, store) = opened();
    fleet(&store);
    let path = folder.path().join("store.db");
    let mut database = Database::open(&path, OFFLINE).expect("a store's file");
    let columns = database.query("SELECT * FROM hosts", seconds(0), LIMIT, |_, _| Ok::<_, QueryError>(()));
    let expected = ["hostname", "first_seen", "last_seen", "tags", "version", "platform", "status"];
    assert_eq!(columns.expect("a sound statement"), expected);
    let status =
        |now| ask(&path, "SELECT status FROM hosts WHERE hostname = 'b'", seconds(now)).expect("sound");
    assert_eq!(status(1300), [[Value::Text("online".into())]]);
    assert_eq!(status(1301), [[Value::Text("offline".into())]]);
}

#[test]
fn metrics_has_the_documented_columns_with_every_bit() {
    let (folder, store) = opened();
    let odd = f64::from_bits(0x3fb9_9999_9999_999b);
    store
        .append_wait(append("a", seconds(1), &[("m", "k=v", 1500, odd), ("n", "", 2000, -0.0)]))
        .expect("stored");
    let rows = ask(&folder.path().join("store.db"), "SELECT * FROM metrics ORDER BY metric_type", seconds(2));
    let text = |text: &str| Value::Text(text.into());
    let expected = [
        [Value::Real(1.5), text("m"), text("a"), text("k=v"), Value::Real(odd)],
        [Value::Integer(2), text("n"), text("a"), text(""), Value::Real(-0.0)],
    ];
    assert_eq!(rows.expect("a sound statement"), expected);
}

#[test]
fn nothing_can_be_written_attached_or_loaded() {
    let (folder, store) = opened();
    fleet(&store);
    let path = folder.path().join("store.db");
    for sql in [
        "DELETE FROM tick",
        "UPDATE main.hosts SET last_seen = 0",
        "CREATE TEMP TABLE t(x)",
        "DROP VIEW metrics",
        "ATTACH '/etc/passwd' AS p",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA query_only = 0",
        "SELECT load_extension('x')",
        "SELECT 1; SELECT 2",
        "VACUUM INTO '/tmp/stolen'",
    ] {
        assert!(matches!(ask(&path, sql, seconds(0)), Err(QueryError::Sqlite(_))), "{sql}");
    }
    assert_eq!(figure(&path, "SELECT count(*) FROM metrics", seconds(0)), 8.0);
}

#[test]
fn an_endless_statement_is_stopped() {
    let (folder, store) = opened();
    fleet(&store);
    let mut database = Database::open(&folder.path().join("store.db"), OFFLINE).expect("a store's file");
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    let outcome =
        database.query(endless, seconds(0), Duration::from_millis(50), |_, _| Ok::<_, QueryError>(()));
    assert!(matches!(outcome, Err(QueryError::TimedOut)));
}

#[test]
fn a_missing_or_foreign_file_is_no_store() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(Database::open(&folder.path().join("none.db"), OFFLINE).is_err());
    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign)
        .and_then(|conn| conn.execute_batch("CREATE TABLE t(x)"))
        .expect("a database");
    assert!(matches!(Database::open(&foreign, OFFLINE), Err(crate::OpenError::Foreign { .. })));
    assert!(matches!(Store::open(&foreign, options(), seconds(0)), Err(crate::OpenError::Foreign { .. })));
}
