//! What is too old or too much goes, in slices short enough that no push waits for them: samples by whole hours, their
//! summaries by whole days, the coarser for longer.

use crate::batch::MAX_TIME_MS;
use crate::budget::{Budget, Victim, victim};
use crate::cut::Cut;
use crate::head::{HostCell, HostState};
use crate::meta;
use crate::rollup::{DAY_MS, MAX_DAY, Tier};
use crate::sealed::{HOUR_MS, block_ids, hour_of};
use crate::tally::{self, Tally};
use crate::writer::{PAGE_BYTES, Shared, Writer, checkpoint, limit_pages};
use crate::{QueryError, Retention, file};
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use sysmond_model::Timestamp;

/// How long one slice may hold the writer, its commit not included.
const SLICE: Duration = Duration::from_millis(8);
/// Slices after which SQLite's own log is moved into the file.
pub(crate) const SLICES_PER_CHECKPOINT: usize = 8;
/// Rows that are looked up at once.
const ROWS_PER_STEP: i64 = 4;
/// Free pages given back to the file system at once.
const VACUUM_PAGES: u64 = 32;
/// Free pages that a file may keep whatever its size: 32 MB, or a thirty-second of a budget that is small.
const MANY_FREE_PAGES: u64 = 8192;
const FREE_PART_OF_BUDGET: u64 = 32;
/// Silence after which the `status` written beside a host becomes `offline`, where no server said another.
const OFFLINE_AFTER: Duration = Duration::from_mins(5);

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
    /// What is too old of a host, whose samples' age counts back from `from`: hours and days that have wholly passed
    /// out of the retention.
    fn by_age(from: i64, retention: Retention) -> Self {
        let Retention { raw, minutes, ten_minutes } = retention.ordered();
        let before = |age: Duration| from.saturating_sub(milliseconds(age)).max(0);
        Self {
            hour: hour_of(before(raw)),
            minutes_day: before(minutes) / DAY_MS,
            ten_minutes_day: before(ten_minutes) / DAY_MS,
        }
    }

    /// All that there can be.
    pub(crate) const fn everything() -> Self {
        Self { hour: hour_of(MAX_TIME_MS) + 1, minutes_day: MAX_DAY, ten_minutes_day: MAX_DAY }
    }

    /// The first hour of which there may be summaries.
    pub(crate) fn summaries_hour(self) -> i64 {
        self.minutes_day.min(self.ten_minutes_day) * 24
    }

    fn max(self, other: Self) -> Self {
        Self {
            hour: self.hour.max(other.hour),
            minutes_day: self.minutes_day.max(other.minutes_day),
            ten_minutes_day: self.ten_minutes_day.max(other.ten_minutes_day),
        }
    }

    fn is_within(self, other: Self) -> bool {
        self.max(other) == other
    }

    /// What would bring the file below its budget. `None` where it is below, or nothing may go: the present hour's
    /// samples stay, and so do summaries of days that still have finer ones.
    pub(crate) fn by_budget(
        shared: &Shared,
        conn: &Connection,
        now: i64,
    ) -> Result<Option<Self>, QueryError> {
        let target = Budget(shared.options.max_disk_bytes).target_bytes();
        let used = tally::used_bytes(conn)?;
        if used <= target {
            return Ok(None);
        }
        let held = Tally::read(conn)?;
        let sizes = held.sizes();
        let room = target.saturating_sub(used.saturating_sub(sizes.total()));
        let hours_before = hour_of(now);
        let days_before = held.oldest_hour().map_or(i64::MAX, |hour| hour.div_euclid(24));
        let tens_before = days_before.min(held.minutes.oldest.unwrap_or(i64::MAX));
        let has_before = |oldest: Option<i64>, before| oldest.is_some_and(|oldest| oldest < before);
        let may_give = [
            has_before(held.oldest_hour(), hours_before) || has_before(held.processes.oldest, hours_before),
            has_before(held.minutes.oldest, days_before),
            has_before(held.ten_minutes.oldest, tens_before),
        ];
        let Some((victim, bytes)) = victim(sizes, room, used - target, may_give) else {
            return Ok(None);
        };
        let (tiers, before) = match victim {
            Victim::Raw => ([tally::Tier::Young, tally::Tier::Blocks, tally::Tier::Processes], hours_before),
            Victim::Minutes => ([tally::Tier::Minutes; 3], days_before),
            Victim::TenMinutes => ([tally::Tier::TenMinutes; 3], tens_before),
        };
        Ok(tally::cut(conn, tiers, bytes, before)?.map(|span| match victim {
            Victim::Raw => Self { hour: span, ..Self::default() },
            Victim::Minutes => Self { minutes_day: span, ..Self::default() },
            Victim::TenMinutes => Self { ten_minutes_day: span, ..Self::default() },
        }))
    }
}

