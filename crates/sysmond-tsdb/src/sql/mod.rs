//! Read-only SQL over `hosts` and `metrics` as the documentation draws them.
//!
//! Works on the file, whether a store has it open or not, and sees every acknowledged sample. Statements cannot write,
//! attach other files or load code, and are stopped at a time limit.

mod metrics;
mod snapshot;
mod tables;

use crate::file::{beside, open_reader, refuse_newer};
use crate::readers::STEPS_PER_LOOK;
use crate::{OpenError, QueryError, schema};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use snapshot::Snapshot;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use sysmond_model::Timestamp;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL's NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(bytes) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }
}

/// A store's file, open for questions.
pub struct Database {
    conn: Connection,
    snapshot: Snapshot,
}

impl Database {
    /// Opens the file at `path`; `offline_after` of silence makes a host's `status` `offline`.
    pub fn open(path: &Path, offline_after: Duration) -> Result<Self, OpenError> {
        let io_error = |source| OpenError::Io { path: path.display().to_string(), source };
        let path = path.canonicalize().map_err(io_error)?;
        let sqlite_error = |source| OpenError::Sqlite { path: path.display().to_string(), source };
        let mut conn = connect(&path).map_err(sqlite_error)?;
        if schema::is_foreign(&conn).map_err(sqlite_error)? {
            return Err(OpenError::Foreign { path: path.display().to_string() });
        }
        refuse_newer(&conn, &path)?;
        if schema::version(&conn).map_err(sqlite_error)? < schema::VERSION {
            return Err(io_error(io::Error::other(
                "an older program wrote it: start sysmond once to bring it up to date",
            )));
        }
        let snapshot = Snapshot::new(connect(&path).map_err(sqlite_error)?);
        tables::offer(&conn, &snapshot, offline_after).map_err(sqlite_error)?;
        conn.pragma_update(None, "query_only", true).map_err(sqlite_error)?;
        conn.authorizer(Some(authorize)).map_err(sqlite_error)?;
        Ok(Self { conn, snapshot })
    }

    /// Runs one statement and hands each row with the column names to `row`; returns the column names, which a result
    /// without rows has too. `current_timestamp` is `now` in Unix seconds. The statement is stopped after `time_limit`.
    pub fn query<E: From<QueryError>>(
        &mut self,
        sql: &str,
        now: Timestamp,
        time_limit: Duration,
        row: impl FnMut(&[String], &[Value]) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let sqlite = |error: rusqlite::Error| E::from(query_error(error));
        self.snapshot.take(time_limit).map_err(sqlite)?;
        let answer = self.run(sql, now, time_limit, row);
        self.snapshot.release().map_err(sqlite)?;
        answer
    }

    fn run<E: From<QueryError>>(
        &mut self,
        sql: &str,
        now: Timestamp,
        time_limit: Duration,
        mut row: impl FnMut(&[String], &[Value]) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let sqlite = |error: rusqlite::Error| E::from(query_error(error));
        let deadline = Instant::now() + time_limit;
        tables::set_now(&self.conn, now).map_err(sqlite)?;
        self.conn
            .progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() > deadline))
            .map_err(sqlite)?;
        let mut statement = self.conn.prepare(sql).map_err(sqlite)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).map_err(sqlite)?;
        let mut values = Vec::with_capacity(columns.len());
        while let Some(found) = rows.next().map_err(sqlite)? {
            values.clear();
            for column in 0..columns.len() {
                values.push(Value::from(found.get_ref(column).map_err(sqlite)?));
            }
            row(&columns, &values)?;
        }
        Ok(columns)
    }
}

fn query_error(error: rusqlite::Error) -> QueryError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => QueryError::TimedOut,
        _ => QueryError::Sqlite(error),
    }
}

/// A reading connection; where the folder cannot be written and no log is left, one that takes the file as it is.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let conn = open_reader(path)?;
    match schema::version(&conn) {
        Err(error)
            if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && !beside(path, "-wal").exists() =>
        {
            let escaped =
                path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            Connection::open_with_flags(
                format!("file:{escaped}?immutable=1"),
                OpenFlags::SQLITE_OPEN_READ_ONLY
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX
                    | OpenFlags::SQLITE_OPEN_URI,
            )
        }
        _ => Ok(conn),
    }
}

/// Pragmas that only tell.
const HARMLESS_PRAGMAS: [&str; 6] =
    ["table_info", "table_xinfo", "table_list", "index_list", "index_info", "compile_options"];

fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if function_name != "load_extension" => Authorization::Allow,
        AuthAction::Pragma { pragma_name, .. } if HARMLESS_PRAGMAS.contains(&pragma_name) => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

#[cfg(test)]
mod tests;
