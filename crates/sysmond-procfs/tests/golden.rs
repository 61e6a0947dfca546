//! Everything that the fixtures give: a change of any value shows here.
//!
//! A fixture has a `first` and a `second` reading, two seconds apart; what the second lacks is as in the first. Sources
//! on a slow clock are read again twenty seconds after the second, of which they see the files then. `linux-6.18-vm`
//! was captured from a real host, the others are made by hand after what such kernels write.

#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is not there")]

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};
use sysmond_model::{CATALOGUE, Series};
use sysmond_procfs::{
    Exposition, Roots, Source, SourceError, Values, hostname, sources, static_info, text_files,
};

/// What file systems hold and how clocks run is not in files: those sources have tests of their own, and the names that
/// file systems are given one below.
const OF_THE_TEST_MACHINE: [&str; 3] = ["filesystem", "remote", "clock"];
const SLOW: [&str; 11] = [
    "netstat",
    "processes",
    "frequency",
    "links",
    "tables",
    "sensors",
    "battery",
    "raid",
    "cgroup",
    "limit",
    "connections",
];

/// Writes the files of `from` over those of `to`, which may be open.
fn lay_over(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).into_iter().flatten() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_symlink() {
            if !target.is_symlink() {
                symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
            }
        } else if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            lay_over(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn check(fixture: &str) {
    let fixture_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
    let dir = tempfile::tempdir().unwrap();
    let roots =
        Roots { procfs: dir.path().join("proc"), sysfs: dir.path().join("sys"), rootfs: dir.path().into() };
    lay_over(&fixture_dir.join("first"), dir.path());
    let mut text = read_once(&roots);
    // No hole, as an agent has them between readings of a slow clock.
    let mut sources = sources(&roots, Duration::from_secs(30));
    sources.retain(|source| !OF_THE_TEST_MACHINE.contains(&source.name()));
    sources.extend(own_metrics(dir.path()));
    for (tick, at) in [("first", 1), ("second", 3), ("slow", 23)] {
        lay_over(&fixture_dir.join(tick), dir.path());
        set_times(&dir.path().join("textfile"));
        writeln!(text, "\n# {tick} reading").unwrap();
        for source in &mut sources {
            if tick != "first" && SLOW.contains(&source.name()) != (tick == "slow") {
                continue;
            }
            let mut out = Values::default();
            let result = source.read(Duration::from_secs(at), &mut out);
            for (metric, tags, value) in out.iter() {
                writeln!(text, "{} {value}", Series::new(metric.name, tags)).unwrap();
            }
            if let Err(error) = result {
                writeln!(text, "! {}: {}", source.name(), told(&error, &roots)).unwrap();
            }
        }
    }
    let mut exposition = Exposition::default();
    for source in &mut sources {
        // What is not there has no names.
        source.expose(&mut exposition).unwrap_or_default();
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(fixture, text);
        insta::assert_snapshot!(format!("prometheus-{fixture}"), exposition.text());
    });
}

/// The files of scripts, where the fixture has any.
fn own_metrics(dir: &Path) -> Option<Box<dyn Source>> {
    Some(dir.join("textfile")).filter(|folder| folder.exists()).map(text_files)
}

/// As if all were written at one time.
fn set_times(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let file = fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_hours(465_480)).unwrap();
    }
}

fn read_once(roots: &Roots) -> String {
    let (mut info, errors) = static_info(roots);
    "(that of the test machine)".clone_into(&mut info.architecture);
    let mut text = format!("# static\nhostname: {:?}\n{info:#?}\n", hostname(roots).ok());
    for error in errors {
        writeln!(text, "! {}", told(&error, roots)).unwrap();
    }
    text
}

fn told(error: &SourceError, roots: &Roots) -> String {
    error.to_string().replace(&*roots.rootfs.to_string_lossy(), "")
}

#[test]
fn a_real_machine() {
    check("linux-6.18-vm");
}

#[test]
fn many_cores_one_of_them_off() {
    check("linux-5.15-192-cores");
}

#[test]
fn an_old_kernel_with_32_bit_counters() {
    check("linux-2.6.32-old");
}

