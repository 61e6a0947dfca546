//! The rows of one host as one blob: shared timestamps, a column per series, each readable without the others.
//!
//! ```text
//! version (1 byte), crc32 of the version and the directory (4, little-endian), length of the directory (varint)
//! directory: rows, columns, streams of denominators (varints)
//!            timestamps, sequence numbers (sections of integers)
//!            per stream: length; per column: id less the one before it, length (varints)
//!            crc32 of each run of streams and columns
//! the streams, the columns
//! ```

use super::body::{Body, Origin, SUM_BYTES, Stored, put_sums};
use super::bytes::{Bytes, put_section, put_size, put_varint};
use super::floats::{self, Column};
use super::ints::{self, Effort};
use super::ratio::{self, Streams};
use super::{Damaged, derived};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

/// The version that is written. Version 1 knew no columns that follow from others and no more than six digits; before
/// version 3 there was one checksum of everything behind it, and no length of the directory. What they did know is the
/// same.
const VERSION: u8 = 3;
/// The versions that are read.
const READABLE: std::ops::RangeInclusive<u8> = 1..=VERSION;
/// The last version with one checksum.
const ONE_SUM: u8 = 2;
/// Bytes before the directory's length.
const HEAD_BYTES: usize = 5;
/// Bytes that are read of a stored block before it is known how long its directory is: that of most is shorter.
const FIRST_BYTES: usize = 2048;
/// Rows of one block: a second's rows of an hour and a little; an hour with more has several blocks.
pub(crate) const MAX_ROWS: usize = 4096;
/// Columns of one block that are read: what version 1 wrote of a host with as many series as there may be.
const MAX_COLUMNS: usize = 1 << 15;
/// Cells of one block: 32 MB of doubles, so that a few bytes cannot ask for all memory. What columns share is no more.
const MAX_CELLS: usize = 1 << 22;

/// Rows of one host in memory, column by column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Milliseconds, each greater than the one before it.
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
        let present = |values: &Vec<f64>| values.iter().filter(|value| !value.is_nan()).count();
        self.columns.iter().map(|(_, values)| present(values)).sum()
    }
}

/// The bytes of `table`, which has at most [`MAX_ROWS`] rows.
pub(crate) fn encode(table: &Table, effort: Effort) -> Vec<u8> {
    debug_assert!(table.timestamps.len() <= MAX_ROWS && table.columns.len() <= MAX_COLUMNS);
    debug_assert!(table.timestamps.len() * table.columns.len() <= MAX_CELLS);
    debug_assert!(table.timestamps.is_sorted_by(|a, b| a < b));
    let mut streams = Streams::new(table.timestamps.len());
    let columns = columns(table, &mut streams, effort);
    let streams = streams.finish();
    let mut directory = Vec::new();
    put_size(&mut directory, table.timestamps.len());
    put_size(&mut directory, columns.len());
    put_size(&mut directory, streams.len());
    for stream in [&table.timestamps, &table.seqs] {
        let mut section = Vec::new();
        ints::encode(stream, effort, &mut section);
        put_section(&mut directory, &section);
    }
    let (mut body, mut lengths) = (Vec::new(), Vec::with_capacity(streams.len() + columns.len()));
    for stream in &streams {
        let start = body.len();
        let denominators: Vec<i64> = stream.iter().map(|denominator| i64::from(*denominator)).collect();
        ints::encode(&denominators, effort, &mut body);
        put_size(&mut directory, body.len() - start);
        lengths.push(body.len() - start);
    }
    let mut last_id = 0;
    for (column, (id, _)) in columns.iter().zip(&table.columns) {
        let start = body.len();
        match column {
            Looked::Written(bytes) => body.extend_from_slice(bytes),
            Looked::Waiting(column) => column.write(&streams, effort, &mut body),
        }
        put_varint(&mut directory, u64::from(id - last_id));
        put_size(&mut directory, body.len() - start);
        lengths.push(body.len() - start);
        last_id = *id;
    }
    put_sums(&body, &lengths, &mut directory);
    join(&directory, &body)
}

