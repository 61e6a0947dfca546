//! One file of a folder: as it was read last, and whether it is still the same.

use super::parse::{Fault, Parsed, Sample, parse};
use super::{MAX_SAMPLES, Metric};
use crate::families::is_own;
use crate::source::Values;
use crate::table::tag;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use sysmond_model::catalogue::{TEXTFILE_MTIME_SECONDS, TEXTFILE_UP};

/// The size of one file, bytes: room for all samples that one may have, with help.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// A file as it was read last.
#[derive(Debug)]
pub(super) struct TextFile {
    stamp: Stamp,
    pub(super) tags: String,
    /// What it says by itself.
    pub(super) parsed: Result<Parsed, Trouble>,
    /// The metrics of its samples, where it is good beside the others.
    pub(super) metrics: Result<Vec<&'static Metric>, Trouble>,
}

/// Which file it was, and how old. A changed file has another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: u64,
}

/// Why a file gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Wrong(Fault),
    /// Of no line.
    Told(String),
}

impl Display for Trouble {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(Fault { line, reason }) => write!(out, "line {line}: {reason}"),
            Self::Told(reason) => out.write_str(reason),
        }
    }
}

impl TextFile {
    fn new(stamp: Stamp, name: &str, parsed: Result<Parsed, Trouble>) -> Self {
        Self { stamp, tags: tag("file", name.as_bytes()), parsed, metrics: Ok(Vec::new()) }
    }

    /// Whether nothing happened to it; one that cannot be read is looked at again.
    pub(super) fn is_as_it_was(&self, dir: &OwnedFd, name: &str) -> bool {
        let status = statat(dir, name, AtFlags::empty());
        status.is_ok_and(|status| is_plain(&status) && Stamp::of(&status) == self.stamp)
    }

    /// The file as it is now; as it was where it changes meanwhile; `None` where it is gone.
    pub(super) fn read(dir: &OwnedFd, name: &str, known: Option<Self>) -> Option<Self> {
        let told = |stamp, reason: String| Some(Self::new(stamp, name, Err(Trouble::Told(reason))));
        let unreadable = |error: std::io::Error| told(Stamp::default(), error.to_string());
        // Whatever a script put there, opening it must not wait: a pipe would.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut file = match openat(dir, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return None,
            Err(error) => return unreadable(error.into()),
        };
        let status = match fstat(&file) {
            Ok(status) => status,
            Err(error) => return unreadable(error.into()),
        };
        if !is_plain(&status) {
            return told(Stamp::default(), "no plain file".to_owned());
        }
        let stamp = Stamp::of(&status);
        if stamp.size > MAX_FILE_BYTES {
            return told(stamp, format!("larger than {} KiB", MAX_FILE_BYTES / 1024));
        }
        let mut text = Vec::new();
        if let Err(error) = file.by_ref().take(MAX_FILE_BYTES + 1).read_to_end(&mut text) {
            return unreadable(error);
        }
        let is_changing = fstat(&file).map_or(true, |status| Stamp::of(&status) != stamp);
        if is_changing || text.len() as u64 != stamp.size {
            return known;
        }
        Some(Self::new(stamp, name, parse(&text).map_err(Trouble::Wrong)))
    }

    /// The samples, where they are good beside what other files have.
    pub(super) fn usable(&self, seen: &HashSet<(&str, &str)>, left: usize) -> Result<&[Sample], Trouble> {
        let Parsed { samples, .. } = self.parsed.as_ref().map_err(Clone::clone)?;
        if samples.len() > left {
            return Err(Trouble::Told(format!("more than {MAX_SAMPLES} samples in all files together")));
        }
        if let Some(Sample { line, name, .. }) = samples.iter().find(|sample| is_own(&sample.name)) {
            let reason = "is the agent's own: it shows this of the host, or of itself";
            return Err(Trouble::Told(format!("line {line}: the name {name} {reason}")));
        }
        let doubled =
            samples.iter().find(|sample| seen.contains(&(sample.name.as_str(), sample.tags.as_str())));
        match doubled {
            Some(Sample { name, tags, .. }) => {
                Err(Trouble::Told(format!("the series {name}{{{tags}}} is in another file, too")))
            }
            None => Ok(samples),
        }
    }

    /// When the file was written, Unix seconds.
    pub(super) fn age(&self) -> f64 {
        if self.stamp == Stamp::default() { f64::NAN } else { self.stamp.seconds as f64 }
    }

    /// Puts its health and, where it is good, its samples.
    pub(super) fn put(&self, out: &mut Values) {
        out.put(&TEXTFILE_MTIME_SECONDS, &self.tags, self.age());
        out.put(&TEXTFILE_UP, &self.tags, f64::from(u8::from(self.metrics.is_ok())));
        if let (Ok(Parsed { samples, .. }), Ok(metrics)) = (&self.parsed, &self.metrics) {
            for (sample, metric) in samples.iter().zip(metrics) {
                out.put(metric, &sample.tags, sample.value);
            }
        }
    }
}

fn is_plain(status: &Stat) -> bool {
    FileType::from_raw_mode(status.st_mode) == FileType::RegularFile
}

impl Stamp {
    const fn of(status: &Stat) -> Self {
        Self {
            inode: status.st_ino,
            size: status.st_size.unsigned_abs(),
            seconds: status.st_mtime,
            nanoseconds: status.st_mtime_nsec,
        }
    }
}
