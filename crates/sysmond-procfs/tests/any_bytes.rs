//! No bytes make a parser panic or give values that cannot be.

#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is not there")]

use proptest::collection::vec;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use sysmond_procfs::fuzz::take_any_bytes;

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// All texts of the fixtures but the largest, which would take the time of all others.
fn texts() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut paths);
    paths.sort();
    let texts: Vec<_> =
        paths.iter().map(|path| fs::read(path).unwrap()).filter(|text| text.len() < 8192).collect();
    assert!(texts.len() > 40, "where are the fixtures?");
    texts
}

/// What the kernel's texts are made of, line ends three times as often.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "cpu", "cpu0", "cpu1", "ctxt", "processes", "btime", "lo:", "eth0:", "sda", "sda1", "8 0",
    "some", "full", "total=", "MemTotal:", "MemAvailable:", "MemFree:", "SwapTotal:", "SwapFree:",
    "Cached:", "kB", "\n", "\n", "\n", " ", "-", "/", "ext4", "8:1", "|-- ", "/32 host LOCAL",
    "PRETTY_NAME=", "\"", "'", "\\", "\\040", ":", "model name", "CPU part", "Tcp:", "Udp:",
    "TcpExt:", "OutSegs", "RetransSegs", "CurrEstab", "sockets: used", "TCP: inuse", "pgfault",
    "pswpin", "Personalities", "md0 : active", "[2/1]", "recovery =", "%",
    "POWER_SUPPLY_TYPE=Battery", "POWER_SUPPLY_CAPACITY=", "HugePages_Total:", "Hugepagesize:",
    "rbytes=", "usage_usec", "Block devices:", "0A", "(name)", "read_bytes:", "--password=",
    "://a:b@c", "\"names\":[\"",
];

/// Such words in any order.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        prop::sample::select(WORDS).prop_map(str::to_owned),
        any::<u64>().prop_map(|number| number.to_string()),
        (0u64..20).prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
    ];
    vec(word, 0..120).prop_map(|words| words.join(" ").into_bytes())
}

proptest! {
    #[test]
    fn random_bytes(first in vec(any::<u8>(), 0..400), second in vec(any::<u8>(), 0..400)) {
        take_any_bytes(&first, &second);
    }

    #[test]
    fn words_of_the_kernel_in_any_order(first in soup(), second in soup()) {
        take_any_bytes(&first, &second);
    }

    #[test]
    fn fixtures_with_changed_bytes(
        text in prop::sample::select(texts()),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        end in any::<prop::sample::Index>(),
    ) {
        let mut changed = text.clone();
        for (index, byte) in changes.iter().filter(|_| !text.is_empty()) {
            let index = index.index(changed.len());
            changed[index] = *byte;
        }
        take_any_bytes(&text, &changed);
        take_any_bytes(&changed, &text);
        take_any_bytes(&text, &changed[..end.index(changed.len() + 1)]);
    }
}
