//! A real agent and a real aggregator, with an outage between them.

use crate::stage::{Stage, TOKEN};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use sysmond::clock;
use sysmond::config::{AgentConfig, AggregatorConfig, ProcessDetail, Token};
use sysmond::shutdown::Shutdown;
use sysmond_model::HostInfo;
use sysmond_procfs::Roots;
use sysmond_tsdb::sql::{Database, Value};
use sysmond_tsdb::{QueryError, StoreOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Long enough for any machine and for the longest wait that a few failed pushes earn.
const LONG: Duration = Duration::from_mins(2);
const OFFLINE: Duration = Duration::from_mins(5);

fn store() -> StoreOptions {
    StoreOptions {
        retention: sysmond_tsdb::Retention::of_raw(Duration::from_hours(24)),
        max_disk_bytes: 1 << 28,
        queue_limit: 64,
    }
}

fn token() -> Token {
    Token::new(TOKEN.into())
}

/// A role that runs in this process.
struct Role {
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Role {
    async fn stop(self) {
        self.shutdown.request();
        tokio::time::timeout(LONG, self.task).await.expect("it ends").expect("no panic").expect("no error");
    }
}

async fn aggregator(listen: SocketAddr, folder: &Path) -> (SocketAddr, Role) {
    let listener = TcpListener::bind(listen).await.expect("a free port");
    let listen = listener.local_addr().expect("bound");
    let config = AggregatorConfig {
        listen,
        addr_file: None,
        token: token(),
        allowed_hosts: Vec::new(),
        trusted_proxies: Vec::new(),
        offline_after: OFFLINE,
        data_dir: folder.to_owned(),
        store: store(),
        service: sysmond::systemd::Part::default(),
    };
    let shutdown = Shutdown::new();
    let task = tokio::spawn(sysmond::aggregator::run(listener, config, shutdown.clone()));
    (listen, Role { shutdown, task })
}

fn agent(address: SocketAddr, folder: &Path, interval: Duration) -> Role {
    let config = AgentConfig {
        aggregator: format!("http://{address}"),
        token: token(),
        host: HostInfo {
            hostname: "web-01".into(),
            version: "0.5.0".into(),
            platform: "Linux".into(),
            tags: BTreeMap::from([("role".into(), "web".into())]),
        },
        interval,
        push_interval: interval,
        roots: Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() },
        processes: ProcessDetail::Names,
        textfile_directory: None,
        data_dir: folder.to_owned(),
        store: store(),
        metrics: None,
        service: sysmond::systemd::Part::default(),
    };
    let shutdown = Shutdown::new();
    let task = tokio::spawn(sysmond::agent::run(config, shutdown.clone()));
    Role { shutdown, task }
}

/// The two databases.
struct Files {
    agent: PathBuf,
    aggregator: PathBuf,
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |role: &str| folder.path().join(role).join(format!("{role}.db"));
        Self { agent: file("agent"), aggregator: file("aggregator"), folder }
    }

    fn of(&self, role: &str) -> PathBuf {
        self.folder.path().join(role)
    }
}

fn ask(database: &mut Database, sql: &str) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    let take = |_: &[String], row: &[Value]| {
        rows.push(row.to_vec());
        Ok::<_, QueryError>(())
    };
    database.query(sql, clock::now(), LONG, take).expect("legal SQL");
    rows
}

/// How many rows of samples a store has; none before the store is made.
fn row_count(file: &Path) -> i64 {
    let Ok(mut database) = Database::open(file, OFFLINE) else { return 0 };
    let rows = ask(&mut database, "SELECT count(DISTINCT timestamp) FROM metrics");
    let Some([Value::Integer(count)]) = rows.first().map(Vec::as_slice) else {
        panic!("not a count: {rows:?}")
    };
    *count
}

fn samples(file: &Path) -> Vec<Vec<Value>> {
    let mut database = Database::open(file, OFFLINE).expect("a whole store");
    ask(
        &mut database,
        "SELECT timestamp, host, metric_type, tags, value FROM metrics ORDER BY timestamp, metric_type, tags",
    )
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LONG, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn after_an_outage_of_the_aggregator_every_row_is_there() {
    let files = Files::new();
    let (address, first) = aggregator("127.0.0.1:0".parse().unwrap(), &files.of("aggregator")).await;
    // By this machine's every address and not by loopback, so that pushes are compressed.
    let across = SocketAddr::from(([0, 0, 0, 0], address.port()));
    let agent = agent(across, &files.of("agent"), Duration::from_secs(1));
    until("two rows at the aggregator", || row_count(&files.aggregator) >= 2).await;

    first.stop().await;
    let before = row_count(&files.agent);
    until("three rows of the outage", || row_count(&files.agent) >= before + 3).await;
    let waiting = row_count(&files.agent);
    assert!(row_count(&files.aggregator) < waiting, "the outage was none");

    let (_, second) = aggregator(address, &files.of("aggregator")).await;
    until("the rows of the outage", || row_count(&files.aggregator) >= waiting).await;
    agent.stop().await;
    second.stop().await;

    let (kept, delivered) = (samples(&files.agent), samples(&files.aggregator));
    assert!(kept.len() > 100, "{}", kept.len());
    assert_eq!(kept, delivered);
}

#[tokio::test]
async fn a_watched_agent_streams_each_second_whatever_its_interval() {
    let (stage, files) = (Stage::start().await, Files::new());
    let agent = agent(stage.address, &files.of("agent"), Duration::from_hours(1));
    until("the host at the aggregator", || row_count(&stage.data.path().join("aggregator.db")) > 0).await;
    let mut watcher = stage.live("/api/live?host=web-01").await;
    let mut times = Vec::new();
    while times.len() < 4 {
        let frame = watcher.frame_of("sample").await;
        assert!(frame["metrics"]["cpu.total_usage"].is_number(), "{frame}");
        times.push(frame["timestamp"].as_i64().expect("whole seconds"));
    }
    assert!(times.windows(2).all(|pair| pair[1] > pair[0]), "{times:?}");
    agent.stop().await;
    stage.stop().await;
}
