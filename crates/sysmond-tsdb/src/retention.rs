//! What is too old or too much goes, in slices short enough that no push waits for them.

use crate::batch::LAYOUT_USE_SLACK_MS;
use crate::memory::HostEntry;
use crate::names::{LayoutId, Names};
use crate::row;
use crate::writer::{PAGE_BYTES, Shared, Writer, checkpoint, limit_pages};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use sysmond_model::Timestamp;

/// How long one slice may hold the writer.
const SLICE: Duration = Duration::from_millis(15);
/// Rows looked at between two looks at the clock.
const ROWS_PER_STEP: i64 = 200;
/// Free pages given back to the file system at once.
const VACUUM_PAGES: u64 = 256;
/// The least stretch of time that goes when the budget is passed, milliseconds.
const MIN_TRIM_MS: i64 = 60_000;
/// Silence after which the `status` written beside a host becomes `offline`, seconds.
const OFFLINE_SECONDS: i64 = 300;

/// Before which time the rows of each host go.
#[derive(Clone, Copy)]
pub(crate) struct Cutoffs {
    /// The caller's time.
    pub(crate) now: Timestamp,
    /// How long rows are kept, milliseconds.
    pub(crate) retention_ms: i64,
    /// What the budget takes of every host.
    pub(crate) floor: Timestamp,
}

impl Cutoffs {
    /// Age counts from the host's newest row: a host that fell silent keeps its last stretch.
    fn of(&self, entry: &HostEntry) -> Timestamp {
        let newest = entry.newest_row.map_or(self.now, |newest| newest.min(self.now));
        Timestamp::from_millis(newest.as_millis().saturating_sub(self.retention_ms)).max(self.floor)
    }
}

/// Where a run over all hosts stands.
pub(crate) struct Progress {
    hosts: Vec<(i64, Timestamp)>,
    pub(crate) cells: u64,
}

