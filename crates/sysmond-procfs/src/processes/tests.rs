//! Processes of a `/proc` that the test writes.

use super::*;
use crate::testing::{as_nobody, values};
use std::fs;
use std::os::unix::fs::PermissionsExt;

struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("devices/system/cpu")).unwrap();
        fs::write(dir.path().join("devices/system/cpu/online"), "0-1\n").unwrap();
        Self(dir)
    }

    fn process(&self, pid: u32, name: &str, (state, ticks, start, pages): (char, u64, u64, u64)) {
        let dir = self.0.path().join(pid.to_string());
        fs::create_dir_all(&dir).unwrap();
        let text = format!(
            "{pid} ({name}) {state} 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 3 0 {start} 9 {pages} 0\n"
        );
        fs::write(dir.join("stat"), text).unwrap();
    }

    fn io(&self, pid: u32, read: u64, written: u64) {
        let text =
            format!("rchar: 1\nread_bytes: {read}\nwrite_bytes: {written}\ncancelled_write_bytes: 0\n");
        fs::write(self.0.path().join(format!("{pid}/io")), text).unwrap();
    }

    fn source(&self, options: ProcessOptions) -> (Processes, Arc<LatestProcesses>) {
        let dir = self.0.path();
        let roots = Roots { procfs: dir.into(), sysfs: dir.into(), rootfs: dir.into() };
        let latest = Arc::default();
        (Processes::new(&roots, Duration::from_secs(30), options, Arc::clone(&latest)), latest)
    }
}

/// A reading after the rest that the last one's cost asks for.
fn read(source: &mut Processes, second: u64) -> Vec<String> {
    let mut out = Values::default();
    source.rest_until = Duration::ZERO;
    source.read(Duration::from_secs(second), &mut out).unwrap();
    values(&out)
}

fn snapshot(latest: &LatestProcesses) -> ProcessSnapshot {
    latest.take().expect("a snapshot").1
}

#[test]
fn shares_and_rates_are_of_the_time_between_two_walks() {
    let host = Host::new();
    host.process(7, "postgres", ('S', 100, 50, 1000));
    host.io(7, 4096, 0);
    host.process(8, "idle", ('S', 5, 60, 0));
    let (mut source, latest) = host.source(ProcessOptions::default());
    read(&mut source, 100);
    let first = snapshot(&latest);
    assert_eq!((first.total, first.seconds, first.processes.len()), (2, 0.0, 1));
    assert_eq!(first.processes[0].cpu_percent, None);
    host.process(7, "postgres", ('R', 500, 50, 2000));
    host.io(7, 44_096, 20_000);
    read(&mut source, 110);
    let second = snapshot(&latest);
    let process = &second.processes[0];
    assert_eq!((process.pid, process.name.as_str(), process.state, process.threads), (7, "postgres", 'R', 3));
    assert_eq!(
        (process.cpu_percent, process.read_bytes, process.write_bytes),
        (Some(20.0), Some(4000.0), Some(2000.0))
    );
    assert_eq!(process.memory_bytes, 2000 * source.page_bytes);
    assert_eq!((second.processes.len(), process.command.as_deref()), (1, None));
    assert!(latest.take().is_none(), "a snapshot is taken once");
}

#[test]
fn a_number_that_was_given_anew_is_another_process() {
    let host = Host::new();
    host.process(7, "old", ('S', 900, 50, 10));
    let (mut source, latest) = host.source(ProcessOptions::default());
    read(&mut source, 100);
    // It began at 105 s, so that all its time is of this stretch; the other began before and was not seen.
    host.process(7, "new", ('R', 200, 10_500, 10));
    host.process(9, "hidden", ('R', 700, 60, 10));
    read(&mut source, 110);
    let second: Vec<_> = latest.take().map(|(_, last)| last.processes).unwrap_or_default();
    let shares: Vec<_> = second.iter().map(|process| (process.name.as_str(), process.cpu_percent)).collect();
    assert_eq!(shares, [("new", Some(10.0)), ("hidden", None)]);
}

