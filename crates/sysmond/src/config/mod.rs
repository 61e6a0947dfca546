//! What the program runs on: checked types. What the user typed is in [`given`], and each setting with its
//! default stands once in the table of [`keys`].

pub mod data_dir;
pub mod docs;
pub mod environment;
pub mod file;
pub mod given;
pub mod keys;
pub mod misspelt;
pub mod problem;
pub mod settings;
pub mod token;
pub mod values;

pub use environment::Environment;
pub use keys::Role;
pub use problem::ConfigErrors;
pub use settings::{Settings, Sources, loopback_of};

use crate::systemd::Part;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use sysmond_model::HostInfo;
use tracing_subscriber::filter::LevelFilter;
use values::ValueError;

/// Appends that may wait for a store's writer: at a commit in some milliseconds, a second or two of the
/// busiest fleet.
pub const QUEUE_LIMIT: usize = 1024;
/// Rotated files of one log: more is an archive, which is not a log's task.
pub const MAX_LOG_FILES: usize = 1000;

/// The agent's settings.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Base address of the aggregator: `http://HOST:PORT`, with a path where a proxy serves it below one.
    pub aggregator: String,
    /// The secret of `X-SysMon-Token`.
    pub token: Token,
    /// Name, version, platform and tags of this host.
    pub host: HostInfo,
    /// Between two readings.
    pub interval: Duration,
    /// Between two pushes while nobody watches.
    pub push_interval: Duration,
    /// Where the host's file systems are.
    pub roots: sysmond_procfs::Roots,
    /// What is told of processes.
    pub processes: ProcessDetail,
    /// Where scripts leave their own metrics.
    pub textfile_directory: Option<PathBuf>,
    /// Holds `agent.db`.
    pub data_dir: PathBuf,
    /// What the store keeps.
    pub store: sysmond_tsdb::StoreOptions,
    /// What Prometheus is served; nothing unless somebody asked for it.
    pub metrics: Option<MetricsConfig>,
    /// Who is told that this part is ready, alive and ending.
    pub service: Part,
}

/// The settings of the agent's listener for Prometheus.
#[derive(Clone, Debug)]
pub struct MetricsConfig {
    /// Where to listen, and who said so.
    pub listen: (SocketAddr, given::Origin),
    /// Names beside IP addresses, `localhost` and this machine's own that requests may be for.
    pub allowed_hosts: Vec<String>,
}

/// What an agent tells of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessDetail {
    /// How many there are, and nothing of any one.
    Off,
    /// The names of their programs.
    Names,
    /// Their command lines too, with secrets masked.
    Commands,
}

impl ProcessDetail {
    fn parse(text: &str) -> Result<Self, ValueError> {
        match text {
            "off" => Ok(Self::Off),
            "names" => Ok(Self::Names),
            "commands" => Ok(Self::Commands),
            _ => Err(ValueError::Not {
                what: "what is told of processes",
                right: "one of off, names and commands",
            }),
        }
    }
}

/// The aggregator's settings. The bound socket is given to `run` beside it.
#[derive(Clone, Debug)]
pub struct AggregatorConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to write the bound address once requests are served.
    pub addr_file: Option<PathBuf>,
    /// The secret that agents show.
    pub token: Token,
    /// Names beside IP addresses, `localhost` and this machine's own that requests may be for.
    pub allowed_hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Silence that makes a host offline.
    pub offline_after: Duration,
    /// Holds `aggregator.db`.
    pub data_dir: PathBuf,
    /// What the store keeps.
    pub store: sysmond_tsdb::StoreOptions,
    /// Who is told that this part is ready, alive and ending.
    pub service: Part,
}

/// The log's settings.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Least level of all modules that `levels` does not name.
    pub level: LevelFilter,
    /// Levels of single modules.
    pub levels: BTreeMap<String, LevelFilter>,
    /// How a line is written.
    pub format: LogFormat,
    /// The error log's file; standard error where there is none.
    pub file: Option<PathBuf>,
    /// The access log's file.
    pub access_file: Option<PathBuf>,
    /// Size at which a file is rotated, bytes.
    pub max_size: u64,
    /// Age of the first line at which a file is rotated.
    pub max_age: Duration,
    /// Rotated files kept of each log.
    pub keep: usize,
    /// Whether a terminal may get colours.
    pub color: bool,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    fn parse(text: &str) -> Result<Self, ValueError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(ValueError::Not { what: "a log format", right: "text or json" }),
        }
    }
}

/// A secret: never printed, compared in constant time.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes a secret that was checked already.
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The secret itself, for the header of a push.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `given` is this secret; takes the same time whatever differs.
    pub fn matches(&self, given: &[u8]) -> bool {
        use sha2::{Digest, Sha256};
        use subtle::ConstantTimeEq;
        Sha256::digest(self.0.as_bytes()).ct_eq(&Sha256::digest(given)).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}
