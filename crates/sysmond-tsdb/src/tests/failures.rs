//! Damage, full disks, kills, wrong files.

use crate::testing::{append, opened, options, reopen, seconds};
use crate::{AppendError, LEAST_DISK_BYTES, OpenError, RangeQuery, Store, StoreOptions, TagMatch};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use sysmond_model::{Frame, Series, Shape, Timestamp};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("exists").permissions().mode() & 0o777
}

#[test]
fn folder_and_file_are_private() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/store.db");
    let store = Store::open(&path, options(), seconds(0)).expect("a store");
    store.append_wait(append("a", seconds(0), &[])).expect("stored");
    assert_eq!((mode(&folder.path().join("deep")), mode(&path)), (0o700, 0o600));
    assert_eq!(mode(&folder.path().join("deep/store.db-wal")), 0o600);
    drop(store);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("ours");
    drop(Store::open(&path, options(), seconds(0)).expect("a store"));
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_symbolic_link_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("target"), "").expect("writable");
    symlink(folder.path().join("target"), folder.path().join("store.db")).expect("writable");
    let outcome = Store::open(&folder.path().join("store.db"), options(), seconds(0));
    assert!(matches!(outcome, Err(OpenError::Io { .. })));
}

#[test]
fn a_second_opener_is_refused_until_the_first_has_gone() {
    let (folder, store) = opened();
    let again = || Store::open(&folder.path().join("store.db"), options(), seconds(0));
    assert!(matches!(again(), Err(OpenError::InUse { .. })));
    store.close();
    assert!(again().is_ok());
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (folder, store) = opened();
    drop(store);
    let path = folder.path().join("store.db");
    let conn = rusqlite::Connection::open(&path).expect("readable");
    conn.pragma_update(None, "user_version", 99).expect("writable");
    drop(conn);
    let outcome = Store::open(&path, options(), seconds(0));
    assert!(matches!(outcome, Err(OpenError::TooNew { found: 99, .. })));
    assert!(path.exists() && fs::read_dir(folder.path()).expect("readable").count() <= 4);
}

/// Opens over a file that `damage` made, and checks that the store works, also after a second damage and start.
fn survives(damage: impl Fn(&Path)) {
    let (folder, store) = opened();
    let path = folder.path().join("store.db");
    for n in 0..2000 {
        store.append_wait(append("a", seconds(n), &[("m", "", n * 1000, 1.0)])).expect("stored");
    }
    drop(store);
    for _ in 0..2 {
        damage(&path);
        let store = reopen(&folder, options());
        let aside = store.recovered().expect("told");
        assert!(aside.to_string_lossy().contains("store.db.corrupt-1000") && aside.exists());
        store.append_wait(append("b", seconds(1), &[("m", "", 1000, 1.0)])).expect("stored");
        drop(store);
        let store = reopen(&folder, options());
        assert_eq!((store.recovered(), store.hosts().len()), (None, 1));
        assert!(store.latest("b").is_some());
    }
}

#[test]
fn a_file_that_is_no_database_is_set_aside() {
    survives(|path| {
        fs::write(path, "not a database, not at all, just some words".repeat(100)).expect("writable");
    });
}

#[test]
fn a_file_with_a_torn_middle_is_set_aside() {
    survives(|path| {
        let mut bytes = fs::read(path).expect("readable");
        let len = bytes.len();
        bytes[100..len.min(len / 2 + 100)].fill(0xa5);
        fs::write(path, bytes).expect("writable");
    });
}

/// Rows that no codec makes small: of each cell all eight bytes.
fn incompressible(rows: i64, columns: usize, first: i64) -> Frame {
    let mut frame =
        Frame::new(Shape::new((0..columns).map(|n| Series::new("m", format!("n={n}"))).collect()));
    for row in 0..rows {
        let value = |n: usize| ((first + row) as f64).mul_add(7919.0, n as f64).sqrt();
        frame.push_row(seconds(first + row), &(0..columns).map(value).collect::<Vec<_>>());
    }
    frame
}

