//! Rows in the order they were stored: what an agent has still to push.

use crate::names::LayoutId;
use crate::writer::Shared;
use crate::{Backlog, Cursor, QueryError, row, schema};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use sysmond_model::{Frame, Shape, Timestamp};

/// At most `max_rows` rows of the host `hostname` behind `after`.
pub(crate) fn read_after(
    shared: &Shared,
    hostname: &str,
    after: Cursor,
    max_rows: usize,
) -> Result<Backlog, QueryError> {
    let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
    let host_id = memory.hosts.get(hostname).map(|entry| entry.id);
    drop(memory);
    let host_id = host_id.ok_or_else(|| QueryError::UnknownHost(hostname.to_owned()))?;
    shared.readers.ask(|conn, _| read_rows(shared, conn, host_id, after, max_rows))
}

fn read_rows(
    shared: &Shared,
    conn: &Connection,
    host_id: i64,
    after: Cursor,
    max_rows: usize,
) -> Result<Backlog, QueryError> {
    let mut shapes: HashMap<LayoutId, Arc<Shape>> = HashMap::new();
    let mut backlog = Backlog { frames: Vec::new(), next: after };
    let mut statement = conn.prepare_cached(
        "SELECT seq, timestamp, layout_id, data FROM tick WHERE host_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let limit = i64::try_from(max_rows).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![host_id, after.0, limit])?;
    while let Some(row) = rows.next()? {
        backlog.next = Cursor(row.get(0)?);
        let timestamp = Timestamp::from_millis(row.get(1)?);
        let layout_id: LayoutId = row.get(2)?;
        let shape = match shapes.get(&layout_id) {
            Some(shape) => shape.clone(),
            None => shapes.entry(layout_id).or_insert(shape_of(shared, layout_id)?).clone(),
        };
        let data = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        let values =
            row::decode(data, shape.len()).ok_or_else(|| schema::damaged("a row does not fit its layout"))?;
        match backlog.frames.last_mut().filter(|frame| Arc::ptr_eq(frame.shape(), &shape)) {
            Some(frame) => frame.push_row(timestamp, &values),
            None => backlog.frames.push(frame_of(shape, timestamp, &values)),
        }
    }
    Ok(backlog)
}

fn frame_of(shape: Arc<Shape>, timestamp: Timestamp, values: &[f64]) -> Frame {
    let mut frame = Frame::new(shape);
    frame.push_row(timestamp, values);
    frame
}

fn shape_of(shared: &Shared, layout_id: LayoutId) -> rusqlite::Result<Arc<Shape>> {
    let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
    let layout = names.layout(layout_id).ok_or_else(|| schema::damaged("unknown layout"))?;
    let series = layout.iter().map(|id| names.series(*id).map(|series| series.as_ref().clone()));
    Ok(Shape::new(series.collect::<Option<_>>().ok_or_else(|| schema::damaged("unknown metric"))?))
}

/// The durable cursor of that name, or the beginning.
pub(crate) fn cursor(shared: &Shared, name: &str) -> Result<Cursor, QueryError> {
    shared.readers.ask(|conn, _| {
        let mut select = conn.prepare_cached("SELECT seq FROM cursor WHERE name = ?1")?;
        Ok(select.query_row([name], |row| row.get(0).map(Cursor)).optional()?.unwrap_or_default())
    })
}
