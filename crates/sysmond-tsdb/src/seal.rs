//! From rows in memory to young blocks. Encoding happens on a thread of its own, only the insertion on the writer's.

use crate::budget::Budget;
use crate::codec::block::{self, Table};
use crate::codec::ints::Effort;
use crate::head::{HeadRow, HostCell};
use crate::pieces;
use crate::retention;
use crate::sealed::hour_of;
use crate::writer::{Command, Shared, Writer};
use rusqlite::{Connection, TransactionBehavior, params};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::sync::{Arc, PoisonError};
use sysmond_model::Timestamp;

/// Rows after which a host's head becomes a block; the first time somewhere between a few and it, so that hosts that
/// began together do not seal together for ever, and that heads are half full on average at any time.
const SEAL_ROWS: usize = 120;
/// Rows of the least first block.
const FIRST_ROWS: usize = 12;
/// Age after which it does with fewer, milliseconds: a host that fell silent must not hold the log.
const SEAL_AGE_MS: i64 = 10 * 60 * 1000;
/// Cells of all heads beyond which the larger are sealed early: 64 MB of doubles.
const MAX_HEAD_CELLS: usize = 8_000_000;
/// How many times that many they may be at most: what comes beyond it has to come again. Samples that share neither
/// time nor series are a table of mostly empty cells, which comes faster than it is sealed.
const HARD_LIMIT: usize = 4;
/// Part of the limit by which heads grow between two looks for what may be sealed early.
const PRESS_PARTS: usize = 8;
/// Hosts in one transaction.
const MAX_HOSTS_AT_ONCE: usize = 32;
/// Of how many hosts with unsealed rows one has to be ripe: together they share a transaction's pages, and none waits
/// for long, since each of them is ripe at its own time.
const HOSTS_PER_RIPE: usize = 32;
/// Rows of one head for which no other is waited: who brings a backlog fills memory fast.
const MANY_ROWS: usize = 4 * SEAL_ROWS;
/// Hosts with neighbouring numbers that are ripe together: what is kept of them lies on the same pages.
const NEIGHBOURS: usize = 8;
/// Log rows deleted in one transaction.
const MAX_LOG_ROWS_AT_ONCE: i64 = 2_000;
/// Log rows that nobody needs at which they are deleted with a seal: each time costs pages that are not the rows'.
const LOG_ROWS_WORTH_IT: i64 = 64;

/// The rows of a host that are only in the log.
pub(crate) struct Unsealed {
    cell: Arc<HostCell>,
    /// Log rows, each with the host's last sequence number in it.
    groups: VecDeque<(i64, i64)>,
    /// When the oldest was received.
    since: Timestamp,
    in_flight: bool,
    target: usize,
    /// Of the head, when they were counted last.
    cells: usize,
}

/// Cells that heads may have together before the larger are sealed early.
fn head_limit(shared: &Shared) -> usize {
    MAX_HEAD_CELLS.min(Budget(shared.options.max_disk_bytes).head_cells())
}

/// Whether heads are so large that nothing more is taken until some are sealed.
pub(crate) fn is_behind(shared: &Shared) -> bool {
    shared.counters.head_cells.load(Ordering::Relaxed) > HARD_LIMIT * head_limit(shared)
}

impl Unsealed {
    pub(crate) fn new(cell: Arc<HostCell>, since: Timestamp) -> Self {
        let spread = (usize::try_from(cell.id).unwrap_or(0) / NEIGHBOURS).wrapping_mul(37) % SEAL_ROWS;
        Self {
            cell,
            groups: VecDeque::new(),
            since,
            in_flight: false,
            target: spread.max(FIRST_ROWS),
            cells: 0,
        }
    }

    /// Takes note of rows in a log row; whether the head is ripe.
    pub(crate) fn add(&mut self, log_id: i64, last_seq: i64, head_rows: usize, now: Timestamp) -> bool {
        if self.groups.is_empty() {
            self.since = now;
        }
        self.groups.push_back((log_id, last_seq));
        head_rows >= self.target
    }

