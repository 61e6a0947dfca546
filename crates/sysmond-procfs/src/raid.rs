//! Software RAID, from `/proc/mdstat`.

use crate::exposition::Exposition;
use crate::file_source::{Fault, FileSource, ProcFile, Reading};
use crate::source::{Lane, Roots, Values};
use crate::table::tag;
use crate::text::{decimal, fields, lines, number, split_once};
use std::time::Duration;
use sysmond_model::catalogue::{
    RAID_ACTIVE, RAID_DISKS_ACTIVE, RAID_DISKS_FAILED, RAID_DISKS_MISSING, RAID_DISKS_REQUIRED,
    RAID_DISKS_SPARE, RAID_SYNC_PERCENT,
};

/// Arrays of seven series each: more than a machine has.
pub(crate) const MAX_ARRAYS: usize = 24;

pub(crate) fn source(roots: &Roots) -> FileSource<Raid> {
    let file = ProcFile::new(roots.procfs.join("mdstat")).or_absent("no software RAID");
    FileSource::new(file, Raid::default())
}

/// What an array is, from its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Array<'a> {
    name: &'a [u8],
    is_active: bool,
    failed: u32,
    spare: u32,
    /// Disks that it should have, and those that work. Levels without redundancy do not say.
    disks: Option<(u64, u64)>,
    /// How far a rebuild or check is.
    progress: Option<f64>,
    /// What it is.
    activity: &'a [u8],
}

impl<'a> Array<'a> {
    /// `md0 : active raid1 sdb1[1](F) sda1[0]`
    fn parse(line: &'a [u8]) -> Option<Self> {
        let (name, rest) = split_once(line, b':')?;
        let name = name.strip_suffix(b" ").filter(|name| name.starts_with(b"md"))?;
        let mut columns = fields(rest);
        // Or `inactive`, or since 5.4 `broken`: what has no `active` works no more, whatever a later kernel calls it.
        let is_active = columns.next()? == b"active";
        let mut array = Self { name, is_active, ..Self::default() };
        let mut members = 0;
        for member in columns.filter(|column| column.contains(&b'[')) {
            members += 1;
            array.failed += u32::from(member.ends_with(b"(F)"));
            array.spare += u32::from(member.ends_with(b"(S)"));
        }
        array.disks = is_active.then_some((members, members));
        Some(array)
    }

    /// `1953512448 blocks super 1.2 [2/1] [U_]`, `[=>…]  recovery = 12.6% (37043392/292945152) finish=…`
    fn learn(&mut self, line: &'a [u8]) {
        let mut columns = fields(line);
        while let Some(column) = columns.next() {
            let counts = column.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
            if let Some((required, active)) = counts.and_then(|counts| split_once(counts, b'/'))
                && let (Some(required), Some(active)) = (number(required), number(active))
            {
                self.disks = Some((required, active.min(required)));
            }
            // It waits for another array on the same disks, or for the first write.
            if matches!(column, b"resync=DELAYED" | b"resync=PENDING") {
                (self.activity, self.progress) = (b"resync", Some(0.0));
            }
            // Another machine of the cluster does it, and only that one knows how far it is.
            if column == b"resync=REMOTE" {
                self.activity = b"resync";
            }
            if matches!(column, b"recovery" | b"resync" | b"reshape" | b"check" | b"repair") {
                self.activity = column;
                let share = columns.find_map(|column| column.strip_suffix(b"%")).and_then(decimal);
                self.progress = share.map(|share| share.min(100.0));
            }
        }
    }

    fn expose(&self, out: &mut Exposition) {
        let activity = match self.activity {
            b"check" | b"repair" => "check",
            b"recovery" | b"reshape" => "recovering",
            b"resync" => "resync",
            _ if self.is_active => "active",
            _ => "inactive",
        };
        for state in ["active", "check", "inactive", "recovering", "resync"] {
            let labels = [("device", self.name), ("state", state.as_bytes())];
            let value = f64::from(u8::from(state == activity));
            out.gauge(
                "node_md_state",
                "1 for the state that the array is in, 0 for the others",
                &labels,
                value,
            );
        }
        let Some((required, active)) = self.disks else { return };
        let help = RAID_DISKS_REQUIRED.help;
        out.gauge("node_md_disks_required", help, &[("device", self.name)], required as f64);
        for (state, count) in [
            ("active", active as f64),
            ("down", (required - active) as f64),
            ("failed", f64::from(self.failed)),
            ("spare", f64::from(self.spare)),
        ] {
            let labels = [("device", self.name), ("state", state.as_bytes())];
            out.gauge("node_md_disks", "Disks of the array by their state", &labels, count);
        }
    }

