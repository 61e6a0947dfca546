//! Blocks as each version wrote them, kept as files: they have to be read for ever, and the current version has to
//! write its own again, byte by byte. `cells-*.txt` says what is in them: a line per row with its time, its place in
//! the order of storing, and the bits of each cell in hexadecimal, a point where there is none; the first line has the
//! columns.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p sysmond-tsdb golden` writes the files of the current version, for as long as it is
//! not released.

use super::block::{Block, Table, encode};
use super::ints::Effort;
use crate::log::{self, Group, Packer, Record, Run};
use crate::names::Layout;
use crate::newest::Newest;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use sysmond_model::Timestamp;

/// The files.
const BLOCKS: [&str; 5] = ["block-1", "block-2", "block-2-quick", "block-3", "block-3-quick"];
const ROWS: u32 = 240;
/// Bytes of a page: what memory is counted in.
const PAGE: f64 = 4096.0;
const TOTAL: f64 = 6_171_021.0 * PAGE;

/// The same numbers on every machine.
fn random(seed: u64) -> impl FnMut(u32) -> u32 {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ (seed + 1).wrapping_mul(0x00c2_b2ae_3d27_d4eb);
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from((state >> 20) % u64::from(below)).expect("less than a u32")
    }
}

/// A column with a value of each row's number and some noise below 1000.
fn column(seed: u64, value: impl Fn(u32, u32) -> f64) -> Vec<f64> {
    let mut random = random(seed);
    (0..ROWS).map(|row| value(row, random(1000))).collect()
}

/// What version 2 added to look at: each rule by which a column follows from two others.
fn columns_since(version: u8) -> Vec<(u32, Vec<f64>)> {
    if version < 2 {
        return Vec::new();
    }
    let pages =
        |seed: u64, at_least: u32| column(seed, move |_, noise| PAGE * f64::from(at_least + noise * noise));
    let base =
        [(30, 1_000), (31, 5_000), (32, 7_000), (33, 9_000), (34, 90)].map(|(s, least)| pages(s, least));
    let both = |a: &[f64], b: &[f64], rule: fn(f64, f64) -> f64| {
        a.iter().zip(b).map(|(a, b)| rule(*a, *b)).collect::<Vec<f64>>()
    };
    let total = vec![TOTAL; 240];
    let mut columns = vec![
        both(&base[0], &base[1], |a, b| 100.0 * a / (a + b)),
        both(&base[2], &base[3], |a, b| 100.0 * a / b),
        both(&total, &base[4], |a, b| a - b),
        both(&total, &base[4], |a, b| 100.0 * (a - b) / a),
    ];
    columns.extend(base);
    columns.push(total);
    (2_000_000..).zip(columns).collect()
}

