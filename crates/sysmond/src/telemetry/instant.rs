//! The time of a log line: RFC 3339 in UTC with milliseconds, written and read back.

use crate::calendar::{date, days_since_epoch};
use crate::clock;
use std::fmt;
use sysmond_model::Timestamp;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

const DAY_MS: i64 = 86_400_000;

/// The program's clock as a log line begins with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct UtcTime;

impl FormatTime for UtcTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&text(clock::now()))
    }
}

/// `2026-02-06T12:00:00.250Z`.
pub(crate) fn text(instant: Timestamp) -> String {
    let (days, in_day) = (instant.as_millis().div_euclid(DAY_MS), instant.as_millis().rem_euclid(DAY_MS));
    let (year, month, day) = date(days);
    let (seconds, millis) = (in_day / 1000, in_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The instant in the first bytes of a log line, text or JSON.
pub(super) fn of_line(line: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(line.get(..line.len().min(64))?).ok()?;
    let text = text.strip_prefix(r#"{"timestamp":""#).unwrap_or(text);
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (date, time) = (number(0, 4)?, number(11, 13)?);
    let days = days_since_epoch(date, number(5, 7)?, number(8, 10)?);
    let seconds = time * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, ".")];
    let fits = marks.iter().all(|(at, mark)| text.get(*at..at + 1) == Some(mark));
    fits.then_some(Timestamp::from_millis(days * DAY_MS + seconds * 1000 + number(20, 23)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_people_read_them() {
        let check = |seconds, millis, expected: &str| {
            assert_eq!(text(Timestamp::from_seconds(seconds).plus_millis(millis)), expected);
        };
        check(0, 0, "1970-01-01T00:00:00.000Z");
        check(951_782_399, 999, "2000-02-28T23:59:59.999Z");
        check(951_782_400, 0, "2000-02-29T00:00:00.000Z");
        check(1_675_728_000, 250, "2023-02-07T00:00:00.250Z");
        check(4_107_542_400, 0, "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn the_first_line_tells_its_instant() {
        for day in 0..60_000 {
            let instant = Timestamp::from_millis(day * DAY_MS + day);
            assert_eq!(of_line(format!("{}  INFO x: y", text(instant)).as_bytes()), Some(instant));
        }
        let json = br#"{"timestamp":"2023-02-07T00:00:00.250Z","level":"INFO"}"#;
        assert_eq!(of_line(json), Some(Timestamp::from_millis(1_675_728_000_250)));
        assert_eq!(of_line(b"hello"), None);
        assert_eq!(of_line(b"2023/02/07 00:00:00 000 some other program's line"), None);
        assert_eq!(of_line(b""), None);
    }
}