    /// The host, where it may be sealed now.
    pub(crate) fn claim(&mut self) -> Option<Arc<HostCell>> {
        let free = !self.in_flight && !self.groups.is_empty();
        self.in_flight |= free;
        free.then(|| self.cell.clone())
    }

    pub(crate) fn is_old(&self, now: Timestamp) -> bool {
        !self.groups.is_empty() && self.since.plus_millis(SEAL_AGE_MS) <= now
    }

    #[cfg(test)]
    pub(crate) fn is_sealed(&self) -> bool {
        self.groups.is_empty()
    }

    pub(crate) fn head_cells(&self) -> usize {
        self.cell.lock().head.cells()
    }

    /// Cells of the head, as far as they were counted.
    pub(crate) const fn counted_cells(&self) -> usize {
        self.cells
    }

    /// The oldest log row that is still needed for this host.
    pub(crate) fn first_log(&self) -> Option<i64> {
        self.groups.front().map(|(log_id, _)| *log_id)
    }
}

/// What is on its way to the thread that seals.
pub(crate) struct Sealing {
    sealer: Sender<Vec<Arc<HostCell>>>,
    /// Claimed, and not yet sent.
    pub(crate) ripe: Vec<Arc<HostCell>>,
    /// The log has no row before it.
    trimmed: i64,
    /// Cells of all heads when it was looked last for what may be sealed early; 0 where there was no need.
    pressed: usize,
}

impl Sealing {
    pub(crate) const fn new(sealer: Sender<Vec<Arc<HostCell>>>) -> Self {
        Self { sealer, ripe: Vec::new(), trimmed: 0, pressed: 0 }
    }

    /// Forgets all: the hosts were read anew.
    pub(crate) fn reset(&mut self) {
        self.ripe.clear();
        (self.trimmed, self.pressed) = (0, 0);
    }

    /// Has what is ripe sealed.
    pub(crate) fn send(&mut self) {
        self.ripe.sort_unstable_by_key(|cell| cell.id);
        while !self.ripe.is_empty() {
            let rest = self.ripe.split_off(self.ripe.len().min(MAX_HOSTS_AT_ONCE));
            // The sealer is gone only once the store is closing, and then the log has everything.
            self.sealer.send(std::mem::replace(&mut self.ripe, rest)).ok();
        }
    }
}

/// A host's rows as blocks.
pub(crate) struct SealedHost {
    cell: Arc<HostCell>,
    /// All rows up to this place in the order of storing are in the blocks.
    sealed_seq: i64,
    newest: i64,
    /// The newest values as bytes.
    last: Vec<u8>,
    blocks: Vec<SealedBlock>,
}

/// One young block.
pub(crate) struct SealedBlock {
    pub(crate) hour: i64,
    pub(crate) seqs: (i64, i64),
    pub(crate) cells: usize,
    pub(crate) data: Vec<u8>,
}

impl SealedBlock {
    pub(crate) fn new(hour: i64, table: &Table, effort: Effort) -> Self {
        let seqs = || table.seqs.iter().copied();
        let seqs = (seqs().min().unwrap_or(0), seqs().max().unwrap_or(0));
        Self { hour, seqs, cells: table.cell_count(), data: block::encode(table, effort) }
    }
}

/// Seals what is asked for until nobody can ask any more.
pub(crate) fn work(requests: &Receiver<Vec<Arc<HostCell>>>, writer: &SyncSender<Command>) {
    for cells in requests {
        let sealed: Vec<SealedHost> = cells.into_iter().map(seal).collect();
        if writer.send(Command::Run(Box::new(move |writer| writer.finish_seal(sealed)))).is_err() {
            return;
        }
    }
}

fn seal(cell: Arc<HostCell>) -> SealedHost {
    let state = cell.lock();
    let sealed_seq = state.next_seq - 1;
    let last = state.newest.to_bytes();
    let rows: Vec<(i64, HeadRow)> = state.head.rows().to_vec();
    drop(state);
    let newest = rows.last().map_or(i64::MIN, |(at, _)| *at);
    let by_hour = rows.chunk_by(|(a, _), (b, _)| hour_of(*a) == hour_of(*b));
    let blocks = by_hour.flat_map(|rows| {
        let hour = rows.first().map_or(0, |(at, _)| hour_of(*at));
        pieces::of_rows(rows).into_iter().map(move |table| SealedBlock::new(hour, &table, Effort::Quick))
    });
    let blocks = blocks.collect();
    SealedHost { cell, sealed_seq, newest, last, blocks }
}

