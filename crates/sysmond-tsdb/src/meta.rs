//! What the file as a whole says of itself.

use crate::schema;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use std::fmt;
use std::time::Duration;

/// Silence after which the server that has the file, or had it last, calls a host offline; milliseconds.
const OFFLINE_AFTER: &str = "offline_after_ms";
/// Whose the file is.
const KEEPER: &str = "keeper";
/// The first version of the file that has the table.
const SINCE: i64 = 4;

/// The part of sysmon that keeps a store. Their files have the same tables, and neither is of use to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The aggregator: every host's history.
    Aggregator,
    /// An agent: its host's own, and up to where it was delivered.
    Agent,
}

impl Keeper {
    /// The word for it in the file and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aggregator => "aggregator",
            Self::Agent => "agent",
        }
    }
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an {}'s", self.name())
    }
}

/// Up to what time silent hosts have aged; milliseconds.
const AGED_TO: &str = "aged_to_ms";
/// The number of the next new host, once one was forgotten: rows of the log may still have the number of that one.
const NEXT_HOST: &str = "next_host";

/// The limit of silence of the server that has the file; `None` where none ever said.
pub(crate) fn offline_after(conn: &Connection) -> rusqlite::Result<Option<Duration>> {
    let millis: Option<i64> = get(conn, OFFLINE_AFTER)?;
    Ok(millis.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis))
}

/// Writes it.
pub(crate) fn set_offline_after(conn: &Connection, limit: Duration) -> rusqlite::Result<()> {
    set(conn, OFFLINE_AFTER, i64::try_from(limit.as_millis()).unwrap_or(i64::MAX))
}

/// Up to what time silent hosts have aged, milliseconds; `None` before the first round of upkeep.
pub(crate) fn aged_to(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    get(conn, AGED_TO)
}

/// Writes it.
pub(crate) fn set_aged_to(conn: &Connection, millis: i64) -> rusqlite::Result<()> {
    set(conn, AGED_TO, millis)
}

/// The least number that a new host may have.
pub(crate) fn next_host(conn: &Connection) -> rusqlite::Result<i64> {
    Ok(get(conn, NEXT_HOST)?.unwrap_or(1))
}

/// Writes it.
pub(crate) fn set_next_host(conn: &Connection, number: i64) -> rusqlite::Result<()> {
    set(conn, NEXT_HOST, number)
}

/// What stands before the name of a host that is to be forgotten.
const FORGET: &str = "forget:";

/// Writes down that a host is to be forgotten.
pub(crate) fn want_forgotten(conn: &Connection, hostname: &str) -> rusqlite::Result<()> {
    set(conn, &format!("{FORGET}{hostname}"), 1)
}

/// The hosts that are to be forgotten.
pub(crate) fn wanted_forgotten(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select =
        conn.prepare_cached("SELECT substr(key, ?2) FROM meta WHERE substr(key, 1, ?2 - 1) = ?1")?;
    let from = i64::try_from(FORGET.len()).unwrap_or(0) + 1;
    select.query_map(params![FORGET, from], |row| row.get(0))?.collect()
}

/// Forgets that it was to be.
pub(crate) fn forget_wish(conn: &Connection, hostname: &str) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([format!("{FORGET}{hostname}")]).map(drop)
}

fn get<T: FromSql>(conn: &Connection, key: &str) -> rusqlite::Result<Option<T>> {
    conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// Writes nothing where nothing changes: an up-to-date file is opened also where there is no room.
fn set(conn: &Connection, key: &str, value: impl ToSql) -> rusqlite::Result<()> {
    let mut put = conn.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value",
    )?;
    put.execute(params![key, value]).map(drop)
}

/// Whose the file is, of any version; `None` where nothing in it tells.
pub(crate) fn keeper(conn: &Connection) -> rusqlite::Result<Option<Keeper>> {
    let has_table = schema::version(conn)? >= SINCE;
    if has_table {
        let known = |word: String| [Keeper::Aggregator, Keeper::Agent].into_iter().find(|k| k.name() == word);
        if let Some(keeper) = get(conn, KEEPER)?.and_then(known) {
            return Ok(Some(keeper));
        }
    }
    // Before it was written down, an aggregator wrote its limit of silence at each start, and only an agent delivers.
    let has_limit = has_table && offline_after(conn)?.is_some();
    let delivers: bool = conn.query_row("SELECT EXISTS (SELECT 1 FROM cursor)", [], |row| row.get(0))?;
    Ok(match (has_limit, delivers) {
        (true, false) => Some(Keeper::Aggregator),
        (false, true) => Some(Keeper::Agent),
        _ => None,
    })
}

/// Writes it.
pub(crate) fn set_keeper(conn: &Connection, keeper: Keeper) -> rusqlite::Result<()> {
    set(conn, KEEPER, keeper.name())
}
