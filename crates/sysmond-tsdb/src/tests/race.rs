//! Readers beside seals, compactions, summaries and trimming: a series that grows has no hole, ever.

use crate::sealed::HOUR_MS;
use crate::testing::{append, opened};
use crate::{Cursor, RangeQuery, Store, TagMatch};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use sysmond_model::{Frame, Timestamp};

/// A minute between rows: each push is ten of them, so that hours and days pass.
const STEP_MS: i64 = 60_000;
const START: i64 = 1_000 * 24 * HOUR_MS;
const PUSHES: i64 = 400;
const ROWS_PER_PUSH: i64 = 10;

fn at(row: i64) -> i64 {
    START + row * STEP_MS
}

/// Reads the last `rows` of those acknowledged before the question, and checks that each is there.
fn check_range(store: &Store, acknowledged: i64, rows: i64) {
    if acknowledged == 0 {
        return;
    }
    let first = (acknowledged - rows).max(0);
    let query = RangeQuery {
        host: "a".into(),
        metrics: vec!["m".into()],
        tags: TagMatch::Any,
        from: Timestamp::from_millis(at(first)),
        to: Timestamp::from_millis(at(acknowledged) - 1),
        points: 10_000,
    };
    let range = store.range(&query).expect("readable").remove(0);
    let found = range.points.iter().map(|point| (point.timestamp.as_millis(), point.avg.to_bits()));
    let expected = (first..acknowledged).map(|row| (at(row), (row as f64).to_bits()));
    assert!(found.eq(expected), "rows {first} to {acknowledged}: {} points", range.points.len());
}

/// Follows the backlog as an agent's push does.
fn follow(store: &Store, cursor: &mut Cursor, next: &mut i64) {
    let backlog = store.read_after("a", *cursor, 37).expect("readable");
    for row in backlog.frames.iter().flat_map(Frame::rows) {
        assert_eq!(row.timestamp.as_millis(), at(*next), "a row was passed over");
        *next += 1;
    }
    *cursor = backlog.next;
}

#[test]
fn a_growing_series_never_has_a_hole_while_it_is_sealed_and_compacted() {
    let (_folder, store) = opened();
    let acknowledged = AtomicI64::new(0);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = |rows: i64| {
            while !is_done.load(Ordering::Acquire) {
                check_range(&store, acknowledged.load(Ordering::Acquire), rows);
            }
        };
        scope.spawn(move || reader(200));
        scope.spawn(move || reader(1200));
        scope.spawn(|| {
            let (mut cursor, mut next) = (Cursor::default(), 0);
            while next < PUSHES * ROWS_PER_PUSH && !is_done.load(Ordering::Acquire) {
                if acknowledged.load(Ordering::Acquire) > next {
                    follow(&store, &mut cursor, &mut next);
                }
            }
        });
        // Whatever fails in between: the readers end.
        let _ends = Ends(&is_done);
        for push in 0..PUSHES {
            let first = push * ROWS_PER_PUSH;
            let cells: Vec<_> =
                (first..first + ROWS_PER_PUSH).map(|row| ("m", "", at(row), row as f64)).collect();
            let received = Timestamp::from_millis(at(first + ROWS_PER_PUSH));
            store.append_wait(append("a", received, &cells)).expect("stored");
            acknowledged.store(first + ROWS_PER_PUSH, Ordering::Release);
            if push % 3 == 0 {
                store.seal_all();
            }
            if push % 7 == 0 {
                store.retain(received).expect("sound");
            }
        }
    });
    check_range(&store, PUSHES * ROWS_PER_PUSH, 1200);
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
