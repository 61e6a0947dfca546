//! Rows in the order they were stored: what an agent has still to push.

use crate::codec::block::{Block, Table};
use crate::head::HeadRow;
use crate::names::{MetricId, Names};
use crate::quarantine::{Origin, Piece};
use crate::writer::Shared;
use crate::{Backlog, Cursor, QueryError, schema};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, PoisonError};
use sysmond_model::{Frame, Shape, Timestamp};

/// A row on its way out: its time and the frame's columns it belongs to.
struct Out {
    at: i64,
    columns: Arc<[MetricId]>,
    values: Vec<f64>,
}

/// At most `max_rows` rows of the host `hostname` behind `after`.
pub(crate) fn read_after(
    shared: &Shared,
    hostname: &str,
    after: Cursor,
    max_rows: usize,
) -> Result<Backlog, QueryError> {
    let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
    let cell = memory.hosts.get(hostname).cloned();
    drop(memory);
    let cell = cell.ok_or_else(|| QueryError::UnknownHost(hostname.to_owned()))?;
    // Before the blocks: rows that are sealed in between are then seen twice, never missed.
    let (head, first): (Vec<(i64, HeadRow)>, _) = {
        let state = cell.lock();
        let rows = state.head.rows();
        let first = rows.iter().map(|(_, row)| row.seq()).min();
        (rows.iter().filter(|(_, row)| row.seq() > after.0).cloned().collect(), first)
    };
    // What is in blocks was stored before all that is in the head: with that row behind `after`, none of it is new.
    let is_all = first.is_some_and(|first| first <= after.0 + 1);
    let mut rows = if is_all {
        BTreeMap::new()
    } else {
        shared.readers.ask(|conn, _| sealed_rows(shared, conn, cell.id, after, max_rows))?
    };
    // Behind the rows that were read there may be more in blocks; those of the head come after them.
    if rows.len() < max_rows {
        rows.extend(head.into_iter().map(|(at, row)| (row.seq(), out(at, &row))));
    }
    while rows.len() > max_rows {
        rows.pop_last();
    }
    Ok(frames(&shared.names.read().unwrap_or_else(PoisonError::into_inner), rows, after)?)
}

fn out(at: i64, row: &HeadRow) -> Out {
    Out { at, columns: row.layout().clone(), values: row.values().to_vec() }
}

/// The first rows behind `after` that are in blocks, by place in the order of storing.
fn sealed_rows(
    shared: &Shared,
    conn: &Connection,
    host_id: i64,
    after: Cursor,
    max_rows: usize,
) -> Result<BTreeMap<i64, Out>, QueryError> {
    let mut select = conn.prepare_cached(
        "SELECT seq0, id, 0 FROM block WHERE host_id = ?1 AND seq1 > ?2
         UNION ALL SELECT seq0, id, 1 FROM young WHERE host_id = ?1 AND seq1 > ?2 ORDER BY 1",
    )?;
    let mut found = select.query([host_id, after.0])?;
    let mut rows = BTreeMap::new();
    while let Some(row) = found.next()? {
        let first: i64 = row.get(0)?;
        // Blocks that begin behind enough rows have none that comes before them.
        if rows.range(..first).count() >= max_rows {
            break;
        }
        let (origin, sql) = match row.get(2)? {
            0 => (Origin::Block, "SELECT data FROM block WHERE id = ?1"),
            _ => (Origin::Young, "SELECT data FROM young WHERE id = ?1"),
        };
        let piece = Piece { origin, id: row.get(1)? };
        let data: Vec<u8> = conn.prepare_cached(sql)?.query_row([piece.id], |row| row.get(0))?;
        let table = Block::open(&data).and_then(|block| block.table());
        if let Some(table) = shared.counters.damages.sound(piece, table) {
            take_rows(&table, after, &mut rows);
        }
    }
    Ok(rows)
}

fn take_rows(table: &Table, after: Cursor, rows: &mut BTreeMap<i64, Out>) {
    let columns: Arc<[MetricId]> = table.columns.iter().map(|(id, _)| *id).collect();
    let numbered = table.timestamps.iter().zip(&table.seqs).enumerate();
    for (row, (at, seq)) in numbered.filter(|(_, (_, seq))| **seq > after.0) {
        let values = table.columns.iter().map(|(_, values)| values.get(row).copied().unwrap_or(f64::NAN));
        let fresh = Out { at: *at, columns: columns.clone(), values: values.collect() };
        match rows.entry(*seq) {
            Entry::Vacant(place) => drop(place.insert(fresh)),
            Entry::Occupied(mut place) => place.get_mut().extend(&fresh),
        }
    }
}

impl Out {
    /// Takes the cells of the same row that stood in another block.
    fn extend(&mut self, more: &Self) {
        let mut cells: BTreeMap<MetricId, f64> = BTreeMap::new();
        for Self { columns, values, .. } in [&*self, more] {
            let present = columns.iter().copied().zip(values.iter().copied()).filter(|(_, v)| !v.is_nan());
            cells.extend(present);
        }
        self.columns = cells.keys().copied().collect();
        self.values = cells.into_values().collect();
    }
}

fn frames(names: &Names, rows: BTreeMap<i64, Out>, after: Cursor) -> rusqlite::Result<Backlog> {
    let mut backlog = Backlog { frames: Vec::new(), next: after };
    let mut current: Option<Arc<[MetricId]>> = None;
    for (seq, Out { at, columns, values }) in rows {
        backlog.next = Cursor(seq);
        if current.as_ref() != Some(&columns) {
            backlog.frames.push(Frame::new(shape(names, &columns)?));
            current = Some(columns);
        }
        if let Some(frame) = backlog.frames.last_mut() {
            frame.push_row(Timestamp::from_millis(at), &values);
        }
    }
    Ok(backlog)
}

fn shape(names: &Names, columns: &[MetricId]) -> rusqlite::Result<Arc<Shape>> {
    let series = columns.iter().map(|id| names.series(*id).map(|series| series.as_ref().clone()));
    Ok(Shape::new(series.collect::<Option<_>>().ok_or_else(|| schema::damaged("unknown metric"))?))
}
