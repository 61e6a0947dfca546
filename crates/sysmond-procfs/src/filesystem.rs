//! Space and inodes of each file system, as `df` shows them.
//!
//! The table of mounts comes from `/proc/self/mountinfo`, the figures from `statvfs` of each mount below the root
//! directory that was given. `statvfs` can block for ever, as that of an NFS mount whose server is gone: file systems
//! of other machines are left to [`crate::remote`].

use crate::exposition::Exposition;
use crate::file_source::{Fault, ProcFile};
use crate::mounts::{self, Mount};
use crate::source::{Lane, Roots, Source, SourceError, Values};
use crate::table::tag;
use rustix::fs::{FileType, StatVfs, StatVfsMountFlags, major, minor, stat, statvfs};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use sysmond_model::catalogue::{
    DISK_AVAILABLE_BYTES, DISK_INODES_TOTAL, DISK_INODES_USAGE_PERCENT, DISK_INODES_USED, DISK_READ_ONLY,
    DISK_TOTAL_BYTES, DISK_USAGE_PERCENT, DISK_USED_BYTES,
};

/// File systems that are measured, of eight series each: more than a host has disks to put them on.
pub(crate) const MAX_MOUNTS: usize = 64;

/// All file systems of the host.
#[derive(Debug)]
pub(crate) struct FileSystems {
    file: ProcFile,
    rootfs: PathBuf,
    /// The table that `places` were chosen from: it seldom changes.
    table: Vec<u8>,
    places: Vec<Place>,
    left_out: usize,
}

/// Where a file system is measured.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    tags: String,
    mount: Mount,
}

impl FileSystems {
    pub(crate) fn new(roots: &Roots) -> Self {
        Self {
            file: ProcFile::first_of(roots.of_host("mountinfo")),
            rootfs: roots.rootfs.clone(),
            table: Vec::new(),
            places: Vec::new(),
            left_out: 0,
        }
    }

    /// Chooses places anew where the table of mounts is another one.
    fn list(&mut self) -> Result<(), SourceError> {
        let table = self.file.read()?;
        if table != self.table {
            self.table.clear();
            self.table.extend_from_slice(table);
            self.places = places(table, &self.rootfs);
            self.left_out = self.places.len().saturating_sub(MAX_MOUNTS);
            self.places.truncate(MAX_MOUNTS);
        }
        Ok(())
    }
}

impl Source for FileSystems {
    fn name(&self) -> &'static str {
        "filesystem"
    }

    fn lane(&self) -> Lane {
        Lane::Storage
    }

    /// A file system that cannot be measured does not stop the others; the first error is the answer.
    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        self.list()?;
        let mut result = Ok(());
        for place in &self.places {
            result = result.and(measure(place, out));
        }
        result?;
        if !mounts::is_table(&self.table) {
            return Err(Fault::Malformed("expected the table of mounts").of(self.file.path()));
        }
        match self.left_out {
            0 => Ok(()),
            left_out => Err(Fault::Limit { key: "mount", limit: MAX_MOUNTS, left_out }.of(self.file.path())),
        }
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        self.list()?;
        for place in &self.places {
            match statvfs(&place.path) {
                Err(Errno::NOENT) => {}
                status => expose(&place.mount, status.ok().as_ref(), out),
            }
        }
        Ok(())
    }
}

/// What a file system is of Prometheus' names; `status` is nothing where it did not answer.
pub(crate) fn expose(mount: &Mount, status: Option<&StatVfs>, out: &mut Exposition) {
    let labels = [("device", &*mount.source), ("fstype", &*mount.kind), ("mountpoint", &*mount.point)];
    let is_broken = f64::from(u8::from(status.is_none()));
    let help = "1 where the file system did not say what it holds, 0 where it did";
    out.gauge("node_filesystem_device_error", help, &labels, is_broken);
    let Some(status) = status else { return };
    let bytes = |blocks: u64| blocks.saturating_mul(status.f_frsize) as f64;
    let is_read_only = status.f_flag.contains(StatVfsMountFlags::RDONLY);
    for (name, help, value) in [
        ("node_filesystem_size_bytes", DISK_TOTAL_BYTES.help, bytes(status.f_blocks)),
        (
            "node_filesystem_free_bytes",
            "Space that nothing takes, with what is kept for root",
            bytes(status.f_bfree),
        ),
        ("node_filesystem_avail_bytes", DISK_AVAILABLE_BYTES.help, bytes(status.f_bavail)),
        ("node_filesystem_files", DISK_INODES_TOTAL.help, status.f_files as f64),
        ("node_filesystem_files_free", "Inodes that nothing takes", status.f_ffree as f64),
        ("node_filesystem_readonly", DISK_READ_ONLY.help, f64::from(u8::from(is_read_only))),
    ] {
        out.gauge(name, help, &labels, value);
    }
}

