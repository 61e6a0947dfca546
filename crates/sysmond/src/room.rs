//! A store without room, in words.

use crate::telemetry::instant_text;
use sysmond_tsdb::{Bound, Full, Store};

/// What the log says once, when it begins and when it has passed.
pub(crate) fn tell(store: &Store, told: &mut bool) {
    let full = store.full(crate::clock::now());
    match full {
        Some(full) if !*told => tracing::error!("{}", words(full)),
        None if *told => tracing::info!("there is room again: what comes is stored"),
        _ => {}
    }
    *told = full.is_some();
}

/// The reason, since when, and what to do.
pub(crate) fn words(full: Full) -> String {
    let since = instant_text(full.since);
    match full.bound {
        Bound::Disk => {
            format!("the server's disk is full: nothing is stored since {since}; make room on it")
        }
        Bound::Budget => format!(
            "the server's budget is used up by what may not go: nothing is stored since {since}; raise --max-disk"
        ),
    }
}

/// The bound as one word.
pub(crate) fn bound(full: Full) -> &'static str {
    match full.bound {
        Bound::Disk => "disk",
        Bound::Budget => "budget",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysmond_model::Timestamp;

    #[test]
    fn the_words_say_what_since_when_and_what_to_do() {
        let check = |bound, expected: [&str; 3]| {
            let text = words(Full { since: Timestamp::from_seconds(1_770_336_000), bound });
            assert!(expected.iter().all(|word| text.contains(word)), "{text}");
        };
        check(Bound::Disk, ["disk is full", "2026-02-06T00:00:00", "make room"]);
        check(Bound::Budget, ["budget is used up", "2026-02-06T00:00:00", "--max-disk"]);
    }
}
