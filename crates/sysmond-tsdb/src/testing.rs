//! What the tests of this crate share.

use crate::{Append, Retention, Store, StoreOptions};
use std::time::Duration;
use sysmond_model::{Frame, HostInfo, Sample, Series, Timestamp};
use tempfile::TempDir;

/// The limit of silence.
pub(crate) const OFFLINE: Duration = Duration::from_mins(5);

pub(crate) fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions { retention: Retention::of_raw(Retention::DAY), max_disk_bytes: 1 << 30, queue_limit: 1024 }
}

/// A new store in a folder of its own.
pub(crate) fn opened() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopen(&folder, options());
    (folder, store)
}

pub(crate) fn reopen(folder: &TempDir, options: StoreOptions) -> Store {
    Store::open(&folder.path().join("store.db"), options, seconds(1000)).expect("a store")
}

pub(crate) fn host(name: &str) -> HostInfo {
    HostInfo { hostname: name.into(), version: "0.5.0".into(), platform: "Linux".into(), tags: [].into() }
}

/// One delivery of loose samples: metric, tags, milliseconds, value.
pub(crate) fn append(hostname: &str, received: Timestamp, cells: &[(&str, &str, i64, f64)]) -> Append {
    let frame = Frame::from_samples(cells.iter().map(|&(metric, tags, millis, value)| Sample {
        timestamp: Timestamp::from_millis(millis),
        series: Series::new(metric, tags),
        value,
    }));
    Append { host: host(hostname), static_info: None, received, frame, processes: Vec::new() }
}
