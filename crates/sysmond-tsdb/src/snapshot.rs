//! One state of a store's file with the rows that are only in its log, read without the store: by SQL and exports.

use crate::counters::Counters;
use crate::head::{HeadRow, HostCell};
use crate::memory::{self, Memory};
use crate::names::{MetricId, Names};
use crate::processes::look;
use crate::range::hour_cells;
use crate::readers::STEPS_PER_LOOK;
use crate::sealed::{self, HOUR_MS, hour_of};
use rusqlite::{Connection, ffi};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sysmond_model::{ProcessReading, Series};

/// How long an export, which may take minutes, reads one state of the file: a long reader keeps the write-ahead log
/// from shrinking.
const MAX_TRANSACTION: Duration = Duration::from_millis(250);

/// What was read of a file to answer a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Compressed blocks.
    pub blocks: u64,
    /// Columns asked of those blocks.
    pub columns: u64,
    /// Samples that came out of them and of the log.
    pub samples: u64,
    /// Blocks and log rows that could not be read: their samples are missing in the answer.
    pub damaged: u64,
}

/// The state that the two tables are made of. Shared by the statement's functions and tables.
#[derive(Clone)]
pub(crate) struct Snapshot(Arc<Mutex<State>>);

/// What the lock guards.
pub(crate) struct State {
    conn: Connection,
    counters: Counters,
    names: Names,
    memory: Memory,
    last_seen: HashMap<i64, i64>,
    scanned: Scanned,
    deadline: Option<Instant>,
    /// When the transaction was begun.
    began: Instant,
}

/// What a scan is restricted to.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) hosts: Option<BTreeSet<String>>,
    pub(crate) metric_types: Option<BTreeSet<String>>,
    pub(crate) tags: Option<String>,
    /// Milliseconds, both included.
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// Hosts by name, as a scan visits them.
pub(crate) type NamedHost = (Arc<str>, Arc<HostCell>);
/// Series as they are read of an hour of a host.
pub(crate) type NamedSeries = Arc<[(MetricId, Arc<Series>)]>;

impl Filter {
    pub(crate) const fn all() -> Self {
        Self { hosts: None, metric_types: None, tags: None, from: i64::MIN, to: i64::MAX }
    }

    fn takes(&self, series: &Series) -> bool {
        self.metric_types.as_ref().is_none_or(|wanted| wanted.contains(&*series.metric_type))
            && self.tags.as_deref().is_none_or(|wanted| wanted == &*series.tags)
    }
}

