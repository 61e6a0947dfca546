//! A copy of a store's file as it is at one moment, while the store writes to it or while nobody does.
//!
//! SQLite's backup interface, within one read transaction: without it each commit of the writer makes the copy begin
//! anew, and one that takes longer than the time between two commits never ends. As long as the copy takes, SQLite's
//! own log grows by what is written meanwhile; then it is emptied as ever.

use crate::file::{self, beside, refuse_newer};
use crate::sql::{connect, connect_immutable};
use crate::writer::PAGE_BYTES;
use crate::{OpenError, schema};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use sysmond_model::Timestamp;
use thiserror::Error;

/// Pages of a step, 8 MiB: each is brought to the disk before the next, so that a commit of the writer never waits for
/// more than this of the copy.
const PAGES_A_STEP: i32 = 2048;
/// Steps of SQLite's machine between two looks whether the check of a copy is to stop.
const STEPS_A_LOOK: i32 = 10_000;

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

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes of so many are in the copy.
    Copied {
        /// In the copy.
        bytes: u64,
        /// Of the whole file.
        of: u64,
    },
    /// All are, and the copy is being read for damage.
    Checking,
}

/// Copies the store's file `source`, with what is only in SQLite's own log, into the empty file `target`, has it on
/// disk, and reads it for damage. Returns its bytes. What is acknowledged before the call is in it. `told` is called
/// between the steps; where `stopped` becomes true it ends soon, with [`BackupError::Stopped`].
pub fn backup(
    source: &Path,
    target: &Path,
    stopped: &Arc<AtomicBool>,
    told: impl FnMut(Step),
) -> Result<u64, BackupError> {
    by_steps(PAGES_A_STEP, source, target, stopped, told)
}

/// [`backup`] with so many pages a step.
pub(crate) fn by_steps(
    pages: i32,
    source: &Path,
    target: &Path,
    stopped: &Arc<AtomicBool>,
    mut told: impl FnMut(Step),
) -> Result<u64, BackupError> {
    let conn = open(source)?;
    let failed = |error| sqlite_error(source, target, error);
    let bytes = copy(pages, &conn, target, stopped, &mut told, &failed)?;
    told(Step::Checking);
    let word = check(target, stopped).map_err(failed)?;
    if word != "ok" {
        return Err(BackupError::Damaged { path: source.into(), word });
    }
    Ok(bytes)
}

/// Opens a store's file of this or an older version.
fn open(path: &Path) -> Result<Connection, OpenError> {
    let sqlite = |source| OpenError::Sqlite { path: path.display().to_string(), source };
    let conn = connect(path).map_err(sqlite)?;
    let is_ours = schema::version(&conn).map_err(sqlite)? > 0;
    if !is_ours || schema::is_foreign(&conn).map_err(sqlite)? {
        return Err(OpenError::Foreign { path: path.display().to_string() });
    }
    refuse_newer(&conn, path)?;
    Ok(conn)
}

fn copy(
    pages: i32,
    source: &Connection,
    target: &Path,
    stopped: &AtomicBool,
    told: &mut impl FnMut(Step),
    failed: &impl Fn(rusqlite::Error) -> BackupError,
) -> Result<u64, BackupError> {
    let io_error = |source| BackupError::Io { path: target.into(), source };
    let file = File::options().write(true).open(target).map_err(io_error)?;
    let mut copy = Connection::open_with_flags(
        target,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )
    .map_err(failed)?;
    // A copy that is not finished is thrown away, so that it needs no journal; it is synced here.
    copy.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(())).map_err(failed)?;
    copy.pragma_update(None, "synchronous", "OFF").map_err(failed)?;
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").map_err(failed)?;
    let backup = Backup::new(source, &mut copy).map_err(failed)?;
    loop {
        if stopped.load(Ordering::Relaxed) {
            return Err(BackupError::Stopped);
        }
        let step = backup.step(pages).map_err(failed)?;
        file.sync_data().map_err(io_error)?;
        let progress = backup.progress();
        let bytes = |pages: i32| u64::from(pages.unsigned_abs()) * PAGE_BYTES;
        let of = bytes(progress.pagecount);
        told(Step::Copied { bytes: of - bytes(progress.remaining).min(of), of });
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            // Nobody else knows the copy, and a reader in WAL mode waits for nobody.
            _ => return Err(failed(schema::failed("somebody else has the copy open"))),
        }
    }
    drop(backup);
    copy.close().map_err(|(_, error)| failed(error))?;
    file.sync_all().map_err(io_error)?;
    Ok(file.metadata().map_err(io_error)?.len())
}

/// SQLite's word on the structure of the copy: `ok`, or what is wrong.
fn check(target: &Path, stopped: &Arc<AtomicBool>) -> rusqlite::Result<String> {
    let mut conn = connect_immutable(target)?;
    let stopped = stopped.clone();
    conn.progress_handler(STEPS_A_LOOK, Some(move || stopped.load(Ordering::Relaxed)))?;
    conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
}

fn sqlite_error(source: &Path, target: &Path, error: rusqlite::Error) -> BackupError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => BackupError::Stopped,
        Some(ErrorCode::DiskFull) => BackupError::NoSpace { path: target.into() },
        _ => BackupError::Sqlite { path: source.into(), copy: target.into(), source: error },
    }
}

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Its bytes.
    pub bytes: u64,
    /// Where the store's file that was there before is kept.
    pub kept: Option<PathBuf>,
}

/// Puts the backup `copy` in the place of the store's file `path`, which nobody may have open, and keeps the file that
/// was there. The backup is read for damage first, and nothing changes unless all of it is there.
pub fn restore(
    copy: &Path,
    path: &Path,
    now: Timestamp,
    stopped: &Arc<AtomicBool>,
    told: impl FnMut(Step),
) -> Result<Restored, BackupError> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| BackupError::Io { path, source }
    };
    let was_there = path.exists();
    let path = file::prepare(path)?;
    let _lock = file::lock(&path)?;
    let fresh = beside(&path, ".restoring");
    let made = File::options().write(true).create(true).truncate(true).mode(0o600).open(&fresh);
    drop(made.map_err(at(&fresh))?);
    let bytes = backup(copy, &fresh, stopped, told);
    if bytes.is_err() {
        std::fs::remove_file(&fresh).map_err(at(&fresh))?;
    }
    let bytes = bytes?;
    let kept = file::set_aside(&path, "before-restore", now).map_err(at(&path))?;
    if !was_there {
        std::fs::remove_file(&kept).map_err(at(&kept))?;
    }
    std::fs::rename(&fresh, &path).map_err(at(&fresh))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
    Ok(Restored { bytes, kept: was_there.then_some(kept) })
}

/// Forgets up to where the store's file `path`, which nobody may have open, was delivered: its reader begins anew.
/// Returns how many places were forgotten.
pub fn forget_cursors(path: &Path) -> Result<usize, BackupError> {
    let path = file::prepare(path)?;
    let _lock = file::lock(&path)?;
    open(&path)?;
    let failed = |error| sqlite_error(&path, &path, error);
    let conn = file::open_beside(&path).map_err(failed)?;
    conn.execute("DELETE FROM cursor", []).map_err(failed)
}

/// Bytes that a copy of the store's file takes at most: the file and SQLite's own log.
pub fn backup_bytes(source: &Path) -> u64 {
    let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |meta| meta.len());
    size(source.into()) + size(beside(source, "-wal"))
}
