//! Really damaged bytes in a real file: what was hit is lost, told once, and nothing else is.

use crate::sealed::HOUR_MS;
use crate::testing::{append, reopen, seconds};
use crate::{OpenError, RangeQuery, Retention, Store, StoreOptions, TagMatch};
use rusqlite::Connection;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use sysmond_model::Timestamp;
use tempfile::TempDir;

/// A day and two hours, a sample a minute, so that there are summaries, hours and young blocks.
const START: i64 = 1_000 * 24 * HOUR_MS;
const ROWS: i64 = 26 * 60;

fn options() -> StoreOptions {
    StoreOptions { retention: Retention::default(), ..crate::testing::options() }
}

fn opened() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopen(&folder, options());
    (folder, store)
}

fn row_at(row: i64) -> i64 {
    START + row * 60_000
}

fn fill(store: &Store) {
    for hour in 0..ROWS / 60 {
        let value = |row: i64| ("m", "", row_at(row), row as f64);
        let cells: Vec<_> = (hour * 60..(hour + 1) * 60).map(value).collect();
        let received = Timestamp::from_millis(row_at((hour + 1) * 60));
        store.append_wait(append("a", received, &cells)).expect("stored");
        if hour < ROWS / 60 - 1 {
            store.seal_all();
        }
        if hour == 23 {
            store.retain(Timestamp::from_millis(row_at(24 * 60 + 50))).expect("sound");
        }
    }
}

/// When the first day is summarised, its hours are in blocks, the next is young and the last only in the log.
fn now() -> Timestamp {
    Timestamp::from_millis(row_at(ROWS))
}

/// The rows of a stretch that are there, by their value.
fn rows(store: &Store, from: i64, to: i64, points: usize) -> Vec<i64> {
    let query = RangeQuery {
        host: "a".into(),
        metrics: vec!["m".into()],
        tags: TagMatch::Any,
        from: Timestamp::from_millis(row_at(from)),
        to: Timestamp::from_millis(row_at(to) - 1),
        points,
    };
    let points = store.range(&query).expect("readable").remove(0).points;
    #[expect(clippy::cast_possible_truncation, reason = "values are small and whole")]
    points.into_iter().map(|point| point.max as i64).collect()
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("store.db")
}

/// Flips one bit in the middle of a row's blob, as it lies in the file: SQLite notices nothing.
fn flip(path: &Path, select: &str) {
    let conn = Connection::open(path).expect("readable");
    let data: Vec<u8> = conn.query_row(select, [], |row| row.get(0)).expect("there");
    drop(conn);
    let mut file = fs::OpenOptions::new().read(true).write(true).open(path).expect("ours");
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).expect("readable");
    // Behind the version, within the page that holds the row's beginning.
    let part = &data[..data.len().min(200)];
    let places: Vec<usize> =
        (0..bytes.len() - part.len()).filter(|at| bytes[*at..].starts_with(part)).collect();
    assert!(!places.is_empty(), "the blob is in the file");
    for place in places {
        let at = place + part.len() / 2;
        file.seek(SeekFrom::Start(at as u64)).expect("ours");
        file.write_all(&[bytes[at] ^ 0x10]).expect("ours");
    }
}

#[test]
fn a_file_of_ours_with_a_wrong_mark_is_damaged_and_another_programs_is_left_alone() {
    let (folder, store) = opened();
    fill(&store);
    drop(store);
    let conn = Connection::open(path(&folder)).expect("readable");
    conn.pragma_update(None, "application_id", 7).expect("writable");
    drop(conn);
    let store = reopen(&folder, options());
    let kept = store.recovered().expect("set aside");
    assert!(kept.to_string_lossy().contains(".corrupt-"), "{kept:?}");
    assert_eq!(store.storage(now()).expect("readable").files_set_aside, [kept]);
}

/// A filled and closed store with one flipped bit, open again.
fn flipped(select: &str) -> (TempDir, Store) {
    let (folder, store) = opened();
    fill(&store);
    drop(store);
    flip(&path(&folder), select);
    let store = reopen(&folder, options());
    assert_eq!(store.recovered(), None, "the file itself is sound");
    (folder, store)
}

/// What was set aside: origin, host, hours from the start.
fn set_aside(store: &Store) -> Vec<(String, Option<String>, Option<i64>)> {
    let hours = |at: Timestamp| (at.as_millis() - START) / HOUR_MS;
    let news = store.take_quarantined();
    news.into_iter().map(|one| (one.origin, one.host, one.stretch.map(|(from, _)| hours(from)))).collect()
}

