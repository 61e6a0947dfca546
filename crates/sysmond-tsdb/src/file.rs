//! How the file is opened: private, locked, checked, migrated, or set aside where it is damaged.

use crate::budget::Budget;
use crate::{OpenError, Upgrade, schema};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use sysmond_model::Timestamp;

/// How long the check of a file at start may take: a large store is ready in time, its unread part is checked as it is
/// read.
const CHECK_LIMIT: Duration = Duration::from_millis(150);
/// Pages between two looks at the clock: few, since each may have to be read from a slow disk.
const PAGES_PER_LOOK: i32 = 50;
/// The way in which SQLite gives pages back: when it is told to.
const INCREMENTAL: i64 = 2;
/// How long a statement waits for another connection's lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// An opened file.
pub(crate) struct Opened {
    pub(crate) conn: Connection,
    /// Where a damaged predecessor was put.
    pub(crate) set_aside: Option<PathBuf>,
}

/// What a file is called while a backup is made into it that is to become the store's.
pub(crate) const RESTORING: &str = ".restoring";
/// The name of a store's lock, behind the store's own.
pub(crate) const LOCK: &str = ".lock";

/// Makes the folder (0700) and the empty file (0600), refuses symbolic links, and returns the file's real path.
pub(crate) fn prepare(path: &Path) -> Result<PathBuf, OpenError> {
    let path = real_path(path)?;
    let io_error = |source| OpenError::Io { path: path.display().to_string(), source };
    // Beginning an empty database here would say that all is well.
    if beside(&path, RESTORING).try_exists().map_err(io_error)? && !path.try_exists().map_err(io_error)? {
        return Err(OpenError::HalfRestored { path: path.display().to_string() });
    }
    private_file(&path).map_err(io_error)?;
    Ok(path)
}

/// Makes the folder (0700), and returns the real path of a file in it that need not be there.
pub(crate) fn real_path(path: &Path) -> Result<PathBuf, OpenError> {
    let io_error = |source| OpenError::Io { path: path.display().to_string(), source };
    let folder = folder_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io_error)?;
    let name = path.file_name().ok_or_else(|| io_error(io::Error::from(io::ErrorKind::InvalidInput)))?;
    Ok(folder.canonicalize().map_err(io_error)?.join(name))
}

/// The folder of a file's name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Takes the lock that keeps a second process off the same store. A file of its own: closing any descriptor of the
/// database would drop SQLite's locks on it.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let lock_path = beside(path, LOCK);
    let io_error = |source| OpenError::Io { path: lock_path.display().to_string(), source };
    loop {
        let file = private_file(&lock_path).map_err(io_error)?;
        match file.try_lock() {
            // A restore that failed removes the one that it made: what has no name any more keeps nobody off.
            Ok(()) if !is_named(&file, &lock_path).map_err(io_error)? => {}
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { path: path.display().to_string() });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(io_error(source)),
        }
    }
}

/// Whether `path` is the name of the open `file`.
fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    let identity = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok(identity(named) == identity(file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens the file (0600), never through a symbolic link. A new one belongs to whom its folder belongs to: what root
/// makes in the folder of a service has to be the service's own.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(no_follow);
    let file = match options.clone().create_new(true).open(path) {
        Ok(file) => {
            give_to_owner_of(folder_of(path), &file)?;
            file
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            options.create(true).truncate(false).open(path)?
        }
        Err(error) => return Err(error),
    };
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn give_to_owner_of(folder: &Path, file: &File) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (owner, own) = (folder.metadata()?, file.metadata()?);
    if owner.uid() == own.uid() {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()))
}

/// Opens the writer's connection; a damaged file is renamed and a new one begun.
pub(crate) fn open_writer(
    path: &Path,
    budget: Budget,
    now: Timestamp,
    told: &mut dyn FnMut(Upgrade),
) -> Result<Opened, OpenError> {
    if is_emptied(path) {
        return begin_anew(path, budget, now);
    }
    match try_open_writer(path, budget, told) {
        Err(OpenError::Sqlite { source, .. }) if is_damage(&source) => begin_anew(path, budget, now),
        other => Ok(Opened { conn: other?, set_aside: None }),
    }
}

/// Sets the file aside and begins a new one.
pub(crate) fn begin_anew(path: &Path, budget: Budget, now: Timestamp) -> Result<Opened, OpenError> {
    let io_error = |source| OpenError::Io { path: path.display().to_string(), source };
    let set_aside = set_aside(path, "corrupt", now).map_err(io_error)?;
    private_file(path).map_err(io_error)?;
    // An upgrade is told of where there was something to upgrade.
    Ok(Opened { conn: try_open_writer(path, budget, &mut |_| {})?, set_aside: Some(set_aside) })
}

/// Whether the file lost all its bytes while SQLite's own log still has some, which SQLite would throw away.
fn is_emptied(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.len() == 0) && wal_bytes(path) > 0
}

fn try_open_writer(
    path: &Path,
    budget: Budget,
    told: &mut dyn FnMut(Upgrade),
) -> Result<Connection, OpenError> {
    let sqlite_error = |source| OpenError::of_sqlite(path, source);
    let mut conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )
    .map_err(sqlite_error)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(sqlite_error)?;
    if schema::is_foreign(&conn).map_err(sqlite_error)? {
        return Err(OpenError::Foreign { path: path.display().to_string() });
    }
    refuse_newer(&conn, path)?;
    configure_writer(&conn, budget).map_err(sqlite_error)?;
    check(&mut conn).map_err(sqlite_error)?;
    schema::migrate(&mut conn, told).map_err(sqlite_error)?;
    Ok(conn)
}

