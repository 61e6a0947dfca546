//! What a store takes on disk, tier by tier, and for how long it will last. Read from counts: no scan.

use crate::budget::Budget;
use crate::forecast::{ByTier, Today};
use crate::head::HostCell;
use crate::quarantine::{self, Quarantine};
use crate::sealed::{HOUR_MS, hour_of};
use crate::tally::{self, Held, Tally, Tier};
use crate::writer::{PAGE_BYTES, Shared};
use crate::{Full, QueryError, Retention, file, first, room};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use sysmond_model::Timestamp;

/// Damaged pieces that are told of one by one.
const MAX_PIECES: usize = 20;
/// What summaries take a sample before the first day is summarised, bytes: measured on a fleet sampled every 2 s.
const USUAL_SUMMARY_BYTES: [f64; 2] = [0.12, 0.015];
/// A day, milliseconds.
const DAY_MS: f64 = 86_400_000.0;
/// The least stretch that a rate is taken from, milliseconds.
const LEAST_STRETCH_MS: i64 = 60_000;

/// One tier.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TierStorage {
    /// Its rows' bytes, without what SQLite puts around them.
    pub bytes: u64,
    /// Samples in it, or summarised by it.
    pub samples: u64,
    /// Its first sample where that is known cheaply, else the beginning of the first hour or day that it has something
    /// of.
    pub oldest: Option<Timestamp>,
}

impl TierStorage {
    /// What a sample takes.
    pub fn bytes_per_sample(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.bytes as f64 / self.samples as f64)
    }

    fn new(tier: Tier, held: Held) -> Self {
        let oldest = held.oldest.map(|span| Timestamp::from_millis(span * tier.span_ms()));
        Self { bytes: held.bytes, samples: held.samples, oldest }
    }

    /// The same of a tier of samples, by its first one in the first day: later an hour more or less says as much.
    fn of_samples(conn: &Connection, tier: Tier, held: Held, now: Timestamp) -> rusqlite::Result<Self> {
        let young = held.oldest.filter(|hour| hour_of(now.as_millis()) - hour < 24);
        let first = young.map(|hour| first::of_hour(conn, tier, hour)).transpose()?.flatten();
        let known = Self::new(tier, held);
        Ok(Self { oldest: first.map(Timestamp::from_millis).or(known.oldest), ..known })
    }
}

/// What comes if the fleet goes on as in the last day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Samples that come in a day.
    pub samples_per_day: f64,
    /// What all tiers together grow by in a day, before anything goes.
    pub bytes_per_day: f64,
    /// When the budget is used up; `None` where age keeps the store below it.
    pub budget_reached: Option<Timestamp>,
    /// Days of samples that will then be kept.
    pub raw_days: f64,
    /// Days of summaries by minutes.
    pub minutes_days: f64,
    /// Days of summaries by ten minutes.
    pub ten_minutes_days: f64,
}

/// A store in figures.
#[derive(Clone, Debug)]
pub struct Storage {
    /// The bound of `file_bytes` and `wal_bytes` together.
    pub budget_bytes: u64,
    /// Size of the file.
    pub file_bytes: u64,
    /// Size of SQLite's own log beside it.
    pub wal_bytes: u64,
    /// Pages of the file that hold nothing and will be used again, bytes.
    pub free_bytes: u64,
    /// What is neither free nor a tier's: indexes, names, hosts, the rest of pages.
    pub other_bytes: u64,
    /// Acknowledged samples that are in no block yet.
    pub log: TierStorage,
    /// Blocks of some minutes.
    pub young: TierStorage,
    /// Blocks of an hour.
    pub blocks: TierStorage,
    /// Summaries by minutes.
    pub minutes: TierStorage,
    /// Summaries by ten minutes.
    pub ten_minutes: TierStorage,
    /// Snapshots of processes, each counted as one sample.
    pub processes: TierStorage,
    /// `Some` while writes find no room.
    pub full: Option<Full>,
    /// How long each tier is kept.
    pub retention: Retention,
    /// `None` where too little is there to tell.
    pub forecast: Option<Forecast>,
    /// What could not be read and was set aside.
    pub quarantine: Quarantine,
    /// Each time since the start that something damaged was met.
    pub damaged: u64,
    /// Damaged files that were set aside and are still beside it; the newest is the last.
    pub files_set_aside: Vec<PathBuf>,
}

