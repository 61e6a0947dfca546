//! Which mounts of `/proc/<pid>/mountinfo` are file systems whose space a person cares for.

use crate::text::{fields, lines, number};
use std::collections::HashMap;

/// Never measured, except as the root of the host. Sorted.
///
/// - what the kernel shows as files, which has no space: `proc`, `sysfs`, `cgroup` …
/// - what is in memory and has no size of its own: `devtmpfs`, `ramfs`; of `tmpfs` see [`OF_THE_SYSTEM`]
/// - images that are full by nature: `squashfs`, `iso9660`, `erofs` …
/// - layers over file systems that are measured themselves: `overlay`, `aufs`, `ecryptfs` …
/// - other machines' space: `nfs`, `cifs`, `ceph` … Asking for it can block for ever where that machine is gone: see
///   [`remote`].
const NOT_MEASURED: &[&[u8]] = &[
    b"9p",
    b"acfs",
    b"afs",
    b"aufs",
    b"autofs",
    b"beegfs",
    b"binder",
    b"binfmt_misc",
    b"bpf",
    b"ceph",
    b"cgroup",
    b"cgroup2",
    b"cifs",
    b"coda",
    b"configfs",
    b"cpuset",
    b"cramfs",
    b"curlftpfs",
    b"davfs",
    b"debugfs",
    b"devfs",
    b"devpts",
    b"devtmpfs",
    b"ecryptfs",
    b"efivarfs",
    b"erofs",
    b"fdescfs",
    b"fuse",
    b"fusectl",
    b"gfs",
    b"gfs2",
    b"glusterfs",
    b"gpfs",
    b"guest_memfd",
    b"hugetlbfs",
    b"ibmasmfs",
    b"iso9660",
    b"lustre",
    b"mqueue",
    b"ncpfs",
    b"nfs",
    b"nfs4",
    b"nfsd",
    b"none",
    b"nsfs",
    b"nullfs",
    b"ocfs2",
    b"orangefs",
    b"overlay",
    b"panfs",
    b"pidfs",
    b"pipefs",
    b"proc",
    b"pstore",
    b"pvfs2",
    b"ramfs",
    b"resctrl",
    b"romfs",
    b"rootfs",
    b"rpc_pipefs",
    b"securityfs",
    b"selinuxfs",
    b"smackfs",
    b"smb3",
    b"smbfs",
    b"sockfs",
    b"spufs",
    b"squashfs",
    b"sysfs",
    b"tracefs",
    b"udf",
    b"unionfs",
    b"usbdevfs",
    b"usbfs",
    b"virtiofs",
    b"wekafs",
    b"xenfs",
];

/// Below these a `tmpfs` is the system's own, of which there are many and which nobody fills by hand; elsewhere, as at
/// `/tmp`, one that is full stops programs as a full disk does.
const OF_THE_SYSTEM: [&[u8]; 7] =
    [b"/dev", b"/proc", b"/run", b"/sys", b"/var/lib/containers", b"/var/lib/docker", b"/var/lib/kubelet"];
const IN_MEMORY: &[u8] = b"tmpfs";

/// Programs that show something as a file system (`fuse.sshfs`, `fuse.rclone`, `fuse.lxcfs` …) are other machines,
/// layers or no space at all. A local disk served by a program, such as one of `ntfs-3g`, is a `fuseblk`.
const BY_A_PROGRAM: &[u8] = b"fuse.";

/// Space of other machines, of which a host is interested in what is left. Sorted.
const REMOTE: &[&[u8]] = &[
    b"9p",
    b"afs",
    b"beegfs",
    b"ceph",
    b"cifs",
    b"fuse.glusterfs",
    b"fuse.rclone",
    b"fuse.s3fs",
    b"fuse.sshfs",
    b"glusterfs",
    b"gpfs",
    b"lustre",
    b"nfs",
    b"nfs4",
    b"smb3",
    b"smbfs",
];

/// Their directories have other device numbers than their mounts.
const WITH_SUBVOLUMES: [&[u8]; 2] = [b"btrfs", b"bcachefs"];

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Major and minor number: the same for all mounts of one file system.
    pub(crate) device: (u32, u32),
    /// Whether all of the file system is mounted here, not a directory of it.
    pub(crate) entire: bool,
    /// Where, as any bytes, from the root of the host.
    pub(crate) point: Vec<u8>,
    /// Whether a directory of it has the device number of the mount.
    pub(crate) one_device: bool,
    /// What is mounted: `/dev/sda1`.
    pub(crate) source: Vec<u8>,
    /// What kind of file system it is: `ext4`.
    pub(crate) kind: Vec<u8>,
}

