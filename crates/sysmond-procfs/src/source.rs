//! What all sources have in common.

use crate::exposition::Exposition;
use crate::paced::Paced;
use crate::processes::{LatestProcesses, ProcessOptions};
use crate::{
    battery, cgroup, clock, connections, cpu, disk, filesystem, frequency, links, load, memory, netstat,
    network, pressure, processes, protocols, raid, remote, sensors, sockets, softnet, tables, textfile,
    uptime, vmstat,
};
use rustix::fs::{PROC_SUPER_MAGIC, statfs};
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
    /// Whether `/proc/stat` and its like are the kernel's own. They are not in a copy, nor where a program serves them
    /// to a container (`lxcfs`), for whose answer one may wait without an end.
    pub fn are_the_kernels(&self) -> bool {
        let files = ["stat", "meminfo", "diskstats", "loadavg", "uptime", "vmstat"];
        files.iter().all(|file| is_procfs(&self.procfs.join(file)))
    }

    /// Whether this host runs on the kernel of this process, which may then be asked in other ways than by its files. A
    /// copy of files does not; a container does, also where a program serves some of them to it (`lxcfs`).
    pub(crate) fn are_of_this_kernel(&self) -> bool {
        is_procfs(&self.procfs)
    }

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

/// Whether the kernel itself serves this file or folder, and not a program or a disk.
fn is_procfs(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| found.f_type == PROC_SUPER_MAGIC)
}

/// Why a reading gave nothing or not all. To repeat one costs nothing: what fails once fails each second.
#[derive(Clone, Debug, Error)]
pub enum SourceError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: Arc<Path>,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// This host has no such thing: nothing is wrong, and there is nothing to read.
    #[error("{reason}: there is no {}", path.display())]
    Absent {
        /// The file that would have it.
        path: Arc<Path>,
        /// What the host lacks.
        reason: &'static str,
    },
    /// A filter of system calls forbids this one to this process (`SystemCallFilter=` of a unit, that of an engine).
    #[error("{reason}: the system call {call} is refused")]
    Refused {
        /// Its name.
        call: &'static str,
        /// What is lacking without it.
        reason: &'static str,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// A file was not as the kernel documents it.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: Arc<Path>,
        /// What was expected where.
        reason: &'static str,
    },
    /// Files that people or scripts wrote are wrong; each is told.
    #[error("{}", told(wrong))]
    Files {
        /// They, in order.
        wrong: Arc<[WrongFile]>,
    },
    /// There is more of something than is read; the rest was left out.
    #[error("{}: more than {limit} of `{key}`, {left_out} left out", path.display())]
    Limit {
        /// The file.
        path: Arc<Path>,
        /// The tag that tells the things apart: `interface`.
        key: &'static str,
        /// How many are read.
        limit: usize,
        /// How many were not.
        left_out: usize,
    },
}

/// A file that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongFile {
    /// The file.
    pub path: Arc<Path>,
    /// What is wrong: a line and its fault, or why it cannot be read.
    pub reason: String,
}

impl Display for WrongFile {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path.display(), self.reason)
    }
}

fn told(wrong: &[WrongFile]) -> String {
    wrong.iter().map(WrongFile::to_string).collect::<Vec<_>>().join("; ")
}

impl SourceError {
    pub(crate) fn io(path: impl Into<Arc<Path>>, error: impl Into<io::Error>) -> Self {
        Self::Io { path: path.into(), source: Arc::new(error.into()) }
    }

    /// Whether the host simply has no such thing: a source that says so is absent, not down.
    pub const fn is_absence(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }

    /// Each thing that is wrong, where they are told one by one; nothing where it is one.
    pub fn parts(&self) -> &[WrongFile] {
        match self {
            Self::Files { wrong } => wrong,
            _ => &[],
        }
    }

    /// Whether there is only more of it than is read.
    pub const fn is_limit(&self) -> bool {
        matches!(self, Self::Limit { .. })
    }

    /// Whether this user or this process may not read it, while another could.
    pub fn is_denial(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
            Self::Refused { .. } => true,
            _ => false,
        }
    }
}