impl Writer {
    /// Takes note of a commit's rows and asks for the sealing of ripe heads.
    pub(crate) fn track(&mut self, log_id: i64, touched: Vec<crate::batch::Touched>) {
        let now = self.now();
        let (mut is_urgent, mut touched_hosts) = (false, Vec::with_capacity(touched.len()));
        for crate::batch::Touched { cell, last_seq, head_rows } in touched {
            is_urgent |= head_rows >= MANY_ROWS;
            let entry = self.unsealed.entry(cell.id).or_insert_with(|| Unsealed::new(cell, now));
            if entry.add(log_id, last_seq, head_rows, now) {
                self.sealing.ripe.extend(entry.claim());
            }
            touched_hosts.push(entry.cell.id);
        }
        self.recount(touched_hosts);
        let enough = (self.unsealed.len() / HOSTS_PER_RIPE).clamp(1, MAX_HOSTS_AT_ONCE);
        if is_urgent || self.sealing.ripe.len() >= enough {
            self.sealing.send();
        }
        self.press(now);
    }

    /// Seals early where heads grew beyond what they may have together: upkeep, which does so too, comes only each
    /// minute.
    fn press(&mut self, now: Timestamp) {
        let (total, most) =
            (self.shared().counters.head_cells.load(Ordering::Relaxed), head_limit(self.shared()));
        if total <= most {
            self.sealing.pressed = 0;
        } else if self.sealing.pressed == 0 || total > self.sealing.pressed + most / PRESS_PARTS {
            self.sealing.pressed = total;
            self.seal_old(now);
        }
    }

    /// Counts the cells of some heads anew.
    pub(crate) fn recount(&mut self, hosts: impl IntoIterator<Item = i64>) {
        let shared = self.shared().clone();
        for host in hosts {
            if let Some(entry) = self.unsealed.get_mut(&host) {
                let cells = entry.head_cells();
                let before = std::mem::replace(&mut entry.cells, cells);
                shared.counters.head_cells.fetch_add(cells, Ordering::Relaxed);
                shared.counters.head_cells.fetch_sub(before, Ordering::Relaxed);
            }
        }
    }

    /// Takes the caller's time, and asks for the sealing of what is old by it.
    pub(crate) fn tick(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        self.set_now(now)?;
        self.seal_old(now);
        Ok(())
    }

    /// Asks for the sealing of what is old, of the largest heads where all together are too large, or of everything
    /// where an append found no room: the log takes more of it than blocks do.
    pub(crate) fn seal_old(&mut self, now: Timestamp) {
        let is_short = self.shared().counters.is_short.load(Ordering::Relaxed);
        let mut sizes: Vec<(usize, i64)> =
            self.unsealed.iter().map(|(id, entry)| (entry.head_cells(), *id)).collect();
        sizes.sort_unstable();
        let mut total: usize = sizes.iter().map(|(cells, _)| cells).sum();
        let most = head_limit(self.shared());
        while let Some((cells, id)) = sizes.pop() {
            let Some(entry) = self.unsealed.get_mut(&id) else {
                continue;
            };
            if entry.in_flight {
                total -= cells;
            } else if (is_short || total > most || entry.is_old(now))
                && let Some(cell) = entry.claim()
            {
                total -= cells;
                self.sealing.ripe.push(cell);
            }
        }
        self.sealing.send();
    }

