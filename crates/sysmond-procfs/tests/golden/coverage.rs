//! Which source says something of which machine: a source that no fixture shows could break unseen.

use super::machine::{Exposed, Machine, OF_THE_TEST_MACHINE, Seen, names};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use sysmond_procfs::{sources, static_info};

/// What fails as it should: machine, source, a part of what it says, and why that is right.
const FAILURES: [(&str, &str, &str, &str); 4] = [
    ("linux-5.15-192-cores", "processes", "PID/stat", "hidepid shows this user its own process alone"),
    ("linux-6.6-arm-odd-names", "load", "three load averages", "the file is damaged"),
    ("linux-6.6-arm-odd-names", "uptime", "number of seconds", "the file is damaged"),
    ("linux-6.6-arm-odd-names", "textfile", "/broken.prom: line 2", "a script wrote a file that is wrong"),
];

/// A machine, and what was seen there.
struct Visit {
    name: String,
    machine: Machine,
    seen: Vec<Seen>,
    exposed: Exposed,
}

fn all() -> impl Iterator<Item = Visit> {
    names().into_iter().map(|name| {
        let machine = Machine::new(&name);
        let (seen, exposed) = machine.read();
        Visit { name, machine, seen, exposed }
    })
}

#[test]
fn each_machine_has_its_golden_files() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    for name in names() {
        for file in [format!("{name}.snap"), format!("prometheus-{name}.snap")] {
            assert!(dir.join(&file).exists(), "there is no {file}");
        }
    }
}

#[test]
fn a_source_is_well_or_says_what_the_machine_lacks() {
    let mut expected: BTreeSet<_> =
        FAILURES.iter().map(|(machine, source, ..)| (*machine, *source)).collect();
    let mut wrong = Vec::new();
    for Visit { name, machine, seen, .. } in all() {
        let (_, errors) = static_info(&machine.roots);
        wrong.extend(errors.iter().map(|error| format!("{name}: {}", machine.told(error))));
        for Seen { tick, source, outcome, .. } in seen {
            let Err(error) = outcome else { continue };
            let known = FAILURES.iter().find(|(of, failing, ..)| *of == name && *failing == source);
            let told = machine.told(&error);
            match known {
                Some((of, failing, says, _)) if told.contains(says) => {
                    expected.remove(&(*of, *failing));
                }
                None if error.is_absence() => {}
                _ => wrong.push(format!("{name}, {tick}: {source}: {told}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(expected.is_empty(), "these do not fail: {expected:?}");
}

#[test]
fn whoever_reads_something_exposes_it() {
    for Visit { name, machine, seen, exposed } in all() {
        for (source, outcome) in exposed.outcomes {
            let Some(error) = outcome.err().map(|error| machine.told(&error)) else { continue };
            let mut own = seen.iter().filter(|seen| seen.source == source);
            assert!(
                own.all(|seen| seen.outcome.is_err()),
                "{name}: {source} is read, and not exposed: {error}"
            );
        }
    }
}

#[test]
fn each_source_says_something_of_two_machines() {
    let (mut machines, mut every) = (BTreeMap::<&str, BTreeSet<String>>::new(), BTreeSet::new());
    for Visit { name, machine, seen, .. } in all() {
        every.extend(sources(&machine.roots, std::time::Duration::MAX).iter().map(|source| source.name()));
        for Seen { source, .. } in seen.iter().filter(|seen| !seen.values.is_empty()) {
            machines.entry(source).or_default().insert(name.clone());
        }
    }
    every.insert("textfile");
    for source in every.into_iter().filter(|source| !OF_THE_TEST_MACHINE.contains(source)) {
        let count = machines.get(source).map_or(0, BTreeSet::len);
        assert!(count >= 2, "{source} says something of {count} machines alone");
    }
}

/// How many values each source gives of each machine at its last reading; `-` where the machine has no such thing, and
/// `!` where it fails.
#[test]
fn a_table_of_all() {
    let mut rows = BTreeMap::<&str, BTreeMap<String, String>>::new();
    for Visit { name, seen, .. } in all() {
        for Seen { source, values, outcome, .. } in seen {
            let cell = match outcome {
                Ok(()) => values.len().to_string(),
                Err(error) if error.is_absence() => "-".to_owned(),
                Err(_) => format!("! {}", values.len()),
            };
            rows.entry(source).or_default().insert(name.clone(), cell);
        }
    }
    let mut table = String::new();
    for (place, name) in names().iter().enumerate() {
        writeln!(table, "{place} is {name}").unwrap();
    }
    for (source, cells) in rows {
        write!(table, "\n{source:<12}").unwrap();
        for name in names() {
            write!(table, "{:>7}", cells.get(&name).map_or("", String::as_str)).unwrap();
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!("which-source-says-something-of-which-machine", table);
    });
}
