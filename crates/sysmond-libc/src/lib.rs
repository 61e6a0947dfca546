//! Three calls that libc has and no safe library offers: the one place where this workspace calls C by itself.

#![expect(unsafe_code, reason = "each call below says why it is sound")]

mod clock;
mod heap;

pub use clock::{ClockState, Pulse, clock_state};
pub use heap::{give_back_heap, keep_heap_small};
