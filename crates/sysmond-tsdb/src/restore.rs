//! A backup put in the place of a store's file. Nothing changes unless all of it is there; and at every moment there is
//! a whole database in the place, the old one or the new one.

use crate::copy::{self, CopyError, Form, PAGES_A_STEP};
use crate::file::{self, LOCK, RESTORING, beside};
use crate::sql::{connect, connect_immutable};
use crate::{Copied, Keeper, OpenError, Pieces, Step, backup, meta, schema};
use rusqlite::{Connection, ErrorCode};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use sysmond_model::Timestamp;
use thiserror::Error;

/// Why nothing was put back, and the place is as it was.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The place cannot be used, or a newer program wrote the backup.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Somebody asked it to stop.
    #[error("the restore was stopped: the database is as it was")]
    Stopped,
    /// The disk is full.
    #[error("no space left for {path}: make room; the database is as it was")]
    NoSpace {
        /// What could not be written.
        path: PathBuf,
    },
    /// The file is no database of sysmon's.
    #[error("{path} is no database of sysmon's: name what `sysmond backup` wrote; nothing was changed")]
    NoBackup {
        /// The file.
        path: PathBuf,
    },
    /// The backup is the other part's.
    #[error("{path} is {found} database: `sysmond restore {path} {}` puts it in its place", found.name())]
    OfAnother {
        /// The backup.
        path: PathBuf,
        /// Whose it is.
        found: Keeper,
    },
    /// The backup cannot be read as a database.
    #[error("the backup {path} is damaged: take an older one; nothing was changed ({word})")]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// SQLite's word on it.
        word: String,
    },
    /// Some of what lies in the backup is not what was written.
    #[error(
        "damage hit {pieces} of the backup {path}: take an older one, or put it back without those samples with --force; nothing was changed"
    )]
    Pieces {
        /// The backup.
        path: PathBuf,
        /// How many.
        pieces: Pieces,
    },
    /// SQLite failed.
    #[error("cannot copy {copy} to {path}; the database is as it was")]
    Sqlite {
        /// The store's file.
        path: PathBuf,
        /// The backup.
        copy: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// A file cannot be made, written or named.
    #[error("cannot write {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// How a backup is put back.
#[derive(Clone, Copy, Debug)]
pub struct Restoring {
    /// Whose the place is.
    pub keeper: Keeper,
    /// Also a backup of which some pieces are damaged.
    pub even_damaged: bool,
    /// The time that the old database is named after.
    pub now: Timestamp,
}

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The database that is there now.
    pub copied: Copied,
    /// Where the store's file that was there before is kept.
    pub kept: Option<PathBuf>,
}

/// Puts the backup `copy` in the place of the store's file `path`, which nobody may have open, and keeps the file that
/// was there. The backup is read for damage first.
pub fn restore(
    copy: &Path,
    path: &Path,
    how: Restoring,
    stopped: &Arc<AtomicBool>,
    mut told: impl FnMut(Step),
) -> Result<Restored, RestoreError> {
    let source = open(copy, how.keeper)?;
    let path = file::real_path(path)?;
    let lock_path = beside(&path, LOCK);
    let had_lock = lock_path.try_exists().map_err(io_at(&lock_path))?;
    let lock = file::lock(&path)?;
    let outcome = put(copy, source, &path, how, stopped, &mut told);
    if outcome.is_err() {
        // The first error is the one to be told; what cannot be removed either is in nobody's way.
        file::remove(&beside(&path, RESTORING)).ok();
        if !had_lock && !path.exists() {
            file::remove(&lock_path).ok();
        }
    }
    drop(lock);
    outcome
}

