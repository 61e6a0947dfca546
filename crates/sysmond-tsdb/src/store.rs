//! The handle that everything else uses.

use crate::budget::{Budget, LEAST_DISK_BYTES};
use crate::counters::Counters;
use crate::cursors::{self, Cursors};
use crate::done::Done;
use crate::head::HostCell;
use crate::memory::Memory;
use crate::names::Names;
use crate::processes::look;
use crate::readers::Readers;
use crate::retention::Reached;
use crate::room::{self, Room};
use crate::sealed::HOUR_MS;
use crate::tally::{self, Tally};
use crate::writer::{Command, Shared, Writer};
use crate::{
    Append, AppendError, Appended, Backlog, Cursor, Full, Keeper, OpenError, ProcessUsage, Quarantined,
    QueryError, RangeQuery, Storage, StoreOptions, StoreStats, Upgrade, backlog, file, meta, range,
    retention, schema, seal, storage,
};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;
use sysmond_model::{FleetSummary, Host, ProcessReading, Sample, SeriesRange, StaticInfo, Timestamp};

/// A handle of an open store. Clones share it; the last one to go closes it.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    /// `None` once closed.
    queue: Mutex<Option<SyncSender<Command>>>,
    /// The writer's thread and the one that seals for it.
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held by the one that looks after the store.
    pub(crate) upkeep: Mutex<Reached>,
    /// The damaged file that was told of last.
    told: Mutex<Option<PathBuf>>,
}

impl Store {
    /// Opens or creates the file at `path` (mode 0600). A damaged file is kept beside it as `.corrupt-SECONDS` of `now`
    /// and a new one begun; [`Self::recovered`] tells.
    pub fn open(path: &Path, options: StoreOptions, now: Timestamp) -> Result<Self, OpenError> {
        Self::open_telling(path, options, now, |_| {})
    }

    /// [`open`](Self::open), which tells how far it is with a file of an older version.
    pub fn open_telling(
        path: &Path,
        options: StoreOptions,
        now: Timestamp,
        mut told: impl FnMut(Upgrade),
    ) -> Result<Self, OpenError> {
        let budget = Budget(options.max_disk_bytes);
        if budget.0 < LEAST_DISK_BYTES {
            let path = path.display().to_string();
            return Err(OpenError::BudgetTooSmall { path, given: budget.0, least: LEAST_DISK_BYTES });
        }
        let path = file::prepare(path)?;
        let lock = file::lock(&path)?;
        let opened = file::open_writer(&path, budget, now, &mut told)?;
        let (sender, receiver) = sync_channel(options.queue_limit.max(1));
        let shared = Arc::new(Shared {
            readers: Readers::new(path.clone(), budget),
            path: path.clone(),
            options,
            names: RwLock::new(Names::default()),
            memory: RwLock::new(Memory::default()),
            counters: Counters::default(),
            room: Room::default(),
            aged_to: AtomicI64::new(0),
            is_closing: AtomicBool::new(false),
            set_aside: Mutex::new(opened.set_aside),
            cursors: Cursors::default(),
            lock: Mutex::new(Some(lock)),
        });
        let io_error = |source| OpenError::Io { path: path.display().to_string(), source };
        let (sealer, ripe) = channel();
        let writer = writer(&shared, opened.conn, now, &sealer)?;
        require_room(&shared)?;
        let writing = named("store-writer").spawn(move || writer.run(&receiver)).map_err(io_error)?;
        let queue = sender.clone();
        let sealing = named("store-sealer").spawn(move || seal::work(&ripe, &sender)).map_err(io_error)?;
        Ok(Self(Arc::new(Inner {
            shared,
            queue: Mutex::new(Some(queue)),
            threads: Mutex::new(vec![writing, sealing]),
            upkeep: Mutex::default(),
            told: Mutex::default(),
        })))
    }

