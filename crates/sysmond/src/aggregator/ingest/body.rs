//! The body of a push: the envelope, which is right or wrong as a whole, and its samples, each judged alone.

use super::super::counters::Refused;
use super::processes::{self, Processes};
use super::sample::{self, Good, Raw, Refusal, Window};
use super::table::{ColumnUse, Table};
use super::text;
use serde::Deserialize;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use sysmond_model::limits::{
    MAX_AGENT_WORD_BYTES, MAX_HOST_TAG_BYTES, MAX_HOST_TAGS, MAX_HOSTNAME_BYTES, MAX_SAMPLES_PER_PUSH,
};
use sysmond_model::push::SampleError;
use sysmond_model::{Frame, HostInfo, StaticInfo};

/// Reasons that one answer carries: enough to see what is wrong, few enough that a bad push does not cost an answer
/// of its own size.
pub(super) const MAX_ERRORS: usize = 20;
/// Collectors whose absence is explained: an agent has some thirty.
const MAX_COLLECTORS: usize = 64;
/// A word of the static data, bytes; a processor's name fits.
const MAX_STATIC_BYTES: usize = 256;
/// The longest reason of a collector: each of thirty files that are wrong is told.
const MAX_REASON_BYTES: usize = 4096;
/// Addresses of one host; a container host has hundreds of interfaces, of which few matter.
const MAX_ADDRESSES: usize = 64;

/// What a push says.
#[derive(Debug)]
pub struct Push {
    pub(super) host: HostInfo,
    pub(super) static_info: Option<StaticInfo>,
    pub(super) received: usize,
    pub(super) frame: Frame,
    pub(super) columns: Vec<ColumnUse>,
    pub(super) failed: usize,
    /// The same by reason.
    pub(super) refused: Refused,
    pub(super) errors: Vec<SampleError>,
    pub(super) processes: Processes,
}

impl Push {
    /// All that it says, in one order whatever the order of its columns: two parsers read the same where this is the
    /// same.
    pub fn canonical(&self) -> String {
        let Self { host, static_info, received, frame, columns, failed, errors, processes, .. } = self;
        let rows: Vec<_> = frame.rows().map(|row| row.timestamp).collect();
        let samples: BTreeMap<_, _> =
            frame.samples().map(|(at, series, value)| ((at, series), value.to_bits())).collect();
        let uses: BTreeMap<_, _> = frame.shape().series().iter().zip(columns).collect();
        format!(
            "{host:?} {static_info:?} {received} {failed} {errors:?} {rows:?} {samples:?} {uses:?} {processes:?}"
        )
    }
}

/// Why a body is refused as a whole.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BodyError {
    /// No JSON.
    #[error("the body is not JSON: {0}")]
    Unreadable(String),
    /// JSON, but no push.
    #[error("{0}")]
    Invalid(String),
    /// More than one push may hold: send it in parts.
    #[error("{0}")]
    TooLarge(String),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    hostname: Option<&'a RawValue>,
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    #[serde(borrow)]
    platform: Option<&'a RawValue>,
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
    #[serde(borrow, rename = "static")]
    static_info: Option<&'a RawValue>,
    #[serde(borrow)]
    metrics: Option<&'a RawValue>,
    #[serde(borrow)]
    processes: Option<&'a RawValue>,
}

/// All of a body but its samples.
pub(super) struct Head<'a> {
    pub(super) host: HostInfo,
    pub(super) static_info: Option<StaticInfo>,
    /// The samples, unread.
    pub(super) metrics: &'a RawValue,
    /// The snapshots of processes, unread.
    processes: Option<&'a RawValue>,
}

/// Reads a whole body; `window` says which times samples of a host may have.
pub fn parse(body: &[u8], window: impl Fn(&str) -> Window) -> Result<Push, BodyError> {
    let text = std::str::from_utf8(body).map_err(|error| BodyError::Unreadable(error.to_string()))?;
    let head = head(text)?;
    let window = window(&head.host.hostname);
    let processes = head.processes(window)?;
    let Head { host, static_info, metrics, .. } = head;
    let Samples { received, table, failed, refused, errors, .. } = samples(metrics, window)?;
    let (frame, columns) = table.into_frame().map_err(|_| {
        BodyError::TooLarge("the samples share too few timestamps and series; send them in parts".to_owned())
    })?;
    Ok(Push { host, static_info, received, frame, columns, failed, refused, errors, processes })
}

