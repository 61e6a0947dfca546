//! Backups put back: all of them or nothing, and a whole database in the place at every moment.

use super::backup::{empty, going, push, store_file, values};
use crate::testing::{append, opened, options, reopen, seconds};
use crate::{
    Copied, Cursor, Keeper, OpenError, Pieces, RestoreError, Restored, Restoring, Retention, Store,
    StoreOptions, backup, file, forget_cursors, restore,
};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use sysmond_model::Timestamp;
use tempfile::TempDir;

fn how(keeper: Keeper) -> Restoring {
    Restoring { keeper, even_damaged: false, now: seconds(5) }
}

fn put_back(copy: &Path, path: &Path) -> Result<Restored, RestoreError> {
    restore(copy, path, how(Keeper::Aggregator), &going(), |_| {})
}

/// A store with a row, and a backup of it in a folder of its own.
fn backed_up() -> (TempDir, Store, TempDir, PathBuf) {
    let (folder, store) = opened();
    push(&store, 1);
    let shelf = tempfile::tempdir().expect("a folder");
    let copy = empty(&shelf, "copy.db");
    backup(&store_file(&folder), &copy, &going(), |_| {}).expect("copied");
    (folder, store, shelf, copy)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("ours").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_is_put_back_takes_the_place_of_what_was_there() {
    let (folder, store, shelf, copy) = backed_up();
    push(&store, 2);
    let path = store_file(&folder);
    assert!(matches!(put_back(&copy, &path), Err(RestoreError::Open(OpenError::InUse { .. }))));
    assert_eq!(values(&store), [1.0, 2.0], "nothing changed");
    // As if it were killed: what was pushed last is in SQLite's own log alone.
    let wal = fs::read(folder.path().join("store.db-wal")).expect("there");
    store.close();
    fs::write(folder.path().join("store.db-wal"), wal).expect("writable");
    let restored = put_back(&copy, &path).expect("nobody has it open");
    assert_eq!(
        values(&reopen(&folder, options())),
        [1.0],
        "the log of the old file is not taken for the new one's"
    );
    let kept = restored.kept.expect("there was one");
    assert_eq!(kept.file_name().and_then(|name| name.to_str()), Some("store.db.before-restore-5"));
    assert_eq!(values(&Store::open(&kept, options(), seconds(9)).expect("a store")), [1.0, 2.0]);
    assert_eq!(names(shelf.path()), ["copy.db"], "nothing is left beside the backup");
}

#[test]
fn the_log_of_a_damaged_database_is_kept_beside_it() {
    let (folder, store, _shelf, copy) = backed_up();
    drop(store);
    let path = store_file(&folder);
    let (old, log) = (b"no database any more".repeat(300), vec![7; 500]);
    fs::write(&path, &old).expect("writable");
    fs::write(file::beside(&path, "-wal"), &log).expect("writable");
    let kept = put_back(&copy, &path).expect("the backup is whole").kept.expect("there was one");
    assert_eq!(fs::read(&kept).expect("there"), old);
    assert_eq!(fs::read(file::beside(&kept, "-wal")).expect("there"), log);
    assert_eq!(values(&reopen(&folder, options())), [1.0]);
}

#[test]
fn the_old_database_has_its_name_until_the_new_one_takes_it() {
    let (folder, store) = opened();
    push(&store, 1);
    drop(store);
    let path = store_file(&folder);
    fs::write(file::beside(&path, "-wal"), "a log").expect("writable");
    let kept = file::keep_aside(&path, "before-restore", seconds(5)).expect("writable");
    let identity = |path: &Path| fs::metadata(path).map(|meta| meta.ino()).expect("there");
    assert_eq!(identity(&path), identity(&kept), "one file of two names");
    assert_eq!(fs::read(file::beside(&kept, "-wal")).expect("there"), b"a log");
    assert!(!file::beside(&path, "-wal").exists());
    let again = file::keep_aside(&path, "before-restore", seconds(5)).expect("writable");
    assert!(again.display().to_string().ends_with("store.db.before-restore-5-2"), "never over an older one");
}

#[test]
fn a_backup_can_be_put_where_nothing_was() {
    let (folder, _store, _shelf, copy) = backed_up();
    let path = folder.path().join("new/store.db");
    let Restored { copied: Copied { bytes, damaged }, kept } = put_back(&copy, &path).expect("room");
    assert_eq!((bytes, damaged, kept), (fs::metadata(&path).expect("there").len(), 0, None));
    assert_eq!(fs::read(&path).expect("there")[18..20], [2, 2], "whoever reads it waits for no writer");
    assert_eq!(values(&Store::open(&path, options(), seconds(9)).expect("a store")), [1.0]);
}

#[test]
fn a_restore_that_was_killed_is_in_nobodys_way() {
    let (folder, _store, _shelf, copy) = backed_up();
    let path = folder.path().join("new/store.db");
    fs::create_dir(folder.path().join("new")).expect("ours");
    fs::write(file::beside(&path, ".restoring"), "half of something").expect("ours");
    let refused = Store::open(&path, options(), seconds(9)).map(drop);
    assert!(matches!(refused, Err(OpenError::HalfRestored { .. })), "no empty database in silence");
    assert_eq!(names(&folder.path().join("new")), ["store.db.restoring"]);
    put_back(&copy, &path).expect("room");
    assert_eq!(values(&Store::open(&path, options(), seconds(9)).expect("a store")), [1.0]);
    // With a database in the place it is worth nothing.
    fs::write(file::beside(&path, ".restoring"), "half of something").expect("ours");
    Store::open(&path, options(), seconds(9)).expect("a store");
}

/// Holds a restore of `copy` to having changed nothing: neither the place nor, of a new place, anything at all.
fn refused(folder: &TempDir, copy: &Path) -> String {
    let path = store_file(folder);
    let (before, left) = (fs::read(&path).expect("there"), names(folder.path()));
    let error = put_back(copy, &path).expect_err("no backup");
    assert_eq!((fs::read(&path).expect("there"), names(folder.path())), (before, left));
    let new = folder.path().join("new");
    put_back(copy, &new.join("store.db")).expect_err("no backup");
    assert!(!new.exists() || names(&new).is_empty(), "{:?}", names(&new));
    error.to_string().replace(&copy.display().to_string(), "COPY")
}

#[test]
fn what_is_no_sound_backup_changes_nothing_and_is_told_in_its_own_words() {
    let (folder, store, shelf, copy) = backed_up();
    drop(store);
    let whole = fs::read(&copy).expect("there");
    let check = |name: &str, bytes: &[u8], expected: &str| {
        let path = shelf.path().join(name);
        fs::write(&path, bytes).expect("writable");
        let said = refused(&folder, &path);
        assert!(said.starts_with(expected), "{name}: {said}");
    };
    let none = "COPY is no database of sysmon's: name what `sysmond backup` wrote; nothing was changed";
    check("empty", b"", none);
    check("text", &b"no database at all, however long it is, and so on and so forth".repeat(20), none);
    check("torn", &whole[..whole.len() / 2], "the backup COPY is damaged: take an older one; nothing was");
    // Of the right length, with a page that is none.
    let mut spoilt = whole.clone();
    spoilt[4096 * 3..4096 * 3 + 64].fill(0xff);
    check("spoilt", &spoilt, "the backup COPY is damaged: take an older one; nothing was");
    let recipes = shelf.path().join("recipes");
    Connection::open(&recipes).and_then(|conn| conn.execute_batch("CREATE TABLE r (x)")).expect("writable");
    assert_eq!(refused(&folder, &recipes), none);
    fs::write(shelf.path().join("newer"), &whole).expect("writable");
    let newer = Connection::open(shelf.path().join("newer")).expect("ours");
    newer.pragma_update(None, "user_version", 99).expect("writable");
    assert!(refused(&folder, &shelf.path().join("newer")).contains("use the newer program"));

    let stopped = Arc::new(AtomicBool::new(true));
    let error = restore(&copy, &store_file(&folder), how(Keeper::Aggregator), &stopped, |_| {});
    assert_eq!(error.expect_err("stopped").to_string(), "the restore was stopped: the database is as it was");
    assert!(!names(folder.path()).iter().any(|name| name.contains("restor")));
}

/// Flips one bit behind the version and checksum of a piece, as it lies in the file.
fn flip(path: &Path, table: &str) {
    let conn = Connection::open(path).expect("readable");
    let select = format!("SELECT data FROM {table} ORDER BY id LIMIT 1");
    let data: Vec<u8> = conn.query_row(&select, [], |row| row.get(0)).expect("there");
    drop(conn);
    let mut bytes = fs::read(path).expect("there");
    let part = &data[..data.len().min(60)];
    let place = bytes.windows(part.len()).position(|window| window == part).expect("within a page");
    bytes[place + part.len() - 1] ^= 4;
    fs::write(path, bytes).expect("writable");
}

/// A store with a piece in each table that has checksums.
fn of_all_tables() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopen(&folder, StoreOptions { retention: Retention::default(), ..options() });
    // A day and more, so that there are summaries; then a block of minutes, then rows that are in the log alone.
    for hour in [1, 40, 41] {
        let first = hour * 3600;
        let cells: Vec<_> = (0..50_i32)
            .map(|n| ("m", "", (first + i64::from(n)) * 1000, f64::from(n * 7919 % 1000) / 7.0))
            .collect();
        store.append_wait(append("a", seconds(first), &cells)).expect("stored");
        match hour {
            1 => store.seal_all(),
            40 => {
                store.retain(seconds(first)).expect("sound");
                store.seal_all();
            }
            _ => {}
        }
    }
    (folder, store)
}

