//! A host in memory: what is known of it, its newest values, and its rows that are in no block yet.

use crate::batch::LAYOUT_USE_SLACK_MS;
use crate::log::Run;
use crate::names::{Layout, LayoutId, MetricId, Names};
use crate::newest::{Newest, NewestCell};
use crate::sealed::HOUR_MS;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use sysmond_model::limits::MAX_FORMER_SERIES_PER_HOST;
use sysmond_model::{Host, Sample, Shape, StaticInfo, Timestamp};

/// How far before a host's newest sample, or the last time that it was heard of where that is earlier, a series may
/// have fallen silent and still count as current.
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
    /// Rows that are in no block.
    pub(crate) head: Head,
    /// The next row's place in the host's order of storing.
    pub(crate) next_seq: i64,
    /// The greatest time of any row, and of any row in a block.
    pub(crate) newest_row: Option<i64>,
    pub(crate) newest_sealed: Option<i64>,
    /// The first hour whose samples were not removed.
    pub(crate) raw_from: i64,
    pub(crate) newest: Newest,
    /// The layouts of what is kept, each with the newest row's time as written on disk.
    pub(crate) layouts: BTreeMap<LayoutId, Timestamp>,
    /// The series of those layouts that may have samples.
    pub(crate) series: BTreeSet<MetricId>,
    /// The others: of them only summaries are left.
    pub(crate) former: BTreeSet<MetricId>,
    /// The last delivery's columns: mostly the next one has the same.
    pub(crate) plan: Option<(Arc<Shape>, Arc<Plan>)>,
}

/// Rows that are in no block, by time. They come in order but for a few, and go from the front.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// Milliseconds, ascending, none twice.
    rows: Vec<(i64, HeadRow)>,
    cells: usize,
}

impl Head {
    /// The rows by time, milliseconds.
    pub(crate) fn rows(&self) -> &[(i64, HeadRow)] {
        &self.rows
    }

    /// Cells of those rows, absent ones included.
    pub(crate) const fn cells(&self) -> usize {
        self.cells
    }

    /// The row of that time.
    pub(crate) fn get(&self, at: i64) -> Option<&HeadRow> {
        let place = self.rows.binary_search_by_key(&at, |(at, _)| *at).ok()?;
        self.rows.get(place).map(|(_, row)| row)
    }

    /// The rows between two times, both included.
    fn between(&self, from: i64, to: i64) -> &[(i64, HeadRow)] {
        let start = self.rows.partition_point(|(at, _)| *at < from);
        let end = self.rows.partition_point(|(at, _)| *at <= to);
        self.rows.get(start..end).unwrap_or_default()
    }

    /// Takes rows in the order of storing. Of two for one time the later one counts.
    pub(crate) fn put_all(&mut self, rows: impl IntoIterator<Item = (i64, HeadRow)>) {
        let mut late: BTreeMap<i64, HeadRow> = BTreeMap::new();
        for (at, row) in rows {
            if self.rows.last().is_none_or(|(last, _)| *last < at) {
                self.cells += row.width();
                self.rows.push((at, row));
            } else {
                late.insert(at, row);
            }
        }
        if !late.is_empty() {
            self.lay_over(late);
        }
    }

    fn lay_over(&mut self, late: BTreeMap<i64, HeadRow>) {
        let first = late.keys().next().copied().unwrap_or(i64::MAX);
        let behind = self.rows.split_off(self.rows.partition_point(|(at, _)| *at < first));
        let mut known = behind.into_iter().peekable();
        for (at, row) in late {
            while let Some(earlier) = known.next_if(|(own, _)| *own < at) {
                self.rows.push(earlier);
            }
            if let Some((_, old)) = known.next_if(|(own, _)| *own == at) {
                self.cells -= old.width();
            }
            self.cells += row.width();
            self.rows.push((at, row));
        }
        self.rows.extend(known);
    }

    /// Lets go of rows up to a place in the order of storing.
    fn drop_sealed(&mut self, sealed_seq: i64) {
        self.keep(|_, row| row.seq() > sealed_seq);
    }

