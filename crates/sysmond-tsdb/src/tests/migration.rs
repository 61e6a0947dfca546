//! Files of earlier versions.

use crate::codec::block::{self, Table};
use crate::codec::ints::Effort;
use crate::log::{Group, Run};
use crate::sealed::block_ids;
use crate::testing::{append, options, reopen, seconds};
use crate::{Cursor, OpenError, RangeQuery, Store, TagMatch};
use rusqlite::{Connection, params};
use std::sync::Arc;
use sysmond_model::{Frame, Timestamp};

/// A file as version 1 wrote it: rows of two hours, of the second series only every other has a value.
fn version_1(path: &std::path::Path) {
    let conn = Connection::open(path).expect("writable");
    conn.execute_batch(include_str!("../../migrations/0001.sql")).expect("sound");
    conn.execute_batch(
        "PRAGMA application_id = 0x7379736d; PRAGMA user_version = 1;
         INSERT INTO hosts VALUES ('a', 1, 2, '{\"role\":\"web\"}', '0.5.0', 'Linux', 'online', 7, NULL);
         INSERT INTO metric VALUES (0, 'm', ''), (1, 'n', 'k=v');
         INSERT INTO layout VALUES (0, 0, 0), (0, 1, 1);
         INSERT INTO host_layout VALUES (7, 0, 3600000);
         INSERT INTO cursor VALUES ('push', 150);",
    )
    .expect("sound");
    for row in 0..200_i64 {
        let mut data = vec![if row % 2 == 0 { 3 } else { 1 }];
        data.extend((row as f64).to_le_bytes());
        if row % 2 == 0 {
            data.extend(0.5_f64.to_le_bytes());
        }
        // The first row was changed after all others.
        let seq = if row == 0 { 900 } else { row };
        let insert = "INSERT INTO tick VALUES (7, ?1, ?2, 0, ?3)";
        conn.execute(insert, params![3_000_000 + row * 10_000, seq, data]).expect("sound");
    }
}

fn everything() -> RangeQuery {
    let (host, metrics, tags) = ("a".into(), Vec::new(), TagMatch::Any);
    RangeQuery { host, metrics, tags, from: seconds(0), to: seconds(10_000), points: 1000 }
}

/// All of `m` as it was made, and so many points of `n`.
fn check_points(store: &Store, of_n: usize) {
    let points = |metric: &str| {
        let query = RangeQuery { metrics: vec![metric.into()], ..everything() };
        store.range(&query).expect("known").remove(0).points
    };
    let expected = (0..200).map(|row| (Timestamp::from_millis(3_000_000 + row * 10_000), row as f64));
    assert!(points("m").iter().map(|point| (point.timestamp, point.avg)).eq(expected));
    assert_eq!(points("n").len(), of_n);
}

#[test]
fn rows_of_version_1_become_blocks() {
    let folder = tempfile::tempdir().expect("a folder");
    version_1(&folder.path().join("store.db"));
    let store = reopen(&folder, options());
    assert_eq!(store.recovered(), None);
    check_points(&store, 100);
    assert_eq!(store.latest("a").expect("known").len(), 2);
    assert_eq!(store.host("a").expect("known").info.tags["role"], "web");

    let pushed = store.cursor("push").expect("kept");
    let rest = store.read_after("a", pushed, 1000).expect("known");
    let rows = rest.frames.iter().map(Frame::row_count).sum::<usize>();
    assert_eq!((pushed, rows, rest.next), (Cursor(150), 50, Cursor(900)));
    store.append_wait(append("a", seconds(9000), &[("m", "", 9_000_000, 1.0)])).expect("stored");
    assert_eq!(store.read_after("a", rest.next, 10).expect("known").frames.len(), 1);
}

