//! Groups in trees of both versions.

use super::*;
use crate::testing::{as_nobody, value, values};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const ID: &str = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa99887766554433221100";

struct Host(tempfile::TempDir);

impl Host {
    fn new(files: &[(&str, &str)]) -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        host.write("devices/system/cpu/online", "0-3\n");
        host.group("", files);
        host
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.path().join(file.replace("ID", ID));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn group(&self, group: &str, files: &[(&str, &str)]) {
        for (file, text) in files {
            self.write(&format!("fs/cgroup/{group}/{file}"), text);
        }
    }

    fn source(&self) -> Groups {
        let dir = self.0.path();
        let roots = Roots { procfs: dir.join("proc"), sysfs: dir.into(), rootfs: dir.into() };
        Groups::new(&roots, Duration::from_secs(30))
    }
}

fn read(source: &mut Groups, second: u64) -> Vec<String> {
    let mut out = Values::default();
    source.read(Duration::from_secs(second), &mut out).unwrap();
    let mut lines = values(&out);
    lines.sort_unstable();
    lines
}

const TWO: [(&str, &str); 1] = [("cgroup.controllers", "cpu io memory pids\n")];

#[test]
fn a_service_and_a_container_of_version_two() {
    let host = Host::new(&TWO);
    let nginx = "system.slice/nginx.service";
    host.group(
        nginx,
        &[
            ("cpu.stat", "usage_usec 1000000\nuser_usec 1\nnr_periods 0\nnr_throttled 0\n"),
            ("memory.current", "5000\n"),
            ("memory.stat", "anon 1\ninactive_file 1000\n"),
            ("memory.max", "max\n"),
            ("memory.events", "low 0\noom_kill 0\n"),
            ("io.stat", "8:0 rbytes=100 wbytes=0 rios=1\n"),
            ("pids.current", "3\n"),
        ],
    );
    let docker = "system.slice/docker-ID.scope";
    host.group(docker, &[("memory.current", "300\n"), ("memory.max", "1000\n"), ("cgroup.procs", "77\n")]);
    host.group(docker, &[("cpu.stat", "usage_usec 0\nnr_periods 100\nnr_throttled 0\n")]);
    host.write("proc/77/comm", "postgres\n");
    let mut source = host.source();
    let expected = [
        "container.memory_bytes{container=postgres-3f4e5d6c7b8a} 300",
        "container.memory_percent{container=postgres-3f4e5d6c7b8a} 30",
        "service.memory_bytes{service=nginx} 4000",
        "service.tasks{service=nginx} 3",
    ];
    assert_eq!(read(&mut source, 10), expected);
    host.group(
        nginx,
        &[("cpu.stat", "usage_usec 5000000\n"), ("io.stat", "8:0 rbytes=100 wbytes=2000 rios=1\n")],
    );
    host.group(nginx, &[("memory.events", "oom_kill 1\n")]);
    host.group(docker, &[("cpu.stat", "usage_usec 0\nnr_periods 200\nnr_throttled 25\n")]);
    let found = read(&mut source, 20);
    assert_eq!(value(&found, "service.cpu_percent{service=nginx}"), "10");
    assert_eq!(value(&found, "service.write_bytes{service=nginx}"), "200");
    assert_eq!(value(&found, "service.read_bytes{service=nginx}"), "0");
    assert_eq!(value(&found, "service.oom_kills{service=nginx}"), "0.1");
    assert_eq!(value(&found, "container.cpu_throttled_percent{container=postgres-3f4e5d6c7b8a}"), "25");
}

#[test]
fn what_hundreds_of_disks_did_is_read_to_its_end() {
    let disks = |each: u64| {
        let lines: Vec<_> =
            (0..300).map(|n| format!("259:{n} rbytes={each} wbytes=0 rios=12345678\n")).collect();
        lines.concat()
    };
    let host = Host::new(&TWO);
    let group = "system.slice/ceph.service";
    host.group(group, &[("io.stat", &disks(999))]);
    let mut source = host.source();
    read(&mut source, 10);
    // The numbers are longer than before, so that every line stands elsewhere.
    host.group(group, &[("io.stat", &disks(10_999))]);
    assert_eq!(value(&read(&mut source, 20), "service.read_bytes{service=ceph}"), "300000");
    host.group(group, &[("io.stat", &disks(10_999).repeat(100))]);
    assert!(read(&mut source, 30).is_empty(), "of more than there can be nothing is told");
}

