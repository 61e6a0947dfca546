//! One group commit: the appends that share a transaction, and what memory becomes once it is on disk.

use crate::head::{HeadRow, HostCell, HostState, Plan};
use crate::log::{Group, Record, Run};
use crate::memory::Memory;
use crate::names::{Layout, LayoutId, MetricId, Names};
use crate::sealed::{Sealed, hour_of};
use crate::writer::Shared;
use crate::{Append, AppendError, Appended};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use sysmond_model::frame::Row;
use sysmond_model::limits::{MAX_HOSTS, MAX_SERIES_PER_HOST};
use sysmond_model::{Host, HostInfo, Shape, StaticInfo, Timestamp};

/// How stale the time of a layout's last use may be on disk, milliseconds.
pub(crate) const LAYOUT_USE_SLACK_MS: i64 = 3_600_000;
/// Rows of one run in the log: a backlog comes in several.
const MAX_RUN_ROWS: usize = 10_000;

/// The transaction in the making. Memory changes only by [`Outcome::publish`], after the commit.
pub(crate) struct Batch<'a> {
    conn: &'a Connection,
    shared: &'a Shared,
    sealed: Sealed<'a>,
    group: Group,
    hosts: HashMap<String, Pending>,
    next_host: i64,
    new_hosts: usize,
}

/// One host's part.
struct Pending {
    cell: Arc<HostCell>,
    is_new: bool,
    /// Host data to write, where they differ from what is stored.
    is_changed: bool,
    host: Host,
    static_info: Option<StaticInfo>,
    next_seq: i64,
    newest_row: Option<i64>,
    newest_sealed: Option<i64>,
    /// The first hour that takes samples.
    raw_from: i64,
    rows: BTreeMap<i64, HeadRow>,
    plan: Option<(Arc<Shape>, Arc<Plan>)>,
    /// Layouts used for the first time, or again after a while.
    layouts: BTreeMap<LayoutId, Timestamp>,
    series: BTreeSet<MetricId>,
}

/// A finished transaction's effect on memory.
pub(crate) struct Outcome {
    hosts: HashMap<String, Pending>,
    next_host: i64,
    /// Size of the log row.
    pub(crate) log_bytes: u64,
}

/// A host that got rows: its cell, its last sequence number, how many rows its head has.
pub(crate) struct Touched {
    pub(crate) cell: Arc<HostCell>,
    pub(crate) last_seq: i64,
    pub(crate) head_rows: usize,
}

