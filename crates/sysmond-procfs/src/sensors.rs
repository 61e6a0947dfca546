//! Temperatures, fans, voltages, currents and power, from `/sys/class/hwmon` and `/sys/class/thermal`.
//!
//! To read a sensor can take a bus of its own or a command to a disk, so this has a slow clock. What a chip is called
//! comes from its driver and its place, since the numbers of `hwmon` change from start to start.

use crate::attribute::{Attribute, Buffer, once};
use crate::exposition::Exposition;
use crate::listing::Listing;
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::table::tag_pair;
use crate::text::number;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use sysmond_model::Metric;
use sysmond_model::catalogue::{
    SENSORS_CURRENT, SENSORS_FAN, SENSORS_POWER, SENSORS_TEMPERATURE, SENSORS_TEMPERATURE_CRITICAL,
    SENSORS_VOLTAGE,
};

/// Sensors of each kind; a server has a few dozen.
pub(crate) const MAX_OF_A_KIND: usize = 64;
/// Chips that are looked at.
const MAX_CHIPS: usize = 64;
/// After so many readings it is looked for new chips: they come with hardware and modules.
const READINGS_UNTIL_LISTED: u32 = 30;

/// A kind of sensor: `temp1_input`.
struct Kind {
    prefix: &'static str,
    /// What follows the number, best first.
    suffixes: &'static [&'static str],
    metric: &'static Metric,
    /// The kernel's units in one of ours.
    per_unit: f64,
}

const KINDS: [Kind; 5] = [
    Kind { prefix: "temp", suffixes: &["_input"], metric: &SENSORS_TEMPERATURE, per_unit: 1e3 },
    Kind { prefix: "fan", suffixes: &["_input"], metric: &SENSORS_FAN, per_unit: 1.0 },
    Kind { prefix: "in", suffixes: &["_input"], metric: &SENSORS_VOLTAGE, per_unit: 1e3 },
    Kind { prefix: "curr", suffixes: &["_input"], metric: &SENSORS_CURRENT, per_unit: 1e3 },
    Kind { prefix: "power", suffixes: &["_average", "_input"], metric: &SENSORS_POWER, per_unit: 1e6 },
];

const ZONE: &str = "node_thermal_zone_temp";
const POWER_AVERAGE: &str = "node_hwmon_power_average_watt";
/// What is exposed beside what the catalogue names.
pub(crate) const FAMILIES: [&str; 2] = [ZONE, POWER_AVERAGE];

/// All sensors.
#[derive(Debug)]
pub(crate) struct Sensors {
    chips: Listing,
    zones: Listing,
    found: Vec<Sensor>,
    left_out: usize,
    buffer: Buffer,
    /// Readings until chips are looked for again.
    countdown: u32,
}

/// What `node_exporter` calls a sensor.
#[derive(Clone, Debug)]
enum Exposed {
    /// One of a chip: `platform_coretemp_0` and `temp1`, and whether its power is averaged by the chip.
    OfChip { chip: Vec<u8>, sensor: Vec<u8>, is_average: bool },
    /// A zone: its number and its type.
    Zone { number: Vec<u8>, kind: Vec<u8> },
}

#[derive(Debug)]
struct Sensor {
    metric: &'static Metric,
    tags: String,
    /// How many of its kind its chip has before it.
    place: usize,
    exposed: Exposed,
    input: Attribute,
    /// Says 1 where the sensor is broken or not connected.
    fault: Option<Attribute>,
    /// Where the hardware protects itself, in our unit.
    critical: Option<f64>,
    per_unit: f64,
}

impl Sensors {
    pub(crate) fn new(roots: &Roots) -> Self {
        Self {
            chips: Listing::new(roots.sysfs.join("class/hwmon")),
            zones: Listing::new(roots.sysfs.join("class/thermal")),
            found: Vec::new(),
            left_out: 0,
            buffer: Buffer::new(),
            countdown: 0,
        }
    }

