//! The agent: collects on this host, keeps its own history, pushes.
//!
//! `collect` reads all sources at each tick, on a thread of its own, and puts a row into a bounded ring; `keep` moves
//! rows from the ring into the agent's own store; `push` delivers from the store, behind a cursor that the store keeps;
//! `watch` learns whether somebody looks at live data, and then all of it happens each second. No part waits for a
//! later one.

#[cfg(test)]
mod allocations_tests;
mod backoff;
pub(crate) mod client;
mod collect;
mod collector;
mod counters;
mod grid;
mod keep;
mod lane;
mod own_thread;
mod push;
mod registry;
mod report;
mod rows;
mod scrape;
mod statics;
#[cfg(test)]
mod testing;
mod upkeep;
mod watch;

pub use client::{Address, AddressError};
pub use scrape::{Busy, Scraper};

use crate::api::AgentFront;
use crate::config::{AgentConfig, ProcessDetail, loopback_of};
use crate::server::{self, Connections};
use crate::shutdown::Shutdown;
use crate::systemd::Pulse;
use crate::{listen, opening};
use anyhow::Context;
use client::Client;
use collect::{Call, Collect};
use counters::Counters;
use keep::{Keep, Ring};
use own_thread::OwnThread;
use push::{Parts, Push};
use registry::{Reasons, Registry};
use report::Reporter;
use rows::Rows;
use statics::Statics;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use sysmond_model::Timestamp;
use sysmond_procfs::{LatestProcesses, ProcessOptions, Roots, Source};
use sysmond_tsdb::{Keeper, Store};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tracing::{info, warn};
use upkeep::Upkeep;
use watch::Watch;

/// Rates over a hole longer than so many intervals are not given: what happened meanwhile is not known.
const MAX_GAP_INTERVALS: u32 = 3;
/// No hole is shorter than this, however short the interval.
const MIN_GAP: Duration = Duration::from_secs(3);
/// Connections to the listener for Prometheus: each server keeps one.
const METRICS_CONNECTIONS: usize = 32;
/// How long `/proc` may take to say whose it is.
const PROC_ANSWERS: Duration = Duration::from_secs(2);
/// The agent's store in its data folder.
pub(crate) const STORE_FILE: &str = "agent.db";

/// Runs until `shutdown`; nothing that was collected is lost by it.
///
/// # Errors
/// Where the configuration cannot work (an address that is none, a store that cannot be opened), before anything is
/// collected. Nothing that happens later is an error: it is reported and mended.
pub async fn run(config: AgentConfig, shutdown: Shutdown) -> anyhow::Result<()> {
    let (gap, told) = ((config.interval * MAX_GAP_INTERVALS).max(MIN_GAP), config.processes);
    let options = ProcessOptions { command_lines: told == ProcessDetail::Commands };
    let seen = Arc::<LatestProcesses>::default();
    let mut sources = sysmond_procfs::sources_and_processes(&config.roots, gap, options, Arc::clone(&seen));
    sources.extend(config.textfile_directory.clone().map(sysmond_procfs::text_files));
    // What nobody takes is not kept.
    let kept = if told == ProcessDetail::Off { Arc::default() } else { seen };
    run_with(config, sources, kept, shutdown).await.map(|counters| counters.log_end())
}

/// [`run`] with other sources; gives back what became of the samples.
async fn run_with(
    config: AgentConfig,
    sources: Vec<Box<dyn Source>>,
    processes: Arc<LatestProcesses>,
    shutdown: Shutdown,
) -> anyhow::Result<Arc<Counters>> {
    let address: Address = config.aggregator.parse().context("the aggregator's address")?;
    let client = Client::new(address, &config.token, &config.host.version)?;
    let listener = match &config.metrics {
        Some(metrics) => Some(listen::bind(&metrics.listen, "metrics-listen").await?),
        None => None,
    };
    let registry = Registry::start(sources, are_the_kernels(&config.roots).await)?;
    let (path, options) = (config.data_dir.join(STORE_FILE), config.store.clone());
    let store = opening::open(path, options, Keeper::Agent, &config.service).await?;
    let counters = Arc::new(Counters::default());

    let calls = collect::calls();
    let scraper = Scraper::new(calls.0.clone(), config.roots.clone());
    let mut parts = start(&config, client, (registry, processes), calls, &store, &counters, &shutdown).await;
    if let (Some(metrics), Some(listener)) = (config.metrics, listener) {
        parts.spawn(serve_metrics(listener, scraper, metrics.allowed_hosts, shutdown));
    }
    while let Some(ended) = parts.join_next().await {
        ended.context("a part of the agent broke")?;
    }
    spawn_blocking(move || store.close()).await?;
    Ok(counters)
}

