//! The rows of one host as one blob: shared timestamps, a column per series, each readable without the others.
//!
//! ```text
//! version (1 byte), crc32 of all that follows (4, little-endian)
//! rows, columns, streams of denominators (varints)
//! timestamps, sequence numbers (sections of integers)
//! per stream: length; per column: id less the one before it, length (varints)
//! the streams, the columns
//! ```

use super::bytes::{Bytes, put_section, put_size, put_varint};
use super::floats::{self, Column};
use super::ints::{self, Effort};
use super::ratio::{self, Streams};
use super::{Damaged, derived};
use std::cell::OnceCell;

/// The version that is written. Version 1 knew no columns that follow from others and no more than six digits; what it
/// did know is the same.
const VERSION: u8 = 2;
/// The versions that are read.
const READABLE: std::ops::RangeInclusive<u8> = 1..=VERSION;
/// Rows of one block: a second's rows of an hour and a little; an hour with more has several blocks.
pub(crate) const MAX_ROWS: usize = 4096;
/// Columns of one block that are read: what version 1 wrote of a host with as many series as there may be.
const MAX_COLUMNS: usize = 1 << 15;
/// Cells of one block: 32 MB of doubles, so that a few bytes cannot ask for all memory.
const MAX_CELLS: usize = 1 << 22;

/// Rows of one host in memory, column by column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Milliseconds, ascending.
    pub(crate) timestamps: Vec<i64>,
    /// The row's place in the order of storing.
    pub(crate) seqs: Vec<i64>,
    /// By id, ascending: a value per row, NaN where absent.
    pub(crate) columns: Vec<(u32, Vec<f64>)>,
}

impl Table {
    /// The column of that id.
    pub(crate) fn column(&self, id: u32) -> Option<&[f64]> {
        let place = self.columns.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.columns.get(place).map(|(_, values)| values.as_slice())
    }

    /// How many cells have a value.
    pub(crate) fn cell_count(&self) -> usize {
        self.columns.iter().flat_map(|(_, values)| values).filter(|value| !value.is_nan()).count()
    }
}

/// The bytes of `table`, which has at most [`MAX_ROWS`] rows.
pub(crate) fn encode(table: &Table, effort: Effort) -> Vec<u8> {
    debug_assert!(table.timestamps.len() <= MAX_ROWS && table.columns.len() <= MAX_COLUMNS);
    debug_assert!(table.timestamps.len() * table.columns.len() <= MAX_CELLS);
    let mut streams = Streams::new(table.timestamps.len());
    let values_at = |place: usize| table.columns.get(place).map_or(&[][..], |(_, values)| values.as_slice());
    let columns: Vec<Column<'_>> = derived::find(&table.columns)
        .into_iter()
        .zip(&table.columns)
        .map(|(derivation, (_, values))| match derivation {
            Some(found) => Column::derived(values, found, values_at(found.a), values_at(found.b)),
            None => Column::new(values, &mut streams),
        })
        .collect();
    let streams = streams.finish();
    let mut out = vec![VERSION, 0, 0, 0, 0];
    put_size(&mut out, table.timestamps.len());
    put_size(&mut out, columns.len());
    put_size(&mut out, streams.len());
    for stream in [&table.timestamps, &table.seqs] {
        let mut section = Vec::new();
        ints::encode(stream, effort, &mut section);
        put_section(&mut out, &section);
    }
    let mut bodies = Vec::new();
    for stream in &streams {
        let start = bodies.len();
        let denominators: Vec<i64> = stream.iter().map(|denominator| i64::from(*denominator)).collect();
        ints::encode(&denominators, effort, &mut bodies);
        put_size(&mut out, bodies.len() - start);
    }
    let mut last_id = 0;
    for (column, (id, _)) in columns.iter().zip(&table.columns) {
        let start = bodies.len();
        column.write(&streams, effort, &mut bodies);
        put_varint(&mut out, u64::from(id - last_id));
        put_size(&mut out, bodies.len() - start);
        last_id = *id;
    }
    out.append(&mut bodies);
    let sum = crc32fast::hash(out.get(5..).unwrap_or_default());
    if let Some(place) = out.get_mut(1..5) {
        place.copy_from_slice(&sum.to_le_bytes());
    }
    out
}

