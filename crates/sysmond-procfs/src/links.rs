//! The state of network interfaces, from `/sys/class/net`: up or down, speed, how often the link came and went.
//!
//! Some drivers ask their hardware for that, so it has a slow clock. As with their traffic, interfaces that never
//! carried anything and `lo` are left out.

use crate::attribute::{Attribute, Buffer};
use crate::exposition::{Exposition, Kind, meaning};
use crate::listing::Listing;
use crate::network::{MAX_EXPOSED, MAX_INTERFACES};
use crate::pace::{Elapsed, Pace};
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::table::tag;
use crate::text::{hexadecimal, signed};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use sysmond_model::catalogue::{NETWORK_CARRIER_CHANGES, NETWORK_SPEED, NETWORK_UP};

/// The kernel's unit is Mbit/s.
const MEGA: f64 = 1e6;

/// All interfaces.
#[derive(Debug)]
pub(crate) struct Links {
    dir: PathBuf,
    listing: Listing,
    pace: Pace,
    found: Vec<Link>,
    buffer: Buffer,
}

#[derive(Debug)]
struct Link {
    name: Box<[u8]>,
    tags: String,
    files: Files,
    last_changes: Option<u64>,
    is_device: bool,
    seen: bool,
}

#[derive(Debug)]
enum Files {
    /// Of an interface that carried nothing so far: what it received and sent.
    Unused([Option<Attribute>; 2]),
    Used {
        state: Attribute,
        speed: Option<Attribute>,
        changes: Option<Attribute>,
    },
}

impl Link {
    fn open(dir: &Path, name: &[u8]) -> Self {
        let open =
            |file: &str| Attribute::open(dir.join(OsStr::from_bytes(name)).join("statistics").join(file));
        let files = Files::Unused([open("rx_bytes"), open("tx_bytes")]);
        let (tags, is_device) = (tag("interface", name), is_device(dir, name));
        Self { name: name.into(), tags, files, last_changes: None, is_device, seen: true }
    }

    /// Opens the rest where the interface is used. Whether it is still there.
    fn follow(&mut self, dir: &Path, buffer: &mut Buffer) -> bool {
        let Files::Unused(counters) = &self.files else { return true };
        let mut carried = counters.iter().flatten().map(|counter| counter.number(buffer));
        if carried.any(|bytes| bytes.is_some_and(|bytes| bytes > 0)) {
            let dir = dir.join(OsStr::from_bytes(&self.name));
            let Some(state) = Attribute::open(dir.join("operstate")) else { return false };
            let (speed, changes) = (dir.join("speed"), dir.join("carrier_changes"));
            let (speed, changes) = (Attribute::open(speed), Attribute::open(changes));
            self.files = Files::Used { state, speed, changes };
        }
        true
    }

    /// Puts what the interface says; whether it is still there.
    fn read(&mut self, elapsed: Option<Elapsed>, buffer: &mut Buffer, out: &mut Values) -> bool {
        let Files::Used { state, speed, changes } = &self.files else { return true };
        let Ok(state) = state.text(buffer) else { return false };
        // Tunnels and the like do not know their state and work.
        let is_up = matches!(state, b"up" | b"unknown");
        out.put(&NETWORK_UP, &self.tags, f64::from(u8::from(is_up)));
        // Those without a speed say -1 or its 32 bits, or fail.
        let speed = speed.as_ref().and_then(|speed| speed.number(buffer));
        if let Some(speed) = speed.filter(|speed| (1..u64::from(u32::MAX)).contains(speed)) {
            out.put(&NETWORK_SPEED, &self.tags, MEGA * speed as f64);
        }
        let now = changes.as_ref().and_then(|changes| changes.number(buffer));
        let last = std::mem::replace(&mut self.last_changes, now);
        let increase = now.zip(last).and_then(|(now, last)| now.checked_sub(last));
        if let (Some(elapsed), Some(increase)) = (elapsed, increase) {
            out.put(&NETWORK_CARRIER_CHANGES, &self.tags, elapsed.per_second(increase));
        }
        true
    }
}

impl Links {
    pub(crate) fn new(roots: &Roots, max_gap: Duration) -> Self {
        let dir = roots.sysfs.join("class/net");
        Self {
            listing: Listing::new(dir.clone()),
            dir,
            pace: Pace::new(max_gap),
            found: Vec::new(),
            buffer: Buffer::new(),
        }
    }

