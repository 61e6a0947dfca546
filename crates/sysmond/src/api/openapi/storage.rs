//! `GET /api/storage`, described.

use utoipa::ToSchema;

/// What the history takes on disk, for how long it will last, and what of it was lost. Sizes are bytes.
#[derive(ToSchema)]
pub(super) struct Storage {
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
    /// `null` while there is room for what comes.
    full: Option<FullStorage>,
    quarantine: StorageQuarantine,
    /// Since the start, each time that something damaged was met.
    damaged_reads: u64,
    /// The newest damaged database that was set aside and is still beside the present one; `null` where there is none.
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
    /// Snapshots of processes, each counted as a sample here.
    processes: StorageTier,
}

/// One tier.
#[derive(ToSchema)]
struct StorageTier {
    bytes: u64,
    /// In it, or summarised by it.
    samples: u64,
    /// `null` where there is none.
    bytes_per_sample: Option<f64>,
    /// Its first sample in the first day, then the hour or day that it begins with; `null` where it is empty.
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

/// A store that takes nothing: pushes are answered 507.
#[derive(ToSchema)]
struct FullStorage {
    /// When a write found no room first.
    since: i64,
    /// What leaves none: `disk`, the server's file system, or `budget`, its `--max-disk`.
    bound: String,
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
    /// `log`, `young`, `block`, `rollup`, `process_hour` or `snapshot`.
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
