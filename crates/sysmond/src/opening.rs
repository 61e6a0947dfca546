//! How a server opens its store: whose it is is made sure of, and as long as it takes the log and the service manager
//! are told. A large database of an older version takes minutes.

use crate::clock;
use crate::systemd::Part;
use anyhow::Context;
use std::path::PathBuf;
use std::time::Duration;
use sysmond_tsdb::{Keeper, OpenError, Store, StoreOptions, Upgrade};
use tokio::sync::watch;

/// Between two words to the service manager.
const PERIOD: Duration = Duration::from_secs(10);

/// Opens or creates the store of `keeper` at `path`.
pub(crate) async fn open(
    path: PathBuf,
    options: StoreOptions,
    keeper: Keeper,
    service: &Part,
) -> anyhow::Result<Store> {
    crate::damage::tell_of_empty(&path);
    let (told, mut status) = watch::channel("opening the database".to_owned());
    let mut opening = tokio::task::spawn_blocking(move || -> Result<Store, OpenError> {
        let shown = path.display().to_string();
        let store = Store::open_telling(&path, options, clock::now(), |upgrade| {
            told.send_replace(tell(&shown, upgrade));
        })?;
        store.keep_as(keeper)?;
        Ok(store)
    });
    let mut period = tokio::time::interval(PERIOD);
    // The first tick comes at once: most stores are open before the second.
    period.tick().await;
    let store = loop {
        tokio::select! {
            biased;
            // Each word is told, also the last before the store is open; then nobody sends any more.
            Ok(()) = status.changed() => service.starting(&status.borrow_and_update(), PERIOD),
            outcome = &mut opening => break outcome.context("opening the store failed")??,
            _ = period.tick() => service.starting(&status.borrow(), PERIOD),
        }
    };
    crate::damage::tell(&store);
    Ok(store)
}

/// Logs how far it is, and returns it in short.
fn tell(path: &str, Upgrade { from, at, to }: Upgrade) -> String {
    if at == from {
        tracing::info!(
            path,
            from,
            to,
            "bringing the database of an older version forward: this may take minutes"
        );
    } else if at < to {
        tracing::info!(path, at, to, "the database is a version further");
    } else {
        tracing::info!(path, from, to, "the database is of this version now");
    }
    format!("bringing the database from version {from} to {to}: {at} is there")
}
