//! The tables and their versions.

use rusqlite::{Connection, TransactionBehavior, ffi};

/// Marks a SQLite file as sysmon's: "sysm".
pub(crate) const APPLICATION_ID: i64 = 0x7379_736d;

/// What turns version N into N + 1. Never edited once released, only added to.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/0001.sql")];

/// The version that this program writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len().cast_signed() as i64;

/// The version of an open file; 0 where it is new.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether the file is another program's database: it has tables but not our mark.
pub(crate) fn is_foreign(conn: &Connection) -> rusqlite::Result<bool> {
    let id: i64 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let objects: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(id != APPLICATION_ID && objects > 0)
}

/// Brings the file to [`VERSION`], each step in a transaction of its own.
pub(crate) fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
    let from = usize::try_from(version(conn)?).unwrap_or(0);
    for (sql, to) in MIGRATIONS.iter().zip(1_i64..).skip(from) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", to)?;
        tx.commit()?;
    }
    Ok(())
}

/// The error of a file whose content breaks its own rules.
pub(crate) fn damaged(what: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(what.to_owned()))
}

/// An error that SQLite did not make itself.
pub(crate) fn failed(what: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(what.to_owned()))
}