    /// Stores sealed blocks and lets go of their rows in memory and log.
    pub(crate) fn finish_seal(&mut self, mut sealed: Vec<SealedHost>) {
        // A host may have been forgotten meanwhile, or the file opened anew: that is done here at the latest, since it
        // replaces all hosts. Where it fails, so does what follows.
        self.connection().ok();
        let shared = self.shared().clone();
        let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        sealed.retain(|host| {
            let known = memory.hosts.get(&host.cell.lock().host.info.hostname);
            known.is_some_and(|cell| Arc::ptr_eq(cell, &host.cell))
        });
        drop(memory);
        let now = self.now();
        let keep = self.needed_log();
        let is_worth_it = keep >= self.sealing.trimmed.saturating_add(LOG_ROWS_WORTH_IT);
        let stored = self.with_connection(|conn| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            insert(&tx, &sealed, now)?;
            let freed = if is_worth_it { delete_log(&tx, keep)? } else { 0 };
            tx.commit()?;
            Ok(freed)
        });
        for host in &sealed {
            let Some(entry) = self.unsealed.get_mut(&host.cell.id) else {
                continue;
            };
            entry.in_flight = false;
            if stored.is_ok() {
                entry.target = SEAL_ROWS;
                entry.since = now;
                entry.groups.retain(|(_, last)| *last > host.sealed_seq);
            }
        }
        let Ok(freed) = stored else {
            return;
        };
        self.shared().counters.log_bytes.fetch_sub(freed, Ordering::Relaxed);
        if is_worth_it {
            self.sealing.trimmed = keep;
        }
        // Heads that waited for long, of hosts that bring much, are a large transaction: a small budget has no room for
        // what that leaves of SQLite's own log. Where it cannot be emptied now, upkeep will.
        retention::empty_large_wal(self).ok();
        for host in &sealed {
            let mut state = host.cell.lock();
            state.drop_sealed(host.sealed_seq);
            state.newest_sealed = state.newest_sealed.max(Some(host.newest));
        }
        self.recount(sealed.iter().map(|host| host.cell.id));
        let total = self.shared().counters.head_cells.load(Ordering::Relaxed);
        self.sealing.pressed = self.sealing.pressed.min(total);
    }

    /// The first log row that a head needs, or that says when a host was seen last.
    fn needed_log(&self) -> i64 {
        let needed = self.unsealed.values().filter_map(Unsealed::first_log).min();
        needed.unwrap_or(i64::MAX).min(self.log_behind_hosts())
    }

    /// Deletes log rows that no head needs and whose hosts' times are written.
    pub(crate) fn trim_log(&mut self) -> rusqlite::Result<()> {
        let keep = self.needed_log();
        let Ok(conn) = self.connection() else {
            return Ok(());
        };
        let freed = delete_log(conn, keep)?;
        self.shared().counters.log_bytes.fetch_sub(freed, Ordering::Relaxed);
        Ok(())
    }
}

/// Deletes log rows before one of them; returns their bytes.
fn delete_log(conn: &Connection, keep: i64) -> rusqlite::Result<u64> {
    let mut delete = conn.prepare_cached(
        "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id < ?1 ORDER BY id LIMIT ?2)
         RETURNING length(data)",
    )?;
    let sizes = delete.query_map([keep, MAX_LOG_ROWS_AT_ONCE], |row| row.get::<_, i64>(0))?;
    Ok(sizes.sum::<rusqlite::Result<i64>>()?.unsigned_abs())
}

fn insert(conn: &Connection, sealed: &[SealedHost], now: Timestamp) -> rusqlite::Result<()> {
    let mut state = conn.prepare_cached(
        "INSERT INTO host_state (host_id, sealed_seq, newest, last) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (host_id) DO UPDATE SET sealed_seq = excluded.sealed_seq, last = excluded.last,
         newest = max(coalesce(newest, excluded.newest), excluded.newest)",
    )?;
    for host in sealed {
        for block in &host.blocks {
            insert_young(conn, host.cell.id, block, now)?;
        }
        state.execute(params![host.cell.id, host.sealed_seq, host.newest, host.last])?;
    }
    Ok(())
}

/// Stores one young block.
pub(crate) fn insert_young(
    conn: &Connection,
    host_id: i64,
    block: &SealedBlock,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO young (host_id, hour, seq0, seq1, sealed_at, cells, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let cells = i64::try_from(block.cells).unwrap_or(i64::MAX);
    let (seq0, seq1) = block.seqs;
    insert.execute(params![host_id, block.hour, seq0, seq1, now.as_millis(), cells, block.data])?;
    Ok(())
}
