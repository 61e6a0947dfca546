//! Any bodies, one after the other: the parser that predicts, which has learned from those before, says of each what
//! the generic one says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sysmond::aggregator::ingest::{Predictor, Push, Window, parse};
use sysmond_model::Timestamp;

/// Parts the bodies of one input: a byte that no JSON has.
const BORDER: u8 = 0xff;

fuzz_target!(|bodies: &[u8]| {
    let window = |_: &str| Window {
        oldest: Timestamp::from_seconds(1_600_000_000),
        newest: Timestamp::from_seconds(1_800_000_000),
    };
    let predictor = Predictor::default();
    for body in bodies.split(|byte| *byte == BORDER) {
        let (predicted, expected) = (predictor.parse(body, window), parse(body, window));
        assert_eq!(predicted.as_ref().map(Push::canonical), expected.as_ref().map(Push::canonical));
    }
});
