//! From collection to the agent's own store: a bounded ring of rows between, so that a slow, failing or full disk never
//! delays a reading.

use super::counters::Counters;
use crate::clock;
use crate::shutdown::Shutdown;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use sysmond_model::{Frame, HostInfo};
use sysmond_tsdb::{Append, AppendError, Appended, Store};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::sleep;
use tracing::{debug, info, warn};

/// Rows that wait in memory for the disk: 20 minutes at the usual 2 s.
const RING_ROWS: usize = 600;
/// Cells that wait in memory for the disk, absent ones included: 2 MiB, however wide rows are.
const RING_CELLS: usize = 256 * 1024;
/// Rows of one append once more than one waits: what waited is on disk again in a few commits.
const BATCH_ROWS: usize = 60;
/// Between two attempts while the store takes nothing.
const RETRY: Duration = Duration::from_secs(2);
/// Between two attempts once the end was asked for.
const LAST_RETRY: Duration = Duration::from_millis(100);
/// How long the last rows may take at the end.
const LAST_APPEND: Duration = Duration::from_millis(1500);

/// Rows that are not yet durable, oldest first. The oldest make room for new ones.
pub(super) struct Ring {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Waiting {
    rows: VecDeque<Frame>,
    cells: usize,
    closed: bool,
}

impl Ring {
    /// An empty ring.
    pub(super) fn new(counters: Arc<Counters>) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), arrived: Notify::new(), counters })
    }

    /// Adds a row.
    pub(super) fn put(&self, row: Frame) {
        let mut waiting = self.lock();
        waiting.cells += cells(&row);
        waiting.rows.push_back(row);
        self.trim(&mut waiting);
        drop(waiting);
        self.arrived.notify_one();
    }

    /// No more rows come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// The oldest rows of one shape, at most [`BATCH_ROWS`]; waits for the first. `None` at the end.
    async fn take(&self) -> Option<Vec<Frame>> {
        loop {
            // Made before looking: a row that comes in between wakes it.
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.lock();
                if let Some(batch) = waiting.take() {
                    return Some(batch);
                }
                if waiting.closed {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// The row that came last.
    fn newest(&self) -> Option<Frame> {
        self.lock().rows.back().cloned()
    }

    /// Puts rows back that were taken and not stored; they are the oldest again.
    fn give_back(&self, batch: Vec<Frame>) {
        let mut waiting = self.lock();
        for row in batch.into_iter().rev() {
            waiting.cells += cells(&row);
            waiting.rows.push_front(row);
        }
        self.trim(&mut waiting);
    }

    /// Empties the ring: what is in it is lost.
    fn discard(&self) {
        let rows = std::mem::take(&mut self.lock().rows);
        let samples = rows.iter().map(Frame::sample_count).sum();
        self.counters.dropped_shutdown.add(samples);
    }

    fn trim(&self, waiting: &mut Waiting) {
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
    fn take(&mut self) -> Option<Vec<Frame>> {
        let shape = Arc::clone(self.rows.front()?.shape());
        let alike =
            self.rows.iter().take(BATCH_ROWS).take_while(|row| Arc::ptr_eq(row.shape(), &shape)).count();
        let batch: Vec<Frame> = self.rows.drain(..alike).collect();
        self.cells -= batch.iter().map(cells).sum::<usize>();
        Some(batch)
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
    /// What is counted.
    pub(super) counters: Arc<Counters>,
}

impl Keep {
    /// Stores until the ring is closed and empty; after `shutdown` only for a moment longer.
    pub(super) async fn run(self, shutdown: Shutdown) {
        let mut in_hand = Vec::new();
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

    async fn store_all(&self, in_hand: &mut Vec<Frame>, shutdown: &Shutdown) {
        let mut failing = false;
        while let Some(batch) = self.ring.take().await {
            *in_hand = batch;
            match self.append(merged(in_hand)).await {
                Ok(appended) => {
                    if std::mem::take(&mut failing) {
                        info!("the store takes rows again");
                    }
                    self.count(in_hand, &appended);
                    self.newest.send_replace(in_hand.pop());
                    in_hand.clear();
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        let error = format!("{:#}", anyhow::Error::from(error));
                        warn!(error, "the store takes no rows; collecting goes on in memory");
                    }
                    self.ring.give_back(std::mem::take(in_hand));
                    self.newest.send_replace(self.ring.newest());
                    pause(shutdown).await;
                }
            }
        }
    }

    async fn append(&self, frame: Frame) -> Result<Appended, AppendError> {
        let (done, outcome) = oneshot::channel();
        let append = Append { host: self.host.clone(), static_info: None, received: clock::now(), frame };
        self.store.append(append, move |result| {
            if done.send(result).is_err() {
                debug!("an append ended that nobody waits for");
            }
        })?;
        outcome.await.unwrap_or(Err(AppendError::Closed))
    }

    fn count(&self, batch: &[Frame], appended: &Appended) {
        let samples: usize = batch.iter().map(Frame::sample_count).sum();
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
mod tests {
    use super::*;
    use sysmond_model::{Series, Shape, Timestamp};
    use sysmond_tsdb::StoreOptions;

    fn shape(width: usize) -> Arc<Shape> {
        Shape::new((0..width).map(|n| Series::new(format!("m.{n}"), "")).collect())
    }

    fn row(shape: &Arc<Shape>, seconds: i64) -> Frame {
        let mut frame = Frame::new(Arc::clone(shape));
        frame.push_row(Timestamp::from_seconds(seconds), &vec![1.0; shape.len()]);
        frame
    }

    fn times(batch: &[Frame]) -> Vec<i64> {
        batch.iter().flat_map(Frame::rows).map(|row| row.timestamp.as_seconds()).collect()
    }

    #[tokio::test]
    async fn rows_of_one_shape_leave_together_in_order() {
        let (ring, first, second) = (Ring::new(Arc::default()), shape(2), shape(3));
        for (seconds, shape) in [(1, &first), (2, &first), (3, &second)] {
            ring.put(row(shape, seconds));
        }
        let batch = ring.take().await.unwrap();
        assert_eq!(times(&batch), [1, 2]);
        assert_eq!(times(&[merged(&batch)]), [1, 2]);
        ring.put(row(&second, 4));
        ring.give_back(batch);
        ring.close();
        assert_eq!(times(&ring.take().await.unwrap()), [1, 2]);
        assert_eq!(times(&ring.take().await.unwrap()), [3, 4]);
        assert!(ring.take().await.is_none());
    }

    #[test]
    fn the_oldest_rows_make_room_and_are_counted() {
        let check = |width: usize, rows: i64, kept: usize| {
            let (counters, shape) = (Arc::<Counters>::default(), shape(width));
            let ring = Ring::new(Arc::clone(&counters));
            (0..rows).for_each(|seconds| ring.put(row(&shape, seconds)));
            let waiting = ring.lock();
            assert_eq!(waiting.rows.len(), kept);
            assert_eq!(waiting.rows.back().map(|row| times(std::slice::from_ref(row))), Some(vec![rows - 1]));
            assert_eq!(
                counters.dropped_memory.get(),
                ((usize::try_from(rows).unwrap() - kept) * width) as u64
            );
        };
        check(2, 100, 100);
        check(2, 700, RING_ROWS);
        check(5_000, 100, RING_CELLS / 5_000);
        check(RING_CELLS + 1, 3, 1);
    }

    #[tokio::test]
    async fn rows_that_a_store_does_not_take_are_shown_and_counted_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            retention: sysmond_tsdb::Retention::of_raw(RETRY),
            max_disk_bytes: 1 << 24,
            queue_limit: 4,
        };
        let store = Store::open(&folder.path().join("agent.db"), options, clock::now()).unwrap();
        store.close();
        let (counters, shutdown) = (Arc::<Counters>::default(), Shutdown::new());
        let ring = Ring::new(Arc::clone(&counters));
        let (newest, mut shown) = watch::channel(None);
        let (ring_of_keep, host) = (Arc::clone(&ring), HostInfo::default());
        let keep = Keep { ring: ring_of_keep, store, host, newest, counters: Arc::clone(&counters) };
        let keeping = tokio::spawn(keep.run(shutdown.clone()));
        ring.put(row(&shape(3), 7));
        shown.changed().await.unwrap();
        assert_eq!(times(shown.borrow().as_slice()), [7]);
        ring.put(row(&shape(3), 8));
        ring.close();
        shutdown.request();
        keeping.await.unwrap();
        assert_eq!((counters.stored.get(), counters.dropped_shutdown.get()), (0, 6));
    }

    #[test]
    fn what_is_discarded_is_counted() {
        let counters = Arc::<Counters>::default();
        let ring = Ring::new(Arc::clone(&counters));
        ring.put(row(&shape(3), 1));
        ring.discard();
        assert_eq!(counters.dropped_shutdown.get(), 3);
    }
}
