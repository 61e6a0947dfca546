//! A host in memory: what is known of it, its newest values, and its rows that are in no block yet.

use crate::names::{Layout, LayoutId, MetricId, Names};
use crate::newest::{Newest, NewestCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use sysmond_model::{Host, Sample, Shape, StaticInfo, Timestamp};

/// How far before a host's newest sample a series may have fallen silent and still count as current.
pub(crate) const LATEST_WINDOW_MS: i64 = 5 * 60 * 1000;

/// One host. Only the writer's thread changes the state; everybody reads.
#[derive(Debug)]
pub(crate) struct HostCell {
    pub(crate) id: i64,
    state: Mutex<HostState>,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct HostState {
    pub(crate) host: Host,
    pub(crate) static_info: Option<StaticInfo>,
    /// Rows that are in no block, by time in milliseconds.
    pub(crate) head: BTreeMap<i64, HeadRow>,
    /// Cells of those rows, absent ones included.
    pub(crate) head_cells: usize,
    /// The next row's place in the host's order of storing.
    pub(crate) next_seq: i64,
    /// The greatest time of any row, and of any row in a block.
    pub(crate) newest_row: Option<i64>,
    pub(crate) newest_sealed: Option<i64>,
    /// The first hour whose samples were not removed.
    pub(crate) raw_from: i64,
    pub(crate) newest: Newest,
    /// The layouts in use, each with the newest row's time as written on disk.
    pub(crate) layouts: BTreeMap<LayoutId, Timestamp>,
    /// The series of those layouts.
    pub(crate) series: BTreeSet<MetricId>,
    /// The last delivery's columns: mostly the next one has the same.
    pub(crate) plan: Option<(Arc<Shape>, Arc<Plan>)>,
}

/// A row in memory.
#[derive(Clone, Debug)]
pub(crate) struct HeadRow {
    pub(crate) seq: i64,
    pub(crate) layout: Layout,
    /// A value per column, NaN where absent.
    pub(crate) values: Arc<[f64]>,
}

/// The columns of a frame as they are stored.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) layout_id: LayoutId,
    pub(crate) layout: Layout,
    /// For each column of the layout its place in the frame.
    pub(crate) kept: Vec<usize>,
    /// Columns of the frame beyond the host's limit.
    pub(crate) refused: Vec<usize>,
}

impl HeadRow {
    /// The value of one series.
    pub(crate) fn cell(&self, metric: MetricId) -> Option<f64> {
        let place = self.layout.iter().position(|own| *own == metric)?;
        self.values.get(place).copied().filter(|value| !value.is_nan())
    }

    /// The values in the order of another layout, NaN where absent.
    pub(crate) fn arranged(&self, layout: &Layout) -> Vec<f64> {
        if self.layout == *layout {
            return self.values.to_vec();
        }
        let known: HashMap<MetricId, f64> = self.cells().collect();
        layout.iter().map(|metric| known.get(metric).copied().unwrap_or(f64::NAN)).collect()
    }

    /// The present cells.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (MetricId, f64)> {
        let cells = self.layout.iter().copied().zip(self.values.iter().copied());
        cells.filter(|(_, value)| !value.is_nan())
    }
}

impl HostCell {
    pub(crate) fn new(id: i64, host: Host) -> Self {
        let state = HostState {
            host,
            static_info: None,
            head: BTreeMap::new(),
            head_cells: 0,
            next_seq: 1,
            newest_row: None,
            newest_sealed: None,
            raw_from: 0,
            newest: Newest::default(),
            layouts: BTreeMap::new(),
            series: BTreeSet::new(),
            plan: None,
        };
        Self { id, state: Mutex::new(state) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, HostState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of the head between two times, both included.
    pub(crate) fn rows(&self, from: i64, to: i64) -> Vec<(i64, HeadRow)> {
        if from > to {
            return Vec::new();
        }
        self.lock().head.range(from..=to).map(|(at, row)| (*at, row.clone())).collect()
    }
}

impl HostState {
    /// Takes a stored row.
    pub(crate) fn put(&mut self, at: i64, row: HeadRow) {
        self.newest.observe(at, &row);
        self.next_seq = self.next_seq.max(row.seq + 1);
        self.newest_row = self.newest_row.max(Some(at));
        self.head_cells += row.values.len();
        if let Some(old) = self.head.insert(at, row) {
            self.head_cells -= old.values.len();
        }
    }

    /// Lets go of rows that are in a block.
    pub(crate) fn drop_sealed(&mut self, sealed_seq: i64) {
        self.head.retain(|_, row| row.seq > sealed_seq);
        self.head_cells = self.head.values().map(|row| row.values.len()).sum();
    }

    /// The newest values of series that still speak, sorted by series.
    pub(crate) fn latest(&self, names: &Names) -> Vec<Sample> {
        let cells = self.newest.cells();
        let Some(newest) = cells.values().map(|cell| cell.at).max() else {
            return Vec::new();
        };
        let current =
            cells.into_iter().filter(|(_, cell)| cell.at >= newest.saturating_sub(LATEST_WINDOW_MS));
        let sample = |(metric, cell): (MetricId, NewestCell)| {
            let series = names.series(metric)?.as_ref().clone();
            Some(Sample { timestamp: Timestamp::from_millis(cell.at), series, value: cell.value })
        };
        let mut samples: Vec<Sample> = current.filter_map(sample).collect();
        samples.sort_by(|a, b| a.series.cmp(&b.series));
        samples
    }
}
