//! One group commit: the appends that share a transaction, and what memory becomes once it is on disk.

use crate::head::{HostCell, HostState, Plan};
use crate::host_row;
use crate::log::{Group, MAX_CELLS, MAX_GROUP_CELLS, Packer, Run};
use crate::memory::Memory;
use crate::names::{Layout, LayoutId, MetricId, Names, is_same};
use crate::processes;
use crate::schema::failed;
use crate::sealed::{Sealed, hour_of};
use crate::writer::Shared;
use crate::{Append, AppendError, Appended};
use rusqlite::{Connection, params};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use sysmond_model::frame::Row;
use sysmond_model::limits::{MAX_HOSTS, MAX_KNOWN_SERIES_PER_HOST, MAX_SERIES_PER_HOST};
use sysmond_model::{Host, HostInfo, Shape, StaticInfo, Timestamp};

/// How stale the time of a layout's last use may be on disk, milliseconds.
pub(crate) const LAYOUT_USE_SLACK_MS: i64 = 3_600_000;
/// How long a series that fell silent counts towards a host's limit, milliseconds.
const ACTIVE_MS: i64 = LAYOUT_USE_SLACK_MS + 3_600_000;
/// No sample is of a later time: the end of the year 9999.
pub(crate) const MAX_TIME_MS: i64 = 253_402_300_799_999;
/// Rows of one run in the log.
const MAX_RUN_ROWS: usize = 10_000;

/// The transaction in the making. Memory changes only by [`Outcome::publish`], after the commit.
pub(crate) struct Batch<'a> {
    conn: &'a Connection,
    shared: &'a Shared,
    sealed: Sealed<'a>,
    group: Group,
    /// In the group.
    cells: usize,
    /// By number.
    hosts: HashMap<i64, Pending>,
    new_hosts: HashMap<String, Arc<HostCell>>,
    next_host: i64,
}

/// One host's part.
struct Pending {
    cell: Arc<HostCell>,
    is_new: bool,
    last_seen: Timestamp,
    /// Host data, where they differ from what is stored.
    info: Option<HostInfo>,
    static_info: Option<StaticInfo>,
    static_wanted: bool,
    next_seq: i64,
    newest_row: Option<i64>,
    newest_sealed: Option<i64>,
    /// The first hour that takes samples.
    raw_from: i64,
    /// The rows to store, in the order of storing.
    runs: Vec<Run>,
    /// The first of them that the present delivery brought.
    first_run: usize,
    /// By time: each row's run and its place in it.
    rows: Vec<(i64, (usize, usize))>,
    plan: Option<(Arc<Shape>, Arc<Plan>)>,
    /// Layouts used for the first time, or again after a while.
    layouts: BTreeMap<LayoutId, Timestamp>,
    /// The layout of the last row, and the time up to which its use is noted.
    noted: Option<(LayoutId, Timestamp)>,
    series: BTreeSet<MetricId>,
}

/// A finished transaction's effect on memory.
pub(crate) struct Outcome {
    hosts: HashMap<i64, Pending>,
    new_hosts: HashMap<String, Arc<HostCell>>,
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
        for pending in self.hosts.into_values() {
            let (cell, last_seq, has_rows) =
                (pending.cell.clone(), pending.next_seq - 1, !pending.rows.is_empty());
            let head_rows = pending.publish();
            if has_rows {
                touched.push(Touched { cell: cell.clone(), last_seq, head_rows });
            }
            heard.push(cell);
        }
        if !self.new_hosts.is_empty() {
            memory.write().unwrap_or_else(PoisonError::into_inner).hosts.extend(self.new_hosts);
        }
        (self.next_host, heard, touched)
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn new(conn: &'a Connection, shared: &'a Shared, next_host: i64) -> Self {
        let sealed = Sealed::new(conn, &shared.counters);
        let (hosts, new_hosts) = (HashMap::new(), HashMap::new());
        Self { conn, shared, sealed, group: Group::default(), cells: 0, hosts, new_hosts, next_host }
    }

