//! The time of a tier's first sample: its hour is known from counts, and the sample where few pieces begin it.

use crate::codec::block::Block;
use crate::sealed::hour_ids;
use crate::tally::Tier;
use rusqlite::Connection;

/// Pieces of the first hour that are looked into: a small history wants to be told by the second, a large one is not
/// worth the reading.
const MOST_PIECES: i64 = 32;

/// The first sample of the tier's `hour`, milliseconds; `None` where the hour has too many pieces, where one of them
/// cannot be read, and of tiers that are no samples.
pub(crate) fn of_hour(conn: &Connection, tier: Tier, hour: i64) -> rusqlite::Result<Option<i64>> {
    let (select, from, to) = match tier {
        Tier::Young => ("SELECT data FROM young WHERE hour BETWEEN ?1 AND ?2 LIMIT ?3", hour, hour),
        Tier::Blocks => {
            let ids = hour_ids(hour);
            ("SELECT data FROM block WHERE id BETWEEN ?1 AND ?2 LIMIT ?3", *ids.start(), *ids.end())
        }
        Tier::Minutes | Tier::TenMinutes | Tier::Processes => return Ok(None),
    };
    let mut select = conn.prepare_cached(select)?;
    let mut rows = select.query((from, to, MOST_PIECES + 1))?;
    let (mut first, mut pieces) = (None, 0);
    while let Some(row) = rows.next()? {
        let times = Block::open(row.get_ref(0)?.as_blob()?).and_then(|block| block.timestamps());
        let time = times.ok().and_then(|times| times.first().copied());
        pieces += 1;
        if time.is_none() || pieces > MOST_PIECES {
            return Ok(None);
        }
        first = if pieces == 1 { time } else { first.min(time) };
    }
    Ok(first)
}