    /// Forgets rows of earlier times.
    pub(crate) fn forget_before(&mut self, kept: i64) {
        self.keep(|at, _| at >= kept);
    }

    fn keep(&mut self, is_kept: impl Fn(i64, &HeadRow) -> bool) {
        self.rows.retain(|(at, row)| is_kept(*at, row));
        self.cells = self.rows.iter().map(|(_, row)| row.width()).sum();
    }
}

/// A row in memory: its place in the run that brought it.
#[derive(Clone, Debug)]
pub(crate) struct HeadRow {
    run: Arc<Run>,
    row: u32,
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
    /// All rows of a run with their times, in the order of storing.
    pub(crate) fn all(run: &Arc<Run>) -> impl Iterator<Item = (i64, Self)> {
        run.times.iter().zip(0..).map(|(at, row)| (*at, Self { run: run.clone(), row }))
    }

    /// A row in a run of its own.
    pub(crate) fn single(at: i64, seq: i64, layout: Layout, values: Vec<f64>) -> Self {
        Self { run: Arc::new(Run::of_rows(0, layout, seq, std::iter::once((at, values)))), row: 0 }
    }

    /// Its place in the order of storing.
    pub(crate) fn seq(&self) -> i64 {
        self.run.first_seq + i64::from(self.row)
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.run.layout
    }

    /// A value per column, NaN where absent.
    pub(crate) fn values(&self) -> &[f64] {
        self.run.row(self.row as usize)
    }

    fn width(&self) -> usize {
        self.run.layout.len()
    }

    /// The value of one series.
    pub(crate) fn cell(&self, metric: MetricId) -> Option<f64> {
        let place = self.layout().iter().position(|own| *own == metric)?;
        self.values().get(place).copied().filter(|value| !value.is_nan())
    }

    /// The present cells.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (MetricId, f64)> {
        let cells = self.layout().iter().copied().zip(self.values().iter().copied());
        cells.filter(|(_, value)| !value.is_nan())
    }
}

