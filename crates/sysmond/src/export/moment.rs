//! Times as they are written on the command line.

use crate::calendar::days_since_epoch;
use crate::config::values::{self, ValueError};
use std::time::Duration;
use sysmond_model::Timestamp;

/// A point in time, or one before the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl Moment {
    /// When it is at `now`.
    pub(super) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(timestamp) => timestamp,
            Self::Ago(duration) => {
                now.plus_millis(i64::try_from(duration.as_millis()).map_or(i64::MIN, |millis| -millis))
            }
        }
    }
}

/// Unix seconds, a day or a time of UTC, or `now-24h`.
pub fn moment(text: &str) -> Result<Moment, ValueError> {
    const WRONG: ValueError = ValueError::Not {
        what: "a time",
        right: "Unix seconds, a day or a time of UTC such as 2026-02-06 or 2026-02-06T12:30:00Z, or now-24h",
    };
    if let Some(rest) = text.strip_prefix("now") {
        return match rest.strip_prefix('-') {
            Some(ago) => values::duration(ago).map(Moment::Ago),
            None if rest.is_empty() => Ok(Moment::Ago(Duration::ZERO)),
            None => Err(WRONG),
        };
    }
    let seconds = text.parse().ok().and_then(Timestamp::from_seconds_f64);
    seconds.or_else(|| date_time(text)).map(Moment::At).ok_or(WRONG)
}

/// `2026-02-06`, `2026-02-06T12:30Z`, `2026-02-06T12:30:00Z`, `2026-02-06T12:30:00.250Z`; a space may stand for the T,
/// and the Z be left out.
fn date_time(text: &str) -> Option<Timestamp> {
    let (day, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    let time = time.strip_suffix('Z').unwrap_or(time);
    let (time, fraction) = time.split_once('.').map_or((time, None), |(time, rest)| (time, Some(rest)));
    let [hour, minute, second] =
        numbers(time, ':', [2, 2, 2]).or_else(|| numbers(time, ':', [2, 2]).map(|[h, m]| [h, m, 0]))?;
    let days = days_since_epoch(year, month, day);
    let is_date = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && day >= 1
        && day <= days_since_epoch(year + month / 12, month % 12 + 1, 1) - days_since_epoch(year, month, 1);
    let millis = fraction.map_or(Some(0), |digits| {
        let [millis] = numbers(&format!("{digits:0<3}"), '.', [3])?;
        (!digits.is_empty()).then_some(millis)
    })?;
    let is_time = hour < 24 && minute < 60 && second < 60;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    (is_date && is_time).then(|| Timestamp::from_seconds(seconds).plus_millis(millis))
}

/// Numbers of so many digits with `mark` between them.
fn numbers<const N: usize>(text: &str, mark: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(mark);
    let mut found = [0; N];
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_several_ways() {
        let now = Timestamp::from_seconds(1_770_379_200);
        let check = |text: &str, millis: i64| {
            assert_eq!(moment(text).expect(text).at(now).as_millis(), millis, "{text}");
        };
        check("1675728000", 1_675_728_000_000);
        check("1675728000.25", 1_675_728_000_250);
        check("2023-02-07", 1_675_728_000_000);
        check("2023-02-07T00:00Z", 1_675_728_000_000);
        check("2023-02-07T00:00:01Z", 1_675_728_001_000);
        check("2023-02-07 00:00:00.25", 1_675_728_000_250);
        check("2024-02-29", 1_709_164_800_000);
        check("2023-12-31T23:59:59.999Z", 1_704_067_199_999);
        check("now", now.as_millis());
        check("now-24h", now.as_millis() - 86_400_000);
    }

    #[test]
    fn what_is_no_time_is_told_so() {
        for text in [
            "",
            "yesterday",
            "-5",
            "1e99",
            "nan",
            "now-",
            "now+1h",
            "now-1",
            "2023-2-7",
            "2023-02-29",
            "2023-13-01",
            "2023-00-01",
            "2023-02-00",
            "2023-02-07T24:00",
            "2023-02-07T12",
            "2023-02-07T12:00:00.",
            "2023-02-07T12:00:00.1234Z",
            "2023-02-07T12:00+01:00",
            "02/07/2023",
            "2023-02-07T12:60",
        ] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
