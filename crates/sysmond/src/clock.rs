//! The only place that reads the time.

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Duration;
use sysmond_model::Timestamp;

/// The wall clock.
pub fn now() -> Timestamp {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Realtime);
    Timestamp::from_millis(tv_sec * 1000 + tv_nsec / 1_000_000)
}

/// A duration as logs have it, whole milliseconds: the names of such fields end in `_ms`.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Time since boot, suspended time included: for rates and for gaps.
pub fn since_boot() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Boottime);
    Duration::new(tv_sec.unsigned_abs(), u32::try_from(tv_nsec).unwrap_or_default())
}