/// A file as version 2 wrote it: an hour's block, a young block behind it, and rows that are only in the log.
fn version_2(path: &std::path::Path) {
    let conn = Connection::open(path).expect("writable");
    for sql in [include_str!("../../migrations/0001.sql"), include_str!("../../migrations/0002.sql")] {
        conn.execute_batch(sql).expect("sound");
    }
    conn.execute_batch(
        "PRAGMA application_id = 0x7379736d; PRAGMA user_version = 2; DROP TABLE tick;
         INSERT INTO hosts VALUES ('a', 1, 2, '{}', '0.5.0', 'Linux', 'online', 7, NULL);
         INSERT INTO metric VALUES (0, 'm', ''), (1, 'n', 'k=v');
         INSERT INTO layout VALUES (0, 0, 0), (0, 1, 1);
         INSERT INTO host_layout VALUES (7, 0, 3600000);
         INSERT INTO host_state VALUES (7, 150, 4490000, 0);
         INSERT INTO cursor VALUES ('push', 140);",
    )
    .expect("sound");
    let block = |rows: std::ops::Range<i64>| {
        let timestamps: Vec<i64> = rows.clone().map(|row| 3_000_000 + row * 10_000).collect();
        let seqs: Vec<i64> = rows.clone().map(|row| row + 1).collect();
        let whole: Vec<f64> = rows.clone().map(|row| row as f64).collect();
        // The second series ended early.
        let half = rows.map(|row| if row < 140 { 0.5 } else { f64::NAN }).collect();
        let table = Table { timestamps, seqs, columns: vec![(0, whole), (1, half)] };
        block::encode_as(1, &table, Effort::Thorough)
    };
    let id = *block_ids(0, 7).start();
    conn.execute("INSERT INTO block VALUES (?1, 7, 1, 60, 120, ?2)", params![id, block(0..60)])
        .expect("sound");
    conn.execute("INSERT INTO young VALUES (1, 7, 1, 61, 150, 4490000, 4490000, 170, ?1)", [block(60..150)])
        .expect("sound");
    let rows = (150..200_i32).map(|row| (3_000_000 + i64::from(row) * 10_000, [f64::from(row), f64::NAN]));
    let mut group = Group::default();
    group.push(7, seconds(5000), &[Run::of_rows(0, Arc::from([0, 1]), 151, rows)]);
    conn.execute("INSERT INTO log VALUES (5, ?1)", [group.finish()]).expect("sound");
}

#[test]
fn blocks_log_and_newest_values_of_version_2_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    version_2(&path);
    let check = |store: &Store| {
        assert_eq!(store.recovered(), None);
        check_points(store, 140);
        // The second fell silent too long before the first to count as current.
        let latest = store.latest("a").expect("known");
        assert_eq!(latest.iter().map(|sample| sample.value).collect::<Vec<_>>(), [199.0]);
        let rest = store.read_after("a", store.cursor("push").expect("kept"), 1000).expect("known");
        assert_eq!((rest.frames.iter().map(Frame::row_count).sum::<usize>(), rest.next), (60, Cursor(200)));
    };
    for _ in 0..2 {
        let store = reopen(&folder, options());
        check(&store);
        store.seal_all();
        check(&store);
    }
    let conn = Connection::open(&path).expect("readable");
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).expect("sound");
    assert_eq!(version, crate::schema::VERSION);
}

#[test]
fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    version_2(&path);
    let conn = Connection::open(&path).expect("writable");
    conn.execute_batch("ALTER TABLE host_state ADD COLUMN last BLOB").expect("in the way of the migration");
    drop(conn);
    let outcome = Store::open(&path, options(), seconds(1000));
    let Err(OpenError::Sqlite { source, .. }) = outcome else {
        panic!("{:?}", outcome.map(|_| ()));
    };
    let word = source.to_string();
    assert!(word.contains("step 3 of 8") && word.contains("restore") && !word.contains("ALTER"), "{word}");
    let conn = Connection::open(&path).expect("readable");
    let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("sound");
    assert_eq!(count("PRAGMA user_version"), 2);
    assert_eq!(count("SELECT newest FROM young"), 4_490_000);
    assert_eq!(count("SELECT count(*) FROM log"), 1);
}