impl Outcome {
    /// Publishes it; returns the next free number of a host, all hosts heard of, and those that got rows.
    pub(crate) fn publish(self, memory: &RwLock<Memory>) -> (i64, Vec<Arc<HostCell>>, Vec<Touched>) {
        let (mut heard, mut touched) = (Vec::new(), Vec::new());
        let mut new_hosts = Vec::new();
        for (hostname, pending) in self.hosts {
            let mut state = pending.cell.lock();
            state.host = pending.host;
            state.static_info = pending.static_info;
            state.plan = pending.plan;
            state.layouts.extend(pending.layouts);
            state.series.extend(pending.series);
            let has_rows = !pending.rows.is_empty();
            for (at, row) in pending.rows {
                state.put(at, row);
            }
            state.next_seq = pending.next_seq;
            let head_rows = state.head.len();
            drop(state);
            heard.push(pending.cell.clone());
            if has_rows {
                touched.push(Touched {
                    cell: pending.cell.clone(),
                    last_seq: pending.next_seq - 1,
                    head_rows,
                });
            }
            if pending.is_new {
                new_hosts.push((hostname, pending.cell));
            }
        }
        if !new_hosts.is_empty() {
            memory.write().unwrap_or_else(PoisonError::into_inner).hosts.extend(new_hosts);
        }
        (self.next_host, heard, touched)
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn new(conn: &'a Connection, shared: &'a Shared, next_host: i64) -> Self {
        let sealed = Sealed::new(conn, &shared.counters);
        let hosts = HashMap::new();
        Self { conn, shared, sealed, group: Group::default(), hosts, next_host, new_hosts: 0 }
    }

    /// Takes one append. An inner error concerns this append alone, an outer one the whole transaction.
    pub(crate) fn append(&mut self, append: Append) -> rusqlite::Result<Result<Appended, AppendError>> {
        let Append { host, static_info, received, frame } = append;
        let Some(mut pending) = self.pending(&host.hostname, received) else {
            return Ok(Err(AppendError::TooManyHosts));
        };
        let hostname = host.hostname.clone();
        pending.learn(host, static_info, received);
        let mut answer = Appended { static_wanted: pending.static_info.is_none(), ..Appended::default() };
        let mut runs = Vec::new();
        if let Some(plan) = self.plan(&mut pending, frame.shape())? {
            answer.refused_columns.clone_from(&plan.refused);
            for row in frame.rows() {
                self.put_row(&mut pending, &plan, row, &mut answer, &mut runs)?;
            }
        }
        self.group.push(&Record { host_id: pending.cell.id, received, runs });
        self.hosts.insert(hostname, pending);
        Ok(Ok(answer))
    }

    /// Whether there is anything for the log.
    pub(crate) fn has_appends(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// Writes the log row and what changed of the hosts themselves.
    pub(crate) fn write(self, log_id: i64) -> rusqlite::Result<Outcome> {
        let data = self.group.finish();
        self.conn
            .prepare_cached("INSERT INTO log (id, data) VALUES (?1, ?2)")?
            .execute(params![log_id, data])?;
        let mut layouts = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO host_layout (host_id, layout_id, last_used) VALUES (?1, ?2, ?3)",
        )?;
        for pending in self.hosts.values() {
            if pending.is_new || pending.is_changed {
                write_host(self.conn, pending.cell.id, &pending.host, pending.static_info.as_ref())?;
            }
            for (layout_id, used) in &pending.layouts {
                layouts.execute(params![pending.cell.id, layout_id, used.as_millis()])?;
            }
        }
        Ok(Outcome { hosts: self.hosts, next_host: self.next_host, log_bytes: data.len() as u64 })
    }

    /// The host's part of this transaction; `None` where the host is new and one too many.
    fn pending(&mut self, hostname: &str, received: Timestamp) -> Option<Pending> {
        if let Some(pending) = self.hosts.remove(hostname) {
            return Some(pending);
        }
        let memory = self.shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = memory.hosts.get(hostname) {
            return Some(Pending::of(cell));
        }
        if memory.hosts.len() + self.new_hosts >= MAX_HOSTS {
            return None;
        }
        self.new_hosts += 1;
        let id = self.next_host;
        self.next_host += 1;
        let host = Host { info: HostInfo::default(), first_seen: received, last_seen: received };
        Some(Pending { is_new: true, ..Pending::of(&Arc::new(HostCell::new(id, host))) })
    }

    /// Numbers the frame's columns, registers new ones, refuses those beyond the host's limit.
    fn plan(&self, pending: &mut Pending, shape: &Arc<Shape>) -> rusqlite::Result<Option<Arc<Plan>>> {
        if let Some((known, plan)) = &pending.plan
            && (Arc::ptr_eq(known, shape) || known == shape)
        {
            return Ok(Some(plan.clone()));
        }
        let mut names = self.shared.names.write().unwrap_or_else(PoisonError::into_inner);
        let (mut metrics, mut kept, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut known = pending.known_series();
        for (column, series) in shape.series().iter().enumerate() {
            let id = names.id(series);
            if id.is_none_or(|id| !known.contains(&id)) && known.len() >= MAX_SERIES_PER_HOST {
                refused.push(column);
                continue;
            }
            let id = match id {
                Some(id) => id,
                None => names.add_series(self.conn, series)?,
            };
            known.insert(id);
            metrics.push(id);
            kept.push(column);
        }
        if metrics.is_empty() {
            return Ok(None);
        }
        pending.series = known;
        let layout: Layout = metrics.into();
        let layout_id = layout_id(&mut names, self.conn, &layout)?;
        let plan = Arc::new(Plan { layout_id, layout, kept, refused });
        // With refusals the plan holds only until a series ends and makes room.
        pending.plan = plan.refused.is_empty().then(|| (shape.clone(), plan.clone()));
        Ok(Some(plan))
    }

    fn put_row(
        &mut self,
        pending: &mut Pending,
        plan: &Plan,
        row: Row<'_>,
        answer: &mut Appended,
        runs: &mut Vec<Run>,
    ) -> rusqlite::Result<()> {
        let at = row.timestamp.as_millis();
        let cell = |column: &usize| row.values.get(*column).copied().filter(|value| value.is_finite());
        let values: Arc<[f64]> = plan.kept.iter().map(|column| cell(column).unwrap_or(f64::NAN)).collect();
        let present = values.iter().filter(|value| !value.is_nan()).count();
        if present == 0 {
            return Ok(());
        }
        if hour_of(at) < pending.raw_from {
            answer.too_old += present;
            return Ok(());
        }
        answer.stored += present;
        let is_newest = pending.newest_row.is_none_or(|newest| newest < at);
        let new = if is_newest {
            Some((plan.layout_id, plan.layout.clone(), values))
        } else {
            let merged = self.merge(pending, plan, at, &values)?;
            answer.duplicates += present - merged.changed;
            merged.row
        };
        let Some((layout_id, layout, values)) = new else {
            return Ok(());
        };
        let seq = pending.next_seq;
        pending.next_seq += 1;
        pending.newest_row = pending.newest_row.max(Some(at));
        pending.use_layout(layout_id, row.timestamp);
        match runs.last_mut().filter(|run| run.layout_id == layout_id && run.rows.len() < MAX_RUN_ROWS) {
            Some(run) => run.rows.push((at, values.clone())),
            None => runs.push(Run { layout_id, first_seq: seq, rows: vec![(at, values.clone())] }),
        }
        pending.rows.insert(at, HeadRow { seq, layout, values });
        Ok(())
    }

    /// Lays a row over what is known of that instant.
    fn merge(
        &mut self,
        pending: &Pending,
        plan: &Plan,
        at: i64,
        values: &Arc<[f64]>,
    ) -> rusqlite::Result<Merged> {
        let in_memory = match pending.rows.get(&at) {
            Some(row) => Some(row.clone()),
            None => pending.cell.lock().head.get(&at).cloned(),
        };
        let may_be_sealed = pending.newest_sealed.is_some_and(|newest| newest >= at);
        let mut changed = Vec::new();
        for (metric, value) in plan.layout.iter().copied().zip(values.iter().copied()) {
            if value.is_nan() {
                continue;
            }
            let mut known = in_memory.as_ref().and_then(|row| row.cell(metric));
            if known.is_none() && may_be_sealed {
                known = self.sealed.cell(pending.cell.id, at, metric)?;
            }
            if known.is_none_or(|known| known.to_bits() != value.to_bits()) {
                changed.push((metric, value));
            }
        }
        let count = changed.len();
        if count == 0 {
            return Ok(Merged { changed: 0, row: None });
        }
        let present = values.iter().filter(|value| !value.is_nan()).count();
        if in_memory.is_none() && count == present {
            return Ok(Merged {
                changed: count,
                row: Some((plan.layout_id, plan.layout.clone(), values.clone())),
            });
        }
        let row = self.overlay(in_memory.as_ref(), &changed)?;
        Ok(Merged { changed: count, row: Some(row) })
    }

    /// The row in memory with the changed cells; in a layout of its own where it has none for them.
    fn overlay(
        &self,
        base: Option<&HeadRow>,
        changed: &[(MetricId, f64)],
    ) -> rusqlite::Result<(LayoutId, Layout, Arc<[f64]>)> {
        let mut metrics: Vec<MetricId> = base.map(|row| row.layout.to_vec()).unwrap_or_default();
        let mut values: Vec<f64> = base.map(|row| row.values.to_vec()).unwrap_or_default();
        let places: HashMap<MetricId, usize> = metrics.iter().copied().zip(0..).collect();
        for (metric, value) in changed {
            if let Some(cell) = places.get(metric).and_then(|place| values.get_mut(*place)) {
                *cell = *value;
            } else {
                metrics.push(*metric);
                values.push(*value);
            }
        }
        let layout: Layout = metrics.into();
        let mut names = self.shared.names.write().unwrap_or_else(PoisonError::into_inner);
        let layout_id = layout_id(&mut names, self.conn, &layout)?;
        Ok((layout_id, layout, values.into()))
    }
}

/// What laying a row over the known cells gave.
struct Merged {
    /// Cells that were not there with the same value.
    changed: usize,
    /// The row to store, where anything changed.
    row: Option<(LayoutId, Layout, Arc<[f64]>)>,
}

impl Pending {
    fn of(cell: &Arc<HostCell>) -> Self {
        let state = cell.lock();
        let HostState { host, static_info, next_seq, newest_row, newest_sealed, raw_from, plan, .. } =
            &*state;
        Self {
            cell: cell.clone(),
            is_new: false,
            is_changed: false,
            host: host.clone(),
            static_info: static_info.clone(),
            next_seq: *next_seq,
            newest_row: *newest_row,
            newest_sealed: *newest_sealed,
            raw_from: *raw_from,
            rows: BTreeMap::new(),
            plan: plan.clone(),
            layouts: BTreeMap::new(),
            series: BTreeSet::new(),
        }
    }

    /// Takes what the delivery says of the host.
    fn learn(&mut self, info: HostInfo, static_info: Option<StaticInfo>, received: Timestamp) {
        self.host.last_seen = received;
        if self.host.info != info {
            self.host.info = info;
            self.is_changed = true;
        }
        if static_info.is_some() && static_info != self.static_info {
            self.static_info = static_info;
            self.is_changed = true;
        }
    }

    fn known_series(&self) -> BTreeSet<MetricId> {
        let mut known = self.cell.lock().series.clone();
        known.extend(&self.series);
        known
    }

    fn use_layout(&mut self, layout_id: LayoutId, at: Timestamp) {
        let is_fresh = |used: &Timestamp| used.plus_millis(LAYOUT_USE_SLACK_MS) >= at;
        if self.layouts.get(&layout_id).is_some_and(is_fresh)
            || self.cell.lock().layouts.get(&layout_id).is_some_and(is_fresh)
        {
            return;
        }
        self.layouts.insert(layout_id, at);
    }
}

fn layout_id(names: &mut Names, conn: &Connection, layout: &Layout) -> rusqlite::Result<LayoutId> {
    match names.layout_id(layout) {
        Some(id) => Ok(id),
        None => names.add_layout(conn, layout),
    }
}

/// Writes the host's row.
pub(crate) fn write_host(
    conn: &Connection,
    id: i64,
    host: &Host,
    static_info: Option<&StaticInfo>,
) -> rusqlite::Result<()> {
    let Host { info, first_seen, last_seen } = host;
    let mut upsert = conn.prepare_cached(
        "INSERT INTO hosts (hostname, first_seen, last_seen, tags, version, platform, status, host_id, static_info)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'online', ?7, ?8)
         ON CONFLICT (hostname) DO UPDATE SET last_seen = excluded.last_seen, tags = excluded.tags,
         version = excluded.version, platform = excluded.platform, status = excluded.status,
         static_info = excluded.static_info",
    )?;
    upsert.execute(params![
        info.hostname,
        first_seen.as_seconds(),
        last_seen.as_seconds(),
        json(&info.tags),
        info.version,
        info.platform,
        id,
        static_info.map(json),
    ])?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("maps with string keys and plain structs have JSON")
}