/// A column that was looked at.
enum Looked<'t> {
    /// As it will stand in the block: what most of them are, and far smaller than the whole numbers they were made of.
    Written(Vec<u8>),
    /// Until the denominators of all columns are known.
    Waiting(Column<'t>),
}

impl<'t> Looked<'t> {
    fn new(column: Column<'t>, effort: Effort) -> Self {
        if column.waits_for_streams() {
            return Self::Waiting(column);
        }
        let mut bytes = Vec::new();
        column.write(&[], effort, &mut bytes);
        Self::Written(bytes)
    }
}

/// How each column is written.
fn columns<'t>(table: &'t Table, streams: &mut Streams, effort: Effort) -> Vec<Looked<'t>> {
    let values_at = |place: usize| table.columns.get(place).map_or(&[][..], |(_, values)| values.as_slice());
    let mut looked = Vec::with_capacity(table.columns.len());
    for (derivation, (_, values)) in derived::find(&table.columns).into_iter().zip(&table.columns) {
        let column = match derivation {
            Some(found) => Column::derived(values, found, values_at(found.a), values_at(found.b)),
            None => Column::new(values, streams),
        };
        looked.push(Looked::new(column, effort));
    }
    looked
}

fn join(directory: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD_BYTES + SUM_BYTES + directory.len() + body.len());
    out.extend([VERSION, 0, 0, 0, 0]);
    put_section(&mut out, directory);
    let sum = sum(VERSION, out.get(HEAD_BYTES..).unwrap_or_default());
    if let Some(place) = out.get_mut(1..HEAD_BYTES) {
        place.copy_from_slice(&sum.to_le_bytes());
    }
    out.extend_from_slice(body);
    out
}

/// The checksum of a directory with its length; the version is in it, since the others have a checksum of other bytes.
fn sum(version: u8, directory: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[version]);
    hasher.update(directory);
    hasher.finalize()
}

/// A blob whose directory is read and checked, and whose columns are not.
pub(crate) struct Block<'a> {
    row_count: usize,
    /// What lies before the body, with the places of two sections in it.
    head: Cow<'a, [u8]>,
    timestamps: Range<usize>,
    seqs: Range<usize>,
    /// Denominators once they were asked for.
    streams: Vec<OnceCell<Vec<i64>>>,
    ids: Vec<u32>,
    /// The streams, then the columns.
    body: Body<'a>,
}

/// What a directory says.
struct Directory {
    row_count: usize,
    /// Where the sections lie, counted from the directory's beginning.
    timestamps: Range<usize>,
    seqs: Range<usize>,
    stream_count: usize,
    ids: Vec<u32>,
    /// Of the streams, then of the columns.
    lengths: Vec<usize>,
    /// What was read of it.
    end: usize,
}

impl Directory {
    /// Reads what comes before the checksums of runs; no piece is longer than `most`.
    fn read(directory: &[u8], most: usize) -> Result<Self, Damaged> {
        let mut bytes = Bytes::new(directory);
        let row_count = bytes.size(MAX_ROWS)?;
        let column_count = bytes.size(MAX_COLUMNS.min(bytes.rest().len()))?;
        if row_count * column_count > MAX_CELLS {
            return Err(Damaged("more cells than a block may have"));
        }
        let stream_count = bytes.size(ratio::MAX_STREAMS.min(column_count))?;
        let place = |bytes: &Bytes<'_>| directory.len() - bytes.rest().len();
        let mut section = || {
            let length = bytes.section()?.len();
            let end = place(&bytes);
            Ok(end - length..end)
        };
        let (timestamps, seqs) = (section()?, section()?);
        let mut lengths = Vec::with_capacity(stream_count + column_count);
        for _ in 0..stream_count {
            lengths.push(bytes.size(most)?);
        }
        let mut ids = Vec::with_capacity(column_count);
        let mut id = 0_u32;
        for index in 0..column_count {
            let step = u32::try_from(bytes.varint()?).map_err(|_| Damaged("no such column"))?;
            id = id
                .checked_add(step)
                .filter(|_| index == 0 || step > 0)
                .ok_or(Damaged("columns out of order"))?;
            ids.push(id);
            lengths.push(bytes.size(most)?);
        }
        Ok(Self { row_count, timestamps, seqs, stream_count, ids, lengths, end: place(&bytes) })
    }
}