impl HostCell {
    pub(crate) fn new(id: i64, host: Host) -> Self {
        let state = HostState {
            host,
            static_info: None,
            head: Head::default(),
            next_seq: 1,
            newest_row: None,
            newest_sealed: None,
            raw_from: 0,
            newest: Newest::default(),
            layouts: BTreeMap::new(),
            series: BTreeSet::new(),
            former: BTreeSet::new(),
            plan: None,
        };
        Self { id, state: Mutex::new(state) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, HostState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of the head between two times, both included.
    pub(crate) fn rows(&self, from: i64, to: i64) -> Vec<(i64, HeadRow)> {
        self.lock().head.between(from, to).to_vec()
    }
}

impl HostState {
    /// Takes a run's rows behind a place in the order of storing; returns the last one's place, where there are any.
    pub(crate) fn put_run(&mut self, run: &Arc<Run>, sealed_seq: i64) -> Option<i64> {
        let (mut newest_row, mut last) = (self.newest_row, None);
        let rows = HeadRow::all(run).filter(|(_, row)| row.seq() > sealed_seq);
        self.head.put_all(rows.inspect(|(at, row)| {
            newest_row = newest_row.max(Some(*at));
            last = last.max(Some(row.seq()));
        }));
        self.newest_row = newest_row;
        self.next_seq = self.next_seq.max(last? + 1);
        self.newest.observe_run(run);
        last
    }

    /// Sorts the series of the layouts: those that may have samples, and those of which only summaries are left.
    pub(crate) fn sort_series(&mut self, names: &Names) {
        let first = first_use(self.raw_from);
        let of = |layouts: &mut dyn Iterator<Item = &LayoutId>| -> BTreeSet<MetricId> {
            layouts.filter_map(|id| names.layout(*id)).flat_map(|layout| layout.iter().copied()).collect()
        };
        let (with_samples, without): (Vec<_>, Vec<_>) =
            self.layouts.iter().partition(|(_, used)| **used >= first);
        self.series = of(&mut with_samples.into_iter().map(|(id, _)| id));
        self.former = of(&mut without.into_iter().map(|(id, _)| id));
        self.former.retain(|id| !self.series.contains(id));
    }

    /// The layouts that nothing is kept of any more, where samples are kept from one hour on and summaries from
    /// another; and the oldest of which only summaries are left, where those have too many series.
    pub(crate) fn ended_layouts(&self, names: &Names, raw_from: i64, summaries_from: i64) -> Vec<LayoutId> {
        let (first, kept) = (first_use(raw_from), first_use(summaries_from.min(raw_from)));
        let mut former: Vec<(Timestamp, LayoutId)> =
            self.layouts.iter().filter(|(_, used)| **used < first).map(|(id, used)| (*used, *id)).collect();
        former.sort_unstable_by(|a, b| b.cmp(a));
        let mut series: BTreeSet<MetricId> = BTreeSet::new();
        let mut is_ended = |used: Timestamp, id: LayoutId| {
            series.extend(names.layout(id).into_iter().flat_map(|layout| layout.iter()));
            used < kept || series.len() > MAX_FORMER_SERIES_PER_HOST
        };
        former.into_iter().filter(|(used, id)| is_ended(*used, *id)).map(|(_, id)| id).collect()
    }

    /// Lets go of rows that are in a block.
    pub(crate) fn drop_sealed(&mut self, sealed_seq: i64) {
        self.head.drop_sealed(sealed_seq);
    }

    /// The newest values of series that still speak, sorted by series.
    pub(crate) fn latest(&self, names: &Names) -> Vec<Sample> {
        let cells = self.newest.cells();
        let Some(newest) = cells.values().map(|cell| cell.at).max() else {
            return Vec::new();
        };
        // One sample of a clock that is ahead must not make all others old.
        let newest = newest.min(self.host.last_seen.as_millis());
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

/// The least time of use, as it is written, of a layout that has rows from that hour on.
fn first_use(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour * HOUR_MS - LAYOUT_USE_SLACK_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The head by the rule itself: a map in which the later row of a time replaces the earlier one.
    type Model = BTreeMap<i64, (i64, Vec<u64>)>;

    fn check(head: &Head, model: &Model) -> Result<(), TestCaseError> {
        let bits = |row: &HeadRow| row.values().iter().map(|value| value.to_bits()).collect();
        let rows: Vec<_> = head.rows().iter().map(|(at, row)| (*at, (row.seq(), bits(row)))).collect();
        prop_assert_eq!(rows, model.clone().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(head.cells(), model.values().map(|(_, cells)| cells.len()).sum::<usize>());
        for at in -1..32 {
            prop_assert_eq!(head.get(at).map(HeadRow::seq), model.get(&at).map(|(seq, _)| *seq));
            let between: Vec<i64> = head.between(at, at + 5).iter().map(|(at, _)| *at).collect();
            prop_assert_eq!(between, model.range(at..=at + 5).map(|(at, _)| *at).collect::<Vec<_>>());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_head_is_a_map_of_the_rows_stored_last(
            runs in prop::collection::vec((1u32..4, prop::collection::vec(0i64..30, 0..12)), 0..12),
            sealed in prop::collection::vec(0i64..60, 12),
        ) {
            let (mut head, mut model, mut seq) = (Head::default(), Model::new(), 1);
            for ((width, times), sealed) in runs.into_iter().zip(sealed) {
                let layout: Layout = (0..width).collect();
                let rows = times.iter().map(|at| (*at, vec![*at as f64; layout.len()]));
                let run = Run::of_rows(0, layout.clone(), seq, rows.collect::<Vec<_>>().into_iter());
                head.put_all(HeadRow::all(&Arc::new(run)));
                for at in times {
                    model.insert(at, (seq, vec![(at as f64).to_bits(); layout.len()]));
                    seq += 1;
                }
                check(&head, &model)?;
                // Every fifth or so lets go of something, in the order of storing or by time.
                if sealed % 5 == 0 {
                    head.drop_sealed(sealed);
                    model.retain(|_, (seq, _)| *seq > sealed);
                } else if sealed % 5 == 1 {
                    head.forget_before(sealed / 2);
                    model.retain(|at, _| *at >= sealed / 2);
                }
                check(&head, &model)?;
            }
        }
    }
}
