//! Batteries and mains, from `/sys/class/power_supply`: each has one file `uevent` that says all.

use crate::attribute::{Attribute, Buffer};
use crate::exposition::Exposition;
use crate::listing::Listing;
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::table::tag;
use crate::text::{lines, signed, split_once};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;
use sysmond_model::catalogue::{
    BATTERY_CHARGE, BATTERY_CHARGING, BATTERY_CYCLES, BATTERY_HEALTH, BATTERY_MAINS, BATTERY_POWER,
};

/// Supplies of at most five series each: a laptop has three.
pub(crate) const MAX_SUPPLIES: usize = 8;

/// All supplies.
#[derive(Debug)]
pub(crate) struct Batteries {
    dir: PathBuf,
    listing: Listing,
    supplies: Vec<File>,
    buffer: Buffer,
}

#[derive(Debug)]
struct File {
    name: Box<[u8]>,
    battery: String,
    mains: String,
    uevent: Attribute,
    seen: bool,
}

impl Batteries {
    pub(crate) fn new(roots: &Roots) -> Self {
        let dir = roots.sysfs.join("class/power_supply");
        Self { listing: Listing::new(dir.clone()), dir, supplies: Vec::new(), buffer: Buffer::new() }
    }

    /// Follows supplies that come and go; how many are left out.
    fn list(&mut self) -> Result<usize, Errno> {
        let Self { dir, listing, supplies, .. } = self;
        for supply in supplies.iter_mut() {
            supply.seen = false;
        }
        let mut left_out = 0;
        let listed = listing.each(|name| {
            if let Some(supply) = supplies.iter_mut().find(|supply| *supply.name == *name) {
                supply.seen = true;
            } else if supplies.len() >= MAX_SUPPLIES {
                left_out += 1;
            } else if let Some(uevent) = Attribute::open(dir.join(OsStr::from_bytes(name)).join("uevent")) {
                let (battery, mains) = (tag("battery", name), tag("supply", name));
                supplies.push(File { name: name.into(), battery, mains, uevent, seen: true });
            }
        });
        supplies.retain(|supply| supply.seen);
        listed.map(|()| left_out)
    }
}

impl Source for Batteries {
    fn name(&self) -> &'static str {
        "battery"
    }

    fn lane(&self) -> Lane {
        Lane::Hardware
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let listed = self.list();
        let Self { supplies, buffer, .. } = self;
        supplies.retain(|supply| {
            let text = supply.uevent.text(buffer);
            text.map(|text| Supply::parse(text).put(&supply.battery, &supply.mains, out)).is_ok()
        });
        let path = || self.dir.as_path().into();
        match listed {
            Ok(_) | Err(Errno::NOENT) if self.supplies.is_empty() => {
                Err(SourceError::Absent { path: path(), reason: "no battery" })
            }
            Ok(0) => Ok(()),
            Ok(left_out) => {
                Err(SourceError::Limit { path: path(), key: "supply", limit: MAX_SUPPLIES, left_out })
            }
            Err(errno) => Err(SourceError::io(path(), errno)),
        }
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        let listed = self.list();
        let Self { supplies, buffer, .. } = self;
        for supply in supplies {
            if let Ok(text) = supply.uevent.text(buffer) {
                Supply::parse(text).expose(&supply.name, out);
            }
        }
        listed.map(|_| ()).map_err(|errno| SourceError::io(self.dir.as_path(), errno))
    }
}

/// What a supply says. Microwatt hours, or microampere hours where the driver knows no better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Supply<'a> {
    kind: &'a [u8],
    status: &'a [u8],
    is_of_a_device: bool,
    online: Option<i64>,
    capacity: Option<i64>,
    full: Option<i64>,
    full_design: Option<i64>,
    micro_watts: Option<i64>,
    micro_volts: Option<i64>,
    micro_amperes: Option<i64>,
    cycles: Option<i64>,
}

impl<'a> Supply<'a> {
    pub(crate) fn parse(text: &'a [u8]) -> Self {
        let mut supply = Self::default();
        for (key, value) in lines(text).filter_map(|line| split_once(line, b'=')) {
            let Some(key) = key.strip_prefix(b"POWER_SUPPLY_") else { continue };
            let slot = match key {
                b"TYPE" => {
                    supply.kind = value;
                    continue;
                }
                b"STATUS" => {
                    supply.status = value;
                    continue;
                }
                b"SCOPE" => {
                    supply.is_of_a_device = value == b"Device";
                    continue;
                }
                b"ONLINE" => &mut supply.online,
                b"CAPACITY" => &mut supply.capacity,
                b"ENERGY_FULL" | b"CHARGE_FULL" => &mut supply.full,
                b"ENERGY_FULL_DESIGN" | b"CHARGE_FULL_DESIGN" => &mut supply.full_design,
                b"POWER_NOW" => &mut supply.micro_watts,
                b"VOLTAGE_NOW" => &mut supply.micro_volts,
                b"CURRENT_NOW" => &mut supply.micro_amperes,
                b"CYCLE_COUNT" => &mut supply.cycles,
                _ => continue,
            };
            *slot = signed(value).or(*slot);
        }
        supply
    }

