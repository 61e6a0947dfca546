//! `GET /metrics`: what the aggregator measures of itself, as Prometheus text. No label holds a word of a client.

use super::app::App;
use crate::{clock, process};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use sysmond_procfs::Exposition;
use sysmond_tsdb::{Storage, StoreStats};

pub(super) const MEDIA_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    let mut text = Exposition::default();
    process::expose(&mut text);
    fleet(&mut text, &app);
    ingest(&mut text, &app);
    store(&mut text, &app.store().stats());
    let now = clock::now();
    if let Ok(tiers) = app.query(move |store| store.storage(now)).await {
        storage(&mut text, &tiers);
    }
    connections(&mut text, &app);
    ([(CONTENT_TYPE, MEDIA_TYPE)], text.text()).into_response()
}

fn fleet(text: &mut Exposition, app: &App) {
    let summary = app.store().fleet_summary(clock::now(), app.offline_after_ms());
    for (status, count) in [("online", summary.online_hosts), ("offline", summary.offline_hosts)] {
        text.gauge("sysmond_hosts", "Registered hosts", &[("status", status.as_bytes())], count as f64);
    }
}

fn ingest(text: &mut Exposition, app: &App) {
    let counters = &app.parts.counters;
    for (outcome, count) in counters.pushes() {
        let labels = [("outcome", outcome.as_bytes())];
        text.counter("sysmond_pushes_total", "Pushes, by how they ended", &labels, count as f64);
    }
    let received = counters.samples_received.get();
    text.counter("sysmond_samples_received_total", "Samples in readable pushes", &[], received as f64);
    for (code, count) in counters.samples_failed() {
        let labels = [("code", code.as_bytes())];
        text.counter("sysmond_samples_failed_total", "Samples refused, by reason", &labels, count as f64);
    }
}

fn store(text: &mut Exposition, stats: &StoreStats) {
    text.counter(
        "sysmond_samples_stored_total",
        "Samples made durable, repeated ones included",
        &[],
        stats.samples_stored as f64,
    );
    text.counter(
        "sysmond_samples_duplicate_total",
        "Samples that were stored before",
        &[],
        stats.samples_duplicate as f64,
    );
    text.counter(
        "sysmond_samples_dropped_total",
        "Samples removed by age or size",
        &[],
        stats.samples_dropped as f64,
    );
    text.counter("sysmond_store_commits_total", "Transactions of the store", &[], stats.commits as f64);
    text.gauge("sysmond_store_queue_length", "Pushes that wait for the store", &[], stats.queued as f64);
    text.gauge("sysmond_store_disk_bytes", "Size of the store's files", &[], stats.disk_bytes as f64);
    text.counter(
        "sysmond_store_damaged_reads_total",
        "Times that something damaged was met in the store",
        &[],
        stats.damaged as f64,
    );
    text.gauge("sysmond_store_series", "Series of all hosts", &[], stats.series as f64);
}

fn storage(text: &mut Exposition, storage: &Storage) {
    text.gauge("sysmond_store_budget_bytes", "Bound of the store's files", &[], storage.budget_bytes as f64);
    let help = "1 while writes find no room on the disk or within the budget";
    text.gauge("sysmond_store_full", help, &[], f64::from(u8::from(storage.full.is_some())));
    text.gauge("sysmond_store_wal_bytes", "Size of SQLite's own log", &[], storage.wal_bytes as f64);
    text.gauge(
        "sysmond_store_free_bytes",
        "Pages of the store's file that hold nothing",
        &[],
        storage.free_bytes as f64,
    );
    let tiers = [
        ("log", storage.log),
        ("young", storage.young),
        ("blocks", storage.blocks),
        ("minutes", storage.minutes),
        ("ten_minutes", storage.ten_minutes),
        ("processes", storage.processes),
    ];
    for (name, tier) in tiers {
        let labels = [("tier", name.as_bytes())];
        let help = "What each tier of the history takes";
        text.gauge("sysmond_store_tier_bytes", help, &labels, tier.bytes as f64);
        let help = "Samples in each tier, or summarised by it";
        text.gauge("sysmond_store_tier_samples", help, &labels, tier.samples as f64);
    }
    text.gauge(
        "sysmond_store_damaged_files",
        "Damaged databases that were set aside and are still there",
        &[],
        storage.files_set_aside.len() as f64,
    );
    let quarantined = storage.quarantine.count;
    text.counter(
        "sysmond_store_quarantined_total",
        "Damaged pieces of history set aside",
        &[],
        quarantined as f64,
    );
}

fn connections(text: &mut Exposition, app: &App) {
    let connections = &app.parts.connections;
    text.gauge("sysmond_connections", "Open connections, live ones included", &[], connections.open() as f64);
    text.counter(
        "sysmond_connections_accepted_total",
        "Connections accepted",
        &[],
        connections.accepted() as f64,
    );
    text.counter(
        "sysmond_connections_refused_total",
        "Connections turned away at the limit",
        &[],
        connections.refused() as f64,
    );
    text.counter("sysmond_accept_failures_total", "Accepts that failed", &[], connections.failed() as f64);
    let counters = &app.parts.counters;
    text.gauge("sysmond_live_clients", "Open live connections", &[], app.parts.live.clients() as f64);
    let waiting = app.limits.watches - app.watches.available_permits();
    text.gauge(
        "sysmond_agent_watches",
        "Agents that wait to hear whether they are watched",
        &[],
        waiting as f64,
    );
    text.counter(
        "sysmond_live_frames_encoded_total",
        "Live frames made",
        &[],
        counters.frames_encoded.get() as f64,
    );
    text.counter(
        "sysmond_live_frames_sent_total",
        "Live frames sent",
        &[],
        counters.frames_sent.get() as f64,
    );
    let skipped = counters.frames_skipped.get();
    text.counter(
        "sysmond_live_frames_skipped_total",
        "Live frames that slow clients missed",
        &[],
        skipped as f64,
    );
    let slow = counters.clients_too_slow.get();
    text.counter(
        "sysmond_live_clients_too_slow_total",
        "Live clients closed for taking nothing",
        &[],
        slow as f64,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_help_type_and_series() {
        let mut text = Exposition::default();
        text.counter("x_total", "All x", &[("a", b"1")], 2.0);
        text.counter("x_total", "All x", &[("a", b"2")], 3.0);
        text.gauge("y", "One y", &[], 0.5);
        let expected = "# HELP x_total All x\n# TYPE x_total counter\nx_total{a=\"1\"} 2\nx_total{a=\"2\"} 3\n\
                        # HELP y One y\n# TYPE y gauge\ny 0.5\n";
        assert_eq!(text.text(), expected);
    }

    #[test]
    fn the_process_has_memory() {
        assert!(process::resident_bytes().expect("on Linux") > 100_000);
    }
}
