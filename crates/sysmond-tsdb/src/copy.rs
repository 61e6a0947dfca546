//! The pages of a store's file copied into another file, and the copy read for damage.
//!
//! SQLite's backup interface, within one read transaction: without it each commit of the writer makes the copy begin
//! anew, and one that takes longer than the time between two commits never ends. As long as the copy takes, SQLite's
//! own log grows by what is written meanwhile; then it is emptied as ever.

use crate::sql::connect_immutable;
use crate::writer::PAGE_BYTES;
use crate::{file, schema, sound};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pages of a step, 8 MiB: each is brought to the disk before the next, so that a commit of the writer never waits for
/// more than this of the copy.
pub(crate) const PAGES_A_STEP: i32 = 2048;
/// Steps of SQLite's machine between two looks whether the check of a copy is to stop.
const STEPS_A_LOOK: i32 = 10_000;
/// Where a file of SQLite says whether it has a log of its own: two bytes, for who writes and who reads.
const FORM_AT: u64 = 18;

/// What a copy is for, as SQLite has it in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One file and nothing beside it, that can be read where nothing may be written.
    Alone = 1,
    /// A store's: with a log of its own beside it.
    WithLog = 2,
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

/// A copy that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its bytes.
    pub bytes: u64,
    /// Pieces in it, blocks and rows of the log, that are not what was written: their samples are lost.
    pub damaged: u64,
}

/// A number of damaged pieces, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces(pub u64);

impl fmt::Display for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count) = self;
        if *count == 1 { f.write_str("one piece") } else { write!(f, "{count} pieces") }
    }
}

/// Why there is no copy.
#[derive(Debug)]
pub(crate) enum CopyError {
    Stopped,
    NoSpace,
    /// SQLite's word on what is wrong with the file.
    Damaged(String),
    Sqlite(rusqlite::Error),
    Io(io::Error),
}

impl From<rusqlite::Error> for CopyError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Self::Stopped,
            Some(ErrorCode::DiskFull) => Self::NoSpace,
            _ if file::is_damage(&error) => Self::Damaged(words(&error)),
            _ => Self::Sqlite(error),
        }
    }
}

/// SQLite's words on an error, without its code.
pub(crate) fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(words)) => words.clone(),
        _ => error.to_string(),
    }
}

/// Copies what `source` sees into the empty file `target`, so many pages at a time, has it on disk, and reads it for
/// damage.
pub(crate) fn by_steps(
    pages: i32,
    source: &Connection,
    (target, form): (&Path, Form),
    stopped: &Arc<AtomicBool>,
    told: &mut dyn FnMut(Step),
) -> Result<Copied, CopyError> {
    let file = File::options().write(true).open(target).map_err(CopyError::Io)?;
    all_pages(pages, source, (target, &file), stopped, told)?;
    let form = form as u8;
    file.write_all_at(&[form, form], FORM_AT).and_then(|()| file.sync_all()).map_err(CopyError::Io)?;
    told(Step::Checking);
    let damaged = check(target, stopped)?;
    Ok(Copied { bytes: file.metadata().map_err(CopyError::Io)?.len(), damaged })
}

fn all_pages(
    pages: i32,
    source: &Connection,
    (target, file): (&Path, &File),
    stopped: &AtomicBool,
    told: &mut dyn FnMut(Step),
) -> Result<(), CopyError> {
    let mut copy = Connection::open_with_flags(
        target,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    // A copy that is not finished is thrown away, so that it needs no journal; it is synced here.
    copy.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
    let backup = Backup::new(source, &mut copy)?;
    loop {
        if stopped.load(Ordering::Relaxed) {
            return Err(CopyError::Stopped);
        }
        let step = backup.step(pages)?;
        file.sync_data().map_err(CopyError::Io)?;
        let progress = backup.progress();
        let bytes = |pages: i32| u64::from(pages.unsigned_abs()) * PAGE_BYTES;
        let of = bytes(progress.pagecount);
        told(Step::Copied { bytes: of - bytes(progress.remaining).min(of), of });
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            // Nobody else knows the copy, and a reader in WAL mode waits for nobody.
            _ => return Err(schema::failed("somebody else has the copy open").into()),
        }
    }
    drop(backup);
    Ok(copy.close().map_err(|(_, error)| error)?)
}

/// Looks at the structure of the copy, and counts the pieces in it that are not what was written.
fn check(target: &Path, stopped: &Arc<AtomicBool>) -> Result<u64, CopyError> {
    let mut conn = connect_immutable(target)?;
    let stopped = stopped.clone();
    conn.progress_handler(STEPS_A_LOOK, Some(move || stopped.load(Ordering::Relaxed)))?;
    let word: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if word == "ok" { Ok(sound::damaged(&conn)?) } else { Err(CopyError::Damaged(word)) }
}