/// Reads everything but the samples, of which it only checks that they are JSON.
pub(super) fn head(text: &str) -> Result<Head<'_>, BodyError> {
    let envelope = envelope(text)?;
    let host = HostInfo {
        hostname: hostname(envelope.hostname)?,
        version: agent_word("version", envelope.version)?,
        platform: agent_word("platform", envelope.platform)?,
        tags: host_tags(envelope.tags)?,
    };
    let static_info = envelope.static_info.map(static_info).transpose()?;
    let metrics =
        envelope.metrics.ok_or_else(|| invalid("`metrics` is missing; an empty list is a heartbeat"))?;
    Ok(Head { host, static_info, metrics, processes: envelope.processes })
}

impl Head<'_> {
    /// Whether it says nothing but who the host is.
    pub(super) fn is_plain(&self) -> bool {
        self.static_info.is_none() && self.processes.is_none()
    }

    /// What the push says of processes.
    pub(super) fn processes(&self, window: Window) -> Result<Processes, BodyError> {
        processes::parse(self.processes, window)
    }
}

pub(super) fn invalid(detail: impl Into<String>) -> BodyError {
    BodyError::Invalid(detail.into())
}

fn envelope(text: &str) -> Result<Envelope<'_>, BodyError> {
    let envelope = serde_json::from_str(text);
    if envelope.is_err() {
        // The whole text has to be JSON before anything is said of its contents.
        serde_json::from_str::<&RawValue>(text).map_err(|error| BodyError::Unreadable(error.to_string()))?;
    }
    if !text.trim_ascii_start().starts_with('{') {
        return Err(invalid("the body is not an object"));
    }
    envelope.map_err(|error| invalid(format!("the body is no push: {error}")))
}

fn hostname(raw: Option<&RawValue>) -> Result<String, BodyError> {
    let raw = raw.ok_or_else(|| invalid("`hostname` is missing"))?;
    let name = sample::string(raw).ok_or_else(|| invalid("`hostname` is not a string"))?;
    if name.trim().is_empty() {
        return Err(invalid("`hostname` is empty"));
    }
    match text::fault(&name, MAX_HOSTNAME_BYTES) {
        Some(fault) => Err(invalid(format!("`hostname` {fault}"))),
        None => Ok(name.into_owned()),
    }
}

fn agent_word(field: &str, raw: Option<&RawValue>) -> Result<String, BodyError> {
    let Some(raw) = raw else { return Ok(String::new()) };
    let word = sample::string(raw).ok_or_else(|| invalid(format!("`{field}` is not a string")))?;
    match text::fault(&word, MAX_AGENT_WORD_BYTES) {
        Some(fault) => Err(invalid(format!("`{field}` {fault}"))),
        None => Ok(word.into_owned()),
    }
}

fn host_tags(raw: Option<&RawValue>) -> Result<BTreeMap<String, String>, BodyError> {
    let Some(raw) = raw else { return Ok(BTreeMap::new()) };
    let tags: BTreeMap<String, String> = serde_json::from_str(raw.get())
        .map_err(|_| invalid("`tags` is not an object whose values are strings"))?;
    if tags.len() > MAX_HOST_TAGS {
        return Err(invalid(format!("more than {MAX_HOST_TAGS} `tags`")));
    }
    if tags.contains_key("") {
        return Err(invalid("a key of `tags` is empty"));
    }
    let fault =
        tags.iter().flat_map(|(key, value)| [key, value]).find_map(|t| text::fault(t, MAX_HOST_TAG_BYTES));
    match fault {
        Some(fault) => Err(invalid(format!("a key or value of `tags` {fault}"))),
        None => Ok(tags),
    }
}

/// These words describe and identify nothing, and come from files that nobody wrote for us: they are cleaned, not
/// refused.
fn static_info(raw: &RawValue) -> Result<StaticInfo, BodyError> {
    let mut info: StaticInfo = serde_json::from_str(raw.get())
        .map_err(|_| invalid("`static` is not an object with fields of the right kind"))?;
    let StaticInfo {
        ip_addresses,
        os,
        kernel,
        architecture,
        cpu_model,
        container,
        figures_of,
        agent_version,
        ..
    } = &mut info;
    ip_addresses.truncate(MAX_ADDRESSES);
    let machine = [os, kernel, architecture, cpu_model, agent_version, container, figures_of];
    for word in ip_addresses.iter_mut().chain(machine) {
        *word = text::cleaned(word, MAX_STATIC_BYTES);
    }
    let clean = |word: String, limit| text::cleaned(&word, limit);
    let reasons = std::mem::take(&mut info.unavailable).into_iter().take(MAX_COLLECTORS);
    info.unavailable = reasons
        .map(|(name, reason)| (clean(name, MAX_STATIC_BYTES), clean(reason, MAX_REASON_BYTES)))
        .collect();
    Ok(info)
}

