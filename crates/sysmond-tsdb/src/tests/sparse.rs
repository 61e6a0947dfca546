//! Samples that share neither time nor series: tables of mostly empty cells.

use crate::budget::LEAST_DISK_BYTES;
use crate::testing::{host, opened, options, reopen, seconds};
use crate::{Append, AppendError, Store, StoreOptions};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use sysmond_model::{Frame, Series, Shape, Timestamp};

/// A push of `rows` rows, each with one value in `columns` columns.
fn sparse(name: &str, rows: usize, columns: usize) -> Append {
    let series = |n: usize| Series::new("m", format!("n={n}"));
    let mut frame = Frame::new(Shape::new((0..columns).map(series).collect()));
    for (row, at) in (0..rows).zip(10_000..) {
        let mut values = vec![f64::NAN; columns];
        values[row % columns] = 1.5;
        frame.push_row(Timestamp::from_seconds(at), &values);
    }
    Append { host: host(name), static_info: None, received: seconds(1000), frame, processes: Vec::new() }
}

fn counted(store: &Store) -> usize {
    store.0.shared.counters.head_cells.load(Ordering::Relaxed)
}

/// What is in heads, counted from them.
fn in_heads(store: &Store) -> usize {
    let memory = store.0.shared.memory.read().expect("sound");
    memory.hosts.values().map(|cell| cell.lock().head.cells()).sum()
}

#[test]
fn cells_of_heads_are_counted_as_they_come_and_go() {
    let (folder, store) = opened();
    let check = |store: &Store, cells| assert_eq!((counted(store), in_heads(store)), (cells, cells));
    check(&store, 0);
    for (name, rows) in [("a", 5), ("b", 3), ("a", 5)] {
        store.append_wait(sparse(name, rows, 10)).expect("stored");
    }
    // What came twice is there once.
    check(&store, 80);
    drop(store);
    let store = reopen(&folder, options());
    check(&store, 80);
    store.seal_all();
    check(&store, 0);
}

#[test]
fn heads_that_grew_beyond_their_limit_are_sealed_before_upkeep_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopen(&folder, StoreOptions { max_disk_bytes: LEAST_DISK_BYTES, ..options() });
    // The limit, and what heads may grow beyond it between two looks.
    let limit = usize::try_from(LEAST_DISK_BYTES / 16).expect("small") / 4 * 5;
    // Of each host fewer rows than are worth a block.
    for n in 0..40 {
        store.append_wait(sparse(&format!("host-{n}"), 10, 5000)).expect("stored");
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    while counted(&store) > limit {
        assert!(Instant::now() < deadline, "{} cells of {limit}", counted(&store));
        std::thread::yield_now();
    }
    assert!(store.storage(seconds(20_000)).expect("readable").young.bytes > 0);
}

#[test]
fn where_heads_are_far_beyond_their_limit_nothing_more_is_taken_until_some_are_sealed() {
    let (_folder, store) = opened();
    let cells = &store.0.shared.counters.head_cells;
    cells.store(100_000_000, Ordering::Relaxed);
    assert_eq!(store.append_wait(sparse("a", 1, 1)), Err(AppendError::QueueFull));
    cells.store(0, Ordering::Relaxed);
    assert_eq!(store.append_wait(sparse("a", 1, 1)).map(|answer| answer.stored), Ok(1));
}
