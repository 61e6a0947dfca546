//! A stretch of series: each sample where they are few, else buckets that keep every spike, from summaries where the
//! buckets are wide enough.

use crate::codec::Damaged;
use crate::codec::block::Block;
use crate::head::{HeadRow, HostCell};
use crate::names::MetricId;
use crate::rollup::{self, Tier};
use crate::sealed::{self, HOUR_MS, hour_of};
use crate::writer::{Counters, Shared};
use crate::{QueryError, RangeQuery, TagMatch};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use sysmond_model::limits::{MAX_POINTS, MAX_SERIES_PER_ANSWER};
use sysmond_model::{Point, Series, SeriesRange, Timestamp};

/// Answers `query`.
pub(crate) fn range(shared: &Shared, query: &RangeQuery) -> Result<Vec<SeriesRange>, QueryError> {
    if query.points > MAX_POINTS {
        return Err(QueryError::TooLarge(format!("{} points, at most {MAX_POINTS}", query.points)));
    }
    let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
    let cell = memory.hosts.get(&query.host).cloned();
    drop(memory);
    let cell = cell.ok_or_else(|| QueryError::UnknownHost(query.host.clone()))?;
    let mut wanted = wanted_series(shared, &cell, query);
    if wanted.len() > MAX_SERIES_PER_ANSWER {
        let count = wanted.len();
        return Err(QueryError::TooLarge(format!("{count} series, at most {MAX_SERIES_PER_ANSWER}")));
    }
    wanted.sort_by(|a, b| a.1.cmp(&b.1));
    let ids: Vec<MetricId> = wanted.iter().map(|(id, _)| *id).collect();
    let buckets = if ids.is_empty() { Vec::new() } else { scan(shared, &cell, query, &ids)? };
    let series = wanted.into_iter().zip(buckets);
    Ok(series.map(|((_, series), buckets)| buckets.finish(series.as_ref().clone())).collect())
}

fn wanted_series(shared: &Shared, cell: &HostCell, query: &RangeQuery) -> Vec<(MetricId, Arc<Series>)> {
    let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
    let state = cell.lock();
    let mut metrics: Vec<&String> = query.metrics.iter().collect();
    metrics.sort_unstable();
    metrics.dedup();
    let ids =
        metrics.into_iter().flat_map(|metric| names.of_type(metric)).filter(|id| state.series.contains(id));
    ids.filter_map(|id| names.series(*id).map(|series| (*id, series.clone())))
        .filter(|(_, series)| match &query.tags {
            TagMatch::Any => true,
            TagMatch::Exactly(tags) => *series.tags == **tags,
        })
        .collect()
}

fn scan(
    shared: &Shared,
    cell: &HostCell,
    query: &RangeQuery,
    ids: &[MetricId],
) -> Result<Vec<Buckets>, QueryError> {
    let (from, to) = (query.from.as_millis(), query.to.as_millis());
    // Before the blocks: rows that are sealed in between are then seen twice, never missed.
    let rows = cell.rows(from, to);
    let raw_from = cell.lock().raw_from;
    shared.readers.ask(|conn, deadline| {
        let mut hours = sealed::hours(conn, cell.id, hour_of(from)..=hour_of(to))?;
        hours.extend(rows.iter().map(|(at, _)| hour_of(*at)));
        let grid = Grid::new(query.from, query.to, query.points);
        let tier = tier(grid, from, to, raw_from);
        let grid = tier.map_or(grid, |tier| grid.rounded(tier.step()));
        let scan =
            Scan { conn, counters: &shared.counters, deadline, host_id: cell.id, from, to, ids, rows: &rows };
        let mut buckets: Vec<Buckets> = ids.iter().map(|_| Buckets::new(grid)).collect();
        scan.days(&hours, tier, &mut buckets)?;
        Ok(buckets)
    })
}

/// A range that is read sample by sample whatever the width of the buckets, milliseconds.
const RAW_RANGE_MS: i64 = 6 * HOUR_MS;

/// The coarsest summaries that are no coarser than the buckets, where the range is long; the finest where its samples
/// are gone.
fn tier(grid: Grid, from: i64, to: i64, raw_from: i64) -> Option<Tier> {
    let tiers = [Tier::TenMinutes, Tier::Minute];
    let fitting = tiers.into_iter().find(|tier| grid.width_ms >= tier.step() && to - from > RAW_RANGE_MS);
    let is_gone = hour_of(from) < raw_from;
    fitting.or(is_gone.then_some(Tier::Minute))
}

