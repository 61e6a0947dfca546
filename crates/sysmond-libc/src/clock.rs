//! The state in which the kernel takes its clock to be: `adjtimex(2)`.

use std::io;
use std::mem::MaybeUninit;

/// What the kernel says of its clock. Units are those of the call's manual page, brought to seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockState {
    /// `TIME_OK` (0) to `TIME_ERROR` (5): what the call returned.
    pub state: i32,
    /// `STA_` bits: `STA_PLL` (1), `STA_UNSYNC` (64) and others.
    pub status: i32,
    /// What the clock is still to be moved by, seconds.
    pub offset: f64,
    /// How much faster the clock is made to run than its oscillator, parts per million.
    pub frequency_ppm: f64,
    /// The error at most, seconds. It grows until the clock is kept again, to 16 s.
    pub max_error: f64,
    /// The error as it is estimated, seconds.
    pub estimated_error: f64,
    /// How many seconds international atomic time is ahead of UTC; 0 where nobody told the kernel.
    pub tai_offset: f64,
    /// How slowly the kernel's own loop follows: its time constant, as a power of two.
    pub constant: f64,
    /// How long the kernel takes a tick to be, seconds.
    pub tick: f64,
    /// What a pulse of each second tells, such as that of a receiver of satellites; zeros where there is none.
    pub pulse: Pulse,
}

/// A pulse of each second, as the kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pulse {
    /// How far the oscillator is off by it, parts per million.
    pub frequency_ppm: f64,
    /// How much it strays, seconds.
    pub jitter: f64,
    /// Over how long it is measured: seconds as a power of two.
    pub interval: f64,
    /// How much the frequency found by it wanders, parts per million.
    pub stability_ppm: f64,
    /// How often it strayed too far.
    pub jitter_exceeded: f64,
    /// Over how many intervals it was measured.
    pub calibrations: f64,
    /// How many of them were of no use.
    pub errors: f64,
    /// How often the frequency wandered too far.
    pub stability_exceeded: f64,
}

/// Asks the kernel, and sets nothing.
///
/// # Errors
/// Where the process may not ask: a filter of system calls forbids it.
pub fn clock_state() -> io::Result<ClockState> {
    let mut asked = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: the pointer is to as much as the kernel fills, and zero in `modes` sets nothing.
    let state = unsafe { libc::adjtimex(asked.as_mut_ptr()) };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all of its fields are numbers, for which zero bytes are valid, as is what the kernel wrote.
    let timex = unsafe { asked.assume_init() };
    Ok(told(state, &timex))
}

fn told(state: i32, timex: &libc::timex) -> ClockState {
    let micros = |count: libc::c_long| count as f64 / 1e6;
    // In units of 2^-16.
    let ppm = |count: libc::c_long| count as f64 / 65536.0;
    let fine = if timex.status & libc::STA_NANO == 0 { 1e6 } else { 1e9 };
    ClockState {
        state,
        status: timex.status,
        offset: timex.offset as f64 / fine,
        frequency_ppm: ppm(timex.freq),
        max_error: micros(timex.maxerror),
        estimated_error: micros(timex.esterror),
        tai_offset: f64::from(timex.tai),
        constant: timex.constant as f64,
        tick: micros(timex.tick),
        pulse: Pulse {
            frequency_ppm: ppm(timex.ppsfreq),
            jitter: timex.jitter as f64 / fine,
            interval: f64::from(timex.shift),
            stability_ppm: ppm(timex.stabil),
            jitter_exceeded: timex.jitcnt as f64,
            calibrations: timex.calcnt as f64,
            errors: timex.errcnt as f64,
            stability_exceeded: timex.stbcnt as f64,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeros() -> libc::timex {
        // SAFETY: all of its fields are numbers.
        unsafe { MaybeUninit::zeroed().assume_init() }
    }

    #[test]
    fn units_are_seconds_and_parts_per_million() {
        let told = |status| {
            let timex = libc::timex {
                status,
                offset: -2_500_000,
                freq: -(3 << 15),
                maxerror: 15_999_999,
                tick: 10_000,
                jitter: 4_000,
                shift: 2,
                tai: 37,
                ..zeros()
            };
            told(0, &timex)
        };
        let state = told(libc::STA_NANO);
        assert_eq!((state.offset, state.pulse.jitter), (-0.0025, 0.000_004));
        assert_eq!((state.frequency_ppm, state.max_error, state.tick), (-1.5, 15.999_999, 0.01));
        assert_eq!((state.pulse.interval, state.tai_offset), (2.0, 37.0));
        let state = told(0);
        assert_eq!(
            (state.offset, state.pulse.jitter),
            (-2.5, 0.004),
            "of an older kernel, or as it was asked for"
        );
    }

    #[test]
    fn the_kernel_tells_of_its_clock() {
        let state = clock_state().unwrap();
        assert!((0..=5).contains(&state.state), "{state:?}");
        // The kernel lets the error grow to this and no further.
        assert!((0.0..=16.0).contains(&state.max_error), "{state:?}");
        assert!(state.frequency_ppm.abs() <= 500.0, "{state:?}");
        // A tick is changed by a tenth at most, whatever their number in a second.
        assert!((0.0009..=0.011).contains(&state.tick), "{state:?}");
        // Without the permission to set a clock this would have failed, had it set anything.
        assert_eq!(clock_state().unwrap().status & !libc::STA_NANO, state.status & !libc::STA_NANO);
    }
}
