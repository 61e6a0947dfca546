//! The store against the simplest thing that obeys the same rules: a map of cells where the last write wins.

use crate::sealed::HOUR_MS;
use crate::sql::{Database, Value};
use crate::testing::{OFFLINE, host, options, reopen, seconds};
use crate::{Append, Cursor, QueryError, RangeQuery, Retention, Store, StoreOptions, TagMatch};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use sysmond_model::{Frame, Sample, Series, Timestamp};
use tempfile::TempDir;

const HOSTS: [&str; 2] = ["a", "b"];
/// A whole hour, so that the retention's hours are the test's.
const START: i64 = 1_000 * HOUR_MS;
/// Three times an hour or so: a few samples fall into each block.
const SPACING: i64 = 1_100_000;
/// How long the stores here keep samples.
const RETENTION_MS: i64 = HOUR_MS;
const METRICS: [&str; 3] = ["cpu.total_usage", "disk.busy_percent", "x"];

/// Copies that are made of a file while something is done to it.
const MOST_COPIES: usize = 8;

/// What is done to both.
#[derive(Clone, Debug)]
enum Step {
    /// Samples of a host: metric, tag, time, value.
    Append(usize, Vec<(usize, u8, i64, u8)>),
    /// Close and open again.
    Reopen,
    /// Bring all rows into blocks.
    Seal,
    /// Look after the store at that time.
    Retain(i64),
    /// Seal or look after it, and lose power at some time meanwhile: the copy of that number is what is left, with so
    /// many bytes of a transaction that was not committed.
    CutDuring(Box<Self>, usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let sample = (0..METRICS.len(), 0u8..2, 0i64..12, 0u8..4);
    let retain = prop_oneof![0i64..12, Just(1000)].prop_map(Step::Retain);
    let during = prop_oneof![Just(Step::Seal), retain.clone()].prop_map(Box::new);
    let cut = (during, 0..MOST_COPIES, prop_oneof![Just(0), 1usize..9000]);
    let cut = cut.prop_map(|(step, copy, torn)| Step::CutDuring(step, copy, torn));
    prop::collection::vec(
        prop_oneof![
            8 => (0..HOSTS.len(), prop::collection::vec(sample, 0..8)).prop_map(|(host, cells)| Step::Append(host, cells)),
            1 => Just(Step::Reopen),
            2 => Just(Step::Seal),
            1 => retain.clone(),
            2 => cut,
        ],
        1..16,
    )
}

type Cells = BTreeMap<(Series, Timestamp), u64>;

#[derive(Default)]
struct Model {
    cells: [Cells; 2],
    /// Those whose samples are gone.
    gone: [Cells; 2],
    known: [bool; 2],
    /// A copy that lives by `read_after` alone.
    replica: [Cells; 2],
    cursors: [Cursor; 2],
    /// Samples before them are gone; only their summaries are left.
    cutoffs: [Timestamp; 2],
    /// Cells of rows that were overwritten: until blocks are laid over each other, they may count twice.
    overwritten: usize,
}

fn samples(cells: &[(usize, u8, i64, u8)]) -> Vec<Sample> {
    let series = |metric: usize, tag: u8| {
        Series::new(METRICS[metric], if tag == 0 { String::new() } else { format!("k={tag}") })
    };
    let value = |value: u8| [0.0, -0.0, 1.5, 1e300][usize::from(value)];
    let sample = |&(metric, tag, at, number): &(usize, u8, i64, u8)| Sample {
        timestamp: Timestamp::from_millis(START + at * SPACING),
        series: series(metric, tag),
        value: value(number),
    };
    cells.iter().map(sample).collect()
}

impl Model {
    fn append(&mut self, store: &Store, host_index: usize, loose: &[Sample]) {
        let frame = Frame::from_samples(loose.iter().cloned());
        let mut expected: Cells =
            frame.samples().map(|(at, series, value)| ((series.clone(), at), value.to_bits())).collect();
        let all = expected.len();
        expected.retain(|(_, at), _| *at >= self.cutoffs[host_index]);
        let cells = &mut self.cells[host_index];
        let duplicates = expected.iter().filter(|(key, bits)| cells.get(key) == Some(bits)).count();
        let stored = expected.len();
        let times: BTreeSet<Timestamp> = expected.keys().map(|(_, at)| *at).collect();
        self.overwritten += cells.keys().filter(|(_, at)| times.contains(at)).count();
        cells.extend(expected);
        self.known[host_index] = true;
        let append = Append {
            host: host(HOSTS[host_index]),
            static_info: None,
            received: Timestamp::from_millis(START + 40 * HOUR_MS),
            frame,
            processes: Vec::new(),
        };
        let answer = store.append_wait(append).expect("stored");
        assert_eq!((answer.stored, answer.duplicates, answer.too_old), (stored, duplicates, all - stored));
        assert!(answer.refused_columns.is_empty() && answer.static_wanted);
    }

