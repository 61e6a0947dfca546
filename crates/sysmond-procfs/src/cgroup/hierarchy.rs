//! The trees of control groups: one of version 2, or one for each controller of version 1.

use super::figures::{flat, io, io_v1, limit, single};
use super::names;
use crate::file_source::Fault;
use crate::listing::{names as list, open_dir};
use crate::source::{Roots, SourceError};
use rustix::fs::{CWD, FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Groups that are looked at: a host of a hundred containers has some hundred.
const MAX_GROUPS: usize = 4096;
/// How deep it is looked:
/// `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod….slice/cri-containerd-….scope` has four.
const MAX_DEPTH: usize = 7;
const LIST_BYTES: usize = 4096;
/// What most files need; `io.stat` of a host with hundreds of disks has more.
const FILE_BYTES: usize = 16 * 1024;
/// A line of 100 bytes for each of ten thousand devices.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// What a group says at one moment; what its controllers do not count is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) cpu_micros: Option<u64>,
    pub(super) periods: Option<u64>,
    pub(super) throttled: Option<u64>,
    pub(super) memory: Option<u64>,
    pub(super) memory_limit: Option<u64>,
    pub(super) oom_kills: Option<u64>,
    pub(super) read_bytes: Option<u64>,
    pub(super) write_bytes: Option<u64>,
    pub(super) tasks: Option<u64>,
}

/// The trees and what is needed to read them without an allocation.
#[derive(Debug)]
pub(super) struct Hierarchy {
    path: PathBuf,
    trees: Trees,
    stacked: Vec<u64>,
    lists: Vec<List>,
    file: Vec<u8>,
    name: Vec<u8>,
    /// Where a walk is.
    place: Vec<u8>,
}

type List = [MaybeUninit<u8>; LIST_BYTES];

#[derive(Debug)]
enum Trees {
    Two(OwnedFd),
    One(One),
}

/// Those of version 1, as far as they are mounted.
#[derive(Debug)]
struct One {
    /// systemd's own, which has all services whether they are measured or not.
    systemd: Option<OwnedFd>,
    cpuacct: Option<OwnedFd>,
    cpu: Option<OwnedFd>,
    memory: Option<OwnedFd>,
    blkio: Option<OwnedFd>,
    pids: Option<OwnedFd>,
}