/// Every mode, coder and order of differences, with and without gaps and exceptions.
fn table(version: u8) -> Table {
    let ticks = column(100, |_, noise| f64::from(398 + noise % 5));
    let millis = column(101, |_, noise| f64::from(1999 + noise % 3));
    let over = |divisors: &[f64], scale: f64, seed: u64, below: u32| -> Vec<f64> {
        let parts = column(seed, |_, noise| f64::from(noise % below));
        parts.iter().zip(divisors).map(|(part, divisor)| scale * part / divisor).collect()
    };
    let available = column(1, |row, noise| TOTAL - PAGE * f64::from(1_000_000 + row * 7 + noise));
    let used: Vec<f64> = available.iter().map(|available| TOTAL - available).collect();
    let share: Vec<f64> = used.iter().map(|used| 100.0 * used / TOTAL).collect();
    let reserved = column(2, |row, noise| PAGE * f64::from(500_000 + row + noise % 7));
    let of_sum: Vec<f64> = reserved.iter().zip(&available).map(|(r, a)| 100.0 * r / (r + a)).collect();
    let with_gaps = |values: &[f64]| -> Vec<f64> {
        let is_gap = |row: usize| row < 30 || (100..103).contains(&row) || row == 239;
        values.iter().enumerate().map(|(row, value)| if is_gap(row) { f64::NAN } else { *value }).collect()
    };
    let odd = |mut values: Vec<f64>| {
        (values[7], values[130], values[131]) = (-0.0, 5e-324, f64::MAX);
        values
    };
    let extremes = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, -5e-324, 0.1, -0.0, 1e300];
    let columns = vec![
        (3, vec![0.1; 240]),
        (4, column(3, |_, noise| f64::from(noise % 16))),
        (5, vec![TOTAL; 240]),
        (9, available.clone()),
        (10, used.clone()),
        (11, share),
        (12, reserved.clone()),
        (13, of_sum.clone()),
        (20, column(4, |_, noise| f64::from(noise) / 100.0)),
        (21, column(5, |_, noise| f64::from(noise * 1009) / 1e6)),
        (22, column(6, |_, noise| f64::from(noise * 1_000_003) / 1e9)),
        (30, over(&ticks, 100.0, 7, 300)),
        (31, over(&ticks, 100.0, 8, 90)),
        (32, over(&millis, 1000.0, 9, 900)),
        (33, with_gaps(&over(&millis, 1000.0, 10, 900))),
        (34, odd(over(&ticks, 100.0, 11, 60))),
        (40, column(12, |row, noise| f64::from(row * 1000 + noise).sqrt())),
        (41, with_gaps(&column(13, |_, noise| f64::from(noise)))),
        (42, odd(column(14, |_, noise| f64::from(noise % 3)))),
        (43, column(15, |row, noise| f64::from(1_700_000_000 + row * 2 + noise / 990))),
        (44, column(16, |row, noise| f64::from(row * row * 5 + noise / 999))),
        (45, column(17, |_, noise| if noise < 20 { f64::from(noise * 12_345) } else { 0.0 })),
        (46, column(18, |row, _| extremes[row as usize % extremes.len()])),
        (47, with_gaps(&[7.0; 240])),
        (
            48,
            column(
                19,
                |_, noise| if noise < 500 { 0.0 } else { f64::from(noise * noise) * f64::from(noise) },
            ),
        ),
        (49, odd(with_gaps(&used))),
        (1_000_000, with_gaps(&of_sum)),
    ];
    let columns = columns.into_iter().chain(columns_since(version)).collect();
    let mut random = random(20);
    let times = (0..ROWS).map(|row| 1_700_000_000_000 + i64::from(row) * 2000 + i64::from(random(4) / 3));
    let seqs = (1..=ROWS).map(|row| i64::from(if row == 9 { 900 } else { row }));
    Table { timestamps: times.collect(), seqs: seqs.collect(), columns }
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "src/codec/golden", name].iter().collect()
}

fn text(table: &Table) -> String {
    let mut text = String::from("time seq");
    for (id, _) in &table.columns {
        write!(text, " {id}").expect("memory");
    }
    for (row, (at, seq)) in table.timestamps.iter().zip(&table.seqs).enumerate() {
        write!(text, "\n{at} {seq}").expect("memory");
        for (_, values) in &table.columns {
            match values[row] {
                absent if absent.is_nan() => text.push_str(" ."),
                value => write!(text, " {:016x}", value.to_bits()).expect("memory"),
            }
        }
    }
    text.push('\n');
    text
}

/// The file's content; where asked to, made anew first.
#[expect(clippy::disallowed_methods, reason = "the switch that all of sysmond's snapshots have")]
fn golden(name: &str, fresh: &[u8]) -> Vec<u8> {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path(name), fresh).expect("writable");
    }
    std::fs::read(path(name)).expect("a golden file")
}

/// What is in a block, by its name.
fn cells_of(name: &str) -> &'static str {
    // Version 3 says the same with other checksums.
    if name.starts_with("block-1") { "cells-1.txt" } else { "cells-2.txt" }
}

fn read(data: &[u8]) -> String {
    text(&Block::open(data).and_then(|block| block.table()).expect("a block"))
}

#[test]
fn golden_blocks_of_every_version_are_read_to_the_bit() {
    for name in BLOCKS {
        let data = std::fs::read(path(name)).expect("a golden file");
        let cells = std::fs::read_to_string(path(cells_of(name))).expect("a golden file");
        assert_eq!(data[0], name.as_bytes()[6] - b'0', "{name}");
        assert!(read(&data) == cells, "{name}");
    }
}

#[test]
fn golden_blocks_of_this_version_are_written_to_the_byte() {
    let table = table(2);
    assert!(golden("cells-2.txt", text(&table).as_bytes()) == text(&table).as_bytes());
    for (name, effort) in [("block-3", Effort::Thorough), ("block-3-quick", Effort::Quick)] {
        let fresh = encode(&table, effort);
        assert!(golden(name, &fresh) == fresh, "{name}");
    }
}

/// A group of the log: what two hosts delivered, one of them with gaps and odd values.
fn records() -> Vec<Record> {
    let received = Timestamp::from_seconds(1_700_000_001);
    let layout: Layout = Arc::from([1, 2, 3]);
    let rows = (0..3_i32).map(|row| (1_700_000_000_000 + i64::from(row), [f64::from(row), f64::NAN, 0.1]));
    let odd = [[-0.0, 1e15, 5e-324], [7.0, f64::NAN, -300.0], [7.0, -2.0, 1e300]];
    let odd = odd.into_iter().zip(0..).map(|(values, row)| (1_700_000_000_000 - row * 77, values));
    let runs = vec![
        Run::of_rows(2, layout.clone(), 5, rows),
        Run::of_rows(2, layout, 300, odd.collect::<Vec<_>>().into_iter()),
    ];
    vec![Record { host_id: 7, received, runs }, Record { host_id: 300, received, runs: Vec::new() }]
}

