//! One instant of the wall clock, as samples carry it.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// Milliseconds since the Unix epoch, UTC.
///
/// On the wire it is Unix *seconds*: a JSON integer where it is whole, else a fraction with at most three
/// digits. Finer input is rounded to the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Seconds of the year 9999's end: beyond it a number is no time that a monitor can have seen.
const MAX_SECONDS: f64 = 253_402_300_799.0;

impl Timestamp {
    /// From whole milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    /// From seconds with a fraction, rounded to the millisecond; `None` before 1970, after 9999, or not finite.
    #[expect(clippy::cast_possible_truncation, reason = "the range check above it keeps the product in i64")]
    pub fn from_seconds_f64(seconds: f64) -> Option<Self> {
        (0.0..=MAX_SECONDS).contains(&seconds).then(|| Self((seconds * 1000.0).round() as i64))
    }

    /// Whole milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Seconds since the epoch with the fraction.
    pub fn as_seconds_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// This instant moved by `millis`, which may be negative; saturates at the ends.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    /// Unix seconds as on the wire: `1675728000` or `1675728000.25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.div_euclid(1000), self.0.rem_euclid(1000));
        if millis == 0 {
            return write!(f, "{seconds}");
        }
        let fraction = format!("{millis:03}");
        write!(f, "{seconds}.{}", fraction.trim_end_matches('0'))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            serializer.serialize_i64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.as_seconds_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Self::from_seconds_f64(seconds)
            .ok_or_else(|| D::Error::custom(format!("{seconds} is not a time in Unix seconds")))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn wire_form_is_whole_seconds_or_a_short_fraction() {
        let check = |millis, expected: &str| {
            let timestamp = Timestamp::from_millis(millis);
            assert_eq!(timestamp.to_string(), expected);
            assert_eq!(serde_json::to_string(&timestamp).expect("a number"), expected);
            assert_eq!(serde_json::from_str::<Timestamp>(expected).expect("a time"), timestamp);
        };
        check(1_675_728_000_000, "1675728000");
        check(1_675_728_000_250, "1675728000.25");
        check(1_675_728_000_001, "1675728000.001");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for seconds in [-1.0, f64::NAN, f64::INFINITY, 1e12] {
            assert_eq!(Timestamp::from_seconds_f64(seconds), None, "{seconds}");
        }
    }
}
