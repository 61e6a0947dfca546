//! An array of objects, one a line, keys in the order of the columns.

use super::{Printer, hex};
use std::io::{self, Write};
use sysmond_tsdb::sql::Value;

/// Writes the array as the rows come.
pub(super) struct Json<W> {
    out: W,
    rows: u64,
}

impl<W: Write> Json<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, rows: 0 }
    }
}

impl<W: Write> Printer for Json<W> {
    fn row(&mut self, columns: &[String], values: &[Value]) -> io::Result<()> {
        self.out.write_all(if self.rows == 0 { b"[\n{" } else { b",\n{" })?;
        self.rows += 1;
        for (column, (name, value)) in names(columns).zip(values).enumerate() {
            if column > 0 {
                self.out.write_all(b",")?;
            }
            serde_json::to_writer(&mut self.out, &name)?;
            self.out.write_all(b":")?;
            put(&mut self.out, value)?;
        }
        self.out.write_all(b"}")
    }

    fn finish(&mut self, _: &[String]) -> io::Result<()> {
        self.out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })
    }
}

/// A name that was there before gets a number: in an object the later one would hide the earlier.
fn names(columns: &[String]) -> impl Iterator<Item = String> {
    columns.iter().enumerate().map(|(at, name)| {
        let before = columns.iter().take(at).filter(|earlier| *earlier == name).count();
        if before == 0 { name.clone() } else { format!("{name}_{}", before + 1) }
    })
}

fn put(out: impl Write, value: &Value) -> io::Result<()> {
    match value {
        Value::Null => serde_json::to_writer(out, &()),
        Value::Integer(number) => serde_json::to_writer(out, number),
        Value::Real(number) => serde_json::to_writer(out, number),
        Value::Text(text) => serde_json::to_writer(out, text),
        Value::Blob(bytes) => serde_json::to_writer(out, &hex(bytes)),
    }
    .map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: &[&str], rows: &[Vec<Value>], expected: &str) {
        let mut out = Vec::new();
        super::super::printed(&mut out, Json::new, columns, rows);
        let text = String::from_utf8(out).expect("text");
        assert!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON").is_array());
        assert_eq!(text, expected);
    }

    #[test]
    fn rows_are_objects_in_the_order_of_the_columns() {
        let first = vec![Value::Text("a\"b".to_owned()), Value::Real(34.5)];
        let second = vec![Value::Null, Value::Integer(-1)];
        check(
            &["host", "avg"],
            &[first, second],
            "[\n{\"host\":\"a\\\"b\",\"avg\":34.5},\n{\"host\":null,\"avg\":-1}\n]\n",
        );
    }

    #[test]
    fn no_rows_are_an_empty_array() {
        check(&["x"], &[], "[]\n");
    }

    #[test]
    fn columns_of_one_name_are_told_apart() {
        let row = vec![Value::Integer(1), Value::Integer(2), Value::Integer(3)];
        check(&["n", "n", "n"], &[row], "[\n{\"n\":1,\"n_2\":2,\"n_3\":3}\n]\n");
    }

    #[test]
    fn what_json_has_no_word_for_is_null() {
        check(&["x"], &[vec![Value::Real(f64::INFINITY)]], "[\n{\"x\":null}\n]\n");
    }
}