#[test]
fn version_one_has_a_tree_for_each_controller() {
    let host = Host::new(&[]);
    let ssh = "system.slice/ssh.service";
    host.group(&format!("systemd/{ssh}"), &[("cgroup.procs", "1\n")]);
    host.group(&format!("cpu,cpuacct/{ssh}"), &[("cpuacct.usage", "2000000000\n")]);
    let memory = [("memory.usage_in_bytes", "900\n"), ("memory.stat", "total_inactive_file 100\n")];
    host.group(&format!("memory/{ssh}"), &memory);
    host.group(&format!("blkio/{ssh}"), &[("blkio.throttle.io_service_bytes", "8:0 Read 0\n8:0 Write 50\n")]);
    let mut source = host.source();
    assert_eq!(read(&mut source, 10), ["service.memory_bytes{service=ssh} 800"]);
    host.group(&format!("cpu,cpuacct/{ssh}"), &[("cpuacct.usage", "6000000000\n")]);
    host.group(
        &format!("blkio/{ssh}"),
        &[("blkio.throttle.io_service_bytes", "8:0 Read 0\n8:0 Write 150\n")],
    );
    let found = read(&mut source, 20);
    assert_eq!(value(&found, "service.cpu_percent{service=ssh}"), "10");
    assert_eq!(value(&found, "service.write_bytes{service=ssh}"), "10");
}

#[test]
fn groups_are_followed_and_what_is_nested_belongs_to_the_outer_one() {
    let host = Host::new(&TWO);
    host.group("user.slice/user-1000.slice", &[("pids.current", "9\n")]);
    host.group(
        "user.slice/user-1000.slice/user@1000.service/app.slice/a.service",
        &[("pids.current", "4\n")],
    );
    host.group(
        "user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
        &[("pids.current", "2\n")],
    );
    let mut source = host.source();
    let expected = ["container.tasks{container=3f4e5d6c7b8a} 2", "service.tasks{service=user-1000.slice} 9"];
    assert_eq!(read(&mut source, 10), expected);
    fs::remove_dir_all(host.0.path().join("fs/cgroup/user.slice")).unwrap();
    host.group("system.slice/cron.service", &[("pids.current", "1\n")]);
    assert_eq!(read(&mut source, 20), [""; 0]);
    read(&mut source, 30);
    assert_eq!(read(&mut source, 40), ["service.tasks{service=cron} 1"]);
}

#[test]
fn more_than_the_limit_is_said_and_names_that_stand_twice_are_told_apart() {
    let host = Host::new(&TWO);
    for number in 0..MAX_CONTAINERS + 2 {
        host.group(&format!("lxc.payload.c{number}"), &[("pids.current", "1\n")]);
    }
    host.group("a.slice/web.service", &[("pids.current", "1\n")]);
    host.group("b.slice/web.service", &[("pids.current", "2\n")]);
    let mut out = Values::default();
    let error = host.source().read(Duration::ZERO, &mut out).unwrap_err();
    assert!(matches!(error, SourceError::Limit { key: "container", left_out: 2, .. }), "{error}");
    let found = values(&out);
    assert_eq!(found.iter().filter(|line| line.starts_with("service.tasks{service=web}")).count(), 1);
    assert_eq!(found.iter().filter(|line| line.contains(".slice/web.service")).count(), 1);
}

#[test]
fn names_that_only_root_may_read_are_said_beside_the_figures() {
    let host = Host::new(&TWO);
    host.group("system.slice/docker-ID.scope", &[("pids.current", "2\n"), ("cgroup.procs", "77\n")]);
    host.write("proc/77/comm", "postgres\n");
    host.write("var/lib/docker/containers/ID/config.v2.json", "{\"Name\":\"/db\"}");
    let open = |folder: &str, mode| {
        fs::set_permissions(host.0.path().join(folder), fs::Permissions::from_mode(mode)).unwrap();
    };
    open("", 0o755);
    open("var/lib/docker", 0o000);
    let (error, found) = as_nobody(|| {
        let mut out = Values::default();
        (host.source().read(Duration::from_secs(1), &mut out).unwrap_err(), values(&out))
    });
    open("var/lib/docker", 0o755);
    assert!(error.is_denial() && error.to_string().ends_with("config.v2.json"), "{error}");
    assert_eq!(found, ["container.tasks{container=postgres-3f4e5d6c7b8a} 2"]);
    assert_eq!(read(&mut host.source(), 1), ["container.tasks{container=db} 2"]);
}

#[test]
fn a_host_without_groups_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let roots = Roots { procfs: dir.path().into(), sysfs: dir.path().into(), rootfs: dir.path().into() };
    let error = Groups::new(&roots, Duration::MAX).read(Duration::ZERO, &mut Values::default()).unwrap_err();
    assert!(error.is_absence(), "{error}");
}
