//! Numbers for series and for layouts (the columns of a row, in order), as rows on disk name them.

use crate::schema;
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use sysmond_model::Series;

/// A series' number: its place in the order of first appearance.
pub(crate) type MetricId = u32;
/// A layout's number.
pub(crate) type LayoutId = u32;
/// The columns of a row.
pub(crate) type Layout = Arc<[MetricId]>;

/// Whether two layouts are equal: mostly they are one.
pub(crate) fn is_same(a: &Layout, b: &Layout) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

/// All known series and layouts. Numbers are never used twice, but [`churn`](crate::churn) takes out what nobody needs.
#[derive(Debug, Default)]
pub(crate) struct Names {
    series: HashMap<MetricId, Arc<Series>>,
    ids: HashMap<Arc<Series>, MetricId>,
    by_type: HashMap<Box<str>, Vec<MetricId>>,
    layouts: HashMap<LayoutId, Layout>,
    layout_ids: HashMap<Layout, LayoutId>,
    next: Mark,
}

/// The next numbers, to go back to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    series: MetricId,
    layout: LayoutId,
}

impl Names {
    /// Reads the tables.
    pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let mut names = Self::default();
        let mut statement = conn.prepare("SELECT id, metric_type, tags FROM metric ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            names.next.series = numbered(row.get(0)?)?;
            names.push_series(&Series::new(row.get::<_, String>(1)?, row.get::<_, String>(2)?));
        }
        let mut columns: BTreeMap<LayoutId, Vec<MetricId>> = BTreeMap::new();
        let mut statement =
            conn.prepare("SELECT layout_id, metric_id FROM layout ORDER BY layout_id, position")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            columns.entry(numbered(row.get(0)?)?).or_default().push(numbered(row.get(1)?)?);
        }
        for (id, layout) in columns {
            names.next.layout = id;
            names.push_layout(layout.into());
        }
        Ok(names)
    }

    pub(crate) fn mark(&self) -> Mark {
        self.next
    }

    /// Forgets what came after `mark`: the transaction that would have stored it failed.
    pub(crate) fn rollback(&mut self, mark: Mark) {
        (mark.series..self.next.series).for_each(|id| self.remove_series(id));
        (mark.layout..self.next.layout).for_each(|id| self.remove_layout(id));
        self.next = mark;
    }

    pub(crate) fn remove_series(&mut self, id: MetricId) {
        if let Some(series) = self.series.remove(&id) {
            self.ids.remove(&series);
            if let Some(ids) = self.by_type.get_mut(&series.metric_type) {
                ids.retain(|own| *own != id);
            }
        }
    }

    pub(crate) fn remove_layout(&mut self, id: LayoutId) {
        if let Some(layout) = self.layouts.remove(&id) {
            self.layout_ids.remove(&layout);
        }
    }

    pub(crate) fn series_ids(&self) -> impl Iterator<Item = MetricId> {
        self.series.keys().copied()
    }

    pub(crate) fn layouts(&self) -> impl Iterator<Item = (LayoutId, &Layout)> {
        self.layouts.iter().map(|(id, layout)| (*id, layout))
    }

    pub(crate) fn series(&self, id: MetricId) -> Option<&Arc<Series>> {
        self.series.get(&id)
    }

    pub(crate) fn id(&self, series: &Series) -> Option<MetricId> {
        self.ids.get(series).copied()
    }

    /// The series of a metric, whatever their tags.
    pub(crate) fn of_type(&self, metric_type: &str) -> &[MetricId] {
        self.by_type.get(metric_type).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn layout(&self, id: LayoutId) -> Option<&Layout> {
        self.layouts.get(&id)
    }

    /// Numbers a new series and stores it in the open transaction.
    pub(crate) fn add_series(&mut self, conn: &Connection, series: &Series) -> rusqlite::Result<MetricId> {
        has_room(self.next.series)?;
        let id = self.push_series(series);
        conn.prepare_cached("INSERT INTO metric (id, metric_type, tags) VALUES (?1, ?2, ?3)")?
            .execute(params![id, &*series.metric_type, &*series.tags])?;
        Ok(id)
    }

    /// The number of a layout, and the copy of it that all share; where it is new it is stored in the open transaction.
    pub(crate) fn shared_layout(
        &mut self,
        conn: &Connection,
        layout: Layout,
    ) -> rusqlite::Result<(LayoutId, Layout)> {
        let id = match self.layout_ids.get(&*layout) {
            Some(id) => *id,
            None => self.add_layout(conn, &layout)?,
        };
        Ok((id, self.layout(id).cloned().unwrap_or(layout)))
    }

    fn add_layout(&mut self, conn: &Connection, layout: &Layout) -> rusqlite::Result<LayoutId> {
        has_room(self.next.layout)?;
        let id = self.push_layout(layout.clone());
        let mut insert =
            conn.prepare_cached("INSERT INTO layout (layout_id, position, metric_id) VALUES (?1, ?2, ?3)")?;
        for (metric, position) in layout.iter().zip(0_u32..) {
            insert.execute(params![id, position, metric])?;
        }
        Ok(id)
    }

    fn push_series(&mut self, series: &Series) -> MetricId {
        let id = self.next.series;
        self.next.series = next(id);
        let series = Arc::new(series.clone());
        self.by_type.entry(series.metric_type.clone()).or_default().push(id);
        self.ids.insert(series.clone(), id);
        self.series.insert(id, series);
        id
    }

    fn push_layout(&mut self, layout: Layout) -> LayoutId {
        let id = self.next.layout;
        self.next.layout = next(id);
        self.layout_ids.insert(layout.clone(), id);
        self.layouts.insert(id, layout);
        id
    }
}

/// Numbers from here on are none: a day's summaries need four for each series.
const END: u32 = 1 << 30;

/// Whether that number can be given away: the file is full of names otherwise, and takes no new ones.
fn has_room(next: u32) -> rusqlite::Result<()> {
    if next < END { Ok(()) } else { Err(schema::failed("all numbers of series or layouts are given away")) }
}

fn numbered(id: u32) -> rusqlite::Result<u32> {
    if id < END { Ok(id) } else { Err(schema::damaged("a number that no series or layout has")) }
}

/// The number behind one that [`numbered`] let pass; the last stays the last.
fn next(id: u32) -> u32 {
    id.saturating_add(1).min(END)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Connection {
        let conn = Connection::open_in_memory().expect("memory");
        conn.execute_batch(include_str!("../migrations/0001.sql")).expect("sound");
        conn
    }

    #[test]
    fn numbers_that_nobody_gives_are_damage_and_the_last_ends_them() {
        let series = |name: &str| Series::new(name, "");
        for id in [i64::from(END), i64::from(u32::MAX), 1 << 40, -1] {
            let conn = tables();
            conn.execute("INSERT INTO metric VALUES (?1, 'm', '')", [id]).expect("writable");
            assert!(Names::load(&conn).is_err(), "{id}");
        }
        let conn = tables();
        conn.execute("INSERT INTO metric VALUES (?1, 'm', '')", [END - 2]).expect("writable");
        let mut names = Names::load(&conn).expect("sound");
        assert_eq!(names.add_series(&conn, &series("n")).expect("the last"), END - 1);
        assert!(names.add_series(&conn, &series("o")).is_err());
        assert_eq!(names.id(&series("o")), None);
    }
}