#[test]
fn a_full_store_refuses_keeps_what_it_had_and_goes_on_once_trimmed() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopen(&folder, StoreOptions { max_disk_bytes: LEAST_DISK_BYTES, ..options() });
    let deliver = |at: i64| {
        let mut delivery = append("a", seconds(at), &[]);
        delivery.frame = incompressible(60, 1000, at);
        store.append_wait(delivery)
    };
    let first = 86_400;
    let refused =
        (first..).step_by(60).take(100).find(|at| deliver(*at).is_err()).expect("a limit below 100 pushes");
    assert_eq!(deliver(refused), Err(AppendError::NoSpace));
    assert!(store.is_short());
    // What was on its way to blocks may still come, and is then moved out of SQLite's own log.
    let deadline = Instant::now() + Duration::from_secs(30);
    while store.stats().disk_bytes > LEAST_DISK_BYTES {
        assert!(Instant::now() < deadline, "{} bytes", store.stats().disk_bytes);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(store.host("a").expect("known").last_seen, seconds(refused - 60));
    assert_eq!(store.latest("a").expect("known")[0].timestamp, seconds(refused - 1));
    assert_eq!(store.stats().samples_stored, u64::try_from(refused - first).expect("positive") * 1000);
    // What is only in the log has to be sealed first, which another thread does.
    let deadline = Instant::now() + Duration::from_secs(30);
    while deliver(refused + 7200).is_err() {
        assert!(Instant::now() < deadline, "no room");
        store.retain(seconds(refused + 7200)).expect("trimmed");
    }
    assert!(!store.is_short());
}

#[test]
fn a_failed_transaction_leaves_no_names_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopen(&folder, StoreOptions { max_disk_bytes: LEAST_DISK_BYTES, ..options() });
    let wide = |count: usize| {
        let mut delivery = append("a", seconds(1), &[]);
        let long = "x".repeat(9_000);
        delivery.frame =
            Frame::new(Shape::new((0..count).map(|n| Series::new("m", format!("n={n}{long}"))).collect()));
        delivery.frame.push_row(seconds(1), &vec![1.0; count]);
        delivery
    };
    assert_eq!(store.append_wait(wide(1900)), Err(AppendError::NoSpace));
    assert_eq!((store.stats().hosts, store.hosts().len()), (0, 0));
    store.append_wait(wide(3)).expect("small enough");
    drop(store);
    let store = reopen(&folder, options());
    assert_eq!((store.recovered(), store.latest("a").expect("known").len()), (None, 3));
}

#[test]
fn a_budget_that_is_too_small_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let open = |max_disk_bytes| {
        Store::open(&path, StoreOptions { max_disk_bytes, ..options() }, seconds(0))
            .map(|store| store.close())
    };
    let error = open(LEAST_DISK_BYTES - 1).expect_err("too small");
    assert!(error.to_string().ends_with("needs at least 16000000"), "{error}");
    assert!(!path.exists());

    // Names cannot be trimmed: a store that is full of them needs more.
    let store = reopen(&folder, options());
    for host in 0..4 {
        let mut delivery = append(&format!("host-{host}"), seconds(1), &[]);
        let long = "x".repeat(2_000);
        let series = (0..1900).map(|n| Series::new("m", format!("n={host}-{n}{long}"))).collect();
        delivery.frame = Frame::new(Shape::new(series));
        delivery.frame.push_row(seconds(1), &[1.0; 1900]);
        store.append_wait(delivery).expect("stored");
    }
    store.close();
    assert!(
        matches!(open(LEAST_DISK_BYTES), Err(OpenError::BudgetTooSmall { least, .. }) if least > 16_000_000)
    );
    open(100_000_000).expect("enough");
}

/// The other half of the test below: appends until it is killed, and says on its output what was acknowledged.
#[test]
#[ignore = "runs as the child of another test"]
fn child_that_appends_until_it_is_killed() {
    let store = Store::open(Path::new("store.db"), options(), seconds(0)).expect("a store");
    for n in 0.. {
        store.append_wait(append("a", seconds(n), &[("m", "", n * 1000, n as f64)])).expect("stored");
        println!("acknowledged {n}");
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = 0;
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().expect("a test"))
            .args([
                "--ignored",
                "--exact",
                "--nocapture",
                "tests::failures::child_that_appends_until_it_is_killed",
            ])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let numbers = lines.filter_map(|line| line.ok()?.strip_prefix("acknowledged ")?.parse::<i64>().ok());
        acknowledged = acknowledged.max(numbers.take(50).last().expect("it appends"));
        child.kill().expect("ours");
        child.wait().expect("ours");
        let store = reopen(&folder, options());
        let query = RangeQuery {
            host: "a".into(),
            metrics: vec!["m".into()],
            tags: TagMatch::Any,
            from: seconds(0),
            to: seconds(acknowledged),
            points: 10_000,
        };
        let points = store.range(&query).expect("known").remove(0).points;
        let expected = (0..=acknowledged).map(|n| (Timestamp::from_seconds(n), n as f64));
        assert!(points.iter().map(|point| (point.timestamp, point.avg)).eq(expected));
        assert_eq!(store.recovered(), None);
    }
}
