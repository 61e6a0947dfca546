//! One way to give any bytes to everything that reads what lies in a store's file, for fuzzing and property tests.

use crate::buckets::{Buckets, Grid};
use crate::codec::Damaged;
use crate::codec::block::{self, Block, Table};
use crate::codec::ints::Effort;
use crate::log::{self, Group};
use crate::names::{Layout, LayoutId};
use crate::newest::Newest;
use crate::processes::{self, Hour};
use crate::rollup::{self, Summary};
use crate::summarize::PARTS;
use sysmond_model::{Series, Timestamp};

/// Bytes before what a checksum is of: the version, and the sum itself.
const HEAD: usize = 5;

/// Reads `data` as a block, as a day's summaries, as a group of the log, as snapshots of processes and as a host's
/// newest values: as it is, and as if its checksums were right, as a block also with an earlier version's number. What
/// can be read is written
/// and read again.
///
/// # Panics
///
/// Where a reader does, or where what was written is not what is read.
pub fn take_any_bytes(data: &[u8]) {
    for version in [1, 2, 3] {
        take_block(Block::open_trusted(&with_sum(version, data)));
    }
    take_block(Block::open(data));
    take_log(&with_sum(1, data));
    take_log(&with_sum(2, data));
    take_log(data);
    take_snapshots(data);
    take_snapshots(&with_sum(1, data));
    if let Ok(newest) = Newest::from_bytes(data) {
        let again = newest.to_bytes();
        assert_eq!(
            Newest::from_bytes(&again).map(|newest| newest.to_bytes()),
            Ok(again),
            "newest values change"
        );
    }
}

fn with_sum(version: u8, data: &[u8]) -> Vec<u8> {
    let mut whole = vec![version];
    whole.extend(crc32fast::hash(data).to_le_bytes());
    assert_eq!(whole.len(), HEAD, "the sum is behind the version");
    whole.extend(data);
    whole
}

fn take_block(block: Result<Block<'_>, Damaged>) {
    let Ok(block) = block else {
        return;
    };
    if let Some(times) = block.timestamps().ok().filter(|_| block.seqs().is_ok()) {
        for metric in block.ids().map(|id| id / PARTS).take(8) {
            if let Ok(summaries) = rollup::summaries(&block, &times, metric) {
                assert!(summaries.len() <= times.len(), "more summaries than buckets");
                take_summaries(&summaries);
            }
        }
    }
    let Ok(table) = block.table() else {
        return;
    };
    let rows = table.timestamps.len();
    assert!(table.columns.iter().all(|(_, values)| values.len() == rows), "a column of another length");
    assert!(
        table.columns.iter().all(|(id, values)| same(block.column(*id), values)),
        "a column alone is another"
    );
    for effort in [Effort::Quick, Effort::Thorough] {
        let again = block::encode(&table, effort);
        let again = Block::open(&again).and_then(|block| block.table());
        assert_eq!(again.map(|again| bits(&again)), Ok(bits(&table)), "a block changes");
    }
}

/// As a chart's points.
fn take_summaries(summaries: &[Summary]) {
    let of = |summary: Option<&Summary>| Timestamp::from_millis(summary.map_or(0, |summary| summary.at));
    for points in [1, 3, 1000] {
        let grid = Grid::new(of(summaries.first()), of(summaries.last()), points);
        let mut buckets = Buckets::new(grid);
        for summary in summaries {
            buckets.push_summary(summary);
        }
        let points = buckets.finish(Series::new("m", "")).points;
        assert!(points.iter().all(|point| point.min <= point.avg && point.avg <= point.max), "no mean");
    }
}

fn same(column: Result<Option<Vec<f64>>, Damaged>, values: &[f64]) -> bool {
    let pairs = column.ok().flatten().map(|column| column.into_iter().zip(values));
    pairs.is_some_and(|mut pairs| pairs.all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()))
}

/// Times, places in the order of storing, and the bits of each column's cells; an absent one has none.
type Bits = (Vec<i64>, Vec<i64>, Vec<(u32, Vec<Option<u64>>)>);

/// A table in a form that is equal where every bit is.
fn bits(table: &Table) -> Bits {
    let cell = |value: &f64| (!value.is_nan()).then(|| value.to_bits());
    let columns = table.columns.iter().map(|(id, values)| (*id, values.iter().map(cell).collect()));
    (table.timestamps.clone(), table.seqs.clone(), columns.collect())
}

fn take_snapshots(data: &[u8]) {
    let Ok(hour) = processes::bytes::decode(data) else {
        return;
    };
    assert!(hour.rows.iter().all(|row| hour.snapshot(row).is_ok()), "a snapshot that cannot be told");
    let hour = Hour::merged(vec![hour]);
    let again = processes::bytes::decode(&processes::bytes::encode(&hour));
    assert_eq!(again, Ok(hour), "snapshots change");
}

fn take_log(data: &[u8]) {
    let known = |layout: LayoutId| (layout < 64).then(|| (0..=layout % 9).collect::<Layout>());
    let Ok(records) = log::decode(data, known) else {
        return;
    };
    let mut group = Group::default();
    for record in &records {
        group.push(record.host_id, record.received, &record.runs);
    }
    let again = log::decode(&group.finish(), known);
    // As text, since an absent cell is not equal to itself.
    assert_eq!(format!("{again:?}"), format!("Ok({records:?})"), "a group of the log changes");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::PathBuf;

    #[test]
    fn all_seeds_are_taken() {
        let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../fuzz/seeds/blocks"].iter().collect();
        let seeds: Vec<_> = std::fs::read_dir(folder).expect("seeds").collect();
        assert!(seeds.len() >= 5);
        for seed in seeds {
            take_any_bytes(&std::fs::read(seed.expect("a seed").path()).expect("readable"));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            take_any_bytes(&data);
        }
    }
}
