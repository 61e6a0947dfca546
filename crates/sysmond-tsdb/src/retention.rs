//! What is too old or too much goes, in slices short enough that no push waits for them: samples by whole hours, their
//! summaries by whole days, the coarser for longer.

use crate::batch::LAYOUT_USE_SLACK_MS;
use crate::head::HostCell;
use crate::meta;
use crate::rollup::{self, DAY_MS, Tier};
use crate::sealed::{HOUR_MS, block_hour, block_ids, hour_of};
use crate::writer::{PAGE_BYTES, Shared, Writer, checkpoint, limit_pages};
use crate::{QueryError, file};
use rusqlite::{Connection, OptionalExtension};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use sysmond_model::Timestamp;

/// How long one slice may hold the writer.
const SLICE: Duration = Duration::from_millis(15);
/// Rows between two looks at the clock.
const ROWS_PER_STEP: i64 = 4;
/// Free pages given back to the file system at once.
const VACUUM_PAGES: u64 = 256;
/// Free pages that a file may keep whatever its size: 32 MB.
const MANY_FREE_PAGES: u32 = 8192;
/// Size of SQLite's own log at which it is emptied: twice what its automatic checkpoints leave.
const MAX_WAL_BYTES: u64 = 32 * 1024 * 1024;
/// Silence after which the `status` written beside a host becomes `offline`, where no server said another.
const OFFLINE_AFTER: Duration = Duration::from_mins(5);
/// How many times longer than samples their summaries are kept: 90 days by minutes and two years by ten minutes where
/// samples are kept for 15 days.
const KEEP_MINUTES: i64 = 6;
const KEEP_TEN_MINUTES: i64 = 48;

/// What is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cutoff {
    /// Samples of earlier hours.
    pub(crate) hour: i64,
    /// Summaries of earlier days.
    pub(crate) minutes_day: i64,
    pub(crate) ten_minutes_day: i64,
}

impl Cutoff {
    /// What is too old of a host: hours and days that have wholly passed out of the retention. Age counts back from
    /// `now`, or from the host's newest sample where that is older: a host that fell silent keeps its last stretch.
    fn by_age(now: i64, newest: i64, retention: Duration) -> Self {
        let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let before = |times: i64| now.min(newest).saturating_sub(retention.saturating_mul(times)).max(0);
        Self {
            hour: hour_of(before(1)),
            minutes_day: before(KEEP_MINUTES) / DAY_MS,
            ten_minutes_day: before(KEEP_TEN_MINUTES) / DAY_MS,
        }
    }

    fn max(self, other: Self) -> Self {
        Self {
            hour: self.hour.max(other.hour),
            minutes_day: self.minutes_day.max(other.minutes_day),
            ten_minutes_day: self.ten_minutes_day.max(other.ten_minutes_day),
        }
    }

    /// What would bring the file below its budget: the oldest samples, then the oldest summaries. `None` where it is
    /// below, or nothing is left.
    pub(crate) fn by_budget(shared: &Shared, conn: &Connection) -> Result<Option<Self>, QueryError> {
        let pages: u32 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let free: u32 = conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        let used = u64::from(pages.saturating_sub(free)) * PAGE_BYTES;
        let over = used.saturating_sub(shared.options.max_disk_bytes);
        if over == 0 {
            return Ok(None);
        }
        if let Some(hour) = hour_behind(conn, i64::try_from(over).unwrap_or(i64::MAX))? {
            return Ok(Some(Self { hour, ..Self::default() }));
        }
        if let Some(day) = rollup::oldest_day(conn, Tier::Minute)? {
            return Ok(Some(Self { minutes_day: day + 1, ..Self::default() }));
        }
        Ok(rollup::oldest_day(conn, Tier::TenMinutes)?
            .map(|day| Self { ten_minutes_day: day + 1, ..Self::default() }))
    }
}

