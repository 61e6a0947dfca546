//! `sysmond export`: the rows of the aggregator's database as CSV, JSON lines or SQL.

mod csv;
mod dump;
mod jsonl;
mod moment;
mod output;
mod progress;

pub use moment::{Moment, moment};

use crate::config::Settings;
use crate::own_files::OwnFiles;
use crate::sql::{tell_damage, unknown};
use crate::{clock, process};
use anyhow::{Context, bail, ensure};
use output::Output;
use progress::Progress;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use sysmond_model::{Series, Timestamp};
use sysmond_tsdb::{Export, ExportError, Rows, Selection};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A header and a line for each row, as RFC 4180 describes it
    Csv,
    /// A JSON object a line, with the fields of GET /api/latest; has every bit
    Jsonl,
    /// The tables hosts and metrics for `sqlite3 new.db < FILE`
    Sql,
}

/// What to export, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How rows are written
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Only rows of this host (repeatable) [default: all]
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Only rows of this metric, whatever their tags (repeatable) [default: all]
    #[arg(long = "metric", value_name = "NAME")]
    metrics: Vec<String>,
    /// First instant, included: Unix seconds, 2026-02-06, 2026-02-06T12:30:00Z or now-24h [default: the oldest]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Moment>,
    /// Last instant, excluded, written alike [default: the newest]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Moment>,
    /// Write to this file, which is there only once it is whole [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace FILE where it is there already
    #[arg(long, requires = "output")]
    force: bool,
}

impl Options {
    fn selection(&self) -> anyhow::Result<Selection> {
        let now = clock::now();
        let at = |moment: Option<Moment>| moment.map(|moment| moment.at(now));
        let from = at(self.from).unwrap_or(Timestamp::from_millis(i64::MIN));
        let until = at(self.to).unwrap_or(Timestamp::from_millis(i64::MAX));
        ensure!(from < until, "--from is not before --to: nothing lies between {from} and {until}");
        let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<String>>();
        Ok(Selection { hosts: set(&self.hosts), metrics: set(&self.metrics), from, until })
    }
}

/// One way to write rows.
trait Form {
    /// What stands before all rows.
    fn begin(&mut self, out: &mut Vec<u8>, export: &Export, now: Timestamp) -> io::Result<()>;

    /// What all rows of a series have between their time and their value.
    fn middle(&self, host: &str, series: &Series) -> io::Result<Vec<u8>>;

    /// One row; `at` is in Unix seconds.
    fn row(&mut self, out: &mut Vec<u8>, at: &[u8], middle: &[u8], value: f64) -> io::Result<()>;

    /// What stands behind all rows.
    fn finish(&mut self, out: &mut Vec<u8>, rows: u64) -> io::Result<()>;
}

/// Exports what `options` say.
pub(crate) fn run(settings: &Settings, options: Options) -> anyhow::Result<()> {
    let (path, own) = (settings.database()?, OwnFiles::of(settings));
    let offline_after = settings.offline_after();
    let stopped = Arc::new(AtomicBool::new(false));
    let has_file = options.output.is_some();
    let work = {
        let stopped = stopped.clone();
        move || write(&path, offline_after, &options, &own, &stopped)
    };
    // A signal is to leave no piece of a file. Without one there is nothing to tidy up, and the signal ends us at once,
    // also where whoever reads our output has stopped to.
    if has_file { process::stoppable(&stopped, work) } else { work() }
}

/// The error with what can be done.
fn explained(error: ExportError) -> anyhow::Error {
    match error {
        ExportError::UnknownHost(_) => unknown(error, "SELECT hostname FROM hosts"),
        ExportError::UnknownMetric(_) => unknown(error, "SELECT DISTINCT metric_type FROM metrics"),
        _ => error.into(),
    }
}

fn write(
    path: &Path,
    offline_after: Duration,
    options: &Options,
    own: &OwnFiles,
    stopped: &AtomicBool,
) -> anyhow::Result<()> {
    let mut export = Export::open(path, options.selection()?, offline_after).map_err(explained)?;
    let mut out = Output::open(options.output.as_deref(), options.force, own)?;
    let mut form: Box<dyn Form> = match options.format {
        Format::Csv => Box::new(csv::Csv),
        Format::Jsonl => Box::new(jsonl::Jsonl),
        Format::Sql => Box::new(dump::Dump::default()),
    };
    let mut progress = Progress::new(&out, export.hosts().len());
    let mut buffer = Vec::with_capacity(2 * BUFFER_BYTES);
    form.begin(&mut buffer, &export, clock::now())?;
    loop {
        let hosts_left = export.hosts_left();
        let Some(rows) = export.read()? else { break };
        let count = put(form.as_mut(), rows, &mut buffer, &mut out)?;
        progress.add(count, hosts_left);
        if stopped.load(Ordering::Relaxed) {
            bail!("stopped by a signal; nothing is left of the file");
        }
    }
    form.finish(&mut buffer, progress.rows())?;
    out.write_all(&buffer)?;
    out.finish()?;
    progress.finish();
    tell_damage(&export.scanned())
}

/// Writes rows, and returns how many.
fn put(form: &mut dyn Form, rows: Rows<'_>, buffer: &mut Vec<u8>, out: &mut Output) -> anyhow::Result<u64> {
    let middles = rows.series().map(|series| form.middle(rows.host(), series));
    let middles: Vec<Vec<u8>> = middles.collect::<io::Result<_>>()?;
    let (mut at, mut last) = (Vec::new(), None);
    let samples = rows.samples();
    let count = samples.len() as u64;
    for (time, series, value) in samples {
        if last != Some(time) {
            last = Some(time);
            at.clear();
            write!(at, "{time}")?;
        }
        let middle = middles.get(series).context("a row of no series")?;
        form.row(buffer, &at, middle, value)?;
        if buffer.len() >= BUFFER_BYTES {
            out.write_all(buffer)?;
            buffer.clear();
        }
    }
    Ok(count)
}

/// A value as JSON, CSV and SQL have it, with every bit: whole ones without a fraction, as the API gives them.
fn put_value(out: &mut Vec<u8>, value: f64) -> io::Result<()> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "bounded by EXACT")]
    let whole = value as i64;
    if value.abs() < EXACT && (whole as f64).to_bits() == value.to_bits() {
        return write!(out, "{whole}");
    }
    Ok(serde_json::to_writer(out, &value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_every_bit() {
        let check = |value: f64, expected: &str| {
            let mut out = Vec::new();
            put_value(&mut out, value).expect("memory takes it");
            let text = String::from_utf8(out).expect("ASCII");
            assert_eq!(text, expected);
            assert_eq!(text.parse::<f64>().expect("a number").to_bits(), value.to_bits(), "{text}");
        };
        check(34.5, "34.5");
        check(-3.0, "-3");
        check(0.0, "0");
        check(-0.0, "-0.0");
        check(0.1 + 0.2, "0.30000000000000004");
        check(8_589_934_592.0, "8589934592");
        check(9_007_199_254_740_992.0, "9007199254740992.0");
        check(f64::MAX, "1.7976931348623157e+308");
        check(5e-324, "5e-324");
    }
}