impl<'a> Block<'a> {
    /// Of bytes in memory.
    pub(crate) fn open(data: &'a [u8]) -> Result<Self, Damaged> {
        Self::of(Origin::Memory(data), false)
    }

    /// Of bytes that are read when they are asked for.
    pub(crate) fn open_stored(stored: &'a dyn Stored) -> Result<Self, Damaged> {
        Self::of(Origin::Stored(stored), false)
    }

    /// Of bytes in memory whose checksums may be wrong: where a fuzzer looks for what they hide.
    pub(crate) fn open_trusted(data: &'a [u8]) -> Result<Self, Damaged> {
        Self::of(Origin::Memory(data), true)
    }

    fn of(origin: Origin<'a>, is_trusted: bool) -> Result<Self, Damaged> {
        let first = origin.read(0..origin.len().min(FIRST_BYTES))?;
        let mut bytes = Bytes::new(&first);
        let version = bytes.byte()?;
        let given = u32::from_le_bytes(bytes.array()?);
        let is_sum = |sum: u32| is_trusted || sum == given;
        if !READABLE.contains(&version) {
            return Err(Damaged("a block of another version"));
        }
        if version <= ONE_SUM {
            let data = origin.read(0..origin.len())?;
            if !is_sum(crc32fast::hash(data.get(HEAD_BYTES..).unwrap_or_default())) {
                return Err(Damaged("a block's checksum is wrong"));
            }
            return Self::with_one_sum(data);
        }
        let length = bytes.size(origin.len())?;
        let start = first.len() - bytes.rest().len();
        let end = start + length;
        let head = if end <= first.len() { first } else { origin.read(0..end)? };
        let read = head.get(HEAD_BYTES..end).ok_or(Damaged("too short"))?;
        if !is_sum(sum(version, read)) {
            return Err(Damaged("a directory's checksum is wrong"));
        }
        let directory = head.get(start..end).ok_or(Damaged("too short"))?;
        let read = Directory::read(directory, origin.len())?;
        let sums = Bytes::new(directory.get(read.end..).unwrap_or_default());
        let body = Body::in_runs(origin, end, &read.lengths, sums, is_trusted)?;
        Ok(Self::new(head, start, read, body))
    }

    /// Of a version that has one checksum of everything, which was compared.
    fn with_one_sum(data: Cow<'a, [u8]>) -> Result<Self, Damaged> {
        let read = Directory::read(data.get(HEAD_BYTES..).ok_or(Damaged("too short"))?, data.len())?;
        let start = HEAD_BYTES + read.end;
        let head = match &data {
            Cow::Borrowed(data) => Cow::Borrowed(data.get(..start).unwrap_or_default()),
            Cow::Owned(data) => Cow::Owned(data.get(..start).unwrap_or_default().to_vec()),
        };
        let body = Body::checked(data, start, &read.lengths)?;
        Ok(Self::new(head, HEAD_BYTES, read, body))
    }

    /// `start` is where the directory begins in `head`.
    fn new(head: Cow<'a, [u8]>, start: usize, directory: Directory, body: Body<'a>) -> Self {
        let shifted = |range: Range<usize>| start + range.start..start + range.end;
        Self {
            row_count: directory.row_count,
            head,
            timestamps: shifted(directory.timestamps),
            seqs: shifted(directory.seqs),
            streams: (0..directory.stream_count).map(|_| OnceCell::new()).collect(),
            ids: directory.ids,
            body,
        }
    }

    /// Compares the checksums of all columns; that of the directory was compared already.
    pub(crate) fn check(&self) -> Result<(), Damaged> {
        self.body.check()
    }

