//! What the system's clocks tell of each other: by how much that of the day is made to run faster or slower than its
//! oscillator, which is zero where nobody corrects it; and whether it was set at once.

use crate::source::Values;
use rustix::time::{ClockId, Timespec, clock_gettime};
use sysmond_model::catalogue::{CLOCK_CORRECTION, CLOCK_STEP_SECONDS};

/// Over a shorter time than this a correction is lost in how long it takes to read two clocks.
const LEAST_NANOS: i128 = 5_000_000_000;
/// Steps below this are how long it takes to read two clocks.
const LEAST_STEP_NANOS: u128 = 1_000_000;
/// A correction is given in tenths.
const TENTHS: i128 = 10;
const MILLION: i128 = 1_000_000;

/// The clocks of one moment, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clocks {
    /// Of the day.
    pub(super) real: i128,
    /// Since the start, suspended time included, with the same corrections as the day's but for steps.
    pub(super) boot: i128,
    /// Since the start, with corrections.
    pub(super) monotonic: i128,
    /// Since the start, of the bare oscillator.
    pub(super) raw: i128,
}

impl Clocks {
    pub(super) fn now() -> Self {
        let nanos = |id| {
            let Timespec { tv_sec, tv_nsec } = clock_gettime(id);
            i128::from(tv_sec) * 1_000_000_000 + i128::from(tv_nsec)
        };
        Self {
            real: nanos(ClockId::Realtime),
            boot: nanos(ClockId::Boottime),
            monotonic: nanos(ClockId::Monotonic),
            raw: nanos(ClockId::MonotonicRaw),
        }
    }

    pub(super) fn put(&self, last: &Self, out: &mut Values) {
        let raw = self.raw - last.raw;
        if raw >= LEAST_NANOS {
            let ahead = (self.monotonic - last.monotonic) - raw;
            let tenths = (ahead.unsigned_abs() as f64 * (MILLION * TENTHS) as f64 / raw as f64).round();
            out.put(&CLOCK_CORRECTION, "", tenths / TENTHS as f64);
        }
        let step = ((self.real - last.real) - (self.boot - last.boot)).unsigned_abs();
        let step = if step < LEAST_STEP_NANOS { 0 } else { step / LEAST_STEP_NANOS };
        out.put(&CLOCK_STEP_SECONDS, "", step as f64 / 1000.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{value, values};

    const SECOND: i128 = 1_000_000_000;

    fn put(now: Clocks) -> Vec<String> {
        let (zero, mut out) = (Clocks { real: 0, boot: 0, monotonic: 0, raw: 0 }, Values::default());
        now.put(&zero, &mut out);
        values(&out)
    }

    #[test]
    fn a_correction_is_what_the_oscillator_lacks() {
        let minute = 60 * SECOND;
        let corrected = minute + 60 * 12_500;
        let found = put(Clocks { real: corrected, boot: corrected, monotonic: corrected, raw: minute });
        assert_eq!(found, ["clock.correction_ppm 12.5", "clock.step_seconds 0"]);
        let found = put(Clocks { real: SECOND, boot: SECOND, monotonic: SECOND, raw: SECOND });
        assert_eq!(found, ["clock.step_seconds 0"]);
    }

    #[test]
    fn a_step_is_what_only_the_time_of_day_did() {
        let minute = 60 * SECOND;
        let (monotonic, raw) = (minute, minute);
        // Suspended meanwhile: no step.
        let found = put(Clocks { real: 2 * minute, boot: 2 * minute, monotonic, raw });
        assert_eq!(value(&found, "clock.step_seconds"), "0");
        let found = put(Clocks { real: minute - SECOND / 2, boot: minute, monotonic, raw });
        assert_eq!(value(&found, "clock.step_seconds"), "0.5");
    }
}
