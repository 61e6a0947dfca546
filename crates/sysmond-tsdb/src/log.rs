//! One group commit as bytes: what each host delivered, until it is in a block.
//!
//! ```text
//! version (1 byte), crc32 of all that follows (4, little-endian), then
//!   version 1: records
//!   version 2: size of the records in bytes (varint), the records compressed by zstd
//! record: host (varint), received (signed varint, milliseconds), runs, 0
//! run: layout + 1 (varint), rows (varint), first sequence number (varint), times (signed varints, each less the one
//!      before), a nibble per cell (row by row), the bytes that the nibbles ask for
//! ```

use crate::codec::Damaged;
use crate::codec::bytes::{Bytes, put_signed, put_size, put_varint, unzigzag, zigzag};
use crate::names::{Layout, LayoutId};
use sysmond_model::Timestamp;

/// The version of a group as it is.
const PLAIN: u8 = 1;
/// The version of one that zstd made smaller.
const PACKED: u8 = 2;
/// Bytes from which on a group is worth packing.
const PACK_FROM: usize = 256;
/// Bytes of the largest group that is packed; a reader makes room for no more.
const MAX_PACKED_BYTES: usize = 32 * 1024 * 1024;
/// zstd's quickest common level: with it a third less is written to the device.
const PACK_LEVEL: i32 = 1;
/// Rows of one run: what a push may hold.
const MAX_ROWS: usize = sysmond_model::limits::MAX_SAMPLES_PER_PUSH;
/// Cells of one run: more than a push may have; what is delivered otherwise has several.
pub(crate) const MAX_CELLS: usize = 1 << 21;
/// Cells of a whole group: 128 MB of doubles, so that a few bytes cannot ask for all memory. A group has some 300 000
/// and one delivery.
pub(crate) const MAX_GROUP_CELLS: usize = 1 << 24;
/// No row's place in the order of storing is beyond it: room for a million rows a second for ever.
pub(crate) const MAX_SEQ: i64 = 1 << 62;
/// Whole numbers below it are exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Bytes of version and checksum.
const HEAD: usize = 5;
/// What a cell's nibble says: the same bits as the row before; 1 to 7 are the bytes of a whole difference to it.
const SAME: u8 = 0;
const RAW: u8 = 8;
const ABSENT: u8 = 9;

/// What one host delivered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    pub(crate) host_id: i64,
    pub(crate) received: Timestamp,
    pub(crate) runs: Vec<Run>,
}

/// Rows of one layout, with consecutive sequence numbers: one behind the other, so that a delivery is one piece of
/// memory. A head's rows lie in the runs that brought them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) layout_id: LayoutId,
    pub(crate) layout: Layout,
    pub(crate) first_seq: i64,
    /// Milliseconds.
    pub(crate) times: Vec<i64>,
    /// The rows' cells, row by row, NaN where absent.
    values: Vec<f64>,
}

impl Run {
    /// A run without rows, with room for some.
    pub(crate) fn with_room(layout_id: LayoutId, layout: Layout, first_seq: i64, rows: usize) -> Self {
        let values = Vec::with_capacity(rows * layout.len());
        Self { layout_id, layout, first_seq, times: Vec::with_capacity(rows), values }
    }

    /// A run of these rows: times and cells.
    pub(crate) fn of_rows<V: IntoIterator<Item = f64>>(
        layout_id: LayoutId,
        layout: Layout,
        first_seq: i64,
        rows: impl ExactSizeIterator<Item = (i64, V)>,
    ) -> Self {
        let mut run = Self::with_room(layout_id, layout, first_seq, rows.len());
        rows.for_each(|(at, values)| run.push(at, values));
        run
    }

