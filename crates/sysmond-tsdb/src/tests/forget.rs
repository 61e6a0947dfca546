//! Hosts that are no more.

use crate::sql::{Database, Value};
use crate::testing::{OFFLINE, append, opened, options, reopen, seconds};
use crate::{ForgetError, Forgotten, QueryError, Store, forget};
use rusqlite::Connection;
use std::path::Path;
use sysmond_model::Timestamp;

/// Rows of a table that are of a host by its number.
fn rows_of(path: &Path, host_id: i64) -> i64 {
    let conn = Connection::open(path).expect("readable");
    let tables =
        ["hosts", "host_state", "host_layout", "young", "block", "rollup", "due", "snapshot", "process_hour"];
    let count = |table: &str| {
        let select = format!("SELECT count(*) FROM {table} WHERE host_id = {host_id}");
        conn.query_row(&select, [], |row| row.get::<_, i64>(0)).expect("a table")
    };
    tables.into_iter().map(count).sum()
}

fn names(store: &Store) -> Vec<String> {
    store.hosts().into_iter().map(|host| host.info.hostname).collect()
}

/// Samples of two days and more of two hosts, some of them summarised, some in memory alone.
fn fill(store: &Store) {
    let day = 86_400;
    for at in [0, 3600, day, 2 * day] {
        for name in ["a", "b"] {
            store.append_wait(append(name, seconds(at), &[("m", "", at * 1000, 1.0)])).expect("stored");
        }
        if at < 2 * day {
            store.seal_all();
        }
        store.retain(seconds(at)).expect("kept in order");
    }
}

#[test]
fn a_forgotten_host_leaves_nothing_and_comes_back_as_a_new_one() {
    let (folder, store) = opened();
    fill(&store);
    let path = folder.path().join("store.db");
    assert!(rows_of(&path, 2) > 3);
    assert!(!store.forget("c").expect("sound"));
    assert!(store.forget("b").expect("sound"));
    let check = |store: &Store| {
        assert_eq!((names(store), store.latest("b")), (vec!["a".to_owned()], None));
        assert_eq!(rows_of(&path, 2), 0);
        assert_eq!(store.latest("a").expect("known").len(), 1);
    };
    check(&store);
    drop(store);
    // Its rows in the log are nobody's, also where the next host comes after a start.
    let store = reopen(&folder, options());
    check(&store);
    store.append_wait(append("c", seconds(200_000), &[("m", "", 200_000_000, 9.0)])).expect("stored");
    assert_eq!((rows_of(&path, 2), rows_of(&path, 3)), (0, 2));
    store.append_wait(append("b", seconds(200_001), &[("m", "", 1000, 2.0)])).expect("stored");
    assert_eq!(store.host("b").expect("known").first_seen, seconds(200_001));
    store.seal_all();
    store.close();
    let mut database = Database::open(&path, OFFLINE).expect("a store's file");
    let mut found = Vec::new();
    let row = |_: &[String], row: &[Value]| {
        found.push(row.to_vec());
        Ok::<_, QueryError>(())
    };
    let sql = "SELECT value FROM metrics WHERE host IN ('b', 'c') ORDER BY value";
    database.query(sql, seconds(0), OFFLINE, row).expect("a sound statement");
    assert_eq!(found, [[Value::Real(2.0)], [Value::Real(9.0)]]);
}

#[test]
fn a_server_that_runs_is_asked_and_one_that_does_not_is_not_needed() {
    let (folder, store) = opened();
    fill(&store);
    let path = folder.path().join("store.db");
    let ask = |name: &str| forget(&path, name, options(), seconds(200_000));
    assert!(matches!(ask("c"), Err(ForgetError::Unknown(_))));
    assert_eq!(ask("a").expect("asked"), Forgotten::Asked);
    assert_eq!(names(&store), ["a", "b"]);
    store.retain(seconds(200_000)).expect("kept in order");
    assert_eq!(names(&store), ["b"]);
    store.append_wait(append("a", seconds(200_001), &[("m", "", 200_001_000, 1.0)])).expect("stored");
    store.retain(seconds(200_002)).expect("kept in order");
    assert_eq!(names(&store), ["a", "b"], "once asked is once forgotten");
    drop(store);
    assert_eq!(ask("b").expect("forgotten"), Forgotten::Done);
    assert!(matches!(ask("b"), Err(ForgetError::Unknown(_))));
    assert_eq!(names(&reopen(&folder, options())), ["a"]);
}

#[test]
fn a_silent_host_goes_with_the_last_of_its_summaries() {
    let (_folder, store) = opened();
    store.append_wait(append("gone", seconds(0), &[("m", "", 1000, 1.0)])).expect("stored");
    store.append_wait(append("never", seconds(0), &[])).expect("stored");
    store.seal_all();
    let hour = 3_600_000;
    // A host that speaks, and the clock goes on with it: hour by hour, then faster than silent hosts age.
    let round = |hours: i64| {
        let now = Timestamp::from_millis(hours * hour);
        let cells = [("m", "", now.as_millis(), 1.0)];
        store.append_wait(append("here", now, &cells)).expect("stored");
        store.seal_all();
        store.retain(now).expect("kept in order");
        names(&store)
    };
    assert_eq!(round(1), ["gone", "here", "never"]);
    for hours in 2..60 {
        round(hours);
    }
    assert_eq!(round(60), ["gone", "here"], "what never sent a sample has nothing to lose");
    store.set_age(Timestamp::from_millis(729 * 24 * hour));
    assert_eq!(round(729 * 24 + 1), ["gone", "here"], "its summaries are kept for two years");
    store.set_age(Timestamp::from_millis(733 * 24 * hour));
    assert_eq!(round(733 * 24 + 1), ["here"]);
}
