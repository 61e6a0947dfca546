//! The making of a pattern from a push that the generic parser took.

use super::pattern::{Form, Part, Pattern};
use crate::aggregator::ingest::sample::{self, Anatomy};
use serde::Deserializer as _;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Mutex;
use sysmond_model::limits::MAX_SERIES_PER_HOST;
use sysmond_model::{Series, Shape};

/// Forms that are kept beyond twice those of the newest push: with more, what ended outweighs what goes on, and only
/// the newest push counts.
const SPARE_FORMS: usize = 64;

/// The pattern of `list`, whose samples are all good, joined with what was `known`: a push that lacks some series
/// must not make them forgotten. `None` where nothing is to be learned, or too much.
pub(super) fn learn(list: &RawValue, known: Option<&Pattern>) -> Option<Pattern> {
    let mut lesson = Lesson { list: list.get(), end: 1, ..Lesson::default() };
    serde_json::Deserializer::from_str(list.get()).deserialize_seq(&mut lesson).ok()?;
    if let Some(known) = known {
        lesson.join(known);
    }
    lesson.pattern()
}

/// What was learned so far.
#[derive(Default)]
struct Lesson<'a> {
    list: &'a str,
    /// Where the last sample ended.
    end: usize,
    opening: Option<&'a [u8]>,
    separator: Option<&'a [u8]>,
    /// In the order of their first appearance.
    forms: Vec<Text<'a>>,
    seen: HashSet<Text<'a>>,
}

/// A form with its texts written out.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Text<'a> {
    before: &'a [u8],
    between: &'a [u8],
    behind: &'a [u8],
    value_first: bool,
    series: Series,
}

impl<'a> Lesson<'a> {
    fn take(&mut self, json: &'a RawValue) -> Option<()> {
        let start = json.get().as_ptr().addr() - self.list.as_ptr().addr();
        let gap = self.list.as_bytes().get(self.end..start)?;
        if self.opening.is_none() {
            self.opening = Some(gap);
        } else {
            self.separator.get_or_insert(gap);
        }
        self.end = start + json.get().len();
        let form = Text::of(json)?;
        if self.seen.insert(form.clone()) {
            self.forms.push(form);
        }
        Some(())
    }

    /// Adds what is known and was not seen now, each behind what it stood behind.
    fn join(&mut self, known: &'a Pattern) {
        let mut anchor = None;
        let mut missing: HashMap<Option<Text<'a>>, Vec<Text<'a>>> = HashMap::new();
        let mut count = 0;
        for form in known.forms.iter().filter_map(|form| Text::known(known, form)) {
            if self.seen.contains(&form) {
                anchor = Some(form);
            } else {
                missing.entry(anchor.clone()).or_default().push(form);
                count += 1;
            }
        }
        if count > self.forms.len() + SPARE_FORMS {
            return;
        }
        let mut joined = missing.remove(&None).unwrap_or_default();
        for form in std::mem::take(&mut self.forms) {
            let followers = missing.remove(&Some(form.clone()));
            joined.push(form);
            joined.extend(followers.into_iter().flatten());
        }
        self.forms = joined;
        self.separator = self.separator.or_else(|| Some(known.part(known.separator)));
    }

    fn pattern(&self) -> Option<Pattern> {
        let Self { opening, separator, forms, .. } = self;
        if forms.is_empty() || forms.len() > MAX_SERIES_PER_HOST {
            return None;
        }
        let (mut pieces, mut columns, mut series) = (Pieces::default(), HashMap::new(), Vec::new());
        let separator_text = separator.unwrap_or(b",");
        let (opening, separator) = (pieces.part((*opening)?)?, pieces.part(separator_text)?);
        let mut built = Vec::with_capacity(forms.len());
        for form in forms {
            let column = *columns.entry(&form.series).or_insert_with(|| {
                series.push(form.series.clone());
                series.len() - 1
            });
            built.push(Form {
                before: pieces.part(form.before)?,
                between: pieces.part(form.between)?,
                behind: pieces.part(form.behind)?,
                value_first: form.value_first,
                column: u32::try_from(column).ok()?,
            });
        }
        let joints = self.joints(separator_text, &mut pieces)?;
        let lengths = forms.iter().map(|form| form.before.len() + form.between.len() + form.behind.len());
        Some(Pattern {
            opening,
            separator,
            forms: built.into(),
            joints,
            shape: Shape::new(series),
            shortest: lengths.min()?,
            text: pieces.text.into(),
            selections: Mutex::default(),
        })
    }

    /// What lies between the last number of each form and the first of the next.
    fn joints(&self, separator: &[u8], pieces: &mut Pieces<'a>) -> Option<Box<[Part]>> {
        let behind = self.forms.iter();
        let before = self.forms.iter().skip(1).chain(self.forms.first());
        behind.zip(before).map(|(form, next)| pieces.joined([form.behind, separator, next.before])).collect()
    }
}

impl<'a> Text<'a> {
    fn of(json: &'a RawValue) -> Option<Self> {
        let Anatomy { series, timestamp, value } = sample::anatomy(json)?;
        let value_first = value.start < timestamp.start;
        let (first, second) = if value_first { (value, timestamp) } else { (timestamp, value) };
        let text = json.get().as_bytes();
        Some(Self {
            before: text.get(..first.start)?,
            between: text.get(first.end..second.start)?,
            behind: text.get(second.end..)?,
            value_first,
            series,
        })
    }

    fn known(pattern: &'a Pattern, form: &Form) -> Option<Self> {
        Some(Self {
            before: pattern.part(form.before),
            between: pattern.part(form.between),
            behind: pattern.part(form.behind),
            value_first: form.value_first,
            series: pattern.shape.series().get(form.column as usize)?.clone(),
        })
    }
}

/// Distinct texts, one behind the other.
#[derive(Default)]
struct Pieces<'a> {
    text: Vec<u8>,
    parts: HashMap<Cow<'a, [u8]>, Part>,
}

impl<'a> Pieces<'a> {
    fn part(&mut self, text: &'a [u8]) -> Option<Part> {
        self.kept(Cow::Borrowed(text))
    }

    fn joined(&mut self, texts: [&[u8]; 3]) -> Option<Part> {
        self.kept(Cow::Owned(texts.concat()))
    }

    fn kept(&mut self, text: Cow<'a, [u8]>) -> Option<Part> {
        if let Some(part) = self.parts.get(&text) {
            return Some(*part);
        }
        let part =
            Part { start: u32::try_from(self.text.len()).ok()?, length: u32::try_from(text.len()).ok()? };
        self.text.extend_from_slice(&text);
        self.parts.insert(text, part);
        Some(part)
    }
}

impl<'a> Visitor<'a> for &mut Lesson<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of good samples")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(json) = list.next_element::<&'a RawValue>()? {
            self.take(json).ok_or_else(|| A::Error::custom("a sample that is not good"))?;
        }
        Ok(())
    }
}
