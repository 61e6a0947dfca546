//! What the file as a whole says of itself.

use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// Silence after which the server that has the file, or had it last, calls a host offline; milliseconds.
const OFFLINE_AFTER: &str = "offline_after_ms";

/// The limit of silence of the server that has the file; `None` where none ever said.
pub(crate) fn offline_after(conn: &Connection) -> rusqlite::Result<Option<Duration>> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    let millis = select.query_row([OFFLINE_AFTER], |row| row.get::<_, i64>(0)).optional()?;
    Ok(millis.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis))
}

/// Writes it.
pub(crate) fn set_offline_after(conn: &Connection, limit: Duration) -> rusqlite::Result<()> {
    let millis = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
    let mut put = conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
    put.execute(params![OFFLINE_AFTER, millis]).map(drop)
}
