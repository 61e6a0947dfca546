//! Read-only SQL over `hosts`, `metrics` and `processes` as the documentation draws them.
//!
//! Works on the file, whether a store has it open or not, and sees every acknowledged sample. Statements cannot write,
//! attach other files or load code, and are stopped at a time limit.

mod conditions;
mod metrics;
mod processes;
mod tables;

use crate::budget::Budget;
use crate::file::{open_reader, refuse_newer, wal_bytes};
use crate::readers::STEPS_PER_LOOK;
use crate::snapshot::Snapshot;
use crate::{OpenError, QueryError, Scanned, meta, schema};
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, ErrorCode, OpenFlags, Statement};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use sysmond_model::Timestamp;

/// The longest text or blob that a statement may make, bytes.
const MAX_VALUE_BYTES: i32 = 16 * 1024 * 1024;

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

/// A piece of what statements answer, with the names of the statement's columns.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// A row.
    Row(&'a [String], &'a [Value]),
    /// The end of a statement's answer, also of one without rows.
    End(&'a [String]),
}

/// A store's file, open for questions.
pub struct Database {
    conn: Connection,
    snapshot: Snapshot,
}

impl Database {
    /// Opens the file at `path`. A host's `status` is what the server says that has the file or had it last;
    /// `offline_after` is the silence that makes it `offline` where no server ever wrote down its own.
    pub fn open(path: &Path, offline_after: Duration) -> Result<Self, OpenError> {
        let sqlite_error = |source| OpenError::Sqlite { path: path.display().to_string(), source };
        let mut conn = open_store(path)?;
        let offline_after = meta::offline_after(&conn).map_err(sqlite_error)?.unwrap_or(offline_after);
        let snapshot = Snapshot::new(open_store(path)?);
        // Before there are temporary views, which a change of it removes.
        conn.pragma_update(None, "temp_store", "MEMORY").map_err(sqlite_error)?;
        tables::offer(&conn, &snapshot, offline_after).map_err(sqlite_error)?;
        restrict(&mut conn).map_err(sqlite_error)?;
        Ok(Self { conn, snapshot })
    }

    /// What was read to answer all that was asked.
    pub fn scanned(&self) -> Scanned {
        self.snapshot.lock().scanned()
    }

    /// [`query_each`](Self::query_each) of one statement: hands each row with the column names to `row` and returns the
    /// column names, which a result without rows has too; of several statements those of the last.
    pub fn query<E: From<QueryError>>(
        &mut self,
        sql: &str,
        now: Timestamp,
        time_limit: Duration,
        mut row: impl FnMut(&[String], &[Value]) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let mut last = Vec::new();
        self.query_each(sql, now, time_limit, |answer| match answer {
            Answer::Row(columns, values) => row(columns, values),
            Answer::End(columns) => {
                last = columns.to_vec();
                Ok(())
            }
        })?;
        Ok(last)
    }

    /// Runs statements one after the other, all over the same moment of the store, and hands what they answer to
    /// `told`. `current_timestamp` is `now` in Unix seconds. They are stopped after `time_limit`, all of them together
    /// and the time that `told` takes included: a long reader keeps the write-ahead log from shrinking.
    pub fn query_each<E: From<QueryError>>(
        &mut self,
        sql: &str,
        now: Timestamp,
        time_limit: Duration,
        told: impl FnMut(Answer<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let deadline = Instant::now() + time_limit;
        let taken = self.snapshot.lock().take(Some(deadline));
        let answer = match taken {
            Ok(()) => self.run(sql, now, deadline, told),
            Err(error) => Err(E::from(query_error(error))),
        };
        self.snapshot.lock().release().map_err(|error| E::from(query_error(error)))?;
        answer
    }

    fn run<E: From<QueryError>>(
        &mut self,
        sql: &str,
        now: Timestamp,
        deadline: Instant,
        mut told: impl FnMut(Answer<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sqlite = |error: rusqlite::Error| E::from(query_error(error));
        tables::set_now(&self.conn, now).map_err(sqlite)?;
        self.conn
            .progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() > deadline))
            .map_err(sqlite)?;
        // Steps over white space and comments, of which SQLite makes no statement.
        let mut statements = Batch::new(&self.conn, sql);
        let mut is_empty = true;
        while let Some(mut statement) = statements.next().map_err(|error| E::from(unprepared(error)))? {
            is_empty = false;
            answer(&mut statement, &mut told)?;
        }
        if is_empty { Err(E::from(QueryError::NoStatement)) } else { Ok(()) }
    }
}

