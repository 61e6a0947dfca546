//! From collection to the agent's own store: a bounded ring of rows between, so that a slow, failing or full disk never
//! delays a reading.
//!
//! Rows wait for each other, so that a disk is written to once in ten seconds rather than once in each: it is what
//! wears cards out, and most of what keeping a row costs. They wait no longer than that, not at all while somebody
//! watches, and are stored before each push.

use super::counters::Counters;
use crate::clock;
use crate::shutdown::Shutdown;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use sysmond_model::{Frame, HostInfo, ProcessReading};
use sysmond_tsdb::{Append, AppendError, Appended, Store};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

/// Rows that wait in memory for the disk: 20 minutes at the usual 2 s.
const RING_ROWS: usize = 600;
/// Cells that wait in memory for the disk, absent ones included: 2 MiB, however wide rows are.
const RING_CELLS: usize = 256 * 1024;
/// Snapshots of processes that wait in memory for the disk: as long as rows, and less than a megabyte.
const RING_SNAPSHOTS: usize = 120;
/// Rows of one append once more than one waits: what waited is on disk again in a few commits.
const BATCH_ROWS: usize = 60;
/// Between two attempts while the store takes nothing.
const RETRY: Duration = Duration::from_secs(2);
/// Between two attempts once the end was asked for.
const LAST_RETRY: Duration = Duration::from_millis(100);
/// How long a row waits for others, that one commit has all of them: what a crash of the machine can take at most.
const HOLD: Duration = Duration::from_secs(10);
/// How long a push waits until what waits here is stored; then it goes without.
const SETTLE: Duration = Duration::from_secs(2);
/// How long the last rows may take at the end.
const LAST_APPEND: Duration = Duration::from_millis(1500);

/// Rows that are not yet durable, oldest first. The oldest make room for new ones.
pub(super) struct Ring {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    /// An attempt to store rows ended.
    tried: Notify,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Waiting {
    rows: VecDeque<Frame>,
    cells: usize,
    processes: VecDeque<ProcessReading>,
    closed: bool,
    /// When the oldest row came; nothing where rows are to be stored at once: the first ones, those that were given
    /// back, and all of them while somebody waits for them.
    since: Option<Instant>,
    /// Whether the next row begins to wait.
    holds: bool,
    attempt: Attempt,
}

/// How it goes with rows that were taken.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Attempt {
    /// All that were taken are stored.
    #[default]
    Done,
    /// Rows were taken, and it is not known yet whether they are stored.
    InHand,
    /// The last attempt failed, and none succeeded since.
    Failing,
}

/// What goes to the store together.
#[derive(Default)]
struct Batch {
    /// Of one shape.
    rows: Vec<Frame>,
    processes: Vec<ProcessReading>,
}