    /// Milliseconds, each greater than the one before it.
    pub(crate) fn timestamps(&self) -> Result<Vec<i64>, Damaged> {
        let times = self.section(&self.timestamps)?;
        // What looks for a time halves, and what comes behind each other is taken by first and last.
        if times.is_sorted_by(|a, b| a < b) { Ok(times) } else { Err(Damaged("times out of order")) }
    }

    /// Places in the order of storing.
    pub(crate) fn seqs(&self) -> Result<Vec<i64>, Damaged> {
        self.section(&self.seqs)
    }

    fn section(&self, range: &Range<usize>) -> Result<Vec<i64>, Damaged> {
        ints::decode(self.head.get(range.clone()).unwrap_or_default(), self.row_count)
    }

    /// The values of one column, NaN where absent; `None` where there is no such column.
    pub(crate) fn column(&self, id: u32) -> Result<Option<Vec<f64>>, Damaged> {
        self.ids.binary_search(&id).ok().map(|place| self.decode(place)).transpose()
    }

    pub(crate) const fn row_count(&self) -> usize {
        self.row_count
    }

    /// Some columns, of those that there are; no rows where there are none of them.
    pub(crate) fn table_of(&self, ids: &[u32]) -> Result<Table, Damaged> {
        let wanted = |(_, id): &(usize, u32)| ids.binary_search(id).is_ok();
        let columns: Vec<_> =
            self.columns().filter(wanted).map(|column| self.named(column)).collect::<Result<_, _>>()?;
        if columns.is_empty() {
            return Ok(Table::default());
        }
        Ok(Table { timestamps: self.timestamps()?, seqs: self.seqs()?, columns })
    }

    /// The columns there are.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        self.ids.iter().copied()
    }

    /// Everything.
    pub(crate) fn table(&self) -> Result<Table, Damaged> {
        let columns = self.columns().map(|column| self.named(column)).collect::<Result<_, _>>()?;
        Ok(Table { timestamps: self.timestamps()?, seqs: self.seqs()?, columns })
    }

    /// Place and id of each column.
    fn columns(&self) -> impl Iterator<Item = (usize, u32)> {
        self.ids().enumerate()
    }

    fn named(&self, (place, id): (usize, u32)) -> Result<(u32, Vec<f64>), Damaged> {
        Ok((id, self.decode(place)?))
    }

    fn decode(&self, place: usize) -> Result<Vec<f64>, Damaged> {
        floats::decode(self.bytes_of(place)?, self.row_count, self)
    }

    fn bytes_of(&self, place: usize) -> Result<&[u8], Damaged> {
        // Hostile places are as large as a number can be.
        self.body.piece(self.streams.len().saturating_add(place))
    }
}

impl floats::Shared for Block<'_> {
    fn stream(&self, number: usize) -> Result<&[i64], Damaged> {
        let decoded = self.streams.get(number).ok_or(Damaged("no such stream"))?;
        if let Some(decoded) = decoded.get() {
            return Ok(decoded);
        }
        let fresh = ints::decode(self.body.piece(number)?, self.row_count)?;
        Ok(decoded.get_or_init(|| fresh))
    }

    fn column(&self, place: usize) -> Result<Vec<f64>, Damaged> {
        if floats::is_derived(self.bytes_of(place)?) {
            return Err(Damaged("a column follows from one that follows"));
        }
        self.decode(place)
    }
}

/// The bytes of `table` as an earlier version wrote them, where its columns need nothing newer.
#[cfg(test)]
pub(crate) fn encode_as(version: u8, table: &Table, effort: Effort) -> Vec<u8> {
    let data = encode(table, effort);
    let mut bytes = Bytes::new(&data[HEAD_BYTES..]);
    let directory = bytes.section().expect("just encoded");
    let end = Directory::read(directory, data.len()).expect("just encoded").end;
    let rest = [&directory[..end], bytes.rest()].concat();
    [&[version][..], &crc32fast::hash(&rest).to_le_bytes(), &rest].concat()
}

#[cfg(test)]
#[path = "block_tests.rs"]
mod tests;
