//! `sysmond sql`: one statement over the aggregator's database, printed as a table, JSON or CSV.

use std::path::Path;
use std::time::Duration;

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

/// Runs `statement` and prints what it answers.
pub(crate) fn run(data_dir: &Path, statement: &str, format: Format, limit: Duration) -> anyhow::Result<()> {
    anyhow::bail!(
        "{statement:?} on {} as {format:?} within {limit:?}: the store has no SQL yet",
        data_dir.display()
    )
}