    fn find(&mut self) {
        self.found.clear();
        self.left_out = 0;
        for chip in entries(&mut self.chips, b"hwmon") {
            // Kernels before 3.x have the attributes at the device.
            let dir = if chip.join("name").exists() { chip.clone() } else { chip.join("device") };
            self.add_chip(&chip_name(&chip, &dir), &exposed_chip(&chip, &dir), &dir);
        }
        for zone in entries(&mut self.zones, b"thermal_zone") {
            self.add_zone(&zone);
        }
        self.share_out();
    }

    /// Where there are too many of a kind each chip keeps its first ones: cores do not take the place of a disk.
    fn share_out(&mut self) {
        for kind in &KINDS {
            let is_of_it = |sensor: &Sensor| sensor.metric == kind.metric;
            while self.found.iter().filter(|sensor| is_of_it(sensor)).count() > MAX_OF_A_KIND {
                let all = self.found.iter().enumerate().filter(|(_, sensor)| is_of_it(sensor));
                let Some((last, _)) = all.max_by_key(|(_, sensor)| sensor.place) else { return };
                self.found.remove(last);
                self.left_out += 1;
            }
        }
    }

    fn add_chip(&mut self, chip: &[u8], exposed: &[u8], dir: &Path) {
        let mut names: Vec<String> = fs::read_dir(dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort_unstable_by_key(|name| (name.len(), name.clone()));
        for kind in &KINDS {
            for (channel, file) in inputs(kind, &names) {
                let label = once(dir.join(format!("{channel}_label"))).filter(|label| !label.is_empty());
                let tags =
                    tag_pair(("chip", chip), ("sensor", label.as_deref().unwrap_or(channel.as_bytes())));
                // Two channels with one label keep their numbers.
                let is_taken =
                    |tags: &String| self.found.iter().any(|s| s.metric == kind.metric && s.tags == *tags);
                let tags = if is_taken(&tags) {
                    tag_pair(("chip", chip), ("sensor", channel.as_bytes()))
                } else {
                    tags
                };
                let Some(input) = Attribute::open(dir.join(file)).filter(|_| !is_taken(&tags)) else {
                    continue;
                };
                let critical = critical(dir, channel, kind);
                let fault = Attribute::open(dir.join(format!("{channel}_fault")));
                let (sensor, is_average) = (channel.as_bytes().to_vec(), file.ends_with("_average"));
                self.add(Sensor {
                    metric: kind.metric,
                    tags,
                    place: 0,
                    exposed: Exposed::OfChip { chip: exposed.to_vec(), sensor, is_average },
                    input,
                    fault,
                    critical,
                    per_unit: kind.per_unit,
                });
            }
        }
    }

    /// A thermal zone that has no `hwmon` of its own.
    fn add_zone(&mut self, zone: &Path) {
        let is_chip = |entry: fs::DirEntry| entry.file_name().as_bytes().starts_with(b"hwmon");
        if fs::read_dir(zone).into_iter().flatten().flatten().any(is_chip) {
            return;
        }
        let name = zone.file_name().map(OsStr::as_bytes).unwrap_or_default();
        let kind = once(zone.join("type")).unwrap_or_default();
        if let Some(input) = Attribute::open(zone.join("temp")) {
            let tags = tag_pair(("chip", name), ("sensor", &kind));
            let number = name.strip_prefix(b"thermal_zone").unwrap_or(name).to_vec();
            let (metric, exposed) = (&SENSORS_TEMPERATURE, Exposed::Zone { number, kind });
            self.add(Sensor {
                metric,
                tags,
                place: 0,
                exposed,
                input,
                fault: None,
                critical: None,
                per_unit: 1e3,
            });
        }
    }

    fn add(&mut self, mut sensor: Sensor) {
        let is_beside = |known: &&Sensor| known.metric == sensor.metric && known.chip() == sensor.chip();
        sensor.place = self.found.iter().filter(is_beside).count();
        if sensor.place < MAX_OF_A_KIND {
            self.found.push(sensor);
        } else {
            self.left_out += 1;
        }
    }
}

/// The entries of a directory that are called `prefix` and a number, in the order of those.
fn entries(listing: &mut Listing, prefix: &[u8]) -> Vec<PathBuf> {
    let mut numbers = Vec::new();
    let listed = listing.each(|name| {
        numbers.extend(name.strip_prefix(prefix).and_then(number).filter(|_| numbers.len() < MAX_CHIPS));
    });
    numbers.sort_unstable();
    let path = |number: &u64| {
        let mut name = prefix.to_vec();
        name.extend(number.to_string().bytes());
        listing.path().join(OsStr::from_bytes(&name))
    };
    // One that cannot be listed has no entries.
    listed.map(|()| numbers.iter().map(path).collect()).unwrap_or_default()
}

/// `coretemp.0`, `nvme0`, `k10temp-0000:00:18.3`: the driver's name and where the device is, unless that says it all.
fn chip_name(chip: &Path, dir: &Path) -> Vec<u8> {
    let driver = once(dir.join("name")).unwrap_or_default();
    let device = fs::canonicalize(chip.join("device")).ok();
    let place = device.as_deref().and_then(Path::file_name).map(OsStr::as_bytes).unwrap_or_default();
    let place = place.strip_prefix(b"hwmon").map_or(place, |_| b"".as_slice());
    if place.is_empty() {
        return driver;
    }
    if driver.is_empty() || place.starts_with(&driver) {
        return place.to_vec();
    }
    [&driver, b"-".as_slice(), place].concat()
}

/// The same as `node_exporter` calls it, by what the device is and what it is on: `platform_coretemp_0`, `nvme_nvme0`.
fn exposed_chip(chip: &Path, dir: &Path) -> Vec<u8> {
    let device = fs::canonicalize(chip.join("device")).ok();
    let part = |path: Option<&Path>| path.and_then(Path::file_name).map(OsStr::as_bytes).map(<[u8]>::to_vec);
    let name = part(device.as_deref()).unwrap_or_default();
    let of = part(device.as_deref().and_then(Path::parent)).unwrap_or_default();
    let whole = match (of.is_empty(), name.is_empty()) {
        (false, false) => [of, b"_".to_vec(), name].concat(),
        (true, false) => name,
        _ => once(dir.join("name")).unwrap_or_default(),
    };
    let legal = |byte: &u8| {
        if byte.is_ascii_alphanumeric() || *byte == b':' { byte.to_ascii_lowercase() } else { b'_' }
    };
    whole.iter().map(legal).collect::<Vec<u8>>().trim_ascii().to_vec()
}

/// The channels of a kind and the file of each: `temp1`, `temp1_input`.
fn inputs<'a>(kind: &Kind, names: &'a [String]) -> Vec<(&'a str, &'a str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for suffix in kind.suffixes {
        for name in names {
            let Some(channel) = name.strip_suffix(suffix) else { continue };
            let digits = channel.strip_prefix(kind.prefix).map(str::as_bytes);
            if digits.and_then(number).is_some() && found.iter().all(|(known, _)| *known != channel) {
                found.push((channel, name));
            }
        }
    }
    found
}

