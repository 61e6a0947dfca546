//! The tables and their versions.

use crate::codec::ints::Effort;
use crate::head::{HeadRow, LATEST_WINDOW_MS};
use crate::names::Names;
use crate::newest::Newest;
use crate::seal::SealedBlock;
use crate::sealed::{self, hour_of};
use crate::{compact, pieces, row};
use rusqlite::{Connection, TransactionBehavior, ffi, params};

/// Marks a SQLite file as sysmon's: "sysm".
pub(crate) const APPLICATION_ID: i64 = 0x7379_736d;

/// What turns version N into N + 1. Never edited once released, only added to.
pub(crate) const MIGRATIONS: [&str; 8] = [
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
    include_str!("../migrations/0003.sql"),
    include_str!("../migrations/0004.sql"),
    include_str!("../migrations/0005.sql"),
    include_str!("../migrations/0006.sql"),
    include_str!("../migrations/0007.sql"),
    include_str!("../migrations/0008.sql"),
];

/// The version that this program writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len().cast_signed() as i64;

/// The version of an open file; 0 where it is new.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Counts the tables that every file of ours has had since version 2.
const OURS: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'
    AND name IN ('hosts', 'metric', 'layout', 'host_layout', 'host_state', 'young', 'block', 'rollup')";

/// Whether the file is another program's database: it has tables but not our mark. With our tables it is ours, and
/// damaged.
pub(crate) fn is_foreign(conn: &Connection) -> rusqlite::Result<bool> {
    let id: i64 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let objects: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id == APPLICATION_ID || objects == 0 {
        return Ok(false);
    }
    let ours: i64 = conn.query_row(OURS, [], |row| row.get(0))?;
    if ours == 8 { Err(damaged("the file's application id is wrong")) } else { Ok(true) }
}

/// How far a file of an older version is on its way to this program's. A large one takes minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The version that it had.
    pub from: i64,
    /// The version that it has.
    pub at: i64,
    /// The version that it will have.
    pub to: i64,
}

/// Brings the file to [`VERSION`], each step in a transaction of its own. Where it is an older one and no new file,
/// `told` is called before the first step and after each.
pub(crate) fn migrate(conn: &mut Connection, told: &mut dyn FnMut(Upgrade)) -> rusqlite::Result<()> {
    let from = version(conn)?;
    let mut tell = |at: i64| {
        if from > 0 && from < VERSION {
            told(Upgrade { from, at, to: VERSION });
        }
    };
    tell(from);
    for (sql, to) in MIGRATIONS.iter().zip(1_i64..).skip(usize::try_from(from).unwrap_or(0)) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql).map_err(|error| step_failed(to, error))?;
        match to {
            2 => rows_to_blocks(&tx)?,
            3 => fill_newest(&tx)?,
            _ => {}
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", to)?;
        tx.commit()?;
        tell(to);
    }
    Ok(())
}

/// The error of a step in one sentence: SQLite's own has the whole of its statements with it.
fn step_failed(to: i64, error: rusqlite::Error) -> rusqlite::Error {
    let (code, reason) = match &error {
        rusqlite::Error::SqlInputError { error, msg, .. } => (*error, msg.clone()),
        rusqlite::Error::SqliteFailure(code, reason) => (*code, reason.clone().unwrap_or_default()),
        _ => return error,
    };
    let word = format!(
        "step {to} of {VERSION} that bring the file forward failed, which is as it was ({reason}): \
         use the program that wrote it last, or restore a backup"
    );
    rusqlite::Error::SqliteFailure(code, Some(word))
}

/// Moves the rows of version 1 into blocks, a host and an hour at a time.
fn rows_to_blocks(conn: &Connection) -> rusqlite::Result<()> {
    let names = Names::load(conn)?;
    let mut hosts = conn.prepare("SELECT host_id FROM hosts")?;
    let hosts: Vec<i64> = hosts.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for host_id in hosts {
        let mut select = conn.prepare_cached(
            "SELECT timestamp, seq, layout_id, data FROM tick WHERE host_id = ?1 ORDER BY timestamp",
        )?;
        let mut found = select.query([host_id])?;
        let mut rows: Vec<(i64, HeadRow)> = Vec::new();
        let (mut sealed_seq, mut newest) = (0, None);
        while let Some(row) = found.next()? {
            let (at, seq) = (row.get(0)?, row.get(1)?);
            if rows.last().is_some_and(|(last, _)| hour_of(*last) != hour_of(at)) {
                put_hour(conn, host_id, &std::mem::take(&mut rows))?;
            }
            let layout = names.layout(row.get(2)?).cloned().unwrap_or_default();
            if let Some(values) = row::decode(row.get_ref(3)?.as_blob()?, layout.len()) {
                rows.push((at, HeadRow::single(at, seq, layout, values)));
            }
            (sealed_seq, newest) = (seq.max(sealed_seq), Some(at));
        }
        put_hour(conn, host_id, &rows)?;
        if let Some(newest) = newest {
            conn.prepare_cached("INSERT INTO host_state (host_id, sealed_seq, newest) VALUES (?1, ?2, ?3)")?
                .execute([host_id, sealed_seq, newest])?;
        }
    }
    conn.execute_batch("DROP TABLE tick")
}

fn put_hour(conn: &Connection, host_id: i64, rows: &[(i64, HeadRow)]) -> rusqlite::Result<()> {
    let Some((first, _)) = rows.first() else {
        return Ok(());
    };
    let hour = hour_of(*first);
    let tables = pieces::of_rows(rows);
    let blocks: Vec<SealedBlock> =
        tables.iter().map(|table| SealedBlock::new(hour, table, Effort::Thorough)).collect();
    let rest = compact::insert_blocks(conn, host_id, hour, &blocks)?;
    if rest.is_empty() { Ok(()) } else { Err(failed("more in an hour of a host than it has blocks for")) }
}

/// Writes beside each host's blocks the newest values that are in them. Blocks that cannot be read are left for whoever
/// reads them next.
fn fill_newest(conn: &Connection) -> rusqlite::Result<()> {
    let mut hosts = conn.prepare("SELECT host_id, newest FROM host_state WHERE newest IS NOT NULL")?;
    let hosts: Vec<(i64, i64)> =
        hosts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    for (host_id, newest) in hosts {
        let mut last = Newest::default();
        for hour in hour_of(newest.saturating_sub(LATEST_WINDOW_MS))..=hour_of(newest) {
            for blob in sealed::blobs(conn, host_id, hour)? {
                if let Ok(table) = blob.block().and_then(|block| block.table()) {
                    last.observe_table(&table);
                }
            }
        }
        conn.prepare_cached("UPDATE host_state SET last = ?2 WHERE host_id = ?1")?
            .execute(params![host_id, last.to_bytes()])?;
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
