//! Numbers for series and for layouts (the columns of a row, in order), as rows on disk name them.

use crate::schema;
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::sync::Arc;
use sysmond_model::Series;

/// A series' number: its place in the order of first appearance.
pub(crate) type MetricId = u32;
/// A layout's number.
pub(crate) type LayoutId = u32;
/// The columns of a row.
pub(crate) type Layout = Arc<[MetricId]>;

/// All known series and layouts. Nothing is ever removed: a fleet has few.
#[derive(Debug, Default)]
pub(crate) struct Names {
    series: Vec<Arc<Series>>,
    ids: HashMap<Arc<Series>, MetricId>,
    by_type: HashMap<Box<str>, Vec<MetricId>>,
    layouts: Vec<Layout>,
    layout_ids: HashMap<Layout, LayoutId>,
}

/// How many names there were, to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    series: usize,
    layouts: usize,
}

impl Names {
    /// Reads the tables.
    pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let mut names = Self::default();
        let mut statement = conn.prepare("SELECT id, metric_type, tags FROM metric ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let series = Series::new(row.get::<_, String>(1)?, row.get::<_, String>(2)?);
            if names.push_series(&series) != row.get::<_, MetricId>(0)? {
                return Err(schema::damaged("metric numbers have a hole"));
            }
        }
        let mut columns: Vec<Vec<MetricId>> = Vec::new();
        let mut statement =
            conn.prepare("SELECT layout_id, metric_id FROM layout ORDER BY layout_id, position")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (layout, metric) = (row.get::<_, LayoutId>(0)? as usize, row.get::<_, MetricId>(1)?);
            if layout == columns.len() {
                columns.push(Vec::new());
            }
            if layout + 1 != columns.len() {
                return Err(schema::damaged("layout numbers have a hole"));
            }
            if let Some(last) = columns.last_mut() {
                last.push(metric);
            }
        }
        for layout in columns {
            names.push_layout(layout.into());
        }
        Ok(names)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { series: self.series.len(), layouts: self.layouts.len() }
    }

    /// Forgets what came after `mark`: the transaction that would have stored it failed.
    pub(crate) fn rollback(&mut self, mark: Mark) {
        for series in self.series.drain(mark.series..) {
            self.ids.remove(&series);
            if let Some(ids) = self.by_type.get_mut(&series.metric_type) {
                ids.pop();
            }
        }
        for layout in self.layouts.drain(mark.layouts..) {
            self.layout_ids.remove(&layout);
        }
    }

    pub(crate) fn series(&self, id: MetricId) -> Option<&Arc<Series>> {
        self.series.get(id as usize)
    }

    pub(crate) fn id(&self, series: &Series) -> Option<MetricId> {
        self.ids.get(series).copied()
    }

    /// The series of a metric, whatever their tags.
    pub(crate) fn of_type(&self, metric_type: &str) -> &[MetricId] {
        self.by_type.get(metric_type).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn layout(&self, id: LayoutId) -> Option<&Layout> {
        self.layouts.get(id as usize)
    }

    pub(crate) fn layout_id(&self, layout: &[MetricId]) -> Option<LayoutId> {
        self.layout_ids.get(layout).copied()
    }

    /// Numbers a new series and stores it in the open transaction.
    pub(crate) fn add_series(&mut self, conn: &Connection, series: &Series) -> rusqlite::Result<MetricId> {
        let id = self.push_series(series);
        conn.prepare_cached("INSERT INTO metric (id, metric_type, tags) VALUES (?1, ?2, ?3)")?
            .execute(params![id, &*series.metric_type, &*series.tags])?;
        Ok(id)
    }

    /// Numbers a new layout and stores it in the open transaction.
    pub(crate) fn add_layout(&mut self, conn: &Connection, layout: &Layout) -> rusqlite::Result<LayoutId> {
        let id = self.push_layout(layout.clone());
        let mut insert =
            conn.prepare_cached("INSERT INTO layout (layout_id, position, metric_id) VALUES (?1, ?2, ?3)")?;
        for (metric, position) in layout.iter().zip(0_u32..) {
            insert.execute(params![id, position, metric])?;
        }
        Ok(id)
    }

    fn push_series(&mut self, series: &Series) -> MetricId {
        let id = number(self.series.len());
        let series = Arc::new(series.clone());
        self.by_type.entry(series.metric_type.clone()).or_default().push(id);
        self.ids.insert(series.clone(), id);
        self.series.push(series);
        id
    }

    fn push_layout(&mut self, layout: Layout) -> LayoutId {
        let id = number(self.layouts.len());
        self.layout_ids.insert(layout.clone(), id);
        self.layouts.push(layout);
        id
    }
}

fn number(len: usize) -> u32 {
    u32::try_from(len).expect("memory ends before four thousand million names")
}
