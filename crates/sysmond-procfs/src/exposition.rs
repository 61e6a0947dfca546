//! What the kernel's files say under the names, labels and units of Prometheus' `node_exporter`, as text of Prometheus
//! (format 0.0.4): counters as they are counted, read when somebody asks.

use crate::table::printable;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use sysmond_model::CATALOGUE;

/// How Prometheus is to take a family's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, or begins again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Some of its series are counters, some are not, and their files do not say which.
    Untyped,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Untyped => "untyped",
        }
    }
}

/// Series by family, as they are read; families are written in the order of their names.
#[derive(Debug, Default)]
pub struct Exposition {
    families: BTreeMap<Cow<'static, str>, Family>,
}

#[derive(Debug)]
struct Family {
    kind: Kind,
    help: Cow<'static, str>,
    /// The labels, in braces where there are any, and the value.
    series: Vec<(String, f64)>,
}

/// A label: its name, and any bytes that the kernel gives.
pub(crate) type Label<'a> = (&'a str, &'a [u8]);

impl Exposition {
    /// Adds a series that rises; one whose value is not finite is left out.
    pub fn counter(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: &[Label<'_>],
        value: f64,
    ) {
        self.put(name, Kind::Counter, help, labels, value);
    }

    /// Adds a series that goes up and down.
    pub fn gauge(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: &[Label<'_>],
        value: f64,
    ) {
        self.put(name, Kind::Gauge, help, labels, value);
    }

    /// Adds a series. Kind and meaning are those that its family came with first.
    pub fn put(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        kind: Kind,
        help: impl Into<Cow<'static, str>>,
        labels: &[Label<'_>],
        value: f64,
    ) {
        if value.is_finite() {
            let new = || Family { kind, help: help.into(), series: Vec::new() };
            self.families.entry(name.into()).or_insert_with(new).series.push((braces(labels), value));
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        for (name, family) in other.families {
            match self.families.entry(name) {
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(family);
                }
                std::collections::btree_map::Entry::Occupied(mut place) => {
                    place.get_mut().series.extend(family.series);
                }
            }
        }
    }

    /// Whether there is such a family.
    pub fn has(&self, name: &str) -> bool {
        self.families.contains_key(name)
    }

    /// The text. Of a series that came twice (names that differ in bytes alone that no text can hold) the first is
    /// kept: Prometheus would refuse the whole text.
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(64 * 1024);
        for (name, Family { kind, help, series }) in &self.families {
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            // Writing to a String never fails.
            writeln!(out, "# HELP {name} {help}\n# TYPE {name} {}", kind.as_str()).ok();
            let mut seen = HashSet::new();
            for (labels, value) in series.iter().filter(|(labels, _)| seen.insert(labels.as_str())) {
                writeln!(out, "{name}{labels} {value}").ok();
            }
        }
        out
    }
}

/// `{device="sda",mode="idle"}`, with what the format asks to be escaped.
fn braces(labels: &[Label<'_>]) -> String {
    let mut out = String::new();
    for (key, value) in labels {
        out.push(if out.is_empty() { '{' } else { ',' });
        out.push_str(key);
        out.push_str("=\"");
        for c in printable(value).chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    if !out.is_empty() {
        out.push('}');
    }
    out
}

/// A kernel's name as part of a family's: `Active(anon)` as `Active_anon`, other bytes as `_`.
pub(crate) fn name_part(text: &[u8]) -> String {
    let text = text.strip_suffix(b")").unwrap_or(text);
    let legal = |byte: &u8| if byte.is_ascii_alphanumeric() { char::from(*byte) } else { '_' };
    text.iter().map(legal).collect()
}

/// What the catalogue says of a family that one of its metrics alone comes of, or else `otherwise`. What stands there
/// behind a semicolon is of the metric and not of the family.
pub(crate) fn meaning(family: &str, otherwise: impl FnOnce() -> String) -> Cow<'static, str> {
    let mut metrics = CATALOGUE.iter().filter(|metric| metric.prometheus == family);
    match (metrics.next(), metrics.next()) {
        (Some(metric), None) => metric.help.split(';').next().unwrap_or_default().into(),
        _ => otherwise().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fill: impl FnOnce(&mut Exposition)) -> String {
        let mut out = Exposition::default();
        fill(&mut out);
        out.text()
    }

    #[test]
    fn a_family_stands_together_with_its_words_once() {
        let found = text(|out| {
            out.counter("b_total", "B", &[("device", b"sda"), ("mode", b"x")], 2.0);
            out.gauge("a", "A\nand \\", &[], 0.5);
            out.counter("b_total", "B", &[("device", b"sdb"), ("mode", b"x")], 270_553_174_016.0);
        });
        let expected = "# HELP a A\\nand \\\\\n# TYPE a gauge\na 0.5\n# HELP b_total B\n# TYPE b_total counter\n\
                        b_total{device=\"sda\",mode=\"x\"} 2\nb_total{device=\"sdb\",mode=\"x\"} 270553174016\n";
        assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_are_one_label() {
        let check = |bytes: &[u8], expected: &str| {
            let found = text(|out| out.gauge("a", "A", &[("x", bytes)], 1.0));
            assert!(found.ends_with(&format!("a{{x=\"{expected}\"}} 1\n")), "{found}");
        };
        check(b"a\"b\\c", "a\\\"b\\\\c");
        check(b"a\nb", "a\u{fffd}b");
        check(b"a\xffb", "a\u{fffd}b");
        check(b"", "");
    }

    #[test]
    fn no_series_stands_twice_and_none_is_nothing() {
        let found = text(|out| {
            out.gauge("a", "A", &[("x", b"\xff")], 1.0);
            out.gauge("a", "A", &[("x", b"\xfe")], 2.0);
            out.gauge("b", "B", &[], f64::NAN);
        });
        assert_eq!(found, "# HELP a A\n# TYPE a gauge\na{x=\"\u{fffd}\"} 1\n");
    }

    #[test]
    fn one_text_of_two() {
        let found = text(|out| {
            out.gauge("a", "A", &[("x", b"1")], 1.0);
            let mut other = Exposition::default();
            other.gauge("a", "other", &[("x", b"2")], 2.0);
            other.gauge("b", "B", &[], 3.0);
            out.merge(other);
        });
        let expected =
            "# HELP a A\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2\n# HELP b B\n# TYPE b gauge\nb 3\n";
        assert_eq!(found, expected);
    }

    #[test]
    fn the_catalogue_explains_what_has_one_meaning() {
        let check = |family, expected: &str| assert_eq!(meaning(family, || "?".to_owned()), expected);
        check("node_memory_Cached_bytes", "Page cache");
        check("node_memory_HugePages_Total", "Huge pages set aside");
        check("node_memory_MemAvailable_bytes", "?");
        check("node_memory_Bounce_bytes", "?");
    }

    #[test]
    fn names_of_the_kernel_become_parts_of_names() {
        let check = |kernel: &str, expected: &str| assert_eq!(name_part(kernel.as_bytes()), expected);
        check("Active(anon)", "Active_anon");
        check("MemTotal", "MemTotal");
        check("a-b.c", "a_b_c");
    }
}
