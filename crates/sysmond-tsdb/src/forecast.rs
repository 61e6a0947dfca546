//! How full a store will be: each tier grows by its present rate, loses what is too old, and gives way where the budget
//! is reached. Arithmetic alone.

use crate::budget::{Sizes, Victim, victim};

/// How far it looks, days.
const MAX_DAYS: u32 = 3650;

/// Something for each tier: samples, minutes, ten minutes.
pub(crate) type ByTier = [f64; 3];

/// What is known today, in bytes and days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Today {
    pub(crate) held: ByTier,
    pub(crate) per_day: ByTier,
    pub(crate) keep_days: ByTier,
    /// What there is for all tiers together.
    pub(crate) room: f64,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Course {
    /// In how many days the room is used up; `None` where age keeps all tiers below it.
    pub(crate) full_in_days: Option<f64>,
    /// How far each tier reaches back in the long run, days.
    pub(crate) days: ByTier,
}

impl Today {
    /// Goes on day by day until every tier has reached its age.
    pub(crate) fn course(&self) -> Course {
        let mut held = self.held;
        let mut full_in_days = (total(held) > self.room).then_some(0.0);
        for day in 0..MAX_DAYS {
            let before = total(held);
            for tier in 0..3 {
                let (Some(size), Some(own), Some(rate), Some(keep)) = (
                    held.get_mut(tier),
                    self.held.get(tier),
                    self.per_day.get(tier),
                    self.keep_days.get(tier),
                ) else {
                    continue;
                };
                *size = (*size + rate).min(own.max(rate * keep));
            }
            let after = total(held);
            if after > self.room {
                let part = (self.room - before) / (after - before).max(1.0);
                full_in_days = full_in_days.or(Some(f64::from(day) + part.clamp(0.0, 1.0)));
                held = trimmed(held, self.room);
            }
        }
        let reach = |tier: usize| {
            let of = |values: ByTier| values.get(tier).copied().unwrap_or_default();
            let rate = of(self.per_day);
            if rate > 0.0 { (of(held) / rate).min(of(self.keep_days)) } else { of(self.keep_days) }
        };
        Course { full_in_days, days: [reach(0), reach(1), reach(2)] }
    }
}

fn total(sizes: ByTier) -> f64 {
    sizes.iter().sum()
}

/// The sizes brought into the room as trimming would.
fn trimmed(mut held: ByTier, room: f64) -> ByTier {
    for _ in 0..3 {
        let over = total(held) - room;
        let [raw, minutes, ten_minutes] = held.map(whole);
        let sizes = Sizes { raw, minutes, ten_minutes };
        let has = held.map(|size| size >= 1.0);
        let Some((giving, bytes)) = victim(sizes, whole(room), whole(over), has).filter(|_| over >= 1.0)
        else {
            break;
        };
        let tier = match giving {
            Victim::Raw => 0,
            Victim::Minutes => 1,
            Victim::TenMinutes => 2,
        };
        if let Some(size) = held.get_mut(tier) {
            *size = (*size - bytes as f64).max(0.0);
        }
    }
    held
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to int cast saturates")]
const fn whole(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(held: ByTier, per_day: ByTier, room: f64, full_in_days: Option<f64>, days: ByTier) {
        let keep_days = [15.0, 90.0, 730.0];
        let course = Today { held, per_day, keep_days, room }.course();
        let close = |a: f64, b: f64| (a - b).abs() < 0.02 * b.max(1.0);
        assert_eq!(course.full_in_days.is_some(), full_in_days.is_some(), "{course:?}");
        assert!(close(course.full_in_days.unwrap_or(0.0), full_in_days.unwrap_or(0.0)), "{course:?}");
        assert!(course.days.into_iter().zip(days).all(|(a, b)| close(a, b)), "{course:?}");
    }

    #[test]
    fn a_store_within_its_budget_keeps_everything_for_its_time() {
        check([0.0; 3], [100.0, 10.0, 1.0], 1e6, None, [15.0, 90.0, 730.0]);
        check([1500.0, 900.0, 730.0], [0.0; 3], 1e6, None, [15.0, 90.0, 730.0]);
    }

    #[test]
    fn a_store_beyond_it_keeps_a_share_of_each_tier() {
        // A thousand hosts at 10 GB, in megabytes times ten thousand.
        let per_day = [15_500_000.0, 3_000_000.0, 400_000.0];
        check([0.0; 3], per_day, 100_000_000.0, Some(5.29), [3.87, 8.33, 37.5]);
        // Few samples and long summaries: there the samples have what the others leave.
        check([0.0; 3], [10_000.0, 100.0, 1.0], 120_000.0, Some(11.88), [11.03, 90.0, 730.0]);
    }

    #[test]
    fn a_store_that_is_full_today_says_so() {
        check([2000.0, 0.0, 0.0], [100.0, 0.0, 0.0], 1000.0, Some(0.0), [10.0, 90.0, 730.0]);
    }
}