    /// Follows interfaces that come and go. Where there are too many, those of hardware come before others.
    fn list(&mut self) -> Result<(), SourceError> {
        let Self { dir, listing, found: links, buffer, .. } = self;
        for link in links.iter_mut() {
            link.seen = false;
        }
        let mut left_out = 0;
        let listed = listing.each(|name| {
            if let Some(link) = links.iter_mut().find(|link| *link.name == *name) {
                link.seen = true;
            } else if name != b"lo" {
                left_out += usize::from(!take(links, dir, name));
            }
        });
        links.retain_mut(|link| link.seen && link.follow(dir, buffer));
        match listed {
            Ok(()) if left_out > 0 => {
                let (key, limit) = ("interface", MAX_INTERFACES);
                Err(SourceError::Limit { path: dir.as_path().into(), key, limit, left_out })
            }
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::NOENT) => {
                Err(SourceError::Absent { path: dir.as_path().into(), reason: "no network below /sys" })
            }
            Err(errno) => Err(SourceError::io(dir.as_path(), errno)),
        }
    }
}

/// Adds one that is new, where there is room or it takes that of one that is no hardware; whether nothing is left out.
fn take(links: &mut Vec<Link>, dir: &Path, name: &[u8]) -> bool {
    let has_room = links.len() < MAX_INTERFACES;
    if !has_room && !is_device(dir, name) {
        return false; // unopened: there may be hundreds, each time
    }
    let new = Link::open(dir, name);
    if links.iter().any(|link| link.tags == new.tags) {
        return true;
    }
    if has_room {
        links.push(new);
    } else if let Some(other) = links.iter_mut().rev().find(|link| !link.is_device) {
        *other = new;
    }
    has_room
}

/// Whether it is hardware, or what a hypervisor shows as such, and not made by a program.
fn is_device(dir: &Path, name: &[u8]) -> bool {
    dir.join(OsStr::from_bytes(name)).join("device").exists()
}

impl Source for Links {
    fn name(&self) -> &'static str {
        "links"
    }

    fn lane(&self) -> Lane {
        Lane::Locks
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let listed = self.list();
        let elapsed = self.pace.step(at);
        let Self { found: links, buffer, .. } = self;
        // One that was made anew under its old name is opened anew the next time.
        links.retain_mut(|link| link.read(elapsed, buffer, out));
        listed
    }

    /// All interfaces, as theirs has them; the files of those that we do not read each time are opened for this.
    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        let mut names: Vec<Box<[u8]>> = Vec::new();
        let listed = self.listing.each(|name| {
            if names.len() < MAX_EXPOSED {
                names.push(name.into());
            }
        });
        for name in &names {
            expose(&self.dir.join(OsStr::from_bytes(name)), name, &mut self.buffer, out);
        }
        listed.map_err(|errno| SourceError::io(self.dir.as_path(), errno))
    }
}

/// What has one file each: file, family, kind, and how much of the kernel's unit is one of theirs.
const EXPOSED: [(&str, &str, Kind, f64); 17] = [
    ("addr_assign_type", "node_network_address_assign_type", Kind::Gauge, 1.0),
    ("carrier", "node_network_carrier", Kind::Gauge, 1.0),
    ("carrier_changes", "node_network_carrier_changes_total", Kind::Counter, 1.0),
    ("carrier_down_count", "node_network_carrier_down_changes_total", Kind::Counter, 1.0),
    ("carrier_up_count", "node_network_carrier_up_changes_total", Kind::Counter, 1.0),
    ("dev_id", "node_network_device_id", Kind::Gauge, 1.0),
    ("dormant", "node_network_dormant", Kind::Gauge, 1.0),
    ("flags", "node_network_flags", Kind::Gauge, 1.0),
    ("ifindex", "node_network_iface_id", Kind::Gauge, 1.0),
    ("iflink", "node_network_iface_link", Kind::Gauge, 1.0),
    ("link_mode", "node_network_iface_link_mode", Kind::Gauge, 1.0),
    ("mtu", "node_network_mtu_bytes", Kind::Gauge, 1.0),
    ("name_assign_type", "node_network_name_assign_type", Kind::Gauge, 1.0),
    ("netdev_group", "node_network_net_dev_group", Kind::Gauge, 1.0),
    // Mbit/s; an interface that does not know its own says -1.
    ("speed", "node_network_speed_bytes", Kind::Gauge, MEGA / 8.0),
    ("tx_queue_len", "node_network_transmit_queue_length", Kind::Gauge, 1.0),
    ("type", "node_network_protocol_type", Kind::Gauge, 1.0),
];

/// What is known of an interface in words.
const INFO: &str = "node_network_info";

/// What is exposed, whatever the catalogue names of it.
pub(crate) fn families() -> impl Iterator<Item = &'static str> {
    EXPOSED.into_iter().map(|(_, family, ..)| family).chain([INFO])
}

