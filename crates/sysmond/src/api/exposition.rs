//! `GET /metrics`: what the aggregator measures of itself, as Prometheus text. No label holds a word of a client.

use super::app::App;
use crate::{clock, process};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use std::fmt::{Display, Write as _};
use std::sync::Arc;
use sysmond_tsdb::{Storage, StoreStats, TierStorage};

pub(super) const MEDIA_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    let mut text = Exposition::default();
    text.one("sysmond_build_info", "gauge", "The program's version", BUILD, 1);
    own(&mut text);
    fleet(&mut text, &app);
    ingest(&mut text, &app);
    store(&mut text, &app.store().stats());
    let now = clock::now();
    if let Ok(tiers) = app.query(move |store| store.storage(now)).await {
        storage(&mut text, &tiers);
    }
    connections(&mut text, &app);
    ([(CONTENT_TYPE, MEDIA_TYPE)], text.0).into_response()
}

const BUILD: &str = concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}");

/// The text as it grows.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    /// A metric of one series, with `labels` in braces or none.
    fn one(&mut self, name: &str, kind: &str, help: &str, labels: &str, value: impl Display) {
        self.many(name, kind, help, [(labels, value)]);
    }

    /// A metric of several series.
    fn many<L: Display, V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, V)>,
    ) {
        // Writing to a String never fails.
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
        for (labels, value) in series {
            writeln!(self.0, "{name}{labels} {value}").ok();
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.one(name, "gauge", help, "", value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.one(name, "counter", help, "", value);
    }
}

fn own(text: &mut Exposition) {
    let seconds = process::cpu_seconds();
    text.counter("sysmond_process_cpu_seconds_total", "Processor time of this process", seconds);
    if let Some(bytes) = process::resident_bytes() {
        text.gauge("sysmond_process_resident_memory_bytes", "Memory of this process", bytes);
    }
}

fn fleet(text: &mut Exposition, app: &App) {
    let summary = app.store().fleet_summary(clock::now(), app.offline_after_ms());
    let hosts =
        [("{status=\"online\"}", summary.online_hosts), ("{status=\"offline\"}", summary.offline_hosts)];
    text.many("sysmond_hosts", "gauge", "Registered hosts", hosts);
}

fn ingest(text: &mut Exposition, app: &App) {
    let counters = &app.parts.counters;
    let pushes = counters.pushes().map(|(outcome, count)| (format!("{{outcome=\"{outcome}\"}}"), count));
    text.many("sysmond_pushes_total", "counter", "Pushes, by how they ended", pushes);
    let received = counters.samples_received.get();
    text.counter("sysmond_samples_received_total", "Samples in readable pushes", received);
    text.counter("sysmond_samples_failed_total", "Samples refused", counters.samples_failed.get());
}

fn store(text: &mut Exposition, stats: &StoreStats) {
    text.counter(
        "sysmond_samples_stored_total",
        "Samples made durable, repeated ones included",
        stats.samples_stored,
    );
    text.counter(
        "sysmond_samples_duplicate_total",
        "Samples that were stored before",
        stats.samples_duplicate,
    );
    text.counter("sysmond_samples_dropped_total", "Samples removed by age or size", stats.samples_dropped);
    text.counter("sysmond_store_commits_total", "Transactions of the store", stats.commits);
    text.gauge("sysmond_store_queue_length", "Pushes that wait for the store", stats.queued);
    text.gauge("sysmond_store_disk_bytes", "Size of the store's files", stats.disk_bytes);
    text.counter(
        "sysmond_store_damaged_reads_total",
        "Times that something damaged was met in the store",
        stats.damaged,
    );
    text.gauge("sysmond_store_series", "Series of all hosts", stats.series);
}

fn storage(text: &mut Exposition, storage: &Storage) {
    text.gauge("sysmond_store_budget_bytes", "Bound of the store's files", storage.budget_bytes);
    text.gauge("sysmond_store_wal_bytes", "Size of SQLite's own log", storage.wal_bytes);
    text.gauge("sysmond_store_free_bytes", "Pages of the store's file that hold nothing", storage.free_bytes);
    let tiers = [
        ("log", storage.log),
        ("young", storage.young),
        ("blocks", storage.blocks),
        ("minutes", storage.minutes),
        ("ten_minutes", storage.ten_minutes),
        ("processes", storage.processes),
    ];
    let labelled = |of: fn(&TierStorage) -> u64| {
        tiers.iter().map(move |(name, tier)| (format!("{{tier=\"{name}\"}}"), of(tier))).collect::<Vec<_>>()
    };
    let bytes = labelled(|tier| tier.bytes);
    text.many("sysmond_store_tier_bytes", "gauge", "What each tier of the history takes", bytes);
    let samples = labelled(|tier| tier.samples);
    text.many("sysmond_store_tier_samples", "gauge", "Samples in each tier, or summarised by it", samples);
    let quarantined = storage.quarantine.count;
    text.counter("sysmond_store_quarantined_total", "Damaged pieces of history set aside", quarantined);
}

fn connections(text: &mut Exposition, app: &App) {
    let connections = &app.parts.connections;
    text.gauge("sysmond_connections", "Open connections, live ones included", connections.open());
    text.counter("sysmond_connections_accepted_total", "Connections accepted", connections.accepted());
    text.counter(
        "sysmond_connections_refused_total",
        "Connections turned away at the limit",
        connections.refused(),
    );
    text.counter("sysmond_accept_failures_total", "Accepts that failed", connections.failed());
    let counters = &app.parts.counters;
    text.gauge("sysmond_live_clients", "Open live connections", app.parts.live.clients());
    let waiting = app.limits.watches - app.watches.available_permits();
    text.gauge("sysmond_agent_watches", "Agents that wait to hear whether they are watched", waiting);
    text.counter("sysmond_live_frames_encoded_total", "Live frames made", counters.frames_encoded.get());
    text.counter("sysmond_live_frames_sent_total", "Live frames sent", counters.frames_sent.get());
    let skipped = counters.frames_skipped.get();
    text.counter("sysmond_live_frames_skipped_total", "Live frames that slow clients missed", skipped);
    let slow = counters.clients_too_slow.get();
    text.counter("sysmond_live_clients_too_slow_total", "Live clients closed for taking nothing", slow);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_help_type_and_series() {
        let mut text = Exposition::default();
        text.many("x_total", "counter", "All x", [("{a=\"1\"}", 2), ("{a=\"2\"}", 3)]);
        text.gauge("y", "One y", 0.5);
        let expected = "# HELP x_total All x\n# TYPE x_total counter\nx_total{a=\"1\"} 2\nx_total{a=\"2\"} 3\n\
                        # HELP y One y\n# TYPE y gauge\ny 0.5\n";
        assert_eq!(text.0, expected);
    }

    #[test]
    fn the_process_has_memory() {
        assert!(process::resident_bytes().expect("on Linux") > 100_000);
    }
}
