//! Any bytes as the body of a push: refused as a whole, or read with a verdict on each sample.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sysmond::aggregator::ingest::{Window, parse};
use sysmond_model::Timestamp;

fuzz_target!(|body: &[u8]| {
    let window = Window {
        oldest: Timestamp::from_seconds(1_600_000_000),
        newest: Timestamp::from_seconds(1_800_000_000),
    };
    match parse(body, |_| window) {
        Ok(push) => assert!(format!("{push:?}").contains("hostname"), "a push is of a host"),
        Err(error) => assert!(!format!("{error:?}").is_empty(), "a refusal has a reason"),
    }
});
