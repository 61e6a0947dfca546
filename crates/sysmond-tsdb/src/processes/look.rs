//! Snapshots out again.

use super::bytes;
use super::hour::{Hour, Row};
use super::hour_id;
use super::usage::{ProcessUsage, Sums};
use crate::quarantine::{Damages, Origin, Piece};
use crate::sealed::{HOUR_MS, MAX_HOUR, hour_of};
use crate::writer::Shared;
use crate::{Cursor, QueryError};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use sysmond_model::{ProcessReading, Timestamp};

/// The newest snapshot of a host from `since` to `at`.
pub(crate) fn at(
    shared: &Shared,
    host_id: i64,
    since: Timestamp,
    at: Timestamp,
) -> Result<Option<ProcessReading>, QueryError> {
    let (since, at) = (since.as_millis(), at.as_millis());
    shared.readers.ask(|conn, _| {
        for hour in (hour_of(since)..=hour_of(at)).rev() {
            // Latest pieces first, so that of one time the one that was stored last is found.
            let pieces = pieces_within(&shared.counters.damages, conn, host_id, hour, (since, at))?;
            let rows = pieces.iter().flat_map(|piece| piece.rows.iter().map(move |row| (piece, row)));
            let rows = rows.filter(|(_, row)| (since..=at).contains(&row.at));
            if let Some((piece, row)) = rows.max_by_key(|(_, row)| (row.at, row.seq)) {
                return Ok(told(&shared.counters.damages, piece, row, host_id));
            }
        }
        Ok(None)
    })
}

/// A row as it is told; one that cannot be is damage.
fn told(damages: &Damages, piece: &Hour, row: &Row, host_id: i64) -> Option<ProcessReading> {
    let origin = Piece { origin: Origin::ProcessHour, id: hour_id(hour_of(row.at), host_id) };
    let snapshot = damages.sound(origin, piece.snapshot(row))?;
    Some(ProcessReading { timestamp: Timestamp::from_millis(row.at), snapshot })
}

/// All pieces of an hour of one host, but damaged ones, of which note is taken.
pub(super) fn pieces(
    shared: &Shared,
    conn: &Connection,
    host_id: i64,
    hour: i64,
) -> rusqlite::Result<Vec<Hour>> {
    pieces_within(&shared.counters.damages, conn, host_id, hour, (hour * HOUR_MS, (hour + 1) * HOUR_MS - 1))
}

