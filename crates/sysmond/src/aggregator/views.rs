//! The JSON shapes that the HTTP API and the live frames have in common.

use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use sysmond_model::frame::Row;
use sysmond_model::push::HostView;
use sysmond_model::{Point, SeriesRange, Shape, StaticInfo, Timestamp, catalogue};

/// The server's time as its answers carry it.
pub fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.as_seconds())
}

/// A value, written without `.0` where it is whole: most are, and the frames are read by people and by phones.
#[derive(Clone, Copy)]
pub struct Value(pub f64);

impl Serialize for Value {
    #[expect(clippy::cast_possible_truncation, reason = "the value is whole and below 2^53")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// One series of `GET /api/history`.
#[derive(serde::Serialize)]
pub struct SeriesView<'a> {
    host: &'a str,
    metric: &'a str,
    tags: &'a str,
    unit: &'a str,
    resolution_seconds: f64,
    from: Timestamp,
    to: Timestamp,
    points: &'a [Point],
}

impl<'a> SeriesView<'a> {
    /// The series as it was found.
    pub fn new(host: &'a str, range: &'a SeriesRange, from: Timestamp, to: Timestamp) -> Self {
        let SeriesRange { series, resolution_seconds, points } = range;
        Self {
            resolution_seconds: *resolution_seconds,
            points,
            ..Self::empty(host, &series.metric_type, &series.tags, from, to)
        }
    }

    /// A series that has nothing in the range.
    pub fn empty(host: &'a str, metric: &'a str, tags: &'a str, from: Timestamp, to: Timestamp) -> Self {
        let unit = catalogue::find(metric).map_or("", |metric| metric.unit.as_str());
        Self { host, metric, tags, unit, resolution_seconds: 0.0, from, to, points: &[] }
    }
}

/// One row as `{"cpu.total_usage":34.5,"disk.usage_percent{mount=/}":71.2}`.
pub struct RowView<'a> {
    /// The row's columns.
    pub shape: &'a Shape,
    /// The row.
    pub row: Row<'a>,
}

impl Serialize for RowView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (series, value) in self.shape.series().iter().zip(self.row.values) {
            if !value.is_nan() {
                map.serialize_entry(&Text(series), &Value(*value))?;
            }
        }
        map.end()
    }
}

/// Anything that can be shown, as a string.
struct Text<T>(T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A host in a live `static` frame: what `GET /api/hosts` says of it and what was read once.
#[derive(serde::Serialize)]
pub struct StaticView<'a> {
    /// The host.
    #[serde(flatten)]
    pub host: HostView<'a>,
    /// Absent where its agent never sent any.
    #[serde(flatten)]
    pub info: Option<StaticInfo>,
}

/// A host in a live `fleet` frame: what `GET /api/hosts` says of it and the figures of the overview.
#[derive(serde::Serialize)]
pub struct FleetHostView<'a> {
    /// The host.
    #[serde(flatten)]
    pub host: HostView<'a>,
    /// Logical processors, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_cores: Option<u32>,
    /// Those of the overview's metrics that it has, and `disk.usage_percent` of its fullest file system, by series.
    pub metrics: BTreeMap<Cow<'static, str>, Value>,
    /// When the newest of them was read, by the host's clock: a host may be heard of and have nothing new to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::{Frame, Series};

    #[test]
    fn whole_values_have_no_fraction() {
        let check = |value, json: &str| {
            assert_eq!(serde_json::to_string(&Value(value)).expect("a number"), json);
        };
        check(34.5, "34.5");
        check(8_589_934_592.0, "8589934592");
        check(-0.0, "0");
        check(1e300, "1e+300");
        check(9_007_199_254_740_992.0, "9007199254740992.0");
    }

    #[test]
    fn a_row_names_its_series_and_leaves_out_absent_cells() {
        let shape = Shape::new(vec![
            Series::new("cpu.total_usage", ""),
            Series::new("swap.used_bytes", ""),
            Series::new("disk.usage_percent", "mount=/"),
        ]);
        let mut frame = Frame::new(shape);
        frame.push_row(Timestamp::from_seconds(1), &[34.5, f64::NAN, 71.25]);
        let row = frame.newest().expect("one row");
        let json = serde_json::to_string(&RowView { shape: frame.shape(), row }).expect("plain data");
        assert_eq!(json, r#"{"cpu.total_usage":34.5,"disk.usage_percent{mount=/}":71.25}"#);
    }
}
