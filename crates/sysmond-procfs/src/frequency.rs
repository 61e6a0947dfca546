//! How fast the cores run, and how often heat slowed them down, from `/sys/devices/system/cpu`.
//!
//! To ask a core for its clock can wake it, so this has a slow clock. Virtual machines mostly have none.

use crate::attribute::{self, Attribute, Buffer};
use crate::exposition::Exposition;
use crate::file_source::ProcFile;
use crate::pace::Pace;
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::text::number;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;
use sysmond_model::catalogue::{CPU_CORE_FREQUENCY, CPU_FREQUENCY, CPU_THROTTLES};
use sysmond_model::tags;

/// Hosts of more cores get the mean alone: nobody reads a hundred clocks.
pub(crate) const MAX_CORES: usize = 64;
/// Cores whose clocks go into the mean: two descriptors each.
const MAX_READ: usize = 256;
/// The kernel's unit is kHz.
const HERTZ: f64 = 1000.0;

/// All cores.
#[derive(Debug)]
pub(crate) struct Frequency {
    dir: PathBuf,
    pace: Pace,
    cores: Vec<Core>,
    /// Which cores are switched on: where it changes they are looked for anew.
    online: ProcFile,
    /// What it was when they were.
    seen: Vec<u8>,
    buffer: Buffer,
    last: Option<u64>,
}

#[derive(Debug)]
struct Core {
    tags: String,
    number: String,
    /// Where the core is: `core` and `package`, where a count of throttles is kept.
    place: Option<[Vec<u8>; 2]>,
    clock: Option<Attribute>,
    throttles: Option<Attribute>,
}

impl Frequency {
    pub(crate) fn new(roots: &Roots, max_gap: Duration) -> Self {
        let dir = roots.sysfs.join("devices/system/cpu");
        let (online, pace) = (ProcFile::new(dir.join("online")), Pace::new(max_gap));
        let (cores, seen, buffer) = (Vec::new(), Vec::new(), Buffer::new());
        Self { dir, pace, cores, online, seen, buffer, last: None }
    }

    /// Opens what cores say, where that was not done yet or cores came or went.
    fn follow(&mut self) {
        // Without that list they are as they were.
        let changed = self.online.read().is_ok_and(|now| {
            let changed = now != self.seen;
            now.clone_into(&mut self.seen);
            changed
        });
        if changed {
            // A core that comes brings what it was slowed down before, and one that goes takes it along.
            self.last = None;
        }
        if changed || self.cores.is_empty() {
            self.open();
        }
    }

    /// Cores that say something. Numbers have holes where a board has empty places.
    fn open(&mut self) {
        let dir = |number: u32| self.dir.join(format!("cpu{number}"));
        let core = |number: u32| {
            let clock = Attribute::open(dir(number).join("cpufreq/scaling_cur_freq"));
            let throttles = Attribute::open(dir(number).join("thermal_throttle/core_throttle_count"));
            let place = |file: &str| attribute::once(dir(number).join("topology").join(file));
            let place =
                throttles.as_ref().and_then(|_| Some([place("core_id")?, place("physical_package_id")?]));
            let number = number.to_string();
            let tags = tags::pair("core", &number);
            let core = Core { tags, number, place, clock, throttles };
            (core.clock.is_some() || core.throttles.is_some()).then_some(core)
        };
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut numbers: Vec<u32> = entries
            .filter_map(|entry| number(entry.file_name().as_bytes().strip_prefix(b"cpu")?)?.try_into().ok())
            .collect();
        numbers.sort_unstable();
        // A core that is switched off keeps its folder and says nothing.
        self.cores = numbers.into_iter().take(MAX_READ).filter_map(core).collect();
    }

    fn put_throttles(&mut self, sum: Option<u64>, at: Duration, out: &mut Values) {
        let last = std::mem::replace(&mut self.last, sum);
        let elapsed = self.pace.step(at);
        let increase = sum.zip(last).and_then(|(now, last)| now.checked_sub(last));
        if let (Some(elapsed), Some(increase)) = (elapsed, increase) {
            out.put(&CPU_THROTTLES, "", elapsed.per_second(increase));
        }
    }
}

