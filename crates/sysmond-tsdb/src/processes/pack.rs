//! From single snapshots to hours.

use super::bytes;
use super::hour::Hour;
use super::hour_id;
use crate::QueryError;
use crate::compact::Job;
use crate::quarantine::{Origin, Piece};
use crate::sealed::{HOUR_MS, hour_of};
use crate::writer::{Shared, Writer};
use rusqlite::{Connection, TransactionBehavior, params};
use std::sync::PoisonError;
use sysmond_model::Timestamp;

/// Snapshots of a host that are packed together before their hour is over: ten minutes of them.
const MANY: i64 = 60;
/// How long after its end the rest of an hour is packed: pushes come late.
const SETTLES_MS: i64 = 10 * 60 * 1000;
/// Hours of hosts in one transaction: each is some ten kilobytes.
const HOURS_AT_ONCE: usize = 16;

/// An hour of one host, packed anew.
struct Packed {
    host_id: i64,
    hour: i64,
    /// The snapshots that are in it now.
    taken: Vec<i64>,
    /// The first and the last place in the order of storing.
    seqs: (i64, i64),
    newest: i64,
    snapshots: usize,
    data: Vec<u8>,
}

/// Packs what is ripe at `now`. `on_writer` runs a job on the writer's thread.
pub(crate) fn run(
    shared: &Shared,
    now: Timestamp,
    mut on_writer: impl FnMut(Job) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let ripe = shared.readers.ask(|conn, _| Ok(ripe(conn, now)?))?;
    for some in ripe.chunks(HOURS_AT_ONCE) {
        let mut packed = Vec::with_capacity(some.len());
        for (host_id, hour) in some {
            packed.extend(shared.readers.ask(|conn, _| Ok(pack(shared, conn, *host_id, *hour)?))?);
        }
        on_writer(Box::new(move |writer| store(writer, &packed)))?;
    }
    Ok(())
}

/// The hours, each with its host, whose snapshots are to be packed.
fn ripe(conn: &Connection, now: Timestamp) -> rusqlite::Result<Vec<(i64, i64)>> {
    let over = hour_of(now.as_millis() - SETTLES_MS);
    let mut select = conn.prepare_cached(
        "SELECT host_id, at / 3600000 AS hour FROM snapshot GROUP BY 1, 2 HAVING count(*) >= ?1 OR hour < ?2",
    )?;
    select.query_map(params![MANY, over], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn pack(shared: &Shared, conn: &Connection, host_id: i64, hour: i64) -> rusqlite::Result<Option<Packed>> {
    let pieces = super::look::pieces(shared, conn, host_id, hour)?;
    let mut select =
        conn.prepare_cached("SELECT id FROM snapshot WHERE host_id = ?1 AND at >= ?2 AND at < ?3")?;
    let taken = select
        .query_map([host_id, hour * HOUR_MS, (hour + 1) * HOUR_MS], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    let table = Hour::merged(pieces);
    // What could not be read is set aside first: its row would be deleted here.
    let damages = &shared.counters.damages;
    let is_sound = !taken.iter().any(|id| damages.is_pending(Piece { origin: Origin::Snapshot, id: *id }))
        && !damages.is_pending(Piece { origin: Origin::ProcessHour, id: hour_id(hour, host_id) });
    let seqs = || table.rows.iter().map(|row| row.seq);
    let (Some(first), Some(last), Some(newest)) = (seqs().min(), seqs().max(), table.rows.last()) else {
        return Ok(None);
    };
    let (seqs, newest, snapshots) = ((first, last), newest.at, table.rows.len());
    let data = bytes::encode(&table);
    Ok(is_sound.then_some(Packed { host_id, hour, taken, seqs, newest, snapshots, data }))
}

fn store(writer: &mut Writer, packed: &[Packed]) -> rusqlite::Result<()> {
    writer.with_connection(|conn| {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for hour in packed {
            store_hour(&tx, hour)?;
        }
        tx.commit()
    })
}

fn store_hour(conn: &Connection, packed: &Packed) -> rusqlite::Result<()> {
    let Packed { host_id, hour, taken, seqs: (first, last), newest, snapshots, data } = packed;
    let mut delete = conn.prepare_cached("DELETE FROM snapshot WHERE id = ?1")?;
    for id in taken {
        delete.execute([id])?;
    }
    let id = hour_id(*hour, *host_id);
    conn.prepare_cached("DELETE FROM process_hour WHERE id = ?1")?.execute([id])?;
    let count = i64::try_from(*snapshots).unwrap_or(i64::MAX);
    conn.prepare_cached(
        "INSERT INTO process_hour (id, host_id, seq0, seq1, newest, snapshots, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![id, host_id, first, last, newest, count, data])?;
    Ok(())
}

/// Of hosts that never sent a sample, what is older than samples may be: where there are samples, theirs is the age
/// that counts, and snapshots go with them.
pub(crate) fn forget_lone(
    shared: &Shared,
    now: Timestamp,
    mut on_writer: impl FnMut(Job) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
    let lone: Vec<i64> =
        memory.hosts.values().filter(|cell| cell.lock().newest_row.is_none()).map(|cell| cell.id).collect();
    drop(memory);
    let age = i64::try_from(shared.options.retention.raw.as_millis()).unwrap_or(i64::MAX);
    let hour = hour_of(now.as_millis().saturating_sub(age).max(0));
    for some in lone.chunks(HOURS_AT_ONCE) {
        let some = some.to_vec();
        on_writer(Box::new(move |writer| {
            writer.with_connection(|conn| some.iter().try_for_each(|host| forget(conn, *host, hour)))
        }))?;
    }
    Ok(())
}

fn forget(conn: &Connection, host_id: i64, hour: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM process_hour WHERE host_id = ?1 AND id < ?2")?
        .execute([host_id, hour_id(hour, 0)])?;
    conn.prepare_cached("DELETE FROM snapshot WHERE host_id = ?1 AND at < ?2")?
        .execute([host_id, hour * HOUR_MS])?;
    Ok(())
}