/// The samples of a push, judged.
struct Samples<'a> {
    window: Window,
    received: usize,
    table: Table<'a>,
    /// Columns by the names as they are spelled, which are judged once.
    columns: HashMap<(Option<&'a str>, Option<&'a str>), usize>,
    failed: usize,
    refused: Refused,
    errors: Vec<SampleError>,
}

fn samples(raw: &RawValue, window: Window) -> Result<Samples<'_>, BodyError> {
    let mut samples = Samples {
        window,
        received: 0,
        table: Table::default(),
        columns: HashMap::new(),
        failed: 0,
        refused: Refused::default(),
        errors: Vec::new(),
    };
    let mut json = serde_json::Deserializer::from_str(raw.get());
    serde::Deserializer::deserialize_seq(&mut json, SamplesVisitor(&mut samples)).map_err(|error| {
        if samples.received > MAX_SAMPLES_PER_PUSH {
            BodyError::TooLarge(format!("more than {MAX_SAMPLES_PER_PUSH} samples; send them in parts"))
        } else {
            invalid(format!("`metrics` is not a list: {error}"))
        }
    })?;
    Ok(samples)
}

impl<'a> Samples<'a> {
    fn judge(&mut self, json: &'a RawValue) {
        if let Err(refusal) = self.take(json) {
            self.refuse(self.received, refusal);
        }
    }

    fn take(&mut self, json: &'a RawValue) -> Result<(), Refusal> {
        let raw = Raw::of(json)?;
        let names = raw.names();
        let known = self.columns.get(&names).copied();
        if let (Some(column), Some((timestamp, value))) = (known, raw.point(self.window)) {
            self.table.put(self.received, column, timestamp, value);
            return Ok(());
        }
        let Good { timestamp, metric_type, tags, value } = sample::parse(&raw, self.window)?;
        let column = self.table.column(metric_type, tags);
        self.columns.insert(names, column);
        self.table.put(self.received, column, timestamp, value);
        Ok(())
    }

    fn refuse(&mut self, index: usize, Refusal { metric_type, code, detail }: Refusal) {
        self.failed += 1;
        self.refused.add(code, 1);
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(SampleError { index, metric_type, code: code.to_owned(), detail });
        }
    }
}

/// Reads the list one by one: it never stands in memory a second time.
struct SamplesVisitor<'s, 'a>(&'s mut Samples<'a>);

