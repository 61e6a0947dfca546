//! What is in blocks: the young ones of a few minutes, and those of an hour.

use crate::codec::block::{Block, Table};
use crate::names::MetricId;
use crate::quarantine::{Origin, Piece};
use crate::writer::Counters;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// An hour, milliseconds.
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// An hour's number has 27 bits and a sign.
const MAX_HOUR: i64 = 1 << 26;
/// Decoded hours that one transaction keeps for its look-ups.
const MAX_CACHED: usize = 4;

/// The hour of an instant.
pub(crate) const fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR_MS)
}

/// Blocks of one host and hour: part of their number.
pub(crate) const MAX_PARTS: usize = 1 << 12;

/// The numbers of a host's blocks of one hour.
pub(crate) const fn block_ids(hour: i64, host_id: i64) -> RangeInclusive<i64> {
    let first = hour << 36 | host_id << 12;
    first..=first | 0xfff
}

/// The hour of a block.
pub(crate) const fn block_hour(id: i64) -> i64 {
    id >> 36
}

/// A block's bytes and where they lie.
pub(crate) struct Blob {
    pub(crate) piece: Piece,
    pub(crate) data: Vec<u8>,
}

/// The blobs of one host and hour, the young ones last.
pub(crate) fn blobs(conn: &Connection, host_id: i64, hour: i64) -> rusqlite::Result<Vec<Blob>> {
    let ids = block_ids(hour, host_id);
    let mut blobs = Vec::new();
    for (origin, select, params) in [
        (Origin::Block, "SELECT id, data FROM block WHERE id BETWEEN ?1 AND ?2", [*ids.start(), *ids.end()]),
        (
            Origin::Young,
            "SELECT id, data FROM young WHERE host_id = ?1 AND hour = ?2 ORDER BY id",
            [host_id, hour],
        ),
    ] {
        let mut select = conn.prepare_cached(select)?;
        let mut rows = select.query(params)?;
        while let Some(row) = rows.next()? {
            blobs.push(Blob { piece: Piece { origin, id: row.get(0)? }, data: row.get(1)? });
        }
    }
    Ok(blobs)
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
        let table = |blob: &Blob| Block::open(&blob.data).and_then(|block| block.table());
        let damages = &self.counters.damages;
        let tables = blobs.iter().filter_map(|blob| damages.sound(blob.piece, table(blob))).collect();
        if self.cached.len() >= MAX_CACHED {
            self.cached.remove(0);
        }
        self.cached.push((key, tables));
        Ok(self.cached.len() - 1)
    }
}
