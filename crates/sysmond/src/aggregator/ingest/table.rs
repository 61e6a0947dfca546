//! Accepted samples on their way to a [`Frame`]: which column each belongs to, without an allocation per sample.

use std::borrow::Cow;
use std::collections::HashMap;
use sysmond_model::{Frame, Series, Shape, Timestamp};

/// Cells of one push's table, filled or not. A table is dense, so samples that share neither time nor series would
/// make it the square of what was sent; this is twenty times the most samples of a push that do share them.
pub(super) const MAX_CELLS: usize = 2_000_000;

/// Samples by column.
#[derive(Default)]
pub(super) struct Table<'a> {
    columns: HashMap<(Cow<'a, str>, Cow<'a, str>), usize>,
    uses: Vec<ColumnUse>,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy)]
struct Cell {
    timestamp: Timestamp,
    column: usize,
    value: f64,
}

/// Which samples of a push a column came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColumnUse {
    /// How many.
    pub(crate) samples: usize,
    /// The first one's place in the push.
    pub(crate) first_index: usize,
}

/// The samples are spread so thin that their table would be too large.
#[derive(Debug)]
pub(super) struct TooSparse;

impl<'a> Table<'a> {
    /// The column of a series.
    pub(super) fn column(&mut self, metric_type: Cow<'a, str>, tags: Cow<'a, str>) -> usize {
        let next = self.columns.len();
        *self.columns.entry((metric_type, tags)).or_insert(next)
    }

    /// Adds the sample at `index` of the push.
    pub(super) fn put(&mut self, index: usize, column: usize, timestamp: Timestamp, value: f64) {
        match self.uses.get_mut(column) {
            Some(used) => used.samples += 1,
            None => self.uses.push(ColumnUse { samples: 1, first_index: index }),
        }
        self.cells.push(Cell { timestamp, column, value });
    }

    /// The frame, rows ascending, and what each of its columns came from. Of two samples with the same series and
    /// time the later one wins.
    pub(super) fn into_frame(mut self) -> Result<(Frame, Vec<ColumnUse>), TooSparse> {
        self.cells.sort_by_key(|cell| cell.timestamp);
        let rows = self.cells.chunk_by(|a, b| a.timestamp == b.timestamp);
        if rows.clone().count().saturating_mul(self.uses.len()) > MAX_CELLS {
            return Err(TooSparse);
        }
        let mut frame = Frame::new(shape(self.columns));
        let mut values = vec![f64::NAN; self.uses.len()];
        for row in rows {
            values.fill(f64::NAN);
            for cell in row {
                if let Some(value) = values.get_mut(cell.column) {
                    *value = cell.value;
                }
            }
            if let Some(first) = row.first() {
                frame.push_row(first.timestamp, &values);
            }
        }
        Ok((frame, self.uses))
    }
}

fn shape(columns: HashMap<(Cow<'_, str>, Cow<'_, str>), usize>) -> std::sync::Arc<Shape> {
    let mut columns: Vec<_> = columns.into_iter().collect();
    columns.sort_unstable_by_key(|(_, column)| *column);
    let series = columns
        .into_iter()
        .map(|((metric_type, tags), _)| Series::new(metric_type.into_owned(), tags.into_owned()));
    Shape::new(series.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_become_rows_and_columns_remember_their_samples() {
        let mut table = Table::default();
        for (index, (seconds, metric, value)) in
            [(2, "a", 1.0), (1, "b", 2.0), (2, "a", 3.0), (2, "b", 4.0)].into_iter().enumerate()
        {
            let column = table.column(metric.into(), "".into());
            table.put(index, column, Timestamp::from_seconds(seconds), value);
        }
        let (frame, uses) = table.into_frame().expect("small");
        let cells: Vec<_> =
            frame.samples().map(|(at, series, value)| (at.as_seconds(), series.to_string(), value)).collect();
        assert_eq!(cells, [(1, "b".into(), 2.0), (2, "a".into(), 3.0), (2, "b".into(), 4.0)]);
        assert_eq!(
            uses,
            [ColumnUse { samples: 2, first_index: 0 }, ColumnUse { samples: 2, first_index: 1 }]
        );
    }

    #[test]
    fn a_table_thinner_than_anything_real_is_refused() {
        let mut table = Table::default();
        for (index, at) in (0..2_000).enumerate() {
            let series = format!("m{index}");
            let column = table.column(series.into(), "".into());
            table.put(index, column, Timestamp::from_millis(at), 0.0);
        }
        assert!(table.into_frame().is_err());
    }
}