    /// Takes one append. An inner error concerns this append alone, an outer one the whole transaction.
    pub(crate) fn append(&mut self, append: Append) -> rusqlite::Result<Result<Appended, AppendError>> {
        let Append { host, static_info, received, frame, processes } = append;
        let Some(mut pending) = self.pending(&host.hostname, received) else {
            return Ok(Err(AppendError::TooManyHosts));
        };
        pending.learn(host, static_info, received);
        let mut answer = Appended { static_wanted: pending.static_wanted, ..Appended::default() };
        pending.first_run = pending.runs.len();
        if let Some(plan) = self.plan(&mut pending, frame.shape())? {
            answer.refused_columns.clone_from(&plan.refused);
            let mut rows = frame.rows();
            while let Some(row) = rows.next() {
                self.put_row(&mut pending, &plan, row, rows.len(), &mut answer)?;
            }
        } else {
            answer.refused_columns = (0..frame.shape().len()).collect();
        }
        let host_id = pending.cell.id;
        let kept = processes::keep::put(self.conn, host_id, pending.raw_from, &processes)?;
        (answer.snapshots, answer.snapshots_refused) = (kept.stored, kept.refused);
        let runs = pending.runs.get(pending.first_run..).unwrap_or_default();
        self.cells += runs.iter().map(|run| run.len() * run.layout.len()).sum::<usize>();
        if self.cells > MAX_GROUP_CELLS {
            return Err(failed("more cells in one transaction than its log row may have"));
        }
        self.group.push(host_id, received, runs);
        self.hosts.insert(host_id, pending);
        Ok(Ok(answer))
    }

    /// Whether there is anything for the log.
    pub(crate) fn has_appends(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// Writes the log row and what changed of the hosts themselves.
    pub(crate) fn write(self, log_id: i64, packer: &mut Packer) -> rusqlite::Result<Outcome> {
        let data = self.group.finish_packed(packer);
        self.conn
            .prepare_cached("INSERT INTO log (id, data) VALUES (?1, ?2)")?
            .execute(params![log_id, data])?;
        let mut layouts = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO host_layout (host_id, layout_id, last_used) VALUES (?1, ?2, ?3)",
        )?;
        for (host_id, pending) in &self.hosts {
            if pending.is_new || pending.info.is_some() || pending.static_info.is_some() {
                let (host, static_info) = pending.whole();
                host_row::write(self.conn, *host_id, &host, static_info.as_ref())?;
            }
            for (layout_id, used) in &pending.layouts {
                layouts.execute(params![host_id, layout_id, used.as_millis()])?;
            }
        }
        let log_bytes = data.len() as u64;
        Ok(Outcome { hosts: self.hosts, new_hosts: self.new_hosts, next_host: self.next_host, log_bytes })
    }

    /// The host's part of this transaction; `None` where the host is new and one too many.
    fn pending(&mut self, hostname: &str, received: Timestamp) -> Option<Pending> {
        let memory = self.shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = memory.hosts.get(hostname).or_else(|| self.new_hosts.get(hostname)) {
            return Some(self.hosts.remove(&cell.id).unwrap_or_else(|| Pending::of(cell)));
        }
        if memory.hosts.len() + self.new_hosts.len() >= MAX_HOSTS {
            return None;
        }
        let host = Host { info: HostInfo::default(), first_seen: received, last_seen: received };
        let cell = Arc::new(HostCell::new(self.next_host, host));
        self.next_host += 1;
        self.new_hosts.insert(hostname.to_owned(), cell.clone());
        Some(Pending { is_new: true, ..Pending::of(&cell) })
    }

