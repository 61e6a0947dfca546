//! What is answered without the disk: hosts, the newest value of each of their series, and the rows not yet in blocks.

use crate::counters::Counters;
use crate::head::HostCell;
use crate::log::{self, Record, Unpacker};
use crate::meta;
use crate::names::{LayoutId, Names};
use crate::newest::{Finder, Newest};
use crate::quarantine::{Origin, Piece};
use crate::sealed::HOUR_MS;
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use sysmond_model::catalogue::{CPU_TOTAL_USAGE, MEMORY_USED_BYTES};
use sysmond_model::{FleetSummary, Host, HostInfo, HostStatus, Timestamp};

/// All hosts by name.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) hosts: BTreeMap<String, Arc<HostCell>>,
}

/// What is read at the start.
pub(crate) struct Loaded {
    pub(crate) memory: Memory,
    pub(crate) next_host: i64,
    pub(crate) next_log: i64,
    /// For each host with rows in the log: their groups, each with the host's last sequence number in it.
    pub(crate) groups: HashMap<i64, Vec<(i64, i64)>>,
}

impl Memory {
    /// The time of the newest row of any host.
    pub(crate) fn newest_row(&self) -> Option<i64> {
        self.hosts.values().filter_map(|cell| cell.lock().newest_row).max()
    }

