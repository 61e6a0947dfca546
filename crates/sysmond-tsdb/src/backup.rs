//! A copy of a store's file as it is at one moment, while the store writes to it or while nobody does.

use crate::copy::{self, CopyError, Form, PAGES_A_STEP};
use crate::file::{beside, refuse_newer};
use crate::sql::connect;
use crate::{Copied, OpenError, Step, schema};
use rusqlite::Connection;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use thiserror::Error;

/// Why there is no copy.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The store's file cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Somebody asked it to stop.
    #[error("the backup was stopped")]
    Stopped,
    /// The disk of the copy is full.
    #[error("no space left for the copy {path}")]
    NoSpace {
        /// The copy.
        path: PathBuf,
    },
    /// The copy, and so the store's file, is damaged.
    #[error("the copy of {path} is damaged, and so is the database: {word}")]
    Damaged {
        /// The store's file.
        path: PathBuf,
        /// SQLite's word on it.
        word: String,
    },
    /// SQLite failed.
    #[error("cannot copy {path} to {copy}")]
    Sqlite {
        /// The store's file.
        path: PathBuf,
        /// The copy.
        copy: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// The copy cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// The copy.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Copies the store's file `source`, with what is only in SQLite's own log, into the empty file `target`, has it on
/// disk, and reads it for damage: its structure, and the checksum of each block and each row of the log. What is
/// acknowledged before the call is in it. `told` is called between the steps; where `stopped` becomes true it ends
/// soon, with [`BackupError::Stopped`].
pub fn backup(
    source: &Path,
    target: &Path,
    stopped: &Arc<AtomicBool>,
    told: impl FnMut(Step),
) -> Result<Copied, BackupError> {
    by_steps(PAGES_A_STEP, source, target, stopped, told)
}

/// [`backup`] with so many pages a step.
pub(crate) fn by_steps(
    pages: i32,
    source: &Path,
    target: &Path,
    stopped: &Arc<AtomicBool>,
    mut told: impl FnMut(Step),
) -> Result<Copied, BackupError> {
    let conn = open(source)?;
    let copied = copy::by_steps(pages, &conn, (target, Form::Alone), stopped, &mut told);
    copied.map_err(|error| match error {
        CopyError::Stopped => BackupError::Stopped,
        CopyError::NoSpace => BackupError::NoSpace { path: target.into() },
        CopyError::Damaged(word) => BackupError::Damaged { path: source.into(), word },
        CopyError::Sqlite(error) => {
            BackupError::Sqlite { path: source.into(), copy: target.into(), source: error }
        }
        CopyError::Io(error) => BackupError::Io { path: target.into(), source: error },
    })
}

/// Opens a store's file of this or an older version.
pub(crate) fn open(path: &Path) -> Result<Connection, OpenError> {
    let sqlite = |source| OpenError::Sqlite { path: path.display().to_string(), source };
    let conn = connect(path).map_err(sqlite)?;
    let is_ours = schema::version(&conn).map_err(sqlite)? > 0;
    if !is_ours || schema::is_foreign(&conn).map_err(sqlite)? {
        return Err(OpenError::Foreign { path: path.display().to_string() });
    }
    refuse_newer(&conn, path)?;
    Ok(conn)
}

/// Bytes that a copy of the store's file takes at most: the file and SQLite's own log.
pub fn backup_bytes(source: &Path) -> u64 {
    let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |meta| meta.len());
    size(source.into()) + size(beside(source, "-wal"))
}
