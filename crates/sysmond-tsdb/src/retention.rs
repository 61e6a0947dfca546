//! What is too old or too much goes, in slices short enough that no push waits for them: samples by whole hours, their
//! summaries by whole days, the coarser for longer.

use crate::QueryError;
use crate::batch::LAYOUT_USE_SLACK_MS;
use crate::rollup::{self, DAY_MS, Tier};
use crate::sealed::{block_hour, block_ids, hour_of};
use crate::writer::{PAGE_BYTES, Shared, Writer, checkpoint, limit_pages};
use rusqlite::{Connection, OptionalExtension};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use sysmond_model::Timestamp;

/// How long one slice may hold the writer.
const SLICE: Duration = Duration::from_millis(15);
/// Rows between two looks at the clock.
const ROWS_PER_STEP: i64 = 4;
/// Free pages given back to the file system at once.
const VACUUM_PAGES: u64 = 256;
/// Silence after which the `status` written beside a host becomes `offline`, seconds.
const OFFLINE_SECONDS: i64 = 300;
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
    /// What is too old at `now`: hours and days that have wholly passed out of the retention.
    pub(crate) fn by_age(now: Timestamp, retention: Duration) -> Self {
        let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let before = |times: i64| now.as_millis().saturating_sub(retention.saturating_mul(times)).max(0);
        Self {
            hour: hour_of(before(1)),
            minutes_day: before(KEEP_MINUTES) / DAY_MS,
            ten_minutes_day: before(KEEP_TEN_MINUTES) / DAY_MS,
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

/// Deletes some of what is before `cutoff`; the cells that went, and whether there is more.
pub(crate) fn delete_slice(writer: &mut Writer, cutoff: Cutoff) -> rusqlite::Result<(u64, bool)> {
    let started = Instant::now();
    let (mut cells, mut more) = (0_u64, true);
    writer.with_connection(|conn| {
        let tx = conn.transaction()?;
        tx.prepare_cached(
            "INSERT INTO meta (key, value) VALUES ('raw_from', ?1)
             ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
        )?
        .execute([cutoff.hour])?;
        while more && started.elapsed() < SLICE {
            let gone = delete_step(&tx, cutoff)?;
            more = gone.is_some();
            cells += gone.unwrap_or(0);
        }
        tx.commit()
    })?;
    let shared = writer.shared();
    shared.counters.dropped.fetch_add(cells, Ordering::Relaxed);
    shared.raw_from.fetch_max(cutoff.hour, Ordering::Relaxed);
    Ok((cells, more))
}

/// Deletes a few rows; their cells, or `None` where there was nothing.
fn delete_step(conn: &Connection, cutoff: Cutoff) -> rusqlite::Result<Option<u64>> {
    let first_block = *block_ids(cutoff.hour, 0).start();
    let days = |tier: Tier, day| (tier.first_id(0), tier.first_id(day));
    let (minutes, tens) =
        (days(Tier::Minute, cutoff.minutes_day), days(Tier::TenMinutes, cutoff.ten_minutes_day));
    let mut count = 0;
    let mut cells = 0;
    for (select, delete, from, to) in [
        (
            "SELECT id, cells FROM block WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3",
            "DELETE FROM block WHERE id = ?1",
            i64::MIN,
            first_block,
        ),
        (
            "SELECT id, cells FROM young WHERE hour >= ?1 AND hour < ?2 LIMIT ?3",
            "DELETE FROM young WHERE id = ?1",
            i64::MIN,
            cutoff.hour,
        ),
        (
            "SELECT id, 0 FROM rollup WHERE id >= ?1 AND id < ?2 LIMIT ?3",
            "DELETE FROM rollup WHERE id = ?1",
            minutes.0,
            minutes.1,
        ),
        (
            "SELECT id, 0 FROM rollup WHERE id >= ?1 AND id < ?2 LIMIT ?3",
            "DELETE FROM rollup WHERE id = ?1",
            tens.0,
            tens.1,
        ),
    ] {
        let mut select = conn.prepare_cached(select)?;
        let rows: Vec<(i64, u64)> = select
            .query_map([from, to, ROWS_PER_STEP], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })?
            .collect::<Result<_, _>>()?;
        let mut delete = conn.prepare_cached(delete)?;
        for (id, own) in &rows {
            delete.execute([id])?;
            cells += own;
        }
        count += rows.len();
    }
    Ok((count > 0).then_some(cells))
}

/// Forgets series that have no sample left, and marks silent hosts.
pub(crate) fn forget(writer: &mut Writer, cutoff: Timestamp, now: Timestamp) -> rusqlite::Result<()> {
    let unused = cutoff.plus_millis(-LAYOUT_USE_SLACK_MS);
    writer.with_connection(|conn| {
        let tx = conn.transaction()?;
        tx.execute("DELETE FROM host_layout WHERE last_used < ?1", [unused.as_millis()])?;
        tx.execute(
            "UPDATE hosts SET status = 'offline' WHERE status = 'online' AND last_seen <= ?1",
            [now.as_seconds() - OFFLINE_SECONDS],
        )?;
        tx.commit()
    })?;
    let shared = writer.shared();
    let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
    let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
    for cell in memory.hosts.values() {
        let mut state = cell.lock();
        state.newest.forget_before(cutoff.as_millis());
        if state.layouts.values().any(|used| *used < unused) {
            state.layouts.retain(|_, used| *used >= unused);
            let layouts = state.layouts.keys().filter_map(|id| names.layout(*id));
            state.series = layouts.flat_map(|layout| layout.iter().copied()).collect();
            state.plan = None;
        }
    }
    Ok(())
}

/// Gives some free pages back; whether there are more.
pub(crate) fn vacuum_slice(writer: &mut Writer) -> rusqlite::Result<bool> {
    writer.with_connection(|conn| {
        conn.execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
        conn.pragma_query_value(None, "freelist_count", |row| row.get::<_, u32>(0)).map(|free| free > 0)
    })
}

/// Empties the write-ahead log.
pub(crate) fn shrink_log(writer: &mut Writer) -> rusqlite::Result<()> {
    writer.trim_log()?;
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
        let now = Timestamp::from_millis(1_000 * DAY_MS + 5_000);
        let cutoff = Cutoff::by_age(now, Duration::from_hours(24 * 15));
        assert_eq!(cutoff, Cutoff { hour: 985 * 24, minutes_day: 910, ten_minutes_day: 280 });
        let young = Cutoff::by_age(Timestamp::from_millis(5), Duration::from_hours(1));
        assert_eq!(young, Cutoff::default());
    }
}