/// What a reading may have to wait for. Whoever reads gives each lane a thread, but for the kernel's own memory where
/// nobody else answers for it: what hangs holds up those of its own lane alone, and to wake a thread for each source
/// would cost more than to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The kernel's own memory.
    Kernel,
    /// The memory of processes: a command line waits for its process where that waits for a disk.
    Processes,
    /// Disks.
    Storage,
    /// Sensors and the buses that they are on.
    Hardware,
    /// What stands under a lock that others may hold for seconds: interfaces that come and go by the hundred, control
    /// groups, arrays, drivers, mounts.
    Locks,
    /// The files of scripts, which are on a disk too, but seldom on the one that is gone.
    Files,
}

/// One source of values, such as `/proc/stat`.
pub trait Source: Send {
    /// A short lower-case name: the `collector` tag of its health.
    fn name(&self) -> &'static str;

    /// With what it may be read on one thread.
    fn lane(&self) -> Lane {
        Lane::Kernel
    }

    /// Reads once. `at` is the time since boot, suspended time included (`CLOCK_BOOTTIME`): rates are over its
    /// difference to the last reading, and there are none on the first reading, after a hole longer than the
    /// `max_gap` the source was made with, or where a counter fell. What was put before an error counts.
    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError>;

    /// Before this time since boot another reading would give the same again, values and outcome: it may be left out.
    fn rests_until(&self) -> Option<Duration> {
        None
    }

    /// Reads what Prometheus' `node_exporter` shows of the same files, under its names, labels and units; nothing where
    /// it shows nothing of them. It costs no reading its rates: what they are made from stays as it is.
    fn expose(&mut self, _out: &mut Exposition) -> Result<(), SourceError> {
        Ok(())
    }
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

    /// Adds all values of `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (metric, tags, value) in other.iter() {
            self.put(metric, tags, value);
        }
    }

    /// The values in the order they were put: metric, canonical tags, value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Metric, &str, f64)> {
        self.entries.iter().take(self.len).map(|entry| (entry.metric, entry.tags.as_str(), entry.value))
    }
}

/// What costs a little more.
const FIVE: Duration = Duration::from_secs(5);
/// What costs more, or changes seldom.
const SLOW: Duration = Duration::from_secs(10);
/// What costs much, or changes once in a while.
const SLOWER: Duration = Duration::from_secs(30);

/// All sources of a host, in the order in which people read them. A source whose files are missing is there too and
/// says so when it is read.
pub fn sources(roots: &Roots, max_gap: Duration) -> Vec<Box<dyn Source>> {
    sources_and_processes(roots, max_gap, ProcessOptions::default(), Arc::default())
}

/// The same, where the snapshots of processes are wanted too: the source `processes` leaves them in `latest`.
pub fn sources_and_processes(
    roots: &Roots,
    max_gap: Duration,
    options: ProcessOptions,
    latest: Arc<LatestProcesses>,
) -> Vec<Box<dyn Source>> {
    let seconds = Duration::from_secs;
    // A hole is as long as three readings, of each clock.
    let (slow_gap, five_gap) = (max_gap.max(3 * SLOW), max_gap.max(3 * FIVE));
    vec![
        Paced::always(cpu::source(roots, max_gap)),
        Paced::every(SLOW, seconds(1), frequency::Frequency::new(roots, slow_gap)),
        Paced::always(load::source(roots)),
        Paced::always(memory::source(roots)),
        Paced::always(vmstat::source(roots, max_gap)),
        Paced::every(SLOW, seconds(2), filesystem::FileSystems::new(roots)),
        Paced::every(SLOWER, seconds(17), remote::Remote::new(roots)),
        Paced::always(disk::source(roots, max_gap)),
        Paced::always(network::source(roots, max_gap)),
        Paced::always(softnet::source(roots, max_gap)),
        Paced::every(SLOW, seconds(3), links::Links::new(roots, slow_gap)),
        Paced::always(sockets::Sockets::new(roots)),
        Paced::always(protocols::source(roots, max_gap)),
        Paced::every(FIVE, seconds(1), netstat::Netstat::new(roots, five_gap)),
        Paced::every(seconds(60), seconds(43), connections::Connections::new(roots)),
        Paced::always(pressure::Pressure::new(roots, max_gap)),
        Paced::always(uptime::source(roots)),
        Paced::every(SLOW, seconds(8), processes::Processes::new(roots, slow_gap, options, latest)),
        Paced::every(FIVE, seconds(0), tables::Tables::new(roots)),
        Paced::every(seconds(60), seconds(50), clock::Clock::new(roots)),
        Paced::every(SLOW, seconds(4), sensors::Sensors::new(roots)),
        Paced::every(SLOWER, seconds(11), battery::Batteries::new(roots)),
        Paced::every(SLOW, seconds(6), raid::source(roots)),
        Paced::every(SLOW, seconds(7), cgroup::Groups::new(roots, slow_gap)),
        Paced::every(FIVE, seconds(2), cgroup::Own::new(roots, five_gap)),
    ]
}

