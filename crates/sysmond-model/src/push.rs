//! The push protocol: the JSON of `POST /api/metrics`, its answer, and how an agent learns that somebody watches it.

use crate::{Frame, Host, HostInfo, ProcessReading, StaticInfo, Timestamp};
use serde::ser::{SerializeSeq, SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The header that carries the token.
pub const TOKEN_HEADER: &str = "x-sysmon-token";

/// The body of a push, as an agent writes it. The server reads the same JSON leniently, sample by sample.
#[derive(Serialize)]
pub struct PushBody<'a> {
    hostname: &'a str,
    version: &'a str,
    platform: &'a str,
    tags: &'a BTreeMap<String, String>,
    /// Only where it changed since the server acknowledged it.
    #[serde(rename = "static", skip_serializing_if = "Option::is_none")]
    static_info: Option<&'a StaticInfo>,
    metrics: Samples<'a>,
    /// Behind the samples, so that their place in the body stays the same from push to push.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    processes: &'a [ProcessReading],
}

impl<'a> PushBody<'a> {
    /// The body for these frames of one host; none of them makes a heartbeat.
    pub fn new(host: &'a HostInfo, static_info: Option<&'a StaticInfo>, frames: &'a [Frame]) -> Self {
        Self {
            hostname: &host.hostname,
            version: &host.version,
            platform: &host.platform,
            tags: &host.tags,
            static_info,
            metrics: Samples(frames),
            processes: &[],
        }
    }

    /// The same with snapshots of processes.
    #[must_use]
    pub const fn with_processes(self, processes: &'a [ProcessReading]) -> Self {
        Self { processes, ..self }
    }
}

/// Frames as the list of loose samples that the protocol draws.
struct Samples<'a>(&'a [Frame]);

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.iter().map(Frame::sample_count).sum()))?;
        for (timestamp, series, value) in self.0.iter().flat_map(Frame::samples) {
            list.serialize_element(&WireSample {
                timestamp,
                metric_type: &series.metric_type,
                value,
                tags: &series.tags,
            })?;
        }
        list.end()
    }
}

#[derive(Serialize)]
struct WireSample<'a> {
    timestamp: Timestamp,
    metric_type: &'a str,
    value: f64,
    tags: &'a str,
}

/// The answer to a push.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PushAnswer {
    /// `success` where nothing failed, `partial` where some samples were refused, `error` where all were.
    pub status: String,
    /// The host as registered.
    pub hostname: String,
    /// Samples in the body.
    pub metrics_received: usize,
    /// Samples that are durable now, repeated ones included.
    pub metrics_stored: usize,
    /// Samples refused; never retried.
    pub metrics_failed: usize,
    /// The first refused samples and the reason of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<SampleError>,
    /// Snapshots of processes that are durable now, repeated ones included; left out where the body had none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub snapshots_stored: usize,
    /// Snapshots of processes that were refused; never retried.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub snapshots_failed: usize,
    /// Set where the server has no static data of this host: the agent sends them with its next push.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub static_wanted: bool,
    /// The server's clock, whole seconds.
    pub timestamp: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Why one sample of a push was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleError {
    /// Its place in `metrics`, from 0.
    pub index: usize,
    /// What it is a sample of, as far as that could be read.
    pub metric_type: String,
    /// A stable word: `bad_sample`, `bad_timestamp`, `bad_value`, `bad_metric_type`, `bad_tags`, `too_new`, `too_old`,
    /// `too_many_series`.
    pub code: String,
    /// The reason in a sentence.
    pub detail: String,
}

/// The answer to an agent's `GET /api/agent/watch?host=X&watched=BOOL`, held back by the server until the state differs
/// from the one in the question, or for [`WATCH_HOLD_SECONDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchAnswer {
    /// Whether somebody looks at this host's live data: it then collects and pushes every second.
    pub watched: bool,
}

/// The longest that the server holds back the answer to a watch, seconds: below the 60 s that proxies allow.
pub const WATCH_HOLD_SECONDS: u64 = 25;

/// A host as `GET /api/hosts` and the live fleet frames show it.
pub struct HostView<'a> {
    /// The host.
    pub host: &'a Host,
    /// The server's clock.
    pub now: Timestamp,
    /// The limit of silence, milliseconds.
    pub offline_after_ms: i64,
}

impl Serialize for HostView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Host { info, first_seen, last_seen } = self.host;
        let mut out = serializer.serialize_struct("Host", 7)?;
        out.serialize_field("hostname", &info.hostname)?;
        out.serialize_field("first_seen", &first_seen.as_seconds())?;
        out.serialize_field("last_seen", &last_seen.as_seconds())?;
        out.serialize_field("tags", &info.tags)?;
        out.serialize_field("version", &info.version)?;
        out.serialize_field("platform", &info.platform)?;
        out.serialize_field("status", &self.host.status(self.now, self.offline_after_ms))?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sample, Series};

    #[test]
    fn a_push_has_the_documented_json() {
        let host = HostInfo {
            hostname: "web-server-01".into(),
            version: "0.5.0".into(),
            platform: "Linux".into(),
            tags: BTreeMap::from([("role".into(), "web-server".into())]),
        };
        let frame = Frame::from_samples([Sample {
            timestamp: Timestamp::from_seconds(1_675_728_000),
            series: Series::new("cpu.total_usage", ""),
            value: 34.5,
        }]);
        let body = serde_json::to_value(PushBody::new(&host, None, &[frame])).expect("plain data");
        let expected = serde_json::json!({
            "hostname": "web-server-01", "version": "0.5.0", "platform": "Linux",
            "tags": {"role": "web-server"},
            "metrics": [{"timestamp": 1_675_728_000, "metric_type": "cpu.total_usage", "value": 34.5, "tags": ""}],
        });
        assert_eq!(body, expected);
    }
}
