//! Snapshots that come in: judged, compared with what is there, written in the delivery's transaction.

use super::bytes;
use super::hour::Hour;
use super::hour_id;
use crate::sealed::{HOUR_MS, hour_of};
use rusqlite::{Connection, OptionalExtension, params};
use sysmond_model::ProcessReading;
use sysmond_model::limits::MAX_SNAPSHOTS_PER_HOUR;

/// What became of the snapshots of an append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// In the store now, repeated ones included.
    pub(crate) stored: usize,
    /// Not stored: of a time that was removed already, or one too many in its hour.
    pub(crate) refused: usize,
}

/// Stores snapshots of a host that takes them from the hour `raw_from` on.
pub(crate) fn put(
    conn: &Connection,
    host_id: i64,
    raw_from: i64,
    readings: &[ProcessReading],
) -> rusqlite::Result<Kept> {
    let mut kept = Kept::default();
    let mut packed = Packed::default();
    for reading in readings {
        let at = reading.timestamp.as_millis();
        let is_good = at >= 0 && hour_of(at) >= raw_from && put_one(conn, host_id, reading, &mut packed)?;
        kept.stored += usize::from(is_good);
        kept.refused += usize::from(!is_good);
    }
    Ok(kept)
}

/// Whether it is in the store now.
fn put_one(
    conn: &Connection,
    host_id: i64,
    reading: &ProcessReading,
    packed: &mut Packed,
) -> rusqlite::Result<bool> {
    let at = reading.timestamp.as_millis();
    let data = bytes::encode(&Hour::of(reading.timestamp, &reading.snapshot));
    let mut young = conn.prepare_cached("SELECT data FROM snapshot WHERE host_id = ?1 AND at = ?2")?;
    let mut known: Option<Vec<u8>> = young.query_row([host_id, at], |row| row.get(0)).optional()?;
    if known.is_none() {
        known = packed.find(conn, host_id, at)?;
    }
    if known.as_deref() == Some(data.as_slice()) {
        return Ok(true);
    }
    if known.is_none() && count(conn, host_id, hour_of(at))? >= MAX_SNAPSHOTS_PER_HOUR {
        return Ok(false);
    }
    // One that changed gets a new place in the order of storing, as a row of samples does.
    conn.prepare_cached("DELETE FROM snapshot WHERE host_id = ?1 AND at = ?2")?.execute([host_id, at])?;
    conn.prepare_cached("INSERT INTO snapshot (host_id, at, data) VALUES (?1, ?2, ?3)")?
        .execute(params![host_id, at, data])?;
    Ok(true)
}

/// The packed hour that was looked into last: what is pushed again comes in order, and an hour is read once.
#[derive(Default)]
struct Packed {
    hour: Option<i64>,
    table: Hour,
}

impl Packed {
    /// The packed snapshot of that time as it is kept alone.
    fn find(&mut self, conn: &Connection, host_id: i64, at: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        if self.hour != Some(hour_of(at)) {
            let mut select =
                conn.prepare_cached("SELECT data FROM process_hour WHERE id = ?1 AND newest >= ?2")?;
            let id = hour_id(hour_of(at), host_id);
            let data: Option<Vec<u8>> = select.query_row([id, at], |row| row.get(0)).optional()?;
            let Some(data) = data else { return Ok(None) };
            // What is damaged there is found by whoever reads it.
            self.table = bytes::decode(&data).unwrap_or_default();
            self.hour = Some(hour_of(at));
        }
        let row = self.table.rows.iter().find(|row| row.at == at);
        Ok(row.map(|row| bytes::encode(&self.table.alone(row))))
    }
}

fn count(conn: &Connection, host_id: i64, hour: i64) -> rusqlite::Result<usize> {
    let mut young =
        conn.prepare_cached("SELECT count(*) FROM snapshot WHERE host_id = ?1 AND at >= ?2 AND at < ?3")?;
    let young: i64 = young.query_row([host_id, hour * HOUR_MS, (hour + 1) * HOUR_MS], |row| row.get(0))?;
    let mut packed = conn.prepare_cached("SELECT snapshots FROM process_hour WHERE id = ?1")?;
    let packed: Option<i64> = packed.query_row([hour_id(hour, host_id)], |row| row.get(0)).optional()?;
    Ok(usize::try_from(young + packed.unwrap_or(0)).unwrap_or(usize::MAX))
}