#[test]
fn a_flipped_bit_in_a_block_costs_its_hour() {
    let (folder, store) =
        flipped(&format!("SELECT data FROM block WHERE id >> 36 = {}", START / HOUR_MS + 3));
    assert_eq!(rows(&store, 120, 300, 10_000), (120..180).chain(240..300).collect::<Vec<_>>());
    assert!(store.stats().damaged > 0);
    assert!(set_aside(&store).is_empty(), "upkeep sets it aside");
    store.retain(now()).expect("sound");
    assert_eq!(set_aside(&store), [("block".to_owned(), Some("a".to_owned()), Some(3))]);
    assert!(set_aside(&store).is_empty(), "told once");
    let tried = store.stats().damaged;
    assert_eq!(rows(&store, 0, 300, 10_000).len(), 240);
    store.retain(now()).expect("sound");
    assert_eq!(store.stats().damaged, tried, "it is out of the way");
    // The day's summary still knows that hour.
    assert_eq!(rows(&store, 180, 180 + 421, 100).first(), Some(&184));

    drop(store);
    let storage = reopen(&folder, options()).storage(now()).expect("readable");
    assert_eq!((storage.quarantine.count, storage.quarantine.kept), (1, 1));
    assert_eq!(storage.quarantine.newest[0].host.as_deref(), Some("a"));
}

/// What is left of the columns of a block of 100 once a bit near its end is flipped and upkeep was there.
fn columns_left(store: &Store, folder: &TempDir, table: &str) -> usize {
    let noise = |row: i64, column: i64| ((row * 7919 + column * 104_729) as f64).sqrt();
    let tags: Vec<String> = (0..100).map(|n| format!("n={n:03}")).collect();
    for row in 0..60 {
        let cells: Vec<_> =
            (0..).zip(&tags).map(|(n, tags)| ("m", tags.as_str(), row_at(row), noise(row, n))).collect();
        store.append_wait(append("a", Timestamp::from_millis(row_at(row)), &cells)).expect("stored");
    }
    store.seal_all();
    if table == "block" {
        store.retain(Timestamp::from_millis(row_at(120))).expect("sound");
    }
    store.close();
    let path = path(folder);
    let end: Vec<u8> = Connection::open(&path)
        .expect("readable")
        .query_row(&format!("SELECT substr(data, -16) FROM {table}"), [], |row| row.get(0))
        .expect("there");
    let mut bytes = fs::read(&path).expect("ours");
    let place = (0..bytes.len() - end.len()).find(|at| bytes[*at..].starts_with(&end)).expect("in one page");
    bytes[place + 8] ^= 0x10;
    fs::write(&path, bytes).expect("ours");

    let store = reopen(folder, options());
    let query = RangeQuery {
        host: "a".into(),
        metrics: vec!["m".into()],
        tags: TagMatch::Any,
        from: Timestamp::from_millis(row_at(0)),
        to: Timestamp::from_millis(row_at(60) - 1),
        points: 1000,
    };
    store.range(&query).expect("readable");
    store.retain(Timestamp::from_millis(row_at(100))).expect("sound");
    assert_eq!(set_aside(&store), [(table.to_owned(), Some("a".to_owned()), Some(0))]);
    let made = store.range(&query).expect("readable");
    assert_eq!(made[0].points[7].avg.to_bits(), noise(7, 0).to_bits());
    // Of the others there may be rows in the young blocks before it.
    made.iter().filter(|range| range.points.len() == 60).count()
}

#[test]
fn a_flipped_bit_in_a_block_leaves_the_columns_that_it_did_not_hit() {
    for table in ["young", "block"] {
        let (folder, store) = opened();
        let left = columns_left(&store, &folder, table);
        assert!((60..100).contains(&left), "{left} of a {table}");
    }
}

#[test]
fn a_flipped_bit_in_a_young_block_costs_its_stretch() {
    let (_folder, store) = flipped("SELECT data FROM young ORDER BY id DESC LIMIT 1");
    let lost = ROWS / 60 - 2;
    assert_eq!(rows(&store, lost * 60 - 10, ROWS, 10_000).len(), 10 + 60);
    store.retain(now()).expect("sound");
    assert_eq!(set_aside(&store), [("young".to_owned(), Some("a".to_owned()), Some(lost))]);
    store.append_wait(append("a", now(), &[("m", "", row_at(ROWS), 1.0)])).expect("stored");
}

