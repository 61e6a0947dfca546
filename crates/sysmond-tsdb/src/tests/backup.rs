//! Copies of a store's file: whole, of one moment, and fit to be put back.

use crate::backup::by_steps;
use crate::testing::{append, opened, options, seconds};
use crate::{BackupError, Copied, RangeQuery, Step, Store, TagMatch, backup};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

pub(super) fn going() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

pub(super) fn store_file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("store.db")
}

pub(super) fn empty(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, "").expect("writable");
    path
}

/// The values of host `a`, whose times count from 1.
pub(super) fn values(store: &Store) -> Vec<f64> {
    let query = RangeQuery {
        host: "a".into(),
        metrics: vec!["m".into()],
        tags: TagMatch::Any,
        from: seconds(0),
        to: seconds(10_000),
        points: 11_000,
    };
    let ranges = store.range(&query).expect("answered");
    ranges.iter().flat_map(|range| range.points.iter().map(|point| point.avg)).collect()
}

pub(super) fn push(store: &Store, number: i64) {
    let cells = [("m", "", number * 1000, number as f64)];
    store.append_wait(append("a", seconds(number), &cells)).expect("stored");
}

#[test]
fn a_copy_has_what_was_acknowledged_before_and_nothing_halfway() {
    let (folder, store) = opened();
    // Of several steps, so that commits come between them.
    for host in 0..20 {
        let cells: Vec<_> =
            (0..2000).map(|n| ("m", "", i64::from(n) * 1000, f64::from(host * 31 + n).sin())).collect();
        store.append_wait(append(&format!("h{host}"), seconds(1), &cells)).expect("stored");
    }
    store.seal_all();
    let acknowledged = Arc::new(AtomicI64::new(0));
    let (stop, writer) = (going(), store.clone());
    let (seen, ends) = (acknowledged.clone(), stop.clone());
    let pushing = std::thread::spawn(move || {
        for number in (1..).take_while(|_| !ends.load(Ordering::Relaxed)) {
            push(&writer, number);
            seen.store(number, Ordering::Relaxed);
        }
    });
    while acknowledged.load(Ordering::Relaxed) < 3 {
        std::thread::yield_now();
    }
    let before = acknowledged.load(Ordering::Relaxed);
    let copy = empty(&folder, "copy.db");
    let mut steps = Vec::new();
    let copied =
        by_steps(16, &store_file(&folder), &copy, &going(), |step| steps.push(step)).expect("copied");
    let Copied { bytes, damaged } = copied;
    assert_eq!(damaged, 0);
    stop.store(true, Ordering::Relaxed);
    pushing.join().expect("it pushed");
    assert_eq!(bytes, fs::metadata(&copy).expect("there").len());
    assert!(steps.len() > 4, "commits came between {steps:?}");
    assert_eq!(steps.last(), Some(&Step::Checking));
    assert!(steps.contains(&Step::Copied { bytes, of: bytes }), "{steps:?}");

    let copied = Store::open(&copy, options(), seconds(1000)).expect("a store");
    let found = values(&copied);
    assert!(found.len() >= usize::try_from(before).expect("few"), "{before} of {found:?}");
    assert_eq!(found, (1..).take(found.len()).map(f64::from).collect::<Vec<f64>>(), "without a gap");
    assert_eq!(copied.hosts().len(), 21);
}

#[test]
fn a_backup_is_one_file_alone() {
    let (folder, store) = opened();
    push(&store, 1);
    let copy = empty(&folder, "copy.db");
    backup(&store_file(&folder), &copy, &going(), |_| {}).expect("copied");
    // What SQLite writes there of a file that has a log of its own is 2.
    assert_eq!(fs::read(&copy).expect("there")[18..20], [1, 1]);
    assert_eq!(fs::read(store_file(&folder)).expect("there")[18..20], [2, 2]);
}

#[test]
fn a_backup_that_is_stopped_says_so() {
    let (folder, store) = opened();
    push(&store, 1);
    let stopped = Arc::new(AtomicBool::new(true));
    let outcome = backup(&store_file(&folder), &empty(&folder, "copy.db"), &stopped, |_| {});
    assert!(matches!(outcome, Err(BackupError::Stopped)));
}
