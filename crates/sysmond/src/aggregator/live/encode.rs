//! Frames of the live connection as text, each made once.

use crate::aggregator::views::{RowView, SeriesView};
use axum::body::Bytes;
use serde::Serialize;
use sysmond_model::frame::Row;
use sysmond_model::{Point, SeriesRange, Shape, Timestamp};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Frame<'a, H = ()> {
    Static { hosts: &'a [H] },
    History { host: &'a str, series: Vec<SeriesView<'a>> },
    Sample { host: &'a str, timestamp: Timestamp, metrics: RowView<'a> },
}

fn text<H: Serialize>(frame: &Frame<'_, H>) -> Bytes {
    // Plain data with string keys and finite numbers always serializes.
    serde_json::to_vec(frame).unwrap_or_default().into()
}

/// What was read once of some hosts.
pub(super) fn statics<H: Serialize>(hosts: &[H]) -> Bytes {
    text(&Frame::Static { hosts })
}

/// A stretch of some series of a host.
pub(super) fn history(host: &str, ranges: &[SeriesRange], from: Timestamp, to: Timestamp) -> Bytes {
    let series = ranges.iter().map(|range| SeriesView::new(host, range, from, to)).collect();
    let frame: Frame<'_> = Frame::History { host, series };
    text(&frame)
}

/// One row of a host.
pub(super) fn sample(host: &str, shape: &Shape, row: Row<'_>) -> Bytes {
    let metrics = RowView { shape, row };
    let frame: Frame<'_> = Frame::Sample { host, timestamp: row.timestamp, metrics };
    text(&frame)
}

/// Rows that are no news, ascending, as a `history`.
pub(super) fn backlog(host: &str, shape: &Shape, rows: &[Row<'_>]) -> Bytes {
    let times = || rows.iter().map(|row| row.timestamp);
    let (Some(from), Some(to)) = (times().min(), times().max()) else {
        return history(host, &[], Timestamp::default(), Timestamp::default());
    };
    let resolution_seconds = usual_distance(rows);
    let columns = shape.series().iter().enumerate().map(|(column, series)| SeriesRange {
        series: series.clone(),
        resolution_seconds,
        points: rows.iter().filter_map(|row| point(*row, column)).collect(),
    });
    let ranges: Vec<_> = columns.filter(|range| !range.points.is_empty()).collect();
    history(host, &ranges, from, to)
}

/// The median of the distances between rows, seconds; a gap among them does not count for more than any other.
fn usual_distance(rows: &[Row<'_>]) -> f64 {
    let distance = |pair: &[Row<'_>]| match pair {
        [a, b] => b.timestamp.as_millis() - a.timestamp.as_millis(),
        _ => 0,
    };
    let mut distances: Vec<i64> = rows.windows(2).map(distance).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).map_or(0.0, |millis| *millis as f64 / 1000.0)
}

fn point(row: Row<'_>, column: usize) -> Option<Point> {
    let value = *row.values.get(column)?;
    (!value.is_nan()).then_some(Point { timestamp: row.timestamp, min: value, avg: value, max: value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use sysmond_model::{Frame, Series};

    fn frame() -> Frame {
        let mut frame =
            Frame::new(Shape::new(vec![Series::new("cpu.total_usage", ""), Series::new("x", "a=1")]));
        frame.push_row(Timestamp::from_seconds(10), &[1.0, f64::NAN]);
        frame.push_row(Timestamp::from_seconds(12), &[2.0, f64::NAN]);
        frame.push_row(Timestamp::from_seconds(14), &[3.0, f64::NAN]);
        frame.push_row(Timestamp::from_seconds(99), &[4.0, f64::NAN]);
        frame
    }

    #[test]
    fn a_sample_has_the_documented_json() {
        let frame = frame();
        let text = sample("a", frame.shape(), frame.newest().expect("rows"));
        let expected = r#"{"type":"sample","host":"a","timestamp":99,"metrics":{"cpu.total_usage":4}}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn a_backlog_is_a_history_of_what_it_has() {
        let frame = frame();
        let rows: Vec<_> = frame.rows().take(3).collect();
        let text: Value = serde_json::from_slice(&backlog("a", frame.shape(), &rows)).expect("JSON");
        let series = json!({
            "host": "a", "metric": "cpu.total_usage", "tags": "", "unit": "percent", "resolution_seconds": 2.0,
            "from": 10, "to": 14, "points": [[10, 1.0, 1.0, 1.0], [12, 2.0, 2.0, 2.0], [14, 3.0, 3.0, 3.0]],
        });
        assert_eq!(text, json!({"type": "history", "host": "a", "series": [series]}));
    }
}