    fn power(&self) -> Option<f64> {
        // Some drivers sign what goes out.
        let micro_watts = self.micro_watts.map(|power| power.unsigned_abs() as f64);
        let product = || {
            let (volts, amperes) = (self.micro_volts?.unsigned_abs(), self.micro_amperes?.unsigned_abs());
            Some(volts as f64 * amperes as f64 / 1e6)
        };
        Some(micro_watts.or_else(product)? / 1e6)
    }

    fn expose(&self, name: &[u8], out: &mut Exposition) {
        for (family, help, value) in [
            ("node_power_supply_capacity", "Charge in percent of a full one", self.capacity),
            ("node_power_supply_cyclecount", BATTERY_CYCLES.help, self.cycles),
            (
                "node_power_supply_online",
                "0 where the supply gives no power, 1 or more where it does",
                self.online,
            ),
        ] {
            let Some(value) = value else { continue };
            out.gauge(family, help, &[("power_supply", name)], value as f64);
        }
    }

    /// Puts its values with its tags as a battery, or as mains. The battery of a mouse is not the host's.
    pub(crate) fn put(&self, battery: &str, mains: &str, out: &mut Values) {
        if self.is_of_a_device {
            return;
        }
        if self.kind != b"Battery" {
            if let Some(online) = self.online {
                out.put(&BATTERY_MAINS, mains, f64::from(u8::from(online > 0)));
            }
            return;
        }
        if let Some(capacity) = self.capacity {
            out.put(&BATTERY_CHARGE, battery, capacity.clamp(0, 100) as f64);
        }
        if let (Some(full), Some(design)) =
            (self.full.filter(|full| *full >= 0), self.full_design.filter(|f| *f > 0))
        {
            // A new one often holds a little more than it was sold for.
            out.put(&BATTERY_HEALTH, battery, (100.0 * full as f64 / design as f64).min(100.0));
        }
        if let Some(power) = self.power() {
            out.put(&BATTERY_POWER, battery, power);
        }
        let is_charging = match self.status {
            b"Charging" | b"Full" | b"Not charging" => Some(1.0),
            b"Discharging" => Some(0.0),
            _ => None,
        };
        if let Some(is_charging) = is_charging {
            out.put(&BATTERY_CHARGING, battery, is_charging);
        }
        if let Some(cycles) = self.cycles.filter(|cycles| *cycles > 0) {
            out.put(&BATTERY_CYCLES, battery, cycles as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;
    use std::fs;

    fn put(text: &str) -> Vec<String> {
        let mut out = Values::default();
        let text = text.replace("P_", "POWER_SUPPLY_");
        Supply::parse(text.as_bytes()).put("battery=BAT0", "supply=AC", &mut out);
        values(&out)
    }

    #[test]
    fn a_battery_in_watt_hours() {
        let found = put(
            "P_NAME=BAT0\nP_TYPE=Battery\nP_STATUS=Discharging\nP_CYCLE_COUNT=212\nP_VOLTAGE_NOW=11400000\n\
             P_POWER_NOW=7300000\nP_ENERGY_FULL_DESIGN=57000000\nP_ENERGY_FULL=42750000\nP_CAPACITY=64\n",
        );
        let expected = [
            "battery.charge_percent{battery=BAT0} 64",
            "battery.health_percent{battery=BAT0} 75",
            "battery.power{battery=BAT0} 7.3",
            "battery.charging{battery=BAT0} 0",
            "battery.cycles{battery=BAT0} 212",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_battery_in_ampere_hours() {
        let found = put(
            "P_TYPE=Battery\nP_STATUS=Unknown\nP_VOLTAGE_NOW=12000000\nP_CURRENT_NOW=-500000\nP_CAPACITY=101\n",
        );
        assert_eq!(found, ["battery.charge_percent{battery=BAT0} 100", "battery.power{battery=BAT0} 6"]);
    }

    #[test]
    fn mains_and_the_batteries_of_others() {
        assert_eq!(put("P_TYPE=Mains\nP_ONLINE=1\n"), ["battery.mains{supply=AC} 1"]);
        assert_eq!(put("P_TYPE=Battery\nP_SCOPE=Device\nP_CAPACITY=50\n"), [""; 0]);
        assert_eq!(put(""), [""; 0]);
    }

    #[test]
    fn supplies_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots { procfs: dir.path().into(), sysfs: dir.path().into(), rootfs: dir.path().into() };
        let mut source = Batteries::new(&roots);
        let mut out = Values::default();
        assert!(source.read(Duration::ZERO, &mut out).unwrap_err().is_absence());
        let supply = dir.path().join("class/power_supply/AC,1");
        fs::create_dir_all(&supply).unwrap();
        fs::write(supply.join("uevent"), "POWER_SUPPLY_TYPE=Mains\nPOWER_SUPPLY_ONLINE=0\n").unwrap();
        source.read(Duration::ZERO, &mut out).unwrap();
        assert_eq!(values(&out), [r"battery.mains{supply=AC\,1} 0"]);
    }
}