/// What one statement answers.
fn answer<E: From<QueryError>>(
    statement: &mut Statement<'_>,
    told: &mut impl FnMut(Answer<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let sqlite = |error: rusqlite::Error| E::from(query_error(error));
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).map_err(sqlite)?;
    let mut values = Vec::with_capacity(columns.len());
    while let Some(found) = rows.next().map_err(sqlite)? {
        values.clear();
        for column in 0..columns.len() {
            values.push(Value::from(found.get_ref(column).map_err(sqlite)?));
        }
        told(Answer::Row(&columns, &values))?;
    }
    told(Answer::End(&columns))
}

/// Bounds what SQLite keeps in memory in this whole process; a statement that sorts or collects more fails. Nothing is
/// sorted in temporary files: a question is not to fill a disk.
pub fn limit_memory(bytes: u64) -> Result<(), QueryError> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    let conn = Connection::open_in_memory()?;
    Ok(conn.pragma_update_and_check(None, "hard_heap_limit", bytes, |_| Ok(()))?)
}

pub(crate) fn query_error(error: rusqlite::Error) -> QueryError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => QueryError::TimedOut,
        Some(ErrorCode::OutOfMemory) => QueryError::OutOfMemory,
        Some(ErrorCode::TooBig) => QueryError::TooLarge(format!("a value beyond {MAX_VALUE_BYTES} bytes")),
        _ => QueryError::Sqlite(error),
    }
}

/// What SQLite says of a statement that it cannot make sense of.
fn unprepared(error: rusqlite::Error) -> QueryError {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => QueryError::Statement(msg),
        rusqlite::Error::SqliteFailure(code, Some(msg)) if code.code == ErrorCode::Unknown => {
            QueryError::Statement(msg)
        }
        error => query_error(error),
    }
}

/// Opens a store's file of this version for reading, whether a store has it open or not.
pub(crate) fn open_store(path: &Path) -> Result<Connection, OpenError> {
    let io_error = |source| OpenError::Io { path: path.display().to_string(), source };
    let path = path.canonicalize().map_err(io_error)?;
    let sqlite_error = |source| OpenError::Sqlite { path: path.display().to_string(), source };
    let conn = connect(&path).map_err(sqlite_error)?;
    if schema::is_foreign(&conn).map_err(sqlite_error)? {
        return Err(OpenError::Foreign { path: path.display().to_string() });
    }
    refuse_newer(&conn, &path)?;
    if schema::version(&conn).map_err(sqlite_error)? < schema::VERSION {
        return Err(io_error(io::Error::other(
            "an older program wrote it: start sysmond once to bring it up to date",
        )));
    }
    Ok(conn)
}

/// Leaves a connection nothing but to ask.
fn restrict(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "query_only", true)?;
    conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)?;
    conn.authorizer(Some(authorize))
}

/// A reading connection; where the folder cannot be written and no log is left, one that takes the file as it is.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // SQLite wants to make its own log: a folder that is not ours and a medium that takes nothing fail differently.
    let in_the_way = |error: &rusqlite::Error| {
        matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
    };
    let opened = open_reader(path, Budget(u64::MAX));
    match opened.and_then(|conn| schema::version(&conn).map(|_| conn)) {
        Err(error) if in_the_way(&error) && wal_bytes(path) == 0 => connect_immutable(path),
        opened => opened,
    }
}

/// A connection to a file that nobody writes to.
pub(crate) fn connect_immutable(path: &Path) -> rusqlite::Result<Connection> {
    let escaped = path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Connection::open_with_flags(
        format!("file:{escaped}?immutable=1"),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI,
    )
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
