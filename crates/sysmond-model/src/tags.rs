//! The canonical string of a sample's tags.
//!
//! `""`, or `key=value` pairs sorted by key and joined by commas (`device=sda`, `core=0,node=1`), with `\` before a
//! comma, an equals sign or a backslash inside a key or a value. One set of tags has one string, so strings compare.

use thiserror::Error;

/// Why a string is no set of tags.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TagsError {
    /// A pair without `=`.
    #[error("`{0}` is not key=value")]
    NotAPair(String),
    /// Nothing before `=`.
    #[error("a tag has an empty key")]
    EmptyKey,
    /// The same key twice.
    #[error("tag `{0}` is given twice")]
    Duplicate(String),
    /// A `\` at the end.
    #[error("a backslash ends the tags")]
    DanglingEscape,
    /// A `{` without its `}`.
    #[error("`{{` is not closed by `}}`")]
    Unclosed,
}

/// The canonical string of one pair, as collectors need it: `mount=/srv\,old`.
pub fn pair(key: &str, value: &str) -> String {
    let mut out = String::with_capacity(key.len() + value.len() + 1);
    push_pair(&mut out, key, value);
    out
}

/// The canonical string of `pairs`, which need not be sorted. A key given twice is an error.
pub fn join<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<String, TagsError> {
    let mut pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
    pairs.sort_unstable();
    let mut out = String::new();
    let mut last = None;
    for (key, value) in pairs {
        if key.is_empty() {
            return Err(TagsError::EmptyKey);
        }
        if last == Some(key) {
            return Err(TagsError::Duplicate(key.to_owned()));
        }
        last = Some(key);
        if !out.is_empty() {
            out.push(',');
        }
        push_pair(&mut out, key, value);
    }
    Ok(out)
}

/// The pairs of a tags string, unescaped, in the order they are written.
pub fn split(text: &str) -> Result<Vec<(String, String)>, TagsError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut pairs = Vec::new();
    let mut current = Pair::default();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => current.push(chars.next().ok_or(TagsError::DanglingEscape)?),
            '=' if current.value.is_none() => current.value = Some(String::new()),
            ',' => pairs.push(std::mem::take(&mut current).finish()?),
            c => current.push(c),
        }
    }
    pairs.push(current.finish()?);
    Ok(pairs)
}

/// `text` in canonical form: sorted, escaped, no key twice.
pub fn canonical(text: &str) -> Result<String, TagsError> {
    let pairs = split(text)?;
    join(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

#[derive(Default)]
struct Pair {
    key: String,
    value: Option<String>,
}

impl Pair {
    fn push(&mut self, c: char) {
        self.value.as_mut().unwrap_or(&mut self.key).push(c);
    }

    fn finish(self) -> Result<(String, String), TagsError> {
        match self.value {
            Some(_) if self.key.is_empty() => Err(TagsError::EmptyKey),
            Some(value) => Ok((self.key, value)),
            None => Err(TagsError::NotAPair(self.key)),
        }
    }
}

fn push_pair(out: &mut String, key: &str, value: &str) {
    push_escaped(out, key);
    out.push('=');
    push_escaped(out, value);
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, ',' | '=' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_form_sorts_and_escapes() {
        assert_eq!(canonical(""), Ok(String::new()));
        assert_eq!(canonical("b=2,a=1"), Ok("a=1,b=2".into()));
        assert_eq!(canonical(r"mount=/a\,b"), Ok(r"mount=/a\,b".into()));
        assert_eq!(canonical("a=x=y"), Ok(r"a=x\=y".into()));
    }

    #[test]
    fn what_is_no_set_of_tags_is_refused() {
        assert_eq!(canonical("sda"), Err(TagsError::NotAPair("sda".into())));
        assert_eq!(canonical("=x"), Err(TagsError::EmptyKey));
        assert_eq!(canonical("a=1,a=2"), Err(TagsError::Duplicate("a".into())));
        assert_eq!(canonical("a=1,"), Err(TagsError::NotAPair(String::new())));
        assert_eq!(canonical(r"a=1\"), Err(TagsError::DanglingEscape));
    }

    proptest! {
        #[test]
        fn any_pairs_survive(pairs in proptest::collection::btree_map(".+", ".*", 0..5)) {
            let text = join(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()))).expect("keys are unique and not empty");
            let back: std::collections::BTreeMap<_, _> = split(&text).expect("canonical").into_iter().collect();
            prop_assert_eq!(back, pairs);
            prop_assert_eq!(canonical(&text).expect("canonical"), text);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = canonical(&text);
        }
    }
}
