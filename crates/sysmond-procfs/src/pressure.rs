//! Pressure stall information: the share of time in which tasks waited for a resource, from `/proc/pressure`.
//!
//! A kernel before 4.20, or one started with `psi=0`, has no such files: then the source is absent.

use crate::exposition::{Exposition, Kind};
use crate::file_source::{Fault, ProcFile};
use crate::pace::Pace;
use crate::source::{Roots, Source, SourceError, Values};
use crate::text::{fields, lines, number};
use std::time::Duration;
use sysmond_model::Metric;
use sysmond_model::catalogue::{
    PRESSURE_CPU_SOME, PRESSURE_IO_FULL, PRESSURE_IO_SOME, PRESSURE_MEMORY_FULL, PRESSURE_MEMORY_SOME,
};

/// Kernels have all of them or none.
const ALONE: &str = "missing, though others are there";

/// What the resources are called.
const NAMES: [&str; 3] = ["cpu", "memory", "io"];

/// All three resources.
#[derive(Debug)]
pub(crate) struct Pressure {
    resources: [Resource; 3],
}

impl Pressure {
    pub(crate) fn new(roots: &Roots, max_gap: Duration) -> Self {
        let [cpu, memory, io] = NAMES;
        let resource = |name, some, full| Resource {
            file: ProcFile::new(roots.procfs.join("pressure").join(name)).or_absent("not on this kernel"),
            stalls: Stalls::new(some, full, max_gap),
        };
        Self {
            resources: [
                // `full` of processors is always 0 for a whole host.
                resource(cpu, &PRESSURE_CPU_SOME, None),
                resource(memory, &PRESSURE_MEMORY_SOME, Some(&PRESSURE_MEMORY_FULL)),
                resource(io, &PRESSURE_IO_SOME, Some(&PRESSURE_IO_FULL)),
            ],
        }
    }
}

impl Source for Pressure {
    fn name(&self) -> &'static str {
        "pressure"
    }

    /// Each resource is read whatever the others said; the first error is the answer.
    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let [cpu, memory, io] = &mut self.resources;
        let results = [cpu.read(at, out), memory.read(at, out), io.read(at, out)];
        let is_partial = results.iter().any(Result::is_ok);
        let complaint = |error| match error {
            SourceError::Absent { path, .. } if is_partial => SourceError::Malformed { path, reason: ALONE },
            error => error,
        };
        results.into_iter().collect::<Result<(), _>>().map_err(complaint)
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        for (name, resource) in NAMES.into_iter().zip(&mut self.resources) {
            let Totals { some, full } = parse(resource.file.read()?);
            let full = full.filter(|_| resource.stalls.full.is_some());
            for (how, micros) in [("waiting", some), ("stalled", full)] {
                let Some(micros) = micros else { continue };
                let help = match how {
                    "waiting" => format!("Time in which some task waited for {name}"),
                    _ => format!("Time in which all tasks waited for {name}"),
                };
                let family = format!("node_pressure_{name}_{how}_seconds_total");
                out.put(family, Kind::Counter, help, &[], micros as f64 / 1e6);
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Resource {
    file: ProcFile,
    stalls: Stalls,
}

impl Resource {
    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let text = self.file.read()?;
        self.stalls.take(text, at, out).map_err(|fault| fault.of(self.file.path()))
    }
}

/// The stall times of one resource between two readings.
#[derive(Debug)]
pub(crate) struct Stalls {
    pace: Pace,
    some: &'static Metric,
    full: Option<&'static Metric>,
    last: Totals,
}

/// Microseconds in which some tasks, and all tasks, waited since the kernel started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    some: Option<u64>,
    full: Option<u64>,
}

impl Stalls {
    pub(crate) const fn new(some: &'static Metric, full: Option<&'static Metric>, max_gap: Duration) -> Self {
        Self { pace: Pace::new(max_gap), some, full, last: Totals { some: None, full: None } }
    }

    pub(crate) fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        let now = parse(text);
        let last = std::mem::replace(&mut self.last, now);
        if let Some(elapsed) = self.pace.step(at) {
            let waited = |last: Option<u64>, now: Option<u64>| now?.checked_sub(last?);
            if let Some(micros) = waited(last.some, now.some) {
                out.put(self.some, "", elapsed.percent_of_micros(micros));
            }
            if let (Some(metric), Some(micros)) = (self.full, waited(last.full, now.full)) {
                out.put(metric, "", elapsed.percent_of_micros(micros));
            }
        }
        now.some.map(|_| ()).ok_or(Fault::Malformed("expected a line `some` with `total=`"))
    }
}

fn parse(text: &[u8]) -> Totals {
    let mut totals = Totals::default();
    for line in lines(text) {
        let mut columns = fields(line);
        let slot = match columns.next() {
            Some(b"some") => &mut totals.some,
            Some(b"full") => &mut totals.full,
            _ => continue,
        };
        *slot = columns.find_map(|column| column.strip_prefix(b"total=")).and_then(number);
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    fn two(first: &str, second: &str) -> Vec<String> {
        let mut stalls = Stalls::new(&PRESSURE_IO_SOME, Some(&PRESSURE_IO_FULL), Duration::from_secs(10));
        stalls.take(first.as_bytes(), Duration::from_secs(1), &mut Values::default()).unwrap();
        let mut out = Values::default();
        stalls.take(second.as_bytes(), Duration::from_secs(3), &mut out).unwrap();
        values(&out)
    }

    #[test]
    fn shares_are_of_the_time_between_two_readings() {
        let text = |some, full| {
            format!(
                "some avg10=0.00 avg60=0.00 avg300=0.00 total={some}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total={full}\n"
            )
        };
        assert_eq!(two(&text(100, 50), &text(1_000_100, 50)), ["pressure.io_some 50", "pressure.io_full 0"]);
        assert_eq!(two(&text(100, 50), &text(99, 150_050)), ["pressure.io_full 7.5"]);
        assert_eq!(two(&text(0, 0), &text(2_000_009, 0)), ["pressure.io_some 100", "pressure.io_full 0"]);
    }

    #[test]
    fn a_missing_file_is_an_error_that_names_it_and_the_others_are_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("pressure")).unwrap();
        let write = |total: u64| {
            std::fs::write(dir.path().join("pressure/io"), format!("some total={total}\nfull total=0\n"))
                .unwrap();
        };
        let roots = Roots { procfs: dir.path().into(), sysfs: dir.path().into(), rootfs: dir.path().into() };
        let mut pressure = Pressure::new(&roots, Duration::from_secs(10));
        let mut out = Values::default();
        write(0);
        pressure.read(Duration::from_secs(1), &mut out).unwrap_err();
        write(250_000);
        let error = pressure.read(Duration::from_secs(2), &mut out).unwrap_err();
        assert!(error.to_string().contains("pressure/cpu: missing"), "{error}");
        assert_eq!(values(&out), ["pressure.io_some 25", "pressure.io_full 0"]);
    }

    #[test]
    fn a_kernel_without_them_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots { procfs: dir.path().into(), sysfs: dir.path().into(), rootfs: dir.path().into() };
        let mut pressure = Pressure::new(&roots, Duration::MAX);
        assert!(pressure.read(Duration::ZERO, &mut Values::default()).unwrap_err().is_absence());
    }

    #[test]
    fn what_is_no_stall_information_is_malformed() {
        let mut stalls = Stalls::new(&PRESSURE_CPU_SOME, None, Duration::MAX);
        for text in ["", "some avg10=0.00\n", "some total=x\n"] {
            assert!(stalls.take(text.as_bytes(), Duration::ZERO, &mut Values::default()).is_err(), "{text}");
        }
    }
}
