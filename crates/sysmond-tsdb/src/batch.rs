//! One group commit: the appends that share a transaction, and what memory becomes once it is on disk.

use crate::memory::{HostEntry, Memory};
use crate::names::{Layout, LayoutId, MetricId, Names};
use crate::{Append, AppendError, Appended, row};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use sysmond_model::frame::Row;
use sysmond_model::limits::{MAX_HOSTS, MAX_SERIES_PER_HOST};
use sysmond_model::{Host, Shape, Timestamp};

/// How stale the time of a layout's last use may be on disk, milliseconds.
pub(crate) const LAYOUT_USE_SLACK_MS: i64 = 3_600_000;

/// The transaction in the making. Memory changes only by [`Outcome::publish`], after the commit.
pub(crate) struct Batch<'a> {
    conn: &'a Connection,
    names: &'a RwLock<Names>,
    memory: &'a RwLock<Memory>,
    next_seq: i64,
    next_host: i64,
    hosts: HashMap<String, HostEntry>,
    new_hosts: usize,
}

/// The columns of a frame as they are to be stored.
struct Plan {
    layout_id: LayoutId,
    layout: Layout,
    /// For each column of the layout its place in the frame.
    kept: Vec<usize>,
}

/// A finished transaction's effect on memory.
pub(crate) struct Outcome {
    next_seq: i64,
    next_host: i64,
    hosts: HashMap<String, HostEntry>,
}

