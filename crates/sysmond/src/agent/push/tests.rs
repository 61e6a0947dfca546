use super::*;
use crate::agent::testing::{FakeAggregator, Reply, Seen};
use crate::config::Token;
use std::sync::atomic::{AtomicUsize, Ordering};
use sysmond_model::{Series, Shape, StaticInfo};
use sysmond_tsdb::{Append, StoreOptions};
use tempfile::TempDir;

const TOKEN: &str = "a-token-of-the-tests";

/// An agent's store with its pusher, which can be ended and begun again.
struct Bench {
    folder: TempDir,
    host: HostInfo,
    store: Store,
    push: Push,
    counters: Arc<Counters>,
    contact: watch::Receiver<bool>,
    newest: watch::Sender<Option<Frame>>,
}

fn options() -> StoreOptions {
    StoreOptions {
        retention: sysmond_tsdb::Retention::of_raw(Duration::from_hours(7 * 24)),
        max_disk_bytes: 1 << 28,
        queue_limit: 64,
    }
}

fn host(hostname: &str) -> HostInfo {
    HostInfo {
        hostname: hostname.into(),
        version: "0.5.0".into(),
        platform: "Linux".into(),
        ..HostInfo::default()
    }
}

/// A row of `width` samples at that second.
fn row(seconds: i64, width: usize) -> Frame {
    let series = (0..width).map(|n| Series::new("cpu.core_usage", format!("core={n}")));
    let mut frame = Frame::new(Shape::new(series.collect()));
    frame.push_row(Timestamp::from_seconds(seconds), &vec![0.123_456_789; width]);
    frame
}

impl Bench {
    async fn new(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::open(folder, url, host("web-01")).await
    }

    async fn open(folder: TempDir, url: &str, host: HostInfo) -> Self {
        let store = Store::open(&folder.path().join("agent.db"), options(), clock::now()).unwrap();
        let counters = Arc::<Counters>::default();
        let (contact_sender, contact) = watch::channel(false);
        let (newest, new_row) = watch::channel(None);
        let client = Client::new(url.parse().unwrap(), &Token::new(TOKEN.into()), "0.5.0").unwrap();
        let push = Push::open(Parts {
            store: store.clone(),
            client,
            host: host.clone(),
            interval: Duration::from_secs(10),
            statics: Statics::new(Arc::new(|| (StaticInfo::default(), Vec::new())), Arc::default()),
            counters: Arc::clone(&counters),
            newest: new_row,
            watched: watch::channel(false).1,
            ring: Ring::new(Arc::default()),
            contact: contact_sender,
        });
        let push = push.await;
        Self { folder, host, store, push, counters, contact, newest }
    }

    /// Ends the agent as a crash does, and starts it again.
    async fn restart(self, url: &str) -> Self {
        let host = self.host.clone();
        self.restart_as(url, host).await
    }

    /// The same under another name.
    async fn restart_as(self, url: &str, host: HostInfo) -> Self {
        drop(self.push);
        self.store.close();
        drop(self.store);
        Self::open(self.folder, url, host).await
    }

    fn keep(&self, seconds: std::ops::RangeInclusive<i64>, width: usize) {
        for second in seconds {
            let append = Append {
                host: self.host.clone(),
                static_info: None,
                received: Timestamp::from_seconds(second),
                frame: row(second, width),
                processes: Vec::new(),
            };
            self.store.append_wait(append).unwrap();
        }
    }

    /// Makes the last push as old as the interval.
    fn time_passes(&mut self) {
        let at = self.push.acknowledged.as_mut().expect("something was pushed");
        *at = at.saturating_sub(self.push.parts.interval);
    }

    async fn drain(&mut self) -> Result<(), Duration> {
        self.push.drain(true).await.map_err(|Wait(wait)| wait)
    }
}

fn times(requests: &[Seen]) -> Vec<i64> {
    requests.iter().flat_map(Seen::times).collect()
}

fn is_refused(seen: &Seen, poison: i64) -> bool {
    seen.times().contains(&poison)
}

