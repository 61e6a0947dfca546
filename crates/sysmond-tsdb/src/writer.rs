//! The thread that owns the writing connection: group commit, answers after the disk has it, recovery from its
//! failures.

use crate::batch::Batch;
use crate::budget::Budget;
use crate::churn::Unused;
use crate::counters::Counters;
use crate::crowd::Crowd;
use crate::cursors::{self, Cursors};
use crate::done::Done;
use crate::head::HostCell;
use crate::host_row;
use crate::log::Packer;
use crate::memory::Memory;
use crate::names::Names;
use crate::quarantine;
use crate::readers::Readers;
use crate::request::StoreOptions;
use crate::room::{self, Bound, Room};
use crate::seal::{Sealing, Unsealed};
use crate::{Append, AppendError, Appended, Cursor, OpenError, file, meta, retention};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use sysmond_model::Timestamp;

/// Writes in one transaction: what waits while the last one was synced, yet a bounded loss when it fails.
const MAX_GROUP: usize = 256;
/// Cells in one transaction, but for the last write's: about a megabyte of log, so that those who wait are not held up
/// by one who brings a backlog.
const MAX_GROUP_CELLS: usize = 300_000;
/// How often the times at which hosts were seen are written, milliseconds. Until then the log has them, and sysmond's
/// own SQL looks there.
const WRITE_HOSTS_EVERY_MS: i64 = 60_000;
/// Size of a page of the file, bytes.
pub(crate) const PAGE_BYTES: u64 = 4096;
/// Failures by damage of the file after which it is set aside although a look at it finds nothing: the look is bounded.
const MAX_DAMAGED_OPENS: u32 = 3;

/// What handle, writer and readers share.
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) options: StoreOptions,
    pub(crate) names: RwLock<Names>,
    pub(crate) memory: RwLock<Memory>,
    pub(crate) readers: Readers,
    pub(crate) counters: Counters,
    pub(crate) room: Room,
    /// Up to what time silent hosts have aged, milliseconds; 0 before the first round of upkeep.
    pub(crate) aged_to: AtomicI64,
    /// Where the last damaged file was put.
    pub(crate) set_aside: Mutex<Option<PathBuf>>,
    /// Places up to which rows were delivered, as far as they are not durable.
    pub(crate) cursors: Cursors,
    /// Set once nothing more is to be taken.
    pub(crate) is_closing: AtomicBool,
    /// Held for as long as the store is open.
    pub(crate) lock: Mutex<Option<File>>,
}

/// What waits for the writer.
pub(crate) enum Command {
    Append(Box<Append>, Done<Appended>),
    /// Maintenance, between two transactions.
    Run(Box<dyn FnOnce(&mut Writer) + Send>),
    Close(SyncSender<()>),
}