    /// Where the last damaged file was put, at the start or since: worth a loud word.
    pub fn recovered(&self) -> Option<PathBuf> {
        self.0.shared.set_aside.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// [`Self::recovered`], where it has not been told before.
    pub fn take_recovered(&self) -> Option<PathBuf> {
        let recovered = self.recovered();
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = recovered != *told;
        told.clone_from(&recovered);
        recovered.filter(|_| is_news)
    }

    /// Hands `append` to the writer; `done` is called from the writer's thread once its transaction is on disk or has
    /// failed. An error here means that `done` will not be called.
    pub fn append(
        &self,
        append: Append,
        done: impl FnOnce(Result<Appended, AppendError>) + Send + 'static,
    ) -> Result<(), AppendError> {
        self.0.offer(append, Done::new(done))
    }

    /// [`append`](Self::append), and waits for it.
    pub fn append_wait(&self, append: Append) -> Result<Appended, AppendError> {
        let (answer, answered) = sync_channel(1);
        self.append(append, move |result| {
            answer.send(result).ok();
        })?;
        answered.recv().unwrap_or(Err(AppendError::Closed))
    }

    /// All hosts, by name. From memory.
    pub fn hosts(&self) -> Vec<Host> {
        let memory = self.0.shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.hosts.values().map(|cell| cell.lock().host.clone()).collect()
    }

    /// One host. From memory.
    pub fn host(&self, hostname: &str) -> Option<Host> {
        self.cell(hostname).map(|cell| cell.lock().host.clone())
    }

    /// What was read once of a host; `None` where the host is unknown or never sent it.
    pub fn static_info(&self, hostname: &str) -> Option<StaticInfo> {
        self.cell(hostname)?.lock().static_info.clone()
    }

    /// The newest value of each series of a host that was sampled in the five minutes before the host's newest sample,
    /// or before it was heard of last where that is earlier; sorted by series. `None` for an unknown host. From memory.
    pub fn latest(&self, hostname: &str) -> Option<Vec<Sample>> {
        let cell = self.cell(hostname)?;
        let names = self.0.shared.names.read().unwrap_or_else(PoisonError::into_inner);
        Some(cell.lock().latest(&names))
    }

    /// The time of a host's newest row, if it has any. From memory.
    pub fn newest(&self, hostname: &str) -> Option<Timestamp> {
        self.cell(hostname)?.lock().newest_row.map(Timestamp::from_millis)
    }

    /// The time that the age of what that host delivers counts back from at `now`: what is older than by the
    /// retention would be removed again. `None` of a host that has no samples. From memory.
    pub fn aged_from(&self, hostname: &str, now: Timestamp) -> Option<Timestamp> {
        let shared = &self.0.shared;
        let (retention, aged_to) = (shared.options.retention, shared.aged_to.load(Ordering::Relaxed));
        let cell = self.cell(hostname)?;
        let from = retention::taken_from(&cell.lock(), retention, now.as_millis(), aged_to);
        from.map(Timestamp::from_millis)
    }

    /// The time of the first sample that a host could still have: what is older was removed by age or size, and is not
    /// taken again. `None` of a host that is not known, or of which nothing was removed. From memory.
    pub fn kept_from(&self, hostname: &str) -> Option<Timestamp> {
        let hour = self.cell(hostname)?.lock().raw_from;
        (hour > 0).then(|| Timestamp::from_millis(hour.saturating_mul(HOUR_MS)))
    }

    /// The fleet in figures at `now`. From memory: no scan.
    pub fn fleet_summary(&self, now: Timestamp, offline_after_ms: i64) -> FleetSummary {
        let names = self.0.shared.names.read().unwrap_or_else(PoisonError::into_inner);
        let memory = self.0.shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.fleet_summary(&names, now, offline_after_ms)
    }

    /// The series of one host in a range, sorted; a series without a sample in the range has no points, an unknown
    /// metric no series.
    pub fn range(&self, query: &RangeQuery) -> Result<Vec<SeriesRange>, QueryError> {
        range::range(&self.0.shared, query)
    }

    /// At most `max_rows` rows of a host that were stored after `after`, oldest first. A row that changed counts as
    /// stored anew.
    pub fn read_after(&self, hostname: &str, after: Cursor, max_rows: usize) -> Result<Backlog, QueryError> {
        backlog::read_after(&self.0.shared, hostname, after, max_rows)
    }

    /// The newest snapshot of a host's processes from `since` to `at`.
    pub fn processes_at(
        &self,
        hostname: &str,
        since: Timestamp,
        at: Timestamp,
    ) -> Result<Option<ProcessReading>, QueryError> {
        look::at(&self.0.shared, self.known_cell(hostname)?.id, since, at)
    }

    /// The processes and programs of a host that took the most from `from` to `to`: the first `top` by each of
    /// processor, memory and I/O.
    pub fn processes_between(
        &self,
        hostname: &str,
        (from, to): (Timestamp, Timestamp),
        top: usize,
    ) -> Result<ProcessUsage, QueryError> {
        look::between(&self.0.shared, self.known_cell(hostname)?.id, (from, to), top)
    }

    /// At most `most` snapshots of a host's processes that were stored after `after`, oldest first, and where to go on.
    /// Their cursors have nothing to do with those of rows.
    pub fn processes_after(
        &self,
        hostname: &str,
        after: Cursor,
        most: usize,
    ) -> Result<(Vec<ProcessReading>, Cursor), QueryError> {
        look::after(&self.0.shared, self.known_cell(hostname)?.id, after, most)
    }

    /// The cursor of that name, or the beginning.
    pub fn cursor(&self, name: &str) -> Result<Cursor, QueryError> {
        cursors::find(&self.0.shared, name)
    }

    /// Which opening of the file cursors belong to. After another one they are to be looked up again.
    pub fn cursor_epoch(&self) -> u64 {
        self.0.shared.cursors.epoch()
    }

    /// Remembers cursors by their names, unless the file was opened anew since `epoch`. They become durable with the
    /// next append, or when the store is closed: what was delivered since comes again after a crash.
    pub fn note_cursors(&self, epoch: u64, cursors: impl IntoIterator<Item = (String, Cursor)>) {
        self.0.shared.cursors.note(epoch, cursors);
    }

    /// Whether an append found no room within the budget since the store was last looked after: worth doing it now.
    pub fn is_short(&self) -> bool {
        self.0.shared.counters.is_short.load(Ordering::Relaxed)
    }

    /// Whether and since when writes find no room; looks at the file system at `now`.
    pub fn full(&self, now: Timestamp) -> Option<Full> {
        room::look(&self.0.shared, now)
    }

    /// What the store takes on disk, tier by tier, and for how long it will last. Cheap: read from counts.
    pub fn storage(&self, now: Timestamp) -> Result<Storage, QueryError> {
        storage::read(&self.0.shared, now)
    }

    /// What was found damaged and set aside since the last call: worth a loud word.
    pub fn take_quarantined(&self) -> Vec<Quarantined> {
        self.0.shared.counters.damages.take_news()
    }

    /// Whether any host ever sent that metric.
    pub fn has_metric(&self, metric: &str) -> bool {
        let names = self.0.shared.names.read().unwrap_or_else(PoisonError::into_inner);
        !names.of_type(metric).is_empty()
    }

    /// Figures of the store.
    pub fn stats(&self) -> StoreStats {
        let shared = &self.0.shared;
        let counters = &shared.counters;
        let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        StoreStats {
            disk_bytes: file::disk_bytes(&shared.path),
            queued: counters.queued.load(Ordering::Relaxed),
            samples_stored: counters.stored.load(Ordering::Relaxed),
            samples_duplicate: counters.duplicate.load(Ordering::Relaxed),
            samples_dropped: counters.dropped.load(Ordering::Relaxed),
            commits: counters.commits.load(Ordering::Relaxed),
            damaged: storage::damaged(shared),
            hosts: memory.hosts.len(),
            series: memory.hosts.values().map(|cell| cell.lock().series.len()).sum(),
        }
    }

    /// Writes down the silence after which a host is offline, for whoever reads the file: SQL says of a host what this
    /// server says.
    pub fn set_offline_after(&self, limit: Duration) -> Result<(), QueryError> {
        Ok(self
            .on_writer(move |writer| writer.with_connection(|conn| meta::set_offline_after(conn, limit)))??)
    }

    /// Writes down whose the file is, and refuses one that is the other's.
    pub fn keep_as(&self, keeper: Keeper) -> Result<(), OpenError> {
        let path = || self.0.shared.path.display().to_string();
        let claim = move |conn: &mut Connection| match meta::keeper(conn)? {
            Some(found) if found != keeper => Ok(found),
            _ => meta::set_keeper(conn, keeper).map(|()| keeper),
        };
        let found = self.on_writer(move |writer| writer.with_connection(claim));
        match found {
            Ok(Ok(found)) if found == keeper => Ok(()),
            Ok(Ok(found)) => Err(OpenError::OfAnother { path: path(), found }),
            Ok(Err(source)) => Err(OpenError::of_sqlite(&self.0.shared.path, source)),
            Err(_) => Err(OpenError::Sqlite { path: path(), source: schema::failed("the store is closed") }),
        }
    }

    /// Finishes what waits, checkpoints and closes. Later appends are refused.
    pub fn close(&self) {
        self.0.close();
    }

    /// Copies what a power cut would leave now, between two pieces of the writer's work, into another folder.
    #[cfg(test)]
    pub(crate) fn copy_to(&self, folder: &Path) {
        let (from, to) =
            (self.0.shared.path.clone(), folder.join(self.0.shared.path.file_name().expect("a file")));
        let copy = move |_: &mut Writer| {
            for suffix in ["", "-wal"] {
                match std::fs::copy(file::beside(&from, suffix), file::beside(&to, suffix)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
                    _ => {}
                }
            }
        };
        self.on_writer(copy).expect("open");
    }

    /// Makes silent hosts as old as if the store had been looked after until then.
    #[cfg(test)]
    pub(crate) fn set_age(&self, at: Timestamp) {
        let set = move |writer: &mut Writer| {
            writer.with_connection(|conn| meta::set_aged_to(conn, at.as_millis())).expect("writable");
        };
        self.on_writer(set).expect("open");
    }

    /// Brings every row into a block.
    #[cfg(test)]
    pub(crate) fn seal_all(&self) {
        let step = |writer: &mut Writer| {
            for entry in writer.unsealed.values_mut() {
                writer.sealing.ripe.extend(entry.claim());
            }
            writer.sealing.send();
            writer.unsealed.values().all(seal::Unsealed::is_sealed)
        };
        while !self.on_writer(step).expect("open") {
            std::thread::yield_now();
        }
    }

    fn cell(&self, hostname: &str) -> Option<Arc<HostCell>> {
        let memory = self.0.shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.hosts.get(hostname).cloned()
    }

    fn known_cell(&self, hostname: &str) -> Result<Arc<HostCell>, QueryError> {
        self.cell(hostname).ok_or_else(|| QueryError::UnknownHost(hostname.to_owned()))
    }

    /// Runs `job` on the writer's thread between two transactions; waits its turn where the queue is full.
    pub(crate) fn on_writer<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<T, QueryError> {
        let (answer, answered) = sync_channel(1);
        let queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let closed = || QueryError::Sqlite(schema::failed("the store is closed"));
        let command = Command::Run(Box::new(move |writer| {
            answer.send(job(writer)).ok();
        }));
        queue.ok_or_else(closed)?.send(command).map_err(|_| closed())?;
        answered.recv().map_err(|_| closed())
    }
}

impl Inner {
    fn offer(&self, append: Append, done: Done<Appended>) -> Result<(), AppendError> {
        let command = Command::Append(Box::new(append), done);
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let queued = &self.shared.counters.queued;
        queued.fetch_add(1, Ordering::Relaxed);
        let refused = match queue {
            None => Some((command, AppendError::Closed)),
            Some(_) if seal::is_behind(&self.shared) => Some((command, AppendError::QueueFull)),
            Some(queue) => match queue.try_send(command) {
                Ok(()) => None,
                Err(TrySendError::Full(command)) => Some((command, AppendError::QueueFull)),
                Err(TrySendError::Disconnected(command)) => Some((command, AppendError::Closed)),
            },
        };
        let Some((command, error)) = refused else {
            return Ok(());
        };
        queued.fetch_sub(1, Ordering::Relaxed);
        if let Command::Append(_, done) = command {
            done.disarm();
        }
        Err(error)
    }