impl Outcome {
    /// Publishes it; returns the next free numbers of rows and hosts.
    pub(crate) fn publish(self, memory: &RwLock<Memory>) -> (i64, i64) {
        let mut memory = memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.hosts.extend(self.hosts.into_iter().map(|(name, entry)| (name, Arc::new(entry))));
        (self.next_seq, self.next_host)
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn new(
        conn: &'a Connection,
        names: &'a RwLock<Names>,
        memory: &'a RwLock<Memory>,
        next_seq: i64,
        next_host: i64,
    ) -> Self {
        Self { conn, names, memory, next_seq, next_host, hosts: HashMap::new(), new_hosts: 0 }
    }

    /// Writes one append. An inner error concerns this append alone, an outer one the whole transaction.
    pub(crate) fn append(&mut self, append: Append) -> rusqlite::Result<Result<Appended, AppendError>> {
        let Append { host, static_info, received, frame } = append;
        let Some(mut entry) = self.take_entry(&host.hostname, received) else {
            return Ok(Err(AppendError::TooManyHosts));
        };
        entry.host.last_seen = received;
        entry.host.info = host;
        if static_info.is_some() {
            entry.static_info = static_info;
        }
        let mut answer = Appended { static_wanted: entry.static_info.is_none(), ..Appended::default() };
        if let Some(plan) = self.plan(&mut entry, frame.shape(), &mut answer)? {
            for row in frame.rows() {
                self.put_row(&mut entry, &plan, row, &mut answer)?;
            }
        }
        self.hosts.insert(entry.host.info.hostname.clone(), entry);
        Ok(Ok(answer))
    }

    /// Writes what changed of the hosts themselves.
    pub(crate) fn write_hosts(&self) -> rusqlite::Result<()> {
        let mut upsert = self.conn.prepare_cached(
            "INSERT INTO hosts (hostname, first_seen, last_seen, tags, version, platform, status, host_id, static_info)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'online', ?7, ?8)
             ON CONFLICT (hostname) DO UPDATE SET last_seen = excluded.last_seen, tags = excluded.tags,
             version = excluded.version, platform = excluded.platform, status = excluded.status,
             static_info = excluded.static_info",
        )?;
        for HostEntry { id, host: Host { info, first_seen, last_seen }, static_info, .. } in
            self.hosts.values()
        {
            let static_info = static_info.as_ref().map(json);
            upsert.execute(params![
                info.hostname,
                first_seen.as_seconds(),
                last_seen.as_seconds(),
                json(&info.tags),
                info.version,
                info.platform,
                id,
                static_info,
            ])?;
        }
        Ok(())
    }

    /// What memory is to become once the transaction is on disk.
    pub(crate) fn detach(self) -> Outcome {
        Outcome { next_seq: self.next_seq, next_host: self.next_host, hosts: self.hosts }
    }

    /// The host's entry as this transaction sees it; `None` where the host is new and one too many.
    fn take_entry(&mut self, hostname: &str, received: Timestamp) -> Option<HostEntry> {
        if let Some(entry) = self.hosts.remove(hostname) {
            return Some(entry);
        }
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = memory.hosts.get(hostname) {
            return Some(HostEntry::clone(entry));
        }
        if memory.hosts.len() + self.new_hosts >= MAX_HOSTS {
            return None;
        }
        self.new_hosts += 1;
        let id = self.next_host;
        self.next_host += 1;
        let host =
            Host { info: sysmond_model::HostInfo::default(), first_seen: received, last_seen: received };
        Some(HostEntry::new(id, host))
    }

    /// Numbers the frame's columns, registers new ones, refuses those beyond the host's limit.
    fn plan(
        &self,
        entry: &mut HostEntry,
        shape: &Shape,
        answer: &mut Appended,
    ) -> rusqlite::Result<Option<Plan>> {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let (mut metrics, mut kept) = (Vec::new(), Vec::new());
        for (column, series) in shape.series().iter().enumerate() {
            let known = names.id(series);
            let is_new = known.is_none_or(|id| !entry.series.contains(&id));
            if is_new && entry.series.len() >= MAX_SERIES_PER_HOST {
                answer.refused_columns.push(column);
                continue;
            }
            let id = match known {
                Some(id) => id,
                None => names.add_series(self.conn, series)?,
            };
            entry.series.insert(id);
            metrics.push(id);
            kept.push(column);
        }
        if metrics.is_empty() {
            return Ok(None);
        }
        let layout: Layout = metrics.into();
        let layout_id = self.layout_id(&mut names, &layout)?;
        Ok(Some(Plan { layout_id, layout, kept }))
    }

    fn layout_id(&self, names: &mut Names, layout: &Layout) -> rusqlite::Result<LayoutId> {
        match names.layout_id(layout) {
            Some(id) => Ok(id),
            None => names.add_layout(self.conn, layout),
        }
    }

    fn put_row(
        &mut self,
        entry: &mut HostEntry,
        plan: &Plan,
        row: Row<'_>,
        answer: &mut Appended,
    ) -> rusqlite::Result<()> {
        let cell = |column: &usize| row.values.get(*column).copied().filter(|value| value.is_finite());
        let values: Vec<f64> = plan.kept.iter().map(|column| cell(column).unwrap_or(f64::NAN)).collect();
        let present = values.iter().filter(|value| !value.is_nan()).count();
        if present == 0 {
            return Ok(());
        }
        answer.stored += present;
        let old = match entry.newest_row {
            Some(newest) if newest >= row.timestamp => self.read_row(entry.id, row.timestamp)?,
            _ => None,
        };
        let (layout_id, layout, merged) = match old {
            None => (plan.layout_id, plan.layout.clone(), values),
            Some((old_layout_id, old_values)) => {
                let merged = self.merge((old_layout_id, old_values), plan, &values, answer)?;
                let Some(merged) = merged else {
                    return Ok(());
                };
                merged
            }
        };
        self.write_row(entry, row.timestamp, layout_id, &merged)?;
        for (&metric, &value) in layout.iter().zip(&merged).filter(|(_, value)| !value.is_nan()) {
            entry.observe(metric, row.timestamp, value);
        }
        entry.newest_row = entry.newest_row.max(Some(row.timestamp));
        Ok(())
    }

    /// The row with the new cells laid over it; `None` where that changes nothing.
    fn merge(
        &self,
        (old_layout_id, mut merged): (LayoutId, Vec<f64>),
        plan: &Plan,
        values: &[f64],
        answer: &mut Appended,
    ) -> rusqlite::Result<Option<(LayoutId, Layout, Vec<f64>)>> {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let old_layout = names.layout(old_layout_id).cloned().unwrap_or_default();
        let mut metrics = old_layout.to_vec();
        let places: HashMap<MetricId, usize> =
            old_layout.iter().enumerate().map(|(place, metric)| (*metric, place)).collect();
        let mut changed = false;
        for (metric, &value) in plan.layout.iter().zip(values).filter(|(_, value)| !value.is_nan()) {
            match places.get(metric).and_then(|place| merged.get_mut(*place)) {
                Some(cell) if cell.to_bits() == value.to_bits() => answer.duplicates += 1,
                Some(cell) => {
                    *cell = value;
                    changed = true;
                }
                None => {
                    metrics.push(*metric);
                    merged.push(value);
                    changed = true;
                }
            }
        }
        if !changed {
            return Ok(None);
        }
        let layout: Layout = metrics.into();
        let layout_id = self.layout_id(&mut names, &layout)?;
        Ok(Some((layout_id, layout, merged)))
    }

    fn read_row(&self, host_id: i64, timestamp: Timestamp) -> rusqlite::Result<Option<(LayoutId, Vec<f64>)>> {
        let mut select = self
            .conn
            .prepare_cached("SELECT layout_id, data FROM tick WHERE host_id = ?1 AND timestamp = ?2")?;
        select
            .query_row(params![host_id, timestamp.as_millis()], |row| {
                let layout_id = row.get(0)?;
                let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
                let width = names.layout(layout_id).map_or(0, |layout| layout.len());
                let values = row::decode(row.get_ref(1)?.as_blob()?, width);
                Ok((
                    layout_id,
                    values.ok_or_else(|| crate::schema::damaged("a row does not fit its layout"))?,
                ))
            })
            .optional()
    }

    fn write_row(
        &mut self,
        entry: &mut HostEntry,
        timestamp: Timestamp,
        layout_id: LayoutId,
        values: &[f64],
    ) -> rusqlite::Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO tick (host_id, timestamp, seq, layout_id, data) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let seq = self.next_seq;
        self.next_seq += 1;
        insert.execute(params![entry.id, timestamp.as_millis(), seq, layout_id, row::encode(values)])?;
        let used = entry.layouts.get(&layout_id);
        if used.is_none_or(|used| used.plus_millis(LAYOUT_USE_SLACK_MS) < timestamp) {
            entry.layouts.insert(layout_id, timestamp);
            self.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO host_layout (host_id, layout_id, last_used) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![entry.id, layout_id, timestamp.as_millis()])?;
        }
        Ok(())
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("maps with string keys and plain structs have JSON")
}
