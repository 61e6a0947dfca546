//! When to read and when to push: whole multiples of a period on the wall clock. Pure: whoever calls says what time
//! it is.

use sha2::{Digest, Sha256};
use std::time::Duration;
use sysmond_model::Timestamp;

/// A period in milliseconds, at least one.
pub(super) fn millis(period: Duration) -> i64 {
    i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1)
}

/// The last whole multiple of `period` that is not after `at`.
pub(super) fn floor(at: Timestamp, period: Duration) -> Timestamp {
    let period = millis(period);
    Timestamp::from_millis(at.as_millis().div_euclid(period).saturating_mul(period))
}

/// The first whole multiple of `period` after `now`: what was missed is skipped.
///
/// Where the clock was set back by less than a period, a multiple that was used already (`last`) is not used again.
/// Where it was set back further, the grid begins anew at `now`.
pub(super) fn next(now: Timestamp, last: Option<Timestamp>, period: Duration) -> Timestamp {
    let step = millis(period);
    let next = floor(now, period).plus_millis(step);
    match last {
        Some(last) if next <= last && last.as_millis() - now.as_millis() <= step => last.plus_millis(step),
        _ => next,
    }
}

/// From `now` to the next instant that is `phase` after a whole multiple of `period`. Never nothing.
pub(super) fn until_phase(now: Timestamp, phase: Duration, period: Duration) -> Duration {
    let shifted = now.plus_millis(-i64::try_from(phase.as_millis()).unwrap_or(0));
    until(shifted, next(shifted, None, period))
}

/// From `now` to `then`; nothing where that is past.
pub(super) fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(then.as_millis() - now.as_millis()).unwrap_or(0))
}

/// A host's own place within `period`, always the same for its name: a fleet that was started at once does not push
/// at once.
pub(super) fn phase(hostname: &str, period: Duration) -> Duration {
    let hash = Sha256::digest(hostname.as_bytes());
    let number = hash.iter().take(8).fold(0_u64, |number, &byte| (number << 8) | u64::from(byte));
    Duration::from_millis(number % u64::try_from(millis(period)).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Duration = Duration::from_secs(2);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn ticks_are_whole_multiples_and_missed_ones_are_skipped() {
        let check =
            |now, last: Option<i64>, expected| assert_eq!(next(at(now), last.map(at), TWO), at(expected));
        check(0, None, 2000);
        check(1, None, 2000);
        check(1999, None, 2000);
        check(2000, Some(2000), 4000);
        check(9500, Some(2000), 10_000);
    }

    #[test]
    fn a_clock_set_back_a_little_repeats_no_tick_and_one_set_back_far_begins_anew() {
        let check = |now, last, expected| assert_eq!(next(at(now), Some(at(last)), TWO), at(expected));
        check(9_999, 10_000, 12_000);
        check(8_000, 10_000, 12_000);
        check(7_999, 10_000, 8_000);
        check(100, 3_600_000, 2_000);
    }

    #[test]
    fn the_next_tick_is_always_ahead_and_near() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..10_000 {
            let now = rng.i64(-5_000..4_000_000_000_000);
            let last = rng.bool().then(|| at(now + rng.i64(-100_000..100_000)));
            let period = Duration::from_millis(rng.u64(0..70_000));
            let ahead = next(at(now), last, period).as_millis() - now;
            assert!((1..=2 * millis(period)).contains(&ahead), "{now} {last:?} {period:?}: {ahead}");
        }
    }

    #[test]
    fn pushes_come_at_the_phase_of_each_period() {
        let check = |now, expected| {
            let wait = until_phase(at(now), Duration::from_millis(300), TWO);
            assert_eq!(wait, Duration::from_millis(expected));
        };
        check(2_000, 300);
        check(2_299, 1);
        check(2_300, 2_000);
        check(0, 300);
    }

    #[test]
    fn a_phase_belongs_to_a_name_and_names_are_spread() {
        let period = Duration::from_secs(10);
        assert_eq!(phase("web-01", period), phase("web-01", period));
        let mut tenths = [0_u32; 10];
        for number in 0..1000 {
            tenths[usize::try_from(phase(&format!("web-{number}"), period).as_secs()).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|&count| (60..=150).contains(&count)), "{tenths:?}");
    }
}
