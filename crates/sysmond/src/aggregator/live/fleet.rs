//! The fleet as it changes: one message a second for all who look at the overview, and none where nobody does.

use super::super::counters::Counters;
use super::super::views::{FleetHostView, Value};
use super::encode;
use crate::clock;
use crate::shutdown::Shutdown;
use axum::body::Bytes;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use sysmond_model::catalogue::{CPU_CORE_USAGE, DISK_READ_ONLY, DISK_USAGE_PERCENT, Metric};
use sysmond_model::push::HostView;
use sysmond_model::{FleetSummary, Host, HostStatus, Sample, Timestamp};
use sysmond_tsdb::Store;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// Between two messages.
const PERIOD: Duration = Duration::from_secs(1);
/// The figures of a host that the overview shows, beside its fullest file system.
const METRICS: [&str; 4] = ["cpu.total_usage", "memory.usage_percent", "memory.used_bytes", "load.avg_1m"];

/// The newest message of the fleet.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    newest: watch::Sender<Option<Arc<Tick>>>,
    wanted: Notify,
    statics: tokio::sync::Mutex<Option<(Instant, Bytes)>>,
}

/// The fleet at one second.
#[derive(Debug)]
pub(super) struct Tick {
    number: u64,
    summary: FleetSummary,
    /// With the hosts that changed since the tick before.
    changed: Bytes,
    hosts: Vec<Arc<str>>,
    /// With all hosts; made when the first client needs it.
    full: OnceLock<Bytes>,
}

impl Tick {
    /// What a client is sent that saw the tick number `last` before this one: the changes, or everything where it
    /// missed some.
    pub(super) fn after(&self, last: Option<u64>, counters: &Counters) -> Bytes {
        if last.is_some_and(|last| last + 1 == self.number) {
            return self.changed.clone();
        }
        let full = self.full.get_or_init(|| {
            counters.frames_encoded.add(1);
            message(&self.summary, self.hosts.iter())
        });
        full.clone()
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Fleet {
    /// The messages from the present one on.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Arc<Tick>>> {
        let mut receiver = self.newest.subscribe();
        receiver.mark_changed();
        self.wanted.notify_one();
        receiver
    }

    /// The `static` frame of all hosts, made at most once a second.
    pub(super) async fn statics(&self, make: impl FnOnce() -> Bytes + Send + 'static) -> Bytes {
        let mut shared = self.statics.lock().await;
        if let Some((made, text)) = &*shared
            && made.elapsed() < PERIOD
        {
            return text.clone();
        }
        let text = tokio::task::spawn_blocking(make).await.unwrap_or_else(|panic| {
            tracing::error!(%panic, "encoding the fleet failed");
            encode::statics::<()>(&[])
        });
        *shared = Some((Instant::now(), text.clone()));
        text
    }

    /// Makes a message a second while somebody listens.
    pub(super) async fn run(
        &self,
        store: Store,
        offline_after_ms: i64,
        counters: Arc<Counters>,
        shutdown: Shutdown,
    ) {
        let mut known = Known::default();
        let mut next = Instant::now();
        loop {
            if self.newest.receiver_count() == 0 {
                known.hosts.clear();
                self.newest.send_replace(None);
                tokio::select! {
                    () = self.wanted.notified() => {}
                    () = shutdown.requested() => return,
                }
            }
            let store = store.clone();
            let ticked = tokio::task::spawn_blocking(move || {
                let tick = known.tick(&store, clock::now(), offline_after_ms);
                (known, tick)
            });
            known = match ticked.await {
                Ok((known, tick)) => {
                    counters.frames_encoded.add(1);
                    self.newest.send_replace(Some(Arc::new(tick)));
                    known
                }
                Err(panic) => {
                    tracing::error!(%panic, "summing up the fleet failed");
                    Known::default()
                }
            };
            next = (next + PERIOD).max(Instant::now());
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = shutdown.requested() => return,
            }
        }
    }
}

/// The hosts as the last message showed them.
#[derive(Default)]
struct Known {
    ticks: u64,
    hosts: HashMap<String, Shown>,
}

struct Shown {
    host: Host,
    status: HostStatus,
    json: Arc<str>,
}

impl Known {
    fn tick(&mut self, store: &Store, now: Timestamp, offline_after_ms: i64) -> Tick {
        let mut before = std::mem::take(&mut self.hosts);
        let (mut hosts, mut changed) = (Vec::new(), Vec::new());
        for host in store.hosts() {
            let status = host.status(now, offline_after_ms);
            let shown = before
                .remove(&host.info.hostname)
                .filter(|shown| shown.host == host && shown.status == status);
            let shown = shown.unwrap_or_else(|| {
                let view = HostView { host: &host, now, offline_after_ms };
                let latest = store.latest(&host.info.hostname).unwrap_or_default();
                let told = store.static_info(&host.info.hostname).map_or(0, |info| info.cpu_cores);
                let json: Arc<str> = host_json(view, &latest, told).into();
                changed.push(Arc::clone(&json));
                Shown { host, status, json }
            });
            hosts.push(Arc::clone(&shown.json));
            self.hosts.insert(shown.host.info.hostname.clone(), shown);
        }
        // A host that is gone is in no list of changes: who saw the tick before this one is sent everything.
        self.ticks += if before.is_empty() { 1 } else { 2 };
        let summary = store.fleet_summary(now, offline_after_ms);
        let changed = message(&summary, changed.iter());
        Tick { number: self.ticks, summary, changed, hosts, full: OnceLock::new() }
    }
}

