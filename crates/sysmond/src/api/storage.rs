//! `GET /api/storage`: what the history takes on disk, for how long it will last, and what of it was lost.

use super::answer;
use super::app::App;
use super::problem::Problem;
use crate::aggregator::views::whole_seconds;
use crate::{clock, room};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::Timestamp;
use sysmond_tsdb::{Full, Quarantine, Storage, TierStorage};

#[derive(Serialize)]
struct Answer {
    budget_bytes: u64,
    disk_bytes: u64,
    file_bytes: u64,
    wal_bytes: u64,
    free_bytes: u64,
    other_bytes: u64,
    tiers: Tiers,
    samples: u64,
    bytes_per_sample: Option<f64>,
    history_days: f64,
    forecast: Option<Forecast>,
    full: Option<FullStore>,
    quarantine: Quarantined,
    damaged_reads: u64,
    damaged_file: Option<String>,
    timestamp: Timestamp,
}

#[derive(Serialize)]
struct Tiers {
    log: Tier,
    young: Tier,
    blocks: Tier,
    minutes: Tier,
    ten_minutes: Tier,
    processes: Tier,
}

#[derive(Serialize)]
struct Tier {
    bytes: u64,
    samples: u64,
    bytes_per_sample: Option<f64>,
    oldest: Option<Timestamp>,
    retention_seconds: u64,
}

#[derive(Serialize)]
struct Forecast {
    samples_per_day: f64,
    bytes_per_day: f64,
    budget_reached: Option<Timestamp>,
    raw_days: f64,
    minutes_days: f64,
    ten_minutes_days: f64,
}

#[derive(Serialize)]
struct FullStore {
    since: Timestamp,
    bound: &'static str,
}

#[derive(Serialize)]
struct Quarantined {
    count: u64,
    kept: u64,
    bytes: u64,
    newest: Vec<Piece>,
}

#[derive(Serialize)]
struct Piece {
    origin: String,
    host: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    reason: String,
    bytes: u64,
    set_aside: Timestamp,
}

pub(super) async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let now = clock::now();
    let storage = app.query(move |store| store.storage(now)).await?;
    Ok(answer::json(StatusCode::OK, &Answer::new(storage, now)))
}

impl Answer {
    fn new(storage: Storage, now: Timestamp) -> Self {
        let retention = storage.retention;
        let raw = [storage.log, storage.young, storage.blocks];
        let bytes: u64 = raw.iter().map(|tier| tier.bytes).sum();
        let samples: u64 = raw.iter().map(|tier| tier.samples).sum();
        let oldest = raw.iter().filter_map(|tier| tier.oldest).min().unwrap_or(now);
        let history_ms = now.as_millis().saturating_sub(oldest.as_millis()).max(0);
        let damaged_file = storage.files_set_aside.last().and_then(|path| path.file_name());
        Self {
            budget_bytes: storage.budget_bytes,
            disk_bytes: storage.file_bytes + storage.wal_bytes,
            file_bytes: storage.file_bytes,
            wal_bytes: storage.wal_bytes,
            free_bytes: storage.free_bytes,
            other_bytes: storage.other_bytes,
            tiers: Tiers {
                log: Tier::new(storage.log, retention.raw),
                young: Tier::new(storage.young, retention.raw),
                blocks: Tier::new(storage.blocks, retention.raw),
                minutes: Tier::new(storage.minutes, retention.minutes),
                ten_minutes: Tier::new(storage.ten_minutes, retention.ten_minutes),
                processes: Tier::new(storage.processes, retention.raw),
            },
            samples,
            bytes_per_sample: (samples > 0).then(|| bytes as f64 / samples as f64),
            history_days: history_ms as f64 / 86_400_000.0,
            forecast: storage.forecast.map(Forecast::new),
            full: storage.full.map(FullStore::new),
            quarantine: Quarantined::new(storage.quarantine),
            damaged_reads: storage.damaged,
            damaged_file: damaged_file.map(|name| name.to_string_lossy().into_owned()),
            timestamp: whole_seconds(now),
        }
    }
}

impl Tier {
    fn new(tier: TierStorage, retention: Duration) -> Self {
        Self {
            bytes: tier.bytes,
            samples: tier.samples,
            bytes_per_sample: tier.bytes_per_sample(),
            oldest: tier.oldest,
            retention_seconds: retention.as_secs(),
        }
    }
}

impl Forecast {
    fn new(forecast: sysmond_tsdb::Forecast) -> Self {
        let sysmond_tsdb::Forecast {
            samples_per_day,
            bytes_per_day,
            budget_reached,
            raw_days,
            minutes_days,
            ten_minutes_days,
        } = forecast;
        let budget_reached = budget_reached.map(whole_seconds);
        Self { samples_per_day, bytes_per_day, budget_reached, raw_days, minutes_days, ten_minutes_days }
    }
}

impl FullStore {
    fn new(full: Full) -> Self {
        Self { since: whole_seconds(full.since), bound: room::bound(full) }
    }
}

impl Quarantined {
    fn new(quarantine: Quarantine) -> Self {
        let piece = |piece: sysmond_tsdb::Quarantined| {
            let (from, to) = piece.stretch.unzip();
            Piece {
                origin: piece.origin,
                host: piece.host,
                from,
                to,
                reason: piece.reason,
                bytes: piece.bytes,
                set_aside: whole_seconds(piece.set_aside),
            }
        };
        let Quarantine { count, kept, bytes, newest } = quarantine;
        Self { count, kept, bytes, newest: newest.into_iter().map(piece).collect() }
    }
}
