//! The whole agent with sources of the test against an aggregator of the test.

use super::testing::{FakeAggregator, LONG, Reply, Seen};
use super::*;
use crate::clock;
use crate::config::Token;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use sysmond_model::catalogue::{CPU_TOTAL_USAGE, LOAD_AVG_1M};
use sysmond_model::{Frame, HostInfo};
use sysmond_procfs::{Lane, Roots, SourceError, Values};
use sysmond_tsdb::{Cursor, StoreOptions};
use tokio::task::JoinHandle;
use tokio::time::timeout;

struct Steady;

impl Source for Steady {
    fn name(&self) -> &'static str {
        "steady"
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        out.put(&CPU_TOTAL_USAGE, "", 12.5);
        Ok(())
    }
}

/// Hangs until the test lets it go.
struct Hanging(std::sync::mpsc::Receiver<()>);

impl Source for Hanging {
    fn name(&self) -> &'static str {
        "hanging"
    }

    fn lane(&self) -> Lane {
        Lane::Storage
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        self.0.recv().ok();
        out.put(&LOAD_AVG_1M, "", 1.0);
        Ok(())
    }
}

fn options() -> StoreOptions {
    StoreOptions {
        retention: sysmond_tsdb::Retention::of_raw(Duration::from_hours(24)),
        max_disk_bytes: 1 << 28,
        queue_limit: 64,
    }
}

fn config(url: &str, folder: &Path, seconds: u64) -> AgentConfig {
    let host = HostInfo { hostname: "web-01".into(), version: "0.5.0".into(), ..HostInfo::default() };
    AgentConfig {
        aggregator: url.to_owned(),
        token: Token::new("a-token-of-the-tests".into()),
        host,
        interval: Duration::from_secs(seconds),
        push_interval: Duration::from_secs(seconds),
        roots: Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() },
        processes: crate::config::ProcessDetail::Names,
        textfile_directory: None,
        data_dir: folder.to_owned(),
        store: options(),
        metrics: None,
        service: crate::systemd::Part::default(),
    }
}

/// An agent that runs.
struct Agent {
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<Arc<Counters>>>,
    folder: tempfile::TempDir,
}

impl Agent {
    fn start(url: &str, seconds: u64, sources: Vec<Box<dyn Source>>) -> Self {
        let (shutdown, folder) = (Shutdown::new(), tempfile::tempdir().unwrap());
        let config = config(url, folder.path(), seconds);
        let task = tokio::spawn(run_with(config, sources, Arc::default(), shutdown.clone()));
        Self { shutdown, task, folder }
    }

    /// Ends it; the counts and the timestamps of the rows in its store.
    async fn stop(self) -> (Arc<Counters>, BTreeSet<i64>) {
        self.shutdown.request();
        let counters = timeout(LONG, self.task).await.expect("it ends").unwrap().unwrap();
        let store = Store::open(&self.folder.path().join(STORE_FILE), options(), clock::now()).unwrap();
        let backlog = store.read_after("web-01", Cursor::default(), 1_000).unwrap();
        let rows = backlog.frames.iter().flat_map(Frame::rows);
        (counters, rows.map(|row| row.timestamp.as_millis() / 1000).collect())
    }
}

fn value(seen: &Seen, metric: &str, tags: &str) -> Option<f64> {
    let samples = seen.body["metrics"].as_array()?;
    let found = samples.iter().find(|sample| sample["metric_type"] == metric && sample["tags"] == tags);
    found.and_then(|sample| sample["value"].as_f64())
}

/// Takes pushes and says that nobody watches, or that somebody does.
fn aggregator(watched: bool) -> impl FnMut(&Seen) -> Option<Reply> + Send {
    move |seen| {
        let is_watch = seen.path.starts_with("/api/agent/watch");
        Some(if is_watch { Reply::json(json!({"watched": watched})) } else { Reply::stored(seen, 0) })
    }
}

#[tokio::test]
async fn the_first_row_comes_at_once_and_does_not_wait_for_the_interval() {
    let mut server = FakeAggregator::start(aggregator(false)).await;
    let agent = Agent::start(&server.url, 3600, vec![Box::new(Steady)]);
    let first = server.next().await;
    assert_eq!(value(&first, "cpu.total_usage", ""), Some(12.5));
    assert_eq!(value(&first, "agent.collector_up", "collector=steady"), Some(1.0));
    assert!(first.has_static() && first.times().len() == 1);
    let (counters, rows) = agent.stop().await;
    assert_eq!(rows, first.times().into_iter().collect());
    assert_eq!((counters.produced.get(), counters.stored.get(), counters.pushed.get()), (3, 3, 3));
}

