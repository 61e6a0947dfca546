//! The aggregator: receives, stores, and serves API, live data and dashboard.

mod addr_file;
pub mod counters;
pub mod ingest;
pub mod live;
mod progress;
mod retention;
pub mod views;

use crate::api::{self, App, Front, Parts};
use crate::clock;
use crate::config::{AggregatorConfig, loopback_of};
use crate::server::{self, Connections};
use crate::shutdown::Shutdown;
use anyhow::Context;
use counters::Counters;
use ingest::Ingest;
use live::Live;
use std::sync::Arc;
use std::time::Duration;
use sysmond_tsdb::Store;
use tokio::net::TcpListener;

/// The store's file in the data directory.
pub(crate) const DATABASE: &str = "aggregator.db";
/// How long everything that runs may take to end. Requests in flight have 4 s of them, and a stop is to take 5.
const END: Duration = Duration::from_millis(4500);

/// What clients may take of the aggregator.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Of connections.
    pub server: server::Limits,
    /// Of live connections.
    pub live: live::Limits,
    /// Of the API.
    pub api: api::Limits,
}

/// Serves `listener` until `shutdown`; what was acknowledged is on disk. The address file is there as long as
/// requests are served.
pub async fn run(listener: TcpListener, config: AggregatorConfig, shutdown: Shutdown) -> anyhow::Result<()> {
    run_with(Limits::default(), listener, config, shutdown).await
}

/// [`run`] with other limits, such as a test can wait for.
pub async fn run_with(
    limits: Limits,
    listener: TcpListener,
    config: AggregatorConfig,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("cannot tell the address that is listened on")?;
    if let Some(path) = &config.addr_file {
        addr_file::remove(path)?;
    }
    let store = open(&config).await?;
    // What runs here is waited for here, so that the store is closed after all that use it.
    let ending = shutdown.child();
    ending.spawn(retention::run(store.clone(), ending.clone()));
    let (told, limit) = (store.clone(), config.offline_after);
    let said = tokio::task::spawn_blocking(move || told.set_offline_after(limit)).await;
    // SQL then says who is offline by the limit of before, and all else works.
    if let Err(error) = said.context("writing down the limit of silence failed")? {
        tracing::warn!(%error, "cannot write down the limit of silence");
    }
    let connections = Connections::default();
    let addr_file = config.addr_file.clone();
    let (service, limit) = (config.service.clone(), milliseconds(config.offline_after));
    let app = app(&limits, store.clone(), config, connections.clone(), &ending);
    if let Some(path) = &addr_file {
        addr_file::write(path, address)?;
    }
    service.ready();
    ending.spawn(progress::report(service, store.clone(), limit, ending.clone()));
    tracing::info!(%address, "dashboard on http://{}", loopback_of(address));
    server::serve(&listener, Front::new(app), limits.server, connections, &ending).await;
    if let Some(path) = &addr_file {
        // As long as the port is ours, so is the file.
        addr_file::remove(path)?;
    }
    drop(listener);
    if tokio::time::timeout(END, ending.finished()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    tokio::task::spawn_blocking(move || store.close()).await.context("closing the store failed")?;
    Ok(())
}

async fn open(config: &AggregatorConfig) -> anyhow::Result<Store> {
    let (path, options) = (config.data_dir.join(DATABASE), config.store.clone());
    crate::damage::tell_of_empty(&path);
    let opened = tokio::task::spawn_blocking(move || Store::open(&path, options, clock::now())).await;
    let store = opened.context("opening the store failed")??;
    crate::damage::tell(&store);
    Ok(store)
}

pub(crate) fn app(
    limits: &Limits,
    store: Store,
    config: AggregatorConfig,
    connections: Connections,
    shutdown: &Shutdown,
) -> Arc<App> {
    let counters = Arc::new(Counters::default());
    let live = Live::new(
        store.clone(),
        milliseconds(config.offline_after),
        limits.live.clone(),
        Arc::clone(&counters),
        shutdown,
    );
    let ingest = Ingest::new(
        store.clone(),
        live.clone(),
        Arc::clone(&counters),
        milliseconds(config.store.retention.raw),
        shutdown.clone(),
    );
    let parts = Parts {
        store,
        live,
        ingest,
        counters,
        connections,
        shutdown: shutdown.clone(),
        config,
        body_time: limits.server.body,
    };
    Arc::new(App::new(limits.api.clone(), parts))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
