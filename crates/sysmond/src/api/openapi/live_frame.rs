//! The messages of `GET /api/live`, described.

use super::{FleetSummary, Series};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One text message of a live connection; `type` tells which.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum LiveFrame {
    Static(StaticFrame),
    History(HistoryFrame),
    Sample(SampleFrame),
    Fleet(FleetFrame),
}

/// The first of a connection for hosts: what was read once of each.
#[derive(ToSchema)]
pub(super) struct StaticFrame {
    /// `static`.
    r#type: String,
    hosts: Vec<StaticHost>,
}

/// A host and what was read once of it, where its agent sent it.
#[derive(ToSchema)]
struct StaticHost {
    hostname: String,
    first_seen: i64,
    last_seen: i64,
    tags: BTreeMap<String, String>,
    version: String,
    platform: String,
    /// `online` or `offline`.
    status: String,
    ip_addresses: Option<Vec<String>>,
    os: Option<String>,
    kernel: Option<String>,
    architecture: Option<String>,
    cpu_model: Option<String>,
    cpu_cores: Option<u32>,
    memory_total_bytes: Option<u64>,
    boot_time: Option<i64>,
    container: Option<String>,
    figures_of: Option<String>,
    unavailable: Option<BTreeMap<String, String>>,
    agent_version: Option<String>,
    interval_seconds: Option<f64>,
}

/// The last five minutes of a host, up to its newest sample, then whatever of its past comes in later.
#[derive(ToSchema)]
pub(super) struct HistoryFrame {
    /// `history`.
    r#type: String,
    host: String,
    series: Vec<Series>,
}

/// The newest row of a host.
#[derive(ToSchema)]
pub(super) struct SampleFrame {
    /// `sample`.
    r#type: String,
    host: String,
    /// Unix seconds, whole or fractional.
    timestamp: f64,
    /// By series: `cpu.total_usage`, `disk.usage_percent{mount=/}`.
    metrics: BTreeMap<String, f64>,
}

/// The fleet, each second, with the hosts that changed; first with all of them.
#[derive(ToSchema)]
pub(super) struct FleetFrame {
    /// `fleet`.
    r#type: String,
    summary: FleetSummary,
    hosts: Vec<FleetHost>,
}

/// A host in the fleet with those of the overview's metrics that it has.
#[derive(ToSchema)]
struct FleetHost {
    hostname: String,
    first_seen: i64,
    last_seen: i64,
    tags: BTreeMap<String, String>,
    version: String,
    platform: String,
    /// `online` or `offline`.
    status: String,
    /// Logical processors; absent where that is not known.
    cpu_cores: Option<u32>,
    /// By series: `cpu.total_usage`, and `disk.usage_percent{mount=/var}` of the fullest file system that can be
    /// written to.
    metrics: BTreeMap<String, f64>,
    /// When the newest of them was read, by the host's clock, Unix seconds; absent where it has none.
    sampled_at: Option<f64>,
}
