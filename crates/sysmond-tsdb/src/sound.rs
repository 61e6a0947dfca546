//! Whether what lies in a file's tables is as it was written: the checksum of each piece is compared, and nothing is
//! decoded. SQLite itself knows its pages' structure and none of their contents.

use crate::codec::Damaged;
use crate::codec::block::Block;
use crate::log;
use crate::processes;
use crate::quarantine::Origin;
use rusqlite::Connection;

/// Where pieces lie, and how the checksum of one is compared.
type Check = fn(&[u8]) -> Result<(), Damaged>;
const TABLES: [(Origin, Check); 6] = [
    (Origin::Log, log::check),
    (Origin::Young, block),
    (Origin::Block, block),
    (Origin::Rollup, block),
    (Origin::ProcessHour, processes::bytes::check),
    (Origin::Snapshot, processes::bytes::check),
];

/// How many pieces of a file of any version are not what was written. What has no checksum (names of hosts and metrics,
/// counts) is not looked at.
pub(crate) fn damaged(conn: &Connection) -> rusqlite::Result<u64> {
    let mut count = 0;
    for (origin, check) in TABLES {
        if conn.table_exists(None, origin.table())? {
            count += damaged_of(conn, origin, check)?;
        }
    }
    Ok(count)
}

fn damaged_of(conn: &Connection, origin: Origin, check: Check) -> rusqlite::Result<u64> {
    let mut select = conn.prepare(&format!("SELECT data FROM {}", origin.table()))?;
    let mut rows = select.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        // A value of another type was never written either.
        let is_sound = row.get_ref(0)?.as_blob().is_ok_and(|data| check(data).is_ok());
        count += u64::from(!is_sound);
    }
    Ok(count)
}

fn block(data: &[u8]) -> Result<(), Damaged> {
    Block::open(data)?.check()
}