#[tokio::test]
async fn rows_arrive_once_in_order_and_a_restart_goes_on_where_the_last_run_ended() {
    let mut server = FakeAggregator::start(|seen| Some(Reply::stored(seen, 0))).await;
    let mut bench = Bench::new(&server.url).await;
    bench.keep(1..=300, 2);
    bench.drain().await.unwrap();
    let first = server.so_far();
    assert_eq!(times(&first), (1..=300).collect::<Vec<_>>());
    assert!(first.len() > 1, "300 rows are more than one push");
    assert!(first.iter().all(|seen| seen.path == "/api/metrics" && seen.token == TOKEN));
    assert_eq!((bench.counters.rows_pushed.get(), bench.counters.pushed.get()), (300, 600));

    let mut bench = bench.restart(&server.url).await;
    bench.keep(301..=303, 2);
    bench.drain().await.unwrap();
    assert_eq!(times(&server.so_far()), [301, 302, 303]);
}

#[tokio::test]
async fn a_machine_that_is_renamed_delivers_what_it_stored_under_each_name() {
    let mut server = FakeAggregator::start(|seen| Some(Reply::stored(seen, 0))).await;
    let mut bench = Bench::new(&server.url).await;
    bench.keep(1..=300, 2);
    bench.drain().await.unwrap();
    bench.keep(301..=600, 2);
    server.so_far();

    let mut bench = bench.restart_as(&server.url, host("web-02")).await;
    bench.keep(1001..=1003, 2);
    for _ in 0..5 {
        bench.drain().await.unwrap();
    }
    let seen = server.so_far();
    let of = |hostname: &str| {
        let own = seen.iter().filter(|seen| seen.body["hostname"] == hostname);
        own.flat_map(Seen::times).collect::<Vec<_>>()
    };
    assert_eq!(of("web-02"), [1001, 1002, 1003], "though the other name's place is far behind theirs");
    assert_eq!(of("web-01"), (301..=600).collect::<Vec<_>>(), "what waited, once");
    assert_eq!(bench.counters.rows_pushed.get(), 303);

    let mut bench = bench.restart_as(&server.url, host("web-01")).await;
    bench.keep(1004..=1004, 2);
    bench.drain().await.unwrap();
    assert_eq!(times(&server.so_far()), [1004]);
}

#[tokio::test]
async fn rows_of_an_earlier_name_that_are_refused_hold_no_others_up() {
    let refuses = |seen: &Seen| seen.body["hostname"] == "web-01" && seen.samples() > 0;
    let mut server = FakeAggregator::start(move |seen| {
        Some(if refuses(seen) { Reply::status(422) } else { Reply::stored(seen, 0) })
    })
    .await;
    let bench = Bench::new(&server.url).await;
    bench.keep(1..=3, 2);
    let mut bench = bench.restart_as(&server.url, host("web-02")).await;
    bench.keep(4..=5, 2);
    bench.drain().await.unwrap();
    bench.keep(6..=6, 2);
    bench.drain().await.unwrap();
    let taken: Vec<Seen> = server.so_far().into_iter().filter(|seen| !refuses(seen)).collect();
    assert_eq!(times(&taken), [4, 5, 6]);
    assert!(*bench.contact.borrow());
}

#[tokio::test]
async fn a_heartbeat_is_sent_where_nothing_is_new_and_static_data_only_once() {
    let mut server = FakeAggregator::start(|seen| Some(Reply::stored(seen, 0))).await;
    let mut bench = Bench::new(&server.url).await;
    bench.keep(1..=1, 2);
    bench.drain().await.unwrap();
    bench.drain().await.unwrap();
    bench.time_passes();
    bench.drain().await.unwrap();
    let seen: Vec<_> = server.so_far().iter().map(|seen| (seen.samples(), seen.has_static())).collect();
    assert_eq!(seen, [(2, true), (0, false)], "none directly after the rows, one when its time has come");
    assert!(*bench.contact.borrow());
}

