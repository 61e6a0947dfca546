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
    let micros = |count: libc::c_long| count as f64 / 1e6;
    let offset = if timex.status & libc::STA_NANO == 0 { 1e6 } else { 1e9 };
    Ok(ClockState {
        state,
        status: timex.status,
        offset: timex.offset as f64 / offset,
        // In units of 2^-16.
        frequency_ppm: timex.freq as f64 / 65536.0,
        max_error: micros(timex.maxerror),
        estimated_error: micros(timex.esterror),
        tai_offset: f64::from(timex.tai),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_its_clock() {
        let state = clock_state().unwrap();
        assert!((0..=5).contains(&state.state), "{state:?}");
        // The kernel lets the error grow to this and no further.
        assert!((0.0..=16.0).contains(&state.max_error), "{state:?}");
        assert!(state.frequency_ppm.abs() <= 500.0, "{state:?}");
        // Without the permission to set a clock this would have failed, had it set anything.
        assert_eq!(clock_state().unwrap().status & !libc::STA_NANO, state.status & !libc::STA_NANO);
    }
}
