//! Samples as the points of a chart: each itself where they are few, else buckets of equal width that keep every spike.

use crate::rollup::Summary;
use sysmond_model::{Point, Series, SeriesRange, Timestamp};

/// Equal widths of time, aligned to the epoch, so that a moving window keeps its buckets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) width_ms: i64,
    points: usize,
    /// From the first instant to the last, both included.
    span_ms: i64,
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
        Self { width_ms, points, span_ms: span.saturating_add(1) }
    }

    /// The same with buckets of whole steps, so that no step falls into two of them.
    pub(crate) fn rounded(self, step: i64) -> Self {
        let steps = self.width_ms.div_euclid(step) + i64::from(self.width_ms % step != 0);
        Self { width_ms: steps.saturating_mul(step), ..self }
    }

    /// The stretch that one bucket stands for: all there is where there is but one.
    const fn resolution_ms(self) -> i64 {
        if self.points == 1 { self.span_ms } else { self.width_ms }
    }
}

/// The points of one series in the making.
pub(crate) struct Buckets {
    grid: Grid,
    points: Vec<Point>,
    /// Once in buckets: the one being filled, which is the last point.
    filling: Option<Filling>,
}

/// A bucket's mean in the making.
struct Filling {
    /// The number of the bucket, and the first instant behind it.
    bucket: i64,
    end: i64,
    count: f64,
    sum: f64,
    /// What was taken of each value for the sum: all of it, unless the sum was beyond all doubles.
    part: f64,
}

/// What is taken of each value where their sum is too large: a power of two, so that no bit is lost.
const SMALL_PART: f64 = 1.0 / (1_u128 << 127) as f64;

impl Filling {
    fn new(grid: Grid, at: i64) -> Self {
        let bucket = at.div_euclid(grid.width_ms);
        let end = bucket.saturating_add(1).saturating_mul(grid.width_ms);
        Self { bucket, end, count: 0.0, sum: 0.0, part: 1.0 }
    }

    /// Whether an instant, not before those it has, is in it.
    fn has(&self, grid: Grid, at: i64) -> bool {
        // The end of the last bucket there can be is no instant.
        at < self.end || at.div_euclid(grid.width_ms) == self.bucket
    }

    fn add(&mut self, value: f64, weight: f64) {
        self.count += weight;
        let sum = self.sum + value * self.part * weight;
        if sum.is_finite() {
            self.sum = sum;
        } else {
            self.sum = self.sum * SMALL_PART + value * SMALL_PART * weight;
            self.part = SMALL_PART;
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count / self.part
    }
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
        let at = sample.timestamp.as_millis();
        match (&mut self.filling, self.points.last_mut()) {
            (Some(filling), Some(point)) if filling.has(self.grid, at) => {
                filling.add(sample.avg, weight);
                point.min = point.min.min(sample.min);
                point.max = point.max.max(sample.max);
            }
            _ => {
                self.end_bucket();
                let mut filling = Filling::new(self.grid, at);
                filling.add(sample.avg, weight);
                self.filling = Some(filling);
                self.points.push(sample);
            }
        }
    }

    /// Writes the mean of the bucket that was filled.
    fn end_bucket(&mut self) {
        if let (Some(filling), Some(point)) = (&self.filling, self.points.last_mut()) {
            // Rounding must not bring it beyond what it is the mean of.
            point.avg = filling.mean().clamp(point.min, point.max);
        }
    }

    pub(crate) fn finish(mut self, series: Series) -> SeriesRange {
        self.end_bucket();
        let resolution_seconds = match self.filling {
            Some(_) => self.grid.resolution_ms() as f64 / 1000.0,
            None => usual_distance(&self.points),
        };
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
    fn one_bucket_stands_for_the_whole_range() {
        for step in [1, 60_000] {
            let grid = Grid::new(Timestamp::from_seconds(10), Timestamp::from_seconds(3609), 1).rounded(step);
            let mut buckets = Buckets::new(grid);
            for at in [10, 20, 3609] {
                buckets.push(Timestamp::from_seconds(at), 1.0);
            }
            let range = buckets.finish(Series::new("m", ""));
            assert_eq!((range.points.len(), range.resolution_seconds.to_bits()), (1, 3599.001_f64.to_bits()));
        }
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

    #[test]
    fn means_of_the_largest_values_are_finite() {
        let largest = [f64::MAX, f64::MIN, f64::MAX, f64::MIN, f64::MIN];
        let samples: Vec<(i64, f64)> = (0..).zip(largest).collect();
        let [point] = bucketed(&samples, 0, 10, 1).points[..] else { panic!("one point") };
        let expected = f64::MIN / 5.0;
        assert!((point.avg / expected - 1.0).abs() < 1e-9, "{}", point.avg);
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
