//! What processes took: snapshots beside the samples, as durable as they are.
//!
//! A snapshot is a row of `snapshot` in the transaction of its delivery. By sixty, or once their hour is over, they are
//! packed into the host's row of that hour. Nothing of them is in memory: people ask seldom, and the newest few are a
//! look-up away. [`digits`] says how exact figures are kept, [`hour`] is a table of snapshots, [`bytes`] its form on
//! disk, [`keep`] what is written, [`pack`] how hours are made, [`look`] what is read, [`usage`] sums over a stretch.

pub(crate) mod bytes;
mod digits;
#[cfg(test)]
mod golden;
mod hour;
pub(crate) mod keep;
pub(crate) mod look;
pub(crate) mod pack;
#[cfg(test)]
mod tests;
pub(crate) mod usage;

pub(crate) use hour::Hour;

use crate::sealed::block_ids;

/// The number of a host's row of one hour.
const fn hour_id(hour: i64, host_id: i64) -> i64 {
    *block_ids(hour, host_id).start()
}
