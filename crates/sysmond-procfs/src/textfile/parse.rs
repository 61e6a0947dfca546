//! The text format of Prometheus (0.0.4), as scripts write it. Pure.
//!
//! Strict: what is wrong anywhere makes the whole text wrong, and the line is told. Half a file is worse than none.

use crate::exposition::Kind;
use crate::table::printable;
use std::collections::{HashMap, HashSet};
use sysmond_model::limits::{MAX_METRIC_TYPE_BYTES, MAX_SAMPLE_TAGS_BYTES};
use sysmond_model::tags;

/// Samples of one file: `smartctl` of ten disks has some five hundred.
pub(crate) const MAX_SAMPLES: usize = 1000;
/// Labels of one sample.
const MAX_LABELS: usize = 32;
/// What a HELP is cut to, bytes.
const MAX_HELP_BYTES: usize = 512;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) samples: Vec<Sample>,
    /// What metrics mean, by name, where the file says it.
    pub(crate) helps: HashMap<String, String>,
}

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Where it stands, from 1.
    pub(crate) line: usize,
    /// The metric's name as it was written.
    pub(crate) name: String,
    /// Its labels, canonical.
    pub(crate) tags: String,
    /// Not finite where the file says so: there is no such sample then.
    pub(crate) value: f64,
    pub(crate) kind: Kind,
}

/// What is wrong with a text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) reason: &'static str,
}

/// The samples of a text.
pub(crate) fn parse(text: &[u8]) -> Result<Parsed, Fault> {
    let (mut parsed, mut seen, mut kinds) = (Parsed::default(), HashSet::new(), HashMap::new());
    let mut rest = text;
    for number in 1.. {
        if rest.is_empty() {
            break;
        }
        let fault = |reason| Fault { line: number, reason };
        let end = rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or(fault("the last line has no end: was the file written half?"))?;
        let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        rest = behind.get(1..).unwrap_or_default();
        let line = std::str::from_utf8(line).map_err(|_| fault("not UTF-8"))?;
        let line = line.trim_matches(is_space);
        if let Some(comment) = line.strip_prefix('#') {
            note_kind(comment, &mut kinds).map_err(fault)?;
            note_help(comment, &mut parsed.helps);
        } else if !line.is_empty() {
            let sample = sample(number, line, &kinds).map_err(fault)?;
            if !seen.insert((sample.name.clone(), sample.tags.clone())) {
                return Err(fault("the same series as on an earlier line"));
            }
            parsed.samples.push(sample);
            if parsed.samples.len() > MAX_SAMPLES {
                return Err(fault("more than 1000 samples in a file"));
            }
        }
    }
    let Parsed { samples, helps } = &mut parsed;
    let named: HashSet<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    helps.retain(|name, _| named.contains(name.as_str()));
    Ok(parsed)
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

/// `# HELP name What it means.`; the first one counts.
fn note_help(comment: &str, helps: &mut HashMap<String, String>) {
    let help =
        comment.trim_start_matches(is_space).strip_prefix("HELP").filter(|rest| rest.starts_with(is_space));
    let Some((name, help)) = help.and_then(|rest| rest.trim_matches(is_space).split_once(is_space)) else {
        return;
    };
    // As the format writes it: nothing else is escaped there.
    let help = help.replace("\\\\", "\0").replace("\\n", " ").replace('\0', "\\");
    let help = printable(help.trim_matches(is_space).as_bytes());
    let end = help.floor_char_boundary(MAX_HELP_BYTES);
    helps.entry(name.to_owned()).or_insert_with(|| help.get(..end).unwrap_or_default().to_owned());
}

/// `# TYPE name counter`; of other comments nothing is wanted.
fn note_kind(comment: &str, kinds: &mut HashMap<String, Kind>) -> Result<(), &'static str> {
    let mut words = comment.split(is_space).filter(|word| !word.is_empty());
    if words.next() != Some("TYPE") {
        return Ok(());
    }
    let (Some(name), Some(kind), None) = (words.next(), words.next(), words.next()) else {
        return Err("a TYPE that is not a name and a type");
    };
    let kind = match kind {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "untyped" | "histogram" | "summary" => Kind::Untyped,
        _ => return Err("no such TYPE"),
    };
    match kinds.insert(name.to_owned(), kind) {
        Some(_) => Err("a second TYPE for the same name"),
        None => Ok(()),
    }
}