    /// Adds a row: a value for each column of the layout.
    pub(crate) fn push(&mut self, at: i64, values: impl IntoIterator<Item = f64>) {
        self.times.push(at);
        self.values.extend(values);
        debug_assert!(
            self.values.len() == self.times.len() * self.layout.len(),
            "a row has a value per column"
        );
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// Gives back the room that was not used.
    pub(crate) fn shrink(&mut self) {
        self.times.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    /// The cells of a row.
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        let width = self.layout.len();
        self.values.get(row * width..(row + 1) * width).unwrap_or_default()
    }

    /// All rows' cells.
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = &[f64]> {
        (0..self.len()).map(|row| self.row(row))
    }
}

/// A group in the making.
#[derive(Debug)]
pub(crate) struct Group {
    data: Vec<u8>,
    /// The bytes that a run's nibbles ask for.
    payload: Vec<u8>,
}

impl Default for Group {
    fn default() -> Self {
        Self { data: vec![PLAIN, 0, 0, 0, 0], payload: Vec::new() }
    }
}

impl Group {
    /// Adds what one host delivered.
    pub(crate) fn push(&mut self, host_id: i64, received: Timestamp, runs: &[Run]) {
        let Self { data: out, payload } = self;
        put_varint(out, host_id.cast_unsigned());
        put_signed(out, received.as_millis());
        for run in runs.iter().filter(|run| run.len() > 0) {
            put_varint(out, u64::from(run.layout_id) + 1);
            put_size(out, run.len());
            put_varint(out, run.first_seq.cast_unsigned());
            let mut last = 0;
            for at in &run.times {
                put_signed(out, at.wrapping_sub(last));
                last = *at;
            }
            put_cells(run, out, payload);
        }
        put_varint(out, 0);
    }

    /// The finished bytes, packed where that makes them fewer.
    pub(crate) fn finish_packed(mut self, packer: &mut Packer) -> Vec<u8> {
        if let Some(packed) = packer.packed(self.data.get(HEAD..).unwrap_or_default()) {
            self.data = packed;
        }
        self.finish()
    }

    /// The finished bytes.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let sum = crc32fast::hash(self.data.get(HEAD..).unwrap_or_default());
        if let Some(place) = self.data.get_mut(1..HEAD) {
            place.copy_from_slice(&sum.to_le_bytes());
        }
        self.data
    }
}

/// Makes groups smaller; what it needs for that is kept from one to the next.
#[derive(Default)]
pub(crate) struct Packer(Option<zstd::bulk::Compressor<'static>>);

impl Packer {
    /// A packed group of these records, its checksum left out; `None` where that would be no smaller.
    fn packed(&mut self, records: &[u8]) -> Option<Vec<u8>> {
        if !(PACK_FROM..=MAX_PACKED_BYTES).contains(&records.len()) {
            return None;
        }
        if self.0.is_none() {
            self.0 = zstd::bulk::Compressor::new(PACK_LEVEL).ok();
        }
        let packed = self.0.as_mut()?.compress(records).ok()?;
        let mut data = vec![PACKED, 0, 0, 0, 0];
        put_size(&mut data, records.len());
        data.extend(packed);
        (data.len() < HEAD + records.len()).then_some(data)
    }
}

fn put_cells(run: &Run, out: &mut Vec<u8>, payload: &mut Vec<u8>) {
    let width = run.layout.len();
    out.reserve(run.values.len() * 4);
    payload.clear();
    let mut half = None;
    let mut before: &[f64] = &vec![0.0; width];
    for values in run.rows() {
        for (value, last) in values.iter().zip(before) {
            let nibble = put_cell(*value, reference(*last), payload);
            half = match half {
                None => Some(nibble),
                Some(low) => {
                    out.push(low | nibble << 4);
                    None
                }
            };
        }
        before = values;
    }
    out.extend(half);
    out.append(payload);
}

fn put_cell(value: f64, last: f64, payload: &mut Vec<u8>) -> u8 {
    if value.to_bits() == last.to_bits() {
        return SAME;
    }
    if value.is_nan() {
        return ABSENT;
    }
    if let (Some(value), Some(last)) = (whole(value), whole(last)) {
        let difference = zigzag(value - last);
        let bytes = (64 - difference.leading_zeros()).div_ceil(8);
        // All eight and then fewer: a copy of a length that is known beforehand is one instruction.
        let end = payload.len() + bytes as usize;
        payload.extend_from_slice(&difference.to_le_bytes());
        payload.truncate(end);
        return bytes.to_le_bytes()[0];
    }
    payload.extend_from_slice(&value.to_le_bytes());
    RAW
}

/// What a cell is compared with where the one before it is `last`.
const fn reference(last: f64) -> f64 {
    if last.is_nan() { 0.0 } else { last }
}

/// The value as a whole number, where that gives every bit back.
#[expect(clippy::cast_possible_truncation, reason = "bounded by EXACT")]
fn whole(value: f64) -> Option<i64> {
    let int = value as i64;
    (value.abs() < EXACT && (int as f64).to_bits() == value.to_bits()).then_some(int)
}

/// Reads packed groups; what it needs for that is kept from one to the next: a start reads tens of thousands.
#[derive(Default)]
pub(crate) struct Unpacker(Option<zstd::bulk::Decompressor<'static>>);

impl Unpacker {
    fn unpacked(&mut self, packed: &[u8], size: usize) -> Result<Vec<u8>, Damaged> {
        if self.0.is_none() {
            self.0 = zstd::bulk::Decompressor::new().ok();
        }
        let plain = self.0.as_mut().and_then(|zstd| zstd.decompress(packed, size).ok());
        plain.ok_or(Damaged("not compressed by zstd"))
    }
}

/// Reads a whole group; `known` gives the columns of a layout.
pub(crate) fn decode(
    data: &[u8],
    known: impl Fn(LayoutId) -> Option<Layout>,
) -> Result<Vec<Record>, Damaged> {
    decode_with(&mut Unpacker::default(), data, known)
}

/// [`decode`] of one group of many.
pub(crate) fn decode_with(
    unpacker: &mut Unpacker,
    data: &[u8],
    known: impl Fn(LayoutId) -> Option<Layout>,
) -> Result<Vec<Record>, Damaged> {
    let (version, mut bytes) = checked(data)?;
    match version {
        PLAIN => records(bytes, known, MAX_GROUP_CELLS),
        PACKED => {
            let size = bytes.size(MAX_PACKED_BYTES)?;
            records(Bytes::new(&unpacker.unpacked(bytes.rest(), size)?), known, MAX_GROUP_CELLS)
        }
        _ => Err(Damaged("a log row of another version")),
    }
}

/// Compares a group's checksum.
pub(crate) fn check(data: &[u8]) -> Result<(), Damaged> {
    checked(data).map(drop)
}

/// The version of a group, and what lies behind its checksum.
fn checked(data: &[u8]) -> Result<(u8, Bytes<'_>), Damaged> {
    let mut bytes = Bytes::new(data);
    let version = bytes.byte()?;
    if u32::from_le_bytes(bytes.array()?) != crc32fast::hash(bytes.rest()) {
        return Err(Damaged("a log row's checksum is wrong"));
    }
    Ok((version, bytes))
}

/// Reads records that have no more cells than there is `room` for.
fn records(
    mut bytes: Bytes<'_>,
    known: impl Fn(LayoutId) -> Option<Layout>,
    mut room: usize,
) -> Result<Vec<Record>, Damaged> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let host_id = bytes.varint()?.cast_signed();
        let received = Timestamp::from_millis(bytes.signed()?);
        let mut runs = Vec::new();
        while let Some(layout_id) = bytes.varint()?.checked_sub(1) {
            let layout_id = u32::try_from(layout_id).map_err(|_| Damaged("no such layout"))?;
            let layout = known(layout_id).ok_or(Damaged("no such layout"))?;
            runs.push(read_run(&mut bytes, layout_id, layout, &mut room)?);
        }
        records.push(Record { host_id, received, runs });
    }
    Ok(records)
}

