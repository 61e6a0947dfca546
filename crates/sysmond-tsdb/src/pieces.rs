//! What goes into one block: few enough rows and columns, and none that are empty. A host whose series come and go has
//! those that stay in blocks of their own, so that they are read as fast as anybody's.

use crate::codec::Damaged;
use crate::codec::block::{Block, MAX_ROWS, Table};
use crate::head::HeadRow;
use crate::names::{MetricId, is_same};
use std::collections::{BTreeMap, BTreeSet};
use sysmond_model::limits::MAX_COLUMNS_PER_BLOCK;

/// Cells of a block of an hour, or as many as [`LEAST_COLUMNS`] have: what is decoded of an hour at a time, so that an
/// agent does not need the memory of a whole one. Hours of sixty series each two seconds fit.
const CELLS_AT_ONCE: usize = 1 << 17;
/// Series whose values follow from each other mostly came one behind the other, and are to stay together.
const LEAST_COLUMNS: usize = 32;

/// Columns that go into one block each, by id, at most `most`; `counts` says how many of `rows` rows (or so) have a
/// value. Where one block is enough all are together, otherwise those that most rows have come first.
fn groups(counts: &BTreeMap<MetricId, usize>, rows: usize, most: usize) -> Vec<Vec<MetricId>> {
    let is_dense = |id: &MetricId| counts.get(id).is_some_and(|count| count * 2 >= rows);
    let (dense, sparse) = if counts.len() <= most {
        (counts.keys().copied().collect(), Vec::new())
    } else {
        counts.keys().copied().partition::<Vec<MetricId>, _>(is_dense)
    };
    [dense, sparse].iter().flat_map(|ids| ids.chunks(most)).map(<[_]>::to_vec).collect()
}

/// Rows of one hour, by time, as tables for a block each.
pub(crate) fn of_rows(rows: &[(i64, HeadRow)]) -> Vec<Table> {
    rows.chunks(MAX_ROWS).flat_map(of_some_rows).collect()
}

fn of_some_rows(rows: &[(i64, HeadRow)]) -> Vec<Table> {
    let layout = rows.first().map(|(_, row)| row.layout());
    let is_uniform = layout.is_some_and(|layout| rows.iter().all(|(_, row)| is_same(row.layout(), layout)));
    if let Some(layout) = layout.filter(|layout| is_uniform && layout.len() <= MAX_COLUMNS_PER_BLOCK) {
        return vec![table(rows, transpose(layout, rows))];
    }
    let mut counts: BTreeMap<MetricId, usize> = BTreeMap::new();
    for (metric, _) in rows.iter().flat_map(|(_, row)| row.cells()) {
        *counts.entry(metric).or_default() += 1;
    }
    let groups = groups(&counts, rows.len(), MAX_COLUMNS_PER_BLOCK);
    let is_whole = groups.len() == 1;
    let tables = groups.iter().map(|ids| table(rows, gather(ids, rows)));
    tables.map(|table| if is_whole { table } else { without_empty_rows(table) }).collect()
}

fn table(rows: &[(i64, HeadRow)], columns: Vec<(MetricId, Vec<f64>)>) -> Table {
    Table {
        timestamps: rows.iter().map(|(at, _)| *at).collect(),
        seqs: rows.iter().map(|(_, row)| row.seq()).collect(),
        columns,
    }
}

/// Columns that are filled at once: as many as a line of the processor's cache has values of a row.
const TILE: usize = 8;

/// The columns of rows that all have the same layout; those without a value are left out.
fn transpose(layout: &[MetricId], rows: &[(i64, HeadRow)]) -> Vec<(MetricId, Vec<f64>)> {
    let mut columns: Vec<(MetricId, Vec<f64>)> =
        layout.iter().map(|id| (*id, Vec::with_capacity(rows.len()))).collect();
    for (tile, start) in columns.chunks_mut(TILE).zip((0..).step_by(TILE)) {
        for (_, row) in rows {
            let values = row.values().get(start..).unwrap_or_default();
            for ((_, column), value) in tile.iter_mut().zip(values) {
                column.push(*value);
            }
        }
    }
    columns.retain(|(_, column)| column.iter().any(|value| !value.is_nan()));
    columns.sort_unstable_by_key(|(id, _)| *id);
    columns
}

