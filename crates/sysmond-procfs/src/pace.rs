//! The time between two readings, and what follows from it.

use std::time::Duration;

/// Remembers when a source was last read.
#[derive(Debug)]
pub(crate) struct Pace {
    max_gap: Duration,
    last: Option<Duration>,
}

impl Pace {
    pub(crate) const fn new(max_gap: Duration) -> Self {
        Self { max_gap, last: None }
    }

    /// Another hole is too long from now on: the clock of the readings changed.
    pub(crate) const fn set_max_gap(&mut self, max_gap: Duration) {
        self.max_gap = max_gap;
    }

    /// The time since the last reading, and `at` is the last from now on. `None` on the first reading, where time did
    /// not pass, and after a hole: a mean over a suspended night says nothing about any second of it.
    ///
    /// Both ends are rounded to a millisecond, of which errors do not add up: rates are then ratios of small whole
    /// numbers, which the store keeps instead of their fractions.
    pub(crate) fn step(&mut self, at: Duration) -> Option<Elapsed> {
        let at = Duration::from_millis(u64::try_from((at.as_micros() + 500) / 1000).ok()?);
        let since = at.checked_sub(self.last.replace(at)?)?;
        let millis = u64::try_from(since.as_millis()).ok()?;
        (millis > 0 && since <= self.max_gap).then_some(Elapsed(millis))
    }
}

/// A time in milliseconds, that is not zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elapsed(u64);

impl Elapsed {
    /// Milliseconds.
    pub(crate) const fn millis(self) -> f64 {
        self.0 as f64
    }

    /// Seconds.
    pub(crate) const fn seconds(self) -> f64 {
        self.millis() / 1000.0
    }

    /// A counter's increase per second.
    pub(crate) fn per_second(self, increase: u64) -> f64 {
        1000.0 * increase as f64 / self.millis()
    }

    /// The share of this time that `millis` are, percent. The kernel's clock and ours are not read at the same moment,
    /// so a little over 100 is 100.
    pub(crate) fn percent_of_millis(self, millis: u64) -> f64 {
        (100.0 * millis as f64 / self.millis()).min(100.0)
    }

    /// The share of this time on all of `cores` that `micros` are, percent; to the nearest millisecond, so that it
    /// stays a ratio of small integers.
    pub(crate) fn percent_of_cores(self, micros: u64, cores: u64) -> f64 {
        let millis = micros.saturating_add(500) / 1000;
        (100.0 * millis as f64 / (self.millis() * cores.max(1) as f64)).min(100.0)
    }

    /// The share of this time that `micros` are, percent, to the nearest ten of them.
    pub(crate) fn percent_of_micros(self, micros: u64) -> f64 {
        let tens = micros.saturating_add(5) / 10;
        (1000.0 * tens as f64 / (1000.0 * self.millis())).min(100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_positive_time_counts() {
        let mut pace = Pace::new(Duration::from_secs(3));
        let mut check = |at: u64, expected: Option<f64>| {
            assert_eq!(pace.step(Duration::from_millis(at)).map(Elapsed::millis), expected, "{at}");
        };
        check(1000, None);
        check(2000, Some(1000.0));
        check(2000, None);
        check(1500, None);
        check(4500, Some(3000.0));
        check(7501, None);
        check(8501, Some(1000.0));
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "whole numbers are exact")]
    fn the_time_is_of_whole_milliseconds_whose_errors_do_not_add_up() {
        let mut pace = Pace::new(Duration::from_secs(3));
        let ticks = (0..1000_u64).map(|n| Duration::from_micros(1_000_000 + n * 1_000_300));
        let sum: f64 = ticks.filter_map(|at| pace.step(at)).map(Elapsed::millis).sum();
        assert_eq!(sum, 999_300.0);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "rates of whole numbers are exact")]
    fn rates_are_over_the_real_time() {
        let elapsed = Elapsed(2000);
        assert_eq!(elapsed.per_second(5), 2.5);
        assert_eq!(elapsed.percent_of_millis(500), 25.0);
        assert_eq!(elapsed.percent_of_millis(2001), 100.0);
        assert_eq!(elapsed.percent_of_micros(500_000), 25.0);
        assert_eq!(elapsed.percent_of_cores(500_000, 4), 6.25);
    }
}