#[test]
fn one_bit_of_a_piece_is_found_and_put_back_only_when_asked_for() {
    let (folder, store) = of_all_tables();
    store.close();
    let place = tempfile::tempdir().expect("a folder");
    let target = place.path().join("new.db");
    let count = |table: &str| {
        let conn = Connection::open(store_file(&folder)).expect("readable");
        conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
            .expect("there")
    };
    for table in ["log", "young", "block", "rollup"] {
        assert!(count(table) > 0, "{table}");
        let shelf = tempfile::tempdir().expect("a folder");
        let copy = empty(&shelf, "copy.db");
        backup(&store_file(&folder), &copy, &going(), |_| {}).expect("copied");
        flip(&copy, table);
        let error = put_back(&copy, &target).expect_err("a piece is damaged");
        assert!(matches!(error, RestoreError::Pieces { pieces: Pieces(1), .. }), "{table}: {error}");
        assert!(error.to_string().contains("with --force; nothing was changed"), "{error}");
        let anyway = Restoring { even_damaged: true, ..how(Keeper::Aggregator) };
        let restored = restore(&copy, &target, anyway, &going(), |_| {}).expect("asked for");
        assert_eq!(restored.copied.damaged, 1, "{table}");
        // A backup of what is damaged is made, and says so.
        let again = backup(&copy, &empty(&shelf, "again.db"), &going(), |_| {}).expect("copied");
        assert_eq!(again.damaged, 1, "{table}");
        for name in names(place.path()) {
            fs::remove_file(place.path().join(name)).expect("ours");
        }
    }
}