/// One reading of one host.
struct Scan<'a> {
    conn: &'a Connection,
    counters: &'a Counters,
    deadline: Instant,
    host_id: i64,
    from: i64,
    to: i64,
    ids: &'a [MetricId],
    /// Rows in memory, by time.
    rows: &'a [(i64, HeadRow)],
}

impl Scan<'_> {
    fn days(
        &self,
        hours: &BTreeSet<i64>,
        tier: Option<Tier>,
        buckets: &mut [Buckets],
    ) -> Result<(), QueryError> {
        let mut days: BTreeSet<i64> = hours.iter().map(|hour| hour.div_euclid(24)).collect();
        if let Some(tier) = tier {
            for tier in [tier, Tier::TenMinutes] {
                days.extend(rollup::days(self.conn, tier, self.host_id, self.from..=self.to)?);
            }
        }
        for day in days {
            let has_samples = hours.range(day * 24..(day + 1) * 24).next().is_some();
            let mut summaries = None;
            for tier in tier.into_iter().chain((!has_samples).then_some(Tier::TenMinutes)) {
                if summaries.is_none() {
                    summaries = rollup::read(self.conn, self.counters, tier, day, self.host_id, self.ids)?;
                }
            }
            if Instant::now() > self.deadline {
                return Err(QueryError::TimedOut);
            }
            match summaries {
                Some(summaries) => self.push_summaries(summaries, buckets),
                None => self.hours(hours.range(day * 24..(day + 1) * 24), buckets)?,
            }
        }
        Ok(())
    }

    fn push_summaries(&self, summaries: Vec<Vec<rollup::Summary>>, buckets: &mut [Buckets]) {
        let within = self.from..=self.to;
        for (buckets, summaries) in buckets.iter_mut().zip(summaries) {
            for summary in summaries.into_iter().filter(|summary| within.contains(&summary.at)) {
                buckets.push_summary(&summary);
            }
        }
    }

    fn hours<'h>(
        &self,
        hours: impl Iterator<Item = &'h i64>,
        buckets: &mut [Buckets],
    ) -> Result<(), QueryError> {
        for hour in hours {
            if Instant::now() > self.deadline {
                return Err(QueryError::TimedOut);
            }
            let (first, last) = (hour * HOUR_MS, (hour + 1) * HOUR_MS - 1);
            let start = self.rows.partition_point(|(at, _)| *at < first);
            let rows = self.rows.get(start..).unwrap_or_default();
            let rows = rows.get(..rows.partition_point(|(at, _)| *at <= last)).unwrap_or_default();
            let blobs = sealed::blobs(self.conn, self.host_id, *hour)?;
            for (cells, buckets) in
                hour_cells(&blobs, rows, self.ids, self.counters).into_iter().zip(&mut *buckets)
            {
                let cells = cells.into_iter().filter(|(at, _)| (self.from..=self.to).contains(at));
                cells.for_each(|(at, value)| buckets.push(Timestamp::from_millis(at), value));
            }
        }
        Ok(())
    }
}

/// The cells of `ids` in blocks and rows of one hour, each series by time; of two for one instant the one stored last.
pub(crate) fn hour_cells(
    blobs: &[Vec<u8>],
    rows: &[(i64, HeadRow)],
    ids: &[MetricId],
    counters: &Counters,
) -> Vec<Vec<(i64, f64)>> {
    let mut sources: Vec<Source> =
        blobs.iter().filter_map(|blob| counters.sound(Source::read(blob, ids))).collect();
    if !rows.is_empty() {
        sources.push(Source::of_rows(rows, ids));
    }
    sources.sort_by_key(|source| source.times.first().copied());
    let cells = (0..ids.len()).map(|place| {
        // A host with many series has them in different blocks of the same time.
        let sources: Vec<&Source> = sources.iter().filter(|source| source.has(place)).collect();
        let is_disjoint = sources.windows(2).all(|pair| match pair {
            [a, b] => a.times.last() < b.times.first(),
            _ => true,
        });
        let all = sources.iter().flat_map(|source| source.cells(place));
        if is_disjoint { all.map(|(at, _, value)| (at, value)).collect() } else { last_stored(all) }
    });
    cells.collect()
}

