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

    /// The time since the last reading, and `at` is the last from now on. `None` on the first reading, where time did
    /// not pass, and after a hole: a mean over a suspended night says nothing about any second of it.
    pub(crate) fn step(&mut self, at: Duration) -> Option<Elapsed> {
        let since = at.checked_sub(self.last.replace(at)?)?;
        (!since.is_zero() && since <= self.max_gap).then_some(Elapsed(since))
    }
}

/// A time that is not zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elapsed(Duration);

impl Elapsed {
    /// Milliseconds; exact where the readings were on whole milliseconds, so that rates stay ratios of small integers.
    pub(crate) fn millis(self) -> f64 {
        self.0.as_nanos() as f64 / 1e6
    }

    /// Seconds.
    pub(crate) fn seconds(self) -> f64 {
        self.0.as_secs_f64()
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

    /// The same of microseconds.
    pub(crate) fn percent_of_micros(self, micros: u64) -> f64 {
        (100.0 * micros as f64 / (self.0.as_nanos() as f64 / 1e3)).min(100.0)
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
    #[expect(clippy::float_cmp, reason = "rates of whole numbers are exact")]
    fn rates_are_over_the_real_time() {
        let elapsed = Elapsed(Duration::from_secs(2));
        assert_eq!(elapsed.per_second(5), 2.5);
        assert_eq!(elapsed.percent_of_millis(500), 25.0);
        assert_eq!(elapsed.percent_of_millis(2001), 100.0);
        assert_eq!(elapsed.percent_of_micros(500_000), 25.0);
    }
}
