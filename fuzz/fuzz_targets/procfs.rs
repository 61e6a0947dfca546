//! Any bytes as a file below /proc or /sys, read twice: no panic, and every value is one that can be stored.
//!
//! What is before the first NUL is the first reading, what is behind it the second.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sysmond_procfs::fuzz::take_any_bytes;

fuzz_target!(|input: &[u8]| {
    let middle = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    let (first, second) = input.split_at(middle);
    take_any_bytes(first, second.strip_prefix(b"\0").unwrap_or(first));
});
