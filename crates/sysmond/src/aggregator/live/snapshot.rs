//! The last five minutes of a host's samples, with which each connection begins.

use super::encode;
use super::topic::Topic;
use crate::clock;
use axum::body::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::limits::{MAX_POINTS, MAX_SERIES_PER_ANSWER};
use sysmond_model::{CATALOGUE, Point, Sample, SeriesRange, Timestamp};
use sysmond_tsdb::{QueryError, RangeQuery, Store, TagMatch};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How far back a connection begins, milliseconds: the mission's trends of the last five minutes.
const HISTORY_MS: i64 = 5 * 60 * 1000;
/// Clients that come within this time share one reading; a thousand browsers that reconnect cost a few.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// What was read, and where the messages after it begin.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The `history` frame.
    pub(super) history: Bytes,
    /// The number of the first message that may not be in it.
    pub(super) start: u64,
    /// The times of its rows.
    pub(super) rows: Arc<BTreeSet<Timestamp>>,
    taken: Instant,
}

/// The recent past of `topic`'s host. Call it after subscribing: then nothing falls between the two.
pub(super) async fn take(
    topic: &Topic,
    store: &Store,
    readers: &Semaphore,
) -> Result<Arc<Snapshot>, QueryError> {
    let mut shared = topic.snapshot.lock().await;
    let window = topic.window();
    if let Some(snapshot) = &*shared
        && snapshot.taken.elapsed() < SHARED_FOR
        && window.borrow().covers(snapshot.start)
    {
        return Ok(Arc::clone(snapshot));
    }
    let start = window.borrow().next();
    let taken = Instant::now();
    // The semaphore is never closed; without a permit the reading would only be less bounded.
    let _permit = readers.acquire().await;
    let (host, store) = (topic.host().to_owned(), store.clone());
    let (history, rows) =
        tokio::task::spawn_blocking(move || read(&store, &host)).await.unwrap_or_else(|panic| {
            tracing::error!(%panic, "reading a host's history failed");
            Ok((encode::history("", &[], Timestamp::default(), Timestamp::default()), BTreeSet::new()))
        })?;
    topic.begin(rows.last().copied());
    let snapshot = Arc::new(Snapshot { history, start, rows: Arc::new(rows), taken });
    *shared = Some(Arc::clone(&snapshot));
    Ok(snapshot)
}

/// The minutes up to the host's newest sample: its clock may be wrong, and one that fell silent is shown as it was.
fn read(store: &Store, host: &str) -> Result<(Bytes, BTreeSet<Timestamp>), QueryError> {
    let latest = store.latest(host).unwrap_or_default();
    let to = latest.iter().map(|sample| sample.timestamp).max().unwrap_or_else(clock::now);
    let from = to.plus_millis(-HISTORY_MS);
    let metrics = metrics_that_fit(&latest);
    let others = newest_of_others(&latest, &metrics, from);
    let query =
        RangeQuery { host: host.to_owned(), metrics, tags: TagMatch::Any, from, to, points: MAX_POINTS };
    let mut ranges: Vec<SeriesRange> = store.range(&query)?;
    ranges.retain(|range| !range.points.is_empty());
    let rows = ranges.iter().flat_map(|range| &range.points).map(|point| point.timestamp).collect();
    ranges.extend(others);
    Ok((encode::history(host, &ranges, from, to), rows))
}

/// The host's metrics, the catalogue's first, as long as their series fit into one answer. The others begin with their
/// newest sample alone.
fn metrics_that_fit(latest: &[Sample]) -> Vec<String> {
    let mut series: BTreeMap<&str, usize> = BTreeMap::new();
    for sample in latest {
        *series.entry(&sample.series.metric_type).or_default() += 1;
    }
    let place = |name: &str| CATALOGUE.iter().position(|metric| metric.name == name).unwrap_or(usize::MAX);
    let mut metrics: Vec<_> = series.into_iter().collect();
    metrics.sort_by_key(|(name, _)| place(name));
    let mut room = MAX_SERIES_PER_ANSWER;
    metrics.retain(|(_, count)| {
        let fits = *count <= room;
        room -= if fits { *count } else { 0 };
        fits
    });
    metrics.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// The newest sample of each series since `from` that is of none of `metrics`.
fn newest_of_others(latest: &[Sample], metrics: &[String], from: Timestamp) -> Vec<SeriesRange> {
    let metrics: BTreeSet<&str> = metrics.iter().map(String::as_str).collect();
    let others = latest
        .iter()
        .filter(|sample| sample.timestamp >= from && !metrics.contains(&*sample.series.metric_type));
    let range = |&Sample { timestamp, ref series, value }: &Sample| SeriesRange {
        series: series.clone(),
        resolution_seconds: 0.0,
        points: vec![Point { timestamp, min: value, avg: value, max: value }],
    };
    others.map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::Series;

    #[test]
    fn known_metrics_come_first_and_what_does_not_fit_is_left_out() {
        let sample = |metric: &str, tags: String| Sample {
            timestamp: Timestamp::default(),
            series: Series::new(metric, tags),
            value: 0.0,
        };
        let flood = (0..MAX_SERIES_PER_ANSWER).map(|n| sample("a.flood", format!("n={n}")));
        let few = [sample("b.own", String::new()), sample("memory.used_bytes", String::new())];
        let latest: Vec<_> = flood.chain(few).chain([sample("cpu.total_usage", String::new())]).collect();
        assert_eq!(metrics_that_fit(&latest), ["cpu.total_usage", "memory.used_bytes", "b.own"]);
    }
}
