//! What is in blocks: the young ones of a few minutes, and those of an hour.

use crate::codec::Damaged;
use crate::codec::block::{Block, Table};
use crate::codec::body::Stored;
use crate::counters::Counters;
use crate::names::MetricId;
use crate::quarantine::{Origin, Piece};
use rusqlite::{Connection, blob};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

/// An hour, milliseconds.
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// An hour's number has 27 bits and a sign.
pub(crate) const MAX_HOUR: i64 = 1 << 26;
/// Decoded hours that one transaction keeps for its look-ups.
const MAX_CACHED: usize = 4;

/// The hour of an instant.
pub(crate) const fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR_MS)
}

/// Blocks of one host and hour: part of their number.
pub(crate) const MAX_PARTS: usize = 1 << 12;

/// The ids that blocks of one hour may have, of all hosts.
pub(crate) const fn hour_ids(hour: i64) -> RangeInclusive<i64> {
    let first = hour << 36;
    first..=first | 0xf_ffff_ffff
}

/// The numbers of a host's blocks of one hour.
pub(crate) const fn block_ids(hour: i64, host_id: i64) -> RangeInclusive<i64> {
    let first = hour << 36 | host_id << 12;
    first..=first | 0xfff
}

/// The hour of a block.
pub(crate) const fn block_hour(id: i64) -> i64 {
    id >> 36
}

/// Bytes of a blob below which it is read whole: opening it and finding the wanted pages costs as much.
const WHOLE_BYTES: usize = 24 * 1024;
/// Columns of which more are not worth picking out of a blob.
const FEW_COLUMNS: usize = 12;

/// A block's bytes and where they lie.
pub(crate) struct Blob<'c> {
    pub(crate) piece: Piece,
    bytes: Place<'c>,
}

enum Place<'c> {
    Memory(Vec<u8>),
    File(InFile<'c>),
}

/// Bytes of which only what is asked for is read.
struct InFile<'c> {
    blob: blob::Blob<'c>,
    /// Why something could not be read.
    failure: Cell<Option<rusqlite::Error>>,
}

impl Stored for InFile<'_> {
    fn len(&self) -> usize {
        self.blob.len()
    }

    fn read(&self, range: Range<usize>) -> Option<Vec<u8>> {
        let mut bytes = vec![0; range.len()];
        match self.blob.read_at_exact(&mut bytes, range.start) {
            Ok(()) => Some(bytes),
            Err(error) => {
                self.failure.set(Some(error));
                None
            }
        }
    }
}

impl Blob<'_> {
    /// The block in them.
    pub(crate) fn block(&self) -> Result<Block<'_>, Damaged> {
        match &self.bytes {
            Place::Memory(data) => Block::open(data),
            Place::File(stored) => Block::open_stored(stored),
        }
    }

    /// An error where the file could not be read, which is no damage of the block.
    pub(crate) fn failure(&self) -> rusqlite::Result<()> {
        match &self.bytes {
            Place::Memory(_) => Ok(()),
            Place::File(stored) => stored.failure.take().map_or(Ok(()), Err),
        }
    }
}

/// The blobs of one host and hour, the young ones last.
pub(crate) fn blobs(conn: &Connection, host_id: i64, hour: i64) -> rusqlite::Result<Vec<Blob<'_>>> {
    blobs_up_to(conn, host_id, hour, usize::MAX)
}

/// The same for so many wanted columns: of what is large only those are read.
pub(crate) fn blobs_for(
    conn: &Connection,
    host_id: i64,
    hour: i64,
    columns: usize,
) -> rusqlite::Result<Vec<Blob<'_>>> {
    blobs_up_to(conn, host_id, hour, if columns > FEW_COLUMNS { usize::MAX } else { WHOLE_BYTES })
}