#[tokio::test]
async fn static_data_are_sent_again_where_the_aggregator_has_none() {
    let mut server = FakeAggregator::start(|_| {
        let counts = serde_json::json!({"metrics_received": 0, "metrics_stored": 0, "metrics_failed": 0});
        let mut answer = serde_json::json!({"status": "success", "hostname": "web-01", "timestamp": 1});
        answer.as_object_mut().unwrap().extend(counts.as_object().unwrap().clone());
        answer["static_wanted"] = true.into();
        Some(Reply::json(answer))
    })
    .await;
    let mut bench = Bench::new(&server.url).await;
    bench.drain().await.unwrap();
    bench.time_passes();
    bench.drain().await.unwrap();
    let seen: Vec<_> = server.so_far().iter().map(Seen::has_static).collect();
    assert_eq!(seen, [true, true]);
}

#[tokio::test]
async fn what_is_not_taken_now_is_kept_and_the_wait_is_obeyed() {
    let check = async |reply: fn() -> Option<Reply>, at_least: u64, counts: usize| {
        let answered = AtomicUsize::new(0);
        let mut server = FakeAggregator::start(move |seen| {
            let first = answered.fetch_add(1, Ordering::Relaxed) < counts;
            if first { reply() } else { Some(Reply::stored(seen, 0)) }
        })
        .await;
        let mut bench = Bench::new(&server.url).await;
        bench.keep(1..=3, 2);
        let wait = bench.drain().await.expect_err("nothing was taken");
        assert!(
            wait >= Duration::from_secs(at_least) && wait < Duration::from_secs(at_least + 1),
            "{wait:?}"
        );
        assert!(!*bench.contact.borrow());
        bench.drain().await.unwrap();
        assert!(*bench.contact.borrow());
        let requests = server.so_far();
        assert_eq!(requests.last().unwrap().times(), [1, 2, 3]);
        assert!(requests.last().unwrap().has_static());
    };
    check(|| Some(Reply::status(503).with("retry-after", "7")), 7, 1).await;
    check(|| Some(Reply::status(429).with("retry-after", "2")), 2, 1).await;
    check(|| Some(Reply::status(500)), 0, 1).await;
    check(|| Some(Reply::status(401)), 0, 1).await;
    check(|| Some(Reply::status(404)), 0, 1).await;
    check(|| Some(Reply::json("welcome to this network".into())), 0, 1).await;
    check(|| None, 0, 1).await;
}

#[tokio::test]
async fn an_aggregator_that_is_not_there_costs_nothing_but_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut bench = Bench::new(&url).await;
    bench.keep(1..=3, 2);
    bench.drain().await.expect_err("nobody listens");
    assert_eq!((bench.counters.pushes_failed.get(), bench.counters.pushed.get()), (1, 0));
}

#[tokio::test]
async fn a_poisonous_row_is_found_and_set_aside_and_all_others_arrive() {
    let check = async |status: u16, poison: i64| {
        let mut server = FakeAggregator::start(move |seen| {
            Some(if is_refused(seen, poison) { Reply::status(status) } else { Reply::stored(seen, 0) })
        })
        .await;
        let mut bench = Bench::new(&server.url).await;
        bench.keep(1..=20, 2);
        bench.drain().await.unwrap();
        let mut taken =
            times(&server.so_far().into_iter().filter(|seen| !is_refused(seen, poison)).collect::<Vec<_>>());
        taken.sort_unstable();
        assert_eq!(taken, (1..=20).filter(|&second| second != poison).collect::<Vec<_>>());
        assert_eq!((bench.counters.set_aside.get(), bench.counters.pushed.get()), (2, 38));
        let mut bench = bench.restart(&server.url).await;
        bench.drain().await.unwrap();
        assert_eq!(times(&server.so_far()), [0_i64; 0]);
    };
    check(422, 7).await;
    check(400, 1).await;
    check(413, 20).await;
}