    /// Numbers the frame's columns, registers new ones, refuses those beyond the host's limit. `None` where that is all
    /// of them.
    fn plan(&self, pending: &mut Pending, shape: &Arc<Shape>) -> rusqlite::Result<Option<Arc<Plan>>> {
        if let Some((known, plan)) = &pending.plan
            && (Arc::ptr_eq(known, shape) || known == shape)
        {
            let plan = plan.clone();
            // The newer copy is probably that of the next delivery too, and of other hosts.
            pending.plan = Some((shape.clone(), plan.clone()));
            return Ok(Some(plan));
        }
        let mut names = self.shared.names.write().unwrap_or_else(PoisonError::into_inner);
        let mut plan = Plan { layout_id: 0, layout: Arc::default(), kept: Vec::new(), refused: Vec::new() };
        let mut metrics = Vec::with_capacity(shape.len());
        let (mut active, mut known) = pending.series(&names);
        for (column, series) in shape.series().iter().enumerate() {
            let id = names.id(series);
            let is_active = id.is_some_and(|id| active.contains(&id));
            let is_known = is_active || id.is_some_and(|id| known.contains(&id));
            if (!is_active && active.len() >= MAX_SERIES_PER_HOST)
                || (!is_known && known.len() >= MAX_KNOWN_SERIES_PER_HOST)
            {
                plan.refused.push(column);
                continue;
            }
            let id = match id {
                Some(id) => id,
                None => names.add_series(self.conn, series)?,
            };
            active.insert(id);
            if known.insert(id) {
                pending.series.insert(id);
            }
            metrics.push(id);
            plan.kept.push(column);
        }
        if metrics.is_empty() {
            return Ok(None);
        }
        (plan.layout_id, plan.layout) = names.shared_layout(self.conn, metrics.into())?;
        let plan = Arc::new(plan);
        // With refusals the plan holds only until a series ends and makes room.
        pending.plan = plan.refused.is_empty().then(|| (shape.clone(), plan.clone()));
        Ok(Some(plan))
    }

    /// Takes a row, behind which `more` are to come.
    fn put_row(
        &mut self,
        pending: &mut Pending,
        plan: &Plan,
        row: Row<'_>,
        more: usize,
        answer: &mut Appended,
    ) -> rusqlite::Result<()> {
        let at = row.timestamp.as_millis();
        let values = stored_values(plan, row.values);
        let present = values.iter().filter(|value| !value.is_nan()).count();
        if present == 0 {
            return Ok(());
        }
        if !(0..=MAX_TIME_MS).contains(&at) || hour_of(at) < pending.raw_from {
            answer.too_old += present;
            return Ok(());
        }
        answer.stored += present;
        if pending.newest_row.is_none_or(|newest| newest < at) {
            pending.put(at, (plan.layout_id, &plan.layout), &values, more);
            return Ok(());
        }
        let merged = self.merge(pending, plan, at, &values)?;
        answer.duplicates += present - merged.changed;
        if let Some((layout_id, layout, values)) = merged.row {
            pending.put(at, (layout_id, &layout), &values, more);
        }
        Ok(())
    }

    /// Lays a row over what is known of that instant.
    fn merge(&mut self, pending: &Pending, plan: &Plan, at: i64, values: &[f64]) -> rusqlite::Result<Merged> {
        let in_memory = pending.row(at);
        let may_be_sealed = pending.newest_sealed.is_some_and(|newest| newest >= at);
        let known = in_memory.as_ref().map_or_else(Vec::new, |row| row.arranged(&plan.layout));
        let mut changed = Vec::new();
        for (place, (metric, value)) in plan.layout.iter().copied().zip(values.iter().copied()).enumerate() {
            if value.is_nan() {
                continue;
            }
            let mut known = known.get(place).copied().filter(|value| !value.is_nan());
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
                row: Some((plan.layout_id, plan.layout.clone(), values.to_vec())),
            });
        }
        let row = self.overlay(in_memory, &changed)?;
        Ok(Merged { changed: count, row: Some(row) })
    }

    /// The row in memory with the changed cells; in a layout of its own where it has none for them.
    fn overlay(
        &self,
        base: Option<Known>,
        changed: &[(MetricId, f64)],
    ) -> rusqlite::Result<(LayoutId, Layout, Vec<f64>)> {
        let (mut metrics, mut values) = base.map(|row| (row.layout.to_vec(), row.values)).unwrap_or_default();
        let places: HashMap<MetricId, usize> = metrics.iter().copied().zip(0..).collect();
        for (metric, value) in changed {
            if let Some(cell) = places.get(metric).and_then(|place| values.get_mut(*place)) {
                *cell = *value;
            } else {
                metrics.push(*metric);
                values.push(*value);
            }
        }
        let mut names = self.shared.names.write().unwrap_or_else(PoisonError::into_inner);
        let (layout_id, layout) = names.shared_layout(self.conn, metrics.into())?;
        Ok((layout_id, layout, values))
    }
}