#[test]
fn the_top_of_each_kind_is_listed_once() {
    let host = Host::new();
    for pid in 1..=40 {
        host.process(pid, "p", ('S', 0, 1, u64::from(pid)));
    }
    let (mut source, latest) = host.source(ProcessOptions::default());
    read(&mut source, 100);
    for pid in 1..=40_u32 {
        host.process(pid, "p", ('S', u64::from(41 - pid), 1, u64::from(pid)));
    }
    read(&mut source, 110);
    let pids: Vec<u32> = snapshot(&latest).processes.iter().map(|process| process.pid).collect();
    assert_eq!(pids, (1..=10).chain(31..=40).collect::<Vec<_>>());
}

#[test]
fn states_are_counted() {
    let host = Host::new();
    for (pid, state) in (1..).zip("SSIRDZTt".chars()) {
        host.process(pid, "a) b\n(", (state, 1, 1, 1));
    }
    fs::create_dir(host.0.path().join("sys")).unwrap();
    fs::create_dir(host.0.path().join("99")).unwrap();
    let (mut source, _) = host.source(ProcessOptions::default());
    let expected =
        ["processes.total 8", "processes.sleeping 3", "processes.stopped 2", "processes.zombies 1"];
    assert_eq!(read(&mut source, 1), expected);
}

#[test]
fn hidden_processes_are_said_and_not_counted_as_none() {
    let host = Host::new();
    host.process(7, "agent", ('S', 1, 1, 1));
    // `self` is there and the first process is not: `hidepid=2`.
    fs::create_dir(host.0.path().join("self")).unwrap();
    fs::write(host.0.path().join("self/stat"), "7 (agent) S 1").unwrap();
    let (mut source, latest) = host.source(ProcessOptions::default());
    let mut out = Values::default();
    let error = source.read(Duration::from_secs(1), &mut out).unwrap_err();
    assert!(error.is_denial() && format!("{error:?}").contains("hidepid"), "{error:?}");
    assert_eq!((values(&out).len(), latest.take().is_none()), (0, true));
    assert!(source.expose(&mut Exposition::default()).is_err());
    host.process(1, "init", ('S', 1, 1, 1));
    assert_eq!(read(&mut source, 100)[0], "processes.total 2");
}

#[test]
fn a_process_that_may_not_be_read_is_hidden_and_not_ended() {
    let host = Host::new();
    let open = |folder: &str, mode| {
        fs::set_permissions(host.0.path().join(folder), fs::Permissions::from_mode(mode)).unwrap();
    };
    open("", 0o755);
    (1..=3).for_each(|pid| host.process(pid, "p", ('S', 1, 1, 1)));
    let check = |closed: &str, expected: &str, count: usize| {
        open(closed, 0o000);
        let (error, found) = as_nobody(|| {
            let mut out = Values::default();
            let (mut source, _) = host.source(ProcessOptions::default());
            (source.read(Duration::from_secs(1), &mut out).unwrap_err(), values(&out))
        });
        open(closed, 0o755);
        assert!(error.is_denial() && format!("{error:?}").contains(expected), "{error:?}");
        assert_eq!(found.len(), count, "{found:?}");
    };
    // As with `hidepid=1`, which shows the numbers alone.
    check("1", "hidepid", 0);
    check("2", "1 processes are hidden", 4);
}

#[test]
fn command_lines_are_told_where_they_are_wanted() {
    let host = Host::new();
    host.process(7, "app", ('S', 1, 1, 1));
    fs::write(host.0.path().join("7/cmdline"), b"/usr/bin/app\0--token=hunter2\0").unwrap();
    let (mut source, latest) = host.source(ProcessOptions { command_lines: true });
    read(&mut source, 1);
    assert_eq!(snapshot(&latest).processes[0].command.as_deref(), Some("/usr/bin/app --token=***"));
}

/// A reading before the rest is over.
fn glance(source: &mut Processes, second: u64) {
    source.rest_until = Duration::from_secs(second + 1);
    source.read(Duration::from_secs(second), &mut Values::default()).unwrap();
}

