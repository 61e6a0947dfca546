//! Samples as buckets of minima, maxima, sums and counts, and such buckets as fewer: what rollups hold. Pure.

use crate::codec::block::Table;
use crate::names::MetricId;
use std::collections::{BTreeMap, BTreeSet};

/// Columns that each series has: minimum, maximum, sum, count.
pub(crate) const PARTS: u32 = 4;

/// The samples of `table` as buckets.
pub(crate) fn summarize(table: &Table, step: i64) -> Table {
    let starts = bucket_starts(&table.timestamps, step);
    fold(table, &starts, |values, _| {
        let present = || values.iter().copied().filter(|value| !value.is_nan());
        let count = present().count();
        [
            present().fold(f64::NAN, f64::min),
            present().fold(f64::NAN, f64::max),
            kept(present().sum()),
            count as f64,
        ]
    })
}

/// Buckets as fewer.
pub(crate) fn coarser(table: &Table, step: i64) -> Table {
    let starts = bucket_starts(&table.timestamps, step);
    let mut coarse = Table::default();
    for (index, rows) in starts.iter().enumerate() {
        coarse.timestamps.extend(table.timestamps.get(rows.start));
        coarse.seqs.push(0);
        for (id, values) in &table.columns {
            let values = values.get(rows.clone()).unwrap_or_default();
            let present = values.iter().copied().filter(|value| !value.is_nan());
            let folded = match id % PARTS {
                0 => present.fold(f64::NAN, f64::min),
                1 => present.fold(f64::NAN, f64::max),
                _ => present.reduce(|a, b| a + b).map_or(f64::NAN, kept),
            };
            put(&mut coarse, *id, index, folded);
        }
    }
    pad(&mut coarse);
    coarse
}

/// A sum as it is kept, to 25 bits: no average is seen more exactly, and the last bits of a sum of fractions are noise
/// that takes more room than all else. Where it is beyond all doubles it is the greatest of them: what a block holds is
/// finite.
fn kept(sum: f64) -> f64 {
    const DROPPED: u64 = 1 << 28;
    let bits = sum.clamp(f64::MIN, f64::MAX).to_bits();
    let near = f64::from_bits((bits + DROPPED / 2) & !(DROPPED - 1));
    if near.is_finite() { near } else { f64::from_bits(bits & !(DROPPED - 1)) }
}

/// Which rows fall into each bucket.
fn bucket_starts(timestamps: &[i64], step: i64) -> Vec<std::ops::Range<usize>> {
    let mut start = 0;
    let buckets = timestamps.chunk_by(|a, b| a.div_euclid(step) == b.div_euclid(step));
    buckets
        .map(|rows| {
            start += rows.len();
            start - rows.len()..start
        })
        .collect()
}

fn fold(
    table: &Table,
    buckets: &[std::ops::Range<usize>],
    parts: impl Fn(&[f64], MetricId) -> [f64; 4],
) -> Table {
    let first = |rows: &std::ops::Range<usize>| table.timestamps.get(rows.start).copied().unwrap_or(0);
    let mut folded = Table {
        timestamps: buckets.iter().map(first).collect(),
        seqs: vec![0; buckets.len()],
        columns: Vec::with_capacity(table.columns.len() * PARTS as usize),
    };
    for (id, values) in &table.columns {
        let mut columns = [const { Vec::new() }; PARTS as usize];
        for rows in buckets {
            let values = values.get(rows.clone()).unwrap_or_default();
            let parts = parts(values, *id);
            let is_empty = parts[3] == 0.0;
            for (column, part) in columns.iter_mut().zip(parts) {
                column.push(if is_empty { f64::NAN } else { part });
            }
        }
        folded.columns.extend((id * PARTS..).zip(columns));
    }
    folded
}