/// Reads a run that has no more cells than there is `room` for, and takes it.
fn read_run(
    bytes: &mut Bytes<'_>,
    layout_id: LayoutId,
    layout: Layout,
    room: &mut usize,
) -> Result<Run, Damaged> {
    let rows = bytes.size(MAX_ROWS.min(bytes.rest().len()))?;
    let first_seq = bytes.varint()?.cast_signed();
    if rows == 0 {
        return Err(Damaged("a run of no rows"));
    }
    if !(0..MAX_SEQ).contains(&first_seq) {
        return Err(Damaged("no place in any order"));
    }
    let mut at = 0_i64;
    let mut times = Vec::with_capacity(rows);
    for _ in 0..rows {
        at = at.wrapping_add(bytes.signed()?);
        times.push(at);
    }
    let width = layout.len();
    let cells = rows.checked_mul(width).filter(|cells| *cells <= MAX_CELLS.min(*room));
    let cells = cells.ok_or(Damaged("too many cells"))?;
    *room -= cells;
    let nibbles = bytes.take(cells.div_ceil(2))?;
    let mut nibbles = nibbles.iter().flat_map(|byte| [byte & 15, byte >> 4]);
    let mut before = vec![0.0; width];
    let mut values = Vec::with_capacity(cells);
    for _ in 0..rows {
        for (cell, nibble) in before.iter_mut().zip(&mut nibbles) {
            *cell = read_cell(bytes, nibble, reference(*cell))?;
        }
        values.extend_from_slice(&before);
    }
    Ok(Run { layout_id, layout, first_seq, times, values })
}

