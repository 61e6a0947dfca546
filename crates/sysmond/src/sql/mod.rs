//! `sysmond sql`: one statement over the aggregator's database, printed as a table, JSON or CSV.

mod csv;
mod json;
mod table;

use crate::clock;
use crate::config::Settings;
use anyhow::{Context, ensure};
use std::io::{BufWriter, Write};
use std::time::Duration;
use sysmond_tsdb::sql::{Database, Value};

/// How the rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// An array of objects.
    Json,
    /// RFC 4180.
    Csv,
}

impl Format {
    /// As the flags say.
    pub(crate) fn of(json: bool, csv: bool) -> Self {
        match (json, csv) {
            (true, _) => Self::Json,
            (_, true) => Self::Csv,
            _ => Self::Table,
        }
    }
}

/// Takes the rows of an answer one by one: an answer may be larger than the memory.
trait Printer {
    /// One row.
    fn row(&mut self, columns: &[String], values: &[Value]) -> std::io::Result<()>;

    /// The end; `columns` are also those of an answer without rows.
    fn finish(&mut self, columns: &[String]) -> std::io::Result<()>;
}

/// Runs `statement` for at most `limit` and prints what it answers.
pub(crate) fn run(
    settings: &Settings,
    statement: &str,
    format: Format,
    limit: Duration,
) -> anyhow::Result<()> {
    let path = settings.data_dir.join("aggregator.db");
    let advice = "name the aggregator's data folder with --data-dir, or start `sysmond` to have one";
    ensure!(path.exists(), "there is no database {}: {advice}", path.display());
    let mut database = Database::open(&path, settings.offline_after())?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    {
        let mut printer: Box<dyn Printer + '_> = match format {
            Format::Table => Box::new(table::Table::new(&mut out)),
            Format::Json => Box::new(json::Json::new(&mut out)),
            Format::Csv => Box::new(csv::Csv::new(&mut out)),
        };
        let row =
            |columns: &[String], values: &[Value]| Ok::<_, anyhow::Error>(printer.row(columns, values)?);
        let columns = database.query(statement, clock::now(), limit, row).context("the statement failed")?;
        ensure!(!columns.is_empty(), "the statement answers nothing: write a SELECT");
        printer.finish(&columns)?;
    }
    Ok(out.flush()?)
}

/// Bytes as they are written in text.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// What a printer makes of an answer.
#[cfg(test)]
fn printed<'a, P: Printer + 'a>(
    out: &'a mut Vec<u8>,
    new: impl FnOnce(&'a mut Vec<u8>) -> P,
    columns: &[&str],
    rows: &[Vec<Value>],
) {
    let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    let mut printer = new(out);
    for row in rows {
        printer.row(&columns, row).expect("memory takes it");
    }
    printer.finish(&columns).expect("memory takes it");
}
