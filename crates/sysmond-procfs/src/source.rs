//! What all sources have in common.

use crate::{cpu, disk, filesystem, load, memory, network, pressure, uptime};
use std::path::{Path, PathBuf};
use std::time::Duration;
use sysmond_model::Metric;
use thiserror::Error;

/// Where the host's file systems are: another prefix shows another host, such as the one outside of a container.
#[derive(Clone, Debug)]
pub struct Roots {
    /// Usually `/proc`.
    pub procfs: PathBuf,
    /// Usually `/sys`.
    pub sysfs: PathBuf,
    /// Usually `/`: mounts are measured below it.
    pub rootfs: PathBuf,
}

impl Roots {
    /// Where a file is that differs between namespaces (mounts, networks). For `/proc` itself the view of this process
    /// counts. Of another `procfs` it is that of its first process, which is the host's own; `self` there would
    /// still be this process. Last, for a copy of `/proc` in plain files, the bare path.
    pub(crate) fn of_host(&self, file: &str) -> Vec<PathBuf> {
        let own = self.procfs.join("self").join(file);
        if self.procfs == Path::new("/proc") {
            return vec![own];
        }
        vec![self.procfs.join("1").join(file), own, self.procfs.join(file)]
    }
}

/// Why a reading gave nothing or not all.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A file could not be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file was not as the kernel documents it.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was expected where.
        reason: String,
    },
    /// There is more of something than is read; the rest was left out.
    #[error("{path}: more than {limit} of `{key}`, {left_out} left out")]
    Limit {
        /// The file.
        path: PathBuf,
        /// The tag that tells the things apart: `interface`.
        key: &'static str,
        /// How many are read.
        limit: usize,
        /// How many were not.
        left_out: usize,
    },
}

/// One source of values, such as `/proc/stat`.
pub trait Source: Send {
    /// A short lower-case name: the `collector` tag of its health.
    fn name(&self) -> &'static str;

    /// Reads once. `at` is the time since boot, suspended time included (`CLOCK_BOOTTIME`): rates are over its
    /// difference to the last reading, and there are none on the first reading, after a hole longer than the
    /// `max_gap` the source was made with, or where a counter fell. What was put before an error counts.
    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError>;
}

/// The values of one reading; its buffers are used again.
#[derive(Debug, Default)]
pub struct Values {
    entries: Vec<Entry>,
    len: usize,
}

#[derive(Debug)]
struct Entry {
    metric: &'static Metric,
    tags: String,
    value: f64,
}

impl Values {
    /// Forgets the values and keeps the buffers.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds a value; one that is not finite is left out. `tags` is canonical.
    pub fn put(&mut self, metric: &'static Metric, tags: &str, value: f64) {
        if !value.is_finite() {
            return;
        }
        if let Some(entry) = self.entries.get_mut(self.len) {
            entry.metric = metric;
            entry.tags.clear();
            entry.tags.push_str(tags);
            entry.value = value;
        } else {
            self.entries.push(Entry { metric, tags: tags.to_owned(), value });
        }
        self.len += 1;
    }

    /// The values in the order they were put: metric, canonical tags, value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Metric, &str, f64)> {
        self.entries.iter().take(self.len).map(|entry| (entry.metric, entry.tags.as_str(), entry.value))
    }
}

/// All sources of a host, in the order in which people read them. A source whose files are missing is there too and
/// says so when it is read.
pub fn sources(roots: &Roots, max_gap: Duration) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(cpu::source(roots, max_gap)),
        Box::new(load::source(roots)),
        Box::new(memory::source(roots)),
        Box::new(filesystem::FileSystems::new(roots)),
        Box::new(disk::source(roots, max_gap)),
        Box::new(network::source(roots, max_gap)),
        Box::new(pressure::Pressure::new(roots, max_gap)),
        Box::new(uptime::source(roots)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::CATALOGUE;
    use sysmond_model::limits::MAX_SERIES_PER_HOST;

    #[test]
    fn a_host_at_every_limit_fits_into_the_store() {
        let most = |tag| match tag {
            "core" => cpu::MAX_CORES,
            "mount" => filesystem::MAX_MOUNTS,
            "device" => disk::MAX_DEVICES,
            "interface" => network::MAX_INTERFACES,
            "collector" => 16,
            tag => panic!("the tag {tag} has no limit"),
        };
        let series =
            CATALOGUE.iter().map(|metric| metric.tags.iter().map(|tag| most(tag)).product::<usize>());
        assert!(series.sum::<usize>() <= MAX_SERIES_PER_HOST);
    }

    #[test]
    fn values_are_used_again_and_are_finite() {
        let mut values = Values::default();
        values.put(&sysmond_model::catalogue::CPU_USER, "a=1", 1.0);
        values.put(&sysmond_model::catalogue::CPU_USER, "", f64::NAN);
        assert_eq!(values.iter().count(), 1);
        values.clear();
        values.put(&sysmond_model::catalogue::CPU_IDLE, "", 2.0);
        let found: Vec<_> = values
            .iter()
            .map(|(metric, tags, value)| (metric.name, tags.to_owned(), value.to_string()))
            .collect();
        assert_eq!(found, [("cpu.idle", String::new(), "2".to_owned())]);
    }

    #[test]
    fn another_procfs_is_asked_for_the_view_of_its_first_process() {
        let roots = |procfs: &str| Roots { procfs: procfs.into(), sysfs: "/sys".into(), rootfs: "/".into() };
        assert_eq!(roots("/proc/").of_host("net/dev"), [Path::new("/proc/self/net/dev")]);
        assert_eq!(
            roots("/host/proc").of_host("net/dev").first().unwrap(),
            Path::new("/host/proc/1/net/dev")
        );
    }
}
