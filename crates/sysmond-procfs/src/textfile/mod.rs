//! A host's own metrics: files `*.prom` that scripts leave in a folder, as `node_exporter` reads them.
//!
//! A file is read when it is new or changed, and its samples stand until it changes again or goes; when it was
//! written is a sample too. A bad file gives nothing and is named, and the others go on. A script writes beside the
//! folder, or under another ending, and renames: then no file is ever read half. One that changes while it is read
//! keeps its last samples until the next reading.

mod file;
mod parse;

use crate::exposition::{Exposition, Kind};
use crate::listing::{names, open_dir};
use crate::source::{Lane, Source, SourceError, Values, WrongFile};
use file::{TextFile, Trouble};
pub(crate) use parse::parse;
use parse::{Parsed, Sample};
use rustix::fs::CWD;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::catalogue::{self, Metric, TEXTFILE_MTIME_SECONDS};
use sysmond_model::tags;

/// Files that are read: those that come first by name.
pub(crate) const MAX_FILES: usize = 30;
/// Samples of all files together. On a host that is at every other limit there is no room for them: they are then
/// counted as dropped, as whatever is beyond the series of a host is.
const MAX_SAMPLES: usize = 2000;
/// Names of metrics in an agent's life. Each is held for as long: names are words of a script, not numbers.
const MAX_NAMES: usize = 2000;
/// Names in the folder that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// Names of the folder that are read at once.
const LISTED_BYTES: usize = 4096;
const OWN_HELP: &str = "A metric of a script on this host.";

/// All files of a folder. While none of them changes, a reading allocates nothing.
#[derive(Debug)]
pub(crate) struct TextFiles {
    folder: PathBuf,
    listed: Listed,
    buffer: Box<[MaybeUninit<u8>]>,
    files: BTreeMap<String, TextFile>,
    names: HashMap<String, &'static Metric>,
    /// What is wrong with files and folder, as it is told.
    error: Option<SourceError>,
}

/// Names of files, in buffers that are used again.
#[derive(Debug, Default)]
struct Listed {
    texts: Vec<String>,
    len: usize,
    /// How many there are too many.
    beyond: usize,
}

impl Listed {
    fn push(&mut self, name: &str) {
        match self.texts.get_mut(self.len) {
            Some(text) => {
                text.clear();
                text.push_str(name);
            }
            None => self.texts.push(name.to_owned()),
        }
        self.len += 1;
    }

    /// In order, and no more than are read.
    fn finish(&mut self) {
        self.texts.get_mut(..self.len).unwrap_or_default().sort_unstable();
        self.beyond = self.len.saturating_sub(MAX_FILES);
        self.len = self.len.min(MAX_FILES);
    }

    fn names(&self) -> &[String] {
        self.texts.get(..self.len).unwrap_or_default()
    }
}

impl TextFiles {
    pub(crate) fn new(folder: PathBuf) -> Self {
        let buffer = vec![MaybeUninit::uninit(); LISTED_BYTES].into();
        let (files, names) = (BTreeMap::new(), HashMap::new());
        Self { folder, listed: Listed::default(), buffer, files, names, error: None }
    }

    /// Looks which files there are.
    fn list(&mut self) -> Result<OwnedFd, SourceError> {
        let Self { folder, listed, buffer, .. } = self;
        let error = |errno| SourceError::io(folder.as_path(), errno);
        let dir = open_dir(CWD, &*folder).map_err(error)?;
        listed.len = 0;
        let mut entries = 0;
        let listing = names(&dir, buffer, &mut |name, _| {
            entries += 1;
            // A name that is no text could not be told from others.
            if let Ok(name) = std::str::from_utf8(name)
                && entries <= MAX_ENTRIES
                && name.strip_suffix(".prom").is_some_and(|stem| !stem.is_empty())
            {
                listed.push(name);
            }
        });
        listing.map_err(error)?;
        listed.finish();
        Ok(dir)
    }

    /// Reads what is new or changed; whether anything is.
    fn refresh(&mut self) -> Result<bool, SourceError> {
        let beyond = self.listed.beyond;
        let dir = self.list()?;
        let before = self.files.len();
        let wanted = self.listed.names();
        self.files.retain(|name, _| wanted.binary_search(name).is_ok());
        let mut is_changed = self.files.len() != before || self.listed.beyond != beyond;
        for name in wanted {
            if self.files.get(name).is_some_and(|known| known.is_as_it_was(&dir, name)) {
                continue;
            }
            is_changed = true;
            let known = self.files.remove(name);
            if let Some(file) = TextFile::read(&dir, name, known) {
                self.files.insert(name.clone(), file);
            }
        }
        Ok(is_changed)
    }