/// Starts all parts; each ends by itself after `shutdown`, in the order in which rows pass through them.
async fn start(
    config: &AgentConfig,
    client: Client,
    (registry, processes): (Registry, Arc<LatestProcesses>),
    (call, calls): (SyncSender<Call>, Receiver<Call>),
    store: &Store,
    counters: &Arc<Counters>,
    shutdown: &Shutdown,
) -> JoinSet<()> {
    let (newest, new_row) = tokio::sync::watch::channel(None);
    let (watched, is_watched) = tokio::sync::watch::channel(false);
    let (contact, in_contact) = tokio::sync::watch::channel(false);
    let ring = Ring::new(Arc::clone(counters));
    let (host, store) = (config.host.clone(), store.clone());

    let (reasons, pulse) = (Arc::clone(registry.reasons()), Arc::<Pulse>::default());
    let reporter = Reporter {
        service: config.service.clone(),
        pulse: Arc::clone(&pulse),
        newest: new_row.clone(),
        contact: in_contact.clone(),
        counters: Arc::clone(counters),
    };
    let collect = Collect {
        registry,
        rows: Rows::new(Arc::clone(counters)),
        processes,
        ring: Arc::clone(&ring),
        interval: config.interval,
        watched: is_watched.clone(),
        last: newest_stored(&store, &host.hostname),
        calls,
        counters: Arc::clone(counters),
        pulse,
    };
    let push = Push::open(Parts {
        store: store.clone(),
        client: client.clone(),
        host: host.clone(),
        interval: config.push_interval,
        statics: Statics::new(statics(config, Arc::clone(&reasons)), reasons),
        counters: Arc::clone(counters),
        newest: new_row,
        watched: is_watched.clone(),
        ring: Arc::clone(&ring),
        contact,
    });
    let watch = Watch { client, hostname: host.hostname.clone(), watched, contact: in_contact };
    let short = Arc::<Notify>::default();
    let upkeep = Upkeep { store: store.clone(), short: Arc::clone(&short), counters: Arc::clone(counters) };
    let keep = Keep { ring, store, host, newest, watched: is_watched, short, counters: Arc::clone(counters) };

    let mut parts = JoinSet::new();
    parts.spawn(collect::wake(call, keep.watched.clone(), shutdown.clone()));
    parts.spawn(on_own_thread(collect, shutdown.clone()));
    parts.spawn(keep.run(shutdown.clone()));
    parts.spawn(push.await.run(shutdown.clone()));
    parts.spawn(watch.run(shutdown.clone()));
    parts.spawn(upkeep.run(shutdown.clone()));
    parts.spawn(reporter.run(shutdown.clone()));
    parts
}

/// Whether what the kernel's own memory has is asked of the kernel itself. A program that answers in its place may
/// hang.
async fn are_the_kernels(roots: &Roots) -> bool {
    let roots = roots.clone();
    let asked = spawn_blocking(move || roots.are_the_kernels());
    matches!(timeout(PROC_ANSWERS, asked).await, Ok(Ok(true)))
}

/// Collects until `shutdown`.
async fn on_own_thread(collect: Collect, shutdown: Shutdown) {
    let mut thread = OwnThread::new("collect");
    if let Err(error) = thread.run(move || collect.run(&shutdown)).await {
        // As a task would have panicked.
        panic!("{error:#}");
    }
}

/// Serves Prometheus until `shutdown`.
async fn serve_metrics(
    listener: TcpListener,
    scraper: Scraper,
    allowed_hosts: Vec<String>,
    shutdown: Shutdown,
) {
    let address = match listener.local_addr() {
        Ok(address) => address,
        Err(error) => {
            warn!(%error, "the listener for Prometheus has no address: nothing is served there");
            return;
        }
    };
    info!(%address, "metrics for Prometheus on http://{}/metrics", loopback_of(address));
    let limits = server::Limits { connections: METRICS_CONNECTIONS, ..server::Limits::default() };
    let front = AgentFront::new(scraper, address.ip(), &allowed_hosts);
    server::serve(&listener, front, limits, Connections::default(), &shutdown).await;
}

/// The timestamp of the newest row of an earlier run.
fn newest_stored(store: &Store, hostname: &str) -> Option<Timestamp> {
    store.latest(hostname)?.iter().map(|sample| sample.timestamp).max()
}

/// How the static data are read.
fn statics(config: &AgentConfig, reasons: Reasons) -> statics::Read {
    let roots = config.roots.clone();
    let (version, interval) = (config.host.version.clone(), config.interval);
    Arc::new(move || {
        let (mut info, gaps) = sysmond_procfs::static_info(&roots);
        info.agent_version.clone_from(&version);
        info.interval_seconds = interval.as_secs_f64();
        let reasons = reasons.lock().unwrap_or_else(PoisonError::into_inner);
        info.unavailable =
            reasons.iter().map(|(name, reason)| ((*name).to_owned(), reason.clone())).collect();
        (info, gaps)
    })
}

#[cfg(test)]
mod tests;