/// Reads the figures.
pub(crate) fn read(shared: &Shared, now: Timestamp) -> Result<Storage, QueryError> {
    let log = in_memory(shared);
    let wal_bytes = file::wal_bytes(&shared.path);
    shared.readers.ask(|conn, _| {
        let held = Tally::read(conn)?;
        let (pages, free) = tally::pages(conn)?;
        let used = (pages - free) * PAGE_BYTES;
        let of_tiers = held.sizes().total() + log.bytes;
        let other_bytes = used.saturating_sub(of_tiers);
        let young = TierStorage::of_samples(conn, Tier::Young, held.young, now)?;
        let blocks = TierStorage::of_samples(conn, Tier::Blocks, held.blocks, now)?;
        let first = [log.oldest, young.oldest, blocks.oldest].into_iter().flatten().min();
        let rate = samples_per_day(conn, first, &log, now)?;
        let room = Budget(shared.options.max_disk_bytes).target_bytes().saturating_sub(other_bytes);
        let retention = shared.options.retention.ordered();
        let processes = processes_per_day(conn, &held, now)?;
        let forecast = rate.map(|rate| forecast(&held, &log, (rate, processes), retention, room, now));
        Ok(Storage {
            budget_bytes: shared.options.max_disk_bytes,
            file_bytes: pages * PAGE_BYTES,
            wal_bytes,
            free_bytes: free * PAGE_BYTES,
            other_bytes,
            log,
            young,
            blocks,
            minutes: TierStorage::new(Tier::Minutes, held.minutes),
            ten_minutes: TierStorage::new(Tier::TenMinutes, held.ten_minutes),
            processes: TierStorage::new(Tier::Processes, held.processes),
            full: room::look(shared, now),
            retention,
            forecast,
            quarantine: quarantine::read(conn, MAX_PIECES)?,
            damaged: damaged(shared),
            files_set_aside: file::damaged_files(&shared.path),
        })
    })
}

/// Each time since the start that something damaged was met.
pub(crate) fn damaged(shared: &Shared) -> u64 {
    shared.counters.damages.tries.load(Ordering::Relaxed) + shared.readers.damaged.load(Ordering::Relaxed)
}

/// The rows that are only in log and memory.
fn in_memory(shared: &Shared) -> TierStorage {
    let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
    let mut log =
        TierStorage { bytes: shared.counters.log_bytes.load(Ordering::Relaxed), ..TierStorage::default() };
    for cell in memory.hosts.values() {
        let (samples, oldest) = unsealed(cell);
        log.samples += samples;
        log.oldest = [log.oldest, oldest].into_iter().flatten().min();
    }
    log
}

fn unsealed(cell: &Arc<HostCell>) -> (u64, Option<Timestamp>) {
    let state = cell.lock();
    (state.head.cells() as u64, state.head.rows().first().map(|(at, _)| Timestamp::from_millis(*at)))
}

/// Samples in a day, as of the last one, or as of what there is of it.
fn samples_per_day(
    conn: &Connection,
    first: Option<Timestamp>,
    log: &TierStorage,
    now: Timestamp,
) -> rusqlite::Result<Option<f64>> {
    let hour = hour_of(now.as_millis());
    let Some(first) = first.map(Timestamp::as_millis) else {
        return Ok(None);
    };
    let stretch = now.as_millis() - first.max((hour - 24) * HOUR_MS);
    if stretch < LEAST_STRETCH_MS {
        return Ok(None);
    }
    let samples = tally::samples_of(conn, hour - 24..hour + 1)? + log.samples;
    Ok(Some(samples as f64 / (stretch as f64 / DAY_MS)))
}

/// Bytes of snapshots of processes in a day, as of the last one, or as of what there is of it.
fn processes_per_day(conn: &Connection, held: &Tally, now: Timestamp) -> rusqlite::Result<f64> {
    let hour = hour_of(now.as_millis());
    let Some(first) = held.processes.oldest else {
        return Ok(0.0);
    };
    let stretch = now.as_millis() - first.max(hour - 24) * HOUR_MS;
    let bytes = tally::bytes_of_processes(conn, hour - 24..hour + 1)?;
    Ok(bytes as f64 / (stretch.max(LEAST_STRETCH_MS) as f64 / DAY_MS))
}

fn forecast(
    held: &Tally,
    log: &TierStorage,
    (samples_per_day, processes_per_day): (f64, f64),
    retention: Retention,
    room: u64,
    now: Timestamp,
) -> Forecast {
    let raw = held.blocks.bytes_per_sample().or(held.young.bytes_per_sample()).or(log.bytes_per_sample());
    let [minutes, ten_minutes] = USUAL_SUMMARY_BYTES;
    let per_sample = [
        raw.unwrap_or_default(),
        held.minutes.bytes_per_sample().unwrap_or(minutes),
        held.ten_minutes.bytes_per_sample().unwrap_or(ten_minutes),
    ];
    let mut per_day: ByTier = per_sample.map(|bytes| bytes * samples_per_day);
    // They are kept and removed with the samples.
    per_day[0] += processes_per_day;
    let sizes = held.sizes();
    let course = Today {
        held: [sizes.raw, sizes.minutes, sizes.ten_minutes].map(|bytes| bytes as f64),
        per_day,
        keep_days: [retention.raw, retention.minutes, retention.ten_minutes]
            .map(|age| age.as_secs_f64() / 86_400.0),
        room: room as f64,
    }
    .course();
    let [raw_days, minutes_days, ten_minutes_days] = course.days;
    #[expect(clippy::cast_possible_truncation, reason = "at most ten years")]
    let reached = |days: f64| now.plus_millis((days * DAY_MS) as i64);
    Forecast {
        samples_per_day,
        bytes_per_day: per_day.iter().sum(),
        budget_reached: course.full_in_days.map(reached),
        raw_days,
        minutes_days,
        ten_minutes_days,
    }
}
