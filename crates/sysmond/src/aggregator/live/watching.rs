//! Whether somebody looks at a host, so that its agent sends each second.

use std::time::Duration;
use tokio::time::Instant;

/// A host counts as watched this long after the last client left: a page that is reloaded does not make its agent
/// slow down and speed up again.
pub(super) const LINGER: Duration = Duration::from_secs(10);

/// The clients of one host.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watching {
    clients: usize,
    left: Option<Instant>,
}

impl Watching {
    pub(super) fn clients(self) -> usize {
        self.clients
    }

    pub(super) fn join(&mut self) {
        self.clients += 1;
    }

    pub(super) fn leave(&mut self, now: Instant) {
        self.clients = self.clients.saturating_sub(1);
        self.left = Some(now);
    }

    /// Whether the host counts as watched at `now`, and until when at the least.
    pub(super) fn at(self, now: Instant) -> (bool, Option<Instant>) {
        if self.clients > 0 {
            return (true, None);
        }
        let until = self.left.map(|left| left + LINGER).filter(|until| *until > now);
        (until.is_some(), until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_counts_as_watched_for_a_while_after_the_last_client() {
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let mut watching = Watching::default();
        assert_eq!(watching.at(start), (false, None));
        watching.join();
        watching.join();
        watching.leave(later(1));
        assert_eq!(watching.at(later(100)), (true, None));
        watching.leave(later(100));
        assert_eq!(watching.at(later(109)), (true, Some(later(110))));
        assert_eq!(watching.at(later(110)), (false, None));
    }
}