impl Progress {
    pub(crate) fn new(shared: &Shared, cutoffs: Cutoffs) -> Self {
        let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        let mut hosts: Vec<_> = memory.hosts.values().map(|entry| (entry.id, cutoffs.of(entry))).collect();
        hosts.sort_unstable_by(|a, b| b.cmp(a));
        Self { hosts, cells: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.hosts.is_empty()
    }
}

/// Deletes rows older than their host's cutoff until the slice's time is over or none is left.
pub(crate) fn delete_slice(writer: &mut Writer, progress: &mut Progress) -> rusqlite::Result<()> {
    let shared = writer.shared().clone();
    let started = Instant::now();
    let mut cells = 0;
    let mut hosts = progress.hosts.clone();
    with_connection(writer, |conn| {
        let tx = conn.transaction()?;
        while let Some(&(host_id, cutoff)) = hosts.last()
            && started.elapsed() < SLICE
        {
            let (count, more) = delete_step(&shared, &tx, host_id, cutoff)?;
            cells += count;
            if !more {
                hosts.pop();
            }
        }
        tx.commit()
    })?;
    progress.hosts = hosts;
    progress.cells += cells;
    shared.counters.dropped.fetch_add(cells, Ordering::Relaxed);
    Ok(())
}

fn delete_step(
    shared: &Shared,
    conn: &Connection,
    host_id: i64,
    cutoff: Timestamp,
) -> rusqlite::Result<(u64, bool)> {
    let mut select = conn.prepare_cached(
        "SELECT timestamp, layout_id, data FROM tick WHERE host_id = ?1 AND timestamp < ?2
         ORDER BY timestamp LIMIT ?3",
    )?;
    let mut rows = select.query(params![host_id, cutoff.as_millis(), ROWS_PER_STEP])?;
    let (mut cells, mut count, mut last) = (0, 0, None);
    while let Some(row) = rows.next()? {
        last = Some(row.get::<_, i64>(0)?);
        count += 1;
        let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
        let width = names.layout(row.get::<_, LayoutId>(1)?).map_or(0, |layout| layout.len());
        cells += row::cell_count(row.get_ref(2)?.as_blob()?, width);
    }
    if let Some(last) = last {
        conn.prepare_cached("DELETE FROM tick WHERE host_id = ?1 AND timestamp <= ?2")?
            .execute(params![host_id, last])?;
    }
    Ok((cells, count == ROWS_PER_STEP))
}

/// The cutoff that would bring the file below its budget; `None` where it is below or nothing is left to drop.
pub(crate) fn budget_cutoff(shared: &Shared, conn: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let pages: u32 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let free: u32 = conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let used = u64::from(pages.saturating_sub(free)) * PAGE_BYTES;
    let over = used.saturating_sub(shared.options.max_disk_bytes);
    if over == 0 {
        return Ok(None);
    }
    let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
    let hosts: Vec<_> = memory.hosts.values().cloned().collect();
    drop(memory);
    let mut oldest: Option<i64> = None;
    for entry in &hosts {
        let first: Option<i64> = conn
            .prepare_cached("SELECT timestamp FROM tick WHERE host_id = ?1 ORDER BY timestamp LIMIT 1")?
            .query_row([entry.id], |row| row.get(0))
            .optional()?;
        oldest = oldest.into_iter().chain(first).min();
    }
    let newest = hosts.iter().filter_map(|entry| entry.newest_row).max();
    Ok(oldest.zip(newest).map(|(oldest, newest)| {
        let span = newest.as_millis() - oldest;
        let share = i128::from(span) * i128::from(over) / i128::from(used.max(1));
        let step = i64::try_from(share).unwrap_or(MIN_TRIM_MS).max(MIN_TRIM_MS);
        Timestamp::from_millis(oldest).plus_millis(step)
    }))
}

/// Forgets series that have no row left, and marks silent hosts.
pub(crate) fn forget(writer: &mut Writer, cutoffs: Cutoffs) -> rusqlite::Result<()> {
    let shared = writer.shared().clone();
    let entries: Vec<Arc<HostEntry>> =
        shared.memory.read().unwrap_or_else(PoisonError::into_inner).hosts.values().cloned().collect();
    with_connection(writer, |conn| {
        let tx = conn.transaction()?;
        for entry in &entries {
            tx.prepare_cached("DELETE FROM host_layout WHERE host_id = ?1 AND last_used < ?2")?
                .execute(params![entry.id, unused(cutoffs.of(entry)).as_millis()])?;
        }
        tx.execute(
            "UPDATE hosts SET status = 'offline' WHERE status = 'online' AND last_seen <= ?1",
            [cutoffs.now.as_seconds() - OFFLINE_SECONDS],
        )?;
        tx.commit()
    })?;
    let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
    let mut memory = shared.memory.write().unwrap_or_else(PoisonError::into_inner);
    for entry in memory.hosts.values_mut() {
        forget_series(entry, &names, cutoffs.of(entry));
    }
    Ok(())
}

fn forget_series(entry: &mut Arc<HostEntry>, names: &Names, cutoff: Timestamp) {
    let stale = entry.newest.values().any(|(timestamp, _)| *timestamp < cutoff)
        || entry.layouts.values().any(|used| *used < unused(cutoff));
    if stale {
        let entry = Arc::make_mut(entry);
        entry.newest.retain(|_, (timestamp, _)| *timestamp >= cutoff);
        entry.layouts.retain(|_, used| *used >= unused(cutoff));
        let layouts = entry.layouts.keys().filter_map(|id| names.layout(*id));
        entry.series = layouts.flat_map(|layout| layout.iter().copied()).collect();
    }
}

/// When a layout was used last that has no row after `cutoff`.
fn unused(cutoff: Timestamp) -> Timestamp {
    cutoff.plus_millis(-LAYOUT_USE_SLACK_MS)
}

/// Gives some free pages back; whether there are more.
pub(crate) fn vacuum_slice(writer: &mut Writer) -> rusqlite::Result<bool> {
    with_connection(writer, |conn| {
        conn.execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
        conn.pragma_query_value(None, "freelist_count", |row| row.get::<_, u32>(0)).map(|free| free > 0)
    })
}

/// Empties the log.
pub(crate) fn shrink_log(writer: &mut Writer) -> rusqlite::Result<()> {
    with_connection(writer, |conn| checkpoint(conn))
}

/// Runs `work` without the bound on the file's size: to delete may need a page first.
fn with_connection<T>(
    writer: &mut Writer,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let budget = writer.shared().options.max_disk_bytes;
    let conn = writer.connection().map_err(|error| crate::schema::failed(&error.to_string()))?;
    let outcome = limit_pages(conn, u64::MAX).and_then(|()| work(conn));
    let outcome = outcome.and_then(|value| limit_pages(conn, budget).map(|()| value));
    if let Err(error) = &outcome {
        writer.distrust(error);
    }
    outcome
}