fn critical(dir: &Path, channel: &str, kind: &Kind) -> Option<f64> {
    if kind.metric != &SENSORS_TEMPERATURE {
        return None;
    }
    let value = once(dir.join(format!("{channel}_crit"))).and_then(|text| number(&text))?;
    // Chips that do not know say 0 or their largest number.
    Some(value as f64 / kind.per_unit).filter(|celsius| (1.0..200.0).contains(celsius))
}

impl Source for Sensors {
    fn name(&self) -> &'static str {
        "sensors"
    }

    fn lane(&self) -> Lane {
        Lane::Hardware
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        if self.countdown == 0 {
            self.find();
            self.countdown = READINGS_UNTIL_LISTED;
        }
        self.countdown -= 1;
        let Self { found: sensors, buffer, .. } = self;
        for sensor in sensors.iter() {
            // A disk that sleeps and a fan that is not there have no value, and that is no error.
            let Some(raw) = sensor.input.signed(buffer) else { continue };
            if sensor.fault.as_ref().and_then(|fault| fault.number(buffer)) == Some(1) {
                continue;
            }
            if raw < 0 && !sensor.metric.unit.can_be_negative() {
                continue;
            }
            out.put(sensor.metric, &sensor.tags, raw as f64 / sensor.per_unit);
            if let Some(critical) = sensor.critical {
                out.put(&SENSORS_TEMPERATURE_CRITICAL, &sensor.tags, critical);
            }
        }
        if self.found.is_empty() {
            let path = self.chips.path().into();
            return Err(SourceError::Absent { path, reason: "no sensor" });
        }
        if self.left_out > 0 {
            let (path, limit, left_out) = (self.chips.path().into(), MAX_OF_A_KIND, self.left_out);
            return Err(SourceError::Limit { path, key: "sensor", limit, left_out });
        }
        Ok(())
    }

    /// What was found at the last readings, as it is now.
    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        let Self { found: sensors, buffer, .. } = self;
        for sensor in sensors {
            let raw = sensor.input.signed(buffer);
            if let Some(value) = raw.map(|raw| raw as f64 / sensor.per_unit) {
                sensor.expose(value, out);
            }
        }
        Ok(())
    }
}