/// Refuses a file that a newer program wrote.
pub(crate) fn refuse_newer(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let found = schema::version(conn)
        .map_err(|source| OpenError::Sqlite { path: path.display().to_string(), source })?;
    if found > schema::VERSION {
        let path = path.display().to_string();
        return Err(OpenError::TooNew { path, found, known: schema::VERSION });
    }
    Ok(())
}

fn configure_writer(conn: &Connection, budget: Budget) -> rusqlite::Result<()> {
    conn.pragma_update(None, "page_size", 4096)?;
    // Said again it is written again, for which a full disk has no room.
    if conn.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0))? != INCREMENTAL {
        conn.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    }
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update_and_check(None, "wal_autocheckpoint", whole(budget.checkpoint_pages()), |_| Ok(()))?;
    conn.pragma_update_and_check(None, "journal_size_limit", whole(budget.wal_bytes()), |_| Ok(()))?;
    conn.pragma_update(None, "cache_size", -whole(budget.writer_cache_kib()))?;
    conn.pragma_update(None, "foreign_keys", false)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // What a statement would have to undo goes to a file in /var/tmp beyond 64 KB: another disk that may be full or
    // closed to us, and calls for nothing. It is a few pages of one hour's blocks.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Looks for damage for at most [`CHECK_LIMIT`].
fn check(conn: &mut Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + CHECK_LIMIT;
    conn.progress_handler(PAGES_PER_LOOK, Some(move || Instant::now() > deadline))?;
    let verdict = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    conn.progress_handler(0, None::<fn() -> bool>)?;
    match verdict {
        Ok(word) if word == "ok" => Ok(()),
        Ok(word) => Err(schema::damaged(&word)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether an error means that the file's bytes are wrong: SQLite says so, or a value is none that was ever written.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    matches!(
        error,
        Error::InvalidColumnType(..)
            | Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
    ) || matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Renames the file and its log to `….WHY-SECONDS`, never over an older one.
pub(crate) fn set_aside(path: &Path, why: &str, now: Timestamp) -> io::Result<PathBuf> {
    let aside = name_aside(path, why, now)?;
    std::fs::rename(path, &aside)?;
    for suffix in ["-wal", "-shm"] {
        match std::fs::rename(beside(path, suffix), beside(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

/// [`set_aside`] that leaves the file its name until another takes it: whoever opens the store meanwhile finds one.
/// SQLite's own log has only its new name.
pub(crate) fn keep_aside(path: &Path, why: &str, now: Timestamp) -> io::Result<PathBuf> {
    let aside = name_aside(path, why, now)?;
    if std::fs::hard_link(path, &aside).is_err() {
        // A file system where a file has one name: whoever opens the store meanwhile is told.
        return set_aside(path, why, now);
    }
    if wal_bytes(path) > 0 {
        std::fs::hard_link(beside(path, "-wal"), beside(&aside, "-wal"))?;
    }
    remove(&beside(path, "-wal"))?;
    remove(&beside(path, "-shm"))?;
    Ok(aside)
}

/// A name `….WHY-SECONDS` that nothing has.
fn name_aside(path: &Path, why: &str, now: Timestamp) -> io::Result<PathBuf> {
    let seconds = now.as_seconds();
    let mut aside = beside(path, &format!(".{why}-{seconds}"));
    let mut attempt = 1;
    while aside.try_exists()? {
        attempt += 1;
        aside = beside(path, &format!(".{why}-{seconds}-{attempt}"));
    }
    Ok(aside)
}

/// Removes a file where there is one.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The damaged files that were set aside of `path` and are still beside it, by name: the newest is the last.
pub(crate) fn damaged_files(path: &Path) -> Vec<PathBuf> {
    let start = beside(path, ".corrupt-");
    let (Some(folder), Some(start)) = (path.parent(), start.file_name()) else {
        return Vec::new();
    };
    let is_one = |name: &std::ffi::OsStr| {
        let (name, start) = (name.as_encoded_bytes(), start.as_encoded_bytes());
        // Not what SQLite had beside it.
        name.strip_prefix(start).is_some_and(|rest| rest.iter().all(|b| b.is_ascii_digit() || *b == b'-'))
    };
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        files.filter(|file| is_one(&file.file_name())).map(|file| file.path()).collect();
    found.sort();
    found
}

/// `path` with `suffix` behind its last component.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Opens a connection that cannot write, of a store of that budget.
pub(crate) fn open_reader(path: &Path, budget: Budget) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI,
    )?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "cache_size", -whole(budget.reader_cache_kib()))?;
    conn.pragma_update(None, "trusted_schema", false)?;
    Ok(conn)
}

/// Opens a connection that moves SQLite's own log into the file, beside the writer's.
pub(crate) fn open_beside(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    Ok(conn)
}

/// Bytes of the file and its log on disk.
pub(crate) fn disk_bytes(path: &Path) -> u64 {
    file_bytes(path) + wal_bytes(path)
}

/// Bytes of SQLite's own log on disk.
pub(crate) fn wal_bytes(path: &Path) -> u64 {
    size(&beside(path, "-wal"))
}

/// Bytes of the file alone.
pub(crate) fn file_bytes(path: &Path) -> u64 {
    size(path)
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}