/// Before what each host has nothing left, by its number: the next round passes it over.
pub(crate) type Reached = HashMap<i64, Cutoff>;

/// How far the clock by which silent hosts age goes on in one round of upkeep, milliseconds. Rounds come each minute:
/// it keeps up with true time, makes up for a month in which nothing ran within half a day, and a server whose clock
/// jumped ahead by a year has days to be mended before it has taken all of that year for true.
const MAX_AGEING_MS: i64 = HOUR_MS;

/// Up to what time silent hosts have aged at `now`: as far as a round goes from where the `last` one came to. In the
/// first round of all that is the newest sample of any host.
pub(crate) fn aged_to(last: Option<i64>, newest: Option<i64>, now: i64) -> i64 {
    let most = last.map(|last| last.saturating_add(MAX_AGEING_MS)).or(newest);
    most.map_or(now, |most| most.min(now))
}

/// The time that the age of a host's samples counts back from at `now`: the host's newest sample, so that a wrong clock
/// here takes nothing of a host that speaks; or `aged_to`, where nothing was heard of it for longer than samples are
/// kept, or where what it has was older than that when it was heard of first. Never a time to come.
pub(crate) fn counted_from(state: &HostState, retention: Retention, now: i64, aged_to: i64) -> Option<i64> {
    let newest = state.newest_row?;
    let first_seen = state.host.first_seen.as_millis();
    let is_past = newest < first_seen.saturating_sub(milliseconds(retention.raw));
    let is_by_clock = is_past || is_silent(state, retention, aged_to);
    Some(now.min(if is_by_clock { newest.max(aged_to) } else { newest }))
}

/// The time that the age of what a host delivers at `now` counts back from: as that of what it has, but that who began
/// with an old past may bring the rest of it, which then goes with the others.
pub(crate) fn taken_from(state: &HostState, retention: Retention, now: i64, aged_to: i64) -> Option<i64> {
    let newest = state.newest_row?;
    Some(now.min(if is_silent(state, retention, aged_to) { newest.max(aged_to) } else { newest }))
}

/// Whether nothing was heard of a host for longer than samples are kept.
pub(crate) fn is_silent(state: &HostState, retention: Retention, aged_to: i64) -> bool {
    state.host.last_seen.as_millis() < aged_to.saturating_sub(milliseconds(retention.raw))
}

fn milliseconds(age: Duration) -> i64 {
    i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
}

/// Where a run over all hosts stands.
pub(crate) struct Progress {
    pub(crate) hosts: Vec<Cut>,
    /// The hosts that are done.
    pub(crate) reached: Reached,
    pub(crate) cells: u64,
}

impl Progress {
    /// Of each host what is too old at `now`, or before `floor`, unless an earlier run removed it. Rows that are in no
    /// block keep what is of their hours and later.
    pub(crate) fn new(shared: &Shared, now: Timestamp, floor: Cutoff, reached: &Reached) -> Self {
        let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        let (retention, aged_to) = (shared.options.retention, shared.aged_to.load(Ordering::Relaxed));
        let cutoff = |cell: &Arc<HostCell>| {
            let state = cell.lock();
            let from = counted_from(&state, retention, now.as_millis(), aged_to)?;
            let mut cutoff = Cutoff::by_age(from, retention).max(floor);
            let in_memory = state.head.rows().first().map_or(i64::MAX, |(at, _)| hour_of(*at));
            // What was cut before is gone for whoever asks, and was perhaps not all deleted.
            cutoff.hour = cutoff.hour.min(in_memory).max(state.raw_from);
            let is_done = reached.get(&cell.id).is_some_and(|reached| cutoff.is_within(*reached));
            (!is_done).then(|| (cell.clone(), cutoff))
        };
        Self::of(memory.hosts.values().filter_map(cutoff).collect())
    }