#[test]
fn a_flipped_bit_in_the_log_costs_its_row_and_no_later_push() {
    let (folder, store) = flipped("SELECT data FROM log ORDER BY id DESC LIMIT 1");
    assert_eq!(rows(&store, ROWS - 70, ROWS, 10_000).len(), 10);
    assert_eq!(set_aside(&store), [("log".to_owned(), None, None)]);
    for row in ROWS..ROWS + 3 {
        store.append_wait(append("a", now(), &[("m", "", row_at(row), row as f64)])).expect("stored");
    }
    drop(store);
    let store = reopen(&folder, options());
    assert_eq!(rows(&store, ROWS, ROWS + 10, 100), (ROWS..ROWS + 3).collect::<Vec<_>>());
    assert_eq!(store.storage(now()).expect("readable").quarantine.count, 1);
}

#[test]
fn flipped_bits_in_summaries_cost_nothing_while_their_samples_are_there() {
    for tier in [1, 2] {
        let (_folder, store) = flipped(&format!("SELECT data FROM rollup WHERE id >> 60 = {tier}"));
        let day = rows(&store, 0, 24 * 60, 24 * 6 + 1);
        assert_eq!(day.last(), Some(&(24 * 60 - 1)));
        let width = if tier == 1 { 24 * 60 } else { 24 };
        assert!(!rows(&store, 0, 24 * 60, width + 1).is_empty());
        store.retain(now()).expect("sound");
        assert_eq!(set_aside(&store), [("rollup".to_owned(), Some("a".to_owned()), Some(0))]);
        let held = store.storage(now()).expect("readable");
        assert_eq!((held.minutes.samples, held.ten_minutes.samples), (24 * 60, 24 * 60), "made anew");
        assert_eq!(rows(&store, 0, 24 * 60, 24 * 6 + 1), day);
    }
}

/// A host with two parts of summaries of a day whose samples are gone, closed.
fn summaries_alone() -> TempDir {
    let (folder, store) = opened();
    let tags: Vec<String> = (0..200).map(|n| format!("n={n:03}")).collect();
    for row in 0..6 {
        let cells: Vec<_> = tags.iter().map(|tags| ("m", tags.as_str(), row_at(row), row as f64)).collect();
        store.append_wait(append("a", Timestamp::from_millis(row_at(row)), &cells)).expect("stored");
    }
    store.seal_all();
    store.retain(Timestamp::from_millis(row_at(26 * 60))).expect("sound");
    let much_later = row_at(20 * 24 * 60);
    let cells: Vec<_> = tags.iter().map(|tags| ("m", tags.as_str(), much_later, 1.0)).collect();
    store.append_wait(append("a", Timestamp::from_millis(much_later), &cells)).expect("stored");
    assert_eq!(store.retain(Timestamp::from_millis(much_later)).expect("sound"), 1200);
    folder
}

/// Each row of a table: number, bytes.
fn stored_rows(folder: &TempDir, table: &str) -> Vec<(i64, Vec<u8>)> {
    let conn = Connection::open(path(folder)).expect("readable");
    let mut select = conn.prepare(&format!("SELECT id, data FROM {table} ORDER BY id")).expect("a table");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("sound");
    rows.collect::<Result<_, _>>().expect("sound")
}

#[test]
fn one_damaged_part_of_ten_minutes_is_made_anew_of_the_minutes_when_samples_are_gone() {
    let folder = summaries_alone();
    let before = stored_rows(&folder, "rollup");
    assert_eq!(before.len(), 4);
    for part in 0..2 {
        flip(&path(&folder), &format!("SELECT data FROM rollup WHERE id >> 60 = 2 AND id & 4095 = {part}"));
        let store = reopen(&folder, options());
        let metrics = vec!["m".to_owned()];
        let (from, to) = (Timestamp::from_millis(row_at(0)), Timestamp::from_millis(row_at(24 * 60)));
        let query = RangeQuery { host: "a".into(), metrics, tags: TagMatch::Any, from, to, points: 100 };
        store.range(&query).expect("readable");
        store.retain(Timestamp::from_millis(row_at(20 * 24 * 60))).expect("sound");
        assert_eq!(set_aside(&store).len(), 1);
        let made = store.range(&query).expect("readable");
        let points: Vec<usize> = made.iter().map(|range| range.points.len()).collect();
        assert_eq!(points, [1; 200], "part {part}");
        drop(store);
        assert!(stored_rows(&folder, "rollup") == before, "part {part}");
    }
}

#[test]
fn the_quarantine_is_bounded_and_still_knows_how_many_there_were() {
    let (folder, store) = opened();
    fill(&store);
    drop(store);
    let conn = Connection::open(path(&folder)).expect("readable");
    conn.execute_batch(
        "INSERT INTO quarantine (origin, reason, data)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
         SELECT 'block', 'a test', zeroblob(1000) FROM n;
         UPDATE block SET data = zeroblob(5000000) WHERE id = (SELECT min(id) FROM block);",
    )
    .expect("writable");
    drop(conn);
    let store = reopen(&folder, options());
    rows(&store, 0, 60, 1000);
    store.retain(now()).expect("sound");
    let quarantine = store.storage(now()).expect("readable").quarantine;
    assert_eq!((quarantine.count, quarantine.kept, quarantine.bytes), (1501, 1, 5_000_000));
}