/// What laying a row over the known cells gave.
struct Merged {
    /// Cells that were not there with the same value.
    changed: usize,
    /// The row to store, where anything changed.
    row: Option<(LayoutId, Layout, Vec<f64>)>,
}

/// A row that is in memory already.
struct Known {
    layout: Layout,
    values: Vec<f64>,
}

impl Known {
    /// The values in the order of another layout, NaN where absent.
    fn arranged(&self, layout: &Layout) -> Vec<f64> {
        if is_same(&self.layout, layout) {
            return self.values.clone();
        }
        let known: HashMap<MetricId, f64> =
            self.layout.iter().copied().zip(self.values.iter().copied()).collect();
        layout.iter().map(|metric| known.get(metric).copied().unwrap_or(f64::NAN)).collect()
    }
}

impl Pending {
    fn of(cell: &Arc<HostCell>) -> Self {
        let state = cell.lock();
        let HostState { host, static_info, next_seq, newest_row, newest_sealed, raw_from, plan, .. } =
            &*state;
        Self {
            cell: cell.clone(),
            is_new: false,
            last_seen: host.last_seen,
            info: None,
            static_info: None,
            static_wanted: static_info.is_none(),
            next_seq: *next_seq,
            newest_row: *newest_row,
            newest_sealed: *newest_sealed,
            raw_from: *raw_from,
            runs: Vec::new(),
            first_run: 0,
            rows: Vec::new(),
            plan: plan.clone(),
            layouts: BTreeMap::new(),
            noted: None,
            series: BTreeSet::new(),
        }
    }

    /// Takes what the delivery says of the host.
    fn learn(&mut self, info: HostInfo, static_info: Option<StaticInfo>, received: Timestamp) {
        let state = self.cell.lock();
        self.last_seen = received;
        if *self.info.as_ref().unwrap_or(&state.host.info) != info {
            self.info = Some(info);
        }
        if static_info.is_some() && static_info.as_ref() != self.known_static(&state) {
            self.static_info = static_info;
            self.static_wanted = false;
        }
    }

    fn known_static<'s>(&'s self, state: &'s HostState) -> Option<&'s StaticInfo> {
        self.static_info.as_ref().or(state.static_info.as_ref())
    }

    /// The host as it is to be written.
    fn whole(&self) -> (Host, Option<StaticInfo>) {
        let state = self.cell.lock();
        let info = self.info.as_ref().unwrap_or(&state.host.info).clone();
        let host = Host { info, first_seen: state.host.first_seen, last_seen: self.last_seen };
        (host, self.known_static(&state).cloned())
    }

    /// Changes memory; returns how many rows the head has.
    fn publish(self) -> usize {
        let mut state = self.cell.lock();
        state.host.last_seen = self.last_seen;
        if let Some(info) = self.info {
            state.host.info = info;
        }
        if self.static_info.is_some() {
            state.static_info = self.static_info;
        }
        state.plan = self.plan;
        state.layouts.extend(self.layouts);
        state.series.extend(self.series);
        for mut run in self.runs {
            run.shrink();
            state.put_run(&Arc::new(run), 0);
        }
        state.next_seq = self.next_seq;
        state.head.rows().len()
    }

