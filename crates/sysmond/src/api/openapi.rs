//! `GET /api/openapi.json`: the API described for machines.
//!
//! The types here are descriptions, not what is sent: the answers are made from borrowed data. A test holds their
//! fields against real answers.
#![expect(dead_code, reason = "the fields are read by the derive that makes the description")]
#![expect(clippy::struct_field_names, reason = "the fields are those of the JSON")]

use super::answer;
use axum::http::StatusCode;
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::{OpenApi, ToSchema};

static TEXT: LazyLock<String> = LazyLock::new(|| Description::openapi().to_json().unwrap_or_default());

/// The description as JSON.
pub(super) fn text() -> &'static str {
    &TEXT
}

pub(super) async fn show() -> Response {
    answer::raw(StatusCode::OK, text())
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "sysmon aggregator",
        description = "Metrics of many hosts: pushed by agents, asked for by dashboards"
    ),
    paths(
        push,
        hosts,
        latest,
        fleet_summary,
        static_data,
        storage,
        history,
        live,
        agent_watch,
        openapi_json,
        healthz,
        readyz,
        own_metrics
    )
)]
struct Description;

/// A push of one host: an envelope and its samples.
#[derive(ToSchema)]
struct Push {
    hostname: String,
    version: Option<String>,
    platform: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    r#static: Option<StaticInfo>,
    metrics: Vec<Sample>,
}

/// One value of one series.
#[derive(ToSchema)]
struct Sample {
    /// Unix seconds, whole or fractional.
    timestamp: f64,
    metric_type: String,
    value: f64,
    /// `key=value` pairs joined by commas, or empty.
    tags: String,
}

/// What became of a push. What is counted as stored is on disk.
#[derive(ToSchema)]
struct PushAnswer {
    /// `success`, `partial` or `error`.
    status: String,
    hostname: String,
    metrics_received: u64,
    metrics_stored: u64,
    metrics_failed: u64,
    /// The first refused samples; absent where there is none.
    errors: Option<Vec<SampleError>>,
    /// `true` where the server wants the host's static data; absent otherwise.
    static_wanted: Option<bool>,
    timestamp: i64,
}

/// Why a sample was refused.
#[derive(ToSchema)]
struct SampleError {
    /// Its place in `metrics`, from 0.
    index: u64,
    metric_type: String,
    /// `bad_sample`, `bad_timestamp`, `bad_value`, `bad_metric_type`, `bad_tags`, `too_new`, `too_old` or
    /// `too_many_series`.
    code: String,
    detail: String,
}

/// All hosts.
#[derive(ToSchema)]
struct Hosts {
    hosts: Vec<Host>,
    count: u64,
    timestamp: i64,
}

/// A registered host.
#[derive(ToSchema)]
struct Host {
    hostname: String,
    first_seen: i64,
    last_seen: i64,
    tags: BTreeMap<String, String>,
    version: String,
    platform: String,
    /// `online` or `offline`.
    status: String,
}

/// The newest values of a host.
#[derive(ToSchema)]
struct Latest {
    metrics: Vec<LatestSample>,
    count: u64,
    timestamp: i64,
}

/// The newest value of a series.
#[derive(ToSchema)]
struct LatestSample {
    timestamp: f64,
    metric_type: String,
    host: String,
    tags: String,
    value: f64,
}

/// The fleet in figures.
#[derive(ToSchema)]
struct FleetSummary {
    total_hosts: u64,
    online_hosts: u64,
    offline_hosts: u64,
    avg_cpu_usage: f64,
    total_memory_used: u64,
    timestamp: i64,
}

/// What is read once of a host, as its agent sends it.
#[derive(ToSchema)]
struct StaticInfo {
    ip_addresses: Vec<String>,
    os: String,
    kernel: String,
    architecture: String,
    cpu_model: String,
    cpu_cores: u32,
    memory_total_bytes: u64,
    boot_time: i64,
    agent_version: String,
    interval_seconds: f64,
}