/// Whatever is done to the file: the store opens, takes, and gives back what it took.
fn opens_and_works(folder: &TempDir) -> Store {
    let store = reopen(folder, options());
    let later = now().plus_millis(HOUR_MS);
    store.append_wait(append("fresh", later, &[("m", "", later.as_millis(), 7.0)])).ok();
    let again = append("fresh", later, &[("m", "", later.as_millis() + 1000, 8.0)]);
    store.append_wait(again).expect("a failing file is set aside by the second push at the latest");
    assert_eq!(store.latest("fresh").expect("known")[0].value.to_bits(), 8.0_f64.to_bits());
    store
}

#[test]
fn a_truncated_file_opens_and_what_is_left_of_it_is_kept() {
    for part in [0, 1, 100, 512, 4096, 5000, 40_000] {
        let (folder, store) = opened();
        fill(&store);
        drop(store);
        let file = fs::OpenOptions::new().write(true).open(path(&folder)).expect("ours");
        let len = file.metadata().expect("ours").len();
        file.set_len(if part == 40_000 { len / 2 } else { part }).expect("ours");
        drop(file);
        let store = opens_and_works(&folder);
        assert!(part < 512 || store.recovered().is_some_and(|kept| kept.exists()), "{part} bytes");
    }
}

#[test]
fn a_file_of_zeros_is_set_aside() {
    let (folder, store) = opened();
    fill(&store);
    drop(store);
    let len = fs::metadata(path(&folder)).expect("ours").len();
    fs::write(path(&folder), vec![0; usize::try_from(len).expect("small")]).expect("ours");
    let store = opens_and_works(&folder);
    assert!(store.recovered().is_some_and(|kept| fs::metadata(kept).expect("kept").len() == len));
    assert!(store.take_recovered().is_some() && store.take_recovered().is_none(), "told once");
}

#[test]
fn an_emptied_file_whose_log_still_has_something_is_set_aside() {
    let (folder, store) = opened();
    fill(&store);
    let wal = folder.path().join("store.db-wal");
    let copy = fs::read(&wal).expect("there");
    drop(store);
    fs::write(path(&folder), "").expect("ours");
    fs::write(&wal, &copy).expect("ours");
    let store = opens_and_works(&folder);
    let kept = store.recovered().expect("told");
    let kept_wal = folder.path().join(format!("{}-wal", kept.file_name().expect("named").display()));
    assert_eq!(fs::read(kept_wal).expect("kept"), copy);
}

#[test]
fn flipped_bytes_in_pages_never_stop_the_store_for_good() {
    let (folder, store) = opened();
    fill(&store);
    drop(store);
    let sound = fs::read(path(&folder)).expect("ours");
    // A byte in the header of every third page, and one behind it: cells, pointers, text, blobs.
    for (round, start) in (0..sound.len()).step_by(3 * 4096).enumerate() {
        let mut bytes = sound.clone();
        let at = start + [0, 3, 5, 9, 200, 4000][round % 6];
        bytes[at] ^= 0xff;
        fs::write(path(&folder), &bytes).expect("ours");
        let store = reopen(&folder, options());
        for turn in 0..5 {
            let at = now().plus_millis(turn * 1000);
            store.append_wait(append("fresh", at, &[("m", "", at.as_millis(), 7.0)])).ok();
            store.retain(at).ok();
        }
        let at = now().plus_millis(10_000);
        store.append_wait(append("fresh", at, &[("m", "", at.as_millis(), 8.0)])).expect("works again");
        assert!(store.latest("fresh").is_some(), "byte {at:?}");
        drop(store);
        fs::remove_file(path(&folder)).expect("ours");
    }
}

#[test]
fn a_newer_file_is_refused_by_name_and_left_alone() {
    let (folder, store) = opened();
    fill(&store);
    drop(store);
    let conn = Connection::open(path(&folder)).expect("readable");
    conn.pragma_update(None, "user_version", 4711).expect("writable");
    drop(conn);
    let before = fs::read(path(&folder)).expect("ours");
    let error = Store::open(&path(&folder), options(), seconds(0)).map(|store| store.close());
    let error = error.expect_err("too new");
    assert!(matches!(&error, OpenError::TooNew { found: 4711, .. }), "{error}");
    assert!(error.to_string().contains("use the newer program"), "{error}");
    assert_eq!(fs::read(path(&folder)).expect("ours"), before);
}
