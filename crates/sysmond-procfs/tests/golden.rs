//! Everything that the fixtures give: a change of any value shows here. `INSTA_UPDATE=always` accepts it.
//!
//! `linux-6.18-vm` was captured from a real host but for what it had not, the others are made by hand after what such
//! kernels write.

#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is not there")]

#[path = "golden/coverage.rs"]
mod coverage;
#[path = "golden/machine.rs"]
mod machine;

use machine::Machine;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;
use sysmond_model::{CATALOGUE, Series};
use sysmond_procfs::{Exposition, Roots, Values, hostname, sources, static_info};

fn check(fixture: &str) {
    let machine = Machine::new(fixture);
    let mut text = read_once(&machine);
    let (seen, exposed) = machine.read();
    let mut last = "";
    for reading in &seen {
        if reading.tick != last {
            last = reading.tick;
            writeln!(text, "\n# {last} reading").unwrap();
        }
        reading.values.iter().for_each(|value| writeln!(text, "{value}").unwrap());
        if let Err(error) = &reading.outcome {
            writeln!(text, "! {}: {}", reading.source, machine.told(error)).unwrap();
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(fixture, text);
        insta::assert_snapshot!(format!("prometheus-{fixture}"), exposed.text());
    });
}

fn read_once(machine: &Machine) -> String {
    let (mut info, errors) = static_info(&machine.roots);
    "(that of the test machine)".clone_into(&mut info.architecture);
    let mut text = format!("# static\nhostname: {:?}\n{info:#?}\n", hostname(&machine.roots).ok());
    for error in errors {
        writeln!(text, "! {}", machine.told(&error)).unwrap();
    }
    text
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

#[test]
fn processors_that_come_and_go_while_it_runs() {
    check("linux-5.4-power-hotplug");
}

#[test]
fn a_container_within_the_limits_of_the_first_control_groups() {
    check("linux-4.19-container-v1");
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
