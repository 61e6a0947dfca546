//! What a store could not read any more, in the log: each piece once, with what was lost.

use std::path::Path;
use sysmond_model::Timestamp;
use sysmond_tsdb::{Quarantined, Store};

/// Says that a database is there and has nothing in it: a new one is begun in its place, and somebody may miss the old.
pub(crate) fn tell_of_empty(path: &Path) {
    if std::fs::metadata(path).is_ok_and(|meta| meta.len() == 0) {
        tracing::warn!(path = %path.display(), "the database is an empty file: it begins anew, without a history");
    }
}

/// Says what is new of it.
pub(crate) fn tell(store: &Store) {
    if let Some(kept) = store.take_recovered() {
        let kept = kept.display();
        tracing::error!(%kept, "the store was damaged: it is kept aside and a new one begun");
    }
    for Quarantined { origin, host, stretch, reason, bytes, .. } in store.take_quarantined() {
        let host = host.unwrap_or_else(|| "unknown".to_owned());
        let [from, to] = [stretch.map(|(from, _)| from), stretch.map(|(_, to)| to)].map(seconds);
        tracing::error!(origin, host, from, to, bytes, reason, "damaged history was set aside: it is lost");
    }
}

/// Unix seconds, or nothing that could be taken for a time.
fn seconds(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "unknown".to_owned(), |at| at.as_seconds().to_string())
}
