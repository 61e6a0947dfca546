//! What has to be done now and then: old rows go, and the counts are logged.

use super::counters::Counters;
use super::own_thread::OwnThread;
use crate::clock;
use crate::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use sysmond_tsdb::Store;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{debug, info, warn};

/// Between two rounds: little is removed at a time, so that no round takes long.
const PERIOD: Duration = Duration::from_mins(1);
/// How soon one comes where a row found no room.
const SOON: Duration = Duration::from_secs(5);

/// The upkeep of the agent's store.
pub(super) struct Upkeep {
    /// The agent's store.
    pub(super) store: Store,
    /// Told that a row found no room.
    pub(super) short: Arc<Notify>,
    /// What is logged.
    pub(super) counters: Arc<Counters>,
}

impl Upkeep {
    /// Goes round until `shutdown`.
    pub(super) async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = self.rounds() => {}
            () = shutdown.requested() => {}
        }
    }

    async fn rounds(&self) {
        let mut failing = false;
        let mut thread = OwnThread::new("upkeep");
        loop {
            self.retain(&mut thread, &mut failing).await;
            self.counters.log_interim();
            tokio::select! {
                () = sleep(PERIOD) => {}
                () = self.short.notified() => sleep(SOON).await,
            }
        }
    }

    async fn retain(&self, thread: &mut OwnThread, failing: &mut bool) {
        let store = self.store.clone();
        let round = move || {
            let removed = store.retain(clock::now());
            // An hour that was put together left pages in the heap that nobody needs for another hour.
            sysmond_libc::give_back_heap();
            removed
        };
        let removed = thread.run(round).await;
        crate::damage::tell(&self.store);
        match removed.and_then(|removed| Ok(removed?)) {
            Ok(removed) => {
                if std::mem::take(failing) {
                    info!("old rows are removed again");
                }
                if removed > 0 {
                    debug!(removed, "old samples were removed");
                }
            }
            Err(error) => {
                if !std::mem::replace(failing, true) {
                    warn!(error = format!("{error:#}"), "old rows cannot be removed");
                }
            }
        }
    }
}