/// `name{label="value",…} value`.
fn sample(number: usize, line: &str, kinds: &HashMap<String, Kind>) -> Result<Sample, &'static str> {
    let end = line.find(|c: char| !is_of_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at_checked(end).unwrap_or((line, ""));
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("no name of a metric");
    }
    if name.len() > MAX_METRIC_TYPE_BYTES {
        return Err("a name that is too long");
    }
    let rest = rest.trim_start_matches(is_space);
    let (tags, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (String::new(), rest),
    };
    let mut words = rest.split(is_space).filter(|word| !word.is_empty());
    let value = words.next().and_then(value).ok_or("no number behind the name")?;
    match words.next() {
        // A time that a file has is the time of its writing, seldom that of the reading.
        Some(word) if word.parse::<i64>().is_ok() => Err("a timestamp: samples are of the time of reading"),
        Some(_) => Err("something behind the number"),
        None => {
            let kind = kinds.get(name).copied().unwrap_or(Kind::Untyped);
            Ok(Sample { line: number, name: name.to_owned(), tags, value, kind })
        }
    }
}

const fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

/// A number as Go reads it, but no digits with `_` and no hexadecimal ones.
fn value(word: &str) -> Option<f64> {
    match word {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        // Rust would read `infinity` too.
        _ if word.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) => None,
        _ => word.parse().ok(),
    }
}

/// Labels up to their `}` as tags, and what is behind.
fn labels(text: &str) -> Result<(String, &str), &'static str> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.starts_with('}') {
        let (key, behind) = rest.split_once('=').ok_or("labels without an end")?;
        let key = key.trim_matches(is_space);
        if !is_label(key) {
            return Err("no name of a label");
        }
        // `__name__` would be the metric's name: Prometheus takes no page with it.
        if key.starts_with("__") {
            return Err("a label that begins with __: such names are kept for Prometheus itself");
        }
        let behind = behind.trim_start_matches(is_space).strip_prefix('"').ok_or("a label without quotes")?;
        let (value, behind) = quoted(behind)?;
        if pairs.iter().any(|(known, _)| *known == key) {
            return Err("the same label twice");
        }
        if pairs.len() >= MAX_LABELS {
            return Err("more labels than a sample may have");
        }
        pairs.push((key, value));
        let behind = behind.trim_start_matches(is_space);
        rest = match behind.strip_prefix(',') {
            Some(behind) => behind.trim_start_matches(is_space),
            None if behind.starts_with('}') => behind,
            None => return Err("no comma between labels"),
        };
    }
    // A label without a value is the same as none.
    let pairs =
        pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (*key, value.as_str()));
    let tags = tags::join(pairs).map_err(|_| "the same label twice")?;
    if tags.len() > MAX_SAMPLE_TAGS_BYTES {
        return Err("labels that are too long");
    }
    Ok((tags, rest.strip_prefix('}').unwrap_or_default()))
}

fn is_label(key: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !key.is_empty() && key.chars().all(legal) && !key.starts_with(|c: char| c.is_ascii_digit())
}