#[tokio::test]
async fn everything_that_was_read_is_stored_and_pushed_when_the_agent_ends() {
    let mut server = FakeAggregator::start(aggregator(false)).await;
    let agent = Agent::start(&server.url, 1, vec![Box::new(Steady)]);
    let mut pushed = BTreeSet::new();
    let three = async {
        while pushed.len() < 3 {
            pushed.extend(server.next().await.times());
        }
    };
    timeout(LONG, three).await.expect("a row each second");
    let (counters, stored) = agent.stop().await;
    pushed.extend(server.so_far().iter().flat_map(Seen::times));
    assert_eq!(pushed, stored);
    let seconds: Vec<_> = stored.into_iter().collect();
    assert!(seconds.windows(2).all(|pair| pair[1] > pair[0]), "{seconds:?}");
    assert_eq!(counters.produced.get(), counters.stored.get());
    assert_eq!(counters.rows_pushed.get(), counters.rows_produced.get());
}

#[tokio::test]
async fn a_source_that_hangs_is_down_and_the_others_go_on() {
    let (let_go, hangs) = std::sync::mpsc::channel();
    let mut server = FakeAggregator::start(aggregator(false)).await;
    let agent = Agent::start(&server.url, 1, vec![Box::new(Hanging(hangs)), Box::new(Steady)]);
    let up = |seen: &Seen| value(seen, "agent.collector_up", "collector=hanging");
    let first = server.next().await;
    assert_eq!((up(&first), value(&first, "cpu.total_usage", "")), (Some(0.0), Some(12.5)));
    drop(let_go);
    let recovery = async { while up(&server.next().await) != Some(1.0) {} };
    timeout(LONG, recovery).await.expect("it reads again");
    agent.stop().await;
}

#[tokio::test]
async fn while_somebody_watches_each_second_is_read_and_pushed() {
    let mut server = FakeAggregator::start(aggregator(true)).await;
    let agent = Agent::start(&server.url, 3600, vec![Box::new(Steady)]);
    let mut seconds = Vec::new();
    let four = async {
        while seconds.len() < 4 {
            seconds.extend(server.next().await.times());
        }
    };
    timeout(LONG, four).await.expect("a row each second");
    assert!(seconds.windows(2).all(|pair| pair[1] > pair[0]), "{seconds:?}");
    agent.stop().await;
}

#[tokio::test]
async fn a_second_start_goes_on_with_the_same_store() {
    let mut server = FakeAggregator::start(aggregator(false)).await;
    let agent = Agent::start(&server.url, 3600, vec![Box::new(Steady)]);
    let first = server.next().await.times();
    let folder = agent.folder.path().to_owned();
    agent.shutdown.request();
    timeout(LONG, agent.task).await.unwrap().unwrap().unwrap();
    // The first run may have sent its row twice: the end cut off the answer.
    server.so_far();
    let shutdown = Shutdown::new();
    let run =
        run_with(config(&server.url, &folder, 1), vec![Box::new(Steady)], Arc::default(), shutdown.clone());
    let task = tokio::spawn(run);
    let rows = async {
        loop {
            let seen = server.next().await.times();
            if !seen.is_empty() {
                return seen;
            }
        }
    };
    let second = timeout(LONG, rows).await.expect("a row of the second run");
    assert!(second[0] > first[0], "{second:?} comes after {first:?}");
    shutdown.request();
    timeout(LONG, task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn this_hosts_own_sources_give_the_documented_metrics_within_the_first_push() {
    let mut server = FakeAggregator::start(aggregator(false)).await;
    let (shutdown, folder) = (Shutdown::new(), tempfile::tempdir().unwrap());
    let task = tokio::spawn(run(config(&server.url, folder.path(), 3600), shutdown.clone()));
    let first = server.next().await;
    let has = |metric| value(&first, metric, "").is_some();
    for metric in ["cpu.total_usage", "memory.usage_percent", "memory.used_bytes", "load.avg_1m"] {
        assert!(has(metric), "{metric}: {}", first.body);
    }
    assert_eq!(first.body["static"]["agent_version"], "0.5.0");
    assert_ne!(first.body["static"]["kernel"], "");
    shutdown.request();
    timeout(LONG, task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_address_that_is_none_ends_the_start_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let run =
        run_with(config("https://monitor", folder.path(), 1), Vec::new(), Arc::default(), Shutdown::new());
    let error = format!("{:#}", run.await.expect_err("https"));
    assert!(error.contains("https is not supported yet"), "{error}");
}