/// What is read once of a host.
#[derive(ToSchema)]
struct StaticData {
    hostname: String,
    #[schema(inline)]
    #[serde(flatten)]
    info: StaticInfo,
}

/// A stretch of one series. Several hosts or metrics, or `tags=*`, give `{"series":[…]}` of these.
#[derive(ToSchema)]
struct Series {
    host: String,
    metric: String,
    tags: String,
    unit: String,
    resolution_seconds: f64,
    from: f64,
    to: f64,
    /// `[timestamp, min, avg, max]`.
    points: Vec<Vec<f64>>,
}

/// What the history takes on disk, for how long it will last, and what of it was lost. Sizes are bytes.
#[derive(ToSchema)]
struct Storage {
    /// The bound of `disk_bytes`.
    budget_bytes: u64,
    /// The file and SQLite's own log.
    disk_bytes: u64,
    file_bytes: u64,
    wal_bytes: u64,
    /// Pages of the file that will be used again.
    free_bytes: u64,
    /// Indexes, names, hosts, the rest of pages.
    other_bytes: u64,
    tiers: StorageTiers,
    /// Samples that are kept one by one.
    samples: u64,
    /// What each of them takes; `null` where there is none.
    bytes_per_sample: Option<f64>,
    /// How far back they reach.
    history_days: f64,
    /// `null` in the first minute.
    forecast: Option<StorageForecast>,
    quarantine: StorageQuarantine,
    /// Since the start, each time that something damaged was met.
    damaged_reads: u64,
    /// The damaged database that was kept beside the present one; `null` where none was since the start.
    damaged_file: Option<String>,
    timestamp: i64,
}

/// The tiers, from the newest samples to the oldest summaries.
#[derive(ToSchema)]
struct StorageTiers {
    /// Acknowledged and in no block yet.
    log: StorageTier,
    /// In blocks of some minutes.
    young: StorageTier,
    /// In blocks of an hour.
    blocks: StorageTier,
    /// Minima, maxima and averages by minutes.
    minutes: StorageTier,
    /// The same by ten minutes.
    ten_minutes: StorageTier,
}

/// One tier.
#[derive(ToSchema)]
struct StorageTier {
    bytes: u64,
    /// In it, or summarised by it.
    samples: u64,
    /// `null` where there is none.
    bytes_per_sample: Option<f64>,
    /// The hour or day that it begins with; `null` where it is empty.
    oldest: Option<f64>,
    retention_seconds: u64,
}

/// What comes if the fleet goes on as in the last day.
#[derive(ToSchema)]
struct StorageForecast {
    samples_per_day: f64,
    /// What all tiers together grow by, before anything goes.
    bytes_per_day: f64,
    /// `null` where age keeps the store below its budget.
    budget_reached: Option<i64>,
    /// Days of samples that will be kept in the long run.
    raw_days: f64,
    minutes_days: f64,
    ten_minutes_days: f64,
}

/// What could not be read and was set aside.
#[derive(ToSchema)]
struct StorageQuarantine {
    /// Pieces in the file's life.
    count: u64,
    /// Pieces that are still kept.
    kept: u64,
    bytes: u64,
    /// The newest of them, newest first.
    newest: Vec<QuarantinedPiece>,
}

/// A damaged piece of history.
#[derive(ToSchema)]
struct QuarantinedPiece {
    /// `log`, `young`, `block` or `rollup`.
    origin: String,
    /// `null` where that is not known.
    host: Option<String>,
    /// `null` where that is not known.
    from: Option<f64>,
    /// `null` where that is not known.
    to: Option<f64>,
    reason: String,
    bytes: u64,
    set_aside: i64,
}

/// Whether somebody watches a host.
#[derive(ToSchema)]
struct WatchAnswer {
    watched: bool,
}

/// The process answers.
#[derive(ToSchema)]
struct Health {
    status: String,
}

