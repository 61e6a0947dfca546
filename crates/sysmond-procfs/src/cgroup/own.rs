//! The limits of the container in which the agent itself runs: there `/proc` mostly shows the whole host, of which the
//! container may use a part.

use super::figures::{flat, limit, per_period, quota, single};
use crate::container;
use crate::file_source::{ProcFile, read_once};
use crate::pace::{Elapsed, Pace};
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::text::{lines, split_once};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use sysmond_model::catalogue::{
    LIMIT_CPU_CORES, LIMIT_CPU_PERCENT, LIMIT_CPU_THROTTLED_PERCENT, LIMIT_MEMORY_BYTES,
    LIMIT_MEMORY_PERCENT, LIMIT_MEMORY_USED_BYTES,
};

/// The container's own group.
#[derive(Debug)]
pub(crate) struct Own {
    roots: Roots,
    files: Option<Files>,
    pace: Pace,
    last: Option<Now>,
}

/// Its files; what is missing is not limited, or not counted.
#[derive(Debug)]
struct Files {
    version: Version,
    cpu_max: ProcFile,
    cpu_period: ProcFile,
    cpu_usage: ProcFile,
    cpu_stat: ProcFile,
    memory_max: ProcFile,
    memory_used: ProcFile,
    memory_stat: ProcFile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// What is counted, of one moment.
#[derive(Clone, Copy, Debug)]
struct Now {
    micros: Option<u64>,
    periods: Option<u64>,
    throttled: Option<u64>,
}

impl Own {
    pub(crate) fn new(roots: &Roots, max_gap: Duration) -> Self {
        Self { roots: roots.clone(), files: None, pace: Pace::new(max_gap), last: None }
    }

    fn find(&self) -> Result<Files, SourceError> {
        let path = self.roots.procfs.join("self/cgroup");
        if container::kind(&self.roots).is_none() {
            return Err(SourceError::Absent { path: path.into(), reason: "not in a container" });
        }
        let text = read_once(path)?;
        Ok(Files::new(&self.roots.sysfs.join("fs/cgroup"), &text))
    }
}

impl Files {
    fn new(root: &Path, own: &[u8]) -> Self {
        let is_two = root.join("cgroup.controllers").exists();
        // The group is where the table says, or at the root of what the container was given to see.
        let file = |controllers: &[&str], name: &str| {
            let absent = |paths| ProcFile::first_of(paths).or_absent("not limited");
            if is_two {
                let group = group(own, b"").map(|group| root.join(group).join(name));
                return absent(group.into_iter().chain([root.join(name)]).collect());
            }
            let paths = controllers.iter().flat_map(|controller| {
                let group = group(own, controller.as_bytes());
                let tree = root.join(controller);
                group.map(|group| tree.join(group).join(name)).into_iter().chain([tree.join(name)])
            });
            absent(paths.collect())
        };
        let cpu = ["cpu", "cpu,cpuacct"];
        let cpuacct = ["cpuacct", "cpu,cpuacct"];
        let either = |two: &'static str, one: &'static str| if is_two { two } else { one };
        Self {
            version: if is_two { Version::Two } else { Version::One },
            cpu_max: file(&cpu, either("cpu.max", "cpu.cfs_quota_us")),
            cpu_period: file(&cpu, "cpu.cfs_period_us"),
            cpu_usage: file(&cpuacct, either("cpu.stat", "cpuacct.usage")),
            cpu_stat: file(&cpu, "cpu.stat"),
            memory_max: file(&["memory"], either("memory.max", "memory.limit_in_bytes")),
            memory_used: file(&["memory"], either("memory.current", "memory.usage_in_bytes")),
            memory_stat: file(&["memory"], "memory.stat"),
        }
    }

    /// Thousandths of a core.
    fn cores(&mut self) -> Option<u64> {
        let text = self.cpu_max.read().ok()?;
        match self.version {
            Version::Two => quota(text),
            Version::One => per_period(single(text)?, single(self.cpu_period.read().ok()?)?),
        }
    }

    fn counted(&mut self) -> Now {
        let usage = self.cpu_usage.read().ok();
        let micros = match self.version {
            Version::Two => usage.and_then(|text| flat(text, b"usage_usec")),
            Version::One => usage.and_then(single).map(|nanos| nanos / 1000),
        };
        let stat = self.cpu_stat.read().unwrap_or_default();
        Now { micros, periods: flat(stat, b"nr_periods"), throttled: flat(stat, b"nr_throttled") }
    }

    fn memory(&mut self, out: &mut Values) -> Option<()> {
        let limit = limit(self.memory_max.read().ok()?)?;
        out.put(&LIMIT_MEMORY_BYTES, "", limit as f64);
        let used = single(self.memory_used.read().ok()?)?;
        let key: &[u8] = if self.version == Version::Two { b"inactive_file" } else { b"total_inactive_file" };
        let cache = self.memory_stat.read().ok().and_then(|text| flat(text, key)).unwrap_or(0);
        let used = used.saturating_sub(cache);
        out.put(&LIMIT_MEMORY_USED_BYTES, "", used as f64);
        out.put(&LIMIT_MEMORY_PERCENT, "", (100.0 * used as f64 / limit as f64).min(100.0));
        Some(())
    }
}

/// The path of the own group in the tree of a controller, of lines `4:memory:/docker/…`.
fn group(text: &[u8], controller: &[u8]) -> Option<PathBuf> {
    let path = lines(text).find_map(|line| {
        let (_, rest) = split_once(line, b':')?;
        let (controllers, path) = split_once(rest, b':')?;
        let is_own =
            controllers == controller || controllers.split(|byte| *byte == b',').any(|c| c == controller);
        is_own.then_some(path)
    })?;
    let path = path.strip_prefix(b"/").unwrap_or(path);
    (!path.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(path)))
}

