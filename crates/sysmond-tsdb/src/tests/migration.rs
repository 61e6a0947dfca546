//! Files of earlier versions.

use crate::testing::{append, options, reopen, seconds};
use crate::{Cursor, RangeQuery, TagMatch};
use rusqlite::{Connection, params};
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

#[test]
fn rows_of_version_1_become_blocks() {
    let folder = tempfile::tempdir().expect("a folder");
    version_1(&folder.path().join("store.db"));
    let store = reopen(&folder, options());
    assert_eq!(store.recovered(), None);
    let query = |metric: &str| RangeQuery {
        host: "a".into(),
        metrics: vec![metric.into()],
        tags: TagMatch::Any,
        from: seconds(0),
        to: seconds(10_000),
        points: 1000,
    };
    let points = |metric| store.range(&query(metric)).expect("known").remove(0).points;
    let expected = (0..200).map(|row| (Timestamp::from_millis(3_000_000 + row * 10_000), row as f64));
    assert!(points("m").iter().map(|point| (point.timestamp, point.avg)).eq(expected));
    assert_eq!(points("n").len(), 100);
    assert_eq!(store.latest("a").expect("known").len(), 2);
    assert_eq!(store.host("a").expect("known").info.tags["role"], "web");

    let pushed = store.cursor("push").expect("kept");
    let rest = store.read_after("a", pushed, 1000).expect("known");
    let rows = rest.frames.iter().map(Frame::row_count).sum::<usize>();
    assert_eq!((pushed, rows, rest.next), (Cursor(150), 50, Cursor(900)));
    store.append_wait(append("a", seconds(9000), &[("m", "", 9_000_000, 1.0)])).expect("stored");
    assert_eq!(store.read_after("a", rest.next, 10).expect("known").frames.len(), 1);
}