    /// The host's series that were in use lately, and all of which samples are kept.
    fn series(&self, names: &Names) -> (HashSet<MetricId>, HashSet<MetricId>) {
        let state = self.cell.lock();
        let since = Timestamp::from_millis(self.newest_row.unwrap_or(0).saturating_sub(ACTIVE_MS));
        let layouts = state.layouts.iter().chain(&self.layouts).filter(|(_, used)| **used >= since);
        let active =
            layouts.filter_map(|(id, _)| names.layout(*id)).flat_map(|layout| layout.iter().copied());
        let known = state.series.iter().chain(&self.series).copied().collect();
        (active.chain(self.series.iter().copied()).collect(), known)
    }

    /// Takes a row to store, behind which `more` may come.
    fn put(&mut self, at: i64, (layout_id, layout): (LayoutId, &Layout), values: &[f64], more: usize) {
        // A backlog comes in several runs, and so do rows with other columns.
        let most = MAX_RUN_ROWS.min(MAX_CELLS / layout.len().max(1));
        let open = self.runs.last().is_some_and(|run| run.layout_id == layout_id && run.len() < most);
        if !open || self.runs.len() == self.first_run {
            let room = (more + 1).min(most);
            self.runs.push(Run::with_room(layout_id, layout.clone(), self.next_seq, room));
        }
        let run = self.runs.len() - 1;
        let Some(open) = self.runs.last_mut() else { return };
        let place = (run, open.len());
        open.push(at, values.iter().copied());
        self.next_seq += 1;
        self.newest_row = self.newest_row.max(Some(at));
        self.use_layout(layout_id, Timestamp::from_millis(at));
        match self.rows.last() {
            Some((last, _)) if *last >= at => match self.rows.binary_search_by_key(&at, |(at, _)| *at) {
                Ok(known) => {
                    if let Some((_, known)) = self.rows.get_mut(known) {
                        *known = place;
                    }
                }
                Err(between) => self.rows.insert(between, (at, place)),
            },
            _ => self.rows.push((at, place)),
        }
    }

    /// The row of that time, where it is in memory.
    fn row(&self, at: i64) -> Option<Known> {
        if let Ok(place) = self.rows.binary_search_by_key(&at, |(at, _)| *at) {
            let (_, (run, row)) = self.rows.get(place)?;
            let run = self.runs.get(*run)?;
            return Some(Known { layout: run.layout.clone(), values: run.row(*row).to_vec() });
        }
        let state = self.cell.lock();
        let row = state.head.get(at)?;
        Some(Known { layout: row.layout().clone(), values: row.values().to_vec() })
    }

    fn use_layout(&mut self, layout_id: LayoutId, at: Timestamp) {
        if self.noted.is_some_and(|(noted, until)| noted == layout_id && until >= at) {
            return;
        }
        let known = self.layouts.get(&layout_id).copied();
        let known = known.max(self.cell.lock().layouts.get(&layout_id).copied());
        let until = known.map(|used| used.plus_millis(LAYOUT_USE_SLACK_MS));
        if let Some(until) = until.filter(|until| *until >= at) {
            self.noted = Some((layout_id, until));
        } else {
            self.layouts.insert(layout_id, at);
            self.noted = Some((layout_id, at.plus_millis(LAYOUT_USE_SLACK_MS)));
        }
    }
}

/// A row's values in the order of the plan's layout.
fn stored_values<'v>(plan: &Plan, given: &'v [f64]) -> Cow<'v, [f64]> {
    if plan.refused.is_empty() && !given.iter().any(|value| value.is_infinite()) {
        return given.into();
    }
    let cell = |column: &usize| given.get(*column).copied().filter(|value| value.is_finite());
    plan.kept.iter().map(|column| cell(column).unwrap_or(f64::NAN)).collect()
}
