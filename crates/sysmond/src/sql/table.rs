//! A table for people: aligned columns, numbers to the right.

use super::{Printer, hex};
use crate::config::values::is_unprintable;
use std::io::{self, Write};
use sysmond_tsdb::sql::Value;

/// Rows that set the columns' widths; later ones are printed as they come.
const ROWS_MEASURED: usize = 1000;

/// Writes the table.
pub(super) struct Table<W> {
    out: W,
    measured: Vec<Vec<Cell>>,
    widths: Vec<usize>,
    rows: u64,
}

struct Cell {
    text: String,
    right: bool,
}

impl<W: Write> Table<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, measured: Vec::new(), widths: Vec::new(), rows: 0 }
    }

    /// Prints head and measured rows, once.
    fn begin(&mut self, columns: &[String]) -> io::Result<()> {
        if !self.widths.is_empty() {
            return Ok(());
        }
        let head: Vec<Cell> = columns.iter().map(|name| Cell { text: visible(name), right: false }).collect();
        let rows = std::mem::take(&mut self.measured);
        let width = |column: usize| {
            let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.chars().count()).max().unwrap_or_default()
        };
        self.widths = (0..columns.len()).map(width).collect();
        self.line(&head)?;
        let rule: Vec<String> = self.widths.iter().map(|width| "-".repeat(*width)).collect();
        writeln!(self.out, "{}", rule.join("  "))?;
        rows.iter().try_for_each(|row| self.line(row))
    }

    fn line(&mut self, cells: &[Cell]) -> io::Result<()> {
        let padded = cells.iter().zip(&self.widths).map(|(Cell { text, right }, &width)| {
            if *right { format!("{text:>width$}") } else { format!("{text:width$}") }
        });
        let line = padded.collect::<Vec<_>>().join("  ");
        writeln!(self.out, "{}", line.trim_end())
    }
}

impl<W: Write> Printer for Table<W> {
    fn row(&mut self, columns: &[String], values: &[Value]) -> io::Result<()> {
        self.rows += 1;
        let cells: Vec<Cell> = values.iter().map(cell).collect();
        if self.measured.len() < ROWS_MEASURED && self.widths.is_empty() {
            self.measured.push(cells);
            return Ok(());
        }
        self.begin(columns)?;
        self.line(&cells)
    }

    fn finish(&mut self, columns: &[String]) -> io::Result<()> {
        self.begin(columns)?;
        let rows = self.rows;
        writeln!(self.out, "({rows} row{})", if rows == 1 { "" } else { "s" })
    }
}

fn cell(value: &Value) -> Cell {
    let (text, right) = match value {
        Value::Null => (String::new(), false),
        Value::Integer(number) => (number.to_string(), true),
        Value::Real(number) => (number.to_string(), true),
        Value::Text(text) => (visible(text), false),
        Value::Blob(bytes) => (hex(bytes), false),
    };
    Cell { text, right }
}

/// Text from outside steers no terminal.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unprintable(c) { out.extend(c.escape_debug()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: &[&str], rows: &[Vec<Value>], expected: &str) {
        let mut out = Vec::new();
        super::super::printed(&mut out, Table::new, columns, rows);
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec![Value::Text("web-server-01".to_owned()), Value::Real(34.5)],
            vec![Value::Text("db".to_owned()), Value::Integer(7)],
            vec![Value::Text("ü".to_owned()), Value::Null],
        ];
        let expected = "host           avg\n-------------  ----\nweb-server-01  34.5\ndb                7\nü\n(3 rows)\n";
        check(&["host", "avg"], &rows, expected);
    }

    #[test]
    fn no_rows_leave_the_head() {
        check(&["host"], &[], "host\n----\n(0 rows)\n");
    }

    #[test]
    fn a_long_answer_is_printed_as_it_comes() {
        let rows: Vec<_> = (0..2500).map(|n| vec![Value::Integer(n)]).collect();
        let mut out = Vec::new();
        super::super::printed(&mut out, Table::new, &["n"], &rows);
        let lines: Vec<_> = std::str::from_utf8(&out).expect("text").lines().collect();
        assert_eq!(lines.len(), 2 + 2500 + 1);
        assert_eq!((lines[2], lines[2501], lines[2502]), ("  0", "2499", "(2500 rows)"));
    }

    #[test]
    fn text_steers_no_terminal() {
        check(
            &["x"],
            &[vec![Value::Text("a\u{1b}[2J\nb".to_owned())]],
            "x\n-------------\na\\u{1b}[2J\\nb\n(1 row)\n",
        );
    }
}
