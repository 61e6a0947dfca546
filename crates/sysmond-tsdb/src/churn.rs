//! What hosts whose series come and go leave behind: a layout for each time that one came, and names of series of which
//! no sample is left. A host keeps few layouts, older ones are joined into one an hour, later one a day, later one a
//! month, so that what it once had can still be asked for; what nobody needs goes from file and memory.

use crate::head::HostCell;
use crate::names::{Layout, LayoutId, MetricId, Names};
use crate::rollup::DAY_MS;
use crate::schema::failed;
use crate::sealed::HOUR_MS;
use crate::writer::Writer;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use sysmond_model::Timestamp;

/// Layouts of a host at which those of the same hour are joined.
const MANY_LAYOUTS: usize = 32;
/// A month, milliseconds.
const MONTH_MS: i64 = 30 * DAY_MS;
/// New series since the last search for those that nobody needs at which it is worth another.
const MANY_NEW_SERIES: usize = 256;

/// What is remembered from one sweep to the next.
#[derive(Debug, Default)]
pub(crate) struct Unused {
    /// Layouts that no host uses, each with the log row from which on none names it.
    layouts: HashMap<LayoutId, i64>,
    /// How many series there were after the last search.
    series: usize,
}

/// One host's layouts, joined.
struct Joined {
    cell: Arc<HostCell>,
    gone: Vec<LayoutId>,
    /// With the columns that the new ones have.
    fresh: Vec<(Layout, Timestamp)>,
}

/// Joins layouts of hosts that have many, and forgets what nobody needs.
pub(crate) fn sweep(writer: &mut Writer) -> rusqlite::Result<()> {
    // Opened before anything is locked: to open it anew replaces names and hosts.
    writer.connection().map_err(|error| failed(&error.to_string()))?;
    let shared = writer.shared().clone();
    let cells: Vec<Arc<HostCell>> = {
        let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.hosts.values().cloned().collect()
    };
    let mut names = shared.names.write().unwrap_or_else(PoisonError::into_inner);
    let joined: Vec<Joined> = cells.iter().filter_map(|cell| join(cell, &names)).collect();
    let mark = names.mark();
    let ids = writer.with_connection(|conn| put(conn, &mut names, &joined));
    let ids = ids.inspect_err(|_| names.rollback(mark))?;
    for (joined, ids) in joined.iter().zip(ids) {
        let mut state = joined.cell.lock();
        state.layouts.retain(|id, _| !joined.gone.contains(id));
        state.layouts.extend(ids);
    }
    let is_any_gone = forget_layouts(writer, &mut names, &cells)?;
    let many = writer.unused.series + MANY_NEW_SERIES;
    if is_any_gone || names.series_ids().count() >= many {
        forget_series(writer, &mut names, &cells)?;
    }
    Ok(())
}

/// The joined layouts of a host that has many.
fn join(cell: &Arc<HostCell>, names: &Names) -> Option<Joined> {
    let state = cell.lock();
    if state.layouts.len() < MANY_LAYOUTS {
        return None;
    }
    let current = state.plan.as_ref().map(|(_, plan)| plan.layout_id);
    let newest = state.layouts.values().map(|used| used.as_millis()).max()?;
    // By hours for a day, by days for a month, then by months.
    let span = |used: i64| match used {
        used if used > newest - DAY_MS => (2, used.div_euclid(HOUR_MS)),
        used if used > newest - MONTH_MS => (1, used.div_euclid(DAY_MS)),
        used => (0, used.div_euclid(MONTH_MS)),
    };
    let mut spans: BTreeMap<(i64, i64), Vec<(LayoutId, Timestamp)>> = BTreeMap::new();
    for (id, used) in state.layouts.iter().filter(|(id, _)| Some(**id) != current) {
        spans.entry(span(used.as_millis())).or_default().push((*id, *used));
    }
    drop(state);
    let mut joined = Joined { cell: cell.clone(), gone: Vec::new(), fresh: Vec::new() };
    for alike in spans.into_values().filter(|alike| alike.len() > 1) {
        let layouts = alike.iter().filter_map(|(id, _)| names.layout(*id));
        let metrics: BTreeSet<MetricId> = layouts.flat_map(|layout| layout.iter().copied()).collect();
        let used = alike.iter().map(|(_, used)| *used).max()?;
        joined.fresh.push((metrics.into_iter().collect(), used));
        joined.gone.extend(alike.iter().map(|(id, _)| *id));
    }
    (!joined.gone.is_empty()).then_some(joined)
}

