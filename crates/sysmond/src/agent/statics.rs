//! What is read once of a host and sent once: again only where it changed or the aggregator asks.

use super::collector::Reasons;
use crate::clock;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use sysmond_model::StaticInfo;
use sysmond_procfs::SourceError;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::warn;

/// Between two looks whether something changed, such as an address: cheap, and soon enough for what is static.
const REFRESH: Duration = Duration::from_mins(5);
/// The same where a collector began or ceased to fail: as often as agents push.
const REFRESH_REASONS: Duration = Duration::from_secs(10);
/// How long reading them may hold up the pushes.
const DEADLINE: Duration = Duration::from_secs(2);

/// Reads the static data, and says what could not be read.
pub(super) type Read = Arc<dyn Fn() -> (StaticInfo, Vec<SourceError>) + Send + Sync>;

/// The static data and whether the aggregator has them.
pub(super) struct Statics {
    read: Read,
    /// Why collectors give nothing, a part of what is read.
    reasons: Reasons,
    read_at: Option<Duration>,
    info: StaticInfo,
    /// How many of them could not be read.
    gaps: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next push has them.
    Wanted,
    /// Acknowledged.
    Known,
    /// A push with them was refused: left out until they change or are read again.
    Withheld,
}

impl Statics {
    /// Nothing read yet.
    pub(super) fn new(read: Read, reasons: Reasons) -> Self {
        Self { read, reasons, read_at: None, info: StaticInfo::default(), gaps: 0, state: State::Wanted }
    }

    /// Reads them where that is due.
    pub(super) async fn refresh(&mut self) {
        let now = clock::since_boot();
        if !self.is_due(now) {
            return;
        }
        self.read_at = Some(now);
        let read = Arc::clone(&self.read);
        match timeout(DEADLINE, spawn_blocking(move || read())).await {
            Ok(Ok((info, gaps))) => {
                self.report(&gaps);
                self.update(info);
            }
            Ok(Err(error)) => warn!(%error, "the static data cannot be read"),
            Err(_) => warn!("reading the static data hangs"),
        }
    }

    fn is_due(&self, now: Duration) -> bool {
        let Some(age) = self.read_at.map(|at| now.saturating_sub(at)) else { return true };
        age >= REFRESH || (age >= REFRESH_REASONS && self.have_reasons_changed())
    }

    fn have_reasons_changed(&self) -> bool {
        let reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &self.info.unavailable;
        reasons.len() != known.len() || reasons.iter().any(|(name, reason)| known.get(*name) != Some(reason))
    }

    /// Says what is missing, where that is news.
    fn report(&mut self, gaps: &[SourceError]) {
        if gaps.len() != self.gaps {
            for gap in gaps {
                warn!(error = %gap, "of the static data, something cannot be read");
            }
        }
        self.gaps = gaps.len();
    }

    fn update(&mut self, info: StaticInfo) {
        if info != self.info || self.state == State::Withheld {
            self.info = info;
            self.state = State::Wanted;
        }
    }

    /// What the next push has to bring.
    pub(super) fn wanted(&self) -> Option<&StaticInfo> {
        (self.state == State::Wanted && self.read_at.is_some()).then_some(&self.info)
    }

    /// A push was acknowledged; `asked` where the aggregator has none of this host.
    pub(super) fn acknowledged(&mut self, asked: bool) {
        self.state = match self.state {
            State::Withheld => State::Withheld,
            state if self.read_at.is_none() => state,
            _ if asked => State::Wanted,
            _ => State::Known,
        };
    }

    /// A push was refused: leaves them out of the next ones. Whether they were in it.
    pub(super) fn withhold(&mut self) -> bool {
        let were_in = self.wanted().is_some();
        if were_in {
            self.state = State::Withheld;
        }
        were_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(address: &str) -> StaticInfo {
        StaticInfo { ip_addresses: vec![address.to_owned()], ..StaticInfo::default() }
    }

    async fn statics() -> Statics {
        let read: Read = Arc::new(|| (info("192.0.2.1"), Vec::new()));
        let mut statics = Statics::new(read, Reasons::default());
        assert_eq!(statics.wanted(), None, "not read yet");
        statics.refresh().await;
        statics
    }

    #[tokio::test]
    async fn they_are_sent_until_acknowledged_and_again_when_changed_or_asked_for() {
        let mut statics = statics().await;
        assert_eq!(statics.wanted(), Some(&info("192.0.2.1")));
        statics.acknowledged(false);
        statics.refresh().await;
        statics.update(info("192.0.2.1"));
        assert_eq!(statics.wanted(), None);
        statics.update(info("192.0.2.2"));
        assert_eq!(statics.wanted(), Some(&info("192.0.2.2")));
        statics.acknowledged(false);
        statics.acknowledged(true);
        assert!(statics.wanted().is_some());
    }

    #[tokio::test]
    async fn a_collector_that_begins_to_fail_is_told_soon() {
        let mut statics = statics().await;
        let read_at = statics.read_at.expect("it was read");
        let [soon, later] = [9, 11].map(|seconds| read_at + Duration::from_secs(seconds));
        assert!(!statics.is_due(later));
        statics.reasons.lock().expect("nobody panicked").insert("raid", "it hangs".to_owned());
        assert!(statics.is_due(later) && !statics.is_due(soon));
        statics.info.unavailable.insert("raid".to_owned(), "it hangs".to_owned());
        assert!(!statics.is_due(later));
    }

    #[tokio::test]
    async fn refused_ones_are_left_out_until_the_next_reading() {
        let mut statics = statics().await;
        assert!(statics.withhold());
        assert!(!statics.withhold());
        statics.acknowledged(true);
        assert_eq!(statics.wanted(), None);
        statics.update(info("192.0.2.1"));
        assert!(statics.wanted().is_some());
    }
}
