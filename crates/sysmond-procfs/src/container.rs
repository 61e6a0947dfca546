//! Whether this program runs in a container, and whose figures it sees there.

use crate::attribute::once;
use crate::file_source::read_once;
use crate::source::Roots;
use crate::text::{fields, lines, lossy};

/// Words in the name of the first process' control group, and whose they are.
const GROUPS: [(&[u8], &str); 5] = [
    (b"kubepods", "kubernetes"),
    (b"docker", "docker"),
    (b"libpod", "podman"),
    (b"lxc", "lxc"),
    (b"machine.slice", "container"),
];

/// What kind of container this program is in; nothing on a host, and nothing where it looks at another `/proc` than its
/// own, which is there to see the host.
pub(crate) fn kind(roots: &Roots) -> Option<String> {
    let is_there = |path: &str| roots.rootfs.join(path).exists();
    if is_there("var/run/secrets/kubernetes.io") {
        return Some("kubernetes".to_owned());
    }
    if is_there(".dockerenv") {
        return Some("docker".to_owned());
    }
    if is_there("run/.containerenv") {
        return Some("podman".to_owned());
    }
    // systemd writes it down where it was started in one.
    if let Some(kind) = once(roots.rootfs.join("run/systemd/container")).filter(|kind| !kind.is_empty()) {
        return Some(lossy(&kind));
    }
    let text = read_once(roots.procfs.join("1/cgroup")).unwrap_or_default();
    // In a tree of groups of its own the first process is at the root, `0::/`, and no name says whose it is.
    let kind = group_kind(&text).or_else(|| has_limited_root(roots).then_some("container"));
    kind.map(str::to_owned)
}

/// Whether what stands at the root of the control groups is a group itself: the true root has no type and no limit.
fn has_limited_root(roots: &Roots) -> bool {
    let root = roots.sysfs.join("fs/cgroup");
    ["cgroup.type", "memory.max"].iter().any(|file| root.join(file).exists())
}

pub(crate) fn group_kind(text: &[u8]) -> Option<&'static str> {
    let has = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
    GROUPS.iter().find(|(word, _)| has(word)).map(|(_, kind)| *kind)
}

/// Whether the figures of `/proc` are the container's own: `lxcfs` puts its own files over the kernel's.
pub(crate) fn shows_own_figures(roots: &Roots) -> bool {
    let text = read_once(roots.procfs.join("self/mountinfo")).unwrap_or_default();
    lines(&text).any(|line| fields(line).nth(4) == Some(b"/proc/meminfo"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Roots) {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let roots =
            Roots { procfs: dir.path().join("proc"), sysfs: dir.path().into(), rootfs: dir.path().into() };
        (dir, roots)
    }

    #[test]
    fn engines_leave_marks() {
        let check = |files: &[(&str, &str)], expected: Option<&str>| {
            let (_dir, roots) = host(files);
            assert_eq!(kind(&roots).as_deref(), expected, "{files:?}");
        };
        check(&[], None);
        check(&[("proc/1/cgroup", "0::/init.scope\n")], None);
        check(&[(".dockerenv", "")], Some("docker"));
        check(&[("run/.containerenv", "")], Some("podman"));
        check(&[("run/systemd/container", "systemd-nspawn\n")], Some("systemd-nspawn"));
        check(&[("proc/1/cgroup", "4:memory:/kubepods/besteffort/pod1/2\n")], Some("kubernetes"));
        check(&[("proc/1/cgroup", "4:memory:/lxc.payload.web\n")], Some("lxc"));
    }

    #[test]
    fn one_without_marks_is_known_by_the_root_of_its_groups() {
        let check = |file: &str, expected: Option<&str>| {
            let (_dir, roots) = host(&[("proc/1/cgroup", "0::/\n"), (file, "max\n")]);
            assert_eq!(kind(&roots).as_deref(), expected, "{file}");
        };
        check("fs/cgroup/cgroup.controllers", None);
        check("fs/cgroup/system.slice/memory.max", None);
        check("fs/cgroup/cgroup.type", Some("container"));
        check("fs/cgroup/memory.max", Some("container"));
    }

    #[test]
    fn lxcfs_shows_the_containers_own_figures() {
        let line = |point: &str| format!("9 8 0:50 / {point} rw - fuse.lxcfs lxcfs rw\n");
        let check = |table: String, expected| {
            let (_dir, roots) = host(&[("proc/self/mountinfo", &table)]);
            assert_eq!(shows_own_figures(&roots), expected, "{table}");
        };
        check(line("/proc/meminfo") + &line("/proc/stat"), true);
        check(line("/var/lib/lxcfs"), false);
    }
}
