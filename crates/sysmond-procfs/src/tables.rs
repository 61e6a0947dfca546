//! Things of which the kernel has a limited number, each in a small file below `/proc/sys`: open files, connections
//! that the firewall tracks, random bits.

use crate::exposition::Exposition;
use crate::file_source::{Fault, ProcFile};
use crate::source::{Roots, Source, SourceError, Values};
use crate::text::{fields, number, numbers};
use std::time::Duration;
use sysmond_model::Metric;
use sysmond_model::catalogue::{
    NETWORK_CONNTRACK_ENTRIES, NETWORK_CONNTRACK_LIMIT, SYSTEM_ENTROPY_BITS, SYSTEM_OPEN_FILES,
    SYSTEM_OPEN_FILES_LIMIT,
};

/// What the kernel writes where it sets no limit.
const UNLIMITED: u64 = i64::MAX.unsigned_abs();

const POOL_SIZE: &str = "node_entropy_pool_size_bits";
/// What is exposed beside what the catalogue names.
pub(crate) const FAMILIES: [&str; 1] = [POOL_SIZE];

/// All such files.
#[derive(Debug)]
pub(crate) struct Tables {
    files: ProcFile,
    /// One number each. Hosts without a firewall lack the first two, and containers may not see the last.
    single: [(ProcFile, &'static Metric); 3],
    /// How many random bits the kernel could have: always 256 since 5.18.
    pool: ProcFile,
}

impl Tables {
    pub(crate) fn new(roots: &Roots) -> Self {
        let file =
            |name: &str| ProcFile::new(roots.procfs.join("sys").join(name)).or_absent("not on this kernel");
        Self {
            files: ProcFile::new(roots.procfs.join("sys/fs/file-nr")),
            pool: file("kernel/random/poolsize"),
            single: [
                (file("net/netfilter/nf_conntrack_count"), &NETWORK_CONNTRACK_ENTRIES),
                (file("net/netfilter/nf_conntrack_max"), &NETWORK_CONNTRACK_LIMIT),
                (file("kernel/random/entropy_avail"), &SYSTEM_ENTROPY_BITS),
            ],
        }
    }
}

impl Source for Tables {
    fn name(&self) -> &'static str {
        "tables"
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        for (file, metric) in &mut self.single {
            if let Some(value) = file.read().ok().and_then(single) {
                out.put(metric, "", value as f64);
            }
        }
        let text = self.files.read()?;
        open_files(text, out).map_err(|fault| fault.of(self.files.path()))
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        let [entries, limit, entropy] = &mut self.single;
        for ((file, _), name, help) in [
            (entries, "node_nf_conntrack_entries", NETWORK_CONNTRACK_ENTRIES.help),
            (limit, "node_nf_conntrack_entries_limit", NETWORK_CONNTRACK_LIMIT.help),
            (entropy, "node_entropy_available_bits", SYSTEM_ENTROPY_BITS.help),
        ] {
            if let Some(value) = file.read().ok().and_then(single) {
                out.gauge(name, help, &[], value as f64);
            }
        }
        if let Some(bits) = self.pool.read().ok().and_then(single) {
            out.gauge(POOL_SIZE, "Random bits that the kernel can gather at most", &[], bits as f64);
        }
        if let Some([allocated, _, maximum]) = numbers(fields(self.files.read()?)) {
            out.gauge("node_filefd_allocated", SYSTEM_OPEN_FILES.help, &[], allocated as f64);
            out.gauge("node_filefd_maximum", "Open files that the kernel allows", &[], maximum as f64);
        }
        Ok(())
    }
}

fn single(text: &[u8]) -> Option<u64> {
    number(text.trim_ascii())
}

/// `file-nr`: open files, those of them that are unused (0 since 2.6), the limit.
pub(crate) fn open_files(text: &[u8], out: &mut Values) -> Result<(), Fault> {
    let [open, unused, limit] = numbers(fields(text)).ok_or(Fault::Malformed("expected three numbers"))?;
    out.put(&SYSTEM_OPEN_FILES, "", open.saturating_sub(unused) as f64);
    if limit < UNLIMITED {
        out.put(&SYSTEM_OPEN_FILES_LIMIT, "", limit as f64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;
    use std::fs;

    #[test]
    fn open_files_and_their_limit() {
        let take = |text: &str| {
            let mut out = Values::default();
            open_files(text.as_bytes(), &mut out).map(|()| values(&out)).ok()
        };
        let both = ["system.open_files 1100", "system.open_files_limit 815744"].map(str::to_owned);
        assert_eq!(take("1120\t20\t815744\n"), Some(both.to_vec()));
        assert_eq!(take("806\t0\t9223372036854775807\n"), Some(vec!["system.open_files 806".to_owned()]));
        assert_eq!(take("806\n"), None);
    }

    #[test]
    fn a_file_that_is_missing_costs_its_own_value_alone() {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in [("fs/file-nr", "8\t0\t99\n"), ("kernel/random/entropy_avail", "256\n")] {
            let path = dir.path().join("sys").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let roots = Roots { procfs: dir.path().into(), sysfs: dir.path().into(), rootfs: dir.path().into() };
        let mut out = Values::default();
        Tables::new(&roots).read(Duration::ZERO, &mut out).unwrap();
        let expected = ["system.entropy_bits 256", "system.open_files 8", "system.open_files_limit 99"];
        assert_eq!(values(&out), expected);
    }
}