/// Reads blobs up to that size, and opens larger ones.
fn blobs_up_to(conn: &Connection, host_id: i64, hour: i64, whole: usize) -> rusqlite::Result<Vec<Blob<'_>>> {
    let ids = block_ids(hour, host_id);
    let whole = i64::try_from(whole).unwrap_or(i64::MAX);
    let mut found: Vec<(Piece, Option<Vec<u8>>)> = Vec::new();
    for (origin, select, params) in [
        (
            Origin::Block,
            "SELECT id, iif(length(data) <= ?3, data, NULL) FROM block WHERE id BETWEEN ?1 AND ?2",
            [*ids.start(), *ids.end(), whole],
        ),
        (
            Origin::Young,
            "SELECT id, iif(length(data) <= ?3, data, NULL) FROM young
             WHERE host_id = ?1 AND hour = ?2 ORDER BY id",
            [host_id, hour, whole],
        ),
    ] {
        let mut select = conn.prepare_cached(select)?;
        let mut rows = select.query(params)?;
        while let Some(row) = rows.next()? {
            found.push((Piece { origin, id: row.get(0)? }, row.get(1)?));
        }
    }
    let blob = |(piece, data): (Piece, Option<Vec<u8>>)| {
        let bytes = match data {
            Some(data) => Place::Memory(data),
            None => Place::File(InFile {
                blob: conn.blob_open("main", piece.origin.table(), "data", piece.id, true)?,
                failure: Cell::new(None),
            }),
        };
        Ok(Blob { piece, bytes })
    };
    found.into_iter().map(blob).collect()
}

/// The hours in which a host has blocks.
pub(crate) fn hours(
    conn: &Connection,
    host_id: i64,
    within: RangeInclusive<i64>,
) -> rusqlite::Result<BTreeSet<i64>> {
    let mut hours = young_hours(conn, host_id, within.clone())?;
    let known = |hour: &i64| (*hour).clamp(-MAX_HOUR, MAX_HOUR);
    let (first, last) = (block_ids(known(within.start()), 0), block_ids(known(within.end()) + 1, 0));
    let mut select =
        conn.prepare_cached("SELECT id FROM block WHERE host_id = ?1 AND id >= ?2 AND id < ?3")?;
    let mut rows = select.query([host_id, *first.start(), *last.start()])?;
    while let Some(row) = rows.next()? {
        hours.insert(block_hour(row.get(0)?));
    }
    hours.retain(|hour| within.contains(hour));
    Ok(hours)
}

/// The hours in which a host has young blocks.
pub(crate) fn young_hours(
    conn: &Connection,
    host_id: i64,
    within: RangeInclusive<i64>,
) -> rusqlite::Result<BTreeSet<i64>> {
    let mut select =
        conn.prepare_cached("SELECT DISTINCT hour FROM young WHERE host_id = ?1 AND hour BETWEEN ?2 AND ?3")?;
    select.query_map([host_id, *within.start(), *within.end()], |row| row.get(0))?.collect()
}

/// Single cells looked up among blocks, for the recognition of repeated samples.
pub(crate) struct Sealed<'a> {
    conn: &'a Connection,
    counters: &'a Counters,
    cached: Vec<((i64, i64), Vec<Table>)>,
}

impl<'a> Sealed<'a> {
    pub(crate) const fn new(conn: &'a Connection, counters: &'a Counters) -> Self {
        Self { conn, counters, cached: Vec::new() }
    }

    /// The value that counts of a series at an instant.
    pub(crate) fn cell(&mut self, host_id: i64, at: i64, metric: MetricId) -> rusqlite::Result<Option<f64>> {
        let key = (host_id, hour_of(at));
        let place = match self.cached.iter().position(|(cached, _)| *cached == key) {
            Some(place) => place,
            None => self.load(key)?,
        };
        let tables = self.cached.get(place).map_or(&[][..], |(_, tables)| tables);
        let mut found: Option<(i64, f64)> = None;
        for table in tables {
            let rows = table.timestamps.partition_point(|own| *own < at)..;
            let rows =
                table.timestamps.iter().enumerate().skip(rows.start).take_while(|(_, own)| **own == at);
            for (row, _) in rows {
                let value =
                    table.column(metric).and_then(|values| values.get(row)).filter(|value| !value.is_nan());
                let seq = table.seqs.get(row).copied().unwrap_or(0);
                if let Some(value) = value.filter(|_| found.is_none_or(|(best, _)| seq >= best)) {
                    found = Some((seq, *value));
                }
            }
        }
        Ok(found.map(|(_, value)| value))
    }

    fn load(&mut self, key: (i64, i64)) -> rusqlite::Result<usize> {
        let blobs = blobs(self.conn, key.0, key.1)?;
        let table = |blob: &Blob<'_>| blob.block().and_then(|block| block.table());
        let damages = &self.counters.damages;
        let tables = blobs.iter().filter_map(|blob| damages.sound(blob.piece, table(blob))).collect();
        if self.cached.len() >= MAX_CACHED {
            self.cached.remove(0);
        }
        self.cached.push((key, tables));
        Ok(self.cached.len() - 1)
    }
}
