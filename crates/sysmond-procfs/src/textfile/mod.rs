//! A host's own metrics: files `*.prom` that scripts leave in a folder, as `node_exporter` reads them.
//!
//! A file is read when it is new or changed, and its samples stand until it changes again or goes; when it was
//! written is a sample too. A bad file gives nothing and is named, and the others go on. A script writes beside the
//! folder, or under another ending, and renames: then no file is ever read half. One that changes while it is read
//! keeps its last samples until the next reading.

mod parse;

use crate::exposition::{Exposition, Kind};
use crate::source::{Lane, Source, SourceError, Values};
use crate::table::tag;
pub(crate) use parse::parse;
use parse::{Fault, Sample};
use rustix::fs::{Mode, OFlags, open};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use sysmond_model::catalogue::{self, Metric, TEXTFILE_MTIME_SECONDS, TEXTFILE_UP};
use sysmond_model::tags;

/// Files that are read: those that come first by name.
pub(crate) const MAX_FILES: usize = 30;
/// The size of one file, bytes: room for all samples that one may have, with help.
const MAX_FILE_BYTES: u64 = 256 * 1024;
/// Samples of all files together. On a host that is at every other limit there is no room for them: they are then
/// counted as dropped, as whatever is beyond the series of a host is.
const MAX_SAMPLES: usize = 1000;
/// Names of metrics in an agent's life. Each is held for as long: names are words of a script, not numbers.
const MAX_NAMES: usize = 2000;
/// Names in the folder that are looked at.
const MAX_ENTRIES: usize = 10_000;
const OWN_HELP: &str = "A metric of a script on this host.";

/// All files of a folder.
#[derive(Debug)]
pub(crate) struct TextFiles {
    folder: PathBuf,
    files: BTreeMap<String, TextFile>,
    names: HashMap<String, &'static Metric>,
}

/// A file as it was read last.
#[derive(Debug)]
struct TextFile {
    stamp: Stamp,
    tags: String,
    outcome: Result<Vec<Sample>, Trouble>,
}

/// Which file it was, and how old. A changed file has another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

/// Why a file gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    Unreadable(String),
    Wrong(Fault),
}

impl TextFiles {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, files: BTreeMap::new(), names: HashMap::new() }
    }

    /// The files' names, in order, and how many are too many.
    fn list(&self) -> Result<(Vec<String>, usize), SourceError> {
        let error = |source| SourceError::io(self.folder.as_path(), source);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(error)?.take(MAX_ENTRIES) {
            // A name that is no text could not be told from others.
            let name = entry.map_err(error)?.file_name().into_string().unwrap_or_default();
            if Path::new(&name).extension().is_some_and(|ending| ending == "prom") {
                names.push(name);
            }
        }
        names.sort_unstable();
        let beyond = names.len().saturating_sub(MAX_FILES);
        names.truncate(MAX_FILES);
        Ok((names, beyond))
    }

    /// Reads what is new or changed.
    fn refresh(&mut self, names: &[String]) {
        let wanted: HashSet<&String> = names.iter().collect();
        self.files.retain(|name, _| wanted.contains(name));
        for name in names {
            let known = self.files.remove(name);
            let path = self.folder.join(name);
            if let Some(file) = TextFile::read(&path, name, known) {
                self.files.insert(name.clone(), file);
            }
        }
    }

    /// Puts all samples; what else is wrong, by file.
    fn put(&mut self, out: &mut Values) -> Vec<(String, Trouble)> {
        let mut troubles = Vec::new();
        let mut seen: HashSet<(&str, &str)> = HashSet::new();
        let mut left = MAX_SAMPLES;
        for (name, file) in &self.files {
            let usable = file.usable(&seen, left).and_then(|samples| {
                let metrics = samples.iter().map(|sample| metric(&mut self.names, &sample.name));
                let metrics: Option<Vec<_>> = metrics.collect();
                let metrics =
                    metrics.ok_or_else(|| trouble(1, "more names than an agent takes in its life"))?;
                Ok(samples.iter().zip(metrics))
            });
            out.put(&TEXTFILE_MTIME_SECONDS, &file.tags, file.stamp.age());
            out.put(&TEXTFILE_UP, &file.tags, f64::from(u8::from(usable.is_ok())));
            match usable {
                Ok(samples) => {
                    for (sample, metric) in samples {
                        seen.insert((&sample.name, &sample.tags));
                        left = left.saturating_sub(1);
                        out.put(metric, &sample.tags, sample.value);
                    }
                }
                Err(trouble) => troubles.push((name.clone(), trouble)),
            }
        }
        troubles
    }
}

