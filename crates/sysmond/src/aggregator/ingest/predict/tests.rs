//! Both parsers agree on any input; and the one that predicts does predict what agents send.

use super::*;
use proptest::prelude::*;
use proptest::sample::Index;
use sysmond_model::Timestamp;

const WINDOW: Window =
    Window { oldest: Timestamp::from_seconds(1_000), newest: Timestamp::from_seconds(1_000_000) };

fn same(predictor: &Predictor, body: &[u8]) -> bool {
    let hits = predictor.hits();
    let (expected, told) = (body::parse(body, |_| WINDOW), predictor.parse(body, |_| WINDOW));
    let text = String::from_utf8_lossy(body);
    assert_eq!(told.as_ref().map(Push::canonical), expected.as_ref().map(Push::canonical), "{text}");
    predictor.hits() > hits
}

/// How an agent spells its pushes.
#[derive(Clone, Debug)]
struct Style {
    /// A permutation of the four fields.
    order: [usize; 4],
    colon: &'static str,
    comma: &'static str,
    between: &'static str,
    samples_last: bool,
}

const COMPACT: Style =
    Style { order: [0, 1, 2, 3], colon: ":", comma: ",", between: ",", samples_last: true };

type Spelled = (String, usize, String);

impl Style {
    fn body(&self, samples: &[Spelled]) -> String {
        let Self { order, colon, comma, between, samples_last } = self;
        let sample = |(timestamp, series, value): &Spelled| {
            let fields = [
                format!(r#""timestamp"{colon}{timestamp}"#),
                format!(r#""metric_type"{colon}"metric.{}""#, series % 7),
                format!(r#""value"{colon}{value}"#),
                format!(r#""tags"{colon}"n={}""#, series / 7),
            ];
            format!("{{{}}}", order.map(|field| fields[field].clone()).join(comma))
        };
        let list = samples.iter().map(sample).collect::<Vec<_>>().join(between);
        let (host, rest) = (format!(r#""hostname"{colon}"web-01""#), format!(r#""tags"{colon}{{"a":"b"}}"#));
        let list = format!(r#""metrics"{colon}[{list}]"#);
        let parts = if *samples_last { [host, rest, list] } else { [host, list, rest] };
        format!("{{{}}}", parts.join(comma))
    }
}

fn styles() -> impl Strategy<Value = Style> {
    let order = Just([0, 1, 2, 3]).prop_shuffle();
    let colon = prop::sample::select(vec![":", ": ", " :\n"]);
    let comma = prop::sample::select(vec![",", ", ", ",\n    "]);
    (order, colon, comma.clone(), comma, any::<bool>()).prop_map(
        |(order, colon, comma, between, samples_last)| Style { order, colon, comma, between, samples_last },
    )
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(|v| format!("{v:?}")),
        4 => (0_u32..2000).prop_map(|v| format!("{:?}", f64::from(v) / 8.0)),
        2 => any::<i64>().prop_map(|v| v.to_string()),
        1 => "-?[0-9]{1,20}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        1 => prop::sample::select(vec!["-0", "1e999", "null", "\"1\"", "NaN", "1.", "01", "[1]", "-"]).prop_map(String::from),
    ]
}

fn timestamp() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (2_000_u32..2_006).prop_map(|v| v.to_string()),
        1 => (2_000_000_u32..2_000_900).prop_map(|v| format!("{:?}", f64::from(v) / 1000.0)),
        1 => prop::sample::select(vec!["2000.0", "2e3", "999", "1000001", "1e999", "-5", "null", "2000.0004"])
            .prop_map(String::from),
    ]
}

/// Samples as agents send them, by time or by series, with some missing, doubled or odd.
fn samples() -> impl Strategy<Value = Vec<Spelled>> {
    let tidy = (1_usize..12, 1_u32..4, any::<bool>(), any::<u64>(), 0_u32..1000).prop_map(
        |(series, ticks, by_series, missing, seed)| {
            let mut list: Vec<_> = (0..ticks)
                .flat_map(|tick| (0..series).map(move |n| (tick, n)))
                .filter(|(tick, n)| missing >> (n * 4 + *tick as usize) & 15 != 0)
                .collect();
            if by_series {
                list.sort_by_key(|(_, n)| *n);
            }
            let spell = |(tick, n): (u32, usize)| {
                ((2_000 + tick * 2).to_string(), n, format!("{:?}", f64::from(seed + tick) / 3.0))
            };
            list.into_iter().map(spell).collect()
        },
    );
    let wild = prop::collection::vec((timestamp(), 0_usize..9, value()), 0..12);
    prop_oneof![3 => tidy, 1 => wild]
}

proptest! {
    #[test]
    fn both_parsers_agree(style in styles(), pushes in prop::collection::vec(samples(), 1..6)) {
        let predictor = Predictor::default();
        for samples in &pushes {
            same(&predictor, style.body(samples).as_bytes());
        }
    }

    #[test]
    fn both_parsers_agree_on_damaged_bodies(
        style in styles(),
        first in samples(),
        second in samples(),
        damage in prop::collection::vec((any::<Index>(), prop::sample::select(br#"{}[],:"\ 09.-e"#.to_vec()), 0_u8..3), 1..4),
    ) {
        let predictor = Predictor::default();
        same(&predictor, style.body(&first).as_bytes());
        for samples in [&first, &second] {
            let mut body = style.body(samples).into_bytes();
            for (place, byte, kind) in &damage {
                let place = place.index(body.len());
                match kind {
                    0 => body[place] = *byte,
                    1 => body.insert(place, *byte),
                    _ => body.truncate(place.max(1)),
                }
            }
            same(&predictor, &body);
        }
    }
}

fn tick(at: u32, series: impl IntoIterator<Item = usize>) -> Vec<Spelled> {
    series.into_iter().map(|n| (at.to_string(), n, format!("{n}.5"))).collect()
}

fn push(ticks: impl IntoIterator<Item = (u32, std::ops::Range<usize>)>) -> Vec<u8> {
    let samples: Vec<_> = ticks.into_iter().flat_map(|(at, series)| tick(at, series)).collect();
    COMPACT.body(&samples).into_bytes()
}

#[test]
fn what_comes_again_is_predicted() {
    let predictor = Predictor::default();
    let check = |body: &[u8], predicted: bool| {
        assert_eq!(same(&predictor, body), predicted, "{}", String::from_utf8_lossy(body));
    };
    check(&push([(2000, 0..20)]), false);
    check(&push([(2002, 0..20), (2004, 0..20)]), true);
    check(&push([(2006, 0..20), (2008, 5..9), (2010, 0..20)]), true);
    check(&push([(2012, 3..4)]), true);
    check(&push([(2012, 0..21)]), false);
    check(&push([(2012, 0..21), (2014, 0..20)]), true);
}

#[test]
fn series_that_come_seldom_are_not_forgotten() {
    let predictor = Predictor::default();
    same(&predictor, &push([(2000, 0..30)]));
    same(&predictor, &push([(2000, 5..40)]));
    assert!(same(&predictor, &push([(2000, 0..40)])));
}

#[test]
fn a_list_sorted_by_series_is_predicted() {
    let predictor = Predictor::default();
    let samples: Vec<_> =
        (0..20).flat_map(|n| [2000, 2002, 2004].map(|at| (at.to_string(), n, "1".into()))).collect();
    let body = COMPACT.body(&samples);
    assert!(!same(&predictor, body.as_bytes()));
    assert!(same(&predictor, body.as_bytes()));
}

#[test]
fn equal_hosts_share_what_was_learned() {
    let predictor = Predictor::default();
    let body = String::from_utf8(push([(2000, 0..20)])).expect("text");
    assert!(!same(&predictor, body.as_bytes()));
    for n in 0..50 {
        assert!(same(&predictor, body.replace("web-01", &format!("web-{n}")).as_bytes()));
    }
    let memory = predictor.memory();
    assert_eq!((memory.hosts.len(), memory.patterns.len()), (51, 1));
}

#[test]
fn a_list_that_is_not_the_pushs_own_is_not_taken_for_it() {
    let predictor = Predictor::default();
    let body = String::from_utf8(push([(2000, 0..3)])).expect("text");
    same(&predictor, body.as_bytes());
    let (before, list) = body.split_once(r#""metrics":"#).expect("a list");
    let list = list.strip_suffix('}').expect("its end");
    for body in [
        format!(r#"{before}"x":{{"metrics":{list}}},"metrics":[]}}"#),
        format!(r#"{before}"x":{{"metrics":{list}}}}}"#),
        format!(r#"{before}"metrics":{list},"metrics":[]}}"#),
        format!(r#"{before}"metrics":{list},"hostname":"b"}}"#),
        format!(r#"{before}"metrics":{list},"version":"2"}}"#),
        format!(r#"{before}"metrics":{list}}} "#),
        format!(r#"{before}"metrics":{list}}} x"#),
        format!(r#"{before}"metrics":{list}5]}}"#),
    ] {
        same(&predictor, body.as_bytes());
    }
}

#[test]
fn memory_is_bounded() {
    let predictor = Predictor::default();
    for host in 0..MAX_HOSTS + 10 {
        let body = format!(
            r#"{{"hostname":"h{host}","metrics":[{{"timestamp":2000,"metric_type":"m{host}","value":1,"tags":""}}]}}"#
        );
        predictor.parse(body.as_bytes(), |_| WINDOW).expect("good");
    }
    assert!(predictor.memory().hosts.len() <= MAX_HOSTS);
    let name = "x".repeat(100);
    for host in 0..20 {
        let samples: Vec<_> = (0..4000)
            .map(|n| format!(r#"{{"timestamp":2000,"metric_type":"{name}{host}","value":1,"tags":"n={n}"}}"#))
            .collect();
        let body = format!(r#"{{"hostname":"h{host}","metrics":[{}]}}"#, samples.join(","));
        predictor.parse(body.as_bytes(), |_| WINDOW).expect("good");
    }
    let memory = predictor.memory();
    let bytes: usize = memory.patterns.iter().map(|pattern| pattern.bytes()).sum();
    assert!(bytes == memory.bytes && bytes <= MAX_BYTES, "{bytes}");
}

#[test]
fn a_host_that_cannot_be_predicted_is_learned_from_ever_more_seldom() {
    let mut memory = Memory::default();
    memory.learned(1, None);
    let learned: Vec<_> = (1..=20).filter(|_| memory.missed(1)).collect();
    assert_eq!(learned, [1, 2, 4, 8, 16]);
    memory.hit(1, None);
    assert!(memory.missed(1));
}