/// A host as the overview shows it; its cores are counted where it never told them.
fn host_json(host: HostView<'_>, latest: &[Sample], cores_told: u32) -> String {
    let figure = |name: &&'static str| {
        let sample = latest.iter().find(|s| &*s.series.metric_type == *name && s.series.tags.is_empty())?;
        Some((Cow::Borrowed(*name), sample))
    };
    let disk = fullest(latest).map(|sample| (Cow::Owned(sample.series.to_string()), sample));
    let found: Vec<_> = METRICS.iter().filter_map(figure).chain(disk).collect();
    let sampled_at = found.iter().map(|(_, sample)| sample.timestamp).max();
    let metrics = found.into_iter().map(|(name, sample)| (name, Value(sample.value))).collect();
    let counted = || u32::try_from(samples_of(latest, &CPU_CORE_USAGE).count()).unwrap_or(u32::MAX);
    let cpu_cores = Some(cores_told).filter(|cores| *cores > 0).unwrap_or_else(counted);
    let cpu_cores = Some(cpu_cores).filter(|cores| *cores > 0);
    // Plain data with string keys and finite numbers always serializes.
    serde_json::to_string(&FleetHostView { host, cpu_cores, metrics, sampled_at }).unwrap_or_default()
}

/// How full the fullest file system is, of those that can be written to: what is read-only stays as it is.
fn fullest(latest: &[Sample]) -> Option<&Sample> {
    let read_only: Vec<&str> = samples_of(latest, &DISK_READ_ONLY)
        .filter(|sample| sample.value > 0.0)
        .map(|sample| &*sample.series.tags)
        .collect();
    samples_of(latest, &DISK_USAGE_PERCENT)
        .filter(|sample| !read_only.contains(&&*sample.series.tags))
        .max_by(|a, b| a.value.total_cmp(&b.value))
}

fn samples_of<'a>(latest: &'a [Sample], metric: &Metric) -> impl Iterator<Item = &'a Sample> {
    let name = metric.name;
    latest.iter().filter(move |sample| &*sample.series.metric_type == name)
}

/// `{"type":"fleet","summary":{…},"hosts":[…]}` of hosts that are JSON already.
fn message<'a>(summary: &FleetSummary, hosts: impl Iterator<Item = &'a Arc<str>>) -> Bytes {
    let summary = serde_json::to_string(summary).unwrap_or_default();
    let mut text = format!(r#"{{"type":"fleet","summary":{summary},"hosts":["#);
    for (place, host) in hosts.enumerate() {
        let comma = if place == 0 { "" } else { "," };
        // Writing to a String never fails.
        write!(text, "{comma}{host}").ok();
    }
    text.push_str("]}");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::{HostInfo, Series};

    fn tick(number: u64) -> Tick {
        let summary = FleetSummary {
            total_hosts: 2,
            online_hosts: 2,
            offline_hosts: 0,
            avg_cpu_usage: 30.5,
            total_memory_used: 7,
            timestamp: Timestamp::from_seconds(9),
        };
        let hosts = vec![Arc::from(r#"{"hostname":"a"}"#), Arc::from(r#"{"hostname":"b"}"#)];
        Tick { number, changed: message(&summary, hosts[..1].iter()), summary, hosts, full: OnceLock::new() }
    }

    #[test]
    fn a_host_has_its_fullest_file_system_and_its_cores() {
        let sample = |metric: &str, tags: &str, value| Sample {
            timestamp: Timestamp::from_seconds(9),
            series: Series::new(metric, tags),
            value,
        };
        let info = HostInfo { hostname: "a".into(), ..HostInfo::default() };
        let seen = Timestamp::from_seconds(9);
        let host = Host { info, first_seen: seen, last_seen: seen };
        let json = |latest: &[Sample], told| {
            let view = HostView { host: &host, now: seen, offline_after_ms: 300_000 };
            serde_json::from_str::<serde_json::Value>(&host_json(view, latest, told)).expect("JSON")
        };
        let latest = [
            sample("cpu.core_usage", "core=0", 1.0),
            sample("cpu.core_usage", "core=1", 1.0),
            sample("disk.read_only", "mount=/media/image", 1.0),
            sample("disk.read_only", "mount=/var", 0.0),
            sample("disk.usage_percent", "mount=/", 60.0),
            sample("disk.usage_percent", "mount=/media/image", 100.0),
            sample("disk.usage_percent", "mount=/var", 97.5),
        ];
        let full = json(&latest, 0);
        let fields = |json: &serde_json::Value| (json["metrics"].to_string(), json["cpu_cores"].to_string());
        assert_eq!(fields(&full), (r#"{"disk.usage_percent{mount=/var}":97.5}"#.into(), "2".into()));
        assert_eq!(full["sampled_at"], 9);
        assert_eq!(json(&latest, 8)["cpu_cores"], 8, "what the host says of itself counts");
        let bare = json(&[], 0);
        assert!(bare.get("cpu_cores").is_none() && bare.get("sampled_at").is_none(), "{bare}");
    }

    #[test]
    fn who_missed_a_message_gets_everything() {
        let counters = Counters::default();
        let hosts = |last| {
            let text = tick(5).after(last, &counters);
            let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
            assert_eq!((&json["type"], &json["summary"]["online_hosts"]), (&"fleet".into(), &2.into()));
            json["hosts"].as_array().expect("a list").len()
        };
        assert_eq!(hosts(Some(4)), 1);
        assert_eq!(hosts(Some(3)), 2);
        assert_eq!(hosts(None), 2);
        let tick = tick(5);
        assert_eq!(
            tick.after(None, &counters).as_ptr(),
            tick.after(None, &counters).as_ptr(),
            "made once, shared"
        );
    }
}