#[test]
fn between_two_walks_a_glance_is_cast_at_what_took_something() {
    let host = Host::new();
    host.process(7, "busy", ('S', 0, 1, 1));
    host.process(8, "asleep", ('S', 0, 1, 0));
    host.process(9, "ends", ('S', 0, 1, 0));
    let (mut source, latest) = host.source(ProcessOptions::default());
    read(&mut source, 100);
    let ticks = |busy, asleep| {
        host.process(7, "busy", ('R', busy, 1, 1));
        host.process(8, "asleep", ('S', asleep, 1, 0));
    };
    let shares = || {
        let snapshot = snapshot(&latest);
        let shares: Vec<_> =
            snapshot.processes.iter().map(|process| (process.pid, process.cpu_percent)).collect();
        (snapshot.total, snapshot.seconds.to_string(), shares)
    };
    shares();
    ticks(200, 0);
    host.process(9, "ends", ('R', 200, 1, 0));
    read(&mut source, 110);
    let ten = || "10".to_owned();
    assert_eq!(shares(), (3, ten(), vec![(7, Some(10.0)), (9, Some(10.0))]));
    ticks(600, 300);
    fs::write(host.0.path().join("9/stat"), "").unwrap();
    host.process(10, "new", ('R', 900, 11_500, 0));
    glance(&mut source, 120);
    assert_eq!(shares(), (2, ten(), vec![(7, Some(20.0))]));
    ticks(600, 300);
    glance(&mut source, 130);
    // It is the one that has any memory.
    assert_eq!(shares(), (2, ten(), vec![(7, Some(0.0))]));
    ticks(800, 600);
    read(&mut source, 140);
    assert_eq!(shares(), (3, ten(), vec![(7, Some(10.0)), (8, Some(10.0)), (10, Some(15.0))]));
}

#[test]
fn where_many_took_something_no_glance_is_cast() {
    let host = Host::new();
    let write = |ticks| (1..=250).for_each(|pid| host.process(pid, "p", ('R', ticks, 1, 1)));
    let (mut source, latest) = host.source(ProcessOptions::default());
    write(0);
    read(&mut source, 100);
    write(1);
    read(&mut source, 110);
    drop(snapshot(&latest));
    glance(&mut source, 120);
    assert!(latest.take().is_none());
    write(2);
    source.rest = Duration::from_secs(50);
    read(&mut source, 210);
    let found = snapshot(&latest);
    assert_eq!((found.seconds.to_string(), found.processes[0].cpu_percent), ("100".to_owned(), Some(0.005)));
}

#[test]
fn a_hole_is_three_times_the_walks_own_clock() {
    let host = Host::new();
    host.process(7, "app", ('S', 1, 1, 1));
    let (mut source, latest) = host.source(ProcessOptions::default());
    let mut seconds = |rest, second| {
        source.rest = Duration::from_secs(rest);
        source.is_glancing = false;
        read(&mut source, second);
        snapshot(&latest).seconds.to_string()
    };
    let found = [seconds(0, 100), seconds(0, 130), seconds(0, 161), seconds(50, 311), seconds(50, 462)];
    assert_eq!(found, ["0", "30", "0", "150", "0"]);
}

/// `cargo test -p sysmond-procfs --lib the_cost_of_a_walk -- --ignored --nocapture`, while there are thousands.
#[test]
#[ignore = "measures this machine: says what a walk costs and holds nothing"]
fn the_cost_of_a_walk() {
    let roots = Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() };
    let (gap, latest) = (Duration::from_mins(1), Arc::<LatestProcesses>::default());
    let mut processes = Processes::new(&roots, gap, ProcessOptions::default(), Arc::clone(&latest));
    for second in [10, 110, 210, 310, 410] {
        let begin = clock_gettime(ClockId::ThreadCPUTime);
        processes.read(Duration::from_secs(second), &mut Values::default()).expect("readable");
        let cost = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime) - begin).expect("forwards");
        let (_, snapshot) = latest.take().expect("a snapshot");
        let rest = processes.rest_until.saturating_sub(Duration::from_secs(second));
        println!("{} processes: {cost:?}, then a rest of {rest:?}", snapshot.total);
        processes.rest_until = Duration::ZERO;
    }
}