#[test]
fn agent_and_aggregator_are_not_taken_for_each_other() {
    let check = |prepare: &dyn Fn(&Store), is: Keeper, other: Keeper| {
        let (folder, store) = opened();
        push(&store, 1);
        prepare(&store);
        let copy = empty(&folder, "copy.db");
        backup(&store_file(&folder), &copy, &going(), |_| {}).expect("copied");
        let place = folder.path().join("new/store.db");
        let refused = restore(&copy, &place, how(other), &going(), |_| {}).expect_err("it is the other's");
        let word = format!("is {is} database: `sysmond restore {} {}`", copy.display(), is.name());
        assert!(refused.to_string().contains(&word), "{refused}");
        assert!(!place.exists());
        restore(&copy, &place, how(is), &going(), |_| {}).expect("its own");
        let store = Store::open(&place, options(), seconds(9)).expect("a store");
        assert!(matches!(store.keep_as(other), Err(OpenError::OfAnother { .. })), "{is:?}");
        store.keep_as(is).expect("its own");
    };
    let (agent, aggregator) = (Keeper::Agent, Keeper::Aggregator);
    check(&|store| store.keep_as(agent).expect("anybody's"), agent, aggregator);
    check(&|store| store.keep_as(aggregator).expect("anybody's"), aggregator, agent);
    // As programs wrote them that did not write it down.
    let delivered = |store: &Store| {
        store.note_cursors(store.cursor_epoch(), [("push".to_owned(), Cursor(1))]);
        push(store, 2);
    };
    check(&delivered, agent, aggregator);
    let limit = crate::testing::OFFLINE;
    check(&|store| store.set_offline_after(limit).expect("stored"), aggregator, agent);
}

#[test]
fn what_is_forgotten_leaves_whose_it_is() {
    let (folder, store) = opened();
    push(&store, 1);
    store.keep_as(Keeper::Agent).expect("anybody's");
    store.note_cursors(store.cursor_epoch(), [("push".to_owned(), Cursor(1))]);
    assert!(matches!(forget_cursors(&store_file(&folder)), Err(OpenError::InUse { .. })));
    store.close();
    assert_eq!(forget_cursors(&store_file(&folder)).expect("nobody has it open"), 1);
    let store = reopen(&folder, options());
    assert_eq!(store.cursor("push").expect("readable"), Cursor::default());
    assert!(store.keep_as(Keeper::Aggregator).is_err());
}

#[test]
fn a_file_of_an_older_version_is_told_of_as_it_is_brought_forward() {
    let (folder, store) = opened();
    drop(store);
    let path = store_file(&folder);
    let told = |path: &Path| {
        let mut told = Vec::new();
        Store::open_telling(path, options(), Timestamp::default(), |step| told.push((step.from, step.at)))
            .expect("a store");
        told
    };
    assert_eq!(told(&path), [], "of this version");
    assert_eq!(told(&folder.path().join("new.db")), [], "a new one");
    // The steps behind it change no table.
    let conn = Connection::open(&path).expect("ours");
    conn.pragma_update(None, "user_version", 6).expect("writable");
    drop(conn);
    assert_eq!(told(&path), [(6, 6), (6, 7), (6, 8)]);
}
