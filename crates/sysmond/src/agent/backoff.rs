//! How long to wait before trying again: full jitter, so that a fleet which lost its server does not come back as one.

use std::time::Duration;

/// The longest first wait.
const FIRST_CAP: Duration = Duration::from_secs(1);
/// The longest wait of all: an aggregator that is back is found again within ten seconds. A fleet that tries so often
/// asks its server no more than twice as much as one that pushes.
const LAST_CAP: Duration = Duration::from_secs(10);

/// Waits drawn uniformly from nothing up to a cap, which doubles with every failure up to [`LAST_CAP`]. The draw stays
/// uniform at the cap: agents that all failed for an hour are spread over all of it.
pub(super) struct Backoff {
    cap: Duration,
    rng: fastrand::Rng,
}

impl Backoff {
    /// A wait of its own sequence, different in every process.
    pub(super) fn new() -> Self {
        let seed = getrandom::u64().unwrap_or_else(|_| crate::clock::since_boot().subsec_nanos().into());
        Self::seeded(seed)
    }

    fn seeded(seed: u64) -> Self {
        Self { cap: FIRST_CAP, rng: fastrand::Rng::with_seed(seed) }
    }

    /// The wait after one more failure.
    pub(super) fn next(&mut self) -> Duration {
        let cap = self.cap;
        self.cap = (cap * 2).min(LAST_CAP);
        cap.mul_f64(self.rng.f64())
    }

    /// Something succeeded: the next failure waits little again.
    pub(super) fn reset(&mut self) {
        self.cap = FIRST_CAP;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_below_a_cap_that_doubles_and_ends() {
        for seed in 0..200 {
            let mut backoff = Backoff::seeded(seed);
            for cap in [1, 2, 4, 8, 10, 10, 10] {
                let wait = backoff.next();
                assert!(wait < Duration::from_secs(cap), "seed {seed}: {wait:?} at a cap of {cap} s");
            }
        }
    }

    #[test]
    fn waits_at_the_cap_are_spread_over_all_of_it() {
        let mut backoff = Backoff::seeded(7);
        let mut tenths = [0_u32; 10];
        for _ in 0..20 {
            backoff.next();
        }
        for _ in 0..2000 {
            tenths[usize::try_from(backoff.next().as_secs()).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|&count| (120..=280).contains(&count)), "{tenths:?}");
    }

    #[test]
    fn a_success_makes_the_next_wait_short() {
        let mut backoff = Backoff::seeded(1);
        for _ in 0..10 {
            backoff.next();
        }
        backoff.reset();
        assert!(backoff.next() < FIRST_CAP);
    }

    #[test]
    fn two_agents_do_not_wait_alike() {
        let waits = |mut backoff: Backoff| (0..8).map(|_| backoff.next()).collect::<Vec<_>>();
        assert_ne!(waits(Backoff::new()), waits(Backoff::new()));
    }
}