/// A label's value up to its quote, and what is behind.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok((printable(value.as_bytes()), chars.as_str())),
            '\\' => value.push(match chars.next() {
                Some('n') => '\n',
                Some(c @ ('\\' | '"')) => c,
                _ => return Err("a backslash before something else than \\, \" and n"),
            }),
            c => value.push(c),
        }
    }
    Err("a label without its closing quote")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[(&str, &str, f64)]) {
        let found = parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        let found: Vec<_> =
            found.samples.iter().map(|s| (s.name.as_str(), s.tags.as_str(), s.value.to_string())).collect();
        let expected: Vec<_> =
            expected.iter().map(|(name, tags, value)| (*name, *tags, value.to_string())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_scripts_write_is_read() {
        check("", &[]);
        check("a 1\n", &[("a", "", 1.0)]);
        check(
            "# HELP a b\n# TYPE a gauge\n\n  a  1.5e3 \r\na{} 2\n".replace("a{} 2\n", "").as_str(),
            &[("a", "", 1500.0)],
        );
        check("node:x_total{ b = \"2\" , a=\"1\", } -0.25\n", &[("node:x_total", "a=1,b=2", -0.25)]);
        check("a{p=\"/srv,old\\\\x\\\"=\"} 1\n", &[("a", "p=/srv\\,old\\\\x\"\\=", 1.0)]);
        check("a{p=\"two\\nlines\",q=\"\"} 1\n", &[("a", "p=two\u{fffd}lines", 1.0)]);
        check(
            "a{l=\"NaN\"} NaN\nb +Inf\nc -Inf\n",
            &[("a", "l=NaN", f64::NAN), ("b", "", f64::INFINITY), ("c", "", f64::NEG_INFINITY)],
        );
        check(
            "h_bucket{le=\"+Inf\"} 4\nh_bucket{le=\"1\"} 3\n",
            &[("h_bucket", "le=+Inf", 4.0), ("h_bucket", "le=1", 3.0)],
        );
        check("#comment\n#\n# TYPE\tb untyped\na{l=\"}\"}1\n", &[("a", "l=}", 1.0)]);
    }

    #[test]
    fn what_metrics_mean_is_kept() {
        let check = |line: &str, expected: Option<&str>| {
            let found = parse(format!("{line}\na 1\n").as_bytes()).expect("good");
            assert_eq!(found.helps.get("a").map(String::as_str), expected, "{line}");
        };
        check("# HELP a How old it is.", Some("How old it is."));
        check("#\tHELP\ta\t x  y ", Some("x  y"));
        check("# HELP a C:\\\\new\\nline", Some("C:\\new line"));
        check("# HELP a one\n# HELP a two", Some("one"));
        check("# HELP a", None);
        check("# HELPS a b", None);
        check("# HELP b of none", None);
        check(&format!("# HELP a {}", "é".repeat(400)), Some(&"é".repeat(256)));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let check = |text: &str, line: usize, word: &str| {
            let fault = parse(text.as_bytes()).expect_err(text);
            assert!(fault.line == line && fault.reason.contains(word), "{text:?}: {fault:?}");
        };
        check("a 1\nb", 2, "no end");
        check("a 1\nb\n", 2, "no number");
        check("a one\n", 1, "no number");
        check("a 0x10\n", 1, "no number");
        check("a infinity\n", 1, "no number");
        check("a 1 1675728000000\n", 1, "timestamp");
        check("a 1 # c\n", 1, "behind the number");
        check("1a 1\n", 1, "no name");
        check("{a=\"1\"} 1\n", 1, "no name");
        check("a-b 1\n", 1, "no number");
        check("é 1\n", 1, "no name");
        check("a{b} 1\n", 1, "without an end");
        check("a{b=1} 1\n", 1, "quotes");
        check("a{b=\"1} 1\n", 1, "closing quote");
        check("a{b=\"\\x\"} 1\n", 1, "backslash");
        check("a{b=\"1\" c=\"2\"} 1\n", 1, "comma");
        check("a{b=\"1\",b=\"2\"} 1\n", 1, "twice");
        check("a{b-c=\"1\"} 1\n", 1, "no name of a label");
        check("a{b=\"1\"} 1\na{__name__=\"cpu\"} 1\n", 2, "begins with __");
        check("a{__address__=\"x\"} 1\n", 1, "begins with __");
        check("a{b=\"1\"\n", 1, "no comma");
        check("a 1\n\na 2\n", 3, "same series");
        check("a{b=\"\"} 1\na 2\n", 2, "same series");
        check("# TYPE a wild\n", 1, "TYPE");
        check("# TYPE a gauge\n# TYPE a gauge\n", 2, "TYPE");
        check(&format!("{} 1\n", "a".repeat(129)), 1, "too long");
        check(&format!("a{{b=\"{}\"}} 1\n", "x".repeat(600)), 1, "too long");
        let many: Vec<_> = (0..=MAX_SAMPLES).map(|n| format!("a{{n=\"{n}\"}} 1\n")).collect();
        check(&many.concat(), MAX_SAMPLES + 1, "more than 1000 samples");
        assert_eq!(parse(b"a 1\n\xff 2\n"), Err(Fault { line: 2, reason: "not UTF-8" }));
    }

    proptest! {
        #[test]
        fn what_the_text_of_prometheus_says_is_read_again(
            value in any::<f64>().prop_filter("finite", |v| v.is_finite()), label in "\\PC{1,20}",
        ) {
            let mut exposition = crate::Exposition::default();
            exposition.gauge("a_b", "help", &[("l", label.as_bytes())], value);
            let found = parse(exposition.text().as_bytes()).expect("our own text");
            prop_assert_eq!(found.samples[0].value.to_bits(), value.to_bits());
            prop_assert_eq!(&found.helps["a_b"], "help");
            let pairs = tags::split(&found.samples[0].tags).expect("canonical");
            prop_assert_eq!(&pairs[0].1, &printable(label.as_bytes()));
        }

        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            prop_assert!(parse(&text).is_ok_and(|parsed| parsed.samples.len() <= MAX_SAMPLES) || parse(&text).is_err());
        }
    }
}
