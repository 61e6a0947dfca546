//! What Prometheus is shown of this host: `node_exporter`'s names where it has them, the rest under `sysmond_`.
//!
//! The sources are read when it is asked for, by the loop that reads them at each tick, so that nothing is read by two.

use super::collect::Call;
use super::counters::Counters;
use super::registry::{Collector, Registry};
use crate::{clock, process};
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use sysmond_model::Metric;
use sysmond_model::catalogue::{AGENT_COLLECTOR_SECONDS, AGENT_COLLECTOR_UP};
use sysmond_model::tags;
use sysmond_procfs::{Exposition, Kind, Roots, expose_identity};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long one waits for it: as long as Prometheus does by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for the text. Clones ask the same agent.
#[derive(Clone, Debug)]
pub struct Scraper {
    calls: SyncSender<Call>,
    roots: Roots,
}

/// Why there is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many ask at once, or this host is too busy to answer")]
pub struct Busy;

impl Scraper {
    /// Of the loop that takes these calls, on the host with its file systems there.
    pub(super) const fn new(calls: SyncSender<Call>, roots: Roots) -> Self {
        Self { calls, roots }
    }

    /// The text, as it is now.
    ///
    /// # Errors
    /// Where too many wait for it, or the agent ends.
    pub async fn text(&self) -> Result<String, Busy> {
        timeout(PATIENCE, self.patient_text()).await.map_err(|_| Busy)?
    }

    async fn patient_text(&self) -> Result<String, Busy> {
        let roots = self.roots.clone();
        // Of a file on disk: the loop, which reads the rest, is not to wait for one.
        let identity = spawn_blocking(move || identity(&roots)).await.map_err(|_| Busy)?;
        let (answer, text) = oneshot::channel();
        self.calls.try_send(Call::Show(identity, answer)).map_err(|_| Busy)?;
        text.await.map_err(|_| Busy)
    }
}

/// What the host is; a system that does not say its name is shown without one.
fn identity(roots: &Roots) -> Exposition {
    let now = u64::try_from(clock::now().as_millis()).unwrap_or(0);
    let mut out = Exposition::default();
    expose_identity(roots, Duration::from_millis(now), &mut out).unwrap_or_default();
    out
}

/// All that is shown behind `identity`: what the sources expose, what else they read last, and what this agent takes
/// and did.
pub(super) fn text(
    registry: &mut Registry,
    counters: &Counters,
    deadline: Duration,
    identity: Exposition,
) -> String {
    let mut out = registry.expose(deadline);
    out.merge(identity);
    for collector in registry.collectors() {
        expose_values(collector, &mut out);
    }
    expose_agent(counters, &mut out);
    out.text()
}

fn expose_values(collector: &Collector, out: &mut Exposition) {
    for (metric, tags, value) in collector.values().iter().filter(|(metric, ..)| metric.prometheus.is_empty())
    {
        put(metric, tags, value, out);
    }
    if let Some(up) = collector.is_up() {
        put(&AGENT_COLLECTOR_UP, collector.tags(), f64::from(u8::from(up)), out);
    }
    if let Some(took) = collector.took() {
        put(&AGENT_COLLECTOR_SECONDS, collector.tags(), took.as_secs_f64(), out);
    }
}

/// A metric of ours, as it was last read: a rate stays one.
fn put(metric: &'static Metric, tags: &str, value: f64, out: &mut Exposition) {
    // Our own sources write canonical tags.
    let pairs = tags::split(tags).unwrap_or_default();
    let labels: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_bytes())).collect();
    out.gauge(metric.exposed_as(), metric.help, &labels, value);
}

fn expose_agent(counters: &Counters, out: &mut Exposition) {
    process::expose(out);
    for (name, help, counter) in [
        ("sysmond_agent_rows_read_total", "Rows that were read", &counters.rows_produced),
        ("sysmond_agent_samples_read_total", "Samples that were read", &counters.produced),
        ("sysmond_agent_samples_stored_total", "Samples made durable on this host", &counters.stored),
        ("sysmond_agent_samples_pushed_total", "Samples that the aggregator took", &counters.pushed),
        ("sysmond_agent_pushes_total", "Pushes that were answered", &counters.pushes),
        (
            "sysmond_agent_pushes_failed_total",
            "Pushes that failed and were made again",
            &counters.pushes_failed,
        ),
    ] {
        out.put(name, Kind::Counter, help, &[], counter.get() as f64);
    }
}
