//! Every metric that sysmon collects, once: name, kind, unit, tags, meaning, and what others call it.
//!
//! Names are dotted. Prometheus names are those of `node_exporter`'s series that the figure comes from, OpenTelemetry
//! names those of the semantic conventions for systems, hardware and containers; either is empty where there is none.
//! Documentation, dashboard, API and tests are made from this table.

mod declare;
mod page;
mod table;

pub use page::page;
pub use table::*;

use serde::Serialize;
use std::borrow::Cow;

/// The unit of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// 0 to 100.
    Percent,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Bits a second: what links are sold by.
    BitsPerSecond,
    /// Events a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Cycles a second of a processor.
    Hertz,
    /// Degrees Celsius; may be negative.
    Celsius,
    /// Volts; may be negative.
    Volts,
    /// Amperes.
    Amperes,
    /// Watts.
    Watts,
    /// Turns a minute.
    TurnsPerMinute,
    /// A plain number of things.
    Count,
}

impl Unit {
    /// The unit's name in the API: `percent`, `bytes`, `bytes/s`, `1/s`, `seconds`, `count` …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes/s",
            Self::BitsPerSecond => "bits/s",
            Self::PerSecond => "1/s",
            Self::Seconds => "seconds",
            Self::Hertz => "hertz",
            Self::Celsius => "celsius",
            Self::Volts => "volts",
            Self::Amperes => "amperes",
            Self::Watts => "watts",
            Self::TurnsPerMinute => "rpm",
            Self::Count => "count",
        }
    }

    /// Whether a value below zero makes sense of all that is measured in it. In seconds that is so of a clock's offset
    /// alone.
    pub const fn can_be_negative(self) -> bool {
        matches!(self, Self::Celsius | Self::Volts | Self::Amperes | Self::Watts)
    }
}

impl Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How a metric's value comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A state at the moment of reading, or a ratio over the time since the reading before.
    Gauge,
    /// A counter's increase per second over the real time between two readings.
    Rate,
}

impl Kind {
    /// `gauge` or `rate`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Rate => "rate",
        }
    }
}

/// One metric.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Dotted name, such as `cpu.total_usage`.
    pub name: &'static str,
    /// How its value comes about.
    pub kind: Kind,
    /// Unit of its values.
    pub unit: Unit,
    /// Keys of the tags that tell its series apart.
    pub tags: &'static [&'static str],
    /// The `node_exporter` series it corresponds to, which an agent serves too; or empty, where it is served under a
    /// name of ours ([`Self::exposed_as`]).
    pub prometheus: &'static str,
    /// The OpenTelemetry name, or empty.
    pub opentelemetry: &'static str,
    /// What it means, one line.
    pub help: &'static str,
}

impl Metric {
    /// What Prometheus is served it as: the name of `node_exporter`, or else its own with `sysmond_` before it.
    pub fn exposed_as(&self) -> Cow<'static, str> {
        match self.prometheus {
            "" => format!("sysmond_{}", self.name.replace('.', "_")).into(),
            name => name.into(),
        }
    }
}

/// The metric of that name, where sysmon knows it.
pub fn find(name: &str) -> Option<&'static Metric> {
    CATALOGUE.iter().copied().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_dotted_and_lower_case() {
        let mut seen = HashSet::new();
        for metric in CATALOGUE {
            assert!(seen.insert(metric.name), "{} stands twice", metric.name);
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let parts: Vec<_> = metric.name.split('.').collect();
            assert!(
                parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && part.chars().all(legal)),
                "{}",
                metric.name
            );
            assert!(!metric.help.is_empty(), "{}", metric.name);
            assert!(metric.tags.is_sorted(), "{}: canonical tags are sorted by key", metric.name);
        }
    }

    #[test]
    fn each_name_of_others_is_one_of_theirs() {
        let word = |name: &str, separator| {
            let legal = |c: char| c.is_ascii_alphanumeric() || c == separator || c == '_';
            name.is_empty() || (name.contains(separator) && name.chars().all(legal))
        };
        for metric in CATALOGUE {
            assert!(word(metric.prometheus, '_'), "{}", metric.prometheus);
            assert!(word(metric.opentelemetry, '.'), "{}", metric.opentelemetry);
        }
    }

    #[test]
    fn a_family_stands_together() {
        let mut families: Vec<&str> = CATALOGUE.iter().filter_map(|m| m.name.split('.').next()).collect();
        families.dedup();
        let unique: HashSet<_> = families.iter().collect();
        assert_eq!(unique.len(), families.len(), "{families:?}");
    }

    #[test]
    fn the_documented_names_are_there() {
        for name in ["cpu.total_usage", "memory.usage_percent", "memory.used_bytes"] {
            assert!(find(name).is_some(), "{name}");
        }
    }
}
