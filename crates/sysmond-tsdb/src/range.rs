//! A stretch of series: each sample where they are few, else buckets that keep every spike.

use crate::names::{LayoutId, MetricId};
use crate::writer::Shared;
use crate::{QueryError, RangeQuery, TagMatch, row, schema};
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use sysmond_model::limits::{MAX_POINTS, MAX_SERIES_PER_ANSWER};
use sysmond_model::{Point, Series, SeriesRange, Timestamp};

/// Rows between two looks at the clock.
const ROWS_PER_LOOK: usize = 256;

/// Answers `query`.
pub(crate) fn range(shared: &Shared, query: &RangeQuery) -> Result<Vec<SeriesRange>, QueryError> {
    if query.points > MAX_POINTS {
        return Err(QueryError::TooLarge(format!("{} points, at most {MAX_POINTS}", query.points)));
    }
    let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
    let entry = memory.hosts.get(&query.host).cloned();
    drop(memory);
    let entry = entry.ok_or_else(|| QueryError::UnknownHost(query.host.clone()))?;
    let mut wanted = wanted_series(shared, &entry.series, query);
    if wanted.len() > MAX_SERIES_PER_ANSWER {
        let count = wanted.len();
        return Err(QueryError::TooLarge(format!("{count} series, at most {MAX_SERIES_PER_ANSWER}")));
    }
    wanted.sort_by(|a, b| a.1.cmp(&b.1));
    let grid = Grid::new(query.from, query.to, query.points);
    let mut buckets: Vec<Buckets> = wanted.iter().map(|_| Buckets::new(grid)).collect();
    if !wanted.is_empty() {
        let ids: Vec<MetricId> = wanted.iter().map(|(id, _)| *id).collect();
        shared
            .readers
            .ask(|conn, deadline| scan(shared, conn, deadline, entry.id, query, &ids, &mut buckets))?;
    }
    let series = wanted.into_iter().zip(buckets);
    Ok(series.map(|((_, series), buckets)| buckets.finish(series.as_ref().clone())).collect())
}

fn wanted_series(
    shared: &Shared,
    known: &std::collections::BTreeSet<MetricId>,
    query: &RangeQuery,
) -> Vec<(MetricId, Arc<Series>)> {
    let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
    let mut metrics: Vec<&String> = query.metrics.iter().collect();
    metrics.sort_unstable();
    metrics.dedup();
    let ids = metrics.into_iter().flat_map(|metric| names.of_type(metric)).filter(|id| known.contains(id));
    ids.filter_map(|id| names.series(*id).map(|series| (*id, series.clone())))
        .filter(|(_, series)| match &query.tags {
            TagMatch::Any => true,
            TagMatch::Exactly(tags) => *series.tags == **tags,
        })
        .collect()
}

fn scan(
    shared: &Shared,
    conn: &Connection,
    deadline: Instant,
    host_id: i64,
    query: &RangeQuery,
    ids: &[MetricId],
    buckets: &mut [Buckets],
) -> Result<(), QueryError> {
    let mut places: HashMap<LayoutId, Columns> = HashMap::new();
    let mut statement = conn.prepare_cached(
        "SELECT timestamp, layout_id, data FROM tick WHERE host_id = ?1 AND timestamp BETWEEN ?2 AND ?3
         ORDER BY timestamp",
    )?;
    let mut rows = statement.query(params![host_id, query.from.as_millis(), query.to.as_millis()])?;
    let mut seen = 0_usize;
    while let Some(row) = rows.next()? {
        seen += 1;
        if seen.is_multiple_of(ROWS_PER_LOOK) && Instant::now() > deadline {
            return Err(QueryError::TimedOut);
        }
        let timestamp = Timestamp::from_millis(row.get(0)?);
        let layout_id: LayoutId = row.get(1)?;
        let columns = match places.entry(layout_id) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => new.insert(
                Columns::new(shared, layout_id, ids).ok_or_else(|| schema::damaged("unknown layout"))?,
            ),
        };
        let data = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        for &(column, place) in &columns.wanted {
            if let (Some(value), Some(buckets)) =
                (row::cell(data, columns.width, column), buckets.get_mut(place))
            {
                buckets.push(timestamp, value);
            }
        }
    }
    Ok(())
}

/// Where the wanted series stand in the rows of one layout.
struct Columns {
    width: usize,
    /// Column in the row, place in the question.
    wanted: Vec<(usize, usize)>,
}

impl Columns {
    fn new(shared: &Shared, layout_id: LayoutId, ids: &[MetricId]) -> Option<Self> {
        let names = shared.names.read().unwrap_or_else(PoisonError::into_inner);
        let layout = names.layout(layout_id)?;
        let wanted = ids.iter().enumerate();
        let wanted =
            wanted.filter_map(|(place, id)| Some((layout.iter().position(|metric| metric == id)?, place)));
        Some(Self { width: layout.len(), wanted: wanted.collect() })
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

    fn bucket(self, timestamp: Timestamp) -> i64 {
        timestamp.as_millis().div_euclid(self.width_ms)
    }
}

/// The points of one series in the making.
pub(crate) struct Buckets {
    grid: Grid,
    points: Vec<Point>,
    /// Once in buckets: the one being filled, and how many samples it has.
    filling: Option<(i64, u32)>,
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
            for earlier in std::mem::take(&mut self.points) {
                self.fill(earlier);
            }
        }
        self.fill(sample);
    }

    fn fill(&mut self, sample: Point) {
        let bucket = self.grid.bucket(sample.timestamp);
        match (&mut self.filling, self.points.last_mut()) {
            (Some((current, count)), Some(point)) if *current == bucket => {
                *count += 1;
                point.min = point.min.min(sample.min);
                point.max = point.max.max(sample.max);
                // The running mean cannot overflow where the sum of large values would.
                point.avg += (sample.avg - point.avg) / f64::from(*count);
            }
            _ => {
                self.filling = Some((bucket, 1));
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