/// The writer's own state.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    /// `None` after a failure, until it could be opened anew.
    conn: Option<Connection>,
    next_host: i64,
    next_log: i64,
    /// The newest receiver's time.
    now: Timestamp,
    /// Hosts heard of since their rows were written last, when that was, and the log's next row then.
    seen: HashMap<i64, Arc<HostCell>>,
    hosts_written: Timestamp,
    hosts_written_log: i64,
    pub(crate) sealing: Sealing,
    pub(crate) unsealed: HashMap<i64, Unsealed>,
    pub(crate) unused: Unused,
    /// How often the file turned out to be damaged.
    damaged_opens: u32,
    crowd: Crowd,
    packer: Packer,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        conn: Connection,
        now: Timestamp,
        sealer: Sender<Vec<Arc<HostCell>>>,
    ) -> rusqlite::Result<Self> {
        let mut writer = Self {
            shared,
            conn: None,
            next_host: 1,
            next_log: 1,
            now,
            seen: HashMap::new(),
            hosts_written: now,
            hosts_written_log: 1,
            sealing: Sealing::new(sealer),
            unsealed: HashMap::new(),
            unused: Unused::default(),
            damaged_opens: 0,
            crowd: Crowd::default(),
            packer: Packer::default(),
        };
        writer.adopt(conn)?;
        Ok(writer)
    }

    /// Serves `commands` until the last handle is gone or one asked to close.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        let mut closing = None;
        while closing.is_none()
            && !self.shared.is_closing.load(Ordering::Relaxed)
            && let Ok(first) = commands.recv()
        {
            closing = self.serve(first, commands);
        }
        while let Ok(next) = commands.try_recv() {
            closing = self.serve(next, commands).or(closing);
        }
        // Before the writer's own connection: the last one to go takes SQLite's log with it, which a reader cannot.
        self.shared.readers.clear();
        if let Some(conn) = self.conn.take() {
            // Each for itself: what fails here is found or done again at the next start.
            cursors::write(&conn, &self.shared.cursors.take()).ok();
            write_hosts(&conn, &self.seen).ok();
            checkpoint(&conn).ok();
        }
        self.shared.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(closed) = closing {
            closed.send(()).ok();
        }
    }

    /// Commits `first` with all that waits behind it; returns whom to tell where one of them was the wish to close.
    fn serve(&mut self, first: Command, commands: &Receiver<Command>) -> Option<SyncSender<()>> {
        if matches!(first, Command::Append(..)) {
            self.crowd.gather(|| self.shared.counters.queued.load(Ordering::Relaxed), MAX_GROUP);
        }
        let mut group = Vec::new();
        let mut next = Some(first);
        let (mut last, mut cells) = (None, 0);
        while let Some(command) = next {
            match command {
                Command::Append(append, done) => {
                    cells += append.frame.row_count() * append.frame.shape().len();
                    group.push((append, done));
                }
                Command::Run(_) | Command::Close(_) => {
                    last = Some(command);
                    break;
                }
            }
            let has_room = group.len() < MAX_GROUP && cells < MAX_GROUP_CELLS;
            next = has_room.then(|| commands.try_recv().ok()).flatten();
        }
        if !group.is_empty() {
            self.shared.counters.queued.fetch_sub(group.len(), Ordering::Relaxed);
            self.crowd.note(group.len());
            self.commit(group);
        }
        match last {
            Some(Command::Run(job)) => {
                job(self);
                None
            }
            Some(Command::Close(closed)) => Some(closed),
            _ => None,
        }
    }

    /// The connection; opened anew where the last one failed.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, AppendError> {
        if self.conn.is_none() {
            self.reopen().map_err(|error| AppendError::Failed(with_source(&error)))?;
        }
        self.conn.as_mut().ok_or(AppendError::Closed)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn commit(&mut self, group: Vec<(Box<Append>, Done<Appended>)>) {
        let mark = self.shared.names.read().unwrap_or_else(PoisonError::into_inner).mark();
        let (appends, dones): (Vec<_>, Vec<_>) =
            group.into_iter().map(|(append, done)| (*append, done)).unzip();
        self.now = appends.iter().map(|append| append.received).fold(self.now, Timestamp::max);
        match self.try_commit(appends) {
            Ok(answers) => {
                self.shared.room.found();
                self.shared.counters.commits.fetch_add(1, Ordering::Relaxed);
                for (done, answer) in dones.into_iter().zip(answers) {
                    self.count(&answer);
                    done.tell(answer);
                }
            }
            Err(failure) => {
                self.shared.names.write().unwrap_or_else(PoisonError::into_inner).rollback(mark);
                let reason = self.after_failure(failure);
                for done in dones {
                    done.tell(Err(reason.clone()));
                }
            }
        }
    }

    fn count(&self, answer: &Result<Appended, AppendError>) {
        if let Ok(appended) = answer {
            let counters = &self.shared.counters;
            counters.stored.fetch_add(appended.stored as u64, Ordering::Relaxed);
            counters.dropped.fetch_add(appended.too_old as u64, Ordering::Relaxed);
            counters.duplicate.fetch_add(appended.duplicates as u64, Ordering::Relaxed);
        }
    }

    fn try_commit(&mut self, appends: Vec<Append>) -> Result<Vec<Result<Appended, AppendError>>, Failure> {
        if !self.crowd.has_reserve(&self.shared.path) {
            return Err(Failure::NoSpace);
        }
        self.connection().map_err(Failure::Reopen)?;
        // Taken out, so that the transaction's borrow is not one of the whole writer.
        let mut conn = self.conn.take().ok_or(Failure::Reopen(AppendError::Closed))?;
        let shared = self.shared.clone();
        let cursors = shared.cursors.take();
        let done = self.transact(&mut conn, &shared, appends, &cursors);
        self.conn = Some(conn);
        if done.is_err() {
            shared.cursors.give_back(cursors);
        }
        done
    }

    fn transact(
        &mut self,
        conn: &mut Connection,
        shared: &Shared,
        appends: Vec<Append>,
        cursors: &BTreeMap<String, Cursor>,
    ) -> Result<Vec<Result<Appended, AppendError>>, Failure> {
        let log_id = self.next_log;
        let hosts_due = self.hosts_written.plus_millis(WRITE_HOSTS_EVERY_MS) <= self.now;
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch::new(&tx, shared, self.next_host);
        let mut answers = Vec::with_capacity(appends.len());
        for append in appends {
            answers.push(batch.append(append)?);
        }
        cursors::write(&tx, cursors)?;
        if hosts_due {
            write_hosts(&tx, &self.seen)?;
        }
        let outcome = if batch.has_appends() { Some(batch.write(log_id, &mut self.packer)?) } else { None };
        tx.commit()?;
        if hosts_due {
            self.seen.clear();
            (self.hosts_written, self.hosts_written_log) = (self.now, log_id);
        }
        if let Some(outcome) = outcome {
            shared.counters.log_bytes.fetch_add(outcome.log_bytes, Ordering::Relaxed);
            self.next_log = log_id + 1;
            let (next_host, heard, touched) = outcome.publish(&shared.memory);
            self.next_host = next_host;
            self.seen.extend(heard.into_iter().map(|cell| (cell.id, cell)));
            self.track(log_id, touched);
        }
        if hosts_due {
            self.seal_old(self.now);
        }
        Ok(answers)
    }

    /// The first log row whose deliveries may be newer than the hosts' rows.
    pub(crate) fn log_behind_hosts(&self) -> i64 {
        self.hosts_written_log
    }

    /// The number of the next new host.
    pub(crate) const fn next_host(&self) -> i64 {
        self.next_host
    }

    /// Lets go of hosts that are no more.
    pub(crate) fn forget_hosts(&mut self, gone: &HashSet<i64>) {
        self.seen.retain(|id, _| !gone.contains(id));
        let head_cells = &self.shared.counters.head_cells;
        for (_, entry) in self.unsealed.extract_if(|id, _| gone.contains(id)) {
            head_cells.fetch_sub(entry.counted_cells(), Ordering::Relaxed);
        }
        self.sealing.ripe.retain(|cell| !gone.contains(&cell.id));
    }

    /// The number of the log's next row.
    pub(crate) const fn next_log(&self) -> i64 {
        self.next_log
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Takes the caller's time, which may have been set back, and writes when hosts were seen and how far those have
    /// aged that were not.
    pub(crate) fn set_now(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        self.now = now;
        let seen = std::mem::take(&mut self.seen);
        let shared = self.shared.clone();
        let written = self.with_connection(|conn| {
            let tx = conn.transaction()?;
            write_hosts(&tx, &seen)?;
            let last = meta::aged_to(&tx)?;
            let newest = shared.memory.read().unwrap_or_else(PoisonError::into_inner).newest_row();
            let aged_to = retention::aged_to(last, newest, now.as_millis());
            if last != Some(aged_to) {
                meta::set_aged_to(&tx, aged_to)?;
            }
            tx.commit()?;
            shared.aged_to.store(aged_to, Ordering::Relaxed);
            Ok(())
        });
        if written.is_err() {
            self.seen.extend(seen);
        } else {
            (self.hosts_written, self.hosts_written_log) = (now, self.next_log);
        }
        written
    }

    /// What to answer after a failed transaction. A connection whose disk or file failed is not trusted again.
    fn after_failure(&mut self, failure: Failure) -> AppendError {
        match failure {
            Failure::NoSpace => {
                self.shared.room.refuse(Bound::Disk, self.now);
                AppendError::NoSpace
            }
            Failure::Reopen(error) => error,
            Failure::Sqlite(error) => {
                self.distrust(&error);
                match error.sqlite_error_code() {
                    Some(ErrorCode::DiskFull) => {
                        self.shared.counters.is_short.store(true, Ordering::Relaxed);
                        retention::empty_large_wal(self).ok(); // it may have much of what was refused
                        AppendError::NoSpace
                    }
                    _ => AppendError::Failed(error.to_string()),
                }
            }
        }
    }

    /// Drops the connection where `error` leaves doubt about what it holds; the next use opens it anew.
    pub(crate) fn distrust(&mut self, error: &rusqlite::Error) {
        let io = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
        let is_damage = file::is_damage(error);
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            self.shared.room.refuse(room::bound(&self.shared), self.now);
        }
        self.damaged_opens += u32::from(is_damage);
        if io || is_damage {
            self.conn = None;
            self.shared.readers.clear();
        }
    }

    fn reopen(&mut self) -> Result<(), OpenError> {
        let outcome = self.try_reopen();
        self.shared.cursors.begin_epoch();
        outcome
    }

    fn try_reopen(&mut self) -> Result<(), OpenError> {
        let budget = Budget(self.shared.options.max_disk_bytes);
        let opened = if self.damaged_opens < MAX_DAMAGED_OPENS {
            file::open_writer(&self.shared.path, budget, self.now, &mut |_| {})?
        } else {
            self.damaged_opens = 0;
            file::begin_anew(&self.shared.path, budget, self.now)?
        };
        if opened.set_aside.is_some() {
            *self.shared.set_aside.lock().unwrap_or_else(PoisonError::into_inner) = opened.set_aside;
        }
        let path = self.shared.path.display().to_string();
        self.adopt(opened.conn).map_err(|source| OpenError::Sqlite { path, source })
    }

    /// Takes a fresh connection and reads what memory holds of it.
    fn adopt(&mut self, conn: Connection) -> rusqlite::Result<()> {
        limit_pages(&conn, Budget(self.shared.options.max_disk_bytes).append_bytes())?;
        let names = Names::load(&conn)?;
        let loaded = Memory::load(&conn, &names, &self.shared.counters)?;
        (self.next_host, self.next_log) = (loaded.next_host, loaded.next_log);
        self.shared.aged_to.store(meta::aged_to(&conn)?.unwrap_or(0), Ordering::Relaxed);
        (self.hosts_written, self.hosts_written_log) = (self.now, 0);
        self.seen = loaded.memory.hosts.values().map(|cell| (cell.id, cell.clone())).collect();
        self.unsealed.clear();
        self.shared.counters.head_cells.store(0, Ordering::Relaxed);
        self.sealing.reset();
        self.unused = Unused::default();
        for (host_id, groups) in loaded.groups {
            if let Some(cell) = self.seen.get(&host_id) {
                let mut entry = Unsealed::new(cell.clone(), self.now);
                for (log_id, last_seq) in groups {
                    entry.add(log_id, last_seq, 0, self.now);
                }
                self.unsealed.insert(host_id, entry);
            }
        }
        self.recount(self.unsealed.keys().copied().collect::<Vec<_>>());
        *self.shared.names.write().unwrap_or_else(PoisonError::into_inner) = names;
        *self.shared.memory.write().unwrap_or_else(PoisonError::into_inner) = loaded.memory;
        self.conn = Some(conn);
        // Before the first append, and while the rows' numbers are theirs.
        let logged = self.shared.counters.damages.take_pending_of(quarantine::Origin::Log);
        if logged.is_empty() { Ok(()) } else { quarantine::set_aside_all(self, &logged, self.now) }
    }
}

fn write_hosts(conn: &Connection, hosts: &HashMap<i64, Arc<HostCell>>) -> rusqlite::Result<()> {
    for cell in hosts.values() {
        let state = cell.lock();
        host_row::write(conn, cell.id, &state.host, state.static_info.as_ref())?;
    }
    Ok(())
}

enum Failure {
    NoSpace,
    Reopen(AppendError),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Bounds the file: trimming keeps it below this, which keeps it below its budget.
pub(crate) fn limit_pages(conn: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let pages = u32::try_from(bytes / PAGE_BYTES).unwrap_or(u32::MAX - 1);
    conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

/// Moves the log into the file and empties it, unless a reader stands in the way.
pub(crate) fn checkpoint(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::ZERO)?;
    let outcome = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    conn.busy_timeout(file::BUSY_TIMEOUT)?;
    outcome
}

fn with_source(error: &OpenError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}
