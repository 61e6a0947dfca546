//! The store against the simplest thing that obeys the same rules: a map of cells where the last write wins.

use crate::testing::{host, options, reopen, seconds};
use crate::{Append, Cursor, RangeQuery, Store, StoreOptions, TagMatch};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use sysmond_model::{Frame, Sample, Series, Timestamp};

const HOSTS: [&str; 2] = ["a", "b"];
/// How long the stores here keep samples: three of the twelve times that samples have.
const RETENTION_MS: i64 = 3 * 6_500;
const METRICS: [&str; 3] = ["cpu.total_usage", "disk.busy_percent", "x"];

/// What is done to both.
#[derive(Clone, Debug)]
enum Step {
    /// Samples of a host: metric, tag, tenths of a minute, value.
    Append(usize, Vec<(usize, u8, i64, u8)>),
    /// Close and open again.
    Reopen,
    /// Let go of what is too old at a minute's tenth.
    Retain(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let sample = (0..METRICS.len(), 0u8..2, 0i64..12, 0u8..4);
    prop::collection::vec(
        prop_oneof![
            8 => (0..HOSTS.len(), prop::collection::vec(sample, 0..8)).prop_map(|(host, cells)| Step::Append(host, cells)),
            1 => Just(Step::Reopen),
            1 => (0i64..12).prop_map(Step::Retain),
        ],
        1..16,
    )
}

type Cells = BTreeMap<(Series, Timestamp), u64>;

#[derive(Default)]
struct Model {
    cells: [Cells; 2],
    known: [bool; 2],
    /// A copy that lives by `read_after` alone.
    replica: [Cells; 2],
    cursors: [Cursor; 2],
}

fn samples(cells: &[(usize, u8, i64, u8)]) -> Vec<Sample> {
    let series = |metric: usize, tag: u8| {
        Series::new(METRICS[metric], if tag == 0 { String::new() } else { format!("k={tag}") })
    };
    let value = |value: u8| [0.0, -0.0, 1.5, 1e300][usize::from(value)];
    let sample = |&(metric, tag, at, number): &(usize, u8, i64, u8)| Sample {
        timestamp: Timestamp::from_millis(at * 6_500),
        series: series(metric, tag),
        value: value(number),
    };
    cells.iter().map(sample).collect()
}

impl Model {
    fn append(&mut self, store: &Store, host_index: usize, loose: &[Sample]) {
        let frame = Frame::from_samples(loose.iter().cloned());
        let expected: Cells =
            frame.samples().map(|(at, series, value)| ((series.clone(), at), value.to_bits())).collect();
        let cells = &mut self.cells[host_index];
        let duplicates = expected.iter().filter(|(key, bits)| cells.get(key) == Some(bits)).count();
        let stored = expected.len();
        cells.extend(expected);
        self.known[host_index] = true;
        let append =
            Append { host: host(HOSTS[host_index]), static_info: None, received: seconds(1000), frame };
        let answer = store.append_wait(append).expect("stored");
        assert_eq!((answer.stored, answer.duplicates), (stored, duplicates));
        assert!(answer.refused_columns.is_empty() && answer.static_wanted);
    }

    /// Each host keeps the last stretch before its newest sample, or before now where that is earlier.
    fn retain(&mut self, store: &Store, tenth: i64) {
        let now = Timestamp::from_millis(tenth * 6_500);
        let before: usize = self.cells.iter().map(BTreeMap::len).sum();
        for (cells, replica) in self.cells.iter_mut().zip(&mut self.replica) {
            let newest = cells.keys().map(|(_, at)| *at).max().unwrap_or(now);
            let cutoff = newest.min(now).plus_millis(-RETENTION_MS);
            cells.retain(|(_, at), _| *at >= cutoff);
            replica.retain(|(_, at), _| *at >= cutoff);
        }
        let after: usize = self.cells.iter().map(BTreeMap::len).sum();
        assert_eq!(store.retain(now).expect("deleted"), (before - after) as u64);
    }

    fn check(&mut self, store: &Store) {
        for (index, name) in
            HOSTS.into_iter().enumerate().filter(|(index, _)| self.known[*index]).collect::<Vec<_>>()
        {
            let cells = &self.cells[index];
            assert_eq!(&stored_cells(store, name), cells);
            let latest: Cells = store
                .latest(name)
                .expect("known")
                .into_iter()
                .map(|sample| ((sample.series, sample.timestamp), sample.value.to_bits()))
                .collect();
            assert_eq!(latest, newest(cells));
            let backlog = store.read_after(name, self.cursors[index], 1000).expect("known");
            self.cursors[index] = backlog.next;
            let rows = backlog.frames.iter().flat_map(Frame::samples);
            self.replica[index]
                .extend(rows.map(|(at, series, value)| ((series.clone(), at), value.to_bits())));
            assert_eq!(&self.replica[index], cells);
        }
    }
}

fn stored_cells(store: &Store, name: &str) -> Cells {
    let query = RangeQuery {
        host: name.into(),
        metrics: METRICS.map(String::from).into(),
        tags: TagMatch::Any,
        from: seconds(0),
        to: seconds(1000),
        points: 1000,
    };
    let series = store.range(&query).expect("known");
    let order: Vec<_> = series.iter().map(|range| &range.series).collect();
    assert!(order.is_sorted() && order.iter().collect::<BTreeSet<_>>().len() == order.len());
    let cells = series.iter().flat_map(|range| {
        range.points.iter().map(|point| {
            assert!(point.min.to_bits() == point.avg.to_bits() && point.max.to_bits() == point.avg.to_bits());
            ((range.series.clone(), point.timestamp), point.avg.to_bits())
        })
    });
    cells.collect()
}

/// All times here are within five minutes, so each series counts as current.
fn newest(cells: &Cells) -> Cells {
    let mut newest: BTreeMap<&Series, (Timestamp, u64)> = BTreeMap::new();
    for ((series, at), bits) in cells {
        newest.insert(series, (*at, *bits));
    }
    newest.into_iter().map(|(series, (at, bits))| ((series.clone(), at), bits)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_store_holds_what_the_rules_say(steps in steps()) {
        let folder = tempfile::tempdir().expect("a folder");
        let options = StoreOptions { retention: Duration::from_millis(RETENTION_MS.unsigned_abs()), ..options() };
        let mut store = reopen(&folder, options.clone());
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Append(host_index, cells) => model.append(&store, host_index, &samples(&cells)),
                Step::Reopen => {
                    drop(store);
                    store = reopen(&folder, options.clone());
                }
                Step::Retain(tenth) => model.retain(&store, tenth),
            }
            model.check(&store);
        }
    }
}
