//! Whether the kernel hides other users' processes from this one: `hidepid` where `/proc` is mounted, or a policy.

use super::open;
use crate::source::SourceError;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The process that every system and every container has.
const FIRST: u32 = 1;

/// What a walk was not shown.
#[derive(Clone, Debug, Default)]
pub(super) enum Hidden {
    /// Nothing.
    #[default]
    Nothing,
    /// Some processes, while the first one is shown: what is counted is what this user can see.
    Some(SourceError),
    /// All but this user's own: counts of those would be told as the host's.
    Others(SourceError),
}

impl Hidden {
    /// After a walk that was refused so many processes.
    pub(super) fn after(dir: &OwnedFd, procfs: &Path, refused: usize) -> Self {
        let denied = |reason: String| {
            SourceError::io(procfs.join("PID/stat"), io::Error::new(io::ErrorKind::PermissionDenied, reason))
        };
        if hides_first(dir) {
            return Self::Others(denied(
                "other users' processes are hidden from this user (hidepid): give it the group that the \
                 mount of /proc names with gid=, or no process can be counted"
                    .to_owned(),
            ));
        }
        match refused {
            0 => Self::Nothing,
            refused => Self::Some(denied(format!("{refused} processes are hidden from this user"))),
        }
    }
}

/// Whether a process is there and not shown; one that ended meanwhile is not.
pub(super) fn is_refused(dir: &OwnedFd, pid: u32) -> bool {
    matches!(open(dir, pid, "stat"), Err(Errno::ACCESS | Errno::PERM))
}

/// The first process cannot be gone: where it is missing and this process is there, it is hidden. A copy of `/proc` in
/// plain files may have neither.
fn hides_first(dir: &OwnedFd) -> bool {
    match open(dir, FIRST, "stat") {
        Err(Errno::ACCESS | Errno::PERM) => true,
        Err(Errno::NOENT) => {
            openat(dir, c"self/stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).is_ok()
        }
        _ => false,
    }
}
