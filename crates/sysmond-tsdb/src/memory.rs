//! What is answered without the disk: hosts, and the newest value of each of their series.

use crate::names::{LayoutId, MetricId, Names};
use crate::row;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use sysmond_model::catalogue::{CPU_TOTAL_USAGE, MEMORY_USED_BYTES};
use sysmond_model::{FleetSummary, Host, HostInfo, Sample, StaticInfo, Timestamp};

/// How far before a host's newest sample a series may have fallen silent and still count as current.
const LATEST_WINDOW_MS: i64 = 5 * 60 * 1000;

/// One host.
#[derive(Clone, Debug)]
pub(crate) struct HostEntry {
    pub(crate) id: i64,
    pub(crate) host: Host,
    pub(crate) static_info: Option<StaticInfo>,
    /// The newest row's time; rows beyond it need no look at the disk.
    pub(crate) newest_row: Option<Timestamp>,
    /// The newest value of each series.
    pub(crate) newest: BTreeMap<MetricId, (Timestamp, f64)>,
    /// The layouts in use, each with the newest row's time as written on disk.
    pub(crate) layouts: BTreeMap<LayoutId, Timestamp>,
    /// The series of those layouts.
    pub(crate) series: BTreeSet<MetricId>,
}

impl HostEntry {
    pub(crate) fn new(id: i64, host: Host) -> Self {
        Self {
            id,
            host,
            static_info: None,
            newest_row: None,
            newest: BTreeMap::new(),
            layouts: BTreeMap::new(),
            series: BTreeSet::new(),
        }
    }

    /// Takes note of a stored cell.
    pub(crate) fn observe(&mut self, metric: MetricId, timestamp: Timestamp, value: f64) {
        let newest = self.newest.entry(metric).or_insert((timestamp, value));
        if timestamp >= newest.0 {
            *newest = (timestamp, value);
        }
    }

    /// The newest values of series that still speak, sorted by series.
    pub(crate) fn latest(&self, names: &Names) -> Vec<Sample> {
        let Some(newest) = self.newest.values().map(|(timestamp, _)| *timestamp).max() else {
            return Vec::new();
        };
        let from = newest.plus_millis(-LATEST_WINDOW_MS);
        let mut samples: Vec<Sample> = self
            .newest
            .iter()
            .filter(|(_, (timestamp, _))| *timestamp >= from)
            .filter_map(|(metric, &(timestamp, value))| {
                let series = names.series(*metric)?.as_ref().clone();
                Some(Sample { timestamp, series, value })
            })
            .collect();
        samples.sort_by(|a, b| a.series.cmp(&b.series));
        samples
    }

    /// The newest values of one metric: those of its series that have the newest time among them.
    fn newest_of(&self, metrics: &[MetricId]) -> impl Iterator<Item = f64> {
        let found = move || metrics.iter().filter_map(|metric| self.newest.get(metric));
        let newest = found().map(|(timestamp, _)| *timestamp).max();
        found().filter(move |(timestamp, _)| Some(*timestamp) == newest).map(|(_, value)| *value)
    }
}

/// All hosts by name. Entries are replaced, never changed in place, so that a reader holds one without a lock.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) hosts: BTreeMap<String, Arc<HostEntry>>,
}

impl Memory {
    /// The fleet in figures.
    pub(crate) fn fleet_summary(&self, names: &Names, now: Timestamp, offline_after_ms: i64) -> FleetSummary {
        let cpu = names.of_type(CPU_TOTAL_USAGE.name);
        let memory = names.of_type(MEMORY_USED_BYTES.name);
        let (mut online, mut cpu_sum, mut cpu_count, mut memory_sum) = (0_u64, 0.0, 0_u64, 0.0);
        for entry in self.hosts.values() {
            if entry.host.status(now, offline_after_ms) == sysmond_model::HostStatus::Offline {
                continue;
            }
            online += 1;
            for value in entry.newest_of(cpu) {
                cpu_sum += value;
                cpu_count += 1;
            }
            memory_sum += entry.newest_of(memory).sum::<f64>();
        }
        let total = self.hosts.len() as u64;
        FleetSummary {
            total_hosts: total,
            online_hosts: online,
            offline_hosts: total - online,
            avg_cpu_usage: if cpu_count == 0 { 0.0 } else { cpu_sum / cpu_count as f64 },
            total_memory_used: whole_bytes(memory_sum),
            timestamp: Timestamp::from_seconds(now.as_seconds()),
        }
    }

