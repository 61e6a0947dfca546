//! What the aggregator counts of itself. Labels are words of this file, never of a client.

use std::sync::atomic::{AtomicU64, Ordering};

/// How a push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// All samples stored, or a heartbeat.
    Success,
    /// Some samples refused.
    Partial,
    /// All samples refused.
    Refused,
    /// Not readable, not right, too large, or of an unknown kind.
    BadBody,
    /// No or the wrong token.
    Unauthorized,
    /// Asked to come again later.
    Busy,
    /// Found no room on the server's disk or within its budget.
    NoSpace,
    /// The server's own fault.
    Failed,
}

impl PushOutcome {
    /// All outcomes, with the label of each.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Success, "success"),
        (Self::Partial, "partial"),
        (Self::Refused, "refused"),
        (Self::BadBody, "bad_body"),
        (Self::Unauthorized, "unauthorized"),
        (Self::Busy, "busy"),
        (Self::NoSpace, "no_space"),
        (Self::Failed, "failed"),
    ];
}

/// The reason for which the store refuses a sample.
pub const TOO_MANY_SERIES: &str = "too_many_series";
/// The reason for which a sample is refused that is of a time of which nothing is kept.
pub const TOO_OLD: &str = "too_old";

/// Why a sample may be refused: the codes that a push is answered with.
pub const REFUSALS: [&str; 8] = [
    "bad_sample",
    "bad_metric_type",
    "bad_timestamp",
    "bad_value",
    "bad_tags",
    "too_new",
    TOO_OLD,
    TOO_MANY_SERIES,
];

/// Refused samples by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused([u64; REFUSALS.len()]);

impl Refused {
    /// Counts `n` of a reason, which is one of [`REFUSALS`].
    pub fn add(&mut self, code: &str, n: u64) {
        let place = REFUSALS.iter().position(|known| *known == code);
        debug_assert!(place.is_some(), "{code}");
        if let Some(count) = place.and_then(|place| self.0.get_mut(place)) {
            *count += n;
        }
    }
}

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that is counted outside the store.
#[derive(Debug, Default)]
pub struct Counters {
    pushes: [Counter; PushOutcome::ALL.len()],
    /// Samples in readable pushes.
    pub samples_received: Counter,
    /// Of those, refused, by reason.
    samples_failed: [Counter; REFUSALS.len()],
    /// Live frames encoded, once for all who watch.
    pub frames_encoded: Counter,
    /// Live frames sent, once for each who watches.
    pub frames_sent: Counter,
    /// Live frames that a slow client never got.
    pub frames_skipped: Counter,
    /// Live connections closed since the client took nothing for too long.
    pub clients_too_slow: Counter,
}

impl Counters {
    /// Counts a push.
    pub fn push(&self, outcome: PushOutcome) {
        if let Some(counter) = self.pushes.get(outcome as usize) {
            counter.add(1);
        }
    }

    /// Counts refused samples.
    pub fn refused(&self, refused: &Refused) {
        self.samples_failed.iter().zip(refused.0).for_each(|(counter, n)| counter.add(n));
    }

    /// Refused samples by reason.
    pub fn samples_failed(&self) -> impl Iterator<Item = (&'static str, u64)> {
        REFUSALS.iter().zip(&self.samples_failed).map(|(code, counter)| (*code, counter.get()))
    }

    /// Pushes by outcome's label.
    pub fn pushes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        PushOutcome::ALL.iter().zip(&self.pushes).map(|((_, label), counter)| (*label, counter.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_own_counter() {
        let counters = Counters::default();
        for (outcome, label) in PushOutcome::ALL {
            counters.push(outcome);
            let counted: Vec<_> =
                counters.pushes().filter(|(_, n)| *n == 1).map(|(label, _)| label).collect();
            assert_eq!(counted.last(), Some(&label));
        }
        assert_eq!(counters.pushes().map(|(_, n)| n).sum::<u64>(), 8);
    }
}