impl<'a> Visitor<'a> for SamplesVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(json) = list.next_element::<&'a RawValue>()? {
            if self.0.received < MAX_SAMPLES_PER_PUSH {
                self.0.judge(json);
            }
            self.0.received += 1;
            if self.0.received > MAX_SAMPLES_PER_PUSH {
                return Err(serde::de::Error::custom("too many samples"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::Timestamp;

    const WINDOW: Window =
        Window { oldest: Timestamp::from_seconds(1000), newest: Timestamp::from_seconds(2000) };
    const SAMPLE: &str = r#"{"timestamp":1500,"metric_type":"m","value":1,"tags":""}"#;

    fn verdict(body: &str) -> &'static str {
        match parse(body.as_bytes(), |_| WINDOW) {
            Ok(_) => "good",
            Err(BodyError::Unreadable(_)) => "unreadable",
            Err(BodyError::Invalid(_)) => "invalid",
            Err(BodyError::TooLarge(_)) => "too large",
        }
    }

    #[test]
    fn the_envelope_is_right_or_wrong_as_a_whole() {
        let check = |body: &str, expected| assert_eq!(verdict(body), expected, "{body:.200}");
        check(r#"{"hostname":"a","metrics":[]}"#, "good");
        check(r#" {"hostname":"a","metrics":[],"unknown":{"x":[1]}} "#, "good");
        check(r#"{"hostname":"a","version":null,"tags":null,"static":null,"metrics":[]}"#, "good");
        for broken in ["", "{", "nonsense", r#"{"hostname":"a","metrics":[}"#, r#"{"hostname":"a"} x"#, "NaN"]
        {
            check(broken, "unreadable");
        }
        check(r#"{"hostname":"a","metrics":[{"value":NaN}]}"#, "unreadable");
        for wrong in ["[]", "5", "null", r#"{"metrics":[]}"#, r#"{"hostname":"a"}"#] {
            check(wrong, "invalid");
        }
        for hostname in
            ["null", "5", r#""""#, r#"" ""#, r#""a\u0000""#, r#""a\nb""#, r#""\u202e""#, r#""\ud800""#]
        {
            check(&format!(r#"{{"hostname":{hostname},"metrics":[]}}"#), "invalid");
        }
        check(&format!(r#"{{"hostname":"{}","metrics":[]}}"#, "x".repeat(254)), "invalid");
        check(r#"{"hostname":"a","hostname":"b","metrics":[]}"#, "invalid");
        for tags in ["[]", r#""x""#, r#"{"a":1}"#, r#"{"a":{}}"#, r#"{"":"x"}"#, r#"{"a":"\u0007"}"#] {
            check(&format!(r#"{{"hostname":"a","tags":{tags},"metrics":[]}}"#), "invalid");
        }
        for metrics in ["{}", "5", r#""x""#] {
            check(&format!(r#"{{"hostname":"a","metrics":{metrics}}}"#), "invalid");
        }
        check(r#"{"hostname":"a","static":{"cpu_cores":"x"},"metrics":[]}"#, "invalid");
        check(r#"{"hostname":"a","version":5,"metrics":[]}"#, "invalid");
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(verdict(&deep(100_000)), "invalid");
        assert_eq!(verdict(&"[".repeat(100_000)), "unreadable");
        assert_eq!(verdict(&format!(r#"{{"hostname":"a","metrics":{}}}"#, deep(100_000))), "good");
        assert_eq!(verdict(&format!(r#"{{"x":{},"hostname":"a","metrics":[]}}"#, deep(100_000))), "good");
        assert_eq!(
            verdict(&format!(r#"{{"hostname":"a","tags":{},"metrics":[]}}"#, deep(100_000))),
            "invalid"
        );
    }

    #[test]
    fn invalid_utf8_is_unreadable() {
        let error = parse(b"{\"hostname\":\"\xff\",\"metrics\":[]}", |_| WINDOW).expect_err("no UTF-8");
        assert!(matches!(error, BodyError::Unreadable(_)), "{error}");
    }

    #[test]
    fn a_bad_sample_leaves_the_others_alone() {
        let body = format!(r#"{{"hostname":"a","metrics":[{SAMPLE},{{"value":1e999}},5,{SAMPLE}]}}"#);
        let push = parse(body.as_bytes(), |_| WINDOW).expect("readable");
        assert_eq!((push.received, push.failed, push.frame.sample_count()), (4, 2, 1));
        let places: Vec<_> = push.errors.iter().map(|error| (error.index, error.code.as_str())).collect();
        assert_eq!(places, [(1, "bad_metric_type"), (2, "bad_sample")]);
        assert_eq!(push.columns, [ColumnUse { samples: 2, first_index: 0 }]);
    }

    #[test]
    fn reasons_are_few_and_samples_limited() {
        let many = |count| format!(r#"{{"hostname":"a","metrics":[{}]}}"#, vec!["5"; count].join(","));
        let push = parse(many(100).as_bytes(), |_| WINDOW).expect("readable");
        assert_eq!((push.failed, push.errors.len()), (100, MAX_ERRORS));
        assert_eq!(verdict(&many(MAX_SAMPLES_PER_PUSH)), "good");
        assert_eq!(verdict(&many(MAX_SAMPLES_PER_PUSH + 1)), "too large");
    }

    #[test]
    fn words_of_static_data_are_cleaned() {
        let body = r#"{"hostname":"a","static":{"cpu_model":"A\u0000B","cpu_cores":2},"metrics":[]}"#;
        let push = parse(body.as_bytes(), |_| WINDOW).expect("readable");
        let info = push.static_info.expect("given");
        assert_eq!((info.cpu_model.as_str(), info.cpu_cores), ("AB", 2));
    }
}