/// Some columns of rows of any layouts.
fn gather(ids: &[MetricId], rows: &[(i64, HeadRow)]) -> Vec<(MetricId, Vec<f64>)> {
    let mut columns: Vec<(MetricId, Vec<f64>)> =
        ids.iter().map(|id| (*id, vec![f64::NAN; rows.len()])).collect();
    let mut start = 0;
    for alike in rows.chunk_by(|(_, a), (_, b)| is_same(a.layout(), b.layout())) {
        let layout = alike.first().map_or(&[][..], |(_, row)| row.layout());
        let places: Vec<(usize, usize)> = layout
            .iter()
            .enumerate()
            .filter_map(|(place, id)| Some((place, ids.binary_search(id).ok()?)))
            .collect();
        for (index, (_, row)) in (start..).zip(alike) {
            for (from, to) in &places {
                let cell = columns.get_mut(*to).and_then(|(_, column)| column.get_mut(index));
                if let (Some(cell), Some(value)) = (cell, row.values().get(*from)) {
                    *cell = *value;
                }
            }
        }
        start += alike.len();
    }
    columns
}

/// Hands the rows of some blocks of one hour to `each`, as tables for a block each, one at a time. A block that
/// cannot be read is left out; `damaged` is told its place.
pub(crate) fn of_blocks(
    blocks: &[(usize, Block<'_>)],
    mut damaged: impl FnMut(usize, Damaged),
    mut each: impl FnMut(&Table),
) {
    let mut counts: BTreeMap<MetricId, usize> = BTreeMap::new();
    for (_, block) in blocks {
        for id in block.ids() {
            *counts.entry(id).or_default() += block.row_count();
        }
    }
    // Several blocks may have columns of the same rows.
    let rows = counts.values().copied().max().unwrap_or(0);
    let most = (CELLS_AT_ONCE / rows.max(1)).clamp(LEAST_COLUMNS, MAX_COLUMNS_PER_BLOCK);
    let groups = groups(&counts, rows, most);
    let is_whole = groups.len() == 1;
    for ids in groups {
        let mut left_out = BTreeSet::new();
        let merged = loop {
            let readable: Vec<_> = blocks.iter().filter(|(place, _)| !left_out.contains(place)).collect();
            match merge_blocks(&readable, &ids) {
                Ok(merged) => break merged,
                Err((place, reason)) => {
                    damaged(place, reason);
                    left_out.insert(place);
                }
            }
        };
        split(if is_whole { merged } else { without_empty_rows(merged) }).iter().for_each(&mut each);
    }
}

/// Some columns of all rows of blocks that have any of them. A column at a time is decoded, so that beside what comes
/// out there is never a second copy of it. Fails with the place of a block that cannot be read.
fn merge_blocks(blocks: &[&(usize, Block<'_>)], ids: &[MetricId]) -> Result<Table, (usize, Damaged)> {
    let has_any = |block: &Block<'_>| block.ids().any(|id| ids.binary_search(&id).is_ok());
    let blocks: Vec<_> = blocks.iter().filter(|(_, block)| has_any(block)).collect();
    let mut rows = Vec::with_capacity(blocks.len());
    for (place, block) in &blocks {
        let times = block.timestamps().and_then(|times| Ok((times, block.seqs()?)));
        rows.push(times.map_err(|reason| (*place, reason))?);
    }
    let order = Order::new(rows.iter().map(|(times, seqs)| (times.as_slice(), seqs.as_slice())));
    drop(rows);
    let mut columns = Vec::with_capacity(ids.len());
    for id in ids {
        let column =
            |(place, block): &&&(usize, Block<'_>)| block.column(*id).map_err(|reason| (*place, reason));
        let sources = blocks.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        if sources.iter().any(Option::is_some) {
            columns.push((*id, order.lay(&sources)));
        }
    }
    Ok(Table { timestamps: order.timestamps, seqs: order.seqs, columns })
}

/// The rows of several sources by time; of those of one time the one stored last comes last.
struct Order {
    /// Source and row, with the place that each has among all rows.
    rows: Vec<(usize, usize, usize)>,
    timestamps: Vec<i64>,
    seqs: Vec<i64>,
}

impl Order {
    /// Of the times of each source and its places in the order of storing.
    fn new<'t>(sources: impl Iterator<Item = (&'t [i64], &'t [i64])>) -> Self {
        let mut sorted: Vec<(i64, i64, usize, usize)> = Vec::new();
        for (source, (times, seqs)) in sources.enumerate() {
            let rows = times.iter().zip(seqs).enumerate();
            sorted.extend(rows.map(|(row, (at, seq))| (*at, *seq, source, row)));
        }
        sorted.sort_unstable();
        let mut order =
            Self { rows: Vec::with_capacity(sorted.len()), timestamps: Vec::new(), seqs: Vec::new() };
        for (at, seq, source, row) in sorted {
            if order.timestamps.last() == Some(&at) {
                order.seqs.pop();
            } else {
                order.timestamps.push(at);
            }
            order.seqs.push(seq);
            order.rows.push((source, row, order.timestamps.len() - 1));
        }
        order
    }

    /// A column, of what each source has of it.
    fn lay(&self, sources: &[Option<impl AsRef<[f64]>>]) -> Vec<f64> {
        let mut values = vec![f64::NAN; self.timestamps.len()];
        for (source, row, place) in &self.rows {
            let value = sources.get(*source).and_then(Option::as_ref).and_then(|own| own.as_ref().get(*row));
            if let (Some(value), Some(cell)) = (value.filter(|value| !value.is_nan()), values.get_mut(*place))
            {
                *cell = *value;
            }
        }
        values
    }
}

/// All rows of `tables` by time; of the values of a cell the one stored last counts.
pub(crate) fn merge(tables: &[Table]) -> Table {
    let order = Order::new(tables.iter().map(|table| (table.timestamps.as_slice(), table.seqs.as_slice())));
    let ids: BTreeSet<MetricId> = tables.iter().flat_map(|table| &table.columns).map(|(id, _)| *id).collect();
    let column = |id| {
        let sources: Vec<Option<&[f64]>> = tables.iter().map(|table| table.column(id)).collect();
        (id, order.lay(&sources))
    };
    let columns = ids.into_iter().map(column).collect();
    Table { timestamps: order.timestamps, seqs: order.seqs, columns }
}

/// Pieces of at most [`MAX_ROWS`] rows, each without columns that are empty in it.
fn split(mut table: Table) -> Vec<Table> {
    if table.timestamps.is_empty() {
        return Vec::new();
    }
    if table.timestamps.len() <= MAX_ROWS {
        table.columns.retain(|(_, values)| values.iter().any(|value| !value.is_nan()));
        return vec![table];
    }
    let piece = |(index, timestamps): (usize, &[i64])| {
        let rows = index * MAX_ROWS..index * MAX_ROWS + timestamps.len();
        let cut = |(id, values): &(MetricId, Vec<f64>)| Some((*id, values.get(rows.clone())?.to_vec()));
        let has_values = |(_, values): &(MetricId, Vec<f64>)| values.iter().any(|value| !value.is_nan());
        Table {
            timestamps: timestamps.to_vec(),
            seqs: table.seqs.get(rows.clone()).unwrap_or_default().to_vec(),
            columns: table.columns.iter().filter_map(cut).filter(has_values).collect(),
        }
    };
    table.timestamps.chunks(MAX_ROWS).enumerate().map(piece).collect()
}

/// The rows in which any column has a value; the others stand in another block of the same rows.
fn without_empty_rows(table: Table) -> Table {
    let mut kept = vec![false; table.timestamps.len()];
    for (_, values) in &table.columns {
        for (kept, value) in kept.iter_mut().zip(values) {
            *kept |= !value.is_nan();
        }
    }
    if kept.iter().all(|kept| *kept) {
        return table;
    }
    Table {
        timestamps: cut(&table.timestamps, &kept),
        seqs: cut(&table.seqs, &kept),
        columns: table.columns.iter().map(|(id, values)| (*id, cut(values, &kept))).collect(),
    }
}

fn cut<T: Copy>(values: &[T], kept: &[bool]) -> Vec<T> {
    values.iter().zip(kept).filter(|(_, kept)| **kept).map(|(value, _)| *value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::block::encode;
    use crate::codec::ints::Effort;
    use crate::names::Layout;
    use proptest::prelude::*;

    #[test]
    fn the_last_stored_cell_counts_whatever_the_order_of_tables() {
        let old = Table {
            timestamps: vec![1, 2],
            seqs: vec![1, 2],
            columns: vec![(1, vec![10.0, 20.0]), (2, vec![11.0, 21.0])],
        };
        let late = Table {
            timestamps: vec![0, 2],
            seqs: vec![3, 4],
            columns: vec![(1, vec![5.0, 25.0]), (3, vec![f64::NAN, 26.0])],
        };
        for tables in [[old.clone(), late.clone()], [late, old]] {
            let merged = merge(&tables);
            assert_eq!(
                (merged.timestamps.as_slice(), merged.seqs.as_slice()),
                (&[0, 1, 2][..], &[3, 1, 4][..])
            );
            assert_eq!(merged.column(1), Some(&[5.0, 10.0, 25.0][..]));
            assert_eq!(merged.column(2).map(|values| values[2]), Some(21.0));
            assert_eq!(merged.cell_count(), 6);
        }
    }

    #[test]
    fn pieces_are_small_and_without_empty_columns() {
        let rows = MAX_ROWS + 1;
        let mut sparse = vec![f64::NAN; rows];
        sparse[0] = 1.0;
        let times: Vec<i64> = (0..).take(rows).collect();
        let table = Table {
            timestamps: times.clone(),
            seqs: times,
            columns: vec![(1, vec![1.0; rows]), (2, sparse)],
        };
        let pieces = split(table);
        assert_eq!(
            pieces.iter().map(|piece| (piece.timestamps.len(), piece.columns.len())).collect::<Vec<_>>(),
            [(MAX_ROWS, 2), (1, 1)]
        );
    }

    fn row(at: i64, layout: &Layout, value: f64) -> (i64, HeadRow) {
        (at, HeadRow::single(at, at + 1, layout.clone(), vec![value; layout.len()]))
    }

    /// A thousand series of which each row has other ones, beside twenty that stay.
    fn churn() -> Vec<(i64, HeadRow)> {
        let layout = |at: u32| (0..20).chain(100 + at * 10..110 + at * 10).collect::<Layout>();
        (0..100_u32).map(|at| row(at.into(), &layout(at), f64::from(at))).collect()
    }

    #[test]
    fn what_stays_is_apart_from_what_comes_and_goes() {
        let tables = of_rows(&churn());
        let sizes = |table: &Table| (table.timestamps.len(), table.columns.len());
        assert_eq!(tables.iter().map(sizes).collect::<Vec<_>>(), [(100, 20), (52, 512), (49, 488)]);
        assert_eq!(tables.iter().map(Table::cell_count).sum::<usize>(), 3000);
    }

    #[test]
    fn blocks_of_what_comes_and_goes_are_as_small_once_they_are_merged() {
        let rows = churn();
        let blobs: Vec<Vec<u8>> =
            rows.chunks(10).flat_map(of_rows).map(|table| encode(&table, Effort::Quick)).collect();
        let blocks: Vec<_> = blobs.iter().map(|blob| Block::open(blob).expect("sound")).enumerate().collect();
        let mut tables = Vec::new();
        of_blocks(&blocks, |_, damage| panic!("{damage}"), |table| tables.push(table.clone()));
        assert_eq!(tables.iter().map(Table::cell_count).sum::<usize>(), 3000);
        assert!(tables.iter().all(|table| table.columns.len() <= MAX_COLUMNS_PER_BLOCK));
        assert_eq!(tables[0].timestamps.len(), 100);
    }

    #[test]
    fn of_an_hour_of_a_wide_host_some_columns_are_taken_at_a_time() {
        let layout: Layout = (0..300).collect();
        let rows: Vec<_> = (0..3600).map(|at| row(at, &layout, at as f64)).collect();
        let blobs: Vec<Vec<u8>> =
            rows.chunks(600).flat_map(of_rows).map(|table| encode(&table, Effort::Quick)).collect();
        let blocks: Vec<_> = blobs.iter().map(|blob| Block::open(blob).expect("sound")).enumerate().collect();
        let mut ids = Vec::new();
        of_blocks(
            &blocks,
            |_, damage| panic!("{damage}"),
            |table| {
                assert!(table.columns.len() * table.timestamps.len() <= CELLS_AT_ONCE);
                assert_eq!(table.cell_count(), table.columns.len() * 3600);
                ids.extend(table.columns.iter().map(|(id, _)| *id));
            },
        );
        assert_eq!(ids, layout.to_vec());
    }

    #[test]
    fn a_block_that_cannot_be_read_is_left_out_and_told_of() {
        let layout: Layout = (0..4).collect();
        let encoded = |from: i64| {
            let rows: Vec<_> = (from..from + 9).map(|at| row(at, &layout, (at as f64).sqrt())).collect();
            encode(&of_rows(&rows)[0], Effort::Quick)
        };
        let (sound, mut broken) = (encoded(0), encoded(9));
        // Its directory is sound: what is wrong is seen once a column is read.
        *broken.last_mut().expect("bytes") ^= 1;
        let blocks = [&sound, &broken].map(|blob| Block::open(blob).expect("a directory"));
        let blocks: Vec<_> = blocks.into_iter().enumerate().collect();
        let (mut told, mut times) = (Vec::new(), Vec::new());
        of_blocks(&blocks, |place, _| told.push(place), |table| times.extend_from_slice(&table.timestamps));
        assert_eq!((told, times), (vec![1], (0..9).collect()));
    }

    proptest! {
        #[test]
        fn every_cell_is_in_one_piece(
            layouts in prop::collection::vec(prop::collection::btree_set(0u32..2000, 1..700), 1..4),
            picks in prop::collection::vec(0usize..4, 1..20),
        ) {
            let layouts: Vec<Layout> = layouts.into_iter().map(|ids| ids.into_iter().collect()).collect();
            let rows: Vec<_> =
                (0..).zip(&picks).map(|(at, pick)| row(at, &layouts[pick % layouts.len()], at as f64)).collect();
            let mut found = BTreeSet::new();
            for table in of_rows(&rows) {
                prop_assert!(table.columns.len() <= MAX_COLUMNS_PER_BLOCK);
                for (id, values) in &table.columns {
                    for ((at, seq), value) in table.timestamps.iter().zip(&table.seqs).zip(values) {
                        prop_assert!(value.is_nan() || (value.to_bits() == (*at as f64).to_bits() && *seq == at + 1));
                        prop_assert!(value.is_nan() || found.insert((*at, *id)));
                    }
                }
            }
            prop_assert_eq!(found.len(), rows.iter().map(|(_, row)| row.layout().len()).sum::<usize>());
        }
    }
}
