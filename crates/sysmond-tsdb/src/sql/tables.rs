//! The two documented tables as temporary views, and the functions that they need.

use crate::row;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use std::time::Duration;
use sysmond_model::Timestamp;

/// Makes `hosts` and `metrics`. The temporary views stand before the stored tables in the search for a name.
pub(super) fn offer(conn: &Connection, offline_after: Duration) -> rusqlite::Result<()> {
    set_now(conn, Timestamp::default())?;
    conn.create_scalar_function("sysmond_cell", 3, FunctionFlags::SQLITE_DETERMINISTIC, |context| {
        let data = context.get_raw(0).as_blob()?;
        let index = |argument| Ok(usize::try_from(context.get::<i64>(argument)?).unwrap_or(usize::MAX));
        let (width, column): (usize, usize) = (index(1)?, index(2).map_err(|error: rusqlite::Error| error)?);
        Ok(row::cell(data, width, column))
    })?;
    let offline_seconds = offline_after.as_secs();
    conn.execute_batch(&format!(
        "CREATE TEMP VIEW hosts AS SELECT hostname, first_seen, last_seen, tags, version, platform,
             CASE WHEN last_seen > current_timestamp - {offline_seconds} THEN 'online' ELSE 'offline' END AS status
             FROM main.hosts;
         CREATE TEMP VIEW metrics AS SELECT
             CASE WHEN tick.timestamp % 1000 = 0 THEN tick.timestamp / 1000 ELSE tick.timestamp / 1000.0 END AS timestamp,
             metric.metric_type AS metric_type, owner.hostname AS host, metric.tags AS tags,
             sysmond_cell(tick.data, (SELECT count(*) FROM main.layout AS whole WHERE whole.layout_id = tick.layout_id),
                 layout.position) AS value
             FROM main.tick AS tick
             JOIN main.hosts AS owner ON owner.host_id = tick.host_id
             JOIN main.layout AS layout ON layout.layout_id = tick.layout_id
             JOIN main.metric AS metric ON metric.id = layout.metric_id
             WHERE sysmond_cell(tick.data, (SELECT count(*) FROM main.layout AS whole
                 WHERE whole.layout_id = tick.layout_id), layout.position) IS NOT NULL;"
    ))
}

/// Sets what the function `current_timestamp` gives: Unix seconds, where SQLite itself has text and
/// `current_timestamp - 300` is the year less 300.
pub(super) fn set_now(conn: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let seconds = now.as_seconds();
    conn.create_scalar_function("current_timestamp", 0, FunctionFlags::SQLITE_INNOCUOUS, move |_| Ok(seconds))
}