/// One place for each file system of the table that can be seen below `rootfs`.
fn places(table: &[u8], rootfs: &Path) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for group in mounts::choose(table) {
        let seen = group.iter().find_map(|mount| {
            let path = below(rootfs, &mount.point);
            let tags = tag("mount", &mount.point);
            is_visible(mount, &path).then(|| Place { path, tags, mount: mount.clone() })
        });
        // Paths that differ only in bytes that no tag can hold would be one series with two values: the first keeps it.
        places.extend(seen.filter(|new| !places.iter().any(|place| place.tags == new.tags)));
    }
    places
}

pub(crate) fn below(rootfs: &Path, point: &[u8]) -> PathBuf {
    let point = point.strip_prefix(b"/").unwrap_or(point);
    if point.is_empty() { rootfs.to_owned() } else { rootfs.join(OsStr::from_bytes(point)) }
}

/// Whether the mount is what stands at its path: it may be hidden by another, be missing from the root directory that
/// was given, or be closed to this user. A mounted file, as containers have `/etc/hosts`, is no place for a file
/// system.
fn is_visible(mount: &Mount, path: &Path) -> bool {
    match stat(path) {
        Ok(status) => {
            let device = (major(status.st_dev), minor(status.st_dev));
            let is_directory = FileType::from_raw_mode(status.st_mode).is_dir();
            is_directory && (mount.is_root() || !mount.one_device || device == mount.device)
        }
        Err(Errno::NOENT | Errno::ACCESS | Errno::NOTDIR | Errno::LOOP | Errno::PERM) => false,
        // A broken one is measured, and that error is told.
        Err(_) => true,
    }
}

fn measure(place: &Place, out: &mut Values) -> Result<(), SourceError> {
    match statvfs(&place.path) {
        Ok(status) => {
            put(&status, &place.tags, out);
            Ok(())
        }
        // Unmounted this moment.
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(SourceError::io(place.path.as_path(), errno)),
    }
}

