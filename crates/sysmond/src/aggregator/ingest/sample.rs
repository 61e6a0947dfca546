//! One sample of a push: good, or refused with a reason of its own, so that it never takes the others with it.

use super::super::counters::TOO_OLD;
use super::text;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;
use sysmond_model::limits::{MAX_METRIC_TYPE_BYTES, MAX_SAMPLE_TAGS_BYTES};
use sysmond_model::{Series, Timestamp, tags};

/// Bytes of a refused sample's metric type that are said back.
const MAX_ECHO_BYTES: usize = 64;

/// The times that samples may have.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Older ones would be removed again at once.
    pub oldest: Timestamp,
    /// Newer ones come from a clock that is wrong.
    pub newest: Timestamp,
}

/// A sample as it stands in a frame.
#[derive(Debug, PartialEq)]
pub(super) struct Good<'a> {
    pub(super) timestamp: Timestamp,
    pub(super) metric_type: Cow<'a, str>,
    pub(super) tags: Cow<'a, str>,
    pub(super) value: f64,
}

/// Why a sample is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) metric_type: String,
    pub(super) code: &'static str,
    pub(super) detail: String,
}

/// The fields unread: one that cannot be read must not hide what the others say.
#[derive(Deserialize)]
pub(super) struct Raw<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    metric_type: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
}

impl<'a> Raw<'a> {
    /// The fields of a sample.
    pub(super) fn of(json: &'a RawValue) -> Result<Self, Refusal> {
        if !json.get().starts_with('{') {
            return Err(refuse("", "bad_sample", "not an object".to_owned()));
        }
        serde_json::from_str(json.get())
            .map_err(|error| refuse("", "bad_sample", format!("not a sample: {}", reason(&error))))
    }

    /// What the series is said to be, as it is spelled.
    pub(super) fn names(&self) -> (Option<&'a str>, Option<&'a str>) {
        (self.metric_type.map(RawValue::get), self.tags.map(RawValue::get))
    }

    /// Time and value, where both are good.
    pub(super) fn point(&self, window: Window) -> Option<(Timestamp, f64)> {
        Some((timestamp(self.timestamp, window).ok()?, value(self.value).ok()?))
    }
}

fn refuse(metric_type: &str, code: &'static str, detail: String) -> Refusal {
    Refusal { metric_type: text::cleaned(metric_type, MAX_ECHO_BYTES), code, detail }
}

/// Reads one sample.
pub(super) fn parse<'a>(raw: &Raw<'a>, window: Window) -> Result<Good<'a>, Refusal> {
    let metric_type = metric_type(raw.metric_type)
        .map_err(|(echo, detail)| refuse(echo.as_deref().unwrap_or_default(), "bad_metric_type", detail))?;
    let verdict = |code| move |detail| (code, detail);
    let fields = || {
        let timestamp = timestamp(raw.timestamp, window)?;
        let value = value(raw.value).map_err(verdict("bad_value"))?;
        let tags = sample_tags(raw.tags).map_err(verdict("bad_tags"))?;
        Ok((timestamp, value, tags))
    };
    match fields() {
        Ok((timestamp, value, tags)) => Ok(Good { timestamp, metric_type, tags, value }),
        Err((code, detail)) => Err(refuse(&metric_type, code, detail)),
    }
}

/// What a good sample is made of.
pub(super) struct Anatomy {
    pub(super) series: Series,
    /// Where its numbers stand in its text.
    pub(super) timestamp: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Takes a sample apart; `None` where it is not good in any window.
pub(super) fn anatomy(json: &RawValue) -> Option<Anatomy> {
    let always =
        Window { oldest: Timestamp::from_millis(i64::MIN), newest: Timestamp::from_millis(i64::MAX) };
    let raw = Raw::of(json).ok()?;
    let Good { metric_type, tags, .. } = parse(&raw, always).ok()?;
    let place = |part: &RawValue| {
        let start = part.get().as_ptr().addr() - json.get().as_ptr().addr();
        start..start + part.get().len()
    };
    let (timestamp, value) = (place(raw.timestamp?), place(raw.value?));
    Some(Anatomy { series: Series::new(metric_type, tags), timestamp, value })
}

/// The parser's words without the place, which counts from the sample's own beginning.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

fn metric_type(raw: Option<&RawValue>) -> Result<Cow<'_, str>, (Option<Cow<'_, str>>, String)> {
    let raw = raw.ok_or((None, "`metric_type` is missing".to_owned()))?;
    let name = string(raw).ok_or((None, "`metric_type` is not a string".to_owned()))?;
    if name.is_empty() {
        return Err((None, "`metric_type` is empty".to_owned()));
    }
    if let Some(fault) = text::fault(&name, MAX_METRIC_TYPE_BYTES) {
        return Err((Some(name), format!("`metric_type` {fault}")));
    }
    if name.contains(['{', '}']) {
        return Err((Some(name), "`metric_type` contains a brace; those enclose tags".to_owned()));
    }
    Ok(name)
}

fn timestamp(raw: Option<&RawValue>, window: Window) -> Result<Timestamp, (&'static str, String)> {
    let bad = |detail: &str| ("bad_timestamp", detail.to_owned());
    let raw = raw.ok_or_else(|| bad("`timestamp` is missing"))?;
    let seconds = number(raw).ok_or_else(|| bad("`timestamp` is not a number of Unix seconds"))?;
    let timestamp = Timestamp::from_seconds_f64(seconds)
        .ok_or_else(|| bad("`timestamp` is out of range; it is Unix time in seconds"))?;
    if timestamp > window.newest {
        return Err(("too_new", format!("{timestamp} is too far ahead of the server's clock")));
    }
    if timestamp < window.oldest {
        return Err((TOO_OLD, format!("{timestamp} is older than what the server keeps")));
    }
    Ok(timestamp)
}

