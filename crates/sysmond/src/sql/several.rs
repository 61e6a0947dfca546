//! The answers of several statements, one after the other: an empty line between tables and between parts of CSV;
//! arrays of JSON follow each other, as every reader of JSON texts takes them.

use super::csv::Csv;
use super::json::Json;
use super::table::Table;
use super::{Format, Printer};
use anyhow::ensure;
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use sysmond_tsdb::sql::Value;

/// Prints answers to one place.
pub(super) struct Several<'a, W> {
    out: Lent<'a, W>,
    format: Format,
    /// Of the answer that is being printed.
    printer: Option<Box<dyn Printer + 'a>>,
    answered: usize,
}

impl<'a, W: Write> Several<'a, W> {
    pub(super) fn new(out: &'a mut W, format: Format) -> Self {
        Self { out: Lent(Rc::new(RefCell::new(out))), format, printer: None, answered: 0 }
    }

    /// One row of the present answer.
    pub(super) fn row(&mut self, columns: &[String], values: &[Value]) -> anyhow::Result<()> {
        Ok(self.printer()?.row(columns, values)?)
    }

    /// The end of the present answer.
    pub(super) fn end(&mut self, columns: &[String]) -> anyhow::Result<()> {
        ensure!(!columns.is_empty(), "the statement answers nothing: write a SELECT");
        self.printer()?.finish(columns)?;
        self.printer = None;
        self.answered += 1;
        Ok(())
    }

    /// How many answers are printed to their end.
    pub(super) fn answered(&self) -> usize {
        self.answered
    }

    fn printer(&mut self) -> io::Result<&mut (dyn Printer + 'a)> {
        let printer = match self.printer.take() {
            Some(printer) => printer,
            None => self.begin()?,
        };
        Ok(&mut **self.printer.insert(printer))
    }

    fn begin(&mut self) -> io::Result<Box<dyn Printer + 'a>> {
        let between: &[u8] = match self.format {
            _ if self.answered == 0 => b"",
            Format::Table => b"\n",
            Format::Csv => b"\r\n",
            Format::Json => b"",
        };
        self.out.write_all(between)?;
        let out = Lent(Rc::clone(&self.out.0));
        Ok(match self.format {
            Format::Table => Box::new(Table::new(out)),
            Format::Json => Box::new(Json::new(out)),
            Format::Csv => Box::new(Csv::new(out)),
        })
    }
}

/// What one printer after the other writes to.
struct Lent<'a, W>(Rc<RefCell<&'a mut W>>);

impl<W: Write> Write for Lent<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, expected: &str) {
        let mut out = Vec::new();
        let mut several = Several::new(&mut out, format);
        let (n, m) = (["n".to_owned()], ["m".to_owned()]);
        several.row(&n, &[Value::Integer(1)]).expect("memory takes it");
        several.end(&n).expect("memory takes it");
        several.end(&m).expect("memory takes it");
        assert_eq!(several.answered(), 2);
        assert!(several.end(&[]).is_err(), "no SELECT");
        drop(several);
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }

    #[test]
    fn answers_stand_apart() {
        check(Format::Table, "n\n-\n1\n(1 row)\n\nm\n-\n(0 rows)\n");
        check(Format::Csv, "n\r\n1\r\n\r\nm\r\n");
        check(Format::Json, "[\n{\"n\":1}\n]\n[]\n");
    }
}
