//! What this machine's own tools say of it is what the sources say.
//!
//! Other programs run meanwhile. So a figure that moves is asked of both before and after, and one that does not
//! match is tried again a few times: somebody may write a gigabyte between two calls, but not each time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where what it needs is not there"
)]

#[path = "this_host/intervals.rs"]
mod intervals;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use sysmond_model::Series;
use sysmond_procfs::{Roots, Source, Values, hostname, sources, static_info};

/// How often a moving figure may miss before it is wrong.
const ATTEMPTS: usize = 10;
/// What other programs may take or give back between two looks.
const SLACK_BYTES: f64 = 32.0 * 1024.0 * 1024.0;

fn roots() -> Roots {
    Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() }
}

fn source(name: &str) -> Box<dyn Source> {
    sources(&roots(), Duration::from_secs(10))
        .into_iter()
        .find(|source| source.name() == name)
        .expect("a source")
}

/// Each series of one reading; `at` in seconds. Some of what it asks for may be denied to us.
fn read(source: &mut dyn Source, at: u64) -> BTreeMap<String, f64> {
    let mut out = Values::default();
    if let Err(error) = source.read(Duration::from_secs(at), &mut out) {
        assert!(error.is_denial(), "{}: {error:?}", source.name());
    }
    out.iter().map(|(metric, tags, value)| (Series::new(metric.name, tags).to_string(), value)).collect()
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").output();
    let output = output.unwrap_or_else(|error| panic!("this test needs `{program}`: {error}"));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn attempt(mut matches: impl FnMut() -> Result<(), String>) {
    let mut last = Ok(());
    for _ in 0..ATTEMPTS {
        last = matches();
        if last.is_ok() {
            return;
        }
    }
    panic!("after {ATTEMPTS} attempts: {last:?}");
}

fn close(what: &str, ours: f64, theirs: f64, slack: f64) -> Result<(), String> {
    if (ours - theirs).abs() <= slack { Ok(()) } else { Err(format!("{what}: {ours} here, {theirs} there")) }
}

#[test]
fn memory_is_as_free_says() {
    let mut memory = source("memory");
    attempt(|| {
        let ours = read(&mut *memory, 1);
        let text = run("free", &["-b"]);
        let row = |head: &str| -> Vec<f64> {
            let row = text.lines().find_map(|line| line.strip_prefix(head)).expect("a row of free");
            row.split_whitespace().map(|number| number.parse().expect("bytes")).collect()
        };
        let (mem, swap) = (row("Mem:"), row("Swap:"));
        let available = *mem.get(5).expect("the column `available`");
        close("total", ours["memory.total_bytes"], mem[0], 0.0)?;
        close("free", ours["memory.free_bytes"], mem[2], SLACK_BYTES)?;
        close("available", ours["memory.available_bytes"], available, SLACK_BYTES)?;
        close("used", ours["memory.used_bytes"], mem[0] - available, SLACK_BYTES)?;
        close("shared", ours["memory.shared_bytes"], mem[3], SLACK_BYTES)?;
        let cache = ours["memory.cached_bytes"]
            + ours["memory.buffers_bytes"]
            + ours["memory.slab_reclaimable_bytes"];
        close("buffers and cache", cache, mem[4], SLACK_BYTES)?;
        close("usage", ours["memory.usage_percent"], 100.0 * (1.0 - available / mem[0]), 1.0)?;
        close("swap total", ours["swap.total_bytes"], swap[0], 0.0)?;
        close("swap used", ours["swap.used_bytes"], swap[1], SLACK_BYTES)
    });
}

/// Rows of `df` of file systems on block devices and in memory, mounted on directories: target, size, used, available,
/// percent, inodes, inodes used.
fn df() -> Vec<(String, Vec<f64>)> {
    let text = run("df", &["-B1", "--output=source,size,used,avail,pcent,itotal,iused,target"]);
    let row = |line: &str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let target = columns.get(7..).expect("eight columns").join(" ");
        let number = |text: &&str| text.trim_end_matches('%').parse().unwrap_or(0.0);
        let is_systems =
            ["/dev", "/run", "/sys", "/proc"].iter().any(|folder| Path::new(&target).starts_with(folder));
        let is_ours =
            columns[0].starts_with("/dev/") || (columns[0] == "tmpfs" && !is_systems && is_writable(&target));
        ((is_ours && Path::new(&target).is_dir()) || target == "/")
            .then(|| (target, columns[1..7].iter().map(number).collect()))
    };
    text.lines().skip(1).filter_map(row).collect()
}