fn last_stored(cells: impl Iterator<Item = (i64, i64, f64)>) -> Vec<(i64, f64)> {
    let mut best: BTreeMap<i64, (i64, f64)> = BTreeMap::new();
    for (at, seq, value) in cells {
        let slot = best.entry(at).or_insert((seq, value));
        if seq >= slot.0 {
            *slot = (seq, value);
        }
    }
    best.into_iter().map(|(at, (_, value))| (at, value)).collect()
}

/// The wanted columns of one block, or of the rows in memory.
struct Source {
    times: Vec<i64>,
    seqs: Vec<i64>,
    columns: Vec<Option<Vec<f64>>>,
}

impl Source {
    fn read(blob: &[u8], ids: &[MetricId]) -> Result<Self, Damaged> {
        let block = Block::open(blob)?;
        let columns = ids.iter().map(|id| block.column(*id)).collect::<Result<_, _>>()?;
        Ok(Self { times: block.timestamps()?, seqs: block.seqs()?, columns })
    }

    fn of_rows(rows: &[(i64, HeadRow)], ids: &[MetricId]) -> Self {
        let column =
            |id: &MetricId| Some(rows.iter().map(|(_, row)| row.cell(*id).unwrap_or(f64::NAN)).collect());
        Self {
            times: rows.iter().map(|(at, _)| *at).collect(),
            seqs: rows.iter().map(|(_, row)| row.seq).collect(),
            columns: ids.iter().map(column).collect(),
        }
    }

    fn has(&self, place: usize) -> bool {
        self.columns.get(place).is_some_and(Option::is_some)
    }

    /// Time, place in the order of storing and value of each present cell of a column.
    fn cells(&self, place: usize) -> impl Iterator<Item = (i64, i64, f64)> {
        let values = self.columns.get(place).and_then(Option::as_ref);
        let cells = self.times.iter().zip(&self.seqs).zip(values.into_iter().flatten());
        cells.filter(|(_, value)| !value.is_nan()).map(|((at, seq), value)| (*at, *seq, *value))
    }
}

/// Equal widths of time, aligned to the epoch, so that a moving window keeps its buckets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    width_ms: i64,
    points: usize,
}

impl Grid {
    /// The narrowest grid that cuts `from..=to` into at most `points` buckets.
    pub(crate) fn new(from: Timestamp, to: Timestamp, points: usize) -> Self {
        let points = points.max(1);
        let span = to.as_millis().saturating_sub(from.as_millis()).max(0);
        // A span that is not aligned touches one bucket more than its length fills.
        let width_ms = match i64::try_from(points - 1) {
            Ok(0) | Err(_) => i64::MAX,
            Ok(inner) => (span / inner + 1).max(1),
        };
        Self { width_ms, points }
    }

    /// The same with buckets of whole steps, so that no step falls into two of them.
    fn rounded(self, step: i64) -> Self {
        let steps = self.width_ms.div_euclid(step) + i64::from(self.width_ms % step != 0);
        Self { width_ms: steps.saturating_mul(step), ..self }
    }

    fn bucket(self, timestamp: Timestamp) -> i64 {
        timestamp.as_millis().div_euclid(self.width_ms)
    }
}

/// The points of one series in the making.
pub(crate) struct Buckets {
    grid: Grid,
    points: Vec<Point>,
    /// Once in buckets: the one being filled, and how many samples it has.
    filling: Option<(i64, f64)>,
}

impl Buckets {
    pub(crate) fn new(grid: Grid) -> Self {
        Self { grid, points: Vec::new(), filling: None }
    }

    /// Adds a sample; they come in the order of time.
    pub(crate) fn push(&mut self, timestamp: Timestamp, value: f64) {
        let sample = Point { timestamp, min: value, avg: value, max: value };
        if self.filling.is_none() {
            if self.points.len() < self.grid.points {
                self.points.push(sample);
                return;
            }
            self.begin_buckets();
        }
        self.fill(sample, 1.0);
    }