/// Puts `more` behind `table`: rows behind its rows, columns of both.
pub(crate) fn append(table: &mut Table, more: Table) {
    let before = table.timestamps.len();
    table.timestamps.extend(more.timestamps);
    table.seqs.extend(more.seqs);
    for (id, values) in more.columns {
        match table.columns.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(place) => {
                if let Some((_, column)) = table.columns.get_mut(place) {
                    column.resize(before, f64::NAN);
                    column.extend(values);
                }
            }
            Err(place) => {
                let mut column = vec![f64::NAN; before];
                column.extend(values);
                table.columns.insert(place, (id, column));
            }
        }
    }
    pad(table);
}

/// Several readings of one day as one: of each bucket of a series the one that knows of most samples, and `fresh`
/// before others that know of as many. Samples go by whole hours, so a bucket whose samples are gone is in no fresh
/// reading.
pub(crate) fn united(known: &[Table], fresh: Table, step: i64) -> Table {
    if known.iter().all(|table| table.timestamps.is_empty()) {
        return fresh;
    }
    let tables = || known.iter().chain([&fresh]);
    // Where several begin differently, the bucket begins with the first sample of all.
    let mut buckets: BTreeMap<i64, i64> = BTreeMap::new();
    for at in tables().flat_map(|table| &table.timestamps) {
        let first = buckets.entry(at.div_euclid(step)).or_insert(*at);
        *first = (*first).min(*at);
    }
    let metrics: BTreeSet<MetricId> =
        tables().flat_map(|table| &table.columns).map(|(id, _)| id / PARTS).collect();
    let places: BTreeMap<i64, usize> = buckets.keys().copied().zip(0..).collect();
    let mut one = Table {
        timestamps: buckets.values().copied().collect(),
        seqs: vec![0; buckets.len()],
        columns: Vec::with_capacity(metrics.len() * PARTS as usize),
    };
    for metric in metrics {
        let mut parts = std::array::from_fn(|_| vec![f64::NAN; places.len()]);
        for table in tables() {
            lay_over(&mut parts, table, metric, |at| places.get(&at.div_euclid(step)).copied());
        }
        one.columns.extend((metric * PARTS..).zip(parts));
    }
    one
}

/// Lays the buckets of a metric over those that know of no more samples.
fn lay_over(
    parts: &mut [Vec<f64>; PARTS as usize],
    table: &Table,
    metric: MetricId,
    place: impl Fn(i64) -> Option<usize>,
) {
    let column = |part: u32| table.column(metric * PARTS + part).unwrap_or_default();
    let given = [column(0), column(1), column(2), column(3)];
    for (row, at) in table.timestamps.iter().enumerate() {
        let count = given[3].get(row).copied().unwrap_or(f64::NAN);
        let Some(place) = place(*at).filter(|_| !count.is_nan()) else {
            continue;
        };
        if parts[3].get(place).is_some_and(|known| *known > count) {
            continue;
        }
        for (part, given) in parts.iter_mut().zip(given) {
            if let (Some(cell), Some(value)) = (part.get_mut(place), given.get(row)) {
                *cell = *value;
            }
        }
    }
}

fn put(table: &mut Table, id: u32, row: usize, value: f64) {
    let place = match table.columns.binary_search_by_key(&id, |(id, _)| *id) {
        Ok(place) => place,
        Err(place) => {
            table.columns.insert(place, (id, Vec::new()));
            place
        }
    };
    if let Some((_, column)) = table.columns.get_mut(place) {
        column.resize(row, f64::NAN);
        column.push(value);
    }
}