fn is_writable(target: &str) -> bool {
    let flags = rustix::fs::statvfs(target).map(|status| status.f_flag);
    flags.is_ok_and(|flags| !flags.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

#[test]
fn file_systems_are_as_df_says() {
    let mut filesystem = source("filesystem");
    let mut at = 0;
    attempt(|| {
        // It has a slow clock.
        at += 60;
        let ours = read(&mut *filesystem, at);
        let theirs = df();
        assert!(!theirs.is_empty(), "df shows no file system at all");
        for (target, row) in theirs {
            let [size, used, available, percent, inodes, inodes_used] = row[..] else { panic!("{row:?}") };
            let figure = |metric: &str| {
                let series = format!("disk.{metric}{{{}}}", sysmond_model::tags::pair("mount", &target));
                ours.get(&series).copied().ok_or_else(|| format!("no {series} in {ours:?}"))
            };
            close("size", figure("total_bytes")?, size, 0.0)?;
            close("used", figure("used_bytes")?, used, SLACK_BYTES)?;
            close("available", figure("available_bytes")?, available, SLACK_BYTES)?;
            // df rounds up.
            close("percent", figure("usage_percent")?, percent - 0.5, 0.6)?;
            if inodes > 0.0 {
                close("inodes", figure("inodes_total")?, inodes, 0.0)?;
                close("inodes used", figure("inodes_used")?, inodes_used, 10_000.0)?;
            }
        }
        Ok(())
    });
}

#[test]
fn uptime_and_load_are_between_two_looks_at_them() {
    let first = |file: &str| -> f64 {
        fs::read_to_string(file).unwrap().split_whitespace().next().unwrap().parse().unwrap()
    };
    let before = first("/proc/uptime");
    let ours = read(&mut *source("uptime"), 1)["system.uptime_seconds"];
    assert!((before..=first("/proc/uptime")).contains(&ours), "{ours}");
    let mut load = source("load");
    attempt(|| close("load", read(&mut *load, 1)["load.avg_1m"], first("/proc/loadavg"), 0.0));
}

#[test]
fn processors_that_work_are_seen_to_work() {
    let mut cpu = source("cpu");
    read(&mut *cpu, 1);
    // A tick is 10 ms: enough of them for shares to mean something, spent in user mode.
    let until = Instant::now() + Duration::from_millis(400);
    let mut sum = 0u64;
    while Instant::now() < until {
        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
    }
    let ours = read(&mut *cpu, 2);
    let modes = ["user", "system", "nice", "idle", "iowait", "irq", "softirq", "steal"];
    let total: f64 = modes.iter().map(|mode| ours[&format!("cpu.{mode}")]).sum();
    close("all modes", total, 100.0, 1e-9).unwrap();
    assert!(ours["cpu.total_usage"] > 0.0, "{ours:?}");
    let cores = ours.keys().filter(|series| series.starts_with("cpu.core_usage{")).count();
    assert_eq!(cores.to_string(), run("getconf", &["_NPROCESSORS_ONLN"]));
}

/// Reads twice, a second apart by `at`, and looks at the kernel's other counters before and after each: what a rate
/// says must be possible. `slack` is what the other counters are rounded by.
fn check_rates(name: &str, slack: f64, counters: impl Fn() -> BTreeMap<String, u64>, work: impl Fn()) {
    let mut source = source(name);
    let before_first = counters();
    read(&mut *source, 1);
    let after_first = counters();
    work();
    let before_second = counters();
    let ours = read(&mut *source, 2);
    let after_second = counters();
    let mut checked = 0;
    for (series, end) in &after_second {
        let (Some(begin), Some(later), Some(earlier)) =
            (before_first.get(series), after_first.get(series), before_second.get(series))
        else {
            continue;
        };
        let rate = ours.get(series).unwrap_or_else(|| panic!("no {series} in {ours:?}"));
        let possible = (earlier - later) as f64 - slack..=(end - begin) as f64 + slack;
        assert!(possible.contains(rate), "{series}: {rate} is not in {possible:?}");
        checked += 1;
    }
    assert!(checked > 0 || after_second.is_empty(), "nothing of {after_second:?} was there all the time");
}

/// Names of the entries of a directory of `/sys`.
fn entries(dir: &str) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[test]
fn block_devices_are_as_sysfs_says() {
    let counters = || {
        let mut found = BTreeMap::new();
        for name in
            entries("/sys/block").iter().filter(|name| !name.contains("loop") && !name.contains("ram"))
        {
            let Ok(text) = fs::read_to_string(format!("/sys/block/{name}/stat")) else { continue };
            let columns: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
            if columns[0] + columns[4] > 0 && !name.starts_with("fd") {
                found.insert(format!("disk.reads{{device={name}}}"), columns[0]);
                found.insert(format!("disk.read_bytes{{device={name}}}"), columns[2] * 512);
                found.insert(format!("disk.writes{{device={name}}}"), columns[4]);
                found.insert(format!("disk.write_bytes{{device={name}}}"), columns[6] * 512);
            }
        }
        found
    };
    check_rates("disk", 0.0, counters, || {
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::write(file.path(), vec![1; 1 << 20]).unwrap();
        file.as_file().sync_all().unwrap();
    });
}

#[test]
fn interfaces_are_as_sysfs_says() {
    let counters = || {
        let mut found = BTreeMap::new();
        for name in entries("/sys/class/net").iter().filter(|name| *name != "lo") {
            let one = |file: &str| -> Option<u64> {
                let text = fs::read_to_string(format!("/sys/class/net/{name}/statistics/{file}"));
                text.ok()?.trim().parse().ok()
            };
            if one("rx_packets").unwrap_or(0) + one("tx_packets").unwrap_or(0) > 0 {
                for counter in ["rx_bytes", "tx_bytes", "rx_packets", "tx_packets"] {
                    found.extend(
                        one(counter).map(|value| (format!("network.{counter}{{interface={name}}}"), value)),
                    );
                }
            }
        }
        found
    };
    check_rates("network", 0.0, counters, || {});
}

/// The counters of `vmstat -s`: a number, and what it counts.
fn vmstat(wanted: &[(&str, &str, u64)]) -> BTreeMap<String, u64> {
    let text = run("vmstat", &["-s"]);
    let rows: Vec<_> = text.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    let find = |(series, label, each): &(&str, &str, u64)| {
        let row = rows.iter().find(|(_, found)| found.trim() == *label);
        let (count, _) = row.unwrap_or_else(|| panic!("no `{label}` in {text}"));
        ((*series).to_owned(), count.parse::<u64>().unwrap() * each)
    };
    wanted.iter().map(find).collect()
}

#[test]
fn events_are_as_vmstat_says() {
    let work = || drop(run("true", &[]));
    let events = || {
        vmstat(&[
            ("system.interrupts", "interrupts", 1),
            ("system.context_switches", "CPU context switches", 1),
            ("system.forks", "forks", 1),
        ])
    };
    check_rates("cpu", 0.0, events, work);
    let page_bytes: u64 = run("getconf", &["PAGE_SIZE"]).parse().unwrap();
    let pages = || {
        vmstat(&[
            ("memory.paged_in_bytes", "K paged in", 1024),
            ("memory.paged_out_bytes", "K paged out", 1024),
            ("swap.in_bytes", "pages swapped in", page_bytes),
            ("swap.out_bytes", "pages swapped out", page_bytes),
        ])
    };
    check_rates("vmstat", 0.0, pages, work);
}

#[test]
fn block_devices_are_as_iostat_says() {
    let totals = || {
        let text = run("iostat", &["-d", "-k"]);
        let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // Volumes have another name there, and some devices are no disks.
        let is_other =
            |name: &str| ["Device", "dm-", "loop", "zram"].iter().any(|other| name.starts_with(other));
        let disks = rows.filter(|row| row.len() == 8 && !is_other(row[0]) && row[5] != "0");
        let series = |row: Vec<&str>| {
            let bytes = |column: usize| row[column].parse::<u64>().unwrap() * 1024;
            let name = |metric: &str| format!("disk.{metric}{{device={}}}", row[0]);
            [(name("read_bytes"), bytes(5)), (name("write_bytes"), bytes(6))]
        };
        disks.flat_map(series).collect()
    };
    // Whole KiB on their side, at both ends.
    check_rates("disk", 2048.0, totals, || {
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::write(file.path(), vec![1; 1 << 20]).unwrap();
        file.as_file().sync_all().unwrap();
    });
}

/// The counters of `ip -s link`, and whether the interface is up.
fn ip_link() -> BTreeMap<String, ([u64; 8], bool)> {
    parse_ip_link(&run("ip", &["-s", "link"]))
}

/// An interface has a line that begins with its number, and after it some that are indented.
fn parse_ip_link(text: &str) -> BTreeMap<String, ([u64; 8], bool)> {
    let lines: Vec<&str> = text.lines().collect();
    let heads = (0..lines.len()).filter(|place| lines[*place].starts_with(|c: char| c.is_ascii_digit()));
    let interface = |place: usize| {
        let name = lines[place].split_whitespace().nth(1).expect("a name");
        let name = name.trim_end_matches(':').split('@').next().expect("a name").to_owned();
        let is_up = lines[place].contains("state UP") || lines[place].contains("state UNKNOWN");
        let numbers = |head: &str| -> Vec<u64> {
            let mut rows = lines[place..].iter().skip_while(|line| !line.trim_start().starts_with(head));
            let row = rows.nth(1).expect("a row of numbers");
            row.split_whitespace().map(|number| number.parse().expect("a number")).collect()
        };
        let (rx, tx) = (numbers("RX:"), numbers("TX:"));
        // The kernel's table counts as dropped what it missed, too.
        let counters = [rx[0], rx[1], rx[2], rx[3] + rx[4], tx[0], tx[1], tx[2], tx[3]];
        (name, (counters, is_up))
    };
    heads.map(interface).collect()
}

#[test]
fn other_names_of_an_interface_move_nothing() {
    let interface = |number: u64, name: &str, more: &str| {
        format!(
            "{number}: {name}: <UP> mtu 1500 qdisc fq state UP mode DEFAULT\n    link/ether 00:01\n    \
             RX:  bytes packets errors dropped  missed   mcast\n    {number}0 2 3 4 5 6\n    \
             TX:  bytes packets errors dropped carrier collsns\n    {number}1 8 9 10 11 12\n{more}"
        )
    };
    let text = interface(1, "eth0@if7", "    altname enp3s0\n    altname ens3\n") + &interface(2, "wg0", "");
    let found = parse_ip_link(&text);
    assert_eq!(found["eth0"], ([10, 2, 3, 9, 11, 8, 9, 10], true));
    assert_eq!(found["wg0"], ([20, 2, 3, 9, 21, 8, 9, 10], true));
}

#[test]
fn interfaces_are_as_ip_says() {
    let metrics = [
        "rx_bytes",
        "rx_packets",
        "rx_errors",
        "rx_drops",
        "tx_bytes",
        "tx_packets",
        "tx_errors",
        "tx_drops",
    ];
    let counters = || {
        let used = ip_link()
            .into_iter()
            .filter(|(name, (counters, _))| name != "lo" && counters[0] + counters[4] > 0);
        let rows = used.flat_map(|(name, (counters, _))| {
            let series = move |(metric, value)| (format!("network.{metric}{{interface={name}}}"), value);
            metrics.into_iter().zip(counters).map(series)
        });
        rows.collect()
    };
    check_rates("network", 0.0, counters, || {});
    let states = read(&mut *source("links"), 1);
    for (name, (counters, is_up)) in ip_link() {
        if name != "lo" && counters[0] + counters[4] > 0 {
            let ours = states[&format!("network.up{{interface={name}}}")];
            close(&name, ours, f64::from(u8::from(is_up)), 0.0).unwrap();
        }
    }
}

#[test]
fn connections_are_as_ss_says() {
    let (mut connections, mut at) = (source("connections"), 0);
    attempt(|| {
        at += 60;
        let ours = read(&mut *connections, at);
        let text = run("ss", &["-tanH"]);
        let theirs = |state: &str| text.lines().filter(|line| line.starts_with(state)).count() as f64;
        // Tests of servers run meanwhile, and each has a few connections.
        for (state, name, slack) in [("LISTEN", "listen", 3.0), ("ESTAB", "established", 20.0)] {
            close(state, ours[&format!("tcp.connections{{state={name}}}")], theirs(state), slack)?;
        }
        Ok(())
    });
}

#[test]
fn processes_are_as_ps_says() {
    let (mut processes, mut at) = (source("processes"), 0);
    let mut load = source("load");
    attempt(|| {
        at += 60;
        let (ours, threads) = (read(&mut *processes, at), read(&mut *load, 1)["processes.threads"]);
        let states = run("ps", &["-e", "-o", "stat="]);
        // Less `ps` itself. Others come and go meanwhile.
        let count = |letters: &str| {
            let states = states.lines().filter(|line| line.starts_with(|c| letters.contains(c)));
            states.count() as f64
        };
        close("processes", ours["processes.total"], count("RSDTtZIX") - 1.0, 6.0)?;
        close("zombies", ours["processes.zombies"], count("Z"), 3.0)?;
        close("stopped", ours["processes.stopped"], count("Tt"), 1.0)?;
        close("threads", threads, run("ps", &["-eL", "-o", "lwp="]).lines().count() as f64, 30.0)
    });
}

#[test]
fn no_source_fails_here() {
    let mut out = Values::default();
    for mut source in sources(&roots(), Duration::from_secs(10)) {
        out.clear();
        if let Err(error) = source.read(Duration::from_secs(1), &mut out) {
            assert!(error.is_absence() || error.is_denial(), "{}: {error}", source.name());
        }
    }
}

#[test]
fn the_host_is_called_and_made_as_its_tools_say() {
    let (info, errors) = static_info(&roots());
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(hostname(&roots()).unwrap(), run("uname", &["-n"]));
    assert_eq!(info.kernel, run("uname", &["-r"]));
    assert_eq!(info.architecture, run("uname", &["-m"]));
    assert_eq!(info.cpu_cores.to_string(), run("getconf", &["_NPROCESSORS_ONLN"]));
    assert_eq!(info.os, run("sh", &["-c", ". /etc/os-release; printf %s \"$PRETTY_NAME\""]));
    assert!(!info.cpu_model.is_empty());
    let started: f64 = run("sh", &["-c", "date -d \"$(uptime -s)\" +%s"]).parse().unwrap();
    close("boot time", info.boot_time as f64, started, 2.0).unwrap();
    let known: BTreeSet<_> = info.ip_addresses.iter().map(String::as_str).collect();
    for address in run("hostname", &["-I"]).split_whitespace() {
        assert!(known.contains(address), "{address} is not in {known:?}");
    }
}