impl Mount {
    /// Whether it is the root of the host.
    pub(crate) fn is_root(&self) -> bool {
        self.point == b"/"
    }
}

/// The mounts to measure: one group per file system, in the order of the table, in each group the best place first:
/// the root, then where the file system is mounted as a whole, then where the path is short. Those in memory come last:
/// where there are many, they take no disk's place. What is below a mount that can hang is left to [`remote`].
pub(crate) fn choose(text: &[u8]) -> Vec<Vec<Mount>> {
    let table = Table::parse(text);
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<Mount>> = Vec::new();
    for entry in table.entries.iter().filter(|entry| entry.is_measured() && table.above(entry).is_none()) {
        let place = *places.entry(entry.device).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(entry.mount()),
            None => groups.push(vec![entry.mount()]),
        }
    }
    for group in &mut groups {
        group.sort_by_key(|mount| (!mount.is_root(), !mount.entire, mount.point.len()));
    }
    groups.sort_by_key(|group| group.iter().all(|mount| mount.kind == IN_MEMORY && !mount.is_root()));
    groups
}

/// Where file systems of other machines are mounted, once each, in the order of the table, and after them what is
/// mounted below such a place: the way there leads through the other machine, and hangs with it.
pub(crate) fn remote(text: &[u8]) -> Vec<Mount> {
    let table = Table::parse(text);
    let entries = table.entries.iter();
    let is_remote = |entry: &&Entry<'_>| REMOTE.binary_search(&entry.kind).is_ok() && entry.point != b"/";
    // One that was there before what can hang is hidden by it.
    let is_behind = |(index, entry): &(usize, &Entry<'_>)| {
        let is_elsewhere = |other: &Entry<'_>| {
            other.device == entry.device && other.is_measured() && table.above(other).is_none()
        };
        let is_below = entry.is_measured() && table.above(entry).is_some_and(|place| place < *index);
        is_below && !table.entries.iter().any(is_elsewhere)
    };
    let behind = entries.clone().enumerate().filter(is_behind).map(|(_, entry)| entry);
    let mut found: Vec<Mount> = Vec::new();
    for entry in entries.filter(is_remote).chain(behind) {
        if found.iter().all(|known| known.device != entry.device) {
            found.push(entry.mount());
        }
    }
    found
}

/// The mounts in their order, without those that a later one on the same place hides.
struct Table<'a> {
    entries: Vec<Entry<'a>>,
    /// Which of them can hang, and where they are.
    hanging: Vec<(usize, &'a [u8])>,
}

impl<'a> Table<'a> {
    fn parse(text: &'a [u8]) -> Self {
        let mut last = HashMap::new();
        for (index, entry) in lines(text).filter_map(Entry::parse).enumerate() {
            last.insert(entry.point, (index, entry));
        }
        let mut entries: Vec<_> = last.into_values().collect();
        entries.sort_unstable_by_key(|(index, _)| *index);
        let entries: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
        let can_hang = entries.iter().enumerate().filter(|(_, entry)| entry.can_hang());
        let hanging = can_hang.map(|(index, entry)| (index, entry.point)).collect();
        Self { entries, hanging }
    }

    /// The place of the last mount that can hang and that `entry` is below of.
    fn above(&self, entry: &Entry<'_>) -> Option<usize> {
        let found = self.hanging.iter().rev().find(|(_, point)| is_below(entry.point, point));
        found.map(|(index, _)| *index)
    }
}

