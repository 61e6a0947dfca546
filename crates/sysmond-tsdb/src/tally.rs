//! What each tier holds, without a scan: the file keeps count by hours and days.

use crate::budget::Sizes;
use crate::sealed::HOUR_MS;
use rusqlite::Connection;
use rusqlite::params;

/// A tier by its number in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Young = 1,
    Blocks = 2,
    Minutes = 3,
    TenMinutes = 4,
    Processes = 5,
}

impl Tier {
    /// How long one of the tier's spans is, milliseconds.
    pub(crate) const fn span_ms(self) -> i64 {
        match self {
            Self::Young | Self::Blocks | Self::Processes => HOUR_MS,
            Self::Minutes | Self::TenMinutes => 24 * HOUR_MS,
        }
    }
}

/// What a tier holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) bytes: u64,
    pub(crate) samples: u64,
    /// Its first hour or day.
    pub(crate) oldest: Option<i64>,
}

impl Held {
    /// What a sample takes, where there are any.
    pub(crate) fn bytes_per_sample(self) -> Option<f64> {
        (self.samples > 0).then(|| self.bytes as f64 / self.samples as f64)
    }
}

/// What all tiers hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) young: Held,
    pub(crate) blocks: Held,
    pub(crate) minutes: Held,
    pub(crate) ten_minutes: Held,
    /// Snapshots of processes; they are kept for as long as samples.
    pub(crate) processes: Held,
}

impl Tally {
    /// Reads it: a row for each hour and day that is kept.
    pub(crate) fn read(conn: &Connection) -> rusqlite::Result<Self> {
        let tier = |tier: Tier| held(conn, tier);
        Ok(Self {
            young: tier(Tier::Young)?,
            blocks: tier(Tier::Blocks)?,
            minutes: tier(Tier::Minutes)?,
            ten_minutes: tier(Tier::TenMinutes)?,
            processes: tier(Tier::Processes)?,
        })
    }

    /// Bytes as far as they can be trimmed.
    pub(crate) fn sizes(&self) -> Sizes {
        Sizes {
            raw: self.young.bytes + self.blocks.bytes + self.processes.bytes,
            minutes: self.minutes.bytes,
            ten_minutes: self.ten_minutes.bytes,
        }
    }

    /// The first hour that has samples in blocks.
    pub(crate) fn oldest_hour(&self) -> Option<i64> {
        [self.young.oldest, self.blocks.oldest].into_iter().flatten().min()
    }
}

fn held(conn: &Connection, tier: Tier) -> rusqlite::Result<Held> {
    let mut select = conn.prepare_cached(
        "SELECT coalesce(sum(bytes), 0), coalesce(sum(samples), 0), min(span) FROM tally WHERE tier = ?1",
    )?;
    select.query_row([tier as i64], |row| {
        Ok(Held {
            bytes: row.get::<_, i64>(0)?.unsigned_abs(),
            samples: row.get::<_, i64>(1)?.unsigned_abs(),
            oldest: row.get(2)?,
        })
    })
}

/// Bytes of snapshots of processes in `hours`.
pub(crate) fn bytes_of_processes(conn: &Connection, hours: std::ops::Range<i64>) -> rusqlite::Result<u64> {
    let mut select = conn.prepare_cached(
        "SELECT coalesce(sum(bytes), 0) FROM tally WHERE tier = 5 AND span >= ?1 AND span < ?2",
    )?;
    select.query_row([hours.start, hours.end], |row| row.get::<_, i64>(0).map(i64::unsigned_abs))
}

/// Samples in blocks of `hours`.
pub(crate) fn samples_of(conn: &Connection, hours: std::ops::Range<i64>) -> rusqlite::Result<u64> {
    let mut select = conn.prepare_cached(
        "SELECT coalesce(sum(samples), 0) FROM tally WHERE tier IN (1, 2) AND span >= ?1 AND span < ?2",
    )?;
    select.query_row([hours.start, hours.end], |row| row.get::<_, i64>(0).map(i64::unsigned_abs))
}

/// The span up to which tiers have to give to free so many bytes; at most `before`. `None` where they have nothing
/// before it.
pub(crate) fn cut(
    conn: &Connection,
    tiers: [Tier; 3],
    bytes: u64,
    before: i64,
) -> rusqlite::Result<Option<i64>> {
    let mut select = conn.prepare_cached(
        "SELECT span, sum(bytes) FROM tally WHERE tier IN (?1, ?2, ?3) AND span < ?4 GROUP BY span ORDER BY span",
    )?;
    let mut rows = select.query(params![tiers[0] as i64, tiers[1] as i64, tiers[2] as i64, before])?;
    let (mut freed, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        last = Some(row.get::<_, i64>(0)? + 1);
        freed += row.get::<_, i64>(1)?.unsigned_abs();
        if freed >= bytes {
            break;
        }
    }
    Ok(last)
}

/// The size of the pages that hold something, bytes.
pub(crate) fn used_bytes(conn: &Connection) -> rusqlite::Result<u64> {
    let (pages, free) = pages(conn)?;
    Ok((pages - free) * crate::writer::PAGE_BYTES)
}

/// Pages of the file, and those of them that are free.
pub(crate) fn pages(conn: &Connection) -> rusqlite::Result<(u64, u64)> {
    let pages: u32 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let free: u32 = conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    Ok((u64::from(pages), u64::from(free.min(pages))))
}
