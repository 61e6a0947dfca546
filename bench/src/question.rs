//! The questions that all three systems are asked, each in its own words.

use crate::http::Connection;
use crate::server::System;
use crate::wire;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::HashMap;

/// A question, in words that all three understand.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// All newest values of a host.
    Latest,
    /// A figure of the whole fleet, now: the mean load of the processors.
    Fleet,
    /// A stretch of a series in so many points, no spike lost.
    Stretch {
        /// From when, milliseconds before the newest sample.
        millis: i64,
        /// Into how many points.
        points: i64,
    },
    /// Five minutes of two series of a host, each sample.
    FiveMinutes,
}

/// The metric that is asked for.
const METRIC: &str = "cpu.total_usage";
/// The second one.
const SECOND_METRIC: &str = "memory.usage_percent";
/// Five minutes.
const FIVE_MINUTES_MS: i64 = 300_000;

impl Question {
    /// Where it is asked of a host, `at` being the newest sample's time.
    pub fn path(self, system: System, host: &str, at: i64) -> String {
        match system {
            System::Sysmond => self.own_path(host, at),
            System::Victoria | System::Prometheus => self.promql_path(host, at),
        }
    }

    fn own_path(self, host: &str, at: i64) -> String {
        let seconds = |millis: i64| millis as f64 / 1000.0;
        match self {
            Self::Latest => format!("/api/latest?host={host}"),
            Self::Fleet => "/api/fleet/summary".to_owned(),
            Self::Stretch { millis, points } => {
                let (from, to) = (seconds(at - millis), seconds(at));
                format!("/api/history?host={host}&metric={METRIC}&from={from}&to={to}&points={points}")
            }
            Self::FiveMinutes => {
                let (from, to) = (seconds(at - FIVE_MINUTES_MS), seconds(at));
                format!(
                    "/api/history?host={host}&metric={METRIC}&metric={SECOND_METRIC}&from={from}&to={to}&points=1000"
                )
            }
        }
    }

    fn promql_path(self, host: &str, at: i64) -> String {
        let (metric, second) = (wire::metric_name(METRIC), wire::metric_name(SECOND_METRIC));
        let to = at as f64 / 1000.0;
        match self {
            Self::Latest => instant(&format!("{{host=\"{host}\"}}"), to),
            Self::Fleet => instant(&format!("avg({metric})"), to),
            Self::Stretch { millis, points } => {
                let step = millis as f64 / 1000.0 / points as f64;
                let window = step.ceil();
                let query = format!("max_over_time({metric}{{host=\"{host}\"}}[{window}s])");
                stretch(&query, to - millis as f64 / 1000.0 + step, to, step)
            }
            Self::FiveMinutes => {
                let query = format!("{{__name__=~\"{metric}|{second}\",host=\"{host}\"}}");
                stretch(&query, to - FIVE_MINUTES_MS as f64 / 1000.0, to, 2.0)
            }
        }
    }

    /// How many values the answer has: samples, hosts or points.
    pub fn size(self, system: System, answer: &Value) -> usize {
        let of_each = |series: &[Value], values: &str| series.iter().map(|one| list(one, values).len()).sum();
        match (system, self) {
            (System::Sysmond, Self::Latest) => list(answer, "/metrics").len(),
            (System::Sysmond, Self::Fleet) => {
                usize::from(answer.get("avg_cpu_usage").is_some_and(Value::is_number))
            }
            (System::Sysmond, Self::Stretch { .. }) => list(answer, "/points").len(),
            (System::Sysmond, Self::FiveMinutes) => of_each(list(answer, "/series"), "/points"),
            (_, Self::Latest | Self::Fleet) => list(answer, "/data/result").len(),
            (_, Self::Stretch { .. } | Self::FiveMinutes) => of_each(list(answer, "/data/result"), "/values"),
        }
    }
}

/// The list at a place of an answer; none is an empty one.
fn list<'a>(answer: &'a Value, place: &str) -> &'a [Value] {
    answer.pointer(place).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn instant(query: &str, time: f64) -> String {
    format!("/api/v1/query?query={}&time={time}", escaped(query))
}

fn stretch(query: &str, from: f64, to: f64, step: f64) -> String {
    format!("/api/v1/query_range?query={}&start={from}&end={to}&step={step}", escaped(query))
}

/// A query as a part of an address.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// The time of each host's newest sample, milliseconds; `at` is not before any of them.
pub fn newest(
    connection: &mut Connection,
    system: System,
    hosts: &[String],
    at: i64,
) -> Result<HashMap<String, i64>> {
    #[expect(clippy::cast_possible_truncation, reason = "a time in milliseconds")]
    let millis = |seconds: f64| (seconds * 1000.0).round() as i64;
    let mut newest = HashMap::new();
    if system == System::Sysmond {
        for host in hosts {
            let answer = connection.get(&format!("/api/latest?host={host}"))?;
            if answer.status == 404 {
                continue;
            }
            let answer = answer.json()?;
            let times = list(&answer, "/metrics").iter().filter_map(|m| m.get("timestamp")?.as_f64());
            newest.insert(host.clone(), times.map(millis).max().unwrap_or(0));
        }
        return Ok(newest);
    }
    let query = format!("timestamp({})", wire::metric_name(METRIC));
    let answer = connection.get(&instant(&query, at as f64 / 1000.0))?.json()?;
    for series in list(&answer, "/data/result") {
        let host =
            series.pointer("/metric/host").and_then(Value::as_str).context("a series without its host")?;
        let time = series.pointer("/value/1").and_then(Value::as_str).context("a series without a value")?;
        newest.insert(host.to_owned(), millis(time.parse()?));
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_is_asked_in_its_own_words() {
        let check = |question: Question, system, expected: &str| {
            assert_eq!(question.path(system, "h", 1_000_000_500), expected);
        };
        check(Question::Latest, System::Sysmond, "/api/latest?host=h");
        let latest = "/api/v1/query?query=%7Bhost%3D%22h%22%7D&time=1000000.5";
        check(Question::Latest, System::Prometheus, latest);
        let day = Question::Stretch { millis: 100_000, points: 50 };
        let own = "/api/history?host=h&metric=cpu.total_usage&from=999900.5&to=1000000.5&points=50";
        check(day, System::Sysmond, own);
        let theirs = "/api/v1/query_range?query=max_over_time%28cpu_total_usage%7Bhost%3D%22h%22%7D%5B2s%5D%29\
                      &start=999902.5&end=1000000.5&step=2";
        check(day, System::Victoria, theirs);
    }

    #[test]
    fn what_was_answered_is_counted() {
        let check = |question: Question, system, answer: Value, expected| {
            assert_eq!(question.size(system, &answer), expected, "{answer}");
        };
        check(Question::Latest, System::Sysmond, json!({"metrics": [1, 2]}), 2);
        check(Question::Fleet, System::Sysmond, json!({"avg_cpu_usage": 3.5}), 1);
        check(Question::Fleet, System::Sysmond, json!({"error": 1}), 0);
        let two = json!({"series": [{"points": [1, 2]}, {"points": [3]}]});
        check(Question::FiveMinutes, System::Sysmond, two, 3);
        let theirs = json!({"data": {"result": [{"values": [1, 2]}, {"values": [3]}]}});
        check(Question::FiveMinutes, System::Prometheus, theirs.clone(), 3);
        check(Question::Fleet, System::Victoria, theirs, 2);
    }
}
