//! Any bytes as a file below /proc or /sys, read twice: no panic, and every value is one that can be stored.
//!
//! The first byte chooses the file, the rest up to a NUL is what it holds first, and what follows the NUL what it holds
//! a second later.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;
use sysmond_model::{Unit, tags};
use sysmond_procfs::{Roots, Source, Values, sources, static_info};

/// A file for each source, in the order of [`sources`], and then those that are read once.
const FILES: &[&str] = &[
    "stat",
    "loadavg",
    "meminfo",
    "1/mountinfo",
    "diskstats",
    "1/net/dev",
    "pressure/io",
    "uptime",
    "cpuinfo",
    "1/net/fib_trie",
    "1/net/if_inet6",
];
const MAX_GAP: Duration = Duration::from_secs(60);

/// Holds the files: libFuzzer runs one input after the other.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("procfs-{}", std::process::id()));
    for file in FILES {
        let parent = folder.join(file).parent().expect("each file is in a folder").to_owned();
        std::fs::create_dir_all(parent).expect("the temporary folder can be written");
    }
    folder
});

fuzz_target!(|input: &[u8]| {
    let Some((&choice, text)) = input.split_first() else { return };
    let index = usize::from(choice) % FILES.len();
    let path = FOLDER.join(FILES[index]);
    let roots = Roots { procfs: FOLDER.clone(), sysfs: FOLDER.clone(), rootfs: FOLDER.clone() };
    let middle = text.iter().position(|&byte| byte == 0);
    let (first, second) = text.split_at(middle.unwrap_or(text.len()));

    let mut sources = sources(&roots, MAX_GAP);
    for (at, text) in [(1, first), (2, second.strip_prefix(b"\0").unwrap_or(first))] {
        std::fs::write(&path, text).expect("the temporary folder can be written");
        match sources.get_mut(index) {
            Some(source) => check(source.as_mut(), at),
            None => drop(static_info(&roots)),
        }
    }
    std::fs::remove_file(&path).expect("it was just written");
});

fn check(source: &mut dyn Source, at: u64) {
    let mut out = Values::default();
    // An error is an answer too: what was put before it counts.
    drop(source.read(Duration::from_secs(at), &mut out));
    for (metric, tags, value) in out.iter() {
        assert_eq!(tags::canonical(tags).as_deref(), Ok(tags), "{}", metric.name);
        assert!(value.is_finite() && value >= 0.0, "{}{{{tags}}} {value}", metric.name);
        assert!(metric.unit != Unit::Percent || value <= 100.0, "{}{{{tags}}} {value}", metric.name);
    }
}
