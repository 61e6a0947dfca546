//! The documented queries, as written, against a store that is open and one that is closed.

#![expect(clippy::float_cmp, reason = "values come back bit for bit")]

use super::{Answer, Database, Value};
use crate::testing::{OFFLINE, append, host, opened, options, seconds};
use crate::{Append, QueryError, Scanned, Store};
use std::path::Path;
use std::time::Duration;
use sysmond_model::{Frame, Series, Shape, Timestamp};

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

/// The four queries, letter for letter as they were drawn up.
fn documented() -> [&'static str; 4] {
    let queries: Vec<&str> = include_str!("documented.sql").trim_end().split_inclusive(';').collect();
    queries.try_into().expect("total, online, average, sum")
}

#[test]
fn the_documented_queries_agree_with_the_summary_whether_the_store_is_open_or_not() {
    let (folder, store) = opened();
    fleet(&store);
    let (path, now) = (folder.path().join("store.db"), seconds(1010));
    let summary = store.fleet_summary(now, 300_000);
    let check = || {
        let figures = documented().map(|query| figure(&path, query, now));
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
    assert_eq!(figure(&path, documented()[0], seconds(0)), 3.0);
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

/// Ten hosts with three hours of forty series, the first hours in blocks of an hour, the last in young ones and in the
/// log.
fn history(store: &Store) {
    let series = (0..40).map(|n| Series::new(format!("m{}", n / 2), format!("n={n}")));
    let shape = Shape::new(series.collect());
    for hour in 0..3 {
        for name in 0..10 {
            let mut frame = Frame::new(shape.clone());
            for minute in 0..60 {
                frame.push_row(seconds(hour * 3600 + minute * 60), &[minute as f64; 40]);
            }
            let received = seconds(hour * 3600 + 3599);
            let append = Append {
                host: host(&format!("h{name}")),
                static_info: None,
                received,
                frame,
                processes: Vec::new(),
            };
            store.append_wait(append).expect("stored");
        }
        if hour < 2 {
            store.seal_all();
        }
    }
    store.retain(seconds(3 * 3600)).expect("kept");
}

#[test]
fn only_what_a_statement_restricts_itself_to_is_read() {
    let (folder, store) = opened();
    history(&store);
    let check = |condition: &str, rows: usize, expected: &str| {
        let mut database = Database::open(&folder.path().join("store.db"), OFFLINE).expect("a store's file");
        let mut found = 0;
        let sql = format!("SELECT * FROM metrics WHERE {condition}");
        let counted = database.query(&sql, seconds(0), LIMIT, |_, _| {
            found += 1;
            Ok::<_, QueryError>(())
        });
        counted.expect("a sound statement");
        let Scanned { blocks, columns, samples, damaged } = database.scanned();
        assert_eq!(damaged, 0);
        assert_eq!(
            (found, format!("{blocks} {columns} {samples}")),
            (rows, expected.to_owned()),
            "{condition}"
        );
    };
    let one = "host = 'h3' AND metric_type = 'm7'";
    check(&format!("{one} AND tags = 'n=14' AND timestamp >= 3600 AND timestamp < 7200"), 60, "1 1 60");
    check(&format!("{one} AND timestamp BETWEEN 0 AND 3599"), 120, "1 2 120");
    check(&format!("{one} AND timestamp = 3600"), 2, "1 2 120");
    check(&format!("{one} AND timestamp >= 7200"), 120, "0 0 120");
    check("host = 'h3' AND tags = 'n=3'", 180, "2 2 180");
    check("host = 'nobody'", 0, "0 0 0");
    check("metric_type = 'nothing'", 0, "0 0 0");
    check("timestamp < 0", 0, "0 0 0");
    check("host IN ('h1', 'h2') AND metric_type = 'm0' AND timestamp < 60", 4, "2 4 240");
    // What is not understood restricts nothing, and still is right.
    check("host LIKE 'h3' AND metric_type || '' = 'm7' AND timestamp < 60", 2, "10 400 24000");
}

#[test]
fn an_order_that_samples_have_anyway_is_not_made_again() {
    let (folder, store) = opened();
    history(&store);
    let path = folder.path().join("store.db");
    let check = |sql: &str, sorts: bool, first: &[f64]| {
        let plan = ask(&path, &format!("EXPLAIN {sql}"), seconds(0)).expect("a sound statement");
        let opcodes: Vec<_> = plan.into_iter().filter_map(|row| row.into_iter().nth(1)).collect();
        assert_eq!(opcodes.contains(&Value::Text("SorterOpen".into())), sorts, "{sql}");
        let rows = ask(&path, sql, seconds(0)).expect("a sound statement");
        let number = |value: &Value| match value {
            Value::Integer(number) => *number as f64,
            Value::Real(number) => *number,
            other => panic!("{sql}: {other:?}"),
        };
        let found: Vec<f64> = rows.iter().take(first.len()).map(|row| number(&row[0])).collect();
        assert_eq!(found, first, "{sql}");
    };
    let one = "FROM metrics WHERE host = 'h3' AND metric_type = 'm7'";
    check("SELECT count(*), host FROM metrics WHERE metric_type = 'm7' GROUP BY host", false, &[360.0; 10]);
    check("SELECT max(timestamp) FROM metrics GROUP BY host ORDER BY host", false, &[10_740.0; 10]);
    check(&format!("SELECT timestamp {one} ORDER BY timestamp"), false, &[0.0, 0.0, 60.0, 60.0]);
    check(&format!("SELECT timestamp {one} ORDER BY timestamp DESC"), false, &[10_740.0, 10_740.0, 10_680.0]);
    check(&format!("SELECT max(timestamp) {one}"), false, &[10_740.0]);
    check("SELECT timestamp FROM metrics WHERE metric_type = 'm7' ORDER BY timestamp", true, &[0.0; 20]);
    check(&format!("SELECT value {one} ORDER BY value DESC"), true, &[59.0; 6]);
}

#[test]
fn the_newest_value_is_found_without_reading_all_hours() {
    let (folder, store) = opened();
    history(&store);
    let mut database = Database::open(&folder.path().join("store.db"), OFFLINE).expect("a store's file");
    let sql = "SELECT max(timestamp) FROM metrics WHERE host = 'h0' AND metric_type = 'm0'";
    database.query(sql, seconds(0), LIMIT, |_, _| Ok::<_, QueryError>(())).expect("a sound statement");
    assert_eq!(database.scanned(), Scanned { blocks: 0, columns: 0, samples: 120, damaged: 0 });
}

#[test]
fn a_damaged_block_is_missed_and_told() {
    let (folder, store) = opened();
    history(&store);
    store.close();
    let path = folder.path().join("store.db");
    rusqlite::Connection::open(&path)
        .and_then(|conn| conn.execute("UPDATE block SET data = x'0102' WHERE host_id = 1", []))
        .expect("writable");
    let mut database = Database::open(&path, OFFLINE).expect("a store's file");
    let sql = "SELECT count(*) FROM metrics WHERE metric_type = 'm0'";
    database.query(sql, seconds(0), LIMIT, |_, _| Ok::<_, QueryError>(())).expect("a sound statement");
    assert_eq!(database.scanned().damaged, 2);
}

#[test]
fn status_is_what_the_server_says_that_has_the_file() {
    let (folder, store) = opened();
    fleet(&store);
    let path = folder.path().join("store.db");
    let offline = || figure(&path, "SELECT count(*) FROM hosts WHERE status = 'offline'", seconds(1010));
    assert_eq!(offline(), 1.0, "five minutes, as the one who asks says");
    store.set_offline_after(Duration::from_secs(10)).expect("open");
    assert_eq!(offline(), 2.0);
    store.retain(seconds(1010)).expect("kept");
    store.close();
    assert_eq!(offline(), 2.0);
    let stored = "SELECT count(*) FROM main.hosts WHERE status = 'offline'";
    assert_eq!(figure(&path, stored, seconds(1010)), 2.0, "and the word beside each host is the same");
}

#[test]
fn a_value_that_would_fill_the_memory_is_refused() {
    let (folder, store) = opened();
    let outcome =
        ask(&folder.path().join("store.db"), "SELECT length(zeroblob(100000000) || 'x')", seconds(0));
    assert!(matches!(outcome, Err(QueryError::TooLarge(_))), "{outcome:?}");
    drop(store);
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
        "SELECT 1; DELETE FROM tick",
        "BEGIN",
        "VACUUM INTO '/tmp/stolen'",
    ] {
        let outcome = ask(&path, sql, seconds(0));
        assert!(
            matches!(outcome, Err(QueryError::Sqlite(_) | QueryError::Statement(_))),
            "{sql}: {outcome:?}"
        );
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

#[test]
fn a_statement_of_nothing_is_told_to_be_empty() {
    let (folder, store) = opened();
    store.close();
    for sql in ["", " \n", "-- a word", "/* one */ "] {
        let answer = ask(&folder.path().join("store.db"), sql, seconds(0));
        assert!(matches!(answer, Err(QueryError::NoStatement)), "{sql:?}: {answer:?}");
    }
}

#[test]
fn several_statements_are_answered_in_turn_within_one_limit() {
    let (folder, store) = opened();
    fleet(&store);
    let mut database = Database::open(&folder.path().join("store.db"), OFFLINE).expect("a store's file");
    let mut ask = |sql: &str, limit| {
        let mut found = Vec::new();
        let outcome = database.query_each(sql, seconds(1010), limit, |answer| {
            found.push(match answer {
                Answer::Row(_, values) => values[0].clone(),
                Answer::End(_) => Value::Null,
            });
            Ok::<_, QueryError>(())
        });
        (found, outcome)
    };
    let [total, end] = [Value::Integer(3), Value::Null];
    let (found, outcome) = ask(include_str!("documented.sql"), LIMIT);
    assert!(outcome.is_ok(), "{outcome:?}");
    let answers = [total.clone(), Value::Integer(2), Value::Real(30.0), Value::Real(5e9)];
    assert_eq!(found, answers.map(|answer| [answer, end.clone()]).concat());
    let (found, outcome) = ask("-- All\nSELECT count(*) FROM hosts; ; SELECT nothing FROM hosts", LIMIT);
    assert_eq!(found, [total.clone(), end.clone()], "what came before is answered");
    assert!(matches!(outcome, Err(QueryError::Statement(_))), "{outcome:?}");
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    let (found, outcome) = ask(&format!("SELECT count(*) FROM hosts; {endless}"), Duration::from_millis(500));
    assert_eq!(found, [total, end]);
    assert!(matches!(outcome, Err(QueryError::TimedOut)), "{outcome:?}");
}