impl Source for Own {
    fn name(&self) -> &'static str {
        "limit"
    }

    /// What a group took is summed up under a lock that all groups share.
    fn lane(&self) -> Lane {
        Lane::Locks
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        if self.files.is_none() {
            self.files = Some(self.find()?);
        }
        let elapsed = self.pace.step(at);
        let Some(files) = &mut self.files else { return Ok(()) };
        // Without a limit there is nothing to say of memory.
        let _: Option<()> = files.memory(out);
        let now = files.counted();
        let last = self.last.replace(now);
        if let Some(millicores) = files.cores() {
            out.put(&LIMIT_CPU_CORES, "", millicores as f64 / 1000.0);
            if let (Some(elapsed), Some(last)) = (elapsed, last) {
                put_cpu(&now, &last, millicores, elapsed, out);
            }
        }
        Ok(())
    }
}

fn put_cpu(now: &Now, last: &Now, millicores: u64, elapsed: Elapsed, out: &mut Values) {
    let increase = |now: Option<u64>, last: Option<u64>| now?.checked_sub(last?);
    if let Some(micros) = increase(now.micros, last.micros) {
        // Of a thousandth of the time on a thousand times the cores.
        let share = elapsed.percent_of_cores(micros.saturating_mul(1000), millicores);
        out.put(&LIMIT_CPU_PERCENT, "", share);
    }
    let periods = increase(now.periods, last.periods).filter(|periods| *periods > 0);
    if let Some((throttled, periods)) = increase(now.throttled, last.throttled).zip(periods) {
        out.put(&LIMIT_CPU_THROTTLED_PERCENT, "", 100.0 * throttled.min(periods) as f64 / periods as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;
    use std::fs;

    struct Container(tempfile::TempDir);

    impl Container {
        fn new(cgroup: &str, files: &[(&str, &str)]) -> Self {
            let own = Self(tempfile::tempdir().unwrap());
            own.write("proc/self/cgroup", cgroup);
            own.write(".dockerenv", "");
            for (file, text) in files {
                own.write(&format!("sys/fs/cgroup/{file}"), text);
            }
            own
        }

        fn write(&self, file: &str, text: &str) {
            let path = self.0.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn source(&self) -> Own {
            let dir = self.0.path();
            let roots = Roots { procfs: dir.join("proc"), sysfs: dir.join("sys"), rootfs: dir.into() };
            Own::new(&roots, Duration::from_secs(30))
        }
    }

    fn read(source: &mut Own, second: u64) -> Vec<String> {
        let mut out = Values::default();
        source.read(Duration::from_secs(second), &mut out).unwrap();
        values(&out).iter().map(|line| line.replace("limit.", "")).collect()
    }

    #[test]
    fn limits_of_version_two() {
        let container = Container::new(
            "0::/\n",
            &[
                ("cgroup.controllers", "cpu memory\n"),
                ("cpu.max", "150000 100000\n"),
                ("cpu.stat", "usage_usec 1000000\nnr_periods 10\nnr_throttled 1\n"),
                ("memory.max", "1000\n"),
                ("memory.current", "600\n"),
                ("memory.stat", "anon 1\ninactive_file 100\n"),
            ],
        );
        let mut source = container.source();
        let memory = ["memory_bytes 1000", "memory_used_bytes 500", "memory_percent 50"];
        assert_eq!(read(&mut source, 10), [memory.as_slice(), &["cpu_cores 1.5"]].concat());
        container.write("sys/fs/cgroup/cpu.stat", "usage_usec 4000000\nnr_periods 50\nnr_throttled 11\n");
        let cpu = ["cpu_cores 1.5", "cpu_percent 20", "cpu_throttled_percent 25"];
        assert_eq!(read(&mut source, 20), [memory.as_slice(), &cpu].concat());
    }

    #[test]
    fn limits_without_any_mark_of_an_engine() {
        let files = [("cgroup.controllers", "cpu memory\n"), ("memory.max", "1000\n")];
        let container = Container::new("0::/\n", &files);
        fs::remove_file(container.0.path().join(".dockerenv")).unwrap();
        assert_eq!(read(&mut container.source(), 10), ["memory_bytes 1000"]);
    }

    #[test]
    fn limits_of_version_one_where_the_table_or_the_root_has_them() {
        let container = Container::new(
            "5:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n",
            &[
                ("memory/docker/abc/memory.limit_in_bytes", "2000\n"),
                ("memory/docker/abc/memory.usage_in_bytes", "500\n"),
                ("cpu,cpuacct/cpu.cfs_quota_us", "50000\n"),
                ("cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
            ],
        );
        let expected = ["memory_bytes 2000", "memory_used_bytes 500", "memory_percent 25", "cpu_cores 0.5"];
        assert_eq!(read(&mut container.source(), 1), expected);
    }

    #[test]
    fn without_limits_there_is_nothing_and_outside_of_a_container_no_source() {
        let container = Container::new("0::/\n", &[("cgroup.controllers", ""), ("memory.max", "max\n")]);
        assert_eq!(read(&mut container.source(), 1), [""; 0]);
        fs::remove_file(container.0.path().join(".dockerenv")).unwrap();
        // The true root of the groups has no limit, not even one of `max`.
        fs::remove_file(container.0.path().join("sys/fs/cgroup/memory.max")).unwrap();
        let error = container.source().read(Duration::ZERO, &mut Values::default()).unwrap_err();
        assert!(error.is_absence(), "{error}");
    }
}
