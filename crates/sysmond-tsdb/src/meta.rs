//! What the file as a whole says of itself.

use crate::schema;
use rusqlite::{Connection, OptionalExtension, params};
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

/// Whose the file is, of any version; `None` where nothing in it tells.
pub(crate) fn keeper(conn: &Connection) -> rusqlite::Result<Option<Keeper>> {
    let has_table = schema::version(conn)? >= SINCE;
    if has_table {
        let mut select = conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        let word = select.query_row([KEEPER], |row| row.get::<_, String>(0)).optional()?;
        let known = |word: String| [Keeper::Aggregator, Keeper::Agent].into_iter().find(|k| k.name() == word);
        if let Some(keeper) = word.and_then(known) {
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
    let mut put = conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
    put.execute(params![KEEPER, keeper.name()]).map(drop)
}