fn expose(dir: &Path, device: &[u8], buffer: &mut Buffer, out: &mut Exposition) {
    let labels = [("device", device)];
    for (file, family, kind, each) in EXPOSED {
        let Some(file_text) = Attribute::open(dir.join(file)) else { continue };
        let Ok(text) = file_text.text(buffer) else { continue };
        let value = if text.starts_with(b"0x") {
            hexadecimal(text).map(f64::from)
        } else {
            signed(text).map(|n| n as f64)
        };
        if let Some(value) = value {
            let help = meaning(family, || format!("`{file}` of the interface in /sys/class/net"));
            out.put(family, kind, help, &labels, value * each);
        }
    }
    let mut word = |file: &str| {
        let attribute = Attribute::open(dir.join(file));
        attribute.and_then(|attribute| attribute.text(buffer).map(<[u8]>::to_vec).ok()).unwrap_or_default()
    };
    let [address, broadcast, duplex, alias, state] =
        ["address", "broadcast", "duplex", "ifalias", "operstate"].map(&mut word);
    let is_up = f64::from(u8::from(state == b"up"));
    let help = "1 where the interface says that it is up, 0 where not";
    out.gauge(NETWORK_UP.prometheus, help, &labels, is_up);
    let labels = [
        ("address", address.as_slice()),
        ("broadcast", &broadcast),
        ("device", device),
        ("duplex", &duplex),
        ("ifalias", &alias),
        ("operstate", &state),
    ];
    out.gauge(INFO, "What the interface is, in labels; always 1", &labels, 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;
    use std::fs;

    fn write(dir: &Path, interface: &str, files: &[(&str, &str)]) {
        for (file, text) in files {
            let path = dir.join("class/net").join(interface).join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn source(dir: &Path) -> Links {
        let roots = Roots { procfs: dir.into(), sysfs: dir.into(), rootfs: dir.into() };
        Links::new(&roots, Duration::from_secs(30))
    }

    fn read(source: &mut Links, second: u64) -> Vec<String> {
        let mut out = Values::default();
        source.read(Duration::from_secs(second), &mut out).unwrap();
        let mut lines = values(&out);
        lines.sort_unstable();
        lines
    }

    #[test]
    fn state_speed_and_changes_of_each_interface() {
        let dir = tempfile::tempdir().unwrap();
        let used = [("statistics/rx_bytes", "5\n"), ("statistics/tx_bytes", "0\n")];
        for interface in ["eth0", "wg0", "lo"] {
            write(dir.path(), interface, &used);
        }
        write(dir.path(), "eth0", &[("operstate", "up\n"), ("speed", "1000\n"), ("carrier_changes", "2\n")]);
        write(dir.path(), "wg0", &[("operstate", "unknown\n"), ("speed", "-1\n")]);
        write(dir.path(), "ifb0", &[("operstate", "down\n"), ("statistics/rx_bytes", "0\n")]);
        let mut source = source(dir.path());
        let expected = [
            "network.speed{interface=eth0} 1000000000",
            "network.up{interface=eth0} 1",
            "network.up{interface=wg0} 1",
        ];
        assert_eq!(read(&mut source, 10), expected);
        fs::remove_dir_all(dir.path().join("class/net/wg0")).unwrap();
        write(dir.path(), "eth0", &[("operstate", "down\n"), ("speed", "-1\n"), ("carrier_changes", "3\n")]);
        assert_eq!(
            read(&mut source, 20),
            ["network.carrier_changes{interface=eth0} 0.1", "network.up{interface=eth0} 0"]
        );
    }

    #[test]
    fn among_hundreds_those_of_hardware_are_not_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let used = [("statistics/rx_bytes", "5\n"), ("operstate", "up\n")];
        for number in 0..MAX_INTERFACES + 30 {
            write(dir.path(), &format!("veth{number:03}"), &used);
        }
        let mut source = source(dir.path());
        let mut read = || {
            let mut out = Values::default();
            let error = source.read(Duration::from_secs(10), &mut out).unwrap_err();
            (values(&out), error)
        };
        assert!(matches!(read().1, SourceError::Limit { left_out: 30, .. }));
        write(dir.path(), "eth0", &used);
        write(dir.path(), "eth0", &[("device/vendor", "0x1af4\n")]);
        for _ in 0..2 {
            let (found, error) = read();
            assert!(matches!(error, SourceError::Limit { left_out: 31, .. }), "{error}");
            assert_eq!(found.len(), MAX_INTERFACES);
            assert!(found.contains(&"network.up{interface=eth0} 1".to_owned()));
        }
    }

    #[test]
    fn without_sysfs_there_is_nothing_to_see() {
        let dir = tempfile::tempdir().unwrap();
        let error = source(dir.path()).read(Duration::ZERO, &mut Values::default()).unwrap_err();
        assert!(error.is_absence(), "{error}");
    }
}