    /// Reads hosts and their newest values.
    pub(crate) fn load(conn: &Connection, names: &Names) -> rusqlite::Result<Self> {
        let mut memory = Self::default();
        let mut statement = conn.prepare(
            "SELECT host_id, hostname, version, platform, tags, first_seen, last_seen, static_info FROM hosts",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let tags: String = row.get(4)?;
            let info = HostInfo {
                hostname: row.get(1)?,
                version: row.get(2)?,
                platform: row.get(3)?,
                tags: serde_json::from_str(&tags).unwrap_or_default(),
            };
            let first_seen = Timestamp::from_seconds(row.get(5)?);
            let last_seen = Timestamp::from_seconds(row.get(6)?);
            let mut entry = HostEntry::new(row.get(0)?, Host { info, first_seen, last_seen });
            let static_info: Option<String> = row.get(7)?;
            entry.static_info = static_info.and_then(|text| serde_json::from_str(&text).ok());
            load_layouts(conn, names, &mut entry)?;
            load_newest(conn, names, &mut entry)?;
            memory.hosts.insert(entry.host.info.hostname.clone(), Arc::new(entry));
        }
        Ok(memory)
    }
}

fn load_layouts(conn: &Connection, names: &Names, entry: &mut HostEntry) -> rusqlite::Result<()> {
    let mut statement =
        conn.prepare_cached("SELECT layout_id, last_used FROM host_layout WHERE host_id = ?1")?;
    let mut rows = statement.query([entry.id])?;
    while let Some(row) = rows.next()? {
        let layout: LayoutId = row.get(0)?;
        entry.layouts.insert(layout, Timestamp::from_millis(row.get(1)?));
        entry.series.extend(names.layout(layout).into_iter().flat_map(|metrics| metrics.iter()));
    }
    Ok(())
}

/// The newest values: of the rows in the window, and of the two metrics of the fleet's figures however old they are.
fn load_newest(conn: &Connection, names: &Names, entry: &mut HostEntry) -> rusqlite::Result<()> {
    let newest: Option<i64> = conn
        .prepare_cached("SELECT timestamp FROM tick WHERE host_id = ?1 ORDER BY timestamp DESC LIMIT 1")?
        .query_row([entry.id], |row| row.get(0))
        .optional()?;
    let Some(newest) = newest.map(Timestamp::from_millis) else {
        return Ok(());
    };
    entry.newest_row = Some(newest);
    let from = newest.plus_millis(-LATEST_WINDOW_MS);
    let mut statement = conn.prepare_cached(
        "SELECT timestamp, layout_id, data FROM tick WHERE host_id = ?1 AND timestamp >= ?2 ORDER BY timestamp",
    )?;
    let mut rows = statement.query(params![entry.id, from.as_millis()])?;
    while let Some(row) = rows.next()? {
        observe_row(names, entry, row)?;
    }
    for metric in [CPU_TOTAL_USAGE.name, MEMORY_USED_BYTES.name] {
        for &id in names.of_type(metric) {
            if entry.series.contains(&id) && !entry.newest.contains_key(&id) {
                load_last(conn, names, entry, id)?;
            }
        }
    }
    Ok(())
}

/// The newest value of one series, going back through the rows whose layout has it.
fn load_last(
    conn: &Connection,
    names: &Names,
    entry: &mut HostEntry,
    metric: MetricId,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(
        "SELECT timestamp, layout_id, data FROM tick WHERE host_id = ?1
         AND layout_id IN (SELECT layout_id FROM layout WHERE metric_id = ?2) ORDER BY timestamp DESC",
    )?;
    let mut rows = statement.query(params![entry.id, metric])?;
    while let Some(row) = rows.next()?
        && !entry.newest.contains_key(&metric)
    {
        observe_row(names, entry, row)?;
    }
    Ok(())
}

fn observe_row(names: &Names, entry: &mut HostEntry, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
    let timestamp = Timestamp::from_millis(row.get(0)?);
    let Some(layout) = names.layout(row.get(1)?) else {
        return Ok(());
    };
    let values = row::decode(row.get_ref(2)?.as_blob()?, layout.len()).unwrap_or_default();
    for (&metric, value) in layout.iter().zip(values).filter(|(_, value)| !value.is_nan()) {
        entry.observe(metric, timestamp, value);
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to int cast saturates")]
fn whole_bytes(bytes: f64) -> u64 {
    bytes.round() as u64
}
