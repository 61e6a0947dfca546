//! `sysmond sql`: one statement over the aggregator's database, printed as a table, JSON or CSV.

mod csv;
mod json;
mod table;

pub(crate) use csv::text as csv_text;

use crate::clock;
use crate::config::{Settings, values};
use anyhow::{Context, ensure};
use std::io::{BufWriter, Write};
use std::time::Duration;
use sysmond_tsdb::sql::{Database, Value, limit_memory};
use sysmond_tsdb::{QueryError, Scanned};

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

/// What a statement may take.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Limits {
    /// Stop a statement that takes longer
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = values::duration)]
    timeout: Duration,
    /// Stop a statement that sorts or collects more than this; rows are printed as they come
    #[arg(long, default_value = "256MB", value_name = "SIZE", value_parser = |text: &str| values::size_at_least(text, "16MB"))]
    max_memory: u64,
}

/// Runs `statement` within `limits` and prints what it answers.
pub(crate) fn run(
    settings: &Settings,
    statement: &str,
    format: Format,
    limits: Limits,
) -> anyhow::Result<()> {
    let mut database = Database::open(&settings.database()?, settings.offline_after())?;
    limit_memory(limits.max_memory)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    {
        let mut printer: Box<dyn Printer + '_> = match format {
            Format::Table => Box::new(table::Table::new(&mut out)),
            Format::Json => Box::new(json::Json::new(&mut out)),
            Format::Csv => Box::new(csv::Csv::new(&mut out)),
        };
        let row =
            |columns: &[String], values: &[Value]| Ok::<_, anyhow::Error>(printer.row(columns, values)?);
        let answer = database.query(statement, clock::now(), limits.timeout, row);
        let columns = answer.map_err(|error| explained(error, limits)).context("the statement failed")?;
        ensure!(!columns.is_empty(), "the statement answers nothing: write a SELECT");
        printer.finish(&columns)?;
    }
    out.flush()?;
    tell_damage(&database.scanned())
}

/// The error with what can be done.
fn explained(error: anyhow::Error, limits: Limits) -> anyhow::Error {
    const NARROW: &str = "narrow it by host, metric_type, tags and timestamp";
    let Limits { timeout, max_memory } = limits;
    match error.downcast_ref::<QueryError>() {
        Some(QueryError::TimedOut) => {
            error.context(format!("it took more than {timeout:?}: {NARROW}, or give it time with --timeout"))
        }
        Some(QueryError::OutOfMemory) => {
            let megabytes = max_memory / 1_000_000;
            error.context(format!(
                "it took more than {megabytes} MB: {NARROW}, or give it more with --max-memory"
            ))
        }
        _ => error,
    }
}

/// Says what is missing. The rest is all that there is, so it is no failure.
pub(crate) fn tell_damage(scanned: &Scanned) -> anyhow::Result<()> {
    if let damaged @ 1.. = scanned.damaged {
        let what = "damaged parts of the database could not be read: their samples are missing";
        writeln!(std::io::stderr(), "sysmond: {damaged} {what}")?;
    }
    Ok(())
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