/// The figures of `df`: what is reserved for the administrator is neither used nor available.
pub(crate) fn put(status: &StatVfs, tags: &str, out: &mut Values) {
    let bytes = |blocks: u64| blocks.saturating_mul(status.f_frsize);
    let used = bytes(status.f_blocks.saturating_sub(status.f_bfree));
    let available = bytes(status.f_bavail);
    if status.f_blocks > 0 {
        out.put(&DISK_TOTAL_BYTES, tags, bytes(status.f_blocks) as f64);
        out.put(&DISK_USED_BYTES, tags, used as f64);
        out.put(&DISK_AVAILABLE_BYTES, tags, available as f64);
        let usable = used.saturating_add(available);
        if usable > 0 {
            out.put(&DISK_USAGE_PERCENT, tags, 100.0 * used as f64 / usable as f64);
        }
    }
    // btrfs and others make inodes as they need them and say 0.
    if status.f_files > 0 {
        out.put(&DISK_INODES_TOTAL, tags, status.f_files as f64);
        let used = status.f_files.saturating_sub(status.f_ffree);
        out.put(&DISK_INODES_USED, tags, used as f64);
        out.put(&DISK_INODES_USAGE_PERCENT, tags, 100.0 * used as f64 / status.f_files as f64);
    }
    let is_read_only = status.f_flag.contains(StatVfsMountFlags::RDONLY);
    out.put(&DISK_READ_ONLY, tags, f64::from(u8::from(is_read_only)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{value, values};
    use std::fs;

    struct Host(tempfile::TempDir);

    impl Host {
        /// A host whose mounts are given as `root point type` lines, all of the file system that the test runs on.
        fn new(table: &str) -> Self {
            let host = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(host.0.path().join("proc/self")).unwrap();
            host.mount(table);
            host
        }

        fn mount(&self, table: &str) {
            let device = stat(self.0.path()).unwrap().st_dev;
            let (major, minor) = (major(device), minor(device));
            let text: String =
                table.lines().map(|line| mount_line(&format!("{major}:{minor}"), line)).collect();
            fs::write(self.0.path().join("proc/self/mountinfo"), text).unwrap();
        }

        fn source(&self) -> FileSystems {
            let dir = self.0.path();
            FileSystems::new(&Roots { procfs: dir.join("proc"), sysfs: dir.join("sys"), rootfs: dir.into() })
        }
    }

    fn mount_line(device: &str, line: &str) -> String {
        let [root, point, kind] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
        format!("1 2 {device} {root} {point} rw - {kind} /dev/x rw\n")
    }

    fn mounts(source: &mut FileSystems) -> Vec<String> {
        let mut out = Values::default();
        source.read(Duration::ZERO, &mut out).unwrap();
        let totals = out.iter().filter(|(metric, ..)| metric.name == "disk.total_bytes");
        totals.map(|(_, tags, _)| tags.to_owned()).collect()
    }

    #[test]
    fn figures_are_those_of_df() {
        let status = StatVfs {
            f_bsize: 4096,
            f_frsize: 1024,
            f_blocks: 1000,
            f_bfree: 400,
            f_bavail: 200,
            f_files: 50,
            f_ffree: 20,
            f_favail: 20,
            f_fsid: 0,
            f_flag: StatVfsMountFlags::empty(),
            f_namemax: 255,
        };
        let mut out = Values::default();
        put(&status, "mount=/", &mut out);
        let expected = [
            "disk.total_bytes{mount=/} 1024000",
            "disk.used_bytes{mount=/} 614400",
            "disk.available_bytes{mount=/} 204800",
            "disk.usage_percent{mount=/} 75",
            "disk.inodes_total{mount=/} 50",
            "disk.inodes_used{mount=/} 30",
            "disk.inodes_usage_percent{mount=/} 60",
            "disk.read_only{mount=/} 0",
        ];
        assert_eq!(values(&out), expected);
        out.clear();
        let f_flag = StatVfsMountFlags::RDONLY;
        put(&StatVfs { f_blocks: 0, f_files: 0, f_flag, ..status }, "mount=/", &mut out);
        assert_eq!(values(&out), ["disk.read_only{mount=/} 1"]);
    }

    #[test]
    fn one_place_a_file_system_and_only_where_it_is() {
        let host = Host::new("/x /hosts ext4\n/ /not-there ext4\n/y /da\\040ta ext4");
        fs::write(host.0.path().join("hosts"), "a file").unwrap();
        fs::create_dir(host.0.path().join("da ta")).unwrap();
        assert_eq!(mounts(&mut host.source()), ["mount=/da ta"]);
    }

    #[test]
    fn the_table_is_followed() {
        let host = Host::new("/ / ext4");
        let mut source = host.source();
        assert_eq!(mounts(&mut source), ["mount=/"]);
        fs::create_dir(host.0.path().join("data")).unwrap();
        host.mount("/ /data ext4");
        assert_eq!(mounts(&mut source), ["mount=/data"]);
    }

    #[test]
    fn a_mount_that_something_else_hides_is_left_out() {
        let host = Host::new("/ / ext4");
        fs::create_dir(host.0.path().join("data")).unwrap();
        let hidden = mount_line("4095:1", "/ /data ext4");
        fs::write(host.0.path().join("proc/self/mountinfo"), hidden).unwrap();
        assert_eq!(mounts(&mut host.source()), [""; 0]);
        let subvolume = mount_line("4095:1", "/@ /data btrfs");
        fs::write(host.0.path().join("proc/self/mountinfo"), subvolume).unwrap();
        assert_eq!(mounts(&mut host.source()), ["mount=/data"]);
    }

    #[test]
    fn what_is_no_table_is_malformed() {
        let host = Host::new("");
        let error = host.source().read(Duration::ZERO, &mut Values::default()).unwrap_err();
        assert!(matches!(error, SourceError::Malformed { .. }), "{error}");
    }

    #[test]
    fn more_than_the_limit_is_said() {
        let host = Host::new("/ / ext4");
        let table: String = (0..MAX_MOUNTS + 2)
            .map(|n| {
                fs::create_dir(host.0.path().join(n.to_string())).unwrap();
                mount_line(&format!("4095:{n}"), &format!("/ /{n} btrfs"))
            })
            .collect();
        fs::write(host.0.path().join("proc/self/mountinfo"), table).unwrap();
        let mut out = Values::default();
        let error = host.source().read(Duration::ZERO, &mut out).unwrap_err();
        assert!(matches!(error, SourceError::Limit { left_out: 2, .. }), "{error}");
        assert_ne!(value(&values(&out), "disk.total_bytes{mount=/63}"), "0");
    }
}