impl Snapshot {
    /// On a connection of its own: the statement's cannot be used while it runs.
    pub(crate) fn new(conn: Connection) -> Self {
        Self(Arc::new(Mutex::new(State::new(conn))))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn new(conn: Connection) -> Self {
        Self {
            conn,
            counters: Counters::default(),
            names: Names::default(),
            memory: Memory::default(),
            last_seen: HashMap::new(),
            scanned: Scanned::default(),
            deadline: None,
            began: Instant::now(),
        }
    }

    /// Takes the file's present state, until [`Self::release`]; what is read of it is read before `deadline`.
    pub(crate) fn take(&mut self, deadline: Option<Instant>) -> rusqlite::Result<()> {
        self.deadline = deadline;
        self.conn
            .progress_handler(STEPS_PER_LOOK, deadline.map(|deadline| move || Instant::now() > deadline))?;
        self.begin()?;
        self.names = Names::load(&self.conn)?;
        self.memory = self.load()?;
        let hosts = self.memory.hosts.values();
        self.last_seen = hosts.map(|cell| (cell.id, cell.lock().host.last_seen.as_seconds())).collect();
        Ok(())
    }

    /// Hosts, with their rows that are in the log alone.
    fn load(&self) -> rusqlite::Result<Memory> {
        let memory = memory::load_hosts(&self.conn, &self.names, &self.counters, false)?;
        let known = |cell: &Arc<HostCell>| (cell.id, (cell.clone(), cell.lock().next_seq - 1));
        let by_id: HashMap<i64, _> = memory.hosts.values().map(known).collect();
        memory::each_record(&self.conn, &self.names, &self.counters, |_, record| {
            if let Some((cell, sealed_seq)) = by_id.get(&record.host_id) {
                memory::replay(cell, record, *sealed_seq);
            }
        })?;
        for cell in memory.hosts.values() {
            let mut state = cell.lock();
            // The log may still have rows whose samples were removed.
            let kept = state.raw_from.saturating_mul(HOUR_MS);
            state.head.forget_before(kept);
        }
        Ok(memory)
    }

    /// Lets go of the state: a long reader keeps the write-ahead log from shrinking.
    pub(crate) fn release(&mut self) -> rusqlite::Result<()> {
        self.memory = Memory::default();
        self.commit()
    }

    /// Reads the blocks as they are now, where it has read one state of them for long. Rows in memory stay: a row that
    /// was sealed in between is then seen twice, and counts once.
    pub(crate) fn renew(&mut self) -> rusqlite::Result<()> {
        if self.conn.is_autocommit() || self.began.elapsed() > MAX_TRANSACTION {
            self.commit()?;
            self.begin()?;
        }
        Ok(())
    }

    /// As if the present one had been open for long.
    #[cfg(test)]
    pub(crate) fn end_transaction(&self) {
        self.commit().expect("begun");
    }

    fn begin(&mut self) -> rusqlite::Result<()> {
        self.began = Instant::now();
        self.conn.execute_batch("BEGIN")
    }

    fn commit(&self) -> rusqlite::Result<()> {
        if self.conn.is_autocommit() { Ok(()) } else { self.conn.execute_batch("COMMIT") }
    }

    /// What was read since the connection was opened.
    pub(crate) fn scanned(&self) -> Scanned {
        Scanned { damaged: self.counters.damages.tries.load(Ordering::Relaxed), ..self.scanned }
    }

    /// When a host was last heard of, Unix seconds: the log may know better than its row.
    pub(crate) fn last_seen(&self, host_id: i64, stored: i64) -> i64 {
        self.last_seen.get(&host_id).copied().unwrap_or(stored).max(stored)
    }

    /// Forgets all other hosts.
    pub(crate) fn keep_hosts(&mut self, filter: &Filter) {
        let wanted = |name: &String| filter.hosts.as_ref().is_none_or(|hosts| hosts.contains(name));
        self.memory.hosts.retain(|name, _| wanted(name));
    }

    /// Whether there is a host of that name.
    pub(crate) fn knows_host(&self, name: &str) -> bool {
        self.memory.hosts.contains_key(name)
    }

    /// Whether there is a series of that metric.
    pub(crate) fn knows_metric(&self, metric_type: &str) -> bool {
        !self.names.of_type(metric_type).is_empty()
    }

    /// The hosts that a scan visits, by name.
    pub(crate) fn hosts(&self, filter: &Filter) -> Vec<NamedHost> {
        let named = |(name, cell): (&String, &Arc<HostCell>)| (Arc::from(name.as_str()), cell.clone());
        let all = &self.memory.hosts;
        match &filter.hosts {
            Some(wanted) => wanted.iter().filter_map(|name| all.get_key_value(name)).map(named).collect(),
            None => all.iter().map(named).collect(),
        }
    }

    /// The series of a host that a scan reads, in an order.
    pub(crate) fn series(&self, cell: &HostCell, filter: &Filter) -> Vec<(MetricId, Arc<Series>)> {
        let state = cell.lock();
        let named = |id: &MetricId| Some((*id, self.names.series(*id)?.clone()));
        let mut series: Vec<_> =
            state.series.iter().filter_map(named).filter(|(_, series)| filter.takes(series)).collect();
        series.sort_by(|(_, a), (_, b)| a.cmp(b));
        series
    }

    /// The hours of a host in which there may be samples.
    pub(crate) fn hours(&self, cell: &HostCell, filter: &Filter) -> rusqlite::Result<BTreeSet<i64>> {
        let within = hour_of(filter.from)..=hour_of(filter.to);
        let mut hours = sealed::hours(&self.conn, cell.id, within)?;
        hours.extend(cell.rows(filter.from, filter.to).iter().map(|(at, _)| hour_of(*at)));
        Ok(hours)
    }

    /// The hours of a host in which there may be snapshots of processes.
    pub(crate) fn process_hours(&self, cell: &HostCell, filter: &Filter) -> rusqlite::Result<BTreeSet<i64>> {
        look::hours(&self.conn, cell.id, (filter.from, filter.to))
    }

    /// What processes took on a host in an hour, by time.
    pub(crate) fn processes(
        &self,
        cell: &HostCell,
        hour: i64,
        filter: &Filter,
    ) -> rusqlite::Result<Vec<ProcessReading>> {
        self.check_deadline()?;
        look::hour_within(&self.counters.damages, &self.conn, cell.id, hour, (filter.from, filter.to))
    }

    fn check_deadline(&self) -> rusqlite::Result<()> {
        if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
        }
        Ok(())
    }

    /// The cells of some series of a host in an hour, by series.
    pub(crate) fn cells(
        &mut self,
        cell: &HostCell,
        hour: i64,
        series: &NamedSeries,
    ) -> rusqlite::Result<Vec<Vec<(i64, f64)>>> {
        self.check_deadline()?;
        let ids: Vec<MetricId> = series.iter().map(|(id, _)| *id).collect();
        let rows: Vec<(i64, HeadRow)> = cell.rows(hour * HOUR_MS, (hour + 1) * HOUR_MS - 1);
        let blobs = sealed::blobs_for(&self.conn, cell.id, hour, ids.len())?;
        let cells = hour_cells(&blobs, &rows, &ids, &self.counters)?;
        self.scanned.blocks += blobs.len() as u64;
        self.scanned.columns += (blobs.len() * ids.len()) as u64;
        self.scanned.samples += cells.iter().map(|cells| cells.len() as u64).sum::<u64>();
        Ok(cells)
    }
}
