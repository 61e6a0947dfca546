//! `docs/metrics.md` says what the catalogue says.

use std::fs;
use std::path::Path;
use sysmond_model::CATALOGUE;
use sysmond_model::catalogue::page;

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let page = page();
    if std::env::vars_os().any(|(key, _)| key == "UPDATE_SNAPSHOTS") {
        fs::write(&path, &page).expect("a writable checkout");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/metrics.md is stale; UPDATE_SNAPSHOTS=1 writes it anew");
}

#[test]
fn the_page_has_every_metric_once() {
    let page = page();
    for metric in CATALOGUE {
        let rows = page.matches(&format!("| `{}", metric.name)).count();
        let longer = CATALOGUE.iter().filter(|other| other.name.starts_with(metric.name)).count();
        assert_eq!(rows, longer, "{}", metric.name);
        assert!(page.contains(metric.help), "{}", metric.name);
    }
}
