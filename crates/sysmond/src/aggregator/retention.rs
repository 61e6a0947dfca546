//! Removes what is too old, in the background.

use crate::clock;
use crate::shutdown::Shutdown;
use std::time::Duration;
use sysmond_tsdb::Store;

/// Between two rounds: short, so that each has little to do.
const PERIOD: Duration = Duration::from_mins(1);

/// Goes on until `shutdown`.
pub(super) async fn run(store: Store, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = shutdown.requested() => return,
        }
        let store = store.clone();
        match tokio::task::spawn_blocking(move || store.retain(clock::now())).await {
            Ok(Ok(0)) => {}
            Ok(Ok(removed)) => tracing::debug!(removed, "removed old samples"),
            Ok(Err(error)) => tracing::error!(%error, "cannot remove old samples"),
            Err(panic) => tracing::error!(%panic, "removing old samples failed"),
        }
    }
}