/// The state of the server.
#[derive(ToSchema)]
struct Readiness {
    status: String,
    /// What somebody should look at; absent where there is nothing.
    warnings: Option<Vec<String>>,
}

/// An error, as RFC 9457 has it.
#[derive(ToSchema)]
struct Problem {
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    /// A stable word.
    code: String,
}

/// Stores samples of one host; answered when they are on disk.
#[utoipa::path(post, path = "/api/metrics", request_body = Push,
    params(("X-SysMon-Token" = String, Header), ("Content-Encoding" = Option<String>, Header, description = "gzip or zstd")),
    responses((status = 200, body = PushAnswer), (status = 400, body = Problem, content_type = "application/problem+json"), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 408, body = Problem, content_type = "application/problem+json"), (status = 413, body = Problem, content_type = "application/problem+json"), (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The envelope is wrong, or every sample was refused", body = PushAnswer),
        (status = 429, body = Problem, content_type = "application/problem+json"), (status = 503, body = Problem, content_type = "application/problem+json"), (status = 507, body = Problem, content_type = "application/problem+json")))]
fn push() {}

/// All hosts.
#[utoipa::path(get, path = "/api/hosts", responses((status = 200, body = Hosts)))]
fn hosts() {}

/// The newest value of each series of a host.
#[utoipa::path(get, path = "/api/latest", params(("host" = String, Query)),
    responses((status = 200, body = Latest), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")))]
fn latest() {}

/// The fleet in figures.
#[utoipa::path(get, path = "/api/fleet/summary", responses((status = 200, body = FleetSummary)))]
fn fleet_summary() {}

/// What is read once of a host.
#[utoipa::path(get, path = "/api/static", params(("host" = String, Query)),
    responses((status = 200, body = StaticData), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")))]
fn static_data() {}

/// What the history takes on disk, and for how long it will last.
#[utoipa::path(get, path = "/api/storage", responses((status = 200, body = Storage), (status = 503, body = Problem, content_type = "application/problem+json")))]
fn storage() {}

/// Stretches of series, in at most `points` points each. A metric that nobody ever sent and the catalogue does not name
/// is a 404; one that the host does not have has no points.
#[utoipa::path(get, path = "/api/history",
    params(("host" = Vec<String>, Query), ("metric" = Vec<String>, Query),
        ("tags" = Option<String>, Query, description = "One set of tags, `*` for all; none where left out"),
        ("from" = Option<f64>, Query, description = "Unix seconds; five minutes before `to` where left out"),
        ("to" = Option<f64>, Query, description = "Unix seconds; now where left out"),
        ("points" = Option<u32>, Query, description = "300 where left out")),
    responses((status = 200, body = Series), (status = 400, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"), (status = 503, body = Problem, content_type = "application/problem+json")))]
fn history() {}

/// A WebSocket of live frames: of hosts, or of the fleet where none is named.
#[utoipa::path(get, path = "/api/live", params(("host" = Option<Vec<String>>, Query)),
    responses((status = 101, description = "Frames as JSON text"), (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"), (status = 426, body = Problem, content_type = "application/problem+json"), (status = 503, body = Problem, content_type = "application/problem+json")))]
fn live() {}

/// Waits until a host is watched or not, other than `watched`.
#[utoipa::path(get, path = "/api/agent/watch",
    params(("X-SysMon-Token" = String, Header), ("host" = String, Query), ("watched" = Option<bool>, Query)),
    responses((status = 200, body = WatchAnswer), (status = 401, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json")))]
fn agent_watch() {}

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, description = "OpenAPI")))]
fn openapi_json() {}

/// The process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Health)))]
fn healthz() {}

/// The server takes requests.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = Readiness), (status = 503, body = Problem, content_type = "application/problem+json")))]
fn readyz() {}

/// What the server measures of itself, as Prometheus text.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
fn own_metrics() {}
