//! What a statement reads: one state of the file, with the rows that are only in its log.

use crate::head::{HeadRow, HostCell};
use crate::memory::Memory;
use crate::names::{MetricId, Names};
use crate::range::hour_cells;
use crate::sealed::{self, HOUR_MS, hour_of};
use crate::writer::Counters;
use rusqlite::{Connection, ffi};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sysmond_model::Series;

/// The state that the two tables are made of. Shared by the statement's functions and tables.
#[derive(Clone)]
pub(super) struct Snapshot(Arc<Mutex<State>>);

/// What the lock guards.
pub(super) struct State {
    conn: Connection,
    counters: Counters,
    pub(super) names: Names,
    pub(super) memory: Memory,
    last_seen: HashMap<i64, i64>,
    deadline: Instant,
}

/// What a scan of `metrics` is restricted to; the statement itself checks again.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) host: Option<String>,
    pub(super) metric_type: Option<String>,
    pub(super) tags: Option<String>,
    /// Milliseconds, both included.
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Filter {
    pub(super) const fn all() -> Self {
        Self { host: None, metric_type: None, tags: None, from: i64::MIN, to: i64::MAX }
    }

    fn takes(&self, series: &Series) -> bool {
        self.metric_type.as_deref().is_none_or(|wanted| wanted == &*series.metric_type)
            && self.tags.as_deref().is_none_or(|wanted| wanted == &*series.tags)
    }
}

impl Snapshot {
    /// On a connection of its own: the statement's cannot be used while it runs.
    pub(super) fn new(conn: Connection) -> Self {
        Self(Arc::new(Mutex::new(State {
            conn,
            counters: Counters::default(),
            names: Names::default(),
            memory: Memory::default(),
            last_seen: HashMap::new(),
            deadline: Instant::now(),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the file's present state, until [`Self::release`].
    pub(super) fn take(&self, time_limit: Duration) -> rusqlite::Result<()> {
        let mut state = self.lock();
        state.deadline = Instant::now() + time_limit;
        state.conn.execute_batch("BEGIN")?;
        let State { conn, counters, .. } = &*state;
        let names = Names::load(conn)?;
        let loaded = Memory::load(conn, &names, counters)?;
        state.last_seen = loaded
            .memory
            .hosts
            .values()
            .map(|cell| (cell.id, cell.lock().host.last_seen.as_seconds()))
            .collect();
        state.memory = loaded.memory;
        state.names = names;
        Ok(())
    }

    /// Lets go of the state: a long reader keeps the write-ahead log from shrinking.
    pub(super) fn release(&self) -> rusqlite::Result<()> {
        let mut state = self.lock();
        state.memory = Memory::default();
        if state.conn.is_autocommit() { Ok(()) } else { state.conn.execute_batch("COMMIT") }
    }
}

impl State {
    /// When a host was last heard of, Unix seconds: the log may know better than its row.
    pub(super) fn last_seen(&self, host_id: i64, stored: i64) -> i64 {
        self.last_seen.get(&host_id).copied().unwrap_or(stored).max(stored)
    }

    /// The hosts that a scan visits.
    pub(super) fn hosts(&self, filter: &Filter) -> Vec<(Arc<str>, Arc<HostCell>)> {
        let named = |(name, cell): (&String, &Arc<HostCell>)| (Arc::from(name.as_str()), cell.clone());
        match &filter.host {
            Some(name) => self.memory.hosts.get_key_value(name).map(named).into_iter().collect(),
            None => self.memory.hosts.iter().map(named).collect(),
        }
    }

    /// The series of a host that a scan reads, in an order.
    pub(super) fn series(&self, cell: &HostCell, filter: &Filter) -> Vec<(MetricId, Arc<Series>)> {
        let state = cell.lock();
        let named = |id: &MetricId| Some((*id, self.names.series(*id)?.clone()));
        state.series.iter().filter_map(named).filter(|(_, series)| filter.takes(series)).collect()
    }

    /// The hours of a host in which there may be samples.
    pub(super) fn hours(&self, cell: &HostCell, filter: &Filter) -> rusqlite::Result<BTreeSet<i64>> {
        let within = hour_of(filter.from)..=hour_of(filter.to);
        let mut hours = sealed::hours(&self.conn, cell.id, within)?;
        hours.extend(cell.rows(filter.from, filter.to).iter().map(|(at, _)| hour_of(*at)));
        Ok(hours)
    }

    /// The cells of some series of a host in an hour, by series.
    pub(super) fn cells(
        &self,
        cell: &HostCell,
        hour: i64,
        ids: &[MetricId],
    ) -> rusqlite::Result<Vec<Vec<(i64, f64)>>> {
        if Instant::now() > self.deadline {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
        }
        let rows: Vec<(i64, HeadRow)> = cell.rows(hour * HOUR_MS, (hour + 1) * HOUR_MS - 1);
        let blobs = sealed::blobs(&self.conn, cell.id, hour)?;
        Ok(hour_cells(&blobs, &rows, ids, &self.counters))
    }
}
