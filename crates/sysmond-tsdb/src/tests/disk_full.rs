//! A file system that is really full: a small one in memory, which only root can make.

use crate::testing::{append, options, seconds};
use crate::{AppendError, Bound, Full, Keeper, OpenError, RangeQuery, Store, TagMatch};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use sysmond_model::{Frame, Series, Shape};
use tempfile::TempDir;

/// A mounted file system, taken away at the end.
struct Small(TempDir);

impl Small {
    /// Says loudly why there is none.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .output();
        if mount.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("SKIPPED: no small file system can be mounted here: {mount:?}");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves so many bytes.
    fn fill(&self, leave: u64) -> PathBuf {
        let stat = rustix::fs::statvfs(self.path()).expect("mounted");
        let filler = self.path().join("filler");
        let size = (stat.f_bavail * stat.f_frsize).saturating_sub(leave);
        fs::write(&filler, vec![1; usize::try_from(size).expect("small")]).expect("room");
        filler
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(gone.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// `rows` rows that take eight bytes a cell, a second apart.
fn wide(first: i64, rows: i64) -> Frame {
    let mut frame = Frame::new(Shape::new((0..1000).map(|n| Series::new("m", format!("n={n}"))).collect()));
    for row in 0..rows {
        let value = |n: u32| ((first + row) as f64).mul_add(7919.0, f64::from(n)).sqrt();
        frame.push_row(seconds(first + row), &(0..1000).map(value).collect::<Vec<_>>());
    }
    frame
}

fn push(store: &Store, first: i64, rows: i64) -> Result<usize, AppendError> {
    let mut delivery = append("a", seconds(first), &[]);
    delivery.frame = wide(first, rows);
    store.append_wait(delivery).map(|answer| answer.stored)
}

fn rows(store: &Store) -> usize {
    let query = RangeQuery {
        host: "a".into(),
        metrics: vec!["m".into()],
        tags: TagMatch::Exactly("n=7".into()),
        from: seconds(0),
        to: seconds(100_000),
        points: 10_000,
    };
    store.range(&query).expect("readable").remove(0).points.len()
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_takes_again_once_there_is_room() {
    let Some(small) = Small::mount("64m") else { return };
    let path = small.path().join("data/store.db");
    let store = Store::open(&path, options(), seconds(0)).expect("a store");
    assert_eq!(push(&store, 0, 10), Ok(10_000));

    // Above the reserve, and less than the next row of the log: the write itself finds the disk full.
    let filler = small.fill(4_500_000);
    assert_eq!(store.full(seconds(9)), None);
    assert_eq!(push(&store, 10, 900), Err(AppendError::NoSpace));
    assert_eq!(store.full(seconds(15)), Some(Full { since: seconds(10), bound: Bound::Disk }));
    assert_eq!(rows(&store), 10);
    fs::remove_file(&filler).expect("ours");
    assert_eq!(push(&store, 10, 10), Ok(10_000));
    assert_eq!(store.full(seconds(19)), None);

    // Below the reserve: nothing is tried. What was there is still answered, and looked after.
    let filler = small.fill(0);
    assert_eq!(push(&store, 20, 1), Err(AppendError::NoSpace));
    assert_eq!(rows(&store), 20);
    assert_eq!(store.latest("a").expect("known").len(), 1000);
    store.retain(seconds(30)).ok();
    fs::remove_file(&filler).expect("ours");
    assert_eq!(push(&store, 20, 1), Ok(1000));
    store.seal_all();
    store.retain(seconds(7200)).expect("room");
    drop(store);
    let store = Store::open(&path, options(), seconds(0)).expect("a store");
    assert_eq!((store.recovered(), rows(&store)), (None, 21));
}

#[test]
fn a_full_disk_is_found_out_and_passes_where_nobody_writes() {
    let Some(small) = Small::mount("64m") else { return };
    let path = small.path().join("data/store.db");
    let store = Store::open(&path, options(), seconds(0)).expect("a store");
    assert_eq!(push(&store, 0, 10), Ok(10_000));
    let filler = small.fill(0);
    let full = Some(Full { since: seconds(40), bound: Bound::Disk });
    assert_eq!(store.storage(seconds(40)).expect("readable").full, full);
    store.retain(seconds(60)).ok();
    assert_eq!(store.full(seconds(60)), full);
    fs::remove_file(&filler).expect("ours");
    assert_eq!(store.full(seconds(70)), full, "nothing was written since");
    store.retain(seconds(120)).expect("room");
    assert_eq!(store.full(seconds(120)), None);
}

/// What a killed process leaves, on a file system that is full by now: the file, SQLite's own log, and its index.
fn killed(small: &Small) -> (PathBuf, PathBuf) {
    let (path, folder) = (small.path().join("data/store.db"), small.path().join("killed"));
    let store = Store::open(&path, options(), seconds(0)).expect("a store");
    store.keep_as(Keeper::Agent).expect("its own");
    assert_eq!(push(&store, 0, 10), Ok(10_000));
    fs::create_dir(&folder).expect("room");
    store.copy_to(&folder);
    drop(store);
    fs::write(folder.join("store.db-shm"), vec![0; 32 * 1024]).expect("room");
    fs::write(folder.join("store.db.lock"), "").expect("room");
    (folder.join("store.db"), small.fill(0))
}

#[test]
fn an_up_to_date_file_is_opened_without_room() {
    let Some(small) = Small::mount("64m") else { return };
    let (path, filler) = killed(&small);
    let store = Store::open(&path, options(), seconds(20)).expect("nothing has to be written");
    store.keep_as(Keeper::Agent).expect("it was before");
    assert_eq!(store.full(seconds(21)).map(|full| full.bound), Some(Bound::Disk));
    assert_eq!((store.recovered(), rows(&store)), (None, 10));
    assert_eq!(push(&store, 10, 1), Err(AppendError::NoSpace));
    fs::remove_file(filler).expect("ours");
    assert_eq!((push(&store, 10, 1), store.full(seconds(30))), (Ok(1000), None));
}

#[test]
fn a_new_file_without_room_is_refused_with_advice() {
    let Some(small) = Small::mount("64m") else { return };
    small.fill(0);
    let error = Store::open(&small.path().join("store.db"), options(), seconds(0)).err().expect("no room");
    assert!(matches!(error, OpenError::NoSpace { .. }), "{error:?}");
    assert!(error.to_string().contains("make some on its file system"), "{error}");
}