    fn put(&self, tags: &str, out: &mut Values) {
        out.put(&RAID_ACTIVE, tags, f64::from(u8::from(self.is_active)));
        if let Some((required, active)) = self.disks {
            out.put(&RAID_DISKS_REQUIRED, tags, required as f64);
            out.put(&RAID_DISKS_ACTIVE, tags, active as f64);
            out.put(&RAID_DISKS_MISSING, tags, (required - active) as f64);
        }
        out.put(&RAID_DISKS_FAILED, tags, f64::from(self.failed));
        out.put(&RAID_DISKS_SPARE, tags, f64::from(self.spare));
        if let Some(progress) = self.progress {
            out.put(&RAID_SYNC_PERCENT, tags, progress);
        }
    }
}

/// The arrays' tags from one reading to the next.
#[derive(Debug, Default)]
pub(crate) struct Raid {
    known: Vec<(Box<[u8]>, String)>,
}

impl Raid {
    /// Puts an array's values; whether there was room for it.
    fn put(&mut self, array: &Array<'_>, seen: &mut usize, out: &mut Values) -> bool {
        *seen += 1;
        let place = *seen - 1;
        if place >= MAX_ARRAYS {
            return false;
        }
        if self.known.get(place).is_none_or(|(name, _)| **name != *array.name) {
            let tags = tag("array", array.name);
            // A name that stands twice counts once.
            if self.known.iter().take(place).any(|(_, known)| *known == tags) {
                *seen -= 1;
                return true;
            }
            self.known.truncate(place);
            self.known.push((array.name.into(), tags));
        }
        if let Some((_, tags)) = self.known.get(place) {
            array.put(tags, out);
        }
        true
    }
}