    fn close(&self) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.is_closing.store(true, Ordering::Relaxed);
        // The writer itself may hold the last handle, in a callback: it must not wait for itself. It sees the flag.
        let own = std::thread::current().id();
        if threads.iter().any(|thread| thread.thread().id() == own) {
            return;
        }
        let (closed, is_closed) = sync_channel(1);
        if queue.is_some_and(|queue| queue.send(Command::Close(closed)).is_ok()) {
            is_closed.recv().ok();
        }
        for thread in threads {
            thread.join().ok();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// The writer over an opened file. One whose rows make no sense is set aside like any other damaged one.
fn writer(
    shared: &Arc<Shared>,
    conn: Connection,
    now: Timestamp,
    sealer: &Sender<Vec<Arc<HostCell>>>,
) -> Result<Writer, OpenError> {
    let path = || shared.path.display().to_string();
    let error = match Writer::new(shared.clone(), conn, now, sealer.clone()) {
        Ok(writer) => return Ok(writer),
        Err(error) => error,
    };
    if !file::is_damage(&error) {
        return Err(OpenError::Sqlite { path: path(), source: error });
    }
    let opened = file::begin_anew(&shared.path, Budget(shared.options.max_disk_bytes), now)?;
    *shared.set_aside.lock().unwrap_or_else(PoisonError::into_inner) = opened.set_aside;
    Writer::new(shared.clone(), opened.conn, now, sealer.clone())
        .map_err(|source| OpenError::Sqlite { path: path(), source })
}

/// Refuses a budget in which what cannot be trimmed leaves too little for samples.
fn require_room(shared: &Shared) -> Result<(), OpenError> {
    let fixed = shared.readers.ask(|conn, _| {
        let of_tiers = Tally::read(conn)?.sizes().total() + shared.counters.log_bytes.load(Ordering::Relaxed);
        Ok(tally::used_bytes(conn)?.saturating_sub(of_tiers))
    });
    let given = shared.options.max_disk_bytes;
    match fixed {
        Ok(fixed) if fixed > Budget(given).target_bytes() / 4 * 3 => {
            let path = shared.path.display().to_string();
            Err(OpenError::BudgetTooSmall { path, given, least: fixed.saturating_mul(2) })
        }
        // What cannot be read is found damaged where it is needed.
        _ => Ok(()),
    }
}

fn named(name: &str) -> std::thread::Builder {
    std::thread::Builder::new().name(name.to_owned())
}
