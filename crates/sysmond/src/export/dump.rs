//! SQL for an empty SQLite database: the two documented tables with their rows.

use super::{Form, put_value};
use std::io::{self, Write};
use sysmond_model::{Host, HostStatus, Series, Timestamp};
use sysmond_tsdb::Export;

/// Rows of one INSERT: a statement is parsed as a whole.
const ROWS_A_STATEMENT: u64 = 500;
/// Rows of one transaction: enough that its sync does not count, few enough for a small cache.
const ROWS_A_TRANSACTION: u64 = 100_000;

const TABLES: &str = "\
CREATE TABLE hosts (
    hostname   TEXT PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    tags       TEXT NOT NULL,
    version    TEXT NOT NULL,
    platform   TEXT NOT NULL,
    status     TEXT NOT NULL
);
CREATE TABLE metrics (
    timestamp   NUMERIC NOT NULL,
    metric_type TEXT NOT NULL,
    host        TEXT NOT NULL REFERENCES hosts (hostname),
    tags        TEXT NOT NULL,
    value       REAL NOT NULL,
    PRIMARY KEY (host, metric_type, tags, timestamp)
) WITHOUT ROWID;
";

/// Made when all rows are there: that is quicker than keeping it as they come.
const INDEX: &str = "CREATE INDEX metrics_by_type ON metrics (metric_type, host, timestamp);\n";

#[derive(Default)]
pub(super) struct Dump {
    rows: u64,
}

impl Form for Dump {
    fn begin(&mut self, out: &mut Vec<u8>, export: &Export, now: Timestamp) -> io::Result<()> {
        writeln!(
            out,
            "-- sysmond export at {now}, Unix seconds. Into a new database: sqlite3 new.db < FILE"
        )?;
        writeln!(out, "PRAGMA foreign_keys = OFF;\nBEGIN;\n{TABLES}COMMIT;\nBEGIN;")?;
        let limit = i64::try_from(export.offline_after().as_millis()).unwrap_or(i64::MAX);
        export.hosts().iter().try_for_each(|host| put_host(out, host, host.status(now, limit)))
    }

    fn middle(&self, host: &str, series: &Series) -> io::Result<Vec<u8>> {
        let [metric_type, host, tags] = [&series.metric_type, host, &series.tags].map(quoted);
        Ok(format!(",{metric_type},{host},{tags},").into_bytes())
    }

    fn row(&mut self, out: &mut Vec<u8>, at: &[u8], middle: &[u8], value: f64) -> io::Result<()> {
        let begin: &[u8] = match self.rows {
            0 => b"INSERT INTO metrics VALUES\n(",
            n if n.is_multiple_of(ROWS_A_TRANSACTION) => b";\nCOMMIT;\nBEGIN;\nINSERT INTO metrics VALUES\n(",
            n if n.is_multiple_of(ROWS_A_STATEMENT) => b";\nINSERT INTO metrics VALUES\n(",
            _ => b",\n(",
        };
        self.rows += 1;
        out.extend(begin);
        out.extend(at);
        out.extend(middle);
        put_value(out, value)?;
        out.extend(b")");
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>, rows: u64) -> io::Result<()> {
        if rows > 0 {
            out.extend(b";\n");
        }
        writeln!(out, "COMMIT;\n{INDEX}-- The end: {rows} rows of metrics.")
    }
}

fn put_host(out: &mut Vec<u8>, host: &Host, status: HostStatus) -> io::Result<()> {
    let Host { info, first_seen, last_seen } = host;
    let [first_seen, last_seen] = [first_seen, last_seen].map(|time| time.as_seconds());
    let tags = serde_json::to_string(&info.tags)?;
    let status = match status {
        HostStatus::Online => "online",
        HostStatus::Offline => "offline",
    };
    let [name, tags, version, platform] =
        [&info.hostname, &tags, &info.version, &info.platform].map(|text| quoted(text));
    writeln!(
        out,
        "INSERT INTO hosts VALUES ({name},{first_seen},{last_seen},{tags},{version},{platform},'{status}');"
    )
}

/// A text of SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
