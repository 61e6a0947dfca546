//! Hosts that are no more: one that is to be forgotten goes with all that is kept of it, and one that fell silent goes
//! by itself once nothing of it is left.

use crate::file::BUSY_TIMEOUT;
use crate::head::HostCell;
use crate::retention::{Cutoff, Progress, is_silent};
use crate::schema::{self, failed};
use crate::writer::Writer;
use crate::{ForgetError, OpenError, QueryError, Store, StoreOptions, meta};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use sysmond_model::Timestamp;

/// Hosts that go by themselves in one transaction.
const HOSTS_AT_ONCE: usize = 64;

/// How a host is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// It is.
    Done,
    /// A running server has the file: it is asked to, and does so when it looks after its store the next time.
    Asked,
}

/// Forgets a host of the store at `path`, with all that is kept of it, whether a server has the file or not.
pub fn forget(
    path: &Path,
    hostname: &str,
    options: StoreOptions,
    now: Timestamp,
) -> Result<Forgotten, ForgetError> {
    let opened = match Store::open(path, options, now) {
        Err(OpenError::InUse { .. }) => None,
        opened => Some(opened?),
    };
    let Some(store) = opened else {
        ask(path, hostname)?;
        return Ok(Forgotten::Asked);
    };
    let is_known = store.forget(hostname)?;
    store.close();
    if is_known { Ok(Forgotten::Done) } else { Err(ForgetError::Unknown(hostname.to_owned())) }
}

/// Writes down beside a running server that a host is to be forgotten.
fn ask(path: &Path, hostname: &str) -> Result<(), ForgetError> {
    let mut conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    let found = schema::version(&conn)?;
    if found != schema::VERSION {
        return Err(ForgetError::OtherVersion);
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut known = tx.prepare("SELECT 1 FROM hosts WHERE hostname = ?1")?;
    if !known.exists([hostname])? {
        return Err(ForgetError::Unknown(hostname.to_owned()));
    }
    drop(known);
    meta::want_forgotten(&tx, hostname)?;
    Ok(tx.commit()?)
}

impl Store {
    /// Forgets a host with all that is kept of it; whether it was known. One that is heard of again is a new host.
    pub fn forget(&self, hostname: &str) -> Result<bool, QueryError> {
        let _upkeep = self.0.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget_alone(hostname)
    }

    /// The same for whoever looks after the store.
    fn forget_alone(&self, hostname: &str) -> Result<bool, QueryError> {
        let shared = &self.0.shared;
        let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        let cell = memory.hosts.get(hostname).cloned();
        drop(memory);
        let Some(cell) = cell else {
            return Ok(false);
        };
        let mut progress = Progress::of(vec![(cell.clone(), Cutoff::everything())]);
        let mut slices = 0;
        while !progress.is_done() {
            progress = self.on_writer(move |writer| progress.delete_slice(writer).map(|()| progress))??;
            self.after_slice(&mut slices);
        }
        self.on_writer(move |writer| remove(writer, &[cell]))??;
        Ok(true)
    }

    /// Forgets hosts that are to be forgotten, and those that are silent and of which nothing is kept any more.
    pub(crate) fn forget_some(&self) -> Result<(), QueryError> {
        let shared = &self.0.shared;
        for hostname in shared.readers.ask(|conn, _| Ok(meta::wanted_forgotten(conn)?))? {
            self.forget_alone(&hostname)?;
            self.on_writer(move |writer| writer.with_connection(|conn| meta::forget_wish(conn, &hostname)))??;
        }
        let aged_to = Timestamp::from_millis(shared.aged_to.load(Ordering::Relaxed));
        let is_over = |cell: &Arc<HostCell>| {
            let state = cell.lock();
            is_silent(&state, shared.options.retention, aged_to.as_millis()) && state.head.rows().is_empty()
        };
        let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        let silent: Vec<Arc<HostCell>> =
            memory.hosts.values().filter(|cell| is_over(cell)).cloned().collect();
        drop(memory);
        if silent.is_empty() {
            return Ok(());
        }
        let mut over = Vec::new();
        for cell in silent {
            if shared.readers.ask(|conn, _| Ok(is_empty(conn, cell.id)?))? {
                over.push(cell);
            }
        }
        for some in over.chunks(HOSTS_AT_ONCE) {
            let some = some.to_vec();
            self.on_writer(move |writer| {
                // One of them may have spoken meanwhile.
                let still = |cell: &&Arc<HostCell>| cell.lock().host.last_seen < aged_to;
                let some: Vec<_> = some.iter().filter(still).cloned().collect();
                remove(writer, &some)
            })??;
        }
        Ok(())
    }
}

/// Whether nothing is kept of a host. An agent's own host stays: what it has delivered is known by the order of that
/// host's rows.
fn is_empty(conn: &Connection, host_id: i64) -> rusqlite::Result<bool> {
    let mut select = conn.prepare_cached(
        "SELECT NOT EXISTS (SELECT 1 FROM cursor)
         AND NOT EXISTS (SELECT 1 FROM rollup WHERE host_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM block WHERE host_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM young WHERE host_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM snapshot WHERE host_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM process_hour WHERE host_id = ?1)",
    )?;
    select.query_row([host_id], |row| row.get(0))
}

/// Removes hosts, with what was sealed of them since all else was deleted. Rows that are in the log alone are nobody's
/// from then on: no host gets the number of an earlier one.
fn remove(writer: &mut Writer, cells: &[Arc<HostCell>]) -> rusqlite::Result<()> {
    // Opened before anything is looked up: to open it anew replaces the hosts.
    writer.connection().map_err(|error| failed(&error.to_string()))?;
    let next_host = writer.next_host();
    writer.with_connection(|conn| {
        let tx = conn.transaction()?;
        for cell in cells {
            for table in
                ["young", "block", "rollup", "snapshot", "process_hour", "due", "host_layout", "host_state"]
            {
                tx.prepare_cached(&format!("DELETE FROM {table} WHERE host_id = ?1"))?
                    .execute(params![cell.id])?;
            }
            tx.prepare_cached("DELETE FROM hosts WHERE host_id = ?1")?.execute(params![cell.id])?;
        }
        meta::set_next_host(&tx, next_host)?;
        tx.commit()
    })?;
    let shared = writer.shared().clone();
    let gone: HashSet<i64> = cells.iter().map(|cell| cell.id).collect();
    shared
        .memory
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .hosts
        .retain(|_, cell| !gone.contains(&cell.id));
    writer.forget_hosts(&gone);
    Ok(())
}