#[tokio::test]
async fn nothing_is_set_aside_where_the_aggregator_refuses_heartbeats_too() {
    let open = Arc::new(AtomicUsize::new(0));
    let gate = Arc::clone(&open);
    let mut server = FakeAggregator::start(move |seen| {
        Some(if gate.load(Ordering::Relaxed) == 0 { Reply::status(400) } else { Reply::stored(seen, 0) })
    })
    .await;
    let mut bench = Bench::new(&server.url).await;
    bench.keep(1..=4, 2);
    for _ in 0..3 {
        bench.drain().await.expect_err("refused");
    }
    server.so_far();
    open.store(1, Ordering::Relaxed);
    bench.drain().await.unwrap();
    assert_eq!(times(&server.so_far()), [1, 2, 3, 4]);
    assert_eq!(bench.counters.set_aside.get(), 0);
}

#[tokio::test]
async fn single_refused_samples_are_counted_and_never_sent_again() {
    let mut server = FakeAggregator::start(|seen| Some(Reply::stored(seen, seen.samples().min(1)))).await;
    let mut bench = Bench::new(&server.url).await;
    bench.keep(1..=3, 2);
    bench.drain().await.unwrap();
    bench.drain().await.unwrap();
    assert_eq!(times(&server.so_far()), [1, 2, 3]);
    assert_eq!((bench.counters.refused.get(), bench.counters.pushed.get()), (1, 5));
}

#[tokio::test]
async fn bodies_stay_below_the_limit_however_wide_rows_are() {
    let mut server = FakeAggregator::start(|seen| Some(Reply::stored(seen, 0))).await;
    let mut bench = Bench::new(&server.url).await;
    bench.keep(1..=16, 1_000);
    bench.drain().await.unwrap();
    let requests = server.so_far();
    assert_eq!(times(&requests), (1..=16).collect::<Vec<_>>());
    assert!(
        requests.iter().all(|seen| seen.bytes <= BATCH_BYTES),
        "{:?}",
        requests.iter().map(|seen| seen.bytes)
    );
}

#[tokio::test]
async fn an_aggregator_below_a_path_is_found() {
    let mut server = FakeAggregator::start(|seen| Some(Reply::stored(seen, 0))).await;
    let mut bench = Bench::new(&format!("{}/sysmon/", server.url)).await;
    bench.drain().await.unwrap();
    assert_eq!(server.next().await.path, "/sysmon/api/metrics");
}

#[tokio::test]
async fn the_newest_row_does_not_wait_behind_a_long_backlog() {
    let mut server = FakeAggregator::start(|seen| Some(Reply::stored(seen, 0))).await;
    let mut bench = Bench::new(&server.url).await;
    let total = i64::try_from(BATCH_ROWS).unwrap() * 2 + 10;
    bench.keep(1..=total, 1);
    bench.push.parts.watched = watch::channel(true).1;
    bench.newest.send_replace(Some(row(total, 1)));
    bench.drain().await.unwrap();
    let requests = server.so_far();
    assert_eq!(requests[1].times(), [total], "the second push is the newest row");
    let mut all = times(&requests);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, (1..=total).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_that_the_store_cannot_take_are_seen_with_the_heartbeat() {
    let mut server = FakeAggregator::start(|seen| Some(Reply::stored(seen, 0))).await;
    let mut bench = Bench::new(&server.url).await;
    bench.newest.send_replace(Some(row(5, 2)));
    bench.drain().await.unwrap();
    bench.time_passes();
    bench.drain().await.unwrap();
    let seen: Vec<_> = server.so_far().iter().map(Seen::times).collect();
    assert_eq!(seen, [vec![5], vec![]]);
}

#[tokio::test]
async fn static_data_that_are_refused_hold_no_row_back() {
    let mut server = FakeAggregator::start(|seen| {
        Some(if seen.has_static() { Reply::status(422) } else { Reply::stored(seen, 0) })
    })
    .await;
    let mut bench = Bench::new(&server.url).await;
    bench.keep(1..=3, 2);
    bench.drain().await.unwrap();
    let seen: Vec<_> = server.so_far().iter().map(|seen| (seen.times().len(), seen.has_static())).collect();
    assert_eq!(seen, [(3, true), (3, false)]);
    assert_eq!((bench.counters.set_aside.get(), bench.counters.pushed.get()), (0, 6));
}