    /// Decides which files are good beside each other: those that come first by name.
    fn judge(&mut self) {
        let mut seen: HashSet<(&str, &str)> = HashSet::new();
        let mut left = MAX_SAMPLES;
        let mut verdicts = Vec::with_capacity(self.files.len());
        for file in self.files.values() {
            let verdict = file.usable(&seen, left).and_then(|samples| {
                let metrics = samples.iter().map(|sample| metric(&mut self.names, &sample.name));
                let metrics: Option<Vec<_>> = metrics.collect();
                let metrics = metrics.ok_or_else(|| {
                    Trouble::Told(format!("more than {MAX_NAMES} names of metrics in this agent's life"))
                })?;
                left = left.saturating_sub(samples.len());
                seen.extend(samples.iter().map(|sample| (sample.name.as_str(), sample.tags.as_str())));
                Ok(metrics)
            });
            verdicts.push(verdict);
        }
        for (file, verdict) in self.files.values_mut().zip(verdicts) {
            file.metrics = verdict;
        }
        self.error = self.troubles();
    }

    /// What is wrong, each file of it.
    fn troubles(&self) -> Option<SourceError> {
        let told = |(name, file): (&String, &TextFile)| {
            let reason = file.metrics.as_ref().err()?.to_string();
            Some(WrongFile { path: self.folder.join(name).into(), reason })
        };
        let mut wrong: Vec<_> = self.files.iter().filter_map(told).collect();
        if self.listed.beyond > 0 {
            let reason = format!("more than {MAX_FILES} files, {} left out", self.listed.beyond);
            wrong.push(WrongFile { path: Arc::from(self.folder.as_path()), reason });
        }
        (!wrong.is_empty()).then(|| SourceError::Files { wrong: wrong.into() })
    }
}

/// The metric of that name; `None` where there are too many. It is never given back: values carry a metric that lives
/// for ever, and a name that comes again is the same.
fn metric(names: &mut HashMap<String, &'static Metric>, name: &str) -> Option<&'static Metric> {
    if let Some(known) = names.get(name) {
        return Some(known);
    }
    if names.len() >= MAX_NAMES {
        return None;
    }
    let own: &'static str = Box::leak(name.to_owned().into_boxed_str());
    let metric: &'static Metric = Box::leak(Box::new(Metric {
        name: own,
        kind: catalogue::Kind::Gauge,
        unit: catalogue::Unit::Count,
        tags: &[],
        // Exposed under its own name, by this source: not once more as one of ours.
        prometheus: own,
        opentelemetry: "",
        help: "",
    }));
    names.insert(name.to_owned(), metric);
    Some(metric)
}

impl Source for TextFiles {
    fn name(&self) -> &'static str {
        "textfile"
    }

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        match self.refresh() {
            Ok(true) => self.judge(),
            Ok(false) => {}
            Err(error) => {
                self.files.clear();
                self.error = Some(error);
            }
        }
        for file in self.files.values() {
            file.put(out);
        }
        self.error.clone().map_or(Ok(()), Err)
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        for file in self.files.values() {
            let (name, help) = ("node_textfile_mtime_seconds", TEXTFILE_MTIME_SECONDS.help);
            expose_one(out, name, Kind::Gauge, help.into(), (&file.tags, file.age()));
            let (Ok(Parsed { samples, helps }), Ok(_)) = (&file.parsed, &file.metrics) else { continue };
            for sample in samples {
                let help = helps.get(&sample.name).map_or(OWN_HELP.into(), |help| help.clone().into());
                expose_one(out, &sample.name, sample.kind, help, (&sample.tags, sample.value));
            }
        }
        out.gauge(
            "node_textfile_scrape_error",
            "1 where a file of own metrics is wrong, beyond a limit or cannot be read, 0 where all are well",
            &[],
            f64::from(u8::from(self.error.is_some())),
        );
        Ok(())
    }
}

fn expose_one(
    out: &mut Exposition,
    name: &str,
    kind: Kind,
    help: Cow<'static, str>,
    (tags, value): (&str, f64),
) {
    let pairs = tags::split(tags).unwrap_or_default();
    let labels: Vec<(&str, &[u8])> =
        pairs.iter().map(|(key, value)| (key.as_str(), value.as_bytes())).collect();
    out.put(name.to_owned(), kind, help, &labels, value);
}

/// Gives any text to the parser.
pub(crate) fn take_any_bytes(text: &[u8]) {
    let Ok(Parsed { samples, helps }) = parse(text) else { return };
    for Sample { name, tags, kind, value, .. } in samples {
        assert_eq!(tags::canonical(&tags).as_deref(), Ok(tags.as_str()), "tags that are not canonical");
        assert!(!tags.chars().any(char::is_control) && !name.is_empty(), "a series that breaks a line");
        let pairs = tags::split(&tags).unwrap_or_default();
        assert!(pairs.iter().all(|(key, _)| !key.starts_with("__")), "a label of Prometheus' own");
        let help = helps.get(&name).cloned().unwrap_or_default();
        let mut exposition = Exposition::default();
        expose_one(&mut exposition, &name, kind, help.clone().into(), (&tags, value));
        let again = parse(exposition.text().as_bytes());
        let is_same = |again: &Sample| again.name == name && again.tags == tags && again.kind == kind;
        let is_same = |again: &Parsed| {
            let found = again.helps.get(&name).map_or("", String::as_str);
            again.samples.iter().all(is_same) && found.trim() == help.trim()
        };
        assert!(!value.is_finite() || again.as_ref().is_ok_and(is_same), "{name} changes");
    }
}

#[cfg(test)]
mod tests;
