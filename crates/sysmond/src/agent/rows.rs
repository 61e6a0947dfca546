//! From what the sources read to a row of a frame: the same columns, and the same shape, while the series stay the
//! same.

use super::counters::Counters;
use super::registry::Collector;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::catalogue::{AGENT_COLLECTOR_SECONDS, AGENT_COLLECTOR_UP};
use sysmond_model::limits::MAX_SERIES_PER_HOST;
use sysmond_model::{Frame, Metric, Series, Shape, Timestamp};

/// A series that was not sampled for so long loses its column: an interface that went does not widen rows for ever.
const FORGET_AFTER: Duration = Duration::from_mins(5);

/// The columns of the rows, in the order in which the sources give them.
pub(super) struct Rows {
    columns: Vec<Column>,
    values: Vec<f64>,
    shape: Arc<Shape>,
    /// Where the next value is expected: sources give their values in the same order each time.
    place: usize,
    changed: bool,
    counters: Arc<Counters>,
}

struct Column {
    metric: &'static Metric,
    tags: Box<str>,
    value: f64,
    seen: Duration,
}

impl Rows {
    /// No columns yet.
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        let (columns, values) = (Vec::new(), Vec::new());
        Self { columns, values, shape: Arc::default(), place: 0, changed: false, counters }
    }

    /// A row at `timestamp` of what `collectors` read in this round, with their health. `at` is the time since boot.
    pub(super) fn row(&mut self, timestamp: Timestamp, at: Duration, collectors: &[Collector]) -> Frame {
        self.begin();
        for collector in collectors {
            for (metric, tags, value) in collector.values().iter() {
                self.put(at, metric, tags, value);
            }
        }
        for collector in collectors {
            if let Some(up) = collector.is_up() {
                self.put(at, &AGENT_COLLECTOR_UP, collector.tags(), f64::from(u8::from(up)));
            }
            if let Some(took) = collector.took() {
                self.put(at, &AGENT_COLLECTOR_SECONDS, collector.tags(), took.as_micros() as f64 / 1e6);
            }
        }
        self.finish(timestamp, at)
    }

    fn begin(&mut self) {
        self.place = 0;
        for column in &mut self.columns {
            column.value = f64::NAN;
        }
    }

    fn put(&mut self, at: Duration, metric: &'static Metric, tags: &str, value: f64) {
        // By its place in the catalogue first: names are compared only where it is another one's.
        let is_it = |of: &'static Metric| ptr::eq(of, metric) || of.name == metric.name;
        let wanted = |column: &Column| is_it(column.metric) && *column.tags == *tags;
        let (before, after) = self.columns.split_at(self.place);
        let found = after.iter().position(wanted).map(|index| self.place + index);
        let index = match found.or_else(|| before.iter().position(wanted)) {
            Some(index) => index,
            None if self.columns.len() >= MAX_SERIES_PER_HOST => {
                self.counters.produced.add(1);
                self.counters.dropped_series.add(1);
                return;
            }
            None => {
                let column = Column { metric, tags: tags.into(), value, seen: at };
                self.columns.insert(self.place, column);
                self.changed = true;
                self.place
            }
        };
        if let Some(column) = self.columns.get_mut(index) {
            column.value = value;
            column.seen = at;
        }
        self.place = index + 1;
    }

    fn finish(&mut self, timestamp: Timestamp, at: Duration) -> Frame {
        let before = self.columns.len();
        self.columns.retain(|column| at.saturating_sub(column.seen) < FORGET_AFTER);
        if self.changed || self.columns.len() != before {
            let series = |column: &Column| Series::new(column.metric.name, column.tags.clone());
            self.shape = Shape::new(self.columns.iter().map(series).collect());
            self.changed = false;
        }
        self.values.clear();
        self.values.extend(self.columns.iter().map(|column| column.value));
        let mut frame = Frame::new(Arc::clone(&self.shape));
        frame.push_row(timestamp, &self.values);
        self.counters.rows_produced.add(1);
        self.counters.produced.add(frame.sample_count());
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::catalogue::{CPU_CORE_USAGE, CPU_TOTAL_USAGE, DISK_USAGE_PERCENT, LOAD_AVG_1M};

    type Cell = (&'static Metric, &'static str, f64);
    const FIRST: [Cell; 3] =
        [(&CPU_TOTAL_USAGE, "", 1.0), (&DISK_USAGE_PERCENT, "mount=/", 2.0), (&LOAD_AVG_1M, "", 3.0)];

    fn rows() -> Rows {
        Rows::new(Arc::default())
    }

    fn row(rows: &mut Rows, seconds: u64, cells: &[Cell]) -> Frame {
        let at = Duration::from_secs(seconds);
        rows.begin();
        for &(metric, tags, value) in cells {
            rows.put(at, metric, tags, value);
        }
        rows.finish(Timestamp::from_seconds(1_000), at)
    }

    fn text(frame: &Frame) -> String {
        let cells: Vec<_> = frame.samples().map(|(_, series, value)| format!("{series}={value}")).collect();
        cells.join(" ")
    }

    #[test]
    fn a_shape_is_shared_while_no_new_series_comes() {
        let mut rows = rows();
        let first = row(&mut rows, 1, &FIRST);
        assert_eq!(text(&first), "cpu.total_usage=1 disk.usage_percent{mount=/}=2 load.avg_1m=3");
        let without = row(&mut rows, 2, &[FIRST[0], FIRST[2]]);
        assert_eq!(text(&without), "cpu.total_usage=1 load.avg_1m=3");
        let turned = row(&mut rows, 3, &[FIRST[2], FIRST[0], FIRST[1]]);
        assert_eq!(text(&turned), text(&first));
        assert!(Arc::ptr_eq(first.shape(), without.shape()) && Arc::ptr_eq(first.shape(), turned.shape()));
    }

    #[test]
    fn a_new_series_gets_its_column_where_it_is_read() {
        let mut rows = rows();
        row(&mut rows, 1, &FIRST);
        let wider = row(&mut rows, 2, &[FIRST[0], (&CPU_CORE_USAGE, "core=0", 9.0), FIRST[1], FIRST[2]]);
        let expected =
            "cpu.total_usage=1 cpu.core_usage{core=0}=9 disk.usage_percent{mount=/}=2 load.avg_1m=3";
        assert_eq!(text(&wider), expected);
    }

    #[test]
    fn a_series_given_twice_has_one_column_and_the_later_value() {
        let twice = row(&mut rows(), 1, &[FIRST[0], FIRST[2], (&CPU_TOTAL_USAGE, "", 5.0)]);
        assert_eq!(text(&twice), "cpu.total_usage=5 load.avg_1m=3");
    }

    #[test]
    fn a_series_that_went_loses_its_column_after_a_while() {
        let mut rows = rows();
        row(&mut rows, 1, &FIRST);
        assert_eq!(row(&mut rows, 300, &FIRST[..1]).shape().len(), 3);
        assert_eq!(row(&mut rows, 301, &FIRST[..1]).shape().len(), 1);
    }

    #[test]
    fn series_beyond_the_limit_are_counted_and_left_out() {
        let mut rows = rows();
        rows.begin();
        for core in 0..MAX_SERIES_PER_HOST + 3 {
            rows.put(Duration::ZERO, &CPU_CORE_USAGE, &format!("core={core}"), 1.0);
        }
        let frame = rows.finish(Timestamp::from_seconds(1), Duration::ZERO);
        assert_eq!(frame.sample_count(), MAX_SERIES_PER_HOST);
        assert_eq!((rows.counters.produced.get(), rows.counters.dropped_series.get()), (5_003, 3));
    }
}
