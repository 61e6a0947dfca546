//! What the kernel says of its clock, as values and for Prometheus.

use crate::exposition::Exposition;
use crate::source::Values;
use sysmond_libc::ClockState;
use sysmond_model::catalogue::{CLOCK_ESTIMATED_ERROR, CLOCK_MAX_ERROR, CLOCK_OFFSET, CLOCK_SYNCHRONIZED};

/// The kernel lets the error grow to this and no further. Below it somebody has kept the clock, and not too long ago.
/// The bit that should say so (`STA_UNSYNC`) is no judge: `chronyd` leaves it set where the kernel is not to write the
/// board's clock. `timedatectl` judges in the same way.
const UNKNOWN_ERROR_SECONDS: f64 = 16.0;
/// What the call returns where that bit is set: `TIME_ERROR`.
const UNSYNCHRONIZED: i32 = 5;

pub(super) fn put(state: &ClockState, out: &mut Values) {
    let is_kept = state.max_error < UNKNOWN_ERROR_SECONDS;
    out.put(&CLOCK_SYNCHRONIZED, "", f64::from(u8::from(is_kept)));
    out.put(&CLOCK_MAX_ERROR, "", state.max_error);
    out.put(&CLOCK_ESTIMATED_ERROR, "", state.estimated_error);
    out.put(&CLOCK_OFFSET, "", state.offset);
}

/// All that theirs shows, with its units: what is a frequency in hertz there has none in truth.
pub(super) fn expose(state: &ClockState, out: &mut Exposition) {
    let pulse = &state.pulse;
    for (name, help, value) in [
        (CLOCK_MAX_ERROR.prometheus, CLOCK_MAX_ERROR.help, state.max_error),
        (CLOCK_ESTIMATED_ERROR.prometheus, CLOCK_ESTIMATED_ERROR.help, state.estimated_error),
        (CLOCK_OFFSET.prometheus, CLOCK_OFFSET.help, state.offset),
        (
            "node_timex_sync_status",
            "1 where the kernel takes its clock to be synchronized, 0 where it was told that it is not",
            f64::from(u8::from(state.state != UNSYNCHRONIZED)),
        ),
        (
            "node_timex_frequency_adjustment_ratio",
            "What the kernel makes of a second of its oscillator",
            1.0 + state.frequency_ppm / 1e6,
        ),
        (
            "node_timex_status",
            "Bits of the clock's state: 1 for a loop that follows, 64 for one not synchronized",
            f64::from(state.status),
        ),
        (
            "node_timex_loop_time_constant",
            "How slowly the kernel's own loop follows, as a power of two",
            state.constant,
        ),
        ("node_timex_tick_seconds", "How long the kernel takes a tick to be", state.tick),
        (
            "node_timex_tai_offset_seconds",
            "How far atomic time is ahead of UTC; 0 where nobody told the kernel",
            state.tai_offset,
        ),
        (
            "node_timex_pps_frequency_hertz",
            "How far the oscillator is off by a pulse of each second, as a ratio",
            pulse.frequency_ppm / 1e6,
        ),
        ("node_timex_pps_jitter_seconds", "How much the pulse strays", pulse.jitter),
        (
            "node_timex_pps_shift_seconds",
            "Over how long the pulse is measured, as a power of two",
            pulse.interval,
        ),
        (
            "node_timex_pps_stability_hertz",
            "How much the frequency found by the pulse wanders, as a ratio",
            pulse.stability_ppm / 1e6,
        ),
    ] {
        out.gauge(name, help, &[], value);
    }
    for (name, help, value) in [
        ("node_timex_pps_jitter_total", "Times that the pulse strayed too far", pulse.jitter_exceeded),
        (
            "node_timex_pps_calibration_total",
            "Intervals over which the pulse was measured",
            pulse.calibrations,
        ),
        ("node_timex_pps_error_total", "Such intervals that were of no use", pulse.errors),
        (
            "node_timex_pps_stability_exceeded_total",
            "Times that the frequency found by the pulse wandered too far",
            pulse.stability_exceeded,
        ),
    ] {
        out.counter(name, help, &[], value);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::testing::{value, values};
    use sysmond_libc::Pulse;

    /// One that nobody keeps.
    pub(in crate::clock) const STATE: ClockState = ClockState {
        state: UNSYNCHRONIZED,
        status: 64,
        offset: -0.5,
        frequency_ppm: -2.5,
        max_error: 16.0,
        estimated_error: 0.25,
        tai_offset: 37.0,
        constant: 7.0,
        tick: 0.01,
        pulse: Pulse {
            frequency_ppm: 4.0,
            jitter: 0.001,
            interval: 2.0,
            stability_ppm: 1.0,
            jitter_exceeded: 1.0,
            calibrations: 2.0,
            errors: 3.0,
            stability_exceeded: 4.0,
        },
    };

    fn is_kept(state: &ClockState) -> String {
        let mut out = Values::default();
        put(state, &mut out);
        value(&values(&out), "clock.synchronized").to_owned()
    }

    fn text(state: &ClockState) -> Vec<String> {
        let mut out = Exposition::default();
        expose(state, &mut out);
        let text = out.text();
        let lines = text.lines().filter_map(|line| line.strip_prefix("node_timex_"));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn a_clock_is_kept_whose_error_is_known() {
        assert_eq!(is_kept(&STATE), "0");
        // As with `chronyd` without `rtcsync`: the bit says that it is not, and the error that it is.
        assert_eq!(is_kept(&ClockState { max_error: 0.03, ..STATE }), "1");
        assert_eq!(is_kept(&ClockState { max_error: 15.999_999, ..STATE }), "1");
        // Nothing was heard for nine hours, and the kernel has not yet set the bit.
        assert_eq!(is_kept(&ClockState { state: 0, status: 1, ..STATE }), "0");
    }

    #[test]
    fn prometheus_is_shown_all_of_it() {
        let expected = [
            "estimated_error_seconds 0.25",
            "frequency_adjustment_ratio 0.9999975",
            "loop_time_constant 7",
            "maxerror_seconds 16",
            "offset_seconds -0.5",
            "pps_calibration_total 2",
            "pps_error_total 3",
            "pps_frequency_hertz 0.000004",
            "pps_jitter_seconds 0.001",
            "pps_jitter_total 1",
            "pps_shift_seconds 2",
            "pps_stability_exceeded_total 4",
            "pps_stability_hertz 0.000001",
            "status 64",
            "sync_status 0",
            "tai_offset_seconds 37",
            "tick_seconds 0.01",
        ];
        assert_eq!(text(&STATE), expected);
    }

    #[test]
    fn a_leap_second_that_is_announced_is_no_error() {
        // `TIME_OK`, and leap seconds that are announced, on their way or just over.
        for state in 0..UNSYNCHRONIZED {
            let found = text(&ClockState { state, ..STATE });
            assert!(found.contains(&"sync_status 1".to_owned()), "{state}: {found:?}");
        }
    }
}
