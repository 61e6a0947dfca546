//! What callers hand to a store and get back from it.

use std::time::Duration;
use sysmond_model::{Frame, HostInfo, ProcessReading, StaticInfo, Timestamp};

/// How a store is to behave.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// What is older is removed by [`Store::retain`](crate::Store::retain).
    pub retention: Retention,
    /// Upper bound of what the file and SQLite's own log take on disk, bytes; beyond it the oldest samples go first.
    pub max_disk_bytes: u64,
    /// Appends that may wait for the writer.
    pub queue_limit: usize,
}

/// How long each tier is kept. A coarser one is never kept for less than a finer one, whatever is written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Samples.
    pub raw: Duration,
    /// Their summaries by minutes.
    pub minutes: Duration,
    /// Their summaries by ten minutes.
    pub ten_minutes: Duration,
}

impl Retention {
    /// A day.
    pub const DAY: Duration = Duration::from_hours(24);

    /// Samples for so long, their summaries as by default.
    pub fn of_raw(raw: Duration) -> Self {
        Self { raw, ..Self::default() }
    }

    /// The times as they count: each at least that of the finer tier.
    #[must_use]
    pub fn ordered(self) -> Self {
        let minutes = self.minutes.max(self.raw);
        Self { minutes, ten_minutes: self.ten_minutes.max(minutes), ..self }
    }
}

impl Default for Retention {
    /// 15 days, 90 days, two years.
    fn default() -> Self {
        Self { raw: 15 * Self::DAY, minutes: 90 * Self::DAY, ten_minutes: 730 * Self::DAY }
    }
}

/// One delivery of one host.
#[derive(Clone, Debug)]
pub struct Append {
    /// The host; registered where it is new.
    pub host: HostInfo,
    /// Static data, where the delivery brought them.
    pub static_info: Option<StaticInfo>,
    /// The receiver's time: becomes `last_seen`.
    pub received: Timestamp,
    /// The samples; empty for a heartbeat. Series with non-canonical tags are a bug of the caller.
    pub frame: Frame,
    /// What processes took, where the delivery brought it.
    pub processes: Vec<ProcessReading>,
}

/// What became of an append. Everything counted here is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Cells that are in the store now, repeated ones included.
    pub stored: usize,
    /// Of those, cells that were there before with the same value.
    pub duplicates: usize,
    /// Cells that were not stored since those of their time have been removed already, by age or by the byte budget, or
    /// since their time is before 1970 or after the year 9999.
    pub too_old: usize,
    /// Columns of the frame that were refused since the host has too many series.
    pub refused_columns: Vec<usize>,
    /// Snapshots of processes that are in the store now, repeated ones included.
    pub snapshots: usize,
    /// Those that were not stored since they are of a time that was removed already, or too many for their hour.
    pub snapshots_refused: usize,
    /// Whether the store holds no static data of this host.
    pub static_wanted: bool,
}

/// A place in the order in which rows were first stored; later rows have greater cursors, whatever their timestamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub i64);

/// Rows after a cursor.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// The rows in the order they were stored; a new frame begins where the shape changes.
    pub frames: Vec<Frame>,
    /// Where to go on.
    pub next: Cursor,
}

/// Which tag sets of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagMatch {
    /// All of them.
    Any,
    /// The one with this canonical string.
    Exactly(String),
}

/// A question for a stretch of a host's series.
#[derive(Clone, Debug)]
pub struct RangeQuery {
    /// The host.
    pub host: String,
    /// The metrics, by exact name.
    pub metrics: Vec<String>,
    /// Which of each metric's series.
    pub tags: TagMatch,
    /// First instant, included.
    pub from: Timestamp,
    /// Last instant, included.
    pub to: Timestamp,
    /// At most this many points a series.
    pub points: usize,
}

/// Figures of the store itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Size of the database file and its write-ahead log, bytes.
    pub disk_bytes: u64,
    /// Appends that wait for the writer.
    pub queued: usize,
    /// Cells acknowledged since the start.
    pub samples_stored: u64,
    /// Of those, repeated ones.
    pub samples_duplicate: u64,
    /// Cells removed by age or by the byte budget since the start.
    pub samples_dropped: u64,
    /// Transactions committed since the start.
    pub commits: u64,
    /// Blocks and log rows that could not be read, counted each time that one was tried.
    pub damaged: u64,
    /// Hosts.
    pub hosts: usize,
    /// Series of all hosts.
    pub series: usize,
}
