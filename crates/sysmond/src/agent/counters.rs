//! What became of everything that was collected: produced = stored + each drop + what waits in memory.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// The agent's own counts since its start. Samples unless a name says rows or pushes.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $($(#[doc = $doc])* pub(super) $name: Count,)*
        }

        impl Counters {
            /// Logs each as a field of its own, at the end.
            pub(super) fn log_end(&self) {
                tracing::info!($($name = self.$name.get(),)* "the agent has ended");
            }

            /// Logs each as a field of its own, on the way.
            pub(super) fn log_interim(&self) {
                tracing::debug!($($name = self.$name.get(),)* "so far");
            }
        }
    };
}

counters! {
    /// Rows that were read.
    rows_produced,
    /// Samples that were read.
    produced,
    /// Durable in the agent's own store.
    stored,
    /// Not kept: the host has more series than one may have.
    dropped_series,
    /// Not kept: the store did not take them for so long that the memory for it was full.
    dropped_memory,
    /// Not kept: the store was still not taking them when the agent ended.
    dropped_shutdown,
    /// Snapshots of processes: durable in the agent's own store.
    snapshots_stored,
    /// Snapshots that were not kept: the store did not take them.
    snapshots_dropped,
    /// Snapshots that the aggregator acknowledged, or has no use for.
    snapshots_pushed,
    /// Snapshots that the aggregator refused.
    snapshots_refused,
    /// Rows that the aggregator acknowledged.
    rows_pushed,
    /// Samples that the aggregator acknowledged.
    pushed,
    /// Samples that the aggregator refused one by one.
    refused,
    /// Samples of rows that the aggregator refused as a whole, each row sent alone.
    set_aside,
    /// Those rows.
    rows_set_aside,
    /// Pushes that were acknowledged, heartbeats included.
    pushes,
    /// Pushes that were not.
    pushes_failed,
}

/// One count. Nothing is ordered by it.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// Counts `more`.
    pub(super) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// What was counted.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
