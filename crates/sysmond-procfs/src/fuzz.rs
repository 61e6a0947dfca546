//! One way to give any bytes to every parser, for fuzzing and property tests.

use crate::battery::Supply;
use crate::cpu::Cpu;
use crate::disk::Disk;
use crate::exposition::Exposition;
use crate::file_source::{Fault, Reading};
use crate::load::Load;
use crate::memory::Memory;
use crate::netstat::{Extended, Udp};
use crate::network::Network;
use crate::pressure::Stalls;
use crate::protocols::Snmp;
use crate::raid::Raid;
use crate::softnet::SoftNet;
use crate::source::Values;
use crate::uptime::Uptime;
use crate::vmstat::VmStat;
use crate::{
    addresses, cgroup, connections, container, mounts, processes, processor, sockets, static_info, tables,
    textfile,
};
use std::collections::HashSet;
use std::time::Duration;
use sysmond_model::catalogue::{PRESSURE_IO_FULL, PRESSURE_IO_SOME};
use sysmond_model::{Unit, tags};

/// Gives `first` and `second`, as two readings of one file a second apart, to each source, and each alone to the
/// parsers of what is read once.
///
/// # Panics
///
/// Where a parser does, or where values come out that no reading may give: a percentage beyond 0 to 100, a negative
/// number, tags that are not canonical, a series twice.
pub fn take_any_bytes(first: &[u8], second: &[u8]) {
    let max_gap = Duration::from_secs(10);
    take_both(&mut Cpu::new(max_gap), first, second);
    take_both(&mut Load, first, second);
    take_both(&mut Memory::new(), first, second);
    take_both(&mut Disk::new(None, max_gap), first, second);
    take_both(&mut Network::new(max_gap), first, second);
    take_both(&mut Uptime, first, second);
    take_both(&mut SoftNet::new(max_gap), first, second);
    let stalls = Stalls::new(&PRESSURE_IO_SOME, Some(&PRESSURE_IO_FULL), max_gap);
    take_both(&mut Any(stalls, Stalls::take), first, second);
    take_both(&mut VmStat::new(4096, max_gap), first, second);
    take_both(&mut Raid::default(), first, second);
    take_both(&mut Snmp::new(max_gap), first, second);
    let udp = |udp: &mut Udp, text: &[u8], at, out: &mut Values| {
        udp.take_ipv6(text);
        udp.take(text, at, out)
    };
    take_both(&mut Any(Udp::new(max_gap), udp), first, second);
    take_both(&mut Any(Extended::new(max_gap), Extended::take), first, second);
    for text in [first, second] {
        put("sockets", |out| {
            let mut counts = sockets::Counts::default();
            counts.add(text);
            drop(counts.put(4096, out));
        });
        put("connections", |out| {
            let mut counts = connections::Counts::default();
            assert!(counts.add(text) <= text.len(), "more than there is");
            counts.put(out);
        });
        put("tables", |out| drop(tables::open_files(text, out)));
        put("battery", |out| Supply::parse(text).put("battery=a", "supply=b", out));
        cgroup::take_any_bytes(text);
        processes::take_any_bytes(text);
        textfile::take_any_bytes(text);
        assert_ne!(container::group_kind(text), Some(""), "a container of no kind");
        assert!(mounts::remote(text).iter().all(|mount| !mount.point.is_empty()), "a mount without a place");
        let groups = mounts::choose(text);
        assert!(groups.iter().all(|group| !group.is_empty()), "a file system without a mount");
        assert!(addresses::ipv4(text).len() <= addresses::MAX_ADDRESSES, "too many addresses");
        assert!(addresses::outward_networks(text).len() <= addresses::MAX_ADDRESSES, "too many networks");
        assert!(addresses::ipv6(text).len() <= addresses::MAX_ADDRESSES, "too many addresses");
        assert_ne!(processor::model(text).as_deref(), Some(""), "an empty name");
        assert_ne!(static_info::os_name(text).as_deref(), Some(""), "an empty name");
    }
}

/// What takes a text as a [`Reading`] does.
type Take<R> = fn(&mut R, &[u8], Duration, &mut Values) -> Result<(), Fault>;

/// A reading of one of a source's several files.
struct Any<R>(R, Take<R>);

impl<R: Send> Reading for Any<R> {
    const NAME: &'static str = "any";

    fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), Fault> {
        self.1(&mut self.0, text, at, out)
    }

    fn expose(&mut self, _text: &[u8], _out: &mut Exposition) {}
}

fn put(name: &str, put: impl FnOnce(&mut Values)) {
    let mut out = Values::default();
    put(&mut out);
    check(name, &out);
}

fn take_both<R: Reading>(reading: &mut R, first: &[u8], second: &[u8]) {
    let mut out = Values::default();
    for (at, text) in [(1, first), (2, second)] {
        out.clear();
        // An error is an answer here: what matters are the values that came before it.
        drop(reading.take(text, Duration::from_secs(at), &mut out));
        check(R::NAME, &out);
        let mut exposed = Exposition::default();
        reading.expose(text, &mut exposed);
        check_exposed(R::NAME, &exposed.text());
    }
}

fn check(name: &str, out: &Values) {
    let mut seen = HashSet::new();
    for (metric, text, value) in out.iter() {
        let most = if metric.unit == Unit::Percent { 100.0 } else { f64::MAX };
        let least = if metric.unit.can_be_negative() { f64::MIN } else { 0.0 };
        assert!((least..=most).contains(&value), "{name}: {} is {value}", metric.name);
        assert_eq!(tags::canonical(text).as_deref(), Ok(text), "{name}: tags of {}", metric.name);
        assert!(seen.insert((metric.name, text)), "{name}: {}{{{text}}} stands twice", metric.name);
    }
}

/// A line is a word to Prometheus, or a name, labels in braces and a number.
fn check_exposed(name: &str, text: &str) {
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok());
        let family = line.split(['{', ' ']).next().unwrap_or_default();
        let is_name = family.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        assert!(value.is_some_and(f64::is_finite) && is_name, "{name}: {line}");
    }
}