/// The hours of a host within a stretch in which there are snapshots.
pub(crate) fn hours(
    conn: &Connection,
    host_id: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<BTreeSet<i64>> {
    let mut hours = BTreeSet::new();
    let mut single = conn.prepare_cached(
        "SELECT DISTINCT at / 3600000 FROM snapshot WHERE host_id = ?1 AND at >= ?2 AND at <= ?3",
    )?;
    let mut packed = conn
        .prepare_cached("SELECT id >> 36 FROM process_hour WHERE host_id = ?1 AND id >= ?2 AND id <= ?3")?;
    let number = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    for hour in single.query_map([host_id, from, to], number)? {
        hours.insert(hour?);
    }
    // No hour is numbered beyond these, whatever was asked for.
    let within = |at: i64| hour_id(hour_of(at).clamp(0, MAX_HOUR), host_id);
    for hour in packed.query_map([host_id, within(from), within(to)], number)? {
        hours.insert(hour?);
    }
    Ok(hours)
}

/// All snapshots of an hour of one host that are within a stretch, by time.
pub(crate) fn hour_within(
    damages: &Damages,
    conn: &Connection,
    host_id: i64,
    hour: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<ProcessReading>> {
    let table = Hour::merged(pieces_within(damages, conn, host_id, hour, (from, to))?);
    let rows = table.rows.iter().filter(|row| (from..=to).contains(&row.at));
    Ok(rows.filter_map(|row| told(damages, &table, row, host_id)).collect())
}

/// Those single snapshots of an hour that are within a stretch, and the hour's packed ones.
fn pieces_within(
    damages: &Damages,
    conn: &Connection,
    host_id: i64,
    hour: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<Hour>> {
    let from = from.max(hour * HOUR_MS);
    let to = to.min((hour + 1) * HOUR_MS - 1);
    let sound = |origin, id, data: &[u8]| damages.sound(Piece { origin, id }, bytes::decode(data));
    let mut pieces = Vec::new();
    let mut select = conn.prepare_cached(
        "SELECT id, data FROM snapshot WHERE host_id = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at",
    )?;
    let mut found = select.query([host_id, from, to])?;
    while let Some(row) = found.next()? {
        let id = row.get(0)?;
        let piece = sound(Origin::Snapshot, id, row.get_ref(1)?.as_blob()?);
        pieces.extend(piece.map(|piece| piece.numbered(id)));
    }
    let id = hour_id(hour, host_id);
    let mut select = conn.prepare_cached("SELECT data FROM process_hour WHERE id = ?1")?;
    let packed: Option<Vec<u8>> = select.query_row([id], |row| row.get(0)).optional()?;
    pieces.extend(packed.and_then(|data| sound(Origin::ProcessHour, id, &data)));
    Ok(pieces)
}

/// The processes and programs that took the most from `from` to `to`, the first `top` by each figure.
pub(crate) fn between(
    shared: &Shared,
    host_id: i64,
    (from, to): (Timestamp, Timestamp),
    top: usize,
) -> Result<ProcessUsage, QueryError> {
    let (from, to) = (from.as_millis(), to.as_millis());
    shared.readers.ask(|conn, deadline| {
        let mut sums = Sums::default();
        for hour in hour_of(from)..=hour_of(to) {
            if Instant::now() > deadline {
                return Err(QueryError::TimedOut);
            }
            let table =
                Hour::merged(pieces_within(&shared.counters.damages, conn, host_id, hour, (from, to))?);
            for row in table.rows.iter().filter(|row| (from..=to).contains(&row.at)) {
                let piece = Piece { origin: Origin::ProcessHour, id: hour_id(hour, host_id) };
                shared.counters.damages.sound(piece, sums.add(&table, row));
            }
            sums.check_size()?;
        }
        Ok(sums.finish(top))
    })
}

/// At most `most` snapshots of a host that were stored after `after`, in the order of storing, and where to go on.
pub(crate) fn after(
    shared: &Shared,
    host_id: i64,
    after: Cursor,
    most: usize,
) -> Result<(Vec<ProcessReading>, Cursor), QueryError> {
    shared.readers.ask(|conn, _| {
        let mut rows = BTreeMap::new();
        let mut select = conn.prepare_cached(
            "SELECT id, seq0, data FROM process_hour WHERE host_id = ?1 AND seq1 > ?2 ORDER BY seq0",
        )?;
        let mut found = select.query([host_id, after.0])?;
        while let Some(row) = found.next()? {
            let (id, first, data): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if rows.range(..first).count() >= most {
                break;
            }
            let piece = Piece { origin: Origin::ProcessHour, id };
            let table = bytes::decode(&data);
            if let Some(table) = shared.counters.damages.sound(piece, table) {
                take_rows(shared, &table, after, host_id, &mut rows);
            }
        }
        take_single(shared, conn, host_id, after, most, &mut rows)?;
        let next = rows.keys().take(most).next_back().map_or(after, |seq| Cursor(*seq));
        Ok((rows.into_values().take(most).collect(), next))
    })
}

fn take_rows(
    shared: &Shared,
    table: &Hour,
    after: Cursor,
    host_id: i64,
    rows: &mut BTreeMap<i64, ProcessReading>,
) {
    for row in table.rows.iter().filter(|row| row.seq > after.0) {
        rows.extend(told(&shared.counters.damages, table, row, host_id).map(|reading| (row.seq, reading)));
    }
}

fn take_single(
    shared: &Shared,
    conn: &Connection,
    host_id: i64,
    after: Cursor,
    most: usize,
    rows: &mut BTreeMap<i64, ProcessReading>,
) -> rusqlite::Result<()> {
    let mut select = conn.prepare_cached(
        "SELECT id, data FROM snapshot WHERE id > ?2 AND host_id = ?1 ORDER BY id LIMIT ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut found = select.query([host_id, after.0, most])?;
    while let Some(row) = found.next()? {
        let id = row.get(0)?;
        let piece = bytes::decode(row.get_ref(1)?.as_blob()?);
        let piece = shared.counters.damages.sound(Piece { origin: Origin::Snapshot, id }, piece);
        if let Some(table) = piece {
            take_rows(shared, &table.numbered(id), after, host_id, rows);
        }
    }
    Ok(())
}