fn read_cell(bytes: &mut Bytes<'_>, nibble: u8, last: f64) -> Result<f64, Damaged> {
    match nibble {
        SAME => Ok(last),
        1..=7 => {
            let mut difference = [0; 8];
            let given = bytes.take(usize::from(nibble))?;
            difference.iter_mut().zip(given).for_each(|(to, from)| *to = *from);
            let last = whole(last).ok_or(Damaged("a difference to no whole number"))?;
            Ok(last.wrapping_add(unzigzag(u64::from_le_bytes(difference))) as f64)
        }
        RAW => {
            let value = f64::from_le_bytes(bytes.array()?);
            if value.is_finite() { Ok(value) } else { Err(Damaged("a value that is not finite")) }
        }
        ABSENT => Ok(f64::NAN),
        _ => Err(Damaged("no such cell")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WIDTHS: [usize; 3] = [1, 3, 8];

    fn any_records() -> impl Strategy<Value = Vec<Record>> {
        let value = prop_oneof![
            Just(f64::NAN),
            Just(-0.0),
            any::<i8>().prop_map(f64::from),
            any::<i64>().prop_map(|int| int as f64),
            any::<f64>().prop_filter("finite", |v| v.is_finite()),
        ];
        let run = (0..WIDTHS.len(), 0i64..1 << 50).prop_flat_map(move |(layout, first_seq)| {
            let row = (any::<i64>(), prop::collection::vec(value.clone(), WIDTHS[layout]));
            prop::collection::vec(row, 1..6).prop_map(move |rows| {
                let layout_id = u32::try_from(layout).expect("small");
                Run::of_rows(layout_id, known(layout_id).expect("known"), first_seq, rows.into_iter())
            })
        });
        let record = (1i64..1000, any::<i32>(), prop::collection::vec(run, 0..3));
        let record = record.prop_map(|(host_id, received, runs)| Record {
            host_id,
            received: Timestamp::from_millis(received.into()),
            runs,
        });
        prop::collection::vec(record, 0..5)
    }

    fn open_group(records: &[Record]) -> Group {
        let mut group = Group::default();
        for record in records {
            group.push(record.host_id, record.received, &record.runs);
        }
        group
    }

    fn group(records: &[Record]) -> Vec<u8> {
        open_group(records).finish()
    }

    fn packed(records: &[Record]) -> Vec<u8> {
        open_group(records).finish_packed(&mut Packer::default())
    }

    fn known(layout: LayoutId) -> Option<Layout> {
        WIDTHS.get(layout as usize).map(|width| (0..).take(*width).collect())
    }

    /// NaN is not equal to itself: absent cells are compared as text.
    fn text(records: &[Record]) -> String {
        format!("{records:?}")
    }

    #[test]
    fn a_group_asks_for_no_more_memory_than_it_may() {
        let wide: Layout = (0..100).collect();
        let run = |first_seq: i64| {
            let rows = (0..20_i32).map(|at| (i64::from(at), std::iter::repeat_n(0.0, 100)));
            Run::of_rows(0, wide.clone(), first_seq, rows)
        };
        let runs = vec![run(1), run(21)];
        let data = group(&[Record { host_id: 1, received: Timestamp::default(), runs }]);
        let read = |room: usize| {
            let read = records(Bytes::new(&data[HEAD..]), |_| Some(wide.clone()), room);
            read.map(|records| records[0].runs.len())
        };
        assert_eq!((read(4000), read(3999)), (Ok(2), Err(Damaged("too many cells"))));
    }

    proptest! {
        #[test]
        fn every_group_survives(records in any_records()) {
            for data in [group(&records), packed(&records)] {
                prop_assert_eq!(text(&decode(&data, known).expect("just encoded")), text(&records));
            }
        }

        #[test]
        fn an_altered_bit_is_noticed(records in any_records(), at: prop::sample::Index, bit in 0u8..8) {
            for mut data in [group(&records), packed(&records)] {
                *at.get_mut(&mut data) ^= 1 << bit;
                prop_assert!(decode(&data, known).is_err());
            }
        }

        #[test]
        fn no_bytes_panic_even_with_a_right_sum(records in any_records(), at: prop::sample::Index, byte: u8) {
            let mut data = if byte % 2 == 0 { group(&records) } else { packed(&records) };
            let version = data[0];
            *at.get_mut(&mut data) = byte;
            data[0] = version;
            let sum = crc32fast::hash(&data[5..]);
            data[1..5].copy_from_slice(&sum.to_le_bytes());
            if let Ok(records) = decode(&data, known) {
                let is_whole = |run: &Run| run.values.len() == run.times.len() * run.layout.len();
                prop_assert!(records.iter().flat_map(|record| &record.runs).all(is_whole));
            }
        }
    }
}
