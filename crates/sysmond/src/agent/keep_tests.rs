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

fn watched(is_watched: bool) -> watch::Receiver<bool> {
    watch::channel(is_watched).1
}

fn times(batch: &[Frame]) -> Vec<i64> {
    batch.iter().flat_map(Frame::rows).map(|row| row.timestamp.as_seconds()).collect()
}

#[tokio::test]
async fn rows_of_one_shape_leave_together_in_order() {
    let (ring, first, second) = (Ring::new(Arc::default()), shape(2), shape(3));
    for (seconds, shape) in [(1, &first), (2, &first), (3, &second)] {
        ring.put(row(shape, seconds), Some(ProcessReading::default()));
    }
    let batch = ring.take(&watched(false)).await.unwrap();
    assert_eq!((times(&batch.rows), batch.processes.len()), (vec![1, 2], 3));
    assert_eq!(times(&[merged(&batch.rows)]), [1, 2]);
    ring.put(row(&second, 4), Some(ProcessReading::default()));
    ring.give_back(batch);
    ring.close();
    let batch = ring.take(&watched(false)).await.unwrap();
    assert_eq!((times(&batch.rows), batch.processes.len()), (vec![1, 2], 4));
    assert_eq!(times(&ring.take(&watched(false)).await.unwrap().rows), [3, 4]);
    assert!(ring.take(&watched(false)).await.is_none());
}

/// Whether rows wait for others, unless somebody watches.
fn holds(ring: &Ring) -> bool {
    assert_eq!(ring.lock().hold(true), Duration::ZERO);
    let hold = ring.lock().hold(false);
    assert!(hold <= HOLD);
    !hold.is_zero()
}

#[tokio::test]
async fn all_but_the_first_rows_wait_for_others_and_not_for_more_than_fit() {
    let (ring, shape) = (Ring::new(Arc::default()), shape(2));
    ring.put(row(&shape, 0), None);
    assert!(!holds(&ring), "a page waits for it");
    drop(ring.take(&watched(false)).await);
    (1..60).for_each(|second| ring.put(row(&shape, second), None));
    assert!(holds(&ring));
    ring.put(row(&shape, 60), None);
    assert!(!holds(&ring), "a whole batch");
    assert_eq!(ring.take(&watched(false)).await.unwrap().rows.len(), BATCH_ROWS);
    ring.put(row(&shape, 61), None);
    assert!(holds(&ring));
    ring.close();
    assert!(!holds(&ring), "the end");
}

#[tokio::test]
async fn a_push_has_all_rows_stored_and_waits_for_no_broken_disk() {
    let (ring, shape) = (Ring::new(Arc::default()), shape(2));
    assert!(ring.hurry(), "there is nothing to wait for");
    ring.put(row(&shape, 1), None);
    drop(ring.take(&watched(false)).await);
    assert!(!ring.hurry(), "a row is on its way");
    ring.tried(Attempt::Done);
    ring.put(row(&shape, 2), None);
    assert!(holds(&ring));
    assert!(!ring.hurry() && !holds(&ring));
    let batch = ring.take(&watched(false)).await.unwrap();
    ring.give_back(batch);
    ring.tried(Attempt::Failing);
    assert!(ring.hurry() && !holds(&ring), "it is tried again, and not waited for");
}

#[tokio::test]
async fn a_push_waits_until_the_rows_are_stored() {
    let (ring, shape) = (Ring::new(Arc::default()), shape(2));
    for second in 1..4 {
        ring.put(row(&shape, second), None);
        let stored = async {
            let batch = ring.take(&watched(false)).await;
            ring.tried(Attempt::Done);
            batch.unwrap()
        };
        let ((), batch) = tokio::join!(ring.settle(), stored);
        assert_eq!(times(&batch.rows), [second]);
    }
}

#[test]
fn the_oldest_rows_make_room_and_are_counted() {
    let check = |width: usize, rows: i64, kept: usize| {
        let (counters, shape) = (Arc::<Counters>::default(), shape(width));
        let ring = Ring::new(Arc::clone(&counters));
        (0..rows).for_each(|seconds| ring.put(row(&shape, seconds), Some(ProcessReading::default())));
        let waiting = ring.lock();
        assert_eq!(waiting.rows.len(), kept);
        assert!(waiting.processes.len() <= RING_SNAPSHOTS);
        assert_eq!(waiting.rows.back().map(|row| times(std::slice::from_ref(row))), Some(vec![rows - 1]));
        assert_eq!(counters.dropped_memory.get(), ((usize::try_from(rows).unwrap() - kept) * width) as u64);
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
    let keep = Keep {
        ring: ring_of_keep,
        store,
        host,
        newest,
        watched: watched(false),
        short: Arc::default(),
        counters: Arc::clone(&counters),
    };
    let keeping = tokio::spawn(keep.run(shutdown.clone()));
    ring.put(row(&shape(3), 7), None);
    shown.changed().await.unwrap();
    assert_eq!(times(shown.borrow().as_slice()), [7]);
    ring.put(row(&shape(3), 8), Some(ProcessReading::default()));
    ring.close();
    shutdown.request();
    keeping.await.unwrap();
    assert_eq!((counters.stored.get(), counters.dropped_shutdown.get()), (0, 6));
    assert_eq!(counters.snapshots_dropped.get(), 1);
}

#[test]
fn what_is_discarded_is_counted() {
    let counters = Arc::<Counters>::default();
    let ring = Ring::new(Arc::clone(&counters));
    ring.put(row(&shape(3), 1), None);
    ring.discard();
    assert_eq!(counters.dropped_shutdown.get(), 3);
}
