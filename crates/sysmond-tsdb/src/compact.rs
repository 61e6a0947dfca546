//! From young blocks to one block an hour, with late rows laid over what was there.

use crate::QueryError;
use crate::codec::Damaged;
use crate::codec::ints::Effort;
use crate::counters::Counters;
use crate::pieces;
use crate::quarantine::{self, Origin, Piece};
use crate::rollup;
use crate::seal::{self, SealedBlock};
use crate::sealed::{self, HOUR_MS, MAX_PARTS, block_ids};
use crate::writer::{Shared, Writer};
use rusqlite::{Connection, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use sysmond_model::Timestamp;

/// How long after its end an hour is taken up: heads of a few rows are sealed by then.
const HOUR_SETTLES_MS: i64 = 15 * 60 * 1000;
/// Silence after which late rows of an older hour are taken up, milliseconds…
const LATE_SETTLES_MS: i64 = 5 * 60 * 1000;
/// …or the number of young blocks at which they are in any case.
const MANY_YOUNG: i64 = 32;
/// Hours of hosts in one transaction, and bytes at which it does with fewer: no push waits long for it.
const HOURS_AT_ONCE: usize = 16;
const BYTES_AT_ONCE: usize = 2 * 1024 * 1024;

/// One hour of one host, rewritten.
struct Rewritten {
    host_id: i64,
    hour: i64,
    /// The young blocks that are in it now.
    young: Vec<i64>,
    /// What could not be read, and why.
    damaged: Vec<(Piece, Damaged)>,
    blocks: Vec<SealedBlock>,
}

impl Rewritten {
    /// Bytes of its blocks.
    fn size(&self) -> usize {
        self.blocks.iter().map(|block| block.data.len()).sum()
    }
}

/// Compacts all hours that have settled at `now`. `on_writer` runs a job on the writer's thread.
pub(crate) fn run(
    conn: &Connection,
    shared: &Shared,
    now: Timestamp,
    mut on_writer: impl FnMut(Job) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let ripe = ripe_hours(conn, now)?;
    let mut ready = Vec::new();
    for (host_id, hour) in ripe {
        ready.push(rewrite(conn, &shared.counters, host_id, hour)?);
        if ready.len() >= HOURS_AT_ONCE || ready.iter().map(Rewritten::size).sum::<usize>() >= BYTES_AT_ONCE {
            let rewritten = std::mem::take(&mut ready);
            on_writer(Box::new(move |writer| store(writer, &rewritten, now)))?;
        }
    }
    if ready.is_empty() { Ok(()) } else { on_writer(Box::new(move |writer| store(writer, &ready, now))) }
}

/// A piece of work for the writer.
pub(crate) type Job = Box<dyn FnOnce(&mut Writer) -> rusqlite::Result<()> + Send>;

/// The hours, each with its host, whose young blocks are to be taken up. Not those of which there are as many blocks as
/// have numbers: their later ones stay young.
fn ripe_hours(conn: &Connection, now: Timestamp) -> rusqlite::Result<Vec<(i64, i64)>> {
    let settled = (now.as_millis() - HOUR_SETTLES_MS).div_euclid(HOUR_MS) - 1;
    let mut select = conn.prepare(
        "SELECT host_id, hour FROM young WHERE hour <= ?1 GROUP BY host_id, hour
         HAVING max(sealed_at) <= ?2 OR count(*) >= ?3 ORDER BY hour, host_id",
    )?;
    let quiet = now.as_millis() - LATE_SETTLES_MS;
    let hours = select.query_map([settled, quiet, MANY_YOUNG], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut ripe = hours.collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
    let mut last = conn.prepare("SELECT count(*) FROM block WHERE id = ?1")?;
    let mut full = Vec::new();
    for (host_id, hour) in &ripe {
        let id = *block_ids(*hour, *host_id).end();
        full.push(last.query_row([id], |row| row.get::<_, i64>(0))? > 0);
    }
    let mut full = full.into_iter();
    ripe.retain(|_| !full.next().unwrap_or(false));
    Ok(ripe)
}

fn rewrite(conn: &Connection, counters: &Counters, host_id: i64, hour: i64) -> rusqlite::Result<Rewritten> {
    let blobs = sealed::blobs(conn, host_id, hour)?;
    let young = blobs.iter().filter(|blob| blob.piece.origin == Origin::Young).map(|blob| blob.piece.id);
    let mut damaged: BTreeMap<usize, Damaged> = BTreeMap::new();
    let mut blocks = Vec::with_capacity(blobs.len());
    for (place, blob) in blobs.iter().enumerate() {
        match blob.block() {
            Ok(block) => blocks.push((place, block)),
            Err(reason) => {
                damaged.insert(place, reason);
            }
        }
    }
    let mut fresh = Vec::new();
    let is_damaged = |place, reason| {
        damaged.insert(place, reason);
    };
    pieces::of_blocks(&blocks, is_damaged, |table| {
        fresh.push(SealedBlock::new(hour, table, Effort::Thorough));
    });
    counters.damages.tries.fetch_add(damaged.len() as u64, Ordering::Relaxed);
    let damaged = damaged.into_iter().filter_map(|(place, reason)| Some((blobs.get(place)?.piece, reason)));
    Ok(Rewritten { host_id, hour, young: young.collect(), damaged: damaged.collect(), blocks: fresh })
}

fn store(writer: &mut Writer, rewritten: &[Rewritten], now: Timestamp) -> rusqlite::Result<()> {
    let told = writer.with_connection(|conn| {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut told = Vec::new();
        for hour in rewritten {
            for (piece, reason) in &hour.damaged {
                told.extend(quarantine::set_aside(&tx, *piece, *reason, now)?);
            }
            store_hour(&tx, hour, now)?;
        }
        tx.commit()?;
        Ok(told)
    })?;
    writer.shared().counters.damages.tell(told);
    Ok(())
}

fn store_hour(conn: &Connection, rewritten: &Rewritten, now: Timestamp) -> rusqlite::Result<()> {
    let Rewritten { host_id, hour, young, blocks, .. } = rewritten;
    let mut delete = conn.prepare_cached("DELETE FROM young WHERE id = ?1")?;
    for id in young {
        delete.execute([id])?;
    }
    for block in insert_blocks(conn, *host_id, *hour, blocks)? {
        seal::insert_young(conn, *host_id, block, now)?;
    }
    rollup::invalidate(conn, *host_id, *hour)
}

/// Makes `blocks` all that there is of an hour; returns those for which there is no number any more.
pub(crate) fn insert_blocks<'b>(
    conn: &Connection,
    host_id: i64,
    hour: i64,
    blocks: &'b [SealedBlock],
) -> rusqlite::Result<&'b [SealedBlock]> {
    let ids = block_ids(hour, host_id);
    conn.prepare_cached("DELETE FROM block WHERE id BETWEEN ?1 AND ?2")?.execute([ids.start(), ids.end()])?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO block (id, host_id, seq0, seq1, cells, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let (numbered, rest) = blocks.split_at(blocks.len().min(MAX_PARTS));
    for (id, block) in ids.zip(numbered) {
        let cells = i64::try_from(block.cells).unwrap_or(i64::MAX);
        insert.execute(params![id, host_id, block.seqs.0, block.seqs.1, cells, block.data])?;
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::block::Table;
    use crate::testing::{opened, seconds};

    #[test]
    fn blocks_for_which_an_hour_has_no_number_stay_young() {
        let (folder, store) = opened();
        drop(store);
        let conn = Connection::open(folder.path().join("store.db")).expect("a store's file");
        let table =
            |at: i64| Table { timestamps: vec![at], seqs: vec![at + 1], columns: vec![(1, vec![1.5])] };
        let blocks = (0..4100).map(|at| SealedBlock::new(0, &table(at), Effort::Quick)).collect();
        let hour = Rewritten { host_id: 1, hour: 0, young: Vec::new(), damaged: Vec::new(), blocks };
        store_hour(&conn, &hour, seconds(0)).expect("stored");
        assert_eq!(sealed::blobs(&conn, 1, 0).expect("readable").len(), 4100);
        assert_eq!(ripe_hours(&conn, seconds(100_000)).expect("readable"), []);
    }
}
