//! The documented tables, and the functions that they need.

use super::{metrics, processes};
use crate::snapshot::Snapshot;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use std::time::Duration;
use sysmond_model::Timestamp;

/// Makes `hosts`, `metrics` and `processes`. The temporary view stands before the stored table in the search for a
/// name.
pub(super) fn offer(conn: &Connection, snapshot: &Snapshot, offline_after: Duration) -> rusqlite::Result<()> {
    set_now(conn, Timestamp::default())?;
    metrics::offer(conn, snapshot)?;
    processes::offer(conn, snapshot)?;
    let snapshot = snapshot.clone();
    conn.create_scalar_function("sysmond_last_seen", 2, FunctionFlags::SQLITE_INNOCUOUS, move |context| {
        Ok(snapshot.lock().last_seen(context.get(0)?, context.get(1)?))
    })?;
    let offline_seconds = offline_after.as_secs();
    conn.execute_batch(&format!(
        "CREATE TEMP VIEW hosts AS
             SELECT hostname, first_seen, last_seen, tags, version, platform,
                 CASE WHEN last_seen > current_timestamp - {offline_seconds} THEN 'online' ELSE 'offline' END AS status
             FROM (SELECT hostname, first_seen, sysmond_last_seen(host_id, last_seen) AS last_seen, tags, version, platform
                 FROM main.hosts);"
    ))
}

/// Sets what the function `current_timestamp` gives: Unix seconds, where SQLite itself has text and
/// `current_timestamp - 300` is the year less 300.
pub(super) fn set_now(conn: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let seconds = now.as_seconds();
    conn.create_scalar_function("current_timestamp", 0, FunctionFlags::SQLITE_INNOCUOUS, move |_| Ok(seconds))
}