    /// Of some hosts what is before their cutoffs.
    pub(crate) fn of(hosts: Vec<Cut>) -> Self {
        Self { hosts, reached: Reached::new(), cells: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Deletes what is before the cutoffs until the slice's time is over or nothing is left.
    pub(crate) fn delete_slice(&mut self, writer: &mut Writer) -> rusqlite::Result<()> {
        let deadline = Instant::now() + SLICE;
        let mut cells = 0;
        let mut done = 0;
        let shared = writer.shared().clone();
        writer.with_connection(|conn| {
            let tx = conn.transaction()?;
            for (cell, cutoff) in self.hosts.iter().rev() {
                let mut deletion = Deletion { conn: &tx, deadline, cells: 0 };
                let is_clear = deletion.clear(cell.id, *cutoff)?;
                cells += deletion.cells;
                if !is_clear {
                    break;
                }
                done += 1;
            }
            tx.commit()
        })?;
        let left = self.hosts.len() - done;
        for (cell, cutoff) in self.hosts.drain(left..) {
            self.reached.insert(cell.id, cutoff);
        }
        self.cells += cells;
        shared.counters.dropped.fetch_add(cells, Ordering::Relaxed);
        Ok(())
    }
}

/// The deletion of one host's rows within a slice.
struct Deletion<'a> {
    conn: &'a Connection,
    deadline: Instant,
    cells: u64,
}

impl Deletion<'_> {
    /// Deletes what is before the cutoffs; whether nothing of it is left.
    fn clear(&mut self, host_id: i64, cutoff: Cutoff) -> rusqlite::Result<bool> {
        const BLOCKS: &str =
            "SELECT id, cells FROM block WHERE host_id = ?1 AND id >= ?2 AND id < ?3 LIMIT ?4";
        const YOUNG: &str =
            "SELECT id, cells FROM young WHERE host_id = ?1 AND hour >= ?2 AND hour < ?3 LIMIT ?4";
        const PROCESSES: &str =
            "SELECT id, 0 FROM process_hour WHERE host_id = ?1 AND id >= ?2 AND id < ?3 LIMIT ?4";
        const SNAPSHOTS: &str =
            "SELECT id, 0 FROM snapshot WHERE host_id = ?1 AND at >= ?2 AND at < ?3 LIMIT ?4";
        const ROLLUPS: &str = "SELECT id, 0 FROM rollup WHERE host_id = ?1 AND id >= ?2 AND id < ?3 LIMIT ?4";
        let days = |tier: Tier, day| (tier.first_id(0), tier.first_id(day));
        let (minutes, tens) =
            (days(Tier::Minute, cutoff.minutes_day), days(Tier::TenMinutes, cutoff.ten_minutes_day));
        for (select, delete, from, to) in [
            (BLOCKS, "DELETE FROM block WHERE id = ?1", i64::MIN, *block_ids(cutoff.hour, 0).start()),
            (YOUNG, "DELETE FROM young WHERE id = ?1", i64::MIN, cutoff.hour),
            (
                PROCESSES,
                "DELETE FROM process_hour WHERE id = ?1",
                i64::MIN,
                *block_ids(cutoff.hour, 0).start(),
            ),
            (SNAPSHOTS, "DELETE FROM snapshot WHERE id = ?1", i64::MIN, cutoff.hour * HOUR_MS),
            (ROLLUPS, "DELETE FROM rollup WHERE id = ?1", minutes.0, minutes.1),
            (ROLLUPS, "DELETE FROM rollup WHERE id = ?1", tens.0, tens.1),
        ] {
            while self.step(select, delete, [host_id, from, to, ROWS_PER_STEP])? > 0 {
                if Instant::now() > self.deadline {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Deletes a few rows, fewer where the time is over.
    fn step(&mut self, select: &str, delete: &str, params: [i64; 4]) -> rusqlite::Result<usize> {
        let mut select = self.conn.prepare_cached(select)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
        let rows: Vec<(i64, u64)> = select.query_map(params, row)?.collect::<Result<_, _>>()?;
        let mut delete = self.conn.prepare_cached(delete)?;
        for (id, cells) in &rows {
            delete.execute([id])?;
            self.cells += cells;
            if Instant::now() > self.deadline {
                break;
            }
        }
        Ok(rows.len())
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
    let budget = Budget(writer.shared().options.max_disk_bytes);
    let most = budget.append_bytes() / PAGE_BYTES;
    let many = MANY_FREE_PAGES.min(budget.0 / FREE_PART_OF_BUDGET / PAGE_BYTES);
    writer.with_connection(|conn| {
        let (pages, free) = tally::pages(conn)?;
        let is_beyond = pages > most && free > 0;
        if !is_beyond && free < many.max(pages / 4) {
            return Ok(false);
        }
        // A row for each page that went: whoever does not ask for them all gives back but one.
        let mut vacuum = conn.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
        let mut pages = vacuum.query([])?;
        while pages.next()?.is_some() {}
        Ok(true)
    })
}

/// Moves SQLite's own log into the file, as far as it can beside the writer: left to it that would be done within some
/// push's commit. What fails here the writer will meet itself.
pub(crate) fn checkpoint_beside(shared: &Shared) {
    let conn = file::open_beside(&shared.path);
    conn.and_then(|conn| conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))).ok();
}

/// Deletes what nobody needs of the log, and empties SQLite's own where that became large.
pub(crate) fn shrink_log(writer: &mut Writer) -> rusqlite::Result<()> {
    writer.trim_log()?;
    empty_large_wal(writer)
}

/// Empties SQLite's own log where it became larger than the budget has room for, beside what the file has by now: what
/// is sealed after appends were refused still goes into that.
pub(crate) fn empty_large_wal(writer: &mut Writer) -> rusqlite::Result<()> {
    let (path, most) = (&writer.shared().path, writer.shared().options.max_disk_bytes);
    let wal = file::wal_bytes(path);
    let is_large = wal >= Budget(most).wal_bytes() || wal > 0 && file::disk_bytes(path) > most;
    if is_large { writer.with_connection(|conn| checkpoint(conn)) } else { Ok(()) }
}

impl Writer {
    /// Runs maintenance without the bound on the file's size: to delete may need a page first.
    pub(crate) fn with_connection<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let most = Budget(self.shared().options.max_disk_bytes).append_bytes();
        let conn = self.connection().map_err(|error| crate::schema::failed(&error.to_string()))?;
        let outcome = limit_pages(conn, u64::MAX).and_then(|()| work(conn));
        let outcome = outcome.and_then(|value| limit_pages(conn, most).map(|()| value));
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
        let check = |from: i64, hour, minutes_day, ten_minutes_day| {
            let cutoff = Cutoff::by_age(from * DAY_MS, Retention::of_raw(15 * Retention::DAY));
            assert_eq!(cutoff, Cutoff { hour, minutes_day, ten_minutes_day });
        };
        check(1000, 985 * 24, 910, 270);
        check(5, 0, 0, 0);
    }

    #[test]
    fn silent_hosts_age_with_the_clock_and_not_faster_than_a_wrong_one_can_be_mended() {
        assert_eq!(aged_to(None, None, 7 * HOUR_MS), 7 * HOUR_MS);
        assert_eq!(aged_to(None, Some(5 * HOUR_MS), 7 * HOUR_MS), 5 * HOUR_MS);
        assert_eq!(
            aged_to(Some(5 * HOUR_MS), Some(99 * HOUR_MS), 5 * HOUR_MS + 60_000),
            5 * HOUR_MS + 60_000
        );
        assert_eq!(aged_to(Some(5 * HOUR_MS), None, 9000 * HOUR_MS), 6 * HOUR_MS);
        assert_eq!(aged_to(Some(5 * HOUR_MS), None, 3 * HOUR_MS), 3 * HOUR_MS, "the clock was set back");
    }

    #[test]
    fn age_counts_from_the_newest_sample_of_a_host_that_speaks_and_from_the_clock_of_one_that_is_silent() {
        let check = |newest: Option<i64>, last_seen: i64, now: i64, aged_to: i64, expected: Option<i64>| {
            let host = sysmond_model::Host {
                info: sysmond_model::HostInfo::default(),
                first_seen: Timestamp::default(),
                last_seen: Timestamp::from_millis(last_seen * DAY_MS),
            };
            let cell = HostCell::new(1, host);
            let mut state = cell.lock();
            state.newest_row = newest.map(|newest| newest * DAY_MS);
            let retention = Retention::of_raw(15 * Retention::DAY);
            let from = counted_from(&state, retention, now * DAY_MS, aged_to * DAY_MS);
            assert_eq!(from, expected.map(|expected| expected * DAY_MS));
        };
        check(Some(100), 100, 100, 100, Some(100));
        check(Some(101), 100, 100, 100, Some(100));
        // Silent: until it was so for as long as samples are kept, its last stretch stays.
        check(Some(100), 100, 115, 115, Some(100));
        check(Some(100), 100, 116, 116, Some(116));
        // The server's clock jumped a year ahead: who speaks is heard at that time, with samples of the true one.
        check(Some(100), 465, 465, 101, Some(100));
        check(None, 100, 500, 500, None);
        // What was too old already when the host was heard of first.
        check(Some(-401), 100, 100, 100, Some(100));
    }

    #[test]
    fn summaries_are_kept_for_no_less_than_what_they_summarize() {
        let retention = Retention { raw: 200 * Retention::DAY, ..Retention::default() };
        let cutoff = Cutoff::by_age(1000 * DAY_MS, retention);
        assert_eq!(cutoff, Cutoff { hour: 800 * 24, minutes_day: 800, ten_minutes_day: 270 });
    }
}