/// The source of a host's own metrics: files `*.prom` of Prometheus' text format in `folder`.
pub fn text_files(folder: PathBuf) -> Box<dyn Source> {
    Paced::always(textfile::TextFiles::new(folder))
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
            "service" => cgroup::MAX_SERVICES,
            "container" => cgroup::MAX_CONTAINERS,
            // Both together are one sensor.
            "chip" => 1,
            "sensor" => sensors::MAX_OF_A_KIND,
            "battery" | "supply" => battery::MAX_SUPPLIES,
            "array" => raid::MAX_ARRAYS,
            "state" => connections::STATES.len(),
            "mount" => filesystem::MAX_MOUNTS + remote::MAX_MOUNTS,
            "device" => disk::MAX_DEVICES,
            "interface" => network::MAX_INTERFACES,
            "collector" => 32,
            "file" => textfile::MAX_FILES,
            "kind" => 10,
            tag => panic!("the tag {tag} has no limit"),
        };
        let most = |metric: &Metric| match metric.name {
            "cpu.core_frequency_hertz" => frequency::MAX_CORES,
            // Told of few cores only: less than the others are of many.
            "cpu.core_mode" => 0,
            _ => metric.tags.iter().map(|tag| most(tag)).product::<usize>(),
        };
        let series: usize = CATALOGUE.iter().map(|metric| most(metric)).sum();
        assert!(series <= MAX_SERIES_PER_HOST, "{series}");
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

    /// How many values the source has at each of these seconds.
    fn counts(name: &str, roots: &Roots, seconds: &[u64]) -> Vec<usize> {
        let mut sources = sources(roots, Duration::from_secs(3));
        sources.retain(|source| source.name() == name);
        let read = |second: &u64| {
            let mut out = Values::default();
            sources[0].read(Duration::from_secs(*second), &mut out).unwrap();
            out.iter().count()
        };
        seconds.iter().map(read).collect()
    }

    #[test]
    fn a_hole_is_three_times_a_sources_own_clock() {
        const SNMP: &str = "Ip: Forwarding\nIp: 1\nIcmp: InMsgs\nIcmp: 5\nUdp: InDatagrams NoPorts InErrors \
                            OutDatagrams RcvbufErrors SndbufErrors\nUdp: 1 1 1 1 1 1\n";
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("net")).unwrap();
        std::fs::write(dir.path().join("net/snmp"), SNMP).unwrap();
        std::fs::write(dir.path().join("net/netstat"), "TcpExt: ListenDrops\nTcpExt: 5\n").unwrap();
        let roots = Roots { procfs: dir.path().into(), sysfs: dir.path().into(), rootfs: dir.path().into() };
        let found = counts("netstat", &roots, &[100, 105, 120, 136, 141]);
        assert!(found[1] > 0, "{found:?}");
        // A machine that was suspended for 16 s has no rate of that time.
        assert_eq!(found, [0, found[1], found[1], 0, found[1]]);
    }

    #[test]
    fn what_may_wait_holds_up_only_what_waits_for_the_same() {
        let roots = Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() };
        let mut sources = sources(&roots, Duration::from_secs(3));
        sources.push(text_files("/var/lib/sysmon/metrics".into()));
        let of = |lane| {
            let own = sources.iter().filter(|source| source.lane() == lane);
            own.map(|source| source.name()).collect::<Vec<_>>()
        };
        assert_eq!(of(Lane::Processes), ["processes"]);
        assert_eq!(of(Lane::Storage), ["filesystem"]);
        assert_eq!(of(Lane::Hardware), ["sensors", "battery"]);
        let locks = ["frequency", "remote", "links", "connections", "raid", "cgroup", "limit"];
        assert_eq!(of(Lane::Locks), locks);
        // Read by the thread that keeps the time: of these none may ever wait.
        let kernel = "cpu load memory vmstat disk network softnet sockets protocols netstat pressure uptime tables clock";
        assert_eq!(of(Lane::Kernel).join(" "), kernel);
        assert_eq!(of(Lane::Files), ["textfile"]);
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