impl Ring {
    /// An empty ring.
    pub(super) fn new(counters: Arc<Counters>) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), arrived: Notify::new(), tried: Notify::new(), counters })
    }

    /// Adds a row, and the snapshot of processes that was made with it.
    pub(super) fn put(&self, row: Frame, processes: Option<ProcessReading>) {
        let mut waiting = self.lock();
        let is_first = waiting.rows.is_empty();
        if is_first {
            waiting.since = waiting.holds.then(Instant::now);
        }
        waiting.processes.extend(processes);
        waiting.cells += cells(&row);
        waiting.rows.push_back(row);
        self.trim(&mut waiting);
        // One that only waits with others wakes nobody.
        let is_news = is_first || waiting.since.is_none() || waiting.rows.len() >= BATCH_ROWS;
        drop(waiting);
        if is_news {
            self.arrived.notify_one();
        }
    }

    /// Has all rows stored that wait, and waits for it, but not for long.
    pub(super) async fn settle(&self) {
        let settled = async {
            loop {
                // Made before looking: an attempt that ends in between wakes it.
                let tried = self.tried.notified();
                if self.hurry() {
                    return;
                }
                tried.await;
            }
        };
        if timeout(SETTLE, settled).await.is_err() {
            debug!("the newest rows are not stored yet");
        }
    }

    /// No row waits for another one any more; whether there is nothing to wait for.
    fn hurry(&self) -> bool {
        let mut waiting = self.lock();
        waiting.since = None;
        let is_settled = match waiting.attempt {
            Attempt::Done => waiting.rows.is_empty(),
            Attempt::InHand => false,
            Attempt::Failing => true,
        };
        drop(waiting);
        if !is_settled {
            self.arrived.notify_one();
        }
        is_settled
    }

    /// An attempt to store what was taken ended.
    fn tried(&self, outcome: Attempt) {
        self.lock().attempt = outcome;
        self.tried.notify_waiters();
    }

    /// No more rows come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// The oldest rows of one shape, at most [`BATCH_ROWS`], with all snapshots of processes; waits for the first, and
    /// for others to come with it unless they are `watched`. `None` at the end.
    async fn take(&self, watched: &watch::Receiver<bool>) -> Option<Batch> {
        let mut watched = watched.clone();
        loop {
            // Made before looking: a row that comes in between wakes it.
            let arrived = self.arrived.notified();
            let wait = {
                let is_watched = *watched.borrow_and_update();
                let mut waiting = self.lock();
                let wait = waiting.hold(is_watched);
                if wait.is_zero() {
                    if let Some(batch) = waiting.take() {
                        return Some(batch);
                    }
                    if waiting.closed {
                        return None;
                    }
                }
                wait
            };
            tokio::select! {
                () = arrived => {}
                () = sleep(wait), if !wait.is_zero() => {}
                Ok(()) = watched.changed() => {}
            }
        }
    }

    /// The row that came last.
    fn newest(&self) -> Option<Frame> {
        self.lock().rows.back().cloned()
    }

    /// Puts rows back that were taken and not stored; they are the oldest again.
    fn give_back(&self, batch: Batch) {
        let mut waiting = self.lock();
        waiting.since = None;
        for row in batch.rows.into_iter().rev() {
            waiting.cells += cells(&row);
            waiting.rows.push_front(row);
        }
        for snapshot in batch.processes.into_iter().rev() {
            waiting.processes.push_front(snapshot);
        }
        self.trim(&mut waiting);
    }

    /// Empties the ring: what is in it is lost.
    fn discard(&self) {
        let Waiting { rows, processes, .. } = std::mem::take(&mut *self.lock());
        self.counters.snapshots_dropped.add(processes.len());
        let samples = rows.iter().map(Frame::sample_count).sum();
        self.counters.dropped_shutdown.add(samples);
    }

    fn trim(&self, waiting: &mut Waiting) {
        let beyond = waiting.processes.len().saturating_sub(RING_SNAPSHOTS);
        waiting.processes.drain(..beyond);
        self.counters.snapshots_dropped.add(beyond);
        while waiting.rows.len() > RING_ROWS || (waiting.cells > RING_CELLS && waiting.rows.len() > 1) {
            let Some(oldest) = waiting.rows.pop_front() else { return };
            waiting.cells -= cells(&oldest);
            self.counters.dropped_memory.add(oldest.sample_count());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Each critical section leaves the ring whole, whatever panicked beside it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// How long the oldest row still waits for others.
    fn hold(&self, is_watched: bool) -> Duration {
        match self.since {
            Some(since) if !is_watched && !self.closed && self.rows.len() < BATCH_ROWS => {
                HOLD.saturating_sub(since.elapsed())
            }
            _ => Duration::ZERO,
        }
    }

    fn take(&mut self) -> Option<Batch> {
        let shape = Arc::clone(self.rows.front()?.shape());
        let alike =
            self.rows.iter().take(BATCH_ROWS).take_while(|row| Arc::ptr_eq(row.shape(), &shape)).count();
        let rows: Vec<Frame> = self.rows.drain(..alike).collect();
        self.cells -= rows.iter().map(cells).sum::<usize>();
        self.holds = true;
        if self.attempt == Attempt::Done {
            self.attempt = Attempt::InHand;
        }
        Some(Batch { rows, processes: self.processes.drain(..).collect() })
    }
}

fn cells(row: &Frame) -> usize {
    row.row_count() * row.shape().len()
}

/// Moves rows from the ring to the store.
pub(super) struct Keep {
    /// Where rows come from.
    pub(super) ring: Arc<Ring>,
    /// Where they go.
    pub(super) store: Store,
    /// The host they are of.
    pub(super) host: HostInfo,
    /// Gets the newest row once it is durable, or could not be made so; closed after the last.
    pub(super) newest: watch::Sender<Option<Frame>>,
    /// Whether somebody watches.
    pub(super) watched: watch::Receiver<bool>,
    /// Told where a row finds no room in the store.
    pub(super) short: Arc<Notify>,
    /// What is counted.
    pub(super) counters: Arc<Counters>,
}

impl Keep {
    /// Stores until the ring is closed and empty; after `shutdown` only for a moment longer.
    pub(super) async fn run(self, shutdown: Shutdown) {
        let mut in_hand = Batch::default();
        tokio::select! {
            () = self.store_all(&mut in_hand, &shutdown) => {}
            () = async { shutdown.requested().await; sleep(LAST_APPEND).await } => {
                warn!("the store did not take the last rows in time");
            }
        }
        // Whether a row in hand was stored after all is not known: it is not counted as kept.
        self.ring.give_back(in_hand);
        self.ring.discard();
    }

    async fn store_all(&self, in_hand: &mut Batch, shutdown: &Shutdown) {
        let mut failing = false;
        while let Some(batch) = self.ring.take(&self.watched).await {
            *in_hand = batch;
            match self.append(merged(&in_hand.rows), in_hand.processes.clone()).await {
                Ok(appended) => {
                    if std::mem::take(&mut failing) {
                        info!("the store takes rows again");
                    }
                    self.count(in_hand, &appended);
                    self.newest.send_replace(std::mem::take(in_hand).rows.pop());
                    self.ring.tried(Attempt::Done);
                }
                Err(error) => {
                    if self.store.is_short() {
                        self.short.notify_one();
                    }
                    if !std::mem::replace(&mut failing, true) {
                        let error = format!("{:#}", anyhow::Error::from(error));
                        warn!(error, "the store takes no rows; collecting goes on in memory");
                    }
                    self.ring.give_back(std::mem::take(in_hand));
                    self.newest.send_replace(self.ring.newest());
                    self.ring.tried(Attempt::Failing);
                    pause(shutdown).await;
                }
            }
        }
    }

    async fn append(&self, frame: Frame, processes: Vec<ProcessReading>) -> Result<Appended, AppendError> {
        let (done, outcome) = oneshot::channel();
        let (host, received) = (self.host.clone(), clock::now());
        let append = Append { host, static_info: None, received, frame, processes };
        self.store.append(append, move |result| {
            if done.send(result).is_err() {
                debug!("an append ended that nobody waits for");
            }
        })?;
        outcome.await.unwrap_or(Err(AppendError::Closed))
    }

    fn count(&self, batch: &Batch, appended: &Appended) {
        let samples: usize = batch.rows.iter().map(Frame::sample_count).sum();
        self.counters.snapshots_stored.add(appended.snapshots);
        self.counters.snapshots_dropped.add(appended.snapshots_refused);
        self.counters.stored.add(appended.stored);
        self.counters.dropped_series.add(samples.saturating_sub(appended.stored));
    }
}

/// Waits before the next attempt: little once the end was asked for.
async fn pause(shutdown: &Shutdown) {
    if shutdown.is_requested() {
        return sleep(LAST_RETRY).await;
    }
    tokio::select! {
        () = sleep(RETRY) => {}
        () = shutdown.requested() => {}
    }
}

/// The rows, all of one shape, as one frame.
fn merged(batch: &[Frame]) -> Frame {
    let mut merged = batch.first().cloned().unwrap_or_default();
    for row in batch.iter().skip(1).flat_map(Frame::rows) {
        merged.push_row(row.timestamp, row.values);
    }
    merged
}

#[cfg(test)]
#[path = "keep_tests.rs"]
mod tests;
