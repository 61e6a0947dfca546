//! What can go wrong, by operation.

use crate::Keeper;
use rusqlite::{ErrorCode, ffi};
use std::path::Path;
use thiserror::Error;

/// Why a store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// SQLite refused.
    #[error("cannot open the store {path}")]
    Sqlite {
        /// The file.
        path: String,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// The file is new, or of an older version, or SQLite's own files are missing, and there is no room for them.
    #[error(
        "there is no room to open the store {path}: make some on its file system, or choose another folder with --data-dir"
    )]
    NoSpace {
        /// The file.
        path: String,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// The file or its folder cannot be used.
    #[error("cannot use {path}")]
    Io {
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another process has the store open.
    #[error(
        "{path} is in use by another sysmond: stop that one first, or choose another folder with --data-dir"
    )]
    InUse {
        /// The file.
        path: String,
    },
    /// The file is a SQLite database, but another program's.
    #[error("{path} is a database of another program: move it away or choose another folder")]
    Foreign {
        /// The file.
        path: String,
    },
    /// The file is a store's, but of the other part of sysmon.
    #[error(
        "{path} is {found} database: put the right one there with `sysmond restore`, or choose another folder with --data-dir"
    )]
    OfAnother {
        /// The file.
        path: String,
        /// Whose it is.
        found: Keeper,
    },
    /// The file is missing, and half of what was to take its place is there.
    #[error(
        "{path} is not there, and a restore did not end: run `sysmond restore` again, or begin with nothing by removing {path}.restoring"
    )]
    HalfRestored {
        /// The file.
        path: String,
    },
    /// The byte budget is less than what a store needs.
    #[error("a budget of {given} bytes is too small for the store {path}: it needs at least {least}")]
    BudgetTooSmall {
        /// The file.
        path: String,
        /// What was set.
        given: u64,
        /// What is needed at least, bytes.
        least: u64,
    },
    /// A newer program wrote the file.
    #[error("{path} has schema version {found}, this program knows up to {known}: use the newer program")]
    TooNew {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// The newest known version.
        known: i64,
    },
}

impl OpenError {
    /// What SQLite says of the file at `path`.
    pub(crate) fn of_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.display().to_string();
        let is_full = source.sqlite_error().is_some_and(|error| {
            error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
        });
        if is_full { Self::NoSpace { path, source } } else { Self::Sqlite { path, source } }
    }
}

/// Why an append was not taken or did not become durable. Nothing of it is stored.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AppendError {
    /// Too much waits already: try again in a moment.
    #[error("the store's queue is full")]
    QueueFull,
    /// The disk is full, or the byte budget of the file system's reserve is reached.
    #[error("no space left for the store")]
    NoSpace,
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
    /// The host's name is new and there are [`MAX_HOSTS`](sysmond_model::limits::MAX_HOSTS) already.
    #[error("too many hosts")]
    TooManyHosts,
    /// SQLite failed, with its words.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Why a host was not forgotten.
#[derive(Debug, Error)]
pub enum ForgetError {
    /// There is no host of that name.
    #[error("unknown host `{0}`")]
    Unknown(String),
    /// The server that has the file is of another version.
    #[error("the server that runs is of another version: use its program")]
    OtherVersion,
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] QueryError),
    /// SQLite failed, beside a server that runs.
    #[error("cannot write to the store")]
    Sqlite(#[from] rusqlite::Error),
}

/// Why a question was not answered.
#[derive(Debug, Error)]
pub enum QueryError {
    /// No such host.
    #[error("unknown host `{0}`")]
    UnknownHost(String),
    /// More series or points than one answer holds.
    #[error("the answer would be too large: {0}")]
    TooLarge(String),
    /// There is nothing in it but white space and comments.
    #[error("the statement is empty: write a SELECT")]
    NoStatement,
    /// It is wrong, or would change something: SQLite's words.
    #[error("{0}")]
    Statement(String),
    /// It took more memory than [`limit_memory`](crate::sql::limit_memory) allows.
    #[error("the query was stopped at its limit of memory")]
    OutOfMemory,
    /// It took too long and was stopped.
    #[error("the query was stopped at its time limit")]
    TimedOut,
    /// SQLite failed, with its words: the file above all.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}