const fn trouble(line: usize, reason: &'static str) -> Trouble {
    Trouble::Wrong(Fault { line, reason })
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

impl TextFile {
    /// The file as it is now; as it was where that is the same or it changes meanwhile; `None` where it is gone.
    fn read(path: &Path, name: &str, known: Option<Self>) -> Option<Self> {
        let tags = || tag("file", name.as_bytes());
        let unreadable = |reason: String| {
            let outcome = Err(Trouble::Unreadable(reason));
            Some(Self { stamp: Stamp::default(), tags: tags(), outcome })
        };
        // Whatever a script put there, opening it must not wait: a pipe would.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut file = match open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return None,
            Err(error) => return unreadable(std::io::Error::from(error).to_string()),
        };
        let status = match file.metadata() {
            Ok(status) => status,
            Err(error) => return unreadable(error.to_string()),
        };
        if !status.is_file() {
            return unreadable("no plain file".to_owned());
        }
        let stamp = Stamp::of(&status);
        if known.as_ref().is_some_and(|known| known.stamp == stamp) {
            return known;
        }
        if stamp.size > MAX_FILE_BYTES {
            let outcome = Err(trouble(1, "the file is larger than 256 KiB"));
            return Some(Self { stamp, tags: tags(), outcome });
        }
        let mut text = Vec::new();
        if let Err(error) = file.by_ref().take(MAX_FILE_BYTES + 1).read_to_end(&mut text) {
            return unreadable(error.to_string());
        }
        let is_changing = file.metadata().map_or(true, |status| Stamp::of(&status) != stamp);
        if is_changing || text.len() as u64 != stamp.size {
            return known;
        }
        Some(Self { stamp, tags: tags(), outcome: parse(&text).map_err(Trouble::Wrong) })
    }

    /// The samples, where they are good beside what other files have.
    fn usable(&self, seen: &HashSet<(&str, &str)>, left: usize) -> Result<&[Sample], Trouble> {
        let samples = self.outcome.as_deref().map_err(Clone::clone)?;
        if samples.len() > left {
            return Err(trouble(1, "more samples than all files together may have"));
        }
        if samples.iter().any(|sample| seen.contains(&(sample.name.as_str(), sample.tags.as_str()))) {
            return Err(trouble(1, "a series that another file has too"));
        }
        Ok(samples)
    }
}

impl Stamp {
    fn of(status: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            inode: status.ino(),
            size: status.size(),
            seconds: status.mtime(),
            nanoseconds: status.mtime_nsec(),
        }
    }

    /// When the file was written, Unix seconds.
    fn age(self) -> f64 {
        if self == Self::default() { f64::NAN } else { self.seconds as f64 }
    }
}

impl Source for TextFiles {
    fn name(&self) -> &'static str {
        "textfile"
    }

    fn lane(&self) -> Lane {
        Lane::Storage
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let (names, beyond) = self.list()?;
        self.refresh(&names);
        let troubles = self.put(out);
        let others = (troubles.len() + beyond).saturating_sub(1);
        match troubles.into_iter().next() {
            Some((name, Trouble::Wrong(Fault { line, reason }))) => {
                Err(SourceError::File { path: self.folder.join(name).into(), line, reason, others })
            }
            Some((name, Trouble::Unreadable(reason))) => {
                Err(SourceError::io(self.folder.join(name), std::io::Error::other(reason)))
            }
            None if beyond > 0 => Err(SourceError::Limit {
                path: Arc::from(self.folder.as_path()),
                key: "file",
                limit: MAX_FILES,
                left_out: beyond,
            }),
            None => Ok(()),
        }
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        let mut seen: HashSet<(&str, &str)> = HashSet::new();
        for file in self.files.values() {
            expose_one(
                out,
                "node_textfile_mtime_seconds",
                Kind::Gauge,
                TEXTFILE_MTIME_SECONDS.help,
                (&file.tags, file.stamp.age()),
            );
            let Ok(samples) = file.usable(&seen, MAX_SAMPLES) else { continue };
            for sample in samples {
                seen.insert((&sample.name, &sample.tags));
                expose_one(out, &sample.name, sample.kind, OWN_HELP, (&sample.tags, sample.value));
            }
        }
        let failed = self.files.values().any(|file| file.outcome.is_err());
        out.gauge(
            "node_textfile_scrape_error",
            "1 where a file of own metrics is wrong or cannot be read, 0 where all are well",
            &[],
            f64::from(u8::from(failed)),
        );
        Ok(())
    }
}

fn expose_one(out: &mut Exposition, name: &str, kind: Kind, help: &'static str, (tags, value): (&str, f64)) {
    let pairs = tags::split(tags).unwrap_or_default();
    let labels: Vec<(&str, &[u8])> =
        pairs.iter().map(|(key, value)| (key.as_str(), value.as_bytes())).collect();
    out.put(name.to_owned(), kind, help, &labels, value);
}

/// Gives any text to the parser.
pub(crate) fn take_any_bytes(text: &[u8]) {
    let Ok(samples) = parse(text) else { return };
    for Sample { name, tags, kind, value } in samples {
        assert_eq!(tags::canonical(&tags).as_deref(), Ok(tags.as_str()), "tags that are not canonical");
        assert!(!tags.chars().any(char::is_control) && !name.is_empty(), "a series that breaks a line");
        let mut exposition = Exposition::default();
        expose_one(&mut exposition, &name, kind, "", (&tags, value));
        let again = parse(exposition.text().as_bytes());
        let is_same = |again: &Sample| again.name == name && again.tags == tags && again.kind == kind;
        assert!(!value.is_finite() || again.is_ok_and(|again| again.iter().all(is_same)), "{name} changes");
    }
}

#[cfg(test)]
mod tests;
