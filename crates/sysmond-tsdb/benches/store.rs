//! What an append costs to the durable answer, and what a day of one series costs to read.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use sysmond_model::{Frame, HostInfo, Series, Shape, Timestamp};
use sysmond_tsdb::{Append, RangeQuery, Retention, Store, StoreOptions, TagMatch};
use tempfile::TempDir;

const SERIES: usize = 60;

fn main() {
    divan::main();
}

fn opened() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let options =
        StoreOptions { retention: Retention::default(), max_disk_bytes: 1 << 34, queue_limit: 1024 };
    let store = Store::open(&folder.path().join("store.db"), options, Timestamp::default()).expect("a store");
    (folder, store)
}

fn delivery(host: usize, first_tick: i64, ticks: i64) -> Append {
    let shape = Shape::new((0..SERIES).map(|n| Series::new("metric", format!("n={n}"))).collect());
    let mut frame = Frame::new(shape);
    for tick in first_tick..first_tick + ticks {
        let values: Vec<f64> =
            (0..SERIES).map(|n| (tick as f64).mul_add(31.0, n as f64 * 17.0) % 1000.0).collect();
        frame.push_row(Timestamp::from_millis(tick * 2000), &values);
    }
    let hostname = format!("host-{host}");
    Append {
        host: HostInfo { hostname, ..HostInfo::default() },
        static_info: None,
        received: Timestamp::from_millis(first_tick * 2000),
        frame,
        processes: Vec::new(),
    }
}

/// 100 hosts push five ticks each, all at once: samples a second of wall time, durable.
#[divan::bench(sample_count = 20)]
fn append_100_hosts(bencher: Bencher<'_, '_>) {
    let (_folder, store) = opened();
    let mut tick = 0;
    bencher
        .counter(ItemsCount::new(100 * 5 * SERIES))
        .with_inputs(|| {
            tick += 5;
            (0..100).map(|host| delivery(host, tick, 5)).collect::<Vec<_>>()
        })
        .bench_local_values(|deliveries| {
            let (done, answered) = std::sync::mpsc::channel();
            for delivery in deliveries {
                let done = done.clone();
                store.append(delivery, move |result| done.send(result).expect("listens")).expect("queued");
            }
            drop(done);
            assert!(answered.iter().all(|result| result.is_ok()));
        });
}

/// A day of one of a host's series into 1000 points.
#[divan::bench(sample_count = 20)]
fn range_of_a_day(bencher: Bencher<'_, '_>) {
    let (_folder, store) = opened();
    for hour in 0..24 {
        store.append_wait(delivery(0, hour * 1800, 1800)).expect("stored");
    }
    let query = RangeQuery {
        host: "host-0".into(),
        metrics: vec!["metric".into()],
        tags: TagMatch::Exactly("n=7".into()),
        from: Timestamp::default(),
        to: Timestamp::from_seconds(86_400),
        points: 1000,
    };
    bencher.bench_local(|| black_box(store.range(&query).expect("known")));
}
