//! What an open store counts as it works.

use crate::quarantine::Damages;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) queued: AtomicUsize,
    pub(crate) stored: AtomicU64,
    pub(crate) duplicate: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) commits: AtomicU64,
    /// Size of the log's rows.
    pub(crate) log_bytes: AtomicU64,
    /// Cells of all heads.
    pub(crate) head_cells: AtomicUsize,
    /// Set when an append found no room within the budget, until the store was trimmed.
    pub(crate) is_short: AtomicBool,
    /// What could not be read.
    pub(crate) damages: Damages,
}