/// The arrays of a text, each with all of its lines.
fn arrays(text: &[u8], mut each: impl FnMut(&Array<'_>)) {
    let mut current: Option<Array<'_>> = None;
    for line in lines(text).chain(std::iter::once(b"".as_slice())) {
        if line.first().is_some_and(u8::is_ascii_whitespace) {
            if let Some(array) = &mut current {
                array.learn(line);
            }
            continue;
        }
        if let Some(array) = current.take() {
            each(&array);
        }
        current = Array::parse(line);
    }
}

impl Reading for Raid {
    const NAME: &'static str = "raid";
    const LANE: Lane = Lane::Locks;

    fn take(&mut self, text: &[u8], _at: Duration, out: &mut Values) -> Result<(), Fault> {
        let (mut seen, mut left_out) = (0, 0);
        arrays(text, |array| left_out += usize::from(!self.put(array, &mut seen, out)));
        match left_out {
            _ if !text.starts_with(b"Personalities") => Err(Fault::Malformed("expected `Personalities`")),
            0 => Ok(()),
            left_out => Err(Fault::Limit { key: "array", limit: MAX_ARRAYS, left_out }),
        }
    }

    fn expose(&mut self, text: &[u8], out: &mut Exposition) {
        let mut count = 0;
        arrays(text, |array| {
            count += 1;
            if count <= MAX_ARRAYS {
                array.expose(out);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    fn take(text: &str) -> Vec<String> {
        let mut out = Values::default();
        Raid::default().take(text.as_bytes(), Duration::ZERO, &mut out).unwrap();
        values(&out).iter().map(|line| line.replace("raid.", "").replace("disks_", "")).collect()
    }

    #[test]
    fn a_mirror_that_lost_a_disk_and_is_being_rebuilt() {
        let found = take(
            "Personalities : [raid1] [raid6]\nmd127 : active raid1 sdc1[2] sdb1[1](F) sda1[0] sdd1[3](S)\n      \
             1953512448 blocks super 1.2 [2/1] [U_]\n      [==>..................]  recovery = 12.6% (246146560/1953512448) \
             finish=127.5min speed=223145K/sec\n      bitmap: 3/15 pages [12KB], 65536KB chunk\n\nunused devices: <none>\n",
        );
        let expected = [
            "active{array=md127} 1",
            "required{array=md127} 2",
            "active{array=md127} 1",
            "missing{array=md127} 1",
            "failed{array=md127} 1",
            "spare{array=md127} 1",
            "sync_percent{array=md127} 12.6",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn one_without_redundancy_and_one_that_is_stopped() {
        let found = take(
            "Personalities : [raid0]\nmd1 : active raid0 sdb2[1] sda2[0]\n      1000 blocks 64k chunks\n      \n\
             md2 : inactive sdc1[0](S)\n      500 blocks super 1.2\n\nmd3 : active (auto-read-only) raid1 sdd1[0] sde1[1]\n      \
             9 blocks [2/2] [UU]\n      \tresync=PENDING\n\nunused devices: <none>\n",
        );
        let has = |line: &str| assert!(found.iter().any(|found| found == line), "{line} is not in {found:?}");
        has("required{array=md1} 2");
        has("missing{array=md1} 0");
        has("active{array=md2} 0");
        has("spare{array=md2} 1");
        has("missing{array=md3} 0");
        has("sync_percent{array=md3} 0");
        let is_of_other = |line: &String| {
            line.starts_with("sync_percent{array=md1}") || line.starts_with("required{array=md2}")
        };
        assert!(!found.iter().any(is_of_other), "{found:?}");
    }

    #[test]
    fn one_that_broke_does_not_vanish() {
        let text = "Personalities : [raid0] [raid1]\nmd0 : broken raid0 sdb1[1] sda1[0]\n      1000 blocks 64k chunks\n\n\
                    md1 : active raid1 sdd1[1] sdc1[0]\n      9 blocks [2/2] [UU]\n      \tresync=DELAYED\n\n\
                    md2 : suspended raid1 sde1[0]\n\nmd3 : active raid1 sdg1[1] sdf1[0]\n      9 blocks [2/2] [UU]\n      \
                    \tresync=REMOTE\n\nunused devices: <none>\n";
        let found = take(text);
        let has = |line: &str| assert!(found.iter().any(|found| found == line), "{line} is not in {found:?}");
        has("active{array=md0} 0");
        has("active{array=md2} 0");
        has("sync_percent{array=md1} 0");
        assert!(!found.iter().any(|line| line.starts_with("sync_percent{array=md3}")), "{found:?}");
        let mut out = Exposition::default();
        Raid::default().expose(text.as_bytes(), &mut out);
        for series in [
            "node_md_state{device=\"md0\",state=\"inactive\"} 1",
            "node_md_state{device=\"md1\",state=\"resync\"} 1",
            "node_md_state{device=\"md3\",state=\"resync\"} 1",
        ] {
            assert!(out.text().contains(series), "{series} is not in {}", out.text());
        }
    }

    #[test]
    fn no_arrays_are_no_error_and_no_such_text_is_one() {
        assert_eq!(take("Personalities : \nunused devices: <none>\n"), [""; 0]);
        assert!(
            Raid::default().take(b"md0 : active raid1\n", Duration::ZERO, &mut Values::default()).is_err()
        );
    }

    #[test]
    fn arrays_beyond_the_limit_are_said() {
        let arrays: Vec<_> =
            (0..30).map(|n| format!("md{n} : active raid1 sda[0]\n      9 blocks [1/1] [U]\n")).collect();
        let arrays = arrays.concat();
        let text = format!("Personalities : [raid1]\n{arrays}");
        let mut out = Values::default();
        let result = Raid::default().take(text.as_bytes(), Duration::ZERO, &mut out);
        assert!(matches!(result, Err(Fault::Limit { left_out: 6, .. })), "{result:?}");
    }
}