    /// Each host keeps the last stretch before its newest sample, or before now where that is earlier, in whole hours.
    fn retain(&mut self, store: &Store, slot: i64) {
        let now = START + slot * SPACING;
        let before: usize = self.cells.iter().map(BTreeMap::len).sum();
        let hosts = self.cells.iter_mut().zip(&mut self.gone).zip(&mut self.replica).zip(&mut self.cutoffs);
        for (((cells, gone), replica), cutoff) in hosts {
            let Some(newest) = cells.keys().map(|(_, at)| at.as_millis()).max() else {
                continue;
            };
            let hour = (newest.min(now) - RETENTION_MS).div_euclid(HOUR_MS);
            *cutoff = (*cutoff).max(Timestamp::from_millis(hour * HOUR_MS));
            gone.extend(cells.extract_if(.., |(_, at), _| *at < *cutoff));
            replica.retain(|(_, at), _| *at >= *cutoff);
        }
        let after: usize = self.cells.iter().map(BTreeMap::len).sum();
        let dropped = store.retain(Timestamp::from_millis(now)).expect("deleted");
        let gone = (before - after) as u64;
        assert!((gone..=gone + self.overwritten as u64).contains(&dropped), "{dropped} for {gone}");
    }

    fn check_sql(&self, path: &Path) {
        let mut database = Database::open(path, OFFLINE).expect("a store's file");
        for (name, cells) in HOSTS.into_iter().zip(&self.cells) {
            assert_eq!(&sql_cells(&mut database, name), cells);
        }
    }

    fn check(&mut self, store: &Store) {
        for (index, name) in
            HOSTS.into_iter().enumerate().filter(|(index, _)| self.known[*index]).collect::<Vec<_>>()
        {
            let cells = &self.cells[index];
            assert_eq!(&stored_cells(store, name, self.cutoffs[index]), cells);
            assert_eq!(summarised(store, name, self.cutoffs[index]), extremes(&self.gone[index]));
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

/// What `metrics` says of a host.
fn sql_cells(database: &mut Database, name: &str) -> Cells {
    let mut cells = Cells::new();
    let sql = format!("SELECT timestamp, metric_type, tags, value FROM metrics WHERE host = '{name}'");
    let row = |_: &[String], row: &[Value]| {
        let [time, Value::Text(metric), Value::Text(tags), Value::Real(value)] = row else {
            panic!("{row:?}");
        };
        let seconds = match time {
            Value::Integer(seconds) => *seconds as f64,
            Value::Real(seconds) => *seconds,
            other => panic!("{other:?}"),
        };
        let at = Timestamp::from_seconds_f64(seconds).expect("a time");
        assert_eq!(cells.insert((Series::new(metric.as_str(), tags.as_str()), at), value.to_bits()), None);
        Ok::<_, QueryError>(())
    };
    database.query(&sql, seconds(0), OFFLINE, row).expect("a sound statement");
    cells
}

fn query(name: &str, from: Timestamp, to: Timestamp) -> RangeQuery {
    let metrics = METRICS.map(String::from).into();
    RangeQuery { host: name.into(), metrics, tags: TagMatch::Any, from, to, points: 1000 }
}

/// What is left of samples before the cutoff: minimum and maximum of a minute, in which there was one.
fn summarised(store: &Store, name: &str, cutoff: Timestamp) -> BTreeMap<(Series, Timestamp), [u64; 2]> {
    let start = Timestamp::from_millis(START);
    if cutoff <= start {
        return BTreeMap::new();
    }
    let series = store.range(&query(name, start, cutoff.plus_millis(-1))).expect("known");
    let points = series.iter().flat_map(|range| {
        range.points.iter().map(|point| {
            ((range.series.clone(), point.timestamp), [point.min.to_bits(), point.max.to_bits()])
        })
    });
    points.collect()
}

fn extremes(cells: &Cells) -> BTreeMap<(Series, Timestamp), [u64; 2]> {
    cells.iter().map(|(cell, bits)| (cell.clone(), [*bits; 2])).collect()
}

fn stored_cells(store: &Store, name: &str, cutoff: Timestamp) -> Cells {
    let start = cutoff.max(Timestamp::from_millis(START));
    let query = query(name, start, Timestamp::from_millis(START + 5 * HOUR_MS));
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

fn newest(cells: &Cells) -> Cells {
    let mut newest: BTreeMap<&Series, (Timestamp, u64)> = BTreeMap::new();
    for ((series, at), bits) in cells {
        newest.insert(series, (*at, *bits));
    }
    let last = newest.values().map(|(at, _)| *at).max().unwrap_or_default();
    newest.retain(|_, (at, _)| *at >= last.plus_millis(-300_000));
    newest.into_iter().map(|(series, (at, bits))| ((series.clone(), at), bits)).collect()
}

/// Does `work`, and copies the file between the pieces of it that the writer does, one of which is answered with.
fn copied_during(store: &Store, number: usize, work: impl FnOnce()) -> TempDir {
    let is_done = AtomicBool::new(false);
    let mut copies = std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let mut copies = Vec::new();
            while !is_done.load(Ordering::Acquire) && copies.len() < MOST_COPIES {
                let folder = tempfile::tempdir().expect("a folder");
                store.copy_to(folder.path());
                copies.push(folder);
            }
            copies
        });
        work();
        is_done.store(true, Ordering::Release);
        copying.join().expect("no panic")
    });
    let last = tempfile::tempdir().expect("a folder");
    store.copy_to(last.path());
    copies.push(last);
    copies.swap_remove(number.min(copies.len() - 1))
}

/// Puts bytes that look like a page behind what was committed.
fn tear(folder: &TempDir, bytes: usize) {
    let path = folder.path().join("store.db-wal");
    let Ok(mut wal) = std::fs::read(&path) else {
        return;
    };
    let header = 32;
    let page: Vec<u8> = wal.iter().skip(header).chain(&[0x5a]).copied().cycle().take(bytes).collect();
    wal.extend(page);
    std::fs::write(&path, wal).expect("ours");
}

/// The store and where it lies.
struct Running {
    folder: TempDir,
    store: Store,
    options: StoreOptions,
}

impl Running {
    fn step(&mut self, model: &mut Model, step: Step) {
        match step {
            Step::Append(host_index, cells) => model.append(&self.store, host_index, &samples(&cells)),
            Step::Reopen => {
                self.store.close();
                self.store = reopen(&self.folder, self.options.clone());
            }
            Step::Seal => self.store.seal_all(),
            Step::Retain(slot) => {
                // Only what is in blocks goes: what is not has been received a moment ago.
                self.store.seal_all();
                model.retain(&self.store, slot);
            }
            Step::CutDuring(step, number, torn) => self.cut(model, &step, number, torn),
        }
        model.check(&self.store);
    }

