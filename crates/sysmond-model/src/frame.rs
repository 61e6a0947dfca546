//! Samples of one host as a table: a row per timestamp, a column per series.
//!
//! It is what a collector makes, the store keeps, a push carries and the live view shows. Rows share one [`Shape`], so
//! names are held once and a value costs eight bytes.

use crate::{Sample, Series, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The columns of a frame, in order. No series stands in it twice.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub struct Shape(Vec<Series>);

impl Shape {
    /// A shape of these columns; `series` must not repeat.
    pub fn new(series: Vec<Series>) -> Arc<Self> {
        debug_assert!(
            series.iter().collect::<std::collections::HashSet<_>>().len() == series.len(),
            "a shape holds each series once"
        );
        Arc::new(Self(series))
    }

    /// The columns.
    pub fn series(&self) -> &[Series] {
        &self.0
    }

    /// How many columns.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Rows of samples of one host. An absent cell is NaN: a stored value is always finite.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    shape: Arc<Shape>,
    timestamps: Vec<Timestamp>,
    values: Vec<f64>,
}

/// One row of a [`Frame`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// When the row was read.
    pub timestamp: Timestamp,
    /// A value per column of the shape; NaN where there is none.
    pub values: &'a [f64],
}

impl Frame {
    /// A frame without rows.
    pub fn new(shape: Arc<Shape>) -> Self {
        Self { shape, timestamps: Vec::new(), values: Vec::new() }
    }

    /// A frame of whole rows, one behind the other in `values`.
    ///
    /// # Panics
    /// If `values` has not one value per row and column.
    pub fn of_table(shape: Arc<Shape>, timestamps: Vec<Timestamp>, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), timestamps.len() * shape.len(), "a row has one value per column");
        Self { shape, timestamps, values }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If `values` has not one value per column.
    pub fn push_row(&mut self, timestamp: Timestamp, values: &[f64]) {
        assert_eq!(values.len(), self.shape.len(), "a row has one value per column");
        self.timestamps.push(timestamp);
        self.values.extend_from_slice(values);
    }

    /// The frame of loose samples: rows ascending by timestamp, columns in order of first appearance. Of two samples
    /// with the same series and timestamp the later one wins.
    pub fn from_samples(samples: impl IntoIterator<Item = Sample>) -> Self {
        let mut columns: HashMap<Series, usize> = HashMap::new();
        let mut order: Vec<Series> = Vec::new();
        let mut cells: BTreeMap<Timestamp, Vec<(usize, f64)>> = BTreeMap::new();
        for sample in samples {
            let column = *columns.entry(sample.series).or_insert_with_key(|series| {
                order.push(series.clone());
                order.len() - 1
            });
            cells.entry(sample.timestamp).or_default().push((column, sample.value));
        }
        let mut frame = Self::new(Shape::new(order));
        let mut row = vec![f64::NAN; frame.shape.len()];
        for (timestamp, cells) in cells {
            row.fill(f64::NAN);
            for (column, value) in cells {
                if let Some(cell) = row.get_mut(column) {
                    *cell = value;
                }
            }
            frame.push_row(timestamp, &row);
        }
        frame
    }

    /// The columns.
    pub fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    /// How many rows.
    pub fn row_count(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// How many cells hold a value.
    pub fn sample_count(&self) -> usize {
        self.values.iter().filter(|value| !value.is_nan()).count()
    }

    /// The rows, in the order they were pushed.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = Row<'_>> + ExactSizeIterator {
        let width = self.shape.len();
        self.timestamps.iter().enumerate().map(move |(index, &timestamp)| Row {
            timestamp,
            values: self.values.get(index * width..(index + 1) * width).unwrap_or_default(),
        })
    }

    /// The newest row, by timestamp.
    pub fn newest(&self) -> Option<Row<'_>> {
        self.rows().max_by_key(|row| row.timestamp)
    }

    /// Every present cell with its series, row by row.
    pub fn samples(&self) -> impl Iterator<Item = (Timestamp, &Series, f64)> {
        self.rows().flat_map(move |row| {
            let cells = self.shape.series().iter().zip(row.values);
            cells
                .filter(|(_, value)| !value.is_nan())
                .map(move |(series, &value)| (row.timestamp, series, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seconds: i64, metric: &str, value: f64) -> Sample {
        Sample { timestamp: Timestamp::from_seconds(seconds), series: Series::new(metric, ""), value }
    }

    #[test]
    fn loose_samples_become_rows_and_the_later_duplicate_wins() {
        let frame = Frame::from_samples([
            sample(2, "a", 1.0),
            sample(1, "b", 2.0),
            sample(2, "a", 3.0),
            sample(2, "b", 4.0),
        ]);
        let cells: Vec<_> =
            frame.samples().map(|(at, series, value)| (at.as_seconds(), series.to_string(), value)).collect();
        assert_eq!(cells, [(1, "b".into(), 2.0), (2, "a".into(), 3.0), (2, "b".into(), 4.0)]);
        assert_eq!((frame.row_count(), frame.sample_count()), (2, 3));
        assert_eq!(frame.newest().map(|row| row.timestamp.as_seconds()), Some(2));
    }

    #[test]
    fn a_frame_without_samples_is_empty() {
        let frame = Frame::from_samples([]);
        assert!(frame.is_empty() && frame.shape().is_empty() && frame.newest().is_none());
    }
}