impl Sensor {
    /// The tag that names its chip.
    fn chip(&self) -> &str {
        self.tags.rsplit_once(",sensor=").map_or(&self.tags, |(chip, _)| chip)
    }

    fn expose(&self, value: f64, out: &mut Exposition) {
        let (chip, sensor, is_average) = match &self.exposed {
            Exposed::OfChip { chip, sensor, is_average } => (chip, sensor, *is_average),
            Exposed::Zone { number, kind } => {
                let labels = [("type", kind.as_slice()), ("zone", number.as_slice())];
                return out.gauge(ZONE, "Temperature of the zone", &labels, value);
            }
        };
        let name = if is_average { POWER_AVERAGE } else { self.metric.prometheus };
        let labels = [("chip", chip.as_slice()), ("sensor", sensor.as_slice())];
        out.gauge(name, self.metric.help, &labels, value);
        if let Some(critical) = self.critical {
            let metric = &SENSORS_TEMPERATURE_CRITICAL;
            out.gauge(metric.prometheus, metric.help, &labels, critical);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{value, values};
    use std::os::unix::fs::symlink;

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn chip(&self, number: u32, device: &str, files: &[(&str, &str)]) {
            let device = self.0.path().join("devices").join(device);
            fs::create_dir_all(&device).unwrap();
            let chip = self.0.path().join(format!("class/hwmon/hwmon{number}"));
            fs::create_dir_all(&chip).unwrap();
            if !chip.join("device").exists() {
                symlink(&device, chip.join("device")).unwrap();
            }
            for (file, text) in files {
                fs::write(chip.join(file), text).unwrap();
            }
        }

        fn source(&self) -> Sensors {
            let dir = self.0.path();
            Sensors::new(&Roots { procfs: dir.into(), sysfs: dir.into(), rootfs: dir.into() })
        }

        fn read(&self) -> Vec<String> {
            let mut out = Values::default();
            self.source().read(Duration::ZERO, &mut out).unwrap();
            values(&out).iter().map(|line| line.replace("sensors.", "")).collect()
        }
    }

    #[test]
    fn a_chip_of_a_hundred_leaves_room_for_the_next() {
        let machine = Machine::new();
        let cores: Vec<_> = (1..=100).map(|n| (format!("temp{n}_input"), format!("{n}000\n"))).collect();
        let cores: Vec<_> = cores.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
        machine.chip(0, "platform/coretemp.0", &[("name", "coretemp\n")]);
        machine.chip(0, "platform/coretemp.0", &cores);
        machine.chip(1, "nvme/nvme0", &[("name", "nvme\n"), ("temp1_input", "38000\n")]);
        let mut out = Values::default();
        let error = machine.source().read(Duration::ZERO, &mut out).unwrap_err();
        assert!(matches!(error, SourceError::Limit { left_out: 37, .. }), "{error}");
        let found = values(&out);
        assert_eq!(found.len(), MAX_OF_A_KIND);
        assert!(found.contains(&"sensors.temperature{chip=nvme0,sensor=temp1} 38".to_owned()), "{found:?}");
    }

    #[test]
    fn each_kind_has_its_unit() {
        let machine = Machine::new();
        machine.chip(
            3,
            "platform/nct6775.656",
            &[
                ("name", "nct6798\n"),
                ("temp1_input", "41500\n"),
                ("temp1_label", "SYSTIN\n"),
                ("fan2_input", "1180\n"),
                ("in0_input", "1016\n"),
                ("curr1_input", "2500\n"),
                ("power1_input", "65000000\n"),
                ("power1_average", "60500000\n"),
                ("temp10_input", "-5000\n"),
            ],
        );
        let expected = [
            "temperature{chip=nct6798-nct6775.656,sensor=SYSTIN} 41.5",
            "temperature{chip=nct6798-nct6775.656,sensor=temp10} -5",
            "fan_speed{chip=nct6798-nct6775.656,sensor=fan2} 1180",
            "voltage{chip=nct6798-nct6775.656,sensor=in0} 1.016",
            "current{chip=nct6798-nct6775.656,sensor=curr1} 2.5",
            "power{chip=nct6798-nct6775.656,sensor=power1} 60.5",
        ];
        assert_eq!(machine.read(), expected);
    }

    #[test]
    fn chips_are_called_by_driver_and_place() {
        let machine = Machine::new();
        let (input, nvme) = (("temp1_input", "1000"), ("name", "nvme\n"));
        machine.chip(0, "pci/nvme0", &[nvme, input, ("temp1_crit", "84850\n")]);
        machine.chip(1, "platform/coretemp.1", &[("name", "coretemp\n"), input, ("temp1_crit", "0\n")]);
        machine.chip(2, "pci/0000:00:18.3", &[("name", "k10temp\n"), input]);
        let found = machine.read();
        assert_eq!(value(&found, "temperature{chip=nvme0,sensor=temp1}"), "1");
        assert_eq!(value(&found, "temperature_critical{chip=nvme0,sensor=temp1}"), "84.85");
        assert_eq!(value(&found, "temperature{chip=coretemp.1,sensor=temp1}"), "1");
        assert_eq!(value(&found, "temperature{chip=k10temp-0000:00:18.3,sensor=temp1}"), "1");
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn what_is_broken_or_asleep_has_no_value() {
        let machine = Machine::new();
        let files = [("name", "x"), ("temp1_input", "1000"), ("temp1_fault", "1\n"), ("fan1_input", "-1\n")];
        machine.chip(0, "x", &files);
        machine.chip(1, "y", &[("name", "y"), ("temp1_input", ""), ("in1_input", "x")]);
        assert_eq!(machine.read(), [""; 0]);
    }

    #[test]
    fn labels_that_stand_twice_are_told_apart() {
        let machine = Machine::new();
        let label = |channel| (channel, "Core,\u{1}0\n");
        let files = [
            ("name", "a"),
            ("temp1_input", "1000"),
            ("temp2_input", "2000"),
            label("temp1_label"),
            label("temp2_label"),
        ];
        machine.chip(0, "a", &files);
        let expected =
            ["temperature{chip=a,sensor=Core\\,\u{fffd}0} 1", "temperature{chip=a,sensor=temp2} 2"];
        assert_eq!(machine.read(), expected);
    }

    #[test]
    fn a_thermal_zone_counts_where_no_chip_shows_it() {
        let machine = Machine::new();
        for (zone, kind) in [(0, "acpitz"), (1, "x86_pkg_temp")] {
            let dir = machine.0.path().join(format!("class/thermal/thermal_zone{zone}"));
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("type"), kind).unwrap();
            fs::write(dir.join("temp"), "27800\n").unwrap();
        }
        fs::create_dir(machine.0.path().join("class/thermal/thermal_zone0/hwmon0")).unwrap();
        assert_eq!(machine.read(), ["temperature{chip=thermal_zone1,sensor=x86_pkg_temp} 27.8"]);
    }

    #[test]
    fn a_machine_without_sensors_says_so() {
        let error = Machine::new().source().read(Duration::ZERO, &mut Values::default()).unwrap_err();
        assert!(error.is_absence(), "{error}");
    }
}
