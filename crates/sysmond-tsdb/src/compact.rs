//! From young blocks to one block an hour, with late rows laid over what was there.

use crate::codec::Damaged;
use crate::codec::block::{Block, MAX_ROWS, Table};
use crate::codec::ints::Effort;
use crate::names::MetricId;
use crate::rollup;
use crate::seal::SealedBlock;
use crate::sealed::{HOUR_MS, block_ids};
use crate::writer::{Counters, Shared, Writer};
use crate::{QueryError, file};
use rusqlite::{Connection, TransactionBehavior, params};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use sysmond_model::Timestamp;

/// How long after its end an hour is taken up: heads of a few rows are sealed by then.
const HOUR_SETTLES_MS: i64 = 15 * 60 * 1000;
/// Silence after which late rows of an older hour are taken up, milliseconds…
const LATE_SETTLES_MS: i64 = 5 * 60 * 1000;
/// …or the number of young blocks at which they are in any case.
const MANY_YOUNG: i64 = 32;
/// Hours of hosts in one transaction: about a megabyte.
const HOURS_AT_ONCE: usize = 16;

/// One hour of one host, rewritten.
struct Rewritten {
    host_id: i64,
    hour: i64,
    /// The young blocks that are in it now.
    young: Vec<i64>,
    /// What could not be read: table, number, why.
    damaged: Vec<(&'static str, i64, Damaged)>,
    blocks: Vec<SealedBlock>,
}

/// Compacts all hours that have settled at `now`. `on_writer` runs a job on the writer's thread.
pub(crate) fn run(
    shared: &Shared,
    now: Timestamp,
    mut on_writer: impl FnMut(Job) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let conn = file::open_reader(&shared.path)?;
    let ripe = ripe_hours(&conn, now)?;
    for hours in ripe.chunks(HOURS_AT_ONCE) {
        let mut rewritten = Vec::with_capacity(hours.len());
        for (host_id, hour) in hours {
            rewritten.push(rewrite(&conn, &shared.counters, *host_id, *hour)?);
        }
        on_writer(Box::new(move |writer| store(writer, &rewritten)))?;
    }
    Ok(())
}

/// A piece of work for the writer.
pub(crate) type Job = Box<dyn FnOnce(&mut Writer) -> rusqlite::Result<()> + Send>;

/// The hours, each with its host, whose young blocks are to be taken up.
fn ripe_hours(conn: &Connection, now: Timestamp) -> rusqlite::Result<Vec<(i64, i64)>> {
    let settled = (now.as_millis() - HOUR_SETTLES_MS).div_euclid(HOUR_MS) - 1;
    let mut select = conn.prepare(
        "SELECT host_id, hour FROM young WHERE hour <= ?1 GROUP BY host_id, hour
         HAVING max(sealed_at) <= ?2 OR count(*) >= ?3 ORDER BY hour, host_id",
    )?;
    let quiet = now.as_millis() - LATE_SETTLES_MS;
    select.query_map([settled, quiet, MANY_YOUNG], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn rewrite(conn: &Connection, counters: &Counters, host_id: i64, hour: i64) -> rusqlite::Result<Rewritten> {
    let (mut young, mut damaged, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    let mut read = |origin: &'static str, sql: &str, params: [i64; 2]| -> rusqlite::Result<()> {
        let mut select = conn.prepare_cached(sql)?;
        let mut rows = select.query(params)?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            match Block::open(row.get_ref(1)?.as_blob()?).and_then(|block| block.table()) {
                Ok(table) => tables.push(table),
                Err(reason) => damaged.push((origin, id, reason)),
            }
            if origin == "young" {
                young.push(id);
            }
        }
        Ok(())
    };
    let ids = block_ids(hour, host_id);
    read("block", "SELECT id, data FROM block WHERE id BETWEEN ?1 AND ?2", [*ids.start(), *ids.end()])?;
    read(
        "young",
        "SELECT id, data FROM young WHERE host_id = ?1 AND hour = ?2 ORDER BY id",
        [host_id, hour],
    )?;
    counters.damaged.fetch_add(damaged.len() as u64, Ordering::Relaxed);
    let merged = merge(&tables);
    let blocks = split(&merged).iter().map(|table| SealedBlock::new(hour, table, Effort::Thorough)).collect();
    Ok(Rewritten { host_id, hour, young, damaged, blocks })
}

/// All rows of `tables` by time; of the values of a cell the one stored last counts.
pub(crate) fn merge(tables: &[Table]) -> Table {
    // Time, place in the order of storing, table, row.
    let mut order: Vec<(i64, i64, usize, usize)> = Vec::new();
    for (source, table) in tables.iter().enumerate() {
        let rows = table.timestamps.iter().zip(&table.seqs).enumerate();
        order.extend(rows.map(|(row, (at, seq))| (*at, *seq, source, row)));
    }
    order.sort_unstable();
    let mut merged = Table::default();
    let mut places = Vec::with_capacity(order.len());
    for (at, seq, _, _) in &order {
        if merged.timestamps.last() == Some(at) {
            merged.seqs.pop();
        } else {
            merged.timestamps.push(*at);
        }
        merged.seqs.push(*seq);
        places.push(merged.timestamps.len() - 1);
    }
    let ids: BTreeSet<MetricId> = tables.iter().flat_map(|table| &table.columns).map(|(id, _)| *id).collect();
    for id in ids {
        let sources: Vec<Option<&[f64]>> = tables.iter().map(|table| table.column(id)).collect();
        let mut values = vec![f64::NAN; merged.timestamps.len()];
        for ((_, _, source, row), place) in order.iter().zip(&places) {
            let value = sources.get(*source).copied().flatten().and_then(|values| values.get(*row));
            if let (Some(value), Some(cell)) = (value.filter(|value| !value.is_nan()), values.get_mut(*place))
            {
                *cell = *value;
            }
        }
        merged.columns.push((id, values));
    }
    merged
}

/// Pieces of at most [`MAX_ROWS`] rows, each without columns that are empty in it.
pub(crate) fn split(table: &Table) -> Vec<Table> {
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

fn store(writer: &mut Writer, rewritten: &[Rewritten]) -> rusqlite::Result<()> {
    writer.with_connection(|conn| {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for hour in rewritten {
            store_hour(&tx, hour)?;
        }
        tx.commit()
    })
}

fn store_hour(conn: &Connection, rewritten: &Rewritten) -> rusqlite::Result<()> {
    let Rewritten { host_id, hour, young, damaged, blocks } = rewritten;
    for (origin, id, reason) in damaged {
        conn.prepare_cached(&format!(
            "INSERT INTO quarantine (origin, reason, data) SELECT ?1, ?2, data FROM {origin} WHERE id = ?3"
        ))?
        .execute(params![format!("{origin} {id}"), reason.to_string(), id])?;
    }
    let mut delete = conn.prepare_cached("DELETE FROM young WHERE id = ?1")?;
    for id in young {
        delete.execute([id])?;
    }
    insert_blocks(conn, *host_id, *hour, blocks)?;
    rollup::invalidate(conn, *host_id, *hour)
}

/// Makes `blocks` all that there is of an hour.
pub(crate) fn insert_blocks(
    conn: &Connection,
    host_id: i64,
    hour: i64,
    blocks: &[SealedBlock],
) -> rusqlite::Result<()> {
    let ids = block_ids(hour, host_id);
    conn.prepare_cached("DELETE FROM block WHERE id BETWEEN ?1 AND ?2")?.execute([ids.start(), ids.end()])?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO block (id, host_id, seq0, seq1, cells, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (id, block) in ids.zip(blocks) {
        let cells = i64::try_from(block.cells).unwrap_or(i64::MAX);
        insert.execute(params![id, host_id, block.seqs.0, block.seqs.1, cells, block.data])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let pieces = split(&table);
        assert_eq!(
            pieces.iter().map(|piece| (piece.timestamps.len(), piece.columns.len())).collect::<Vec<_>>(),
            [(MAX_ROWS, 2), (1, 1)]
        );
    }
}