    /// What is left is a copy from the midst of the step. All that was acknowledged is in it; what was to go for its
    /// age may be or not, and goes when the store is looked after again.
    fn cut(&mut self, model: &mut Model, step: &Step, number: usize, torn: usize) {
        let folder = copied_during(&self.store, number, || match *step {
            Step::Retain(slot) => {
                self.store.seal_all();
                model.retain(&self.store, slot);
            }
            _ => self.store.seal_all(),
        });
        tear(&folder, torn);
        self.store.close();
        self.store = reopen(&folder, self.options.clone());
        self.folder = folder;
        assert_eq!(self.store.recovered(), None, "a sound file");
        if let Step::Retain(slot) = *step {
            self.store.seal_all();
            self.store.retain(Timestamp::from_millis(START + slot * SPACING)).expect("deleted");
        }
        for (index, name) in HOSTS.into_iter().enumerate().filter(|(index, _)| model.known[*index]) {
            let cells = stored_cells(&self.store, name, model.cutoffs[index]);
            assert_eq!(&cells, &model.cells[index], "all, bit for bit");
            let gone = summarised(&self.store, name, model.cutoffs[index]);
            assert_eq!(gone, extremes(&model.gone[index]), "what is gone is summarised");
        }
        // Each once.
        model.check_sql(&self.folder.path().join("store.db"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_holds_what_the_rules_say(steps in steps()) {
        let folder = tempfile::tempdir().expect("a folder");
        let retention = Retention::of_raw(Duration::from_millis(RETENTION_MS.unsigned_abs()));
        let options = StoreOptions { retention, ..options() };
        let store = reopen(&folder, options.clone());
        store.set_age(Timestamp::from_millis(START));
        // Known from the beginning, and never silent for as long as the rounds of a case can make believe.
        for (name, hours) in HOSTS.into_iter().flat_map(|name| [(name, 0), (name, 40)]) {
            let received = Timestamp::from_millis(START + hours * HOUR_MS);
            store.append_wait(crate::testing::append(name, received, &[])).expect("stored");
        }
        let (mut running, mut model) = (Running { folder, store, options }, Model::default());
        model.known = [true; 2];
        for step in steps {
            running.step(&mut model, step);
        }
        model.check_sql(&running.folder.path().join("store.db"));
    }
}