/// Stores joined layouts; their numbers, host by host.
fn put(
    conn: &mut Connection,
    names: &mut Names,
    joined: &[Joined],
) -> rusqlite::Result<Vec<Vec<(LayoutId, Timestamp)>>> {
    let tx = conn.transaction()?;
    let mut numbers = Vec::with_capacity(joined.len());
    for Joined { cell, gone, fresh } in joined {
        let mut delete =
            tx.prepare_cached("DELETE FROM host_layout WHERE host_id = ?1 AND layout_id = ?2")?;
        for id in gone {
            delete.execute(params![cell.id, id])?;
        }
        let mut insert = tx.prepare_cached(
            "INSERT OR REPLACE INTO host_layout (host_id, layout_id, last_used) VALUES (?1, ?2, ?3)",
        )?;
        let mut own = Vec::with_capacity(fresh.len());
        for (layout, used) in fresh {
            let (id, _) = names.shared_layout(&tx, layout.clone())?;
            insert.execute(params![cell.id, id, used.as_millis()])?;
            own.push((id, *used));
        }
        numbers.push(own);
    }
    tx.commit()?;
    Ok(numbers)
}

/// Forgets layouts that no host uses, once the log has none of their rows any more; whether there were any.
fn forget_layouts(writer: &mut Writer, names: &mut Names, cells: &[Arc<HostCell>]) -> rusqlite::Result<bool> {
    let mut used: HashSet<LayoutId> = HashSet::new();
    for cell in cells {
        let state = cell.lock();
        used.extend(state.layouts.keys());
        used.extend(state.plan.as_ref().map(|(_, plan)| plan.layout_id));
    }
    let next_log = writer.next_log();
    let unused: Vec<LayoutId> = names.layouts().map(|(id, _)| id).filter(|id| !used.contains(id)).collect();
    let known = std::mem::take(&mut writer.unused.layouts);
    let since = |id: &LayoutId| known.get(id).copied().unwrap_or(next_log);
    writer.unused.layouts = unused.into_iter().map(|id| (id, since(&id))).collect();
    if writer.unused.layouts.is_empty() {
        return Ok(false);
    }
    let unused = writer.unused.layouts.clone();
    let gone = writer.with_connection(|conn| {
        let first: Option<i64> =
            conn.query_row("SELECT id FROM log ORDER BY id LIMIT 1", [], |row| row.get(0)).optional()?;
        let is_needed = |since: i64| first.is_some_and(|first| first < since);
        let gone: Vec<LayoutId> =
            unused.iter().filter(|(_, since)| !is_needed(**since)).map(|(id, _)| *id).collect();
        let tx = conn.transaction()?;
        let mut delete = tx.prepare_cached("DELETE FROM layout WHERE layout_id = ?1")?;
        for id in &gone {
            delete.execute([id])?;
        }
        drop(delete);
        tx.commit()?;
        Ok(gone)
    })?;
    for id in &gone {
        names.remove_layout(*id);
        writer.unused.layouts.remove(id);
    }
    Ok(!gone.is_empty())
}

/// Forgets series that no host has. It looks at all of them.
fn forget_series(writer: &mut Writer, names: &mut Names, cells: &[Arc<HostCell>]) -> rusqlite::Result<()> {
    let mut used: HashSet<MetricId> =
        names.layouts().flat_map(|(_, layout)| layout.iter().copied()).collect();
    for cell in cells {
        used.extend(&cell.lock().series);
    }
    // The greatest number stays: so none is given twice, and summaries that outlive a series are never another's.
    used.extend(names.series_ids().max());
    let gone: Vec<MetricId> = names.series_ids().filter(|id| !used.contains(id)).collect();
    writer.with_connection(|conn| {
        let tx = conn.transaction()?;
        let mut delete = tx.prepare_cached("DELETE FROM metric WHERE id = ?1")?;
        for id in &gone {
            delete.execute([id])?;
        }
        drop(delete);
        tx.commit()
    })?;
    for id in gone {
        names.remove_series(id);
    }
    writer.unused.series = names.series_ids().count();
    Ok(())
}
