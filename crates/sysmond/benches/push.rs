//! What reading a push costs a sample: by the generic parser, and by prediction.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use std::fmt::Write as _;
use sysmond::aggregator::ingest::{Predictor, Window, parse};
use sysmond_model::Timestamp;

const SERIES: usize = 60;
const TICKS: usize = 5;
const SAMPLES: usize = SERIES * TICKS;

fn main() {
    divan::main();
}

fn window(_: &str) -> Window {
    Window { oldest: Timestamp::default(), newest: Timestamp::from_seconds(4_000_000_000) }
}

/// A push as an agent writes it: percentages as unrounded ratios, sizes, rates, loads.
fn body(push: usize) -> Vec<u8> {
    let mut out = String::from(
        r#"{"hostname":"web-server-01","version":"0.5.0","platform":"Linux","tags":{"role":"web"},"metrics":["#,
    );
    for tick in 0..TICKS {
        for n in 0..SERIES {
            let seed = (push * 31 + tick * 7 + n * 13) % 200;
            let value = match n % 4 {
                0 => 100.0 * seed as f64 / 203.0,
                1 => (seed * 4096 + 8_123_456_512) as f64,
                2 => seed as f64 / 2.0,
                _ => seed as f64,
            };
            let comma = if tick + n == 0 { "" } else { "," };
            let at = 1_675_728_000 + (push * TICKS + tick) * 2;
            let sample = format!(
                r#"{comma}{{"timestamp":{at},"metric_type":"disk.used_bytes","value":{value:?},"tags":"mount=/{n}"}}"#
            );
            write!(out, "{sample}").expect("in memory");
        }
    }
    out.push_str("]}");
    out.into_bytes()
}

#[divan::bench]
fn generic(bencher: Bencher<'_, '_>) {
    let body = body(0);
    bencher.counter(ItemsCount::new(SAMPLES)).bench_local(|| parse(black_box(&body), window).expect("good"));
}

#[divan::bench]
fn predicted(bencher: Bencher<'_, '_>) {
    let (predictor, body) = (Predictor::default(), body(0));
    predictor.parse(&body, window).expect("good");
    bencher
        .counter(ItemsCount::new(SAMPLES))
        .bench_local(|| predictor.parse(black_box(&body), window).expect("good"));
}