/// Whether `point` is a place below `folder`, which is no root.
fn is_below(point: &[u8], folder: &[u8]) -> bool {
    point.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

/// Whether the text is such a table at all.
pub(crate) fn is_table(text: &[u8]) -> bool {
    lines(text).any(|line| Entry::parse(line).is_some())
}

/// A line: `36 35 98:0 /root /point options [optional fields] - type source options`.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    device: (u32, u32),
    root: &'a [u8],
    point: &'a [u8],
    kind: &'a [u8],
    source: &'a [u8],
    is_read_only: bool,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut columns = fields(line).skip(2);
        let device = device(columns.next()?)?;
        let root = columns.next()?;
        let point = columns.next().filter(|point| point.starts_with(b"/"))?;
        let is_read_only = columns.next()?.split(|byte| *byte == b',').any(|option| option == b"ro");
        columns.by_ref().find(|column| *column == b"-")?;
        let (kind, source) = (columns.next()?, columns.next().unwrap_or_default());
        Some(Self { device, root, point, kind, source, is_read_only })
    }

    fn is_measured(&self) -> bool {
        let is_of = |folder: &&[u8]| self.point == *folder || is_below(self.point, folder);
        let excluded = self.kind.starts_with(BY_A_PROGRAM)
            || NOT_MEASURED.binary_search(&self.kind).is_ok()
            // One that nobody can write to cannot become full.
            || (self.kind == IN_MEMORY && (self.is_read_only || OF_THE_SYSTEM.iter().any(is_of)));
        !excluded || self.point == b"/"
    }

    /// Whether the way through it can take for ever. Where that is the root, so can everything.
    fn can_hang(&self) -> bool {
        let is_served = self.kind.starts_with(BY_A_PROGRAM) || REMOTE.binary_search(&self.kind).is_ok();
        is_served && self.point != b"/"
    }

    fn mount(&self) -> Mount {
        Mount {
            device: self.device,
            entire: self.root == b"/",
            point: unescape(self.point),
            one_device: !WITH_SUBVOLUMES.contains(&self.kind),
            source: unescape(self.source),
            kind: self.kind.to_vec(),
        }
    }
}

fn device(field: &[u8]) -> Option<(u32, u32)> {
    let (major, minor) = crate::text::split_once(field, b':')?;
    Some((number(major)?.try_into().ok()?, number(minor)?.try_into().ok()?))
}

/// The kernel writes white space, `#` and a backslash as `\` and three octal digits.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let (decoded, after) = octal(rest).unwrap_or((*byte, after));
        out.push(decoded);
        rest = after;
    }
    out
}