impl Source for Frequency {
    fn name(&self) -> &'static str {
        "frequency"
    }

    fn lane(&self) -> Lane {
        Lane::Locks
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        self.follow();
        let (mut sum, mut count, mut throttles, mut gone) = (0, 0, None, false);
        let is_small = self.cores.len() <= MAX_CORES;
        for core in &self.cores {
            let clock = core.clock.as_ref().and_then(|clock| clock.number(&mut self.buffer));
            gone |= clock.is_none() && core.clock.is_some();
            if let Some(kilohertz) = clock.filter(|clock| *clock > 0) {
                sum += u128::from(kilohertz);
                count += 1;
                if is_small {
                    out.put(&CPU_CORE_FREQUENCY, &core.tags, HERTZ * kilohertz as f64);
                }
            }
            let more = core.throttles.as_ref().and_then(|throttles| throttles.number(&mut self.buffer));
            throttles = more.map_or(throttles, |more| Some(throttles.unwrap_or(0_u64).saturating_add(more)));
        }
        out.put(&CPU_FREQUENCY, "", HERTZ * sum as f64 / f64::from(count));
        self.put_throttles(throttles, at, out);
        if self.cores.is_empty() {
            let path = self.dir.join("cpu0/cpufreq").into();
            return Err(SourceError::Absent { path, reason: "the clock of the cores cannot be seen" });
        }
        if gone {
            self.cores.clear();
        }
        Ok(())
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        self.follow();
        let Self { cores, buffer, .. } = self;
        for core in cores {
            if let Some(kilohertz) = core.clock.as_ref().and_then(|clock| clock.number(buffer)) {
                let labels = [("cpu", core.number.as_bytes())];
                let help = "Clock of the core";
                out.gauge("node_cpu_scaling_frequency_hertz", help, &labels, HERTZ * kilohertz as f64);
            }
            let count = core.throttles.as_ref().and_then(|throttles| throttles.number(buffer));
            if let (Some(count), Some([id, package])) = (count, &core.place) {
                // The threads of a core say the same, and the first one counts.
                let labels = [("core", id.as_slice()), ("package", package.as_slice())];
                let help = "Times that the core was slowed down for heat";
                out.counter("node_cpu_core_throttles_total", help, &labels, count as f64);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;
    use std::fs;
    use std::path::Path;

    fn core(dir: &Path, number: u32, kilohertz: &str, throttles: u32) {
        let dir = dir.join(format!("devices/system/cpu/cpu{number}"));
        fs::create_dir_all(dir.join("cpufreq")).unwrap();
        fs::create_dir_all(dir.join("thermal_throttle")).unwrap();
        fs::write(dir.join("cpufreq/scaling_cur_freq"), kilohertz).unwrap();
        fs::write(dir.join("thermal_throttle/core_throttle_count"), throttles.to_string()).unwrap();
    }

    fn source(dir: &Path) -> Frequency {
        let roots = Roots { procfs: dir.into(), sysfs: dir.into(), rootfs: dir.into() };
        Frequency::new(&roots, Duration::from_secs(30))
    }

    fn read(source: &mut Frequency, second: u64) -> Vec<String> {
        let mut out = Values::default();
        source.read(Duration::from_secs(second), &mut out).unwrap();
        values(&out)
    }

    #[test]
    fn clocks_of_cores_their_mean_and_throttles() {
        let dir = tempfile::tempdir().unwrap();
        core(dir.path(), 0, "1200000\n", 3);
        fs::create_dir_all(dir.path().join("devices/system/cpu/cpu1")).unwrap();
        core(dir.path(), 2, "2400000\n", 0);
        let mut source = source(dir.path());
        let expected = [
            "cpu.core_frequency_hertz{core=0} 1200000000",
            "cpu.core_frequency_hertz{core=2} 2400000000",
            "cpu.frequency_hertz 1800000000",
        ];
        assert_eq!(read(&mut source, 10), expected);
        core(dir.path(), 2, "<unknown>\n", 5);
        let expected = [
            "cpu.core_frequency_hertz{core=0} 1200000000",
            "cpu.frequency_hertz 1200000000",
            "cpu.throttles 0.5",
        ];
        assert_eq!(read(&mut source, 20), expected);
    }

    #[test]
    fn cores_behind_a_hole_and_those_that_come_later_are_read() {
        let dir = tempfile::tempdir().unwrap();
        for number in [0, 1, 10] {
            core(dir.path(), number, "1000000\n", 0);
        }
        let online = dir.path().join("devices/system/cpu/online");
        fs::write(&online, "0-1,10\n").unwrap();
        let mut source = source(dir.path());
        let cores = |lines: Vec<String>| -> Vec<String> {
            let of_core = lines.iter().filter_map(|line| line.strip_prefix("cpu.core_frequency_hertz{core="));
            of_core.map(|rest| rest.split('}').next().unwrap().to_owned()).collect()
        };
        assert_eq!(cores(read(&mut source, 10)), ["0", "1", "10"]);
        core(dir.path(), 3, "1000000\n", 0);
        fs::write(&online, "0-1,3,10\n").unwrap();
        assert_eq!(cores(read(&mut source, 20)), ["0", "1", "3", "10"]);
    }

    #[test]
    fn what_a_core_that_comes_was_slowed_down_before_is_no_rate() {
        let dir = tempfile::tempdir().unwrap();
        let online = dir.path().join("devices/system/cpu/online");
        let throttles = |source: &mut Frequency, second| {
            let found = read(source, second);
            found.iter().find_map(|line| line.strip_prefix("cpu.throttles ").map(str::to_owned))
        };
        core(dir.path(), 0, "1000000\n", 5);
        fs::write(&online, "0\n").unwrap();
        let mut source = source(dir.path());
        assert_eq!(throttles(&mut source, 10), None);
        core(dir.path(), 1, "1000000\n", 70);
        fs::write(&online, "0-1\n").unwrap();
        assert_eq!(throttles(&mut source, 20), None);
        core(dir.path(), 1, "1000000\n", 75);
        assert_eq!(throttles(&mut source, 30).as_deref(), Some("0.5"));
    }

    #[test]
    fn a_large_host_gets_the_mean_alone() {
        let dir = tempfile::tempdir().unwrap();
        (0..100).for_each(|number| core(dir.path(), number, "1000000", 0));
        assert_eq!(read(&mut source(dir.path()), 1), ["cpu.frequency_hertz 1000000000"]);
    }

    #[test]
    fn a_host_without_them_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = source(dir.path()).read(Duration::ZERO, &mut Values::default()).unwrap_err();
        assert!(error.is_absence(), "{error}");
    }
}
