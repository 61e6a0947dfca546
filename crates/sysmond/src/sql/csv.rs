//! CSV as RFC 4180 describes it, safe to open in a spreadsheet.

use super::{Printer, hex};
use std::io::{self, Write};
use sysmond_tsdb::sql::Value;

/// Writes a header and a line for each row.
pub(super) struct Csv<W> {
    out: W,
    headed: bool,
}

impl<W: Write> Csv<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, headed: false }
    }

    fn line(&mut self, cells: impl Iterator<Item = String>) -> io::Result<()> {
        let line = cells.collect::<Vec<_>>().join(",");
        write!(self.out, "{line}\r\n")
    }

    fn head(&mut self, columns: &[String]) -> io::Result<()> {
        if self.headed {
            return Ok(());
        }
        self.headed = true;
        self.line(columns.iter().map(|name| text(name)))
    }
}

impl<W: Write> Printer for Csv<W> {
    fn row(&mut self, columns: &[String], values: &[Value]) -> io::Result<()> {
        self.head(columns)?;
        self.line(values.iter().map(cell))
    }

    fn finish(&mut self, columns: &[String]) -> io::Result<()> {
        self.head(columns)
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(value) => text(value),
        Value::Blob(bytes) => hex(bytes),
    }
}

/// A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay numbers.
pub(crate) fn text(value: &str) -> String {
    let guard = if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if value.contains([',', '"', '\r', '\n']) {
        return format!("\"{guard}{}\"", value.replace('"', "\"\""));
    }
    format!("{guard}{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_formulas_disarmed() {
        let check = |value: &str, expected: &str| assert_eq!(text(value), expected);
        check("web-server-01", "web-server-01");
        check("a,b", "\"a,b\"");
        check("say \"x\"", "\"say \"\"x\"\"\"");
        check("two\nlines", "\"two\nlines\"");
        check("=1+1", "'=1+1");
        check("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
        check("+1", "'+1");
        check("-1", "'-1");
        check("@x", "'@x");
        check("\tx", "'\tx");
        check("", "");
    }

    #[test]
    fn numbers_stay_numbers() {
        let row = vec![Value::Integer(-5), Value::Real(-0.5), Value::Null, Value::Blob(vec![1, 255])];
        let mut out = Vec::new();
        super::super::printed(&mut out, Csv::new, &["a", "b", "c", "=d"], &[row]);
        assert_eq!(String::from_utf8(out).expect("text"), "a,b,c,'=d\r\n-5,-0.5,,01ff\r\n");
    }

    #[test]
    fn no_rows_leave_the_header() {
        let mut out = Vec::new();
        super::super::printed(&mut out, Csv::new, &["a", "b"], &[]);
        assert_eq!(out, b"a,b\r\n");
    }
}
