//! Whether the aggregator goes on, for the service manager's watchdog.

use crate::clock;
use crate::shutdown::Shutdown;
use crate::systemd::Part;
use sysmond_tsdb::Store;

/// Looks until `shutdown`: the event loop has to come round, memory has to answer as it answers a page, and appends
/// that wait have to go on.
pub(super) async fn report(service: Part, store: Store, offline_after_ms: i64, shutdown: Shutdown) {
    let mut last = None;
    let look = || {
        let summary = store.fleet_summary(clock::now(), offline_after_ms);
        let stats = store.stats();
        let writer = Writer { queued: stats.queued, commits: stats.commits };
        let goes_on = last.replace(writer).is_none_or(|before| writer.goes_on_since(before));
        goes_on.then(|| format!("{} of {} hosts online", summary.online_hosts, summary.total_hosts))
    };
    service.report(look, shutdown).await;
}

/// What the store's writer had done and had before it.
#[derive(Clone, Copy, Debug)]
struct Writer {
    queued: usize,
    commits: u64,
}

impl Writer {
    /// A writer that has nothing to do may rest; one for whom appends wait has to have written since.
    fn goes_on_since(self, before: Self) -> bool {
        self.queued == 0 || before.queued == 0 || self.commits != before.commits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_lets_others_wait_is_stuck() {
        let check = |before: (usize, u64), now: (usize, u64), expected: bool| {
            let writer = |(queued, commits)| Writer { queued, commits };
            assert_eq!(writer(now).goes_on_since(writer(before)), expected, "{before:?} {now:?}");
        };
        check((0, 5), (0, 5), true);
        check((0, 5), (3, 5), true);
        check((3, 5), (3, 6), true);
        check((3, 5), (0, 5), true);
        check((3, 5), (4, 5), false);
    }
}
