//! `sysmond sql`: statements over the aggregator's database, each answer printed as a table, JSON or CSV.

mod csv;
mod json;
mod several;
mod table;

pub(crate) use csv::text as csv_text;

use crate::clock;
use crate::config::{Settings, values};
use anyhow::{Context, anyhow, bail, ensure};
use several::Several;
use std::fmt::Display;
use std::io::{BufWriter, Read, Write};
use std::time::Duration;
use sysmond_tsdb::sql::{Answer, Database, Value, limit_memory};
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

/// The most that is read of standard input, bytes.
const MAX_INPUT_BYTES: u64 = 1024 * 1024;

/// What statements may take together.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Limits {
    /// Stop statements that take longer, all together
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = values::duration)]
    timeout: Duration,
    /// Stop a statement that sorts or collects more than this; rows are printed as they come
    #[arg(long, default_value = "256MB", value_name = "SIZE", value_parser = |text: &str| values::size_at_least(text, "16MB"))]
    max_memory: u64,
}

/// Runs what `given` says, or standard input, within `limits` and prints what it answers.
pub(crate) fn run(
    settings: &Settings,
    given: Option<String>,
    format: Format,
    limits: Limits,
) -> anyhow::Result<()> {
    let statements = match given {
        Some(text) if text.trim() != "-" => text,
        _ => read(std::io::stdin().lock())?,
    };
    let mut database = Database::open(&settings.database()?, settings.offline_after())?;
    limit_memory(limits.max_memory)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut several = Several::new(&mut out, format);
    let outcome = database.query_each(&statements, clock::now(), limits.timeout, |answer| match answer {
        Answer::Row(columns, values) => several.row(columns, values),
        Answer::End(columns) => several.end(columns),
    });
    let answered = several.answered();
    drop(several);
    // What was answered before is right, whatever becomes of a later statement.
    let flushed = out.flush();
    outcome.map_err(|error| explained(error, limits)).with_context(|| which(answered))?;
    flushed?;
    tell_damage(&database.scanned())
}

/// Which statement failed, after so many that were answered.
fn which(answered: usize) -> String {
    if answered == 0 {
        "the statement failed".to_owned()
    } else {
        format!("statement {} failed", answered + 1)
    }
}

/// The statements of standard input.
fn read(input: impl Read) -> anyhow::Result<String> {
    let mut text = Vec::new();
    input.take(MAX_INPUT_BYTES + 1).read_to_end(&mut text).context("cannot read standard input")?;
    if text.len() as u64 > MAX_INPUT_BYTES {
        bail!("standard input has more than {MAX_INPUT_BYTES} bytes: give fewer statements at a time");
    }
    let text = String::from_utf8(text).context("standard input is no text in UTF-8")?;
    ensure!(
        !text.trim().is_empty(),
        "there is no statement in standard input: write one there, or give it as an argument"
    );
    Ok(text)
}

/// The error with what can be done.
fn explained(error: anyhow::Error, limits: Limits) -> anyhow::Error {
    const NARROW: &str = "narrow it by host, metric_type, tags and timestamp";
    const TABLES: &str = "the tables are hosts, metrics and processes, which can only be read: \
        `sysmond sql \"SELECT * FROM metrics LIMIT 1\"` shows the columns of one";
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
        Some(QueryError::Statement(words)) => anyhow!("{words}; {TABLES}"),
        _ => error,
    }
}

/// An error of a name that is not known, with the question that lists those that are.
pub(crate) fn unknown(error: impl Display, question: &str) -> anyhow::Error {
    anyhow!("{error}: `sysmond sql \"{question}\"` lists those that are known")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_read_as_far_as_it_may_be() {
        let check = |input: &[u8], expected: Result<&str, &str>| match (read(input), expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected),
            (Err(error), Err(words)) => assert!(format!("{error:#}").contains(words), "{error:#}"),
            (found, expected) => panic!("{found:?}, not {expected:?}"),
        };
        check(b"SELECT 1;\nSELECT 2", Ok("SELECT 1;\nSELECT 2"));
        check(b" \n", Err("there is no statement in standard input"));
        check(b"SELECT '\xff'", Err("UTF-8"));
        let most = usize::try_from(MAX_INPUT_BYTES).expect("small");
        check(&vec![b' '; most + 1], Err("more than 1048576 bytes"));
        let whole = "-".repeat(most);
        check(whole.as_bytes(), Ok(&whole));
    }
}
