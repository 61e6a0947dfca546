//! Copies of a store's file: whole, of one moment, and fit to be put back.

use crate::backup::by_steps;
use crate::testing::{append, opened, options, reopen, seconds};
use crate::{BackupError, OpenError, RangeQuery, Step, Store, TagMatch, backup, restore};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

fn going() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

fn store_file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("store.db")
}

fn empty(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, "").expect("writable");
    path
}

/// The values of host `a`, whose times count from 1.
fn values(store: &Store) -> Vec<f64> {
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

fn push(store: &Store, number: i64) {
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
    let bytes = by_steps(16, &store_file(&folder), &copy, &going(), |step| steps.push(step)).expect("copied");
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
fn what_is_put_back_takes_the_place_of_what_was_there() {
    let (folder, store) = opened();
    push(&store, 1);
    let copy = empty(&folder, "copy.db");
    backup(&store_file(&folder), &copy, &going(), |_| {}).expect("copied");
    push(&store, 2);
    let put_back = || restore(&copy, &store_file(&folder), seconds(5), &going(), |_| {});
    assert!(matches!(put_back(), Err(BackupError::Open(OpenError::InUse { .. }))));
    assert_eq!(values(&store), [1.0, 2.0], "nothing changed");
    // As if it were killed: what was pushed last is in SQLite's own log alone.
    let wal = fs::read(folder.path().join("store.db-wal")).expect("there");
    store.close();
    fs::write(folder.path().join("store.db-wal"), wal).expect("writable");
    let restored = put_back().expect("nobody has it open");
    assert_eq!(
        values(&reopen(&folder, options())),
        [1.0],
        "the log of the old file is not taken for the new one's"
    );
    let kept = restored.kept.expect("there was one");
    assert_eq!(kept.file_name().and_then(|name| name.to_str()), Some("store.db.before-restore-5"));
    assert_eq!(values(&Store::open(&kept, options(), seconds(9)).expect("a store")), [1.0, 2.0]);
}

#[test]
fn a_copy_can_be_put_where_nothing_was() {
    let (folder, store) = opened();
    push(&store, 1);
    let copy = empty(&folder, "copy.db");
    backup(&store_file(&folder), &copy, &going(), |_| {}).expect("copied");
    let path = folder.path().join("new/store.db");
    assert_eq!(restore(&copy, &path, seconds(5), &going(), |_| {}).expect("room").kept, None);
    assert_eq!(values(&Store::open(&path, options(), seconds(9)).expect("a store")), [1.0]);
}

#[test]
fn what_is_no_sound_backup_changes_nothing() {
    let (folder, store) = opened();
    push(&store, 1);
    drop(store);
    let path = store_file(&folder);
    let refused = |copy: &Path| {
        let before = fs::read(&path).expect("there");
        let error = restore(copy, &path, seconds(5), &going(), |_| {}).expect_err("no backup");
        assert_eq!(fs::read(&path).expect("there"), before);
        let left: Vec<_> =
            fs::read_dir(folder.path()).expect("ours").flatten().map(|entry| entry.file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().contains("restor")), "{left:?}");
        error
    };
    assert!(matches!(refused(&empty(&folder, "empty.db")), BackupError::Open(OpenError::Foreign { .. })));
    let text = folder.path().join("text.db");
    fs::write(&text, "no database at all, however long it is, and so on and so forth").expect("writable");
    assert!(matches!(refused(&text), BackupError::Open(OpenError::Sqlite { .. })));
    let torn = folder.path().join("torn.db");
    let whole = fs::read(&path).expect("there");
    fs::write(&torn, &whole[..whole.len() / 2]).expect("writable");
    let error = refused(&torn);
    assert!(matches!(error, BackupError::Open(OpenError::Sqlite { .. })), "{error:?}");
    // Of the right length, with a page that is none.
    let mut spoilt = whole;
    let page = 4096 * 3;
    spoilt[page..page + 64].fill(0xff);
    fs::write(&torn, &spoilt).expect("writable");
    assert!(matches!(refused(&torn), BackupError::Damaged { .. }));
}

#[test]
fn a_backup_that_is_stopped_says_so() {
    let (folder, store) = opened();
    push(&store, 1);
    let stopped = Arc::new(AtomicBool::new(true));
    let outcome = backup(&store_file(&folder), &empty(&folder, "copy.db"), &stopped, |_| {});
    assert!(matches!(outcome, Err(BackupError::Stopped)));
}
