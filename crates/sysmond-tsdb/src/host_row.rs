//! A host's row in the file.

use rusqlite::{Connection, params};
use sysmond_model::{Host, StaticInfo};

/// Writes it.
pub(crate) fn write(
    conn: &Connection,
    id: i64,
    host: &Host,
    static_info: Option<&StaticInfo>,
) -> rusqlite::Result<()> {
    let Host { info, first_seen, last_seen } = host;
    let mut upsert = conn.prepare_cached(
        "INSERT INTO hosts (hostname, first_seen, last_seen, tags, version, platform, status, host_id, static_info)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'online', ?7, ?8)
         ON CONFLICT (hostname) DO UPDATE SET last_seen = excluded.last_seen, tags = excluded.tags,
         version = excluded.version, platform = excluded.platform, status = excluded.status,
         static_info = excluded.static_info",
    )?;
    upsert.execute(params![
        info.hostname,
        first_seen.as_seconds(),
        last_seen.as_seconds(),
        json(&info.tags),
        info.version,
        info.platform,
        id,
        static_info.map(json),
    ])?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("maps with string keys and plain structs have JSON")
}
