//! Hosts whose series come and go.

use crate::testing::{append, host, options, reopen, seconds};
use crate::{Append, RangeQuery, Retention, Store, StoreOptions, TagMatch};
use rusqlite::Connection;
use std::path::Path;
use sysmond_model::limits::MAX_COLUMNS_PER_BLOCK;
use sysmond_model::{Frame, Series, Shape, Timestamp};

/// When it begins: a whole day.
const START: i64 = 100 * 86_400;
const STAY: i64 = 20;
/// Containers at a time, each with a few series, and how many pushes one lives.
const CONTAINERS: i64 = 10;
const PER_CONTAINER: i64 = 10;
const LIFE: i64 = 10;

/// A push of a host: what stays, and containers of which one went and one came.
fn push(number: i64) -> Append {
    let stay = (0..STAY).map(|n| Series::new("m", format!("n={n}")));
    let containers = number..number + CONTAINERS;
    let come_and_go = containers
        .flat_map(|id| (0..PER_CONTAINER).map(move |n| Series::new("container.x", format!("id={id},n={n}"))));
    let mut frame = Frame::new(Shape::new(stay.chain(come_and_go).collect()));
    for row in 0..LIFE {
        let values: Vec<f64> = (0..).take(frame.shape().len()).map(|n| (number + row * n) as f64).collect();
        frame.push_row(seconds(START + (number * LIFE + row) * 10), &values);
    }
    Append {
        host: host("a"),
        static_info: None,
        received: seconds(START + (number + 1) * LIFE * 10),
        frame,
        processes: Vec::new(),
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).expect("small")
}

fn counts(path: &Path) -> [i64; 4] {
    let conn = Connection::open(path).expect("readable");
    let count = |sql| conn.query_row(sql, [], |row| row.get(0)).expect("sound");
    [
        count("SELECT count(DISTINCT layout_id) FROM layout"),
        count("SELECT count(*) FROM host_layout"),
        count("SELECT count(*) FROM metric"),
        count("SELECT coalesce(max(cells), 0) FROM block"),
    ]
}

fn samples(store: &Store, metric: &str, tags: &str) -> i64 {
    let query = RangeQuery {
        host: "a".into(),
        metrics: vec![metric.into()],
        tags: TagMatch::Exactly(tags.into()),
        from: seconds(START - 90_000),
        to: seconds(START + 1_000_000),
        points: 10_000,
    };
    count(store.range(&query).expect("known").first().map_or(0, |range| range.points.len()))
}

#[test]
fn what_comes_and_goes_is_kept_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let day = Retention { raw: Retention::DAY, minutes: Retention::DAY, ten_minutes: Retention::DAY };
    let options = || StoreOptions { retention: day, ..options() };
    let mut store = reopen(&folder, options());
    let (pushes, reopened) = (120, 60);
    for number in 0..pushes {
        let answer = store.append_wait(push(number)).expect("stored");
        assert!(answer.refused_columns.is_empty());
        if number % 36 == 35 {
            store.seal_all();
            store.retain(seconds(START + (number + 1) * LIFE * 10)).expect("kept in order");
        }
        if number == reopened {
            drop(store);
            store = reopen(&folder, options());
        }
    }
    let end = START + pushes * LIFE * 10 + 3 * 3600;
    store.seal_all();
    for _ in 0..3 {
        store.retain(seconds(end)).expect("kept in order");
    }
    // More than a thousand series came, and each has all its samples.
    assert_eq!(samples(&store, "m", "n=3"), pushes * LIFE);
    for id in [0, CONTAINERS, reopened, reopened + 1, pushes + CONTAINERS - 2] {
        let lives = id.min(pushes - 1) - (id - CONTAINERS + 1).max(0) + 1;
        assert_eq!(samples(&store, "container.x", &format!("id={id},n=4")), lives * LIFE, "{id}");
    }
    let [layouts, used, metrics, cells] = counts(&path);
    assert!(layouts < 60 && used < 60, "{layouts} layouts, {used} of the host");
    assert_eq!(metrics, STAY + (pushes + CONTAINERS - 1) * PER_CONTAINER);
    assert!(cells <= count(MAX_COLUMNS_PER_BLOCK * 360));

    // Two days later none of them is known any more, and their names are gone.
    let later = seconds(end + 2 * 86_400);
    store.append_wait(append("a", later, &[("m", "n=3", later.as_millis(), 1.0)])).expect("stored");
    store.seal_all();
    for _ in 0..3 {
        store.retain(later).expect("kept in order");
    }
    let [layouts, used, metrics, _] = counts(&path);
    assert!(layouts <= 2 && used <= 2, "{layouts} layouts, {used} of the host");
    assert!(metrics < 300, "{metrics} series");
    drop(store);
    let store = reopen(&folder, options());
    assert_eq!(store.latest("a").map(|samples| samples.len()), Some(1));
    store.append_wait(push((later.as_seconds() - START) / LIFE / 10 + 1)).expect("stored");
    assert_eq!(count(store.latest("a").expect("known").len()), STAY + CONTAINERS * PER_CONTAINER);
}

#[test]
fn what_ended_is_found_in_summaries_when_its_samples_are_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopen(&folder, options());
    let put = |metric: &str, at: i64| {
        store.append_wait(append("a", seconds(at), &[(metric, "", at * 1000, 1.0)])).expect("stored");
    };
    (0..100).for_each(|n| put("once", START + n * 60));
    store.seal_all();
    store.retain(seconds(START + 2 * 86_400)).expect("kept in order");
    (0..10).for_each(|day| put("always", START + day * 86_400));
    store.seal_all();
    store.retain(seconds(START + 9 * 86_400)).expect("kept in order");
    let known = |store: &Store| [samples(store, "once", ""), store.stats().series.try_into().expect("few")];
    // A point is of two minutes in so long a range.
    assert_eq!(known(&store), [50, 1]);
    drop(store);
    let store = reopen(&folder, options());
    assert_eq!(known(&store), [50, 1]);
    // What was forgotten is taken again as any new series is.
    let again = START + 9 * 86_400 + 60;
    store.append_wait(append("a", seconds(again), &[("once", "", again * 1000, 2.0)])).expect("stored");
    assert_eq!(known(&store), [51, 2]);
}

#[test]
fn times_beyond_all_calendars_are_not_stored() {
    let (_folder, store) = crate::testing::opened();
    for millis in [i64::MIN, -1, 253_402_300_800_000, i64::MAX] {
        let answer = store.append_wait(append("a", seconds(1), &[("m", "", millis, 1.0)])).expect("taken");
        assert_eq!((answer.stored, answer.too_old), (0, 1), "{millis}");
    }
    assert_eq!(store.newest("a"), None::<Timestamp>);
}
