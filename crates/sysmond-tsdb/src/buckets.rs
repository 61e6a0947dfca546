//! Samples as the points of a chart: each itself where they are few, else buckets of equal width that keep every spike.

use crate::rollup::Summary;
use sysmond_model::{Point, Series, SeriesRange, Timestamp};

/// Equal widths of time, aligned to the epoch, so that a moving window keeps its buckets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) width_ms: i64,
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
    pub(crate) fn rounded(self, step: i64) -> Self {
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
    pub(crate) fn push_summary(&mut self, summary: &Summary) {
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
