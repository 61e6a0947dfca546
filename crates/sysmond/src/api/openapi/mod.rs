//! `GET /api/openapi.json`: the API described for machines.
//!
//! The types here are descriptions, not what is sent: the answers are made from borrowed data. A test holds their
//! fields against real answers.
#![expect(dead_code, reason = "the fields are read by the derive that makes the description")]
#![expect(clippy::struct_field_names, reason = "the fields are those of the JSON")]

mod live_frame;
mod processes;
mod storage;

use super::answer;
use axum::http::StatusCode;
use axum::response::Response;
use live_frame::LiveFrame;
use processes::{ProcessUse, Processes};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use storage::Storage;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{Components, Content, Ref, RefOr, Response as Described};
use utoipa::{Modify, OpenApi, ToSchema};

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
    modifiers(&Everywhere),
    paths(
        dashboard,
        push,
        hosts,
        latest,
        fleet_summary,
        static_data,
        storage,
        history,
        process_history,
        live,
        agent_watch,
        openapi_json,
        healthz,
        readyz,
        own_metrics
    )
)]
struct Description;

/// The answers that every path may give, and the name of each.
const EVERYWHERE: [(&str, &str, &str); 2] = [
    ("405", "MethodNotAllowed", "The path has no such method; `Allow` says which it has"),
    ("421", "Misdirected", "`Host` names no server that this one answers for: see `--allowed-host`"),
];

/// Adds them.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Components::new);
        for (_, name, description) in EVERYWHERE {
            let mut answer = Described::new(description);
            let body = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
            answer.content.insert("application/problem+json".to_owned(), RefOr::T(body));
            components.responses.insert(name.to_owned(), answer.into());
        }
        openapi.paths.paths.values_mut().flat_map(operations).for_each(|operation| {
            for (status, name, _) in EVERYWHERE {
                let answer = RefOr::Ref(Ref::from_response_name(name));
                operation.responses.responses.insert(status.to_owned(), answer);
            }
        });
    }
}

/// The methods that we use.
fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    path.get.iter_mut().chain(&mut path.post)
}

/// A push of one host: an envelope and its samples.
#[derive(ToSchema)]
struct Push {
    hostname: String,
    version: Option<String>,
    platform: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    r#static: Option<StaticInfo>,
    metrics: Vec<Sample>,
    /// What processes took.
    processes: Option<Vec<PushedSnapshot>>,
}

/// The processes that took the most, as an agent saw them.
#[derive(ToSchema)]
struct PushedSnapshot {
    /// Unix seconds, whole or fractional.
    timestamp: f64,
    /// The time that shares and rates are over.
    seconds: f64,
    /// Processes that could be seen.
    total: u32,
    processes: Vec<ProcessUse>,
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
    /// Snapshots of processes that are on disk; absent where there is none.
    snapshots_stored: Option<u64>,
    /// Snapshots of processes that were refused; absent where there is none.
    snapshots_failed: Option<u64>,
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
    /// The kind of container that the agent runs in, such as `docker`; empty on a host.
    container: String,
    /// Whose figures the agent sees: `host`, or `container` where it sees its own alone.
    figures_of: String,
    /// What is not collected and why, by the collector's name.
    unavailable: BTreeMap<String, String>,
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

/// The dashboard: a page for people. Its files are beside it.
#[utoipa::path(get, path = "/", responses((status = 200, body = String, content_type = "text/html"),
    (status = 304, description = "The browser has it already")))]
fn dashboard() {}

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

/// What took the most of a host: the newest snapshot at or before `at`, or the sums of a stretch where `from` or `to`
/// is given.
#[utoipa::path(get, path = "/api/processes",
    params(("host" = String, Query),
        ("at" = Option<f64>, Query, description = "Unix seconds; now where left out"),
        ("from" = Option<f64>, Query, description = "Unix seconds; five minutes before `to` where left out"),
        ("to" = Option<f64>, Query, description = "Unix seconds; now where left out"),
        ("top" = Option<u32>, Query, description = "The first so many by each figure, of a stretch; 10 where left out")),
    responses((status = 200, body = Processes), (status = 400, body = Problem, content_type = "application/problem+json"), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"), (status = 503, body = Problem, content_type = "application/problem+json")))]
fn process_history() {}

/// A WebSocket of live frames: of hosts, or of the fleet where none is named.
#[utoipa::path(get, path = "/api/live", params(("host" = Option<Vec<String>>, Query)),
    responses((status = 101, description = "A WebSocket; each text message is a `LiveFrame`", body = LiveFrame), (status = 403, body = Problem, content_type = "application/problem+json"),
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
