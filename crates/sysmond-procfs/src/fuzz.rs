//! One way to give any bytes to every parser, for fuzzing and property tests.

use crate::cpu::Cpu;
use crate::disk::Disk;
use crate::file_source::Reading;
use crate::load::Load;
use crate::memory::Memory;
use crate::network::Network;
use crate::pressure::Stalls;
use crate::source::Values;
use crate::uptime::Uptime;
use crate::{addresses, mounts, processor, static_info};
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
    take_both(&mut Memory, first, second);
    take_both(&mut Disk::new(None, max_gap), first, second);
    take_both(&mut Network::new(max_gap), first, second);
    take_both(&mut Uptime, first, second);
    take_both(
        &mut AnyStalls(Stalls::new(&PRESSURE_IO_SOME, Some(&PRESSURE_IO_FULL), max_gap)),
        first,
        second,
    );
    for text in [first, second] {
        let groups = mounts::choose(text);
        assert!(groups.iter().all(|group| !group.is_empty()), "a file system without a mount");
        assert!(addresses::ipv4(text).len() <= addresses::MAX_ADDRESSES, "too many addresses");
        assert!(addresses::outward_networks(text).len() <= addresses::MAX_ADDRESSES, "too many networks");
        assert!(addresses::ipv6(text).len() <= addresses::MAX_ADDRESSES, "too many addresses");
        assert_ne!(processor::model(text).as_deref(), Some(""), "an empty name");
        assert_ne!(static_info::os_name(text).as_deref(), Some(""), "an empty name");
    }
}

struct AnyStalls(Stalls);

impl Reading for AnyStalls {
    const NAME: &'static str = "pressure";

    fn take(&mut self, text: &[u8], at: Duration, out: &mut Values) -> Result<(), crate::file_source::Fault> {
        self.0.take(text, at, out)
    }
}

fn take_both<R: Reading>(reading: &mut R, first: &[u8], second: &[u8]) {
    let mut out = Values::default();
    for (at, text) in [(1, first), (2, second)] {
        out.clear();
        // An error is an answer here: what matters are the values that came before it.
        drop(reading.take(text, Duration::from_secs(at), &mut out));
        check(R::NAME, &out);
    }
}

fn check(name: &str, out: &Values) {
    let mut seen = HashSet::new();
    for (metric, text, value) in out.iter() {
        let most = if metric.unit == Unit::Percent { 100.0 } else { f64::MAX };
        assert!((0.0..=most).contains(&value), "{name}: {} is {value}", metric.name);
        assert_eq!(tags::canonical(text).as_deref(), Ok(text), "{name}: tags of {}", metric.name);
        assert!(seen.insert((metric.name, text)), "{name}: {}{{{text}}} stands twice", metric.name);
    }
}