fn pad(table: &mut Table) {
    let rows = table.timestamps.len();
    table.columns.iter_mut().for_each(|(_, column)| column.resize(rows, f64::NAN));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::block::{self, Block};
    use crate::codec::ints::Effort;
    use crate::sealed::HOUR_MS;

    #[test]
    fn buckets_hold_extremes_sums_and_counts_and_coarsen_to_the_same() {
        let times: Vec<i64> = (0..900).map(|n| n * 2000 + 5).collect();
        let values: Vec<f64> =
            (0..900).map(|n| if n % 7 == 0 { f64::NAN } else { f64::from(n * 31 % 97) }).collect();
        let table = Table { timestamps: times.clone(), seqs: times, columns: vec![(3, values.clone())] };
        let minutes = summarize(&table, 60_000);
        assert_eq!((minutes.timestamps.len(), minutes.timestamps[1]), (30, 60_005));
        assert_eq!(minutes.columns.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [12, 13, 14, 15]);
        let direct = summarize(&table, 600_000);
        let coarse = coarser(&minutes, 600_000);
        assert_eq!((direct.timestamps, direct.columns), (coarse.timestamps, coarse.columns.clone()));
        let total: f64 = values.iter().filter(|value| !value.is_nan()).sum();
        assert!((coarse.columns[2].1.iter().sum::<f64>() - total).abs() < 1e-9);
    }

    #[test]
    fn sums_are_kept_nearly_and_finite() {
        for sum in [0.1, -1.0 / 3.0, 1e300, 123_456_789.0, 5e-300] {
            assert!((kept(sum) - sum).abs() <= sum.abs() * 3e-8, "{sum}");
        }
        for whole in [0.0, -0.0, 33_554_431.0, -7.0] {
            assert_eq!(kept(whole).to_bits(), whole.to_bits());
        }
        for beyond in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN] {
            assert!(kept(beyond).is_finite() && kept(beyond).abs() > 1e308, "{beyond}");
        }
        let times = vec![0, 1000];
        let table = Table { timestamps: times.clone(), seqs: times, columns: vec![(0, vec![f64::MAX; 2])] };
        let minutes = block::encode(&summarize(&table, 60_000), Effort::Thorough);
        assert!(Block::open(&minutes).and_then(|block| block.table()).is_ok());
    }

    #[test]
    fn of_two_readings_of_a_bucket_the_one_that_knows_more_samples_counts() {
        let reading = |rows: &[(i64, u32, f64)]| {
            let mut day = Table::default();
            for (at, count, value) in rows {
                let times: Vec<i64> = (0..i64::from(*count)).map(|n| at + n).collect();
                let values = vec![*value; times.len()];
                append(
                    &mut day,
                    summarize(
                        &Table { seqs: times.clone(), timestamps: times, columns: vec![(1, values)] },
                        60_000,
                    ),
                );
            }
            day
        };
        let known = [reading(&[(5, 3, 1.0), (60_000, 2, 1.0), (120_000, 2, 1.0)])];
        let fresh = reading(&[(60_002, 2, 2.0), (120_000, 1, 2.0), (180_000, 1, 2.0)]);
        let one = united(&known, fresh, 60_000);
        assert_eq!(one.timestamps, [5, 60_000, 120_000, 180_000]);
        let column = |id| one.column(id).expect("there").to_vec();
        assert_eq!((column(4), column(7)), (vec![1.0, 2.0, 1.0, 2.0], vec![3.0, 2.0, 2.0, 1.0]));
        assert_eq!(column(6), [3.0, 4.0, 2.0, 2.0]);
    }

    #[test]
    fn a_series_that_comes_later_has_no_earlier_buckets() {
        let hour = |at: i64, ids: &[u32]| Table {
            timestamps: vec![at],
            seqs: vec![0],
            columns: ids.iter().map(|id| (*id, vec![1.0])).collect(),
        };
        let mut day = Table::default();
        append(&mut day, summarize(&hour(0, &[1]), 60_000));
        append(&mut day, summarize(&hour(HOUR_MS, &[1, 2]), 60_000));
        append(&mut day, summarize(&hour(2 * HOUR_MS, &[2]), 60_000));
        let present =
            |id: u32| day.column(id * 4).map(|values| values.iter().map(|v| !v.is_nan()).collect::<Vec<_>>());
        assert_eq!(present(1), Some(vec![true, true, false]));
        assert_eq!(present(2), Some(vec![false, true, true]));
    }
}
