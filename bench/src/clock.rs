//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "no part of the program, whose clock this would be beside")]
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