#[test]
fn a_container_without_network_and_swap() {
    check("linux-6.1-container");
}

#[test]
fn odd_names_and_damaged_files() {
    check("linux-6.6-arm-odd-names");
}

#[test]
fn a_server_with_a_degraded_mirror_and_the_first_control_groups() {
    check("linux-3.10-raid-server");
}

#[test]
fn a_laptop_with_a_core_off_on_battery() {
    check("linux-6.8-laptop");
}

#[test]
fn a_node_of_containers_with_huge_pages_and_a_firewall() {
    check("linux-6.12-kubernetes");
}

/// Lines without the figures, which are those of the test machine.
fn names(text: &str) -> String {
    let name = |line: &str| line.rsplit_once(' ').map_or(line, |(name, _)| name).to_owned() + "\n";
    text.lines().filter(|line| !line.starts_with('#')).map(name).collect()
}

#[test]
fn mounts_with_odd_names() {
    let dir = tempfile::tempdir().unwrap();
    let points = [
        "a b",
        "new\nline",
        "tab\there",
        "back\\slash",
        "ha#sh",
        "equals=,comma",
        "nfs x",
        "nfs x/own\ndisk",
    ];
    let mut table = String::new();
    for (number, point) in points.iter().enumerate() {
        fs::create_dir_all(dir.path().join(point)).unwrap();
        let escape =
            |c: char| if " \n\t\\#".contains(c) { format!("\\{:03o}", u32::from(c)) } else { c.into() };
        let escaped: String = point.chars().map(escape).collect();
        let kind = if point.ends_with(" x") { "nfs4 server:/a\\040b" } else { "btrfs /dev/disk\\040one" };
        writeln!(table, "{number} 1 0:{number} / /{escaped} rw - {kind} rw").unwrap();
    }
    fs::create_dir_all(dir.path().join("self")).unwrap();
    fs::write(dir.path().join("self/mountinfo"), table).unwrap();
    let roots = Roots { procfs: dir.path().into(), sysfs: dir.path().into(), rootfs: dir.path().into() };
    let mut sources = sources(&roots, Duration::from_secs(10));
    sources.retain(|source| ["filesystem", "remote"].contains(&source.name()));
    let (mut text, mut exposition) = (String::new(), Exposition::default());
    for source in &mut sources {
        let mut out = Values::default();
        for at in (0..6000).step_by(60) {
            out.clear();
            source.read(Duration::from_secs(at), &mut out).unwrap();
            // What a busy machine did not answer in time it answers later.
            if out.iter().all(|(metric, _, value)| metric.name != "disk.answers" || value > 0.0) {
                break;
            }
        }
        // Some file systems have no fixed number of inodes, and say nothing of them.
        for (metric, tags, value) in out.iter().filter(|(metric, ..)| !metric.name.contains("inodes")) {
            writeln!(text, "{} {value}", Series::new(metric.name, tags)).unwrap();
        }
        source.expose(&mut exposition).unwrap();
    }
    let text = names(&text) + "\n" + &names(&exposition.text());
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("mounts-with-odd-names", text);
    });
}

/// A metric that nothing gives is a line of documentation that lies.
#[test]
fn each_metric_is_in_some_golden_file() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let texts: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    let has = |name: &str| texts.iter().any(|text| text.contains(&format!("\n{name}")));
    // Of file systems and the clock, which are those of the test machine, a test against theirs tells.
    let theirs = ["node_filesystem_", "node_timex_"];
    let is_in_files = |name: &&str| !name.is_empty() && !theirs.iter().any(|prefix| name.starts_with(prefix));
    for name in CATALOGUE.iter().map(|metric| metric.prometheus).filter(is_in_files) {
        assert!(has(&format!("# TYPE {name} ")), "{name} is documented and not served");
    }
    let elsewhere = ["agent.", "clock.", "disk.answers"];
    for metric in CATALOGUE {
        let is_of_the_test_machine = ["mount"].as_slice() == metric.tags;
        if !is_of_the_test_machine && !elsewhere.iter().any(|prefix| metric.name.starts_with(prefix)) {
            assert!(has(metric.name), "{} is in no golden file", metric.name);
        }
    }
}