    /// Adds a bucket of finer summaries.
    fn push_summary(&mut self, summary: &rollup::Summary) {
        if self.filling.is_none() {
            self.begin_buckets();
        }
        let avg = (summary.sum / summary.count).clamp(summary.min, summary.max);
        let timestamp = Timestamp::from_millis(summary.at);
        self.fill(Point { timestamp, min: summary.min, avg, max: summary.max }, summary.count);
    }

    fn begin_buckets(&mut self) {
        for earlier in std::mem::take(&mut self.points) {
            self.fill(earlier, 1.0);
        }
    }

    fn fill(&mut self, sample: Point, weight: f64) {
        let bucket = self.grid.bucket(sample.timestamp);
        match (&mut self.filling, self.points.last_mut()) {
            (Some((current, count)), Some(point)) if *current == bucket => {
                *count += weight;
                point.min = point.min.min(sample.min);
                point.max = point.max.max(sample.max);
                // The running mean cannot overflow where the sum of large values would.
                point.avg += (sample.avg - point.avg) * (weight / *count);
            }
            _ => {
                self.filling = Some((bucket, weight));
                self.points.push(sample);
            }
        }
    }

    pub(crate) fn finish(mut self, series: Series) -> SeriesRange {
        let resolution_seconds = match self.filling {
            Some(_) => self.grid.width_ms as f64 / 1000.0,
            None => usual_distance(&self.points),
        };
        for point in &mut self.points {
            point.avg = point.avg.clamp(point.min, point.max);
        }
        SeriesRange { series, resolution_seconds, points: self.points }
    }
}

/// The median distance of neighbours, seconds; 0 where there is no pair.
fn usual_distance(points: &[Point]) -> f64 {
    let times = points.iter().map(|point| point.timestamp.as_millis());
    let mut distances: Vec<i64> =
        times.clone().skip(1).zip(times).map(|(later, earlier)| later - earlier).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).map_or(0.0, |distance| *distance as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "minima and maxima are copies")]

    use super::*;
    use proptest::prelude::*;

    fn bucketed(samples: &[(i64, f64)], from: i64, to: i64, points: usize) -> SeriesRange {
        let mut buckets =
            Buckets::new(Grid::new(Timestamp::from_millis(from), Timestamp::from_millis(to), points));
        for &(millis, value) in samples {
            buckets.push(Timestamp::from_millis(millis), value);
        }
        buckets.finish(Series::new("m", ""))
    }

    #[test]
    fn few_samples_stay_themselves() {
        let range = bucketed(&[(0, 1.0), (2000, 5.0), (4000, 3.0)], 0, 10_000, 3);
        assert_eq!(
            range.points.iter().map(|p| (p.min, p.avg, p.max)).collect::<Vec<_>>(),
            [(1.0, 1.0, 1.0), (5.0, 5.0, 5.0), (3.0, 3.0, 3.0)]
        );
        assert!((range.resolution_seconds - 2.0).abs() < 1e-9);
    }

    #[test]
    fn one_point_holds_everything() {
        let range = bucketed(&[(0, 1.0), (2000, 5.0), (4000, 3.0)], 0, 10_000, 1);
        assert_eq!(
            range.points,
            [Point { timestamp: Timestamp::from_millis(0), min: 1.0, avg: 3.0, max: 5.0 }]
        );
    }

    proptest! {
        #[test]
        fn no_spike_is_lost_and_no_point_too_many(
            times in prop::collection::btree_set(0i64..100_000, 0..200),
            seed in 0.0f64..1e3,
            points in 1usize..50,
        ) {
            let samples: Vec<(i64, f64)> = times.iter().map(|&t| (t, (t as f64 * seed) % 97.0)).collect();
            let range = bucketed(&samples, 0, 100_000, points);
            prop_assert!(range.points.len() <= points);
            prop_assert!(range.points.windows(2).all(|w| w[0].timestamp < w[1].timestamp));
            prop_assert!(range.points.iter().all(|p| p.min <= p.avg && p.avg <= p.max));
            let top = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::NEG_INFINITY, f64::max);
            let most = top(&mut samples.iter().map(|(_, v)| *v));
            prop_assert_eq!(top(&mut range.points.iter().map(|p| p.max)), most);
            prop_assert!(samples.len() > points || range.points.len() == samples.len());
        }
    }
}