fn octal(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] = text else { return None };
    Some((((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first choice of each file system in a table given as `device root point type` lines.
    fn chosen(table: &str) -> Vec<String> {
        let line = |line: &str| {
            let [device, root, point, kind] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            format!("1 2 {device} {root} {point} rw shared:1 - {kind} /dev/x rw\n")
        };
        let text: String = table.lines().map(line).collect();
        choose(text.as_bytes())
            .iter()
            .map(|group| String::from_utf8_lossy(&group[0].point).into_owned())
            .collect()
    }

    #[test]
    fn the_list_is_sorted() {
        assert!(NOT_MEASURED.is_sorted() && REMOTE.is_sorted());
    }

    #[test]
    fn file_systems_of_other_machines_are_told_apart() {
        let text = b"1 2 0:40 / /mnt/a\\040b rw - nfs4 srv:/a rw\n1 2 0:40 / /again rw - nfs4 srv:/a rw\n\
                     1 2 8:1 / / rw - ext4 /dev/x rw\n1 2 0:41 / /hidden rw - cifs //srv/c rw\n\
                     1 2 8:2 / /hidden rw - ext4 /dev/y rw\n1 2 0:42 / /ssh rw - fuse.sshfs srv: rw\n";
        let points: Vec<_> = remote(text).into_iter().map(|mount| mount.point).collect();
        assert_eq!(points, [b"/mnt/a b".to_vec(), b"/ssh".to_vec()]);
        assert!(choose(text).iter().flatten().all(|mount| !mount.point.starts_with(b"/mnt")));
    }

    #[test]
    fn what_has_no_space_of_its_own_is_left_out() {
        let table = "0:20 / /proc proc\n0:21 / /run tmpfs\n0:22 / /mnt/nfs nfs4\n0:23 / /mnt/ssh fuse.sshfs\n\
                     7:1 / /snap/core squashfs\n0:24 / /var/lib/docker/overlay2/x/merged overlay\n0:25 / /dev devtmpfs\n\
                     8:1 / / ext4\n8:17 / /mnt/win fuseblk\n8:33 / /boot/efi vfat";
        assert_eq!(chosen(table), ["/", "/mnt/win", "/boot/efi"]);
    }

    #[test]
    fn memory_is_measured_where_people_fill_it_and_after_the_disks() {
        let table = "0:30 / /tmp tmpfs\n0:31 / /run/user/0 tmpfs\n0:32 / /dev/shm tmpfs\n0:33 / /runner tmpfs\n\
                     0:34 / /var/lib/kubelet/pods/1/volumes/kubernetes.io~projected/token tmpfs\n8:1 / / ext4";
        assert_eq!(chosen(table), ["/", "/tmp", "/runner"]);
        assert_eq!(chosen("0:30 / / tmpfs\n8:1 / /data ext4"), ["/", "/data"]);
        let closed = b"1 2 0:30 / /closed ro,nosuid - tmpfs tmpfs rw\n1 2 8:1 / /disk ro - ext4 /dev/x rw\n";
        assert_eq!(choose(closed).iter().map(|group| &*group[0].point).collect::<Vec<_>>(), [b"/disk"]);
    }

    #[test]
    fn what_is_below_another_machines_mount_is_asked_as_that_is() {
        let local = |before: &str, after: &str| {
            format!(
                "1 2 8:1 / / rw - ext4 /dev/x rw\n{before}1 2 0:40 / /nfs rw - nfs4 srv:/a rw\n{after}\
                 1 2 8:4 / /nfs2 rw - ext4 /dev/w rw\n"
            )
        };
        let check = |table: String, own: &[&[u8]], others: &[&[u8]]| {
            let chosen: Vec<_> =
                choose(table.as_bytes()).into_iter().map(|group| group[0].point.clone()).collect();
            assert_eq!(chosen, own, "{table}");
            let remote: Vec<_> = remote(table.as_bytes()).into_iter().map(|mount| mount.point).collect();
            assert_eq!(remote, others, "{table}");
        };
        let disk = "1 2 8:2 / /nfs/local rw - ext4 /dev/y rw\n";
        check(local("", disk), &[b"/", b"/nfs2"], &[b"/nfs", b"/nfs/local"]);
        // Mounted before, it is hidden.
        check(local(disk, ""), &[b"/", b"/nfs2"], &[b"/nfs"]);
        // Measured where the way is free.
        let twice = format!("{disk}1 2 8:2 / /free rw - ext4 /dev/y rw\n");
        check(local("", &twice), &[b"/", b"/free", b"/nfs2"], &[b"/nfs"]);
        // On a root of another machine everything is.
        let root = "1 2 0:40 / / rw - nfs4 srv:/a rw\n1 2 8:2 / /local rw - ext4 /dev/y rw\n";
        check(root.to_owned(), &[b"/", b"/local"], &[]);
    }

    #[test]
    fn the_root_is_measured_whatever_it_is() {
        assert_eq!(chosen("0:50 / / overlay\n0:51 / /sys/firmware tmpfs"), ["/"]);
        assert_eq!(chosen("0:2 / / rootfs\n8:1 / / ext4"), ["/"]);
    }

    #[test]
    fn a_file_system_counts_once_at_its_best_place() {
        assert_eq!(chosen("8:1 /srv /a ext4\n8:1 / /data/long ext4\n8:1 /x /b ext4"), ["/data/long"]);
        assert_eq!(chosen("0:30 / /pool btrfs\n0:30 /@ / btrfs\n0:30 /@home /home btrfs"), ["/"]);
        assert_eq!(chosen("8:2 /volumes/a /data ext4\n8:2 /volumes/a /d ext4"), ["/d"]);
    }

    #[test]
    fn the_last_mount_of_a_place_is_the_one_there() {
        assert_eq!(chosen("8:1 / / ext4\n8:2 / /mnt ext4\n0:9 / /mnt proc"), ["/"]);
        assert_eq!(chosen("8:2 / /mnt ext4\n8:3 / /mnt xfs"), ["/mnt"]);
    }

    #[test]
    fn names_are_decoded() {
        let check = |text: &str, expected: &[u8]| assert_eq!(unescape(text.as_bytes()), expected, "{text}");
        check(r"/a\040b\011c\012d\134e\043f", b"/a b\tc\nd\\e#f");
        check(r"/a\04", br"/a\04");
        check(r"/\400", br"/\400");
        check(r"/\377", b"/\xff");
    }

    #[test]
    fn what_is_no_line_is_passed_over() {
        for text in [
            "",
            "1 2 8:1 / / rw - ",
            "1 2 8:1 / / rw ext4 x",
            "1 2 8 / / rw - ext4 x",
            "1 2 8:1 / mnt rw - ext4",
        ] {
            assert!(!is_table(text.as_bytes()), "{text}");
        }
        assert!(is_table(b"1 2 8:1 / / rw - ext4  rw"));
    }

    proptest! {
        #[test]
        fn a_name_survives_the_kernels_escapes(name in proptest::collection::vec(any::<u8>(), 0..40)) {
            let escape = |byte: &u8| match byte {
                b' ' | b'\t' | b'\n' | b'\\' | b'#' => format!("\\{byte:03o}").into_bytes(),
                other => vec![*other],
            };
            let escaped: Vec<u8> = name.iter().flat_map(escape).collect();
            prop_assert_eq!(unescape(&escaped), name);
        }
    }
}
