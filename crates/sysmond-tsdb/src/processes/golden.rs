//! Snapshots as each version wrote them, kept as files: they have to be read for ever, and what is not compressed has
//! to be written again byte by byte. `processes-1.txt` says what is in them: a line for each process of each snapshot.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p sysmond-tsdb golden` writes the files of the current version, for as long as it is
//! not released.

use super::bytes::{decode, encode};
use super::hour::Hour;
use std::fmt::Write;
use std::path::PathBuf;
use sysmond_model::{ProcessSnapshot, ProcessUse, Timestamp};

/// The beginning of an hour.
const START: i64 = 20_000 * 86_400_000;
/// Snapshots of the hour.
const SNAPSHOTS: u32 = 24;

/// One of each kind: known and unknown figures, large and small, words in other scripts, one that comes and goes, one
/// with the number of another that ended.
fn processes(n: u32) -> Vec<ProcessUse> {
    let process = |pid, name: &str, command: Option<String>| ProcessUse {
        pid,
        name: name.to_owned(),
        command,
        user: pid % 3 * 1000,
        state: if n.is_multiple_of(4) { 'D' } else { 'S' },
        threads: pid % 7 + n / 12,
        cpu_percent: (n > 0).then(|| f64::from(n * n * pid % 9973) / 100.0),
        memory_bytes: u64::from(pid) * 1_234_567 + u64::from(n) * 40_960,
        read_bytes: n.is_multiple_of(3).then(|| f64::from(n * pid) * 1.5),
        write_bytes: Some(f64::from(n % 5) * 1e6),
    };
    let mut all = vec![
        process(1, "init", None),
        process(77, "prozeß (1)", Some("/opt/prozeß --datei=größe".to_owned())),
        process(4_194_304, "last", Some(String::new())),
        process(500, if n < 12 { "old" } else { "new" }, None),
    ];
    if n % 5 < 2 {
        all.push(process(600, "sometimes", Some(format!("sometimes {}", "x".repeat(180)))));
    }
    all.extend((0..2).map(|k| {
        let pid = 10_000 + n * 2 + k;
        process(
            pid,
            "cc1plus",
            Some(format!("/usr/lib/cc1plus -quiet src/part-{}.cc -o {pid:060}.o", pid * pid)),
        )
    }));
    all
}

fn hour() -> Hour {
    let piece = |n: u32| {
        let snapshot = ProcessSnapshot {
            seconds: 10.0 + f64::from(n % 3) / 1000.0,
            total: 300 - n,
            processes: processes(n),
        };
        let at = Timestamp::from_millis(START + i64::from(n) * 10_000 + i64::from(n % 2));
        Hour::of(at, &snapshot).numbered(i64::from(1000 + n * 3))
    };
    Hour::merged((0..SNAPSHOTS).map(piece).collect())
}

/// What is in it, for people.
fn lines(hour: &Hour) -> String {
    let mut lines = String::new();
    for row in &hour.rows {
        writeln!(lines, "at {} seq {} over {} ms of {}", row.at, row.seq, row.millis, row.total)
            .expect("memory");
        for (place, figures) in &row.entries {
            let known = hour.identity(*place).expect("one of them");
            let command = known.command.as_ref().map_or(0, String::len);
            let told = (figures.share, figures.memory, figures.read, figures.written);
            let (state, threads) = (char::from(figures.state), figures.threads);
            let words = (known.pid, known.user, &known.name, command);
            writeln!(lines, "  {words:?} {state} {threads} {told:?}").expect("memory");
        }
    }
    lines
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/processes/golden").join(name)
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn is_updating() -> bool {
    std::env::var_os("UPDATE_SNAPSHOTS").is_some()
}

fn check(name: &str, now: &[u8]) -> Vec<u8> {
    if is_updating() {
        std::fs::write(file(name), now).expect("writable");
    }
    std::fs::read(file(name)).expect("there")
}

#[test]
fn golden_snapshots_of_every_version_are_read() {
    let hour = hour();
    let single = hour.alone(&hour.rows[5]);
    let told = format!("{}\nsingle\n{}", lines(&hour), lines(&single));
    assert_eq!(check("processes-1.txt", told.as_bytes()), told.as_bytes(), "what the files have in them");
    for (name, table) in [("hour-1", &hour), ("single-1", &single)] {
        let golden = check(name, &encode(table));
        assert_eq!(decode(&golden).as_ref(), Ok(table), "{name}");
        assert_eq!(golden.get(5) == Some(&1), name == "hour-1", "{name}: which one is compressed");
    }
}

#[test]
fn golden_bytes_of_a_single_snapshot_are_written_again() {
    let hour = hour();
    let now = encode(&hour.alone(&hour.rows[5]));
    assert_eq!(check("single-1", &now), now, "a new form is a new version");
}
