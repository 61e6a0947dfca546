//! Any bytes as what lies in a store's file: no panic, no more memory than is declared, and what can be read survives
//! being written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sysmond_tsdb::fuzz::take_any_bytes;

fuzz_target!(|data: &[u8]| take_any_bytes(data));
