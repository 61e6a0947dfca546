//! The handle that everything else uses.

use crate::{AppendError, OpenError, QueryError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::{FleetSummary, Frame, Host, HostInfo, Sample, SeriesRange, StaticInfo, Timestamp};

/// How a store is to behave.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Samples older than this are removed by [`Store::retain`].
    pub retention: Duration,
    /// Upper bound of the file's size in bytes; beyond it the oldest samples go first.
    pub max_disk_bytes: u64,
    /// Appends that may wait for the writer.
    pub queue_limit: usize,
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
}

/// What became of an append. Everything counted here is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Cells that are in the store now, repeated ones included.
    pub stored: usize,
    /// Of those, cells that were there before with the same value.
    pub duplicates: usize,
    /// Columns of the frame that were refused since the host has too many series.
    pub refused_columns: Vec<usize>,
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
    /// Hosts.
    pub hosts: usize,
    /// Series of all hosts.
    pub series: usize,
}

/// A handle of an open store. Clones share it; the last one to go closes it.
#[derive(Clone)]
pub struct Store(Arc<()>);

impl Store {
    /// Opens or creates the file at `path` (mode 0600). A damaged file is kept beside it as `.corrupt-TIME` and a new one begun.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let _ = (path, options);
        unimplemented!()
    }

    /// Hands `append` to the writer; `done` is called from the writer's thread once its transaction is on disk or has
    /// failed. An error here means that `done` will not be called.
    pub fn append(
        &self,
        append: Append,
        done: impl FnOnce(Result<Appended, AppendError>) + Send + 'static,
    ) -> Result<(), AppendError> {
        let _ = (append, done);
        unimplemented!()
    }

    /// [`append`](Self::append), and waits for it.
    pub fn append_wait(&self, append: Append) -> Result<Appended, AppendError> {
        let _ = append;
        unimplemented!()
    }

    /// All hosts, by name. From memory.
    pub fn hosts(&self) -> Vec<Host> {
        unimplemented!()
    }

    /// One host. From memory.
    pub fn host(&self, hostname: &str) -> Option<Host> {
        let _ = hostname;
        unimplemented!()
    }

    /// What was read once of a host; `None` where the host is unknown or never sent it.
    pub fn static_info(&self, hostname: &str) -> Option<StaticInfo> {
        let _ = hostname;
        unimplemented!()
    }

    /// The newest value of each series of a host that was sampled in the five minutes before the host's newest sample,
    /// sorted by series. `None` for an unknown host. From memory.
    pub fn latest(&self, hostname: &str) -> Option<Vec<Sample>> {
        let _ = hostname;
        unimplemented!()
    }

    /// The fleet in figures at `now`. From memory: no scan.
    pub fn fleet_summary(&self, now: Timestamp, offline_after_ms: i64) -> FleetSummary {
        let _ = (now, offline_after_ms);
        unimplemented!()
    }

    /// The series of one host in a range, sorted; a series without a sample in the range has no points, an unknown
    /// metric no series.
    pub fn range(&self, query: &RangeQuery) -> Result<Vec<SeriesRange>, QueryError> {
        let _ = query;
        unimplemented!()
    }

    /// At most `max_rows` rows of a host that were stored after `after`, oldest first.
    pub fn read_after(&self, hostname: &str, after: Cursor, max_rows: usize) -> Result<Backlog, QueryError> {
        let _ = (hostname, after, max_rows);
        unimplemented!()
    }

    /// The durable cursor of that name, or the beginning.
    pub fn cursor(&self, name: &str) -> Result<Cursor, QueryError> {
        let _ = name;
        unimplemented!()
    }

    /// Makes `cursor` durable under `name`.
    pub fn set_cursor(&self, name: &str, cursor: Cursor) -> Result<(), AppendError> {
        let _ = (name, cursor);
        unimplemented!()
    }

    /// Removes what is older than the retention at `now` or beyond the byte budget, in short transactions; returns how
    /// many cells went.
    pub fn retain(&self, now: Timestamp) -> Result<u64, QueryError> {
        let _ = now;
        unimplemented!()
    }

    /// Figures of the store.
    pub fn stats(&self) -> StoreStats {
        unimplemented!()
    }

    /// Finishes what waits, checkpoints and closes. Later appends are refused.
    pub fn close(&self) {
        unimplemented!()
    }
}