/// The hour up to which samples have to go to free so many bytes, or up to which there are any.
fn hour_behind(conn: &Connection, bytes: i64) -> rusqlite::Result<Option<i64>> {
    let (mut freed, mut last) = (0, None);
    let mut select = conn.prepare_cached("SELECT id, length(data) FROM block ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let hour = block_hour(row.get(0)?);
        if freed >= bytes && last != Some(hour) {
            return Ok(last.map(|hour| hour + 1));
        }
        last = Some(hour);
        freed += row.get::<_, i64>(1)?;
    }
    if last.is_none() {
        last = conn
            .prepare_cached("SELECT hour FROM young ORDER BY hour LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
    }
    Ok(last.map(|hour| hour + 1))
}

/// Where a run over all hosts stands.
pub(crate) struct Progress {
    hosts: Vec<(Arc<HostCell>, Cutoff)>,
    pub(crate) cells: u64,
}

impl Progress {
    /// Of each host what is too old at `now`, or before `floor`.
    pub(crate) fn new(shared: &Shared, now: Timestamp, floor: Cutoff) -> Self {
        let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        let cutoff = |cell: &Arc<HostCell>| {
            let newest = cell.lock().newest_row?;
            let by_age = Cutoff::by_age(now.as_millis(), newest, shared.options.retention);
            Some((cell.clone(), by_age.max(floor)))
        };
        Self { hosts: memory.hosts.values().filter_map(cutoff).collect(), cells: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Deletes what is before the cutoffs until the slice's time is over or nothing is left.
    pub(crate) fn delete_slice(&mut self, writer: &mut Writer) -> rusqlite::Result<()> {
        let started = Instant::now();
        let mut cells = 0;
        let mut done = 0;
        writer.with_connection(|conn| {
            let tx = conn.transaction()?;
            for (cell, cutoff) in self.hosts.iter().rev() {
                let mut more = true;
                while more && started.elapsed() < SLICE {
                    let gone = delete_step(&tx, cell.id, *cutoff)?;
                    more = gone.is_some();
                    cells += gone.unwrap_or(0);
                }
                if more {
                    break;
                }
                put_raw_from(&tx, cell, cutoff.hour)?;
                done += 1;
            }
            tx.commit()
        })?;
        let left = self.hosts.len() - done;
        for (cell, cutoff) in self.hosts.drain(left..) {
            forget(writer.shared(), &cell, cutoff);
        }
        self.cells += cells;
        writer.shared().counters.dropped.fetch_add(cells, Ordering::Relaxed);
        Ok(())
    }
}

/// Deletes a few rows of a host; their cells, or `None` where there was nothing.
fn delete_step(conn: &Connection, host_id: i64, cutoff: Cutoff) -> rusqlite::Result<Option<u64>> {
    const BLOCKS: &str = "SELECT id, cells FROM block WHERE host_id = ?1 AND id >= ?2 AND id < ?3 LIMIT ?4";
    const YOUNG: &str =
        "SELECT id, cells FROM young WHERE host_id = ?1 AND hour >= ?2 AND hour < ?3 LIMIT ?4";
    const ROLLUPS: &str = "SELECT id, 0 FROM rollup WHERE host_id = ?1 AND id >= ?2 AND id < ?3 LIMIT ?4";
    let days = |tier: Tier, day| (tier.first_id(0), tier.first_id(day));
    let (minutes, tens) =
        (days(Tier::Minute, cutoff.minutes_day), days(Tier::TenMinutes, cutoff.ten_minutes_day));
    let (mut count, mut cells) = (0, 0);
    for (select, delete, from, to) in [
        (BLOCKS, "DELETE FROM block WHERE id = ?1", i64::MIN, *block_ids(cutoff.hour, 0).start()),
        (YOUNG, "DELETE FROM young WHERE id = ?1", i64::MIN, cutoff.hour),
        (ROLLUPS, "DELETE FROM rollup WHERE id = ?1", minutes.0, minutes.1),
        (ROLLUPS, "DELETE FROM rollup WHERE id = ?1", tens.0, tens.1),
    ] {
        let mut select = conn.prepare_cached(select)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
        let rows: Vec<(i64, u64)> =
            select.query_map([host_id, from, to, ROWS_PER_STEP], row)?.collect::<Result<_, _>>()?;
        let mut delete = conn.prepare_cached(delete)?;
        for (id, own) in &rows {
            delete.execute([id])?;
            cells += own;
        }
        count += rows.len();
    }
    Ok((count > 0).then_some(cells))
}

/// Remembers from which hour on a host has its samples.
fn put_raw_from(conn: &Connection, cell: &HostCell, hour: i64) -> rusqlite::Result<()> {
    if cell.lock().raw_from >= hour {
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO host_state (host_id, sealed_seq, raw_from) VALUES (?1, 0, ?2)
         ON CONFLICT (host_id) DO UPDATE SET raw_from = excluded.raw_from",
    )?
    .execute([cell.id, hour])?;
    conn.prepare_cached("DELETE FROM host_layout WHERE host_id = ?1 AND last_used < ?2")?
        .execute([cell.id, hour * HOUR_MS - LAYOUT_USE_SLACK_MS])?;
    Ok(())
}

/// Forgets a host's series that have no sample left.
fn forget(shared: &Shared, cell: &HostCell, cutoff: Cutoff) {
    let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
    let mut state = cell.lock();
    if state.raw_from >= cutoff.hour {
        return;
    }
    state.raw_from = cutoff.hour;
    state.newest.forget_before(cutoff.hour * HOUR_MS);
    let unused = Timestamp::from_millis(cutoff.hour * HOUR_MS - LAYOUT_USE_SLACK_MS);
    if state.layouts.values().any(|used| *used < unused) {
        state.layouts.retain(|_, used| *used >= unused);
        let layouts = state.layouts.keys().filter_map(|id| names.layout(*id));
        state.series = layouts.flat_map(|layout| layout.iter().copied()).collect();
        state.plan = None;
    }
}

/// Marks silent hosts in the file.
pub(crate) fn mark_silent(writer: &mut Writer, now: Timestamp) -> rusqlite::Result<()> {
    writer.with_connection(|conn| {
        let limit = meta::offline_after(conn)?.unwrap_or(OFFLINE_AFTER);
        let silent = now.as_seconds().saturating_sub_unsigned(limit.as_secs());
        conn.prepare_cached(
            "UPDATE hosts SET status = 'offline' WHERE status = 'online' AND last_seen <= ?1",
        )?
        .execute([silent])
        .map(drop)
    })
}

/// Gives some free pages back where they are many or the file is beyond its budget; whether there are more to give.
/// What is freed today is mostly used again tomorrow, and to give a page back another has to be moved.
pub(crate) fn vacuum_slice(writer: &mut Writer) -> rusqlite::Result<bool> {
    let budget_pages = writer.shared().options.max_disk_bytes / PAGE_BYTES;
    writer.with_connection(|conn| {
        let pages: u32 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let free: u32 = conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        let is_beyond = u64::from(pages) > budget_pages && free > 0;
        if !is_beyond && free < MANY_FREE_PAGES.max(pages / 4) {
            return Ok(false);
        }
        // A row for each page that went: whoever does not ask for them all gives back but one.
        let mut vacuum = conn.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
        let mut pages = vacuum.query([])?;
        while pages.next()?.is_some() {}
        Ok(true)
    })
}

/// Deletes what nobody needs of the log, and empties SQLite's own where that became large.
pub(crate) fn shrink_log(writer: &mut Writer) -> rusqlite::Result<()> {
    writer.trim_log()?;
    let shared = writer.shared().clone();
    let limit = MAX_WAL_BYTES.min(shared.options.max_disk_bytes / 16);
    if file::wal_bytes(&shared.path) < limit {
        return Ok(());
    }
    writer.with_connection(|conn| checkpoint(conn))
}

impl Writer {
    /// Runs maintenance without the bound on the file's size: to delete may need a page first.
    pub(crate) fn with_connection<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let budget = self.shared().options.max_disk_bytes;
        let conn = self.connection().map_err(|error| crate::schema::failed(&error.to_string()))?;
        let outcome = limit_pages(conn, u64::MAX).and_then(|()| work(conn));
        let outcome = outcome.and_then(|value| limit_pages(conn, budget).map(|()| value));
        if let Err(error) = &outcome {
            self.distrust(error);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_hours_and_days_go_and_summaries_later() {
        let check = |now: i64, newest: i64, hour, minutes_day, ten_minutes_day| {
            let cutoff = Cutoff::by_age(now * DAY_MS + 5_000, newest * DAY_MS, Duration::from_hours(24 * 15));
            assert_eq!(cutoff, Cutoff { hour, minutes_day, ten_minutes_day });
        };
        check(1000, 1001, 985 * 24, 910, 280);
        check(5000, 1000, 985 * 24, 910, 280);
        check(5, 5, 0, 0, 0);
    }
}