    /// The fleet in figures.
    pub(crate) fn fleet_summary(&self, names: &Names, now: Timestamp, offline_after_ms: i64) -> FleetSummary {
        let mut cpu = Finder::new(names.of_type(CPU_TOTAL_USAGE.name));
        let mut memory = Finder::new(names.of_type(MEMORY_USED_BYTES.name));
        let (mut online, mut cpu_sum, mut cpu_count, mut memory_sum) = (0_u64, 0.0, 0_u64, 0.0);
        for cell in self.hosts.values() {
            let state = cell.lock();
            if state.host.status(now, offline_after_ms) == HostStatus::Offline {
                continue;
            }
            online += 1;
            for value in cpu.values(&state.newest) {
                cpu_sum += value;
                cpu_count += 1;
            }
            memory_sum += memory.values(&state.newest).iter().sum::<f64>();
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

    /// Reads hosts, replays the log, and finds the newest values.
    pub(crate) fn load(conn: &Connection, names: &Names, counters: &Counters) -> rusqlite::Result<Loaded> {
        let memory = load_hosts(conn, names, counters, true)?;
        let by_id: HashMap<i64, Arc<HostCell>> =
            memory.hosts.values().map(|cell| (cell.id, cell.clone())).collect();
        let mut groups: HashMap<i64, Vec<(i64, i64)>> = HashMap::new();
        let sealed: HashMap<i64, i64> =
            by_id.iter().map(|(id, cell)| (*id, cell.lock().next_seq - 1)).collect();
        // Also behind a row that cannot be read: its number is taken.
        let next_log =
            conn.query_row("SELECT coalesce(max(id), 0) + 1 FROM log", [], |row| row.get::<_, i64>(0))?;
        each_record(conn, names, counters, |log_id, record| {
            let Some(cell) = by_id.get(&record.host_id) else {
                return;
            };
            let sealed_seq = sealed.get(&cell.id).copied().unwrap_or(0);
            if let Some(last) = replay(cell, record, sealed_seq) {
                groups.entry(cell.id).or_default().push((log_id, last));
            }
        })?;
        // A cursor may stand behind the last row: rows that come later have to come behind the cursor.
        let cursor: i64 = conn.query_row("SELECT coalesce(max(seq), 0) FROM cursor", [], |row| row.get(0))?;
        for cell in memory.hosts.values() {
            let mut state = cell.lock();
            state.next_seq = state.next_seq.max(cursor + 1);
            // The log may still have rows whose samples were removed.
            let raw_from = state.raw_from * HOUR_MS;
            state.newest.forget_before(raw_from);
        }
        let next_host = meta::next_host(conn)?.max(by_id.keys().max().copied().unwrap_or(0) + 1);
        Ok(Loaded { memory, next_host, next_log, groups })
    }
}

/// Puts a record's rows that are in no block into the head; returns the last of their sequence numbers.
pub(crate) fn replay(cell: &HostCell, record: Record, sealed_seq: i64) -> Option<i64> {
    let mut state = cell.lock();
    state.host.last_seen = state.host.last_seen.max(record.received);
    record.runs.into_iter().filter_map(|run| state.put_run(&Arc::new(run), sealed_seq)).max()
}

/// Calls `each` with every record of the log in order; rows that cannot be read are counted and passed over.
pub(crate) fn each_record(
    conn: &Connection,
    names: &Names,
    counters: &Counters,
    mut each: impl FnMut(i64, Record),
) -> rusqlite::Result<()> {
    let known = |layout: LayoutId| names.layout(layout).cloned();
    let mut statement = conn.prepare("SELECT id, data FROM log ORDER BY id")?;
    let mut rows = statement.query([])?;
    let (mut bytes, mut unpacker) = (0, Unpacker::default());
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let data = row.get_ref(1)?.as_blob()?;
        bytes += data.len() as u64;
        let piece = Piece { origin: Origin::Log, id };
        for record in
            counters.damages.sound(piece, log::decode_with(&mut unpacker, data, known)).unwrap_or_default()
        {
            each(id, record);
        }
    }
    counters.log_bytes.store(bytes, Ordering::Relaxed);
    Ok(())
}

/// The hosts with what is stored of them outside of the log, their newest values only where asked for.
pub(crate) fn load_hosts(
    conn: &Connection,
    names: &Names,
    counters: &Counters,
    with_newest: bool,
) -> rusqlite::Result<Memory> {
    let mut memory = Memory::default();
    let mut statement = conn.prepare(
        "SELECT host_id, hostname, version, platform, tags, first_seen, last_seen, static_info, sealed_seq, newest,
                raw_from, iif(?1, last, NULL)
         FROM hosts LEFT JOIN host_state USING (host_id)",
    )?;
    let mut rows = statement.query([with_newest])?;
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
        let hostname = info.hostname.clone();
        let cell = HostCell::new(row.get(0)?, Host { info, first_seen, last_seen });
        let static_info: Option<String> = row.get(7)?;
        let mut state = cell.lock();
        state.static_info = static_info.and_then(|text| serde_json::from_str(&text).ok());
        state.next_seq = row.get::<_, Option<i64>>(8)?.unwrap_or(0) + 1;
        state.newest_sealed = row.get(9)?;
        state.newest_row = state.newest_sealed;
        if let Some(last) = row.get_ref(11)?.as_blob_or_null()? {
            state.newest = Newest::from_bytes(last).unwrap_or_else(|_| {
                counters.damages.tries.fetch_add(1, Ordering::Relaxed);
                Newest::default()
            });
        }
        state.raw_from = row.get::<_, Option<i64>>(10)?.unwrap_or(0);
        drop(state);
        load_layouts(conn, names, &cell)?;
        memory.hosts.insert(hostname, Arc::new(cell));
    }
    Ok(memory)
}

fn load_layouts(conn: &Connection, names: &Names, cell: &HostCell) -> rusqlite::Result<()> {
    let mut state = cell.lock();
    let mut statement =
        conn.prepare_cached("SELECT layout_id, last_used FROM host_layout WHERE host_id = ?1")?;
    let mut rows = statement.query([cell.id])?;
    while let Some(row) = rows.next()? {
        let layout: LayoutId = row.get(0)?;
        state.layouts.insert(layout, Timestamp::from_millis(row.get(1)?));
    }
    state.sort_series(names);
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to int cast saturates")]
fn whole_bytes(bytes: f64) -> u64 {
    bytes.round() as u64
}
