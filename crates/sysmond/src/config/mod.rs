//! What the program runs on: checked types. What the user typed is in the raw types beside them; each default stands here
//! once.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use sysmond_model::HostInfo;

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
    /// Holds `agent.db`.
    pub data_dir: PathBuf,
    /// What the store keeps.
    pub store: sysmond_tsdb::StoreOptions,
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