fn group() -> Vec<u8> {
    let mut group = Group::default();
    for record in records() {
        group.push(record.host_id, record.received, &record.runs);
    }
    group.finish()
}

/// The bytes of packed groups are zstd's: another version of it may write others, and has to read these.
#[test]
fn groups_of_all_versions_are_read() {
    let packed = || {
        let mut group = Group::default();
        for record in records().iter().cycle().take(40) {
            group.push(record.host_id, record.received, &record.runs);
        }
        group.finish_packed(&mut Packer::default())
    };
    let read = |name: &str, fresh: &[u8]| {
        let known = |layout| (layout == 2).then(|| Layout::from([1, 2, 3]));
        log::decode(&golden(name, fresh), known)
            .expect("sound")
            .iter()
            .map(|r| format!("{r:?}"))
            .collect::<Vec<_>>()
    };
    let written: Vec<String> = records().iter().map(|record| format!("{record:?}")).collect();
    assert_eq!(read("log-1", &group()), written);
    assert_eq!(read("log-2", &packed()), [written.as_slice(); 20].concat());
    assert_eq!((group()[0], packed()[0]), (1, 2));
}

/// Small pieces of everything that a file holds, for the fuzzer to begin with.
#[test]
fn seeds_of_the_fuzzer_are_pieces_of_this_version() {
    let mut table = table(2);
    table.timestamps.truncate(12);
    table.seqs.truncate(12);
    table.columns.iter_mut().for_each(|(_, values)| values.truncate(12));
    table.columns.retain(|(_, values)| values.iter().any(|value| !value.is_nan()));
    let half = table.columns.split_off(table.columns.len() / 2);
    let rest = Table { columns: half, ..table.clone() };
    let mut newest = Newest::default();
    newest.observe_table(&table);
    for (name, fresh) in [
        ("block", encode(&table, Effort::Thorough)[5..].to_vec()),
        ("block-of-fractions", encode(&rest, Effort::Thorough)[5..].to_vec()),
        ("block-quick", encode(&table, Effort::Quick)[5..].to_vec()),
        ("log", group()[5..].to_vec()),
        ("newest", newest.to_bytes()),
    ] {
        let name = format!("../../../../../fuzz/seeds/blocks/{name}");
        assert!(golden(&name, &fresh) == fresh, "{name}");
    }
}

/// What `tests/read_blocks.py` prints, a program that knows nothing but docs/storage-format.md.
fn read_by_the_document(arguments: &[&str]) -> String {
    let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/read_blocks.py"].iter().collect();
    let output = Command::new("python3").arg(script).args(arguments).output().expect("python3 is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn hex(value: f64) -> String {
    if value.is_nan() { ".".into() } else { format!("{:016x}", value.to_bits()) }
}

#[test]
fn another_program_reads_golden_blocks_by_the_document() {
    for name in BLOCKS {
        let cells = std::fs::read_to_string(path(cells_of(name))).expect("a golden file");
        let found = read_by_the_document(&["block", path(name).to_str().expect("a plain path")]);
        assert!(found == cells, "{name}");
    }
}

#[test]
fn another_program_reads_log_and_newest_values_by_the_document() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data");
    let data = file.to_str().expect("a plain path");
    std::fs::write(&file, group()).expect("writable");
    let mut expected = String::new();
    for Record { host_id, received, runs } in records() {
        writeln!(expected, "host {host_id} received {}", received.as_millis()).expect("memory");
        for run in runs {
            for (seq, (at, values)) in (run.first_seq..).zip(run.times.iter().zip(run.rows())) {
                let cells: Vec<String> = values.iter().copied().map(hex).collect();
                writeln!(expected, "{} {at} {seq} {}", run.layout_id, cells.join(" ")).expect("memory");
            }
        }
    }
    assert_eq!(read_by_the_document(&["log", data, "1", "1", "3"]), expected);

    let mut newest = Newest::default();
    newest.observe_table(&table(2));
    std::fs::write(&file, newest.to_bytes()).expect("writable");
    let lines = newest
        .cells()
        .into_iter()
        .map(|(id, cell)| format!("{id} {} {} {}\n", cell.at, cell.seq, hex(cell.value)));
    assert_eq!(read_by_the_document(&["newest", data]), lines.collect::<String>());
}