fn value(raw: Option<&RawValue>) -> Result<f64, String> {
    let raw = raw.ok_or_else(|| "`value` is missing or null".to_owned())?;
    number(raw).ok_or_else(|| "`value` is not a finite number".to_owned())
}

fn sample_tags(raw: Option<&RawValue>) -> Result<Cow<'_, str>, String> {
    let Some(raw) = raw else { return Ok(Cow::Borrowed("")) };
    let given = string(raw).ok_or_else(|| "`tags` is not a string".to_owned())?;
    if given.is_empty() {
        return Ok(given);
    }
    if let Some(fault) = text::fault(&given, MAX_SAMPLE_TAGS_BYTES) {
        return Err(format!("`tags` {fault}"));
    }
    let canonical = tags::canonical(&given).map_err(|error| format!("`tags`: {error}"))?;
    if canonical == given {
        return Ok(given);
    }
    // Escaping may have made it longer.
    match text::fault(&canonical, MAX_SAMPLE_TAGS_BYTES) {
        Some(fault) => Err(format!("`tags` {fault}")),
        None => Ok(Cow::Owned(canonical)),
    }
}

/// The finite number that `raw` is. `1e999` is valid JSON, and none.
fn number(raw: &RawValue) -> Option<f64> {
    let text = raw.get();
    let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().filter(|value: &f64| value.is_finite())
}

/// The string that `raw` is; borrowed where nothing is escaped in it.
pub(super) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(raw.get()).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window =
        Window { oldest: Timestamp::from_seconds(1000), newest: Timestamp::from_seconds(2000) };

    fn code(json: &str) -> &'static str {
        let raw: &RawValue = serde_json::from_str(json).expect("valid JSON");
        Raw::of(raw).and_then(|raw| parse(&raw, WINDOW)).map_or_else(|refusal| refusal.code, |_| "good")
    }

    fn with(field: &str, json: &str) -> String {
        let mut fields =
            vec![("timestamp", "1500"), ("metric_type", r#""m""#), ("value", "1"), ("tags", r#""""#)];
        fields.retain(|(name, _)| *name != field);
        fields.extend((!json.is_empty()).then_some((field, json)));
        let fields: Vec<_> = fields.iter().map(|(name, json)| format!(r#""{name}": {json}"#)).collect();
        format!("{{{}}}", fields.join(", "))
    }

    #[test]
    fn each_field_has_its_own_verdict() {
        let check = |field: &str, json: &str, expected: &str| {
            assert_eq!(code(&with(field, json)), expected, "{field}: {json}");
        };
        for json in ["1500", "1500.25", "1e3", "2000"] {
            check("timestamp", json, "good");
        }
        for json in ["", "null", r#""1500""#, "-1", "1e999", "[]", "true"] {
            check("timestamp", json, "bad_timestamp");
        }
        check("timestamp", "2000.001", "too_new");
        check("timestamp", "999.999", "too_old");
        for json in ["0", "-0.0", "1e-400", "1e308", "34.5"] {
            check("value", json, "good");
        }
        for json in ["", "null", r#""x""#, "1e999", "-1e999", "[1]", "{}", "true"] {
            check("value", json, "bad_value");
        }
        for json in [r#""cpu.total_usage""#, r#""ä""#, r#""<b>""#, r#""a\u0062""#] {
            check("metric_type", json, "good");
        }
        for json in ["", "null", "5", r#""""#, r#""a\u0000""#, r#""a\u202e""#, r#""a{b""#, r#""\ud800""#] {
            check("metric_type", json, "bad_metric_type");
        }
        for json in ["", "null", r#""""#, r#""a=1""#, r#""b=2,a=1""#, r#""mount=/a\\,b""#] {
            check("tags", json, "good");
        }
        for json in ["5", "{}", r#""sda""#, r#""a=1,a=2""#, r#""a=\n""#, r#""a=\\""#] {
            check("tags", json, "bad_tags");
        }
    }

    #[test]
    fn names_have_a_length() {
        let quoted = |length| format!(r#""{}""#, "x".repeat(length));
        assert_eq!(code(&with("metric_type", &quoted(MAX_METRIC_TYPE_BYTES))), "good");
        assert_eq!(code(&with("metric_type", &quoted(MAX_METRIC_TYPE_BYTES + 1))), "bad_metric_type");
        let tags = |length| format!(r#""a={}""#, "=".repeat(length));
        assert_eq!(code(&with("tags", &tags(100))), "good");
        assert_eq!(code(&with("tags", &tags(MAX_SAMPLE_TAGS_BYTES - 2))), "bad_tags");
    }

    #[test]
    fn what_is_no_sample_is_refused_alone() {
        for json in ["5", "null", "[]", r#"[1500,"m",1,""]"#, r#""x""#, r#"{"value":1,"value":2}"#] {
            assert_eq!(code(json), "bad_sample", "{json}");
        }
        let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(1000), "]".repeat(1000));
        assert_eq!(code(&deep), "bad_metric_type");
    }

    #[test]
    fn tags_become_canonical() {
        let json = with("tags", r#""b=2,a=x=y""#);
        let raw: &RawValue = serde_json::from_str(&json).expect("valid JSON");
        let good = parse(&Raw::of(raw).expect("an object"), WINDOW).expect("good");
        assert_eq!(good.tags, r"a=x\=y,b=2");
    }
}