impl Hierarchy {
    /// Finds what is mounted below `/sys/fs/cgroup`.
    pub(super) fn find(roots: &Roots, stacked: Vec<u64>) -> Result<Self, SourceError> {
        let path = roots.sysfs.join("fs/cgroup");
        let open = |names: &[&str]| names.iter().find_map(|name| open_dir(CWD, path.join(name)).ok());
        let one = || One {
            systemd: open(&["systemd"]),
            cpuacct: open(&["cpuacct", "cpu,cpuacct"]),
            cpu: open(&["cpu", "cpu,cpuacct"]),
            memory: open(&["memory"]),
            blkio: open(&["blkio"]),
            pids: open(&["pids"]),
        };
        let trees = if path.join("cgroup.controllers").exists() {
            Trees::Two(open_dir(CWD, &path).map_err(|errno| SourceError::io(path.as_path(), errno))?)
        } else {
            Trees::One(one())
        };
        if let Trees::One(One { systemd: None, cpuacct: None, memory: None, .. }) = trees {
            return Err(SourceError::Absent { path: path.into(), reason: "no control groups" });
        }
        let lists = vec![[MaybeUninit::uninit(); LIST_BYTES]; MAX_DEPTH];
        Ok(Self {
            path,
            trees,
            stacked,
            lists,
            file: vec![0; FILE_BYTES],
            name: Vec::new(),
            place: Vec::new(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Shows the path of each group to `visit`, which says whether to look below it. An error where there are too many.
    pub(super) fn walk(&mut self, visit: &mut dyn FnMut(&mut Self, &[u8]) -> bool) -> Result<(), Fault> {
        let mut walk = Walk { path: std::mem::take(&mut self.place), left: MAX_GROUPS, left_out: 0 };
        let mut lists = std::mem::take(&mut self.lists);
        for place in 0..3 {
            // Opened anew: a directory that is read has a place of its own.
            let root = match (&self.trees, place) {
                (Trees::Two(tree), 0) => open_dir(tree, c".").ok(),
                (Trees::Two(_), _) => None,
                (Trees::One(one), place) => {
                    let trees = [&one.systemd, &one.memory, &one.cpuacct];
                    trees.get(place).and_then(|tree| open_dir(tree.as_ref()?, c".").ok())
                }
            };
            if let Some(root) = root {
                walk.below(root.as_fd(), &mut lists, &mut |path| visit(self, path));
            }
        }
        self.lists = lists;
        self.place = walk.path;
        match walk.left_out {
            0 => Ok(()),
            left_out => Err(Fault::Limit { key: "cgroup", limit: MAX_GROUPS, left_out }),
        }
    }

    /// The first process of a group, or of what a container's engine puts below it.
    pub(super) fn first_process(&mut self, group: &[u8]) -> Option<u64> {
        let Self { trees, file, name, .. } = self;
        let trees: [Option<&OwnedFd>; 3] = match trees {
            Trees::Two(tree) => [Some(tree), None, None],
            Trees::One(one) => [&one.systemd, &one.memory, &one.cpuacct].map(Option::as_ref),
        };
        let files = ["cgroup.procs", "container/cgroup.procs", "init.scope/cgroup.procs"];
        trees.into_iter().flatten().find_map(|tree| {
            let mut texts = files.iter();
            texts.find_map(|file_name| {
                names::first_process(read(tree.as_fd(), (group, file_name), name, file)?)
            })
        })
    }

    /// What a group says now.
    pub(super) fn read(&mut self, group: &[u8]) -> Figures {
        let Self { trees, stacked, file, name, .. } = self;
        match trees {
            Trees::Two(tree) => two(
                &mut |file_name, take| {
                    if let Some(text) = read(tree.as_fd(), (group, file_name), name, file) {
                        take(text);
                    }
                },
                stacked,
            ),
            Trees::One(one) => one.read(group, stacked, name, file),
        }
    }
}

/// Reads a file of the group and shows its text, where there is one.
type ReadFile<'a> = dyn FnMut(&str, &mut dyn FnMut(&[u8])) + 'a;

fn two(file: &mut ReadFile<'_>, stacked: &[u64]) -> Figures {
    let mut now = Figures::default();
    file("cpu.stat", &mut |text| {
        now.cpu_micros = flat(text, b"usage_usec");
        now.periods = flat(text, b"nr_periods");
        now.throttled = flat(text, b"nr_throttled");
    });
    let mut used = None;
    file("memory.current", &mut |text| used = single(text));
    if let Some(used) = used {
        let mut cache = 0;
        file("memory.stat", &mut |text| cache = flat(text, b"inactive_file").unwrap_or(0));
        now.memory = Some(used.saturating_sub(cache));
        file("memory.max", &mut |text| now.memory_limit = limit(text));
        file("memory.events", &mut |text| now.oom_kills = flat(text, b"oom_kill"));
    }
    file("io.stat", &mut |text| {
        let (read, written) = io(text, stacked);
        (now.read_bytes, now.write_bytes) = (Some(read), Some(written));
    });
    file("pids.current", &mut |text| now.tasks = single(text));
    now
}

impl One {
    fn read(&self, group: &[u8], stacked: &[u64], name: &mut Vec<u8>, buffer: &mut Vec<u8>) -> Figures {
        let mut now = Figures::default();
        let mut file = |tree: &Option<OwnedFd>, file_name: &str, take: &mut dyn FnMut(&[u8])| {
            let text = tree.as_ref().and_then(|tree| read(tree.as_fd(), (group, file_name), name, buffer));
            text.map(take);
        };
        file(&self.cpuacct, "cpuacct.usage", &mut |text| {
            now.cpu_micros = single(text).map(|nanos| nanos / 1000);
        });
        file(&self.cpu, "cpu.stat", &mut |text| {
            now.periods = flat(text, b"nr_periods");
            now.throttled = flat(text, b"nr_throttled");
        });
        let mut used = None;
        file(&self.memory, "memory.usage_in_bytes", &mut |text| used = single(text));
        if let Some(used) = used {
            let mut cache = 0;
            file(&self.memory, "memory.stat", &mut |text| {
                cache = flat(text, b"total_inactive_file").unwrap_or(0);
            });
            now.memory = Some(used.saturating_sub(cache));
            file(&self.memory, "memory.limit_in_bytes", &mut |text| now.memory_limit = limit(text));
            file(&self.memory, "memory.oom_control", &mut |text| now.oom_kills = flat(text, b"oom_kill"));
        }
        let mut bytes = None;
        for file_name in ["blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"] {
            if bytes.is_none() {
                file(&self.blkio, file_name, &mut |text| bytes = Some(io_v1(text, stacked)));
            }
        }
        (now.read_bytes, now.write_bytes) = (bytes.map(|(read, _)| read), bytes.map(|(_, written)| written));
        file(&self.pids, "pids.current", &mut |text| now.tasks = single(text));
        now
    }
}

/// The whole text of a file of a group; nothing where there is none, no such group, or more than there can be: part of
/// it would be part of a number.
fn read<'a>(
    tree: BorrowedFd<'_>,
    (group, file): (&[u8], &str),
    name: &mut Vec<u8>,
    buffer: &'a mut Vec<u8>,
) -> Option<&'a [u8]> {
    name.clear();
    name.extend_from_slice(group);
    name.extend_from_slice(b"/");
    name.extend_from_slice(file.as_bytes());
    name.push(0);
    let path = CStr::from_bytes_with_nul(name).ok()?;
    let open = openat(tree, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut len = 0;
    loop {
        let more = rustix::io::read(&open, buffer.get_mut(len..)?).ok()?;
        len += more;
        if more == 0 || len < buffer.len() {
            return buffer.get(..len);
        }
        if len >= MAX_FILE_BYTES {
            return None;
        }
        buffer.resize(2 * len, 0);
    }
}

/// A walk through a tree.
struct Walk {
    path: Vec<u8>,
    left: usize,
    left_out: usize,
}

impl Walk {
    fn below(&mut self, dir: BorrowedFd<'_>, lists: &mut [List], visit: &mut dyn FnMut(&[u8]) -> bool) {
        let Some((own, deeper)) = lists.split_first_mut() else { return };
        // A group that goes while it is looked at has none below it, and no error.
        let shown: Result<(), Errno> = list(dir, own, &mut |name, kind| {
            if kind != FileType::Directory {
                return;
            }
            if self.left == 0 {
                self.left_out += 1;
                return;
            }
            self.left -= 1;
            let len = self.path.len();
            if len > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name);
            if visit(&self.path)
                && let Ok(child) = open_dir(dir, name)
            {
                self.below(child.as_fd(), deeper, visit);
            }
            self.path.truncate(len);
        });
        shown.unwrap_or_default();
    }
}
