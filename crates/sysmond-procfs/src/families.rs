//! Which of Prometheus' families are the agent's own: those that its sources expose, whether or not they do at the
//! moment. A script's file that spoke for one would be taken for the host's word as soon as the source fails.

use crate::{cpu, disk, identity, links, network, sensors, sockets, tables};
use sysmond_model::CATALOGUE;

/// What begins so is told of the agent itself, or named by the kernel, whose next version may have more of it.
const BEGINNINGS: [&str; 8] = [
    "sysmond_",
    "node_textfile_",
    "node_scrape_collector_",
    "node_memory_",
    "node_netstat_",
    "node_sockstat_",
    "node_timex_",
    "node_vmstat_",
];

/// What sources expose beside what the catalogue names: each says so where it does.
fn beside() -> impl Iterator<Item = &'static str> {
    let listed: [&[&str]; 7] = [
        &cpu::FAMILIES,
        &disk::FAMILIES,
        &identity::FAMILIES,
        &network::FAMILIES,
        &sensors::FAMILIES,
        &sockets::FAMILIES,
        &tables::FAMILIES,
    ];
    listed.into_iter().flatten().copied().chain(links::families())
}

/// Whether a family is the agent's own.
pub(crate) fn is_own(family: &str) -> bool {
    BEGINNINGS.iter().any(|begin| family.starts_with(begin))
        || CATALOGUE.iter().any(|metric| metric.prometheus == family)
        || beside().any(|name| name == family)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Exposition;
    use crate::source::{Roots, Values, sources};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    /// Names in the files of scripts that fixtures have.
    const OF_SCRIPTS: [&str; 6] = [
        "apt_upgrades_pending",
        "backup_last_success_seconds",
        "image_gc_bytes_total",
        "jobs_total",
        "node_reboot_required",
        "own_odd",
    ];

    fn families(text: &str, found: &mut BTreeSet<String>) {
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        found.extend(types.filter(|name| !OF_SCRIPTS.contains(name)).map(str::to_owned));
    }

    /// What is exposed of the machines of the fixtures, and of this one.
    fn exposed() -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
        for entry in fs::read_dir(dir).unwrap() {
            families(&fs::read_to_string(entry.unwrap().path()).unwrap(), &mut found);
        }
        let roots = Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() };
        let mut out = Exposition::default();
        for mut source in sources(&roots, Duration::from_secs(3)) {
            // Some expose what they read last; what this machine lacks others have.
            drop(source.read(Duration::from_secs(1), &mut Values::default()));
            source.expose(&mut out).unwrap_or_default();
        }
        identity::expose_identity(&roots, Duration::from_secs(1), &mut out).unwrap();
        families(&out.text(), &mut found);
        found
    }

    #[test]
    fn whatever_is_exposed_is_the_agents_own() {
        let found = exposed();
        assert!(found.len() > 250, "only {}", found.len());
        let free: Vec<_> = found.iter().filter(|family| !is_own(family)).collect();
        assert!(free.is_empty(), "a script's file may speak for {free:?}");
    }

    #[test]
    fn what_is_listed_is_exposed_somewhere() {
        let found = exposed();
        // Its number is in os-release of few systems as one.
        let listed = beside().filter(|family| *family != "node_os_version");
        let stale: Vec<_> = listed.filter(|family| !found.contains(*family)).collect();
        assert!(stale.is_empty(), "{stale:?}");
    }

    #[test]
    fn names_of_scripts_are_free() {
        for family in [
            "node_reboot_required",
            "apt_upgrades_pending",
            "yum_upgrades_pending",
            "node_directory_size_bytes",
            "node_ipmi_temperature_celsius",
            "node_md_info",
            "node_load",
            "smartmon_device_smart_healthy",
            "load1",
            "sysmon_jobs",
        ] {
            assert!(!is_own(family), "{family}");
        }
    }
}
