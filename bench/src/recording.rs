//! A real agent's readings of some time, kept as text by columns and compressed: a line with the time between two
//! readings and their number, then a line for each series with its name and its values.
//!
//! A value that is the one before is an empty field, one that is absent is `-`.

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use sysmond_model::{Frame, Series, Shape, Timestamp};

/// Rows in one push.
const ROWS_PER_PUSH: usize = 10;

/// A recording.
#[derive(Debug)]
pub struct Recording {
    shape: Arc<Shape>,
    tick_ms: i64,
    /// One list of a value per reading for each column; NaN where there is none.
    columns: Vec<Vec<f64>>,
}

/// One sample as it was read out of a store.
#[derive(Clone, Debug)]
pub struct Cell {
    /// When, milliseconds.
    pub at: i64,
    /// Of what.
    pub series: Series,
    /// How much.
    pub value: f64,
}

impl Recording {
    /// Makes one of samples, `tick_ms` apart.
    pub fn new(cells: Vec<Cell>, tick_ms: i64) -> Result<Self> {
        let times: BTreeSet<i64> = cells.iter().map(|cell| cell.at).collect();
        let begin = *times.first().context("nothing was recorded")?;
        let end = *times.last().context("nothing was recorded")?;
        let rows = usize::try_from((end - begin) / tick_ms)? + 1;
        let mut columns: BTreeMap<Series, Vec<f64>> = BTreeMap::new();
        for Cell { at, series, value } in cells {
            let row = usize::try_from((at - begin) / tick_ms)?;
            let column = columns.entry(series).or_insert_with(|| vec![f64::NAN; rows]);
            if let Some(cell) = column.get_mut(row) {
                *cell = value;
            }
        }
        let (series, columns) = columns.into_iter().unzip();
        Ok(Self { shape: Shape::new(series), tick_ms, columns })
    }

    /// Reads one.
    pub fn read(path: &Path) -> Result<Self> {
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut text = String::new();
        GzDecoder::new(file).read_to_string(&mut text)?;
        Self::parse(&text)
    }

    /// Writes it.
    pub fn write(&self, path: &Path) -> Result<()> {
        let file = std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut encoder = GzEncoder::new(file, Compression::best());
        encoder.write_all(self.text().as_bytes())?;
        encoder.finish()?.sync_all()?;
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = format!("{} {}\n", self.tick_ms, self.rows());
        for (series, values) in self.shape.series().iter().zip(&self.columns) {
            text.push_str(&series.to_string());
            let mut before = f64::NAN;
            for value in values {
                text.push('\t');
                if value.is_nan() {
                    text.push('-');
                } else if value.to_bits() != before.to_bits() {
                    text.push_str(&value.to_string());
                }
                before = *value;
            }
            text.push('\n');
        }
        text
    }

    fn parse(text: &str) -> Result<Self> {
        let (head, lines) = text.split_once('\n').context("an empty recording")?;
        let (tick_ms, rows) = head.split_once(' ').context("no head")?;
        let (tick_ms, rows): (i64, usize) = (tick_ms.parse()?, rows.parse()?);
        let (mut series, mut columns) = (Vec::new(), Vec::new());
        for line in lines.lines() {
            let mut fields = line.split('\t');
            let name = fields.next().unwrap_or_default();
            series.push(Series::parse(name).with_context(|| format!("no series: {name}"))?);
            let mut before = f64::NAN;
            let mut values = Vec::with_capacity(rows);
            for field in fields {
                before = match field {
                    "" => before,
                    "-" => f64::NAN,
                    number => number.parse()?,
                };
                values.push(before);
            }
            ensure!(values.len() == rows, "{name} has {} of {rows} values", values.len());
            columns.push(values);
        }
        Ok(Self { shape: Shape::new(series), tick_ms, columns })
    }

    /// Its columns.
    pub fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    /// Between two readings, milliseconds.
    pub const fn tick_ms(&self) -> i64 {
        self.tick_ms
    }

    /// Readings.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The readings from `row` on that make one push, the first at the time `at`; from the beginning after the end.
    pub fn frame(&self, row: usize, at: i64) -> Frame {
        let mut frame = Frame::new(Arc::clone(&self.shape));
        let mut values = Vec::with_capacity(self.columns.len());
        let mut at = at;
        for row in (0..self.rows()).cycle().skip(row).take(ROWS_PER_PUSH) {
            values.clear();
            values.extend(self.columns.iter().map(|column| column.get(row).copied().unwrap_or(f64::NAN)));
            frame.push_row(Timestamp::from_millis(at), &values);
            at += self.tick_ms;
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(at: i64, name: &str, value: f64) -> Cell {
        Cell { at, series: Series::parse(name).expect("a series"), value }
    }

    #[test]
    fn what_was_written_is_read_bit_by_bit() {
        let cells = vec![
            cell(5_000, "a", 0.1 + 0.2),
            cell(6_000, "a", 0.1 + 0.2),
            cell(8_000, "a", -0.0),
            cell(6_000, "b{device=x,mount=/y z}", 1e300),
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recording");
        Recording::new(cells, 1_000).expect("samples").write(&path).expect("writable");
        let read = Recording::read(&path).expect("readable");
        assert_eq!((read.rows(), read.tick_ms(), read.shape().len()), (4, 1_000, 2));
        let frame = read.frame(0, 100_000);
        let cells: Vec<_> = frame
            .samples()
            .take(4)
            .map(|(at, series, v)| (at.as_millis(), series.to_string(), v.to_bits()))
            .collect();
        let sum = (0.1_f64 + 0.2).to_bits();
        let b = "b{device=x,mount=/y z}";
        let expected = [
            (100_000, "a", sum),
            (101_000, "a", sum),
            (101_000, b, 1e300_f64.to_bits()),
            (103_000, "a", (-0.0_f64).to_bits()),
        ];
        assert_eq!(cells, expected.map(|(at, name, bits)| (at, name.to_owned(), bits)));
        assert_eq!(
            (frame.row_count(), frame.rows().nth(4).expect("from the beginning").values[0].to_bits()),
            (10, sum)
        );
    }
}
