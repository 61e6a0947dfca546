//! What identifies a series on a host, and one value of it.

use crate::{Timestamp, tags};
use serde::Serialize;
use std::fmt;

/// One series of a host: a metric and the canonical tags (see [`tags`]) that tell it from its siblings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Series {
    /// Dotted name, such as `cpu.core_usage`.
    pub metric_type: Box<str>,
    /// Canonical tags, such as `core=0`, or empty.
    pub tags: Box<str>,
}

impl Series {
    /// A series from its two parts; `tags` has to be canonical already.
    pub fn new(metric_type: impl Into<Box<str>>, tags: impl Into<Box<str>>) -> Self {
        Self { metric_type: metric_type.into(), tags: tags.into() }
    }

    /// The inverse of `Display`: `disk.usage_percent{mount=/}` or `cpu.total_usage`.
    pub fn parse(text: &str) -> Result<Self, tags::TagsError> {
        match text.split_once('{') {
            Some((metric_type, rest)) => {
                let inner = rest.strip_suffix('}').ok_or(tags::TagsError::Unclosed)?;
                Ok(Self::new(metric_type, tags::canonical(inner)?))
            }
            None => Ok(Self::new(text, "")),
        }
    }
}

impl fmt::Display for Series {
    /// `metric` or `metric{tags}`, the key of a live sample.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tags.is_empty() {
            f.write_str(&self.metric_type)
        } else {
            write!(f, "{}{{{}}}", self.metric_type, self.tags)
        }
    }
}

/// One value of one series of one host.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When it was read, by the clock of the host it is from.
    pub timestamp: Timestamp,
    /// Which series it belongs to.
    pub series: Series,
    /// Always finite.
    pub value: f64,
}
