//! When a source is read: what costs much or changes seldom has a slower clock than the agent's, and what the host
//! does not have is asked for seldom.

use crate::exposition::Exposition;
use crate::source::{Lane, Source, SourceError, Values};
use std::time::Duration;

/// How often a source that was absent is asked again: hardware is plugged in, a module is loaded.
const ABSENT_FOR: Duration = Duration::from_mins(1);
/// A reading so much before its time is taken as in time: ticks are not exact.
const SLACK: Duration = Duration::from_millis(300);

/// A source and its clock. Between two readings its last values and its last word stand.
pub(crate) struct Paced {
    source: Box<dyn Source>,
    every: Duration,
    /// After the first reading the second comes early by this much, so that slow sources are not all read at once.
    early: Duration,
    due: Option<Duration>,
    held: Values,
    outcome: Result<(), SourceError>,
}

impl Paced {
    /// Read each time.
    pub(crate) fn always(source: impl Source + 'static) -> Box<dyn Source> {
        Self::every(Duration::ZERO, Duration::ZERO, source)
    }

    /// Read once in `every`, the second time `early`.
    pub(crate) fn every(every: Duration, early: Duration, source: impl Source + 'static) -> Box<dyn Source> {
        let (due, held, outcome) = (None, Values::default(), Ok(()));
        Box::new(Self { source: Box::new(source), every, early, due, held, outcome })
    }

    fn is_due(&self, at: Duration) -> bool {
        // Where the clock went back, the plan was made by another one.
        self.due.is_none_or(|due| at + SLACK >= due || due > at + self.every.max(ABSENT_FOR))
    }

    /// When to read next after a reading at `at`.
    fn next(&self, at: Duration) -> Option<Duration> {
        if matches!(&self.outcome, Err(error) if error.is_absence()) {
            return Some(at + ABSENT_FOR.max(self.every));
        }
        if self.every.is_zero() {
            return None;
        }
        let planned = self.due.map_or(at.saturating_sub(self.early), |due| due);
        // After a hole the plan begins anew.
        let next = planned + self.every;
        Some(if next > at && planned <= at + SLACK { next } else { at + self.every })
    }
}

impl Source for Paced {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn lane(&self) -> Lane {
        self.source.lane()
    }

    fn read(&mut self, at: Duration, out: &mut Values) -> Result<(), SourceError> {
        if self.is_due(at) {
            if self.every.is_zero() {
                self.outcome = self.source.read(at, out);
            } else {
                self.held.clear();
                self.outcome = self.source.read(at, &mut self.held);
            }
            self.due = self.next(at);
        }
        out.extend(&self.held);
        self.outcome.clone()
    }

    fn rests_until(&self) -> Option<Duration> {
        self.due.map(|due| due.saturating_sub(SLACK))
    }

    /// At once: whoever asks for it has a clock of their own.
    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        self.source.expose(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use sysmond_model::catalogue::LOAD_AVG_1M;

    /// Gives how often it was read.
    struct Counting(f64, Result<(), SourceError>);

    impl Source for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
            self.0 += 1.0;
            out.put(&LOAD_AVG_1M, "", self.0);
            self.1.clone()
        }
    }

    fn readings(mut source: Box<dyn Source>, ats: impl IntoIterator<Item = u64>) -> Vec<f64> {
        let mut out = Values::default();
        let mut read = |at| {
            out.clear();
            drop(source.read(Duration::from_millis(at), &mut out));
            out.iter().map(|(.., value)| value).sum()
        };
        ats.into_iter().map(&mut read).collect()
    }

    #[test]
    fn values_stand_until_the_next_reading() {
        let slow = |early| {
            let (every, early) = (Duration::from_secs(4), Duration::from_secs(early));
            Paced::every(every, early, Counting(0.0, Ok(())))
        };
        let seconds = || (101..=109).map(|second| second * 1000);
        assert_eq!(readings(slow(0), seconds()), [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 3.0]);
        assert_eq!(readings(slow(2), seconds()), [1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0]);
        assert_eq!(readings(slow(0), [1000, 4900, 9100, 13_000]), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(readings(slow(0), [1000, 90_000, 91_000, 94_000]), [1.0, 2.0, 2.0, 3.0]);
        assert_eq!(readings(slow(0), [9_000_000, 1000, 2000]), [1.0, 2.0, 2.0]);
    }

    #[test]
    fn one_that_is_always_read_is() {
        assert_eq!(readings(Paced::always(Counting(0.0, Ok(()))), [1, 2, 3]), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_is_absent_is_asked_for_seldom_and_says_so_each_time() {
        let absent = SourceError::Absent { path: Path::new("/x").into(), reason: "none" };
        let mut source = Paced::always(Counting(0.0, Err(absent)));
        let mut out = Values::default();
        for second in 1..=61 {
            out.clear();
            assert!(source.read(Duration::from_secs(second), &mut out).unwrap_err().is_absence());
            assert_eq!(out.iter().count(), usize::from(second == 1 || second == 61));
        }
    }

    #[test]
    fn it_rests_until_it_would_be_read() {
        let mut source = Paced::every(Duration::from_secs(4), Duration::ZERO, Counting(0.0, Ok(())));
        assert_eq!(source.rests_until(), None);
        for at in [1000, 2000, 4600, 4700] {
            source.read(Duration::from_millis(at), &mut Values::default()).unwrap();
            let expected = if at == 4700 { 8700 } else { 4700 };
            assert_eq!(source.rests_until(), Some(Duration::from_millis(expected)), "{at}");
        }
        let mut source = Paced::always(Counting(0.0, Ok(())));
        source.read(Duration::from_secs(1), &mut Values::default()).unwrap();
        assert_eq!(source.rests_until(), None);
    }

    #[test]
    fn an_error_is_repeated_with_the_values_that_came_before_it() {
        let broken = SourceError::Malformed { path: Path::new("/x").into(), reason: "bad" };
        let every = Duration::from_secs(10);
        let mut source = Paced::every(every, Duration::ZERO, Counting(0.0, Err(broken)));
        let mut out = Values::default();
        source.read(Duration::from_secs(1), &mut out).unwrap_err();
        assert!(source.read(Duration::from_secs(2), &mut out).is_err());
        assert_eq!(out.iter().map(|(.., value)| value).collect::<Vec<_>>(), [1.0, 1.0]);
    }
}