fn put(
    copy: &Path,
    source: Connection,
    path: &Path,
    how: Restoring,
    stopped: &Arc<AtomicBool>,
    told: &mut dyn FnMut(Step),
) -> Result<Restored, RestoreError> {
    let was_there = is_there(path).map_err(io_at(path))?;
    let fresh = beside(path, RESTORING);
    // One that was killed leaves its own.
    file::remove(&fresh).and_then(|()| file::private_file(&fresh)).map_err(io_at(&fresh))?;
    let copied = copy::by_steps(PAGES_A_STEP, &source, (&fresh, Form::WithLog), stopped, told);
    let copied = copied.map_err(|error| of_copy(error, copy, &fresh))?;
    drop(source);
    if copied.damaged > 0 && !how.even_damaged {
        return Err(RestoreError::Pieces { path: copy.into(), pieces: Pieces(copied.damaged) });
    }
    let mut kept = None;
    if was_there {
        // Where the old one is damaged its log cannot be brought into it, and is kept beside it.
        merge_log(path).ok();
        kept = Some(file::keep_aside(path, "before-restore", how.now).map_err(io_at(path))?);
    }
    std::fs::rename(&fresh, path).map_err(io_at(&fresh))?;
    let folder = file::folder_of(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_at(folder))?;
    Ok(Restored { copied, kept })
}

/// Opens a backup of `keeper`'s, and leaves nothing beside it.
fn open(copy: &Path, keeper: Keeper) -> Result<Connection, RestoreError> {
    let unreadable = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => RestoreError::NoBackup { path: copy.into() },
        _ if file::is_damage(&error) => {
            RestoreError::Damaged { path: copy.into(), word: copy::words(&error) }
        }
        _ => OpenError::Sqlite { path: copy.display().to_string(), source: error }.into(),
    };
    // SQLite would make its own log beside a file that says that it has one, and its folder may not be ours to write.
    // Only what a store may have open is read with it.
    let is_alone = file::wal_bytes(copy) == 0 && !beside(copy, LOCK).exists();
    let conn = if is_alone { connect_immutable(copy) } else { connect(copy) }.map_err(unreadable)?;
    let is_ours = schema::version(&conn).map_err(unreadable)? > 0;
    if !is_ours || schema::is_foreign(&conn).map_err(unreadable)? {
        return Err(RestoreError::NoBackup { path: copy.into() });
    }
    file::refuse_newer(&conn, copy)?;
    match meta::keeper(&conn).map_err(unreadable)? {
        Some(found) if found != keeper => Err(RestoreError::OfAnother { path: copy.into(), found }),
        _ => Ok(conn),
    }
}

/// Whether there is a file to be kept; what has the name and is no plain file is refused.
fn is_there(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(true),
        Ok(_) => Err(io::Error::other("it is there already and is no plain file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Brings SQLite's own log into the file, so that the file alone is the whole database.
fn merge_log(path: &Path) -> rusqlite::Result<()> {
    // Of a file that lost all its bytes SQLite would throw the log away.
    if file::wal_bytes(path) == 0 || std::fs::metadata(path).is_ok_and(|meta| meta.len() == 0) {
        return Ok(());
    }
    // Where the file alone is no database SQLite may take the log for worthless, and remove it.
    schema::is_foreign(&connect_immutable(path)?)?;
    let conn = file::open_beside(path)?;
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    conn.close().map_err(|(_, error)| error)
}

fn of_copy(error: CopyError, copy: &Path, fresh: &Path) -> RestoreError {
    match error {
        CopyError::Stopped => RestoreError::Stopped,
        CopyError::NoSpace => RestoreError::NoSpace { path: fresh.into() },
        CopyError::Damaged(word) => RestoreError::Damaged { path: copy.into(), word },
        CopyError::Sqlite(source) => RestoreError::Sqlite { path: fresh.into(), copy: copy.into(), source },
        CopyError::Io(source) => RestoreError::Io { path: fresh.into(), source },
    }
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> RestoreError {
    let path = path.to_path_buf();
    move |source| RestoreError::Io { path: path.clone(), source }
}

/// Forgets up to where the store's file `path`, which nobody may have open, was delivered: its reader begins anew.
/// Returns how many places were forgotten.
pub fn forget_cursors(path: &Path) -> Result<usize, OpenError> {
    let path = file::prepare(path)?;
    let _lock = file::lock(&path)?;
    backup::open(&path)?;
    let sqlite = |source| OpenError::Sqlite { path: path.display().to_string(), source };
    let conn = file::open_beside(&path).map_err(sqlite)?;
    conn.execute("DELETE FROM cursor", []).map_err(sqlite)
}
