//! Removes what is too old, in the background.

use crate::shutdown::Shutdown;
use crate::{clock, room};
use std::time::Duration;
use sysmond_tsdb::Store;

/// Between two rounds: short, so that each has little to do.
const PERIOD: Duration = Duration::from_mins(1);
/// Between two looks whether one is wanted at once, since a push found no room.
const LOOK: Duration = Duration::from_secs(5);

/// Goes on until `shutdown`.
pub(super) async fn run(store: Store, shutdown: Shutdown) {
    let mut is_full = false;
    loop {
        tokio::select! {
            () = pause(&store, &mut is_full) => {}
            () = shutdown.requested() => return,
        }
        let retained = store.clone();
        let outcome = tokio::task::spawn_blocking(move || retained.retain(clock::now())).await;
        crate::damage::tell(&store);
        match outcome {
            Ok(Ok(0)) => {}
            Ok(Ok(removed)) => tracing::debug!(removed, "removed old samples"),
            Ok(Err(error)) => tracing::error!(%error, "cannot remove old samples"),
            Err(panic) => tracing::error!(%panic, "removing old samples failed"),
        }
    }
}

/// Waits for the next round; has the log told meanwhile whether there is room.
async fn pause(store: &Store, is_full: &mut bool) {
    let due = tokio::time::Instant::now() + PERIOD;
    while tokio::time::Instant::now() < due && !store.is_short() {
        tokio::time::sleep(LOOK).await;
        // A file system that does not answer must not hold up the event loop.
        let (looked, mut told) = (store.clone(), *is_full);
        let look = move || {
            room::tell(&looked, &mut told);
            told
        };
        *is_full = tokio::task::spawn_blocking(look).await.unwrap_or(*is_full);
    }
}
