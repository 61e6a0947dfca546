//! What is known of a host.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an agent says of its host with every push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostInfo {
    /// The host's name, its key everywhere.
    pub hostname: String,
    /// The agent's version.
    pub version: String,
    /// The operating system's kind: `Linux`.
    pub platform: String,
    /// Free-form labels of the host, such as `role: web`.
    pub tags: BTreeMap<String, String>,
}

/// Whether a host was heard of lately, by the server's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostStatus {
    /// Seen within the offline limit.
    Online,
    /// Not seen for longer than that.
    Offline,
}

/// A registered host.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// What its agent said last.
    pub info: HostInfo,
    /// When the server first heard of it, by the server's clock.
    pub first_seen: Timestamp,
    /// When the server last heard of it, by the server's clock.
    pub last_seen: Timestamp,
}

impl Host {
    /// The status at `now`, where `offline_after_ms` milliseconds of silence make a host offline.
    pub fn status(&self, now: Timestamp, offline_after_ms: i64) -> HostStatus {
        if now.as_millis() - self.last_seen.as_millis() < offline_after_ms {
            HostStatus::Online
        } else {
            HostStatus::Offline
        }
    }
}

/// What does not change while a host runs: read once, sent once, and again when it changed.
///
/// The JSON of `GET /api/static`, less `hostname`, which the server adds from the push.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StaticInfo {
    /// Addresses of all interfaces but loopback, IPv4 first.
    pub ip_addresses: Vec<String>,
    /// The distribution's name: `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    /// The kernel's release: `6.1.0-18-amd64`.
    pub kernel: String,
    /// The machine's architecture: `x86_64`.
    pub architecture: String,
    /// The processor's name.
    pub cpu_model: String,
    /// Logical processors.
    pub cpu_cores: u32,
    /// Physical memory, bytes.
    pub memory_total_bytes: u64,
    /// When the kernel started, Unix seconds.
    pub boot_time: i64,
    /// The kind of container that the agent runs in, such as `docker`; empty on a host.
    pub container: String,
    /// Whose figures the agent sees: `host`, also from within a container, or `container` where it sees its own alone.
    pub figures_of: String,
    /// What is not collected and why, by the collector's name: `raid` → `no software RAID: there is no /proc/mdstat`.
    pub unavailable: BTreeMap<String, String>,
    /// The agent's version.
    pub agent_version: String,
    /// Seconds between two readings of the agent.
    pub interval_seconds: f64,
}