/// A checked blob whose columns are not yet decoded.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    row_count: usize,
    timestamps: &'a [u8],
    seqs: &'a [u8],
    /// Bytes, and denominators once they were asked for.
    streams: Vec<(&'a [u8], OnceCell<Vec<i64>>)>,
    columns: Vec<(u32, &'a [u8])>,
}

impl<'a> Block<'a> {
    /// Checks the sum and finds the columns.
    pub(crate) fn open(data: &'a [u8]) -> Result<Self, Damaged> {
        let mut bytes = Bytes::new(data);
        if !READABLE.contains(&bytes.byte()?) {
            return Err(Damaged("a block of another version"));
        }
        if u32::from_le_bytes(bytes.array()?) != crc32fast::hash(bytes.rest()) {
            return Err(Damaged("a block's checksum is wrong"));
        }
        let row_count = bytes.size(MAX_ROWS)?;
        let column_count = bytes.size(MAX_COLUMNS.min(bytes.rest().len()))?;
        if row_count * column_count > MAX_CELLS {
            return Err(Damaged("more cells than a block may have"));
        }
        let stream_count = bytes.size(ratio::MAX_STREAMS)?;
        let (timestamps, seqs) = (bytes.section()?, bytes.section()?);
        let stream_lens: Vec<usize> =
            (0..stream_count).map(|_| bytes.size(data.len())).collect::<Result<_, _>>()?;
        let mut entries = Vec::with_capacity(column_count);
        let mut id = 0_u32;
        for index in 0..column_count {
            let step = u32::try_from(bytes.varint()?).map_err(|_| Damaged("no such column"))?;
            id = id
                .checked_add(step)
                .filter(|_| index == 0 || step > 0)
                .ok_or(Damaged("columns out of order"))?;
            entries.push((id, bytes.size(data.len())?));
        }
        let streams = stream_lens
            .into_iter()
            .map(|len| Ok((bytes.take(len)?, OnceCell::new())))
            .collect::<Result<_, _>>()?;
        let columns =
            entries.into_iter().map(|(id, len)| Ok((id, bytes.take(len)?))).collect::<Result<_, _>>()?;
        Ok(Self { row_count, timestamps, seqs, streams, columns })
    }

    /// Milliseconds, ascending.
    pub(crate) fn timestamps(&self) -> Result<Vec<i64>, Damaged> {
        ints::decode(self.timestamps, self.row_count)
    }

    /// Places in the order of storing.
    pub(crate) fn seqs(&self) -> Result<Vec<i64>, Damaged> {
        ints::decode(self.seqs, self.row_count)
    }

    /// The values of one column, NaN where absent; `None` where there is no such column.
    pub(crate) fn column(&self, id: u32) -> Result<Option<Vec<f64>>, Damaged> {
        match self
            .columns
            .binary_search_by_key(&id, |(id, _)| *id)
            .ok()
            .and_then(|place| self.columns.get(place))
        {
            Some((_, data)) => self.decode(data).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) const fn row_count(&self) -> usize {
        self.row_count
    }

    /// Some columns, of those that there are; no rows where there are none of them.
    pub(crate) fn table_of(&self, ids: &[u32]) -> Result<Table, Damaged> {
        let wanted = self.columns.iter().filter(|(id, _)| ids.binary_search(id).is_ok());
        let columns: Vec<_> =
            wanted.map(|(id, data)| Ok((*id, self.decode(data)?))).collect::<Result<_, _>>()?;
        if columns.is_empty() {
            return Ok(Table::default());
        }
        Ok(Table { timestamps: self.timestamps()?, seqs: self.seqs()?, columns })
    }

    /// The columns there are.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        self.columns.iter().map(|(id, _)| *id)
    }

    /// Everything.
    pub(crate) fn table(&self) -> Result<Table, Damaged> {
        let columns =
            self.columns.iter().map(|(id, data)| Ok((*id, self.decode(data)?))).collect::<Result<_, _>>()?;
        Ok(Table { timestamps: self.timestamps()?, seqs: self.seqs()?, columns })
    }

    fn decode(&self, data: &[u8]) -> Result<Vec<f64>, Damaged> {
        floats::decode(data, self.row_count, self)
    }
}

impl floats::Shared for Block<'_> {
    fn stream(&self, number: usize) -> Result<&[i64], Damaged> {
        let (data, decoded) = self.streams.get(number).ok_or(Damaged("no such stream"))?;
        if let Some(decoded) = decoded.get() {
            return Ok(decoded);
        }
        let fresh = ints::decode(data, self.row_count)?;
        Ok(decoded.get_or_init(|| fresh))
    }

    fn column(&self, place: usize) -> Result<Vec<f64>, Damaged> {
        let (_, data) = self.columns.get(place).ok_or(Damaged("no such column"))?;
        if floats::is_derived(data) {
            return Err(Damaged("a column follows from one that follows"));
        }
        self.decode(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(table: &Table) -> impl PartialEq + std::fmt::Debug + use<> {
        let column = |(id, values): &(u32, Vec<f64>)| {
            (*id, values.iter().map(|v| (!v.is_nan()).then(|| v.to_bits())).collect::<Vec<_>>())
        };
        (table.timestamps.clone(), table.seqs.clone(), table.columns.iter().map(column).collect::<Vec<_>>())
    }

    fn tables() -> impl Strategy<Value = Table> {
        let value = prop_oneof![
            Just(f64::NAN),
            (0u32..300, 1u32..300).prop_map(|(a, b)| 100.0 * f64::from(a) / f64::from(b)),
            any::<i16>().prop_map(f64::from),
            any::<f64>().prop_filter("finite", |v| v.is_finite()),
        ];
        (0usize..60, prop::collection::btree_set(any::<u32>(), 0..8)).prop_flat_map(move |(rows, ids)| {
            let columns = prop::collection::vec(prop::collection::vec(value.clone(), rows), ids.len());
            let order = prop::collection::vec((any::<i64>(), any::<i64>()), rows);
            (columns, order).prop_map(move |(columns, order)| Table {
                timestamps: order.iter().map(|(t, _)| *t).collect(),
                seqs: order.iter().map(|(_, s)| *s).collect(),
                columns: ids.iter().copied().zip(columns).collect(),
            })
        })
    }

    proptest! {
        #[test]
        fn every_table_survives_whole_and_by_column(table in tables()) {
            let data = encode(&table, Effort::Thorough);
            let block = Block::open(&data).expect("just encoded");
            prop_assert_eq!(bits(&block.table().expect("just encoded")), bits(&table));
            for (id, values) in &table.columns {
                let back = block.column(*id).expect("just encoded").expect("known");
                prop_assert!(back.iter().zip(values).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()));
            }
        }

        #[test]
        fn an_altered_bit_is_noticed(table in tables(), at: prop::sample::Index, bit in 0u8..8) {
            let mut data = encode(&table, Effort::Thorough);
            *at.get_mut(&mut data) ^= 1 << bit;
            prop_assert!(Block::open(&data).is_err());
        }

        #[test]
        fn no_bytes_panic_even_with_a_right_sum(table in tables(), at: prop::sample::Index, byte: u8, tail: Vec<u8>) {
            let mut data = encode(&table, Effort::Thorough);
            *at.get_mut(&mut data) = byte;
            data.extend(tail);
            data[0] = VERSION;
            let sum = crc32fast::hash(&data[5..]);
            data[1..5].copy_from_slice(&sum.to_le_bytes());
            if let Ok(table) = Block::open(&data).and_then(|block| block.table()) {
                prop_assert!(table.columns.iter().all(|(_, values)| values.len() == table.timestamps.len()));
            }
        }
    }

    #[test]
    fn no_such_column_is_no_damage() {
        let data = encode(
            &Table { timestamps: vec![5], seqs: vec![1], columns: vec![(7, vec![1.0])] },
            Effort::Quick,
        );
        let block = Block::open(&data).expect("just encoded");
        assert_eq!(block.column(8), Ok(None));
    }
}
