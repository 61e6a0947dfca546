//! A machine of the fixtures, laid out in a folder, and what its sources say.
//!
//! A fixture has a `first` and a `second` reading, two seconds apart, and may have a `third` two seconds later; what
//! one lacks is as in the reading before. Sources on a slow clock are read again twenty seconds after the second, of
//! which they see the files then, and those of `slow` where there are any. What git cannot hold in a name, or other
//! tools cannot, is written `%FF`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use sysmond_model::{ProcessUse, Series};
use sysmond_procfs::{
    Exposition, LatestProcesses, ProcessOptions, Roots, Source, SourceError, Values, sources_and_processes,
    text_files,
};
use tempfile::TempDir;

/// What file systems hold and how clocks run is not in files: those sources have tests of their own, and the names that
/// file systems are given one in `golden.rs`.
pub(crate) const OF_THE_TEST_MACHINE: [&str; 3] = ["filesystem", "remote", "clock"];
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
const TICKS: [(&str, u64); 4] = [("first", 1), ("second", 3), ("third", 5), ("slow", 23)];

/// Sources whose values are in the order of a folder, which differs from disk to disk.
const OF_A_FOLDER: [&str; 3] = ["links", "battery", "cgroup"];

/// What a source said at one time.
pub(crate) struct Seen {
    pub(crate) tick: &'static str,
    pub(crate) source: &'static str,
    /// Series and values, as they are written.
    pub(crate) values: Vec<String>,
    pub(crate) outcome: Result<(), SourceError>,
}

/// What sources expose, and how that went.
#[derive(Default)]
pub(crate) struct Exposed {
    exposition: Exposition,
    pub(crate) outcomes: Vec<(&'static str, Result<(), SourceError>)>,
}

impl Exposed {
    /// The text, with the series of each family in order: some are in that of a folder.
    pub(crate) fn text(&self) -> String {
        let text = self.exposition.text();
        let mut lines: Vec<&str> = text.lines().collect();
        for family in lines.chunk_by_mut(|a, b| a.starts_with('#') == b.starts_with('#')) {
            if family.first().is_some_and(|line| !line.starts_with('#')) {
                family.sort_unstable();
            }
        }
        lines.join("\n") + "\n"
    }
}

/// A machine, laid out.
pub(crate) struct Machine {
    fixture: PathBuf,
    dir: TempDir,
    pub(crate) roots: Roots,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// All of them.
pub(crate) fn names() -> Vec<String> {
    let entries = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

impl Machine {
    /// As it is at the first reading.
    pub(crate) fn new(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots {
            procfs: dir.path().join("proc"),
            sysfs: dir.path().join("sys"),
            rootfs: dir.path().into(),
        };
        let machine = Self { fixture: fixtures().join(name), dir, roots };
        machine.lay_out("first");
        machine
    }

    fn lay_out(&self, tick: &str) {
        lay_over(&self.fixture.join(tick), self.dir.path());
        set_times(&self.dir.path().join("textfile"));
    }

    /// Whether its files change then; all machines have the other times.
    fn has(&self, tick: &str) -> bool {
        tick != "third" || self.fixture.join(tick).exists()
    }

    fn sources(&self, processes: Arc<LatestProcesses>) -> Vec<Box<dyn Source>> {
        // No hole, as an agent has them between readings of a slow clock.
        let options = ProcessOptions { command_lines: true };
        let mut sources = sources_and_processes(&self.roots, Duration::from_secs(30), options, processes);
        sources.retain(|source| !OF_THE_TEST_MACHINE.contains(&source.name()));
        let textfile = self.dir.path().join("textfile");
        sources.extend(Some(textfile).filter(|folder| folder.exists()).map(text_files));
        sources
    }

    /// What all sources say at their times, and what they expose after that, as it is at the end.
    pub(crate) fn read(&self) -> (Vec<Seen>, Exposed) {
        let processes = Arc::<LatestProcesses>::default();
        let (mut sources, mut seen) = (self.sources(Arc::clone(&processes)), Vec::new());
        for (tick, second) in TICKS.into_iter().filter(|(tick, _)| self.has(tick)) {
            self.lay_out(tick);
            for source in &mut sources {
                if tick != "first" && SLOW.contains(&source.name()) != (tick == "slow") {
                    continue;
                }
                let mut out = Values::default();
                let outcome = source.read(Duration::from_secs(second), &mut out);
                let value = |(metric, tags, value): (&sysmond_model::Metric, &str, f64)| {
                    format!("{} {value}", Series::new(metric.name, tags))
                };
                let mut values: Vec<_> = out.iter().map(value).collect();
                if OF_A_FOLDER.contains(&source.name()) {
                    values.sort_unstable();
                }
                // Later ones depend on what the first walk took of a processor.
                if let Some((_, snapshot)) = processes.take().filter(|_| tick == "first") {
                    values.extend(snapshot.processes.iter().map(process));
                }
                seen.push(Seen { tick, source: source.name(), values, outcome });
            }
        }
        let mut exposed = Exposed::default();
        for source in &mut sources {
            let outcome = source.expose(&mut exposed.exposition);
            exposed.outcomes.push((source.name(), outcome));
        }
        (seen, exposed)
    }

    /// An error as it would be told of the machine itself.
    pub(crate) fn told(&self, error: &SourceError) -> String {
        error.to_string().replace(&*self.roots.rootfs.to_string_lossy(), "")
    }
}

fn process(it: &ProcessUse) -> String {
    let ProcessUse { pid, state, threads, memory_bytes, name, command, .. } = it;
    format!("process {pid} {state} {threads} {memory_bytes} {name:?} {command:?}")
}

/// Writes the files of `from` over those of `to`, which may be open.
fn lay_over(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).into_iter().flatten() {
        let entry = entry.unwrap();
        let target = to.join(decoded(entry.file_name().as_bytes()));
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

/// `wlan%FF` with its last byte.
fn decoded(name: &[u8]) -> OsString {
    let mut parts = name.split(|byte| *byte == b'%');
    let mut out = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).expect("two digits");
        out.push(u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap());
        out.extend_from_slice(rest);
    }
    OsString::from_vec(out)
}

/// As if all were written at one time.
fn set_times(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let file = fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_hours(465_480)).unwrap();
    }
}
