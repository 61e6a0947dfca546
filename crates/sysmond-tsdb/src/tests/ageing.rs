//! What is left of samples that are gone: their summaries, whatever took them and whenever the power was cut.

use crate::sealed::HOUR_MS;
use crate::testing::{host, options, reopen};
use crate::{Append, LEAST_DISK_BYTES, RangeQuery, Retention, Store, StoreOptions, TagMatch};
use std::collections::BTreeMap;
use std::time::Duration;
use sysmond_model::{Frame, Series, Shape, Timestamp};
use tempfile::TempDir;

/// The beginning of a day.
const START: i64 = 1_000 * 24 * HOUR_MS;
const MINUTE_MS: i64 = 60_000;

/// A host that is sampled regularly.
struct Feed {
    columns: u32,
    tick_ms: i64,
}

impl Feed {
    /// Noise, which no codec makes small.
    fn value(row: i64, column: u32) -> f64 {
        let mixed = (row.cast_unsigned() << 8 | u64::from(column)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 12) as f64
    }

    /// Stores the rows of a stretch, in blocks.
    fn push(&self, store: &Store, from: i64, to: i64) {
        let series = (0..self.columns).map(|n| Series::new("m", format!("n={n:02}"))).collect();
        let mut frame = Frame::new(Shape::new(series));
        for row in from / self.tick_ms..to / self.tick_ms {
            let values: Vec<f64> = (0..self.columns).map(|column| Self::value(row, column)).collect();
            frame.push_row(Timestamp::from_millis(START + row * self.tick_ms), &values);
        }
        let received = Timestamp::from_millis(START + to);
        let append = Append { host: host("a"), static_info: None, received, frame, processes: Vec::new() };
        store.append_wait(append).expect("stored");
        store.seal_all();
    }

    /// Minimum and maximum of each minute up to `to`, as the store has them, are those of what was stored.
    fn check_minutes(&self, store: &Store, to: i64) {
        let minutes = usize::try_from(to / MINUTE_MS).expect("positive");
        let query = RangeQuery {
            host: "a".into(),
            metrics: vec!["m".into()],
            tags: TagMatch::Exactly("n=01".into()),
            from: Timestamp::from_millis(START),
            to: Timestamp::from_millis(START + to - 1),
            points: minutes + 100,
        };
        let mut expected: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
        for row in 0..to / self.tick_ms {
            let (value, minute) = (Self::value(row, 1), row * self.tick_ms / MINUTE_MS);
            let slot = expected.entry(minute).or_insert((value, value));
            *slot = (slot.0.min(value), slot.1.max(value));
        }
        let points = store.range(&query).expect("readable").remove(0).points;
        let minute = |at: Timestamp| (at.as_millis() - START) / MINUTE_MS;
        let mut found: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
        for point in points {
            let slot = found.entry(minute(point.timestamp)).or_insert((point.min, point.max));
            *slot = (slot.0.min(point.min), slot.1.max(point.max));
        }
        assert_eq!(found.len(), expected.len());
        assert!(found == expected, "each minute as it was");
    }
}

/// What a power cut leaves, opened again.
fn cut(store: &Store, options: &StoreOptions) -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    store.copy_to(folder.path());
    store.close();
    let store = reopen(&folder, options.clone());
    assert_eq!(store.recovered(), None);
    (folder, store)
}

#[test]
fn samples_that_are_kept_for_an_hour_are_summarised_before_they_go() {
    let options = StoreOptions { retention: Retention::of_raw(Duration::from_hours(1)), ..options() };
    let mut folder = tempfile::tempdir().expect("a folder");
    let mut store = reopen(&folder, options.clone());
    let feed = Feed { columns: 2, tick_ms: 20_000 };
    let part = 10 * MINUTE_MS;
    // Beyond the end of the day, so that it is summarised as a whole too.
    for number in 0..26 * 6 {
        feed.push(&store, number * part, (number + 1) * part);
        if number % 5 == 2 {
            (folder, store) = cut(&store, &options);
        }
        store.retain(Timestamp::from_millis(START + (number + 1) * part)).expect("kept in order");
        if number % 7 == 3 {
            (folder, store) = cut(&store, &options);
        }
        if number % 13 == 12 {
            feed.check_minutes(&store, (number + 1) * part);
        }
    }
    assert!(folder.path().exists());
    let held = store.storage(Timestamp::from_millis(START + 26 * HOUR_MS)).expect("readable");
    assert!(held.blocks.samples + held.young.samples <= 3 * 180 * 2, "two hours and a little");
    assert_eq!(held.ten_minutes.oldest, Some(Timestamp::from_millis(START)));
    feed.check_minutes(&store, 26 * HOUR_MS);
}

#[test]
fn samples_that_a_budget_takes_before_their_day_is_over_are_summarised_before_they_go() {
    let options =
        StoreOptions { max_disk_bytes: LEAST_DISK_BYTES, retention: Retention::default(), ..options() };
    let mut folder = tempfile::tempdir().expect("a folder");
    let mut store = reopen(&folder, options.clone());
    let feed = Feed { columns: 80, tick_ms: 2000 };
    for hour in 0..20 {
        feed.push(&store, hour * HOUR_MS, (hour + 1) * HOUR_MS);
        store.retain(Timestamp::from_millis(START + (hour + 1) * HOUR_MS)).expect("trimmed");
        if hour % 3 == 2 {
            (folder, store) = cut(&store, &options);
        }
    }
    assert!(folder.path().exists());
    let held = store.storage(Timestamp::from_millis(START + 20 * HOUR_MS)).expect("readable");
    let oldest = [held.young.oldest, held.blocks.oldest].into_iter().flatten().min();
    assert!(oldest > Some(Timestamp::from_millis(START + 2 * HOUR_MS)), "{held:?}");
    feed.check_minutes(&store, 20 * HOUR_MS);
}
