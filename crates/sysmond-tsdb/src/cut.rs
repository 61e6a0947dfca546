//! The moment in which samples go. From it on whoever asks for their hours is told their summaries, and the rows are
//! deleted slice by slice. What no summary knows yet is summarised first; summary and cut are one transaction, so that
//! a kill between them costs nothing.

use crate::budget::Budget;
use crate::compact::Job;
use crate::counters::Counters;
use crate::head::HostCell;
use crate::names::{LayoutId, Names};
use crate::retention::Cutoff;
use crate::rollup::{self, DayMade};
use crate::sealed::{self, HOUR_MS, hour_of};
use crate::writer::{Shared, Writer};
use crate::{QueryError, file};
use rusqlite::{Connection, params};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};

/// Hosts in one transaction, and bytes of summaries at which it does with fewer: no push waits long for it.
const HOSTS_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: usize = 1024 * 1024;

/// What is to go of a host.
pub(crate) type Cut = (Arc<HostCell>, Cutoff);

/// Days of hosts whose blocks changed since they were summarised.
type Due = HashMap<i64, BTreeSet<i64>>;

/// One host's part.
struct Prepared {
    cell: Arc<HostCell>,
    cutoff: Cutoff,
    /// The greatest number of a young block that was there when the summaries were made.
    newest_young: i64,
    days: Vec<DayMade>,
}

/// Makes the cutoffs hold. Of a host that has got rows of earlier hours meanwhile nothing is cut this time, and its
/// cutoff becomes what it was.
pub(crate) fn run(
    shared: &Shared,
    hosts: &mut [Cut],
    mut on_writer: impl FnMut(Job) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let Some(last) = hosts.iter().map(|(_, cutoff)| cutoff.hour).max() else {
        return Ok(());
    };
    let conn = file::open_reader(&shared.path, Budget(shared.options.max_disk_bytes))?;
    let mut due = Due::new();
    for (day, host_id) in rollup::due(&conn, last.div_euclid(24))? {
        due.entry(host_id).or_default().insert(day);
    }
    let (mut ready, mut bytes) = (Vec::new(), 0);
    for (cell, cutoff) in hosts.iter() {
        let prepared = prepare(&conn, &shared.counters, &due, cell, *cutoff)?;
        bytes += prepared.days.iter().map(DayMade::size).sum::<usize>();
        ready.push(prepared);
        if ready.len() >= HOSTS_AT_ONCE || bytes >= BYTES_AT_ONCE {
            let some = std::mem::take(&mut ready);
            bytes = 0;
            on_writer(Box::new(move |writer| publish(writer, some)))?;
        }
    }
    if !ready.is_empty() {
        on_writer(Box::new(move |writer| publish(writer, ready)))?;
    }
    for (cell, cutoff) in hosts {
        cutoff.hour = cutoff.hour.min(cell.lock().raw_from);
    }
    Ok(())
}

/// Summarises of a host what is to go and no summary knows.
fn prepare(
    conn: &Connection,
    counters: &Counters,
    due: &Due,
    cell: &Arc<HostCell>,
    cutoff: Cutoff,
) -> rusqlite::Result<Prepared> {
    let raw_from = cell.lock().raw_from;
    let newest_young =
        conn.prepare_cached("SELECT coalesce(max(id), 0) FROM young")?.query_row([], |row| row.get(0))?;
    let mut days = BTreeSet::new();
    if raw_from < cutoff.hour {
        days.extend(due.get(&cell.id).into_iter().flatten().copied());
        let young = sealed::young_hours(conn, cell.id, raw_from..=cutoff.hour - 1)?;
        days.extend(young.into_iter().map(|hour| hour.div_euclid(24)));
    }
    let hours = |day: i64| raw_from.max(day * 24)..cutoff.hour.min((day + 1) * 24);
    let days = days.into_iter().filter(|day| !hours(*day).is_empty());
    let days = days.map(|day| rollup::make(conn, counters, day, cell.id, hours(day)));
    Ok(Prepared { cell: cell.clone(), cutoff, newest_young, days: days.collect::<rusqlite::Result<_>>()? })
}

fn publish(writer: &mut Writer, hosts: Vec<Prepared>) -> rusqlite::Result<()> {
    let shared = writer.shared().clone();
    let cut = writer.with_connection(|conn| {
        let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
        let tx = conn.transaction()?;
        let mut cut = Vec::with_capacity(hosts.len());
        for host in hosts {
            if !has_more(&tx, &host)? {
                for day in &host.days {
                    day.put(&tx)?;
                }
                let ended = put_raw_from(&tx, &host, &names)?;
                cut.push((host, ended));
            }
        }
        tx.commit()?;
        Ok(cut)
    })?;
    for (host, ended) in cut {
        forget(&shared, &host, &ended);
    }
    Ok(())
}

/// Whether rows of the hours to go are in no block, or came into one since they were summarised.
fn has_more(conn: &Connection, host: &Prepared) -> rusqlite::Result<bool> {
    let Prepared { cell, cutoff, newest_young, .. } = host;
    let state = cell.lock();
    if state.raw_from >= cutoff.hour {
        return Ok(false);
    }
    if state.head.rows().first().is_some_and(|(at, _)| hour_of(*at) < cutoff.hour) {
        return Ok(true);
    }
    let mut young = conn
        .prepare_cached("SELECT 1 FROM young WHERE host_id = ?1 AND hour >= ?2 AND hour < ?3 AND id > ?4")?;
    young.exists([cell.id, state.raw_from, cutoff.hour, *newest_young])
}

/// Writes from which hour on a host has its samples, and forgets the layouts of which nothing is kept, which are
/// returned.
fn put_raw_from(conn: &Connection, host: &Prepared, names: &Names) -> rusqlite::Result<Vec<LayoutId>> {
    let Prepared { cell, cutoff, .. } = host;
    let state = cell.lock();
    let raw_from = state.raw_from.max(cutoff.hour);
    let ended = state.ended_layouts(names, raw_from, cutoff.summaries_hour());
    if raw_from > state.raw_from {
        conn.prepare_cached(
            "INSERT INTO host_state (host_id, sealed_seq, raw_from) VALUES (?1, 0, ?2)
             ON CONFLICT (host_id) DO UPDATE SET raw_from = excluded.raw_from",
        )?
        .execute([cell.id, raw_from])?;
    }
    drop(state);
    let mut delete = conn.prepare_cached("DELETE FROM host_layout WHERE host_id = ?1 AND layout_id = ?2")?;
    for layout in &ended {
        delete.execute(params![cell.id, layout])?;
    }
    Ok(ended)
}

/// Forgets what a host has nothing left of.
fn forget(shared: &Shared, host: &Prepared, ended: &[LayoutId]) {
    let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
    let mut state = host.cell.lock();
    if state.raw_from >= host.cutoff.hour && ended.is_empty() {
        return;
    }
    for layout in ended {
        state.layouts.remove(layout);
    }
    state.raw_from = state.raw_from.max(host.cutoff.hour);
    let raw_from = state.raw_from;
    state.newest.forget_before(raw_from * HOUR_MS);
    let before = state.series.len();
    state.sort_series(&names);
    if state.series.len() < before {
        state.plan = None;
    }
}
