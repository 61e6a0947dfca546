//! A stretch of one series as a chart needs it.

use crate::{Series, Timestamp};
use serde::ser::{Serialize, SerializeTuple, Serializer};

/// What one bucket of a range holds. On the wire `[timestamp, min, avg, max]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The time of the first sample in the bucket.
    pub timestamp: Timestamp,
    /// The smallest value.
    pub min: f64,
    /// The mean of all values.
    pub avg: f64,
    /// The largest value.
    pub max: f64,
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(4)?;
        tuple.serialize_element(&self.timestamp)?;
        for value in [self.min, self.avg, self.max] {
            tuple.serialize_element(&value)?;
        }
        tuple.end()
    }
}

/// The points of one series, ascending by time. Where nothing was sampled there is no point: a gap stays a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRange {
    /// Which series.
    pub series: Series,
    /// Width of a bucket in seconds; where each point is one sample, the usual distance of two samples.
    pub resolution_seconds: f64,
    /// The points.
    pub points: Vec<Point>,
}
