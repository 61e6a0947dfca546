//! What the interface promises, one promise a test.

use crate::testing::{append, host, opened, options, reopen, seconds};
use crate::{
    Append, AppendError, Cursor, LEAST_DISK_BYTES, QueryError, RangeQuery, Store, StoreOptions, TagMatch,
};
use std::sync::mpsc::channel;
use sysmond_model::limits::MAX_SERIES_PER_HOST;
use sysmond_model::{Frame, Series, Shape, StaticInfo, Timestamp};

fn range(metric: &str, tags: TagMatch, points: usize) -> RangeQuery {
    let (host, metrics) = ("a".into(), vec![metric.into()]);
    RangeQuery { host, metrics, tags, from: seconds(0), to: seconds(10_000), points }
}

#[test]
fn a_host_is_registered_updated_and_kept() {
    let (folder, store) = opened();
    let mut first = append("a", seconds(10), &[]);
    first.static_info = Some(StaticInfo { cpu_cores: 8, ..StaticInfo::default() });
    assert!(!store.append_wait(first).expect("stored").static_wanted);
    let mut second = append("a", seconds(20), &[]);
    second.host.tags.insert("role".into(), "web".into());
    store.append_wait(second).expect("stored");
    let check = |store: &Store| {
        let host = store.host("a").expect("registered");
        assert_eq!((host.first_seen, host.last_seen), (seconds(10), seconds(20)));
        assert_eq!(host.info.tags.get("role").map(String::as_str), Some("web"));
        assert_eq!(store.static_info("a").expect("sent once").cpu_cores, 8);
        assert_eq!(store.hosts().len(), 1);
        assert_eq!((store.host("b"), store.latest("b")), (None, None));
    };
    check(&store);
    drop(store);
    check(&reopen(&folder, options()));
}

#[test]
fn an_equal_resend_counts_as_stored_and_changes_no_order() {
    let (_folder, store) = opened();
    let delivery = append("a", seconds(10), &[("m", "", 1000, 1.0), ("n", "", 1000, 2.0)]);
    store.append_wait(delivery.clone()).expect("stored");
    let cursor = store.read_after("a", Cursor::default(), 10).expect("known").next;
    let again = store.append_wait(delivery).expect("stored");
    assert_eq!((again.stored, again.duplicates), (2, 2));
    assert!(store.read_after("a", cursor, 10).expect("known").frames.is_empty());
    store.append_wait(append("a", seconds(10), &[("m", "", 1000, 3.0)])).expect("stored");
    assert_eq!(store.read_after("a", cursor, 10).expect("known").frames.len(), 1);
}

#[test]
fn a_range_names_silent_series_and_unknown_metrics_not() {
    let (_folder, store) = opened();
    store
        .append_wait(append("a", seconds(10), &[("m", "k=1", 1000, 1.0), ("m", "k=2", 20_000_000, 2.0)]))
        .expect("stored");
    let count = |query: &RangeQuery| {
        store.range(query).expect("known").iter().map(|r| r.points.len()).collect::<Vec<_>>()
    };
    assert_eq!(count(&range("m", TagMatch::Any, 10)), [1, 0]);
    assert_eq!(count(&range("m", TagMatch::Exactly("k=2".into()), 10)), [0]);
    assert_eq!(count(&range("unknown", TagMatch::Any, 10)), [0; 0]);
    let unknown = RangeQuery { host: "b".into(), ..range("m", TagMatch::Any, 10) };
    assert!(matches!(store.range(&unknown), Err(QueryError::UnknownHost(_))));
    assert!(matches!(store.range(&range("m", TagMatch::Any, 1_000_000)), Err(QueryError::TooLarge(_))));
}

#[test]
fn a_host_with_too_many_series_has_the_new_ones_refused() {
    let (_folder, store) = opened();
    let series =
        |from: usize, to: usize| (from..to).map(|n| Series::new("m", format!("n={n}"))).collect::<Vec<_>>();
    let deliver = |series: Vec<Series>| {
        let mut frame = Frame::new(Shape::new(series));
        frame.push_row(seconds(1), &vec![1.0; frame.shape().len()]);
        store
            .append_wait(Append {
                host: host("a"),
                static_info: None,
                received: seconds(1),
                frame,
                processes: Vec::new(),
            })
            .expect("stored")
    };
    assert!(deliver(series(0, MAX_SERIES_PER_HOST - 1)).refused_columns.is_empty());
    let answer = deliver(series(MAX_SERIES_PER_HOST - 2, MAX_SERIES_PER_HOST + 2));
    assert_eq!((answer.stored, answer.refused_columns), (2, vec![2, 3]));
    let answer = deliver(series(MAX_SERIES_PER_HOST, MAX_SERIES_PER_HOST + 3));
    assert_eq!((answer.stored, answer.refused_columns), (0, vec![0, 1, 2]), "all of them is none stored");
    assert_eq!(store.stats().series, MAX_SERIES_PER_HOST);
}

#[test]
fn what_waits_shares_one_commit_and_each_is_answered() {
    let (_folder, store) = opened();
    let (answers, answered) = channel();
    let (gate, is_open) = channel::<()>();
    let blocker = answers.clone();
    // The callback runs on the writer's thread: until it returns, everything else waits.
    store
        .append(append("a", seconds(1), &[("m", "", 1, 1.0)]), move |result| {
            is_open.recv().ok();
            blocker.send(result).expect("the test listens");
        })
        .expect("queued");
    for n in 2..=100 {
        let answers = answers.clone();
        let done = move |result| answers.send(result).expect("the test listens");
        store.append(append("a", seconds(1), &[("m", "", n, 1.0)]), done).expect("queued");
    }
    gate.send(()).expect("the writer waits");
    let stored = answered.iter().take(100).map(|result| result.expect("stored").stored).sum::<usize>();
    assert_eq!((stored, store.stats().samples_stored), (100, 100));
    assert!(store.stats().commits <= 4, "{} commits", store.stats().commits);
    assert_eq!(store.stats().queued, 0);
}

#[test]
fn a_full_queue_refuses_and_does_not_call_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopen(&folder, StoreOptions { queue_limit: 1, ..options() });
    let (gate, is_open) = channel::<()>();
    store.append(append("a", seconds(1), &[]), move |_| assert!(is_open.recv().is_ok())).expect("queued");
    let refusal = (0..10)
        .find_map(|_| store.append(append("a", seconds(1), &[]), |result| assert!(result.is_ok())).err());
    assert_eq!(refusal, Some(AppendError::QueueFull));
    gate.send(()).expect("the writer waits");
    store.close();
}

#[test]
fn a_closed_store_refuses_appends_and_still_answers() {
    let (_folder, store) = opened();
    store.append_wait(append("a", seconds(1), &[("m", "", 1, 1.0)])).expect("stored");
    store.close();
    assert_eq!(store.append_wait(append("a", seconds(1), &[])), Err(AppendError::Closed));
    assert_eq!(store.latest("a").map(|samples| samples.len()), Some(1));
    assert_eq!(store.range(&range("m", TagMatch::Any, 10)).expect("readable").len(), 1);
}

#[test]
fn cursors_are_durable_with_the_next_append() {
    let (folder, store) = opened();
    let note = |place| store.note_cursors(store.cursor_epoch(), [("push".to_owned(), Cursor(place))]);
    let after_a_crash = || {
        let folder = tempfile::tempdir().expect("a folder");
        store.copy_to(folder.path());
        reopen(&folder, options()).cursor("push").expect("readable")
    };
    let push = |second: i64| {
        store.append_wait(append("a", seconds(second), &[("m", "", second * 1000, 1.0)])).expect("stored");
    };
    push(1);
    note(1);
    assert_eq!(store.cursor("push").expect("readable"), Cursor(1));
    assert_eq!(after_a_crash(), Cursor::default());
    push(2);
    assert_eq!(after_a_crash(), Cursor(1));
    note(2);
    note(3);
    store.close();
    let store = reopen(&folder, options());
    assert_eq!(store.cursor("push").expect("readable"), Cursor(3));
}

#[test]
fn cursors_of_a_file_that_was_opened_anew_are_looked_up_again() {
    let (_folder, store) = opened();
    let push = |second: i64| {
        store.append_wait(append("a", seconds(second), &[("m", "", second * 1000, 1.0)])).expect("stored");
    };
    let note = |epoch, place| store.note_cursors(epoch, [("push".to_owned(), Cursor(place))]);
    let before = store.cursor_epoch();
    note(before, 1);
    push(1);
    note(before, 7);
    let broken = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR), None);
    store.on_writer(move |writer| writer.distrust(&broken)).expect("open");
    push(2);
    assert_ne!(store.cursor_epoch(), before);
    note(before, 8);
    push(3);
    assert_eq!(store.cursor("push").expect("readable"), Cursor(1));
    note(store.cursor_epoch(), 2);
    assert_eq!(store.cursor("push").expect("readable"), Cursor(2));
}

#[test]
fn cursors_are_durable_and_order_outlives_deletion() {
    let (folder, store) = opened();
    let day = 86_400_000;
    store
        .append_wait(append("a", seconds(1), &[("m", "", 1000, 1.0), ("m", "", 2 * day, 1.0)]))
        .expect("stored");
    let pushed = store.read_after("a", Cursor::default(), 10).expect("known").next;
    store.note_cursors(store.cursor_epoch(), [("push".to_owned(), pushed)]);
    store.seal_all();
    assert_eq!(store.retain(Timestamp::from_millis(2 * day)).expect("deleted"), 1);
    drop(store);
    let store = reopen(&folder, options());
    assert_eq!(store.cursor("push").expect("readable"), pushed);
    assert_eq!(store.cursor("other").expect("readable"), Cursor::default());
    store.append_wait(append("a", seconds(1), &[("m", "", 3 * day, 1.0)])).expect("stored");
    assert_eq!(store.read_after("a", pushed, 10).expect("known").frames.len(), 1);
    let late = store.append_wait(append("a", seconds(1), &[("m", "", 1000, 1.0)])).expect("taken");
    assert_eq!((late.stored, late.too_old), (0, 1));
    assert_eq!(store.kept_from("a"), Some(Timestamp::from_millis(day)));
    store.append_wait(append("b", seconds(1), &[("m", "", 1000, 1.0)])).expect("stored");
    assert_eq!((store.kept_from("b"), store.kept_from("c")), (None, None));
}

#[test]
fn the_backlog_comes_in_the_order_of_storing_in_pieces() {
    let (_folder, store) = opened();
    for at in [5000, 3000, 9000] {
        store.append_wait(append("a", seconds(1), &[("m", "", at, 1.0)])).expect("stored");
    }
    let first = store.read_after("a", Cursor::default(), 2).expect("known");
    let rest = store.read_after("a", first.next, 2).expect("known");
    let times = |frames: &[Frame]| {
        frames.iter().flat_map(Frame::rows).map(|row| row.timestamp.as_millis()).collect::<Vec<_>>()
    };
    assert_eq!((times(&first.frames), times(&rest.frames)), (vec![5000, 3000], vec![9000]));
}

#[test]
fn the_budget_drops_the_oldest_and_gives_the_space_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reopen(&folder, StoreOptions { max_disk_bytes: LEAST_DISK_BYTES, ..options() });
    let (start, hour) = (240 * 3600, 3600);
    for n in 0..30 {
        let shape = Shape::new((0..200).map(|n| Series::new("m", format!("n={n}"))).collect());
        let mut frame = Frame::new(shape);
        for row in 0..360 {
            // Square roots: what no codec makes small.
            let value = |column: u32| ((n * 360 + row) as f64).mul_add(7919.0, f64::from(column)).sqrt();
            frame.push_row(seconds(start + n * hour + row * 10), &(0..200).map(value).collect::<Vec<_>>());
        }
        let append = Append {
            host: host("a"),
            static_info: None,
            received: seconds(start),
            frame,
            processes: Vec::new(),
        };
        store.append_wait(append).expect("stored");
        store.seal_all();
        store.retain(seconds(start + n * hour)).expect("trimmed");
        assert!(store.stats().disk_bytes <= LEAST_DISK_BYTES, "{}", store.stats().disk_bytes);
    }
    let stats = store.stats();
    assert!(stats.samples_dropped > 0 && stats.samples_dropped < stats.samples_stored);
    let left = store.read_after("a", Cursor::default(), 100_000).expect("known").frames;
    let count: usize = left.iter().map(Frame::sample_count).sum();
    assert_eq!(count as u64, stats.samples_stored - stats.samples_dropped);
    let newest = left.last().and_then(Frame::newest).map(|row| row.timestamp);
    assert_eq!(newest, Some(seconds(start + 30 * hour - 10)));
}

#[test]
fn series_that_ended_make_room_once_their_samples_are_gone() {
    let (_folder, store) = opened();
    store.append_wait(append("a", seconds(1), &[("old", "", 1000, 1.0)])).expect("stored");
    let later = Timestamp::from_millis(200_000_000);
    store.append_wait(append("a", later, &[("new", "", later.as_millis(), 1.0)])).expect("stored");
    assert_eq!(store.stats().series, 2);
    store.seal_all();
    store.retain(later).expect("deleted");
    assert_eq!(store.stats().series, 1);
}

#[test]
fn one_sample_of_a_clock_that_is_ahead_hides_no_other_series() {
    let (_folder, store) = opened();
    let cells = [("m", "", 990_000, 1.0), ("n", "", 600_000, 2.0), ("ahead", "", 1_590_000, 3.0)];
    store.append_wait(append("a", seconds(1000), &cells)).expect("stored");
    let latest = || -> Vec<f64> { store.latest("a").expect("known").iter().map(|s| s.value).collect() };
    assert_eq!(latest(), [3.0, 1.0], "the silent one alone is not current");
    store.append_wait(append("a", seconds(1300), &[("m", "", 1_300_000, 4.0)])).expect("stored");
    assert_eq!(latest(), [3.0, 4.0]);
}

#[test]
fn a_host_that_fell_silent_keeps_its_last_stretch_for_as_long_as_samples_are_kept() {
    let (folder, store) = opened();
    let hour = 3_600_000;
    for at in [hour, 20 * hour, 30 * hour] {
        store
            .append_wait(append("a", Timestamp::from_millis(30 * hour), &[("m", "", at, 1.0)]))
            .expect("stored");
    }
    store.seal_all();
    let at = |hours: i64| Timestamp::from_millis(hours * hour);
    assert_eq!(store.retain(at(31)).expect("deleted"), 1);
    assert_eq!(store.retain(at(54)).expect("deleted"), 0);
    // A clock that jumps a year ahead ages nobody by more than an hour a round.
    assert_eq!(store.retain(at(9000)).expect("deleted"), 0);
    assert_eq!(store.aged_from("a", at(9000)), Some(at(30)));
    assert_eq!((store.newest("a"), store.latest("a").map(|samples| samples.len())), (Some(at(30)), Some(1)));
    drop(store);

    let store = reopen(&folder, options());
    let rounds = (54..80).flat_map(|hours| [hours; 3]);
    let dropped: Vec<u64> = rounds.map(|hours| store.retain(at(hours)).expect("deleted")).collect();
    assert_eq!(dropped.iter().sum::<u64>(), 2, "what is older than a day by the clock goes");
    assert_eq!((dropped[0], store.aged_from("a", at(79))), (0, Some(at(79))));
    assert_eq!(store.aged_from("new", at(79)), None);
    assert_eq!(store.storage(at(79)).expect("readable").blocks.oldest, None);
    // Heard of again, its age is its own.
    store.append_wait(append("a", at(80), &[("m", "", 79 * hour, 1.0)])).expect("stored");
    assert_eq!(store.aged_from("a", at(80)), Some(at(79)));
}

#[test]
fn the_history_begins_with_its_first_sample_in_blocks_too() {
    let (_folder, store) = opened();
    let at = |n: i64| seconds(3600 * 7 + 1800 + n);
    for (host, n) in [("a", 5), ("b", 3), ("a", 90)] {
        store.append_wait(append(host, at(n), &[("m", "", at(n).as_millis(), 1.0)])).expect("stored");
        store.seal_all();
    }
    let young = store.storage(at(93)).expect("readable");
    assert_eq!(young.young.oldest, Some(at(3)));
    let rate = young.forecast.expect("a minute and a half is enough").samples_per_day;
    assert!((rate - 2880.0).abs() < 1.0, "three samples in ninety seconds: {rate}");
    store.retain(at(2 * 3600)).expect("kept");
    assert_eq!(store.storage(at(2 * 3600)).expect("readable").blocks.oldest, Some(at(3)));
    let later = store.storage(at(30 * 3600)).expect("readable").blocks.oldest;
    assert_eq!(later, Some(seconds(3600 * 7)), "after a day it is the hour");
}

#[test]
fn an_old_past_of_a_new_host_is_taken_and_goes_with_the_next_round() {
    let (_folder, store) = opened();
    let day = 86_400;
    let at = |days: i64| seconds(days * day);
    store.append_wait(append("here", at(400), &[("m", "", 400 * day * 1000, 1.0)])).expect("stored");
    store.append_wait(append("old", at(400), &[("m", "", 1000, 2.0)])).expect("stored");
    assert_eq!(store.latest("old").map(|samples| samples.len()), Some(1));
    store.seal_all();
    assert_eq!(store.retain(at(400)).expect("deleted"), 1);
    let oldest = store.storage(at(400)).expect("readable").young.oldest;
    assert_eq!(oldest, Some(at(400)), "nobody's history is longer than the retention");
}

#[test]
fn what_a_statement_would_have_to_undo_goes_to_no_file_elsewhere() {
    let (_folder, store) = opened();
    let nameless = || {
        let files = std::fs::read_dir("/proc/self/fd").expect("Linux").flatten();
        let targets = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        targets.filter(|target| target.to_string_lossy().ends_with(" (deleted)")).collect::<Vec<_>>()
    };
    let job = move |writer: &mut crate::writer::Writer| {
        writer.with_connection(|conn| {
            let put = "INSERT INTO block VALUES (1, 1, 1, 1, 1, zeroblob(400000))";
            conn.execute_batch(put)?;
            let tx = conn.transaction()?;
            // Pages that were another row's: what they held is kept for as long as the statement may fail.
            tx.execute_batch("DELETE FROM block")?;
            tx.execute_batch(put)?;
            Ok(nameless())
        })
    };
    assert_eq!(store.on_writer(job).expect("open").expect("stored"), [] as [std::path::PathBuf; 0]);
}

#[test]
fn an_old_past_that_a_new_host_brings_is_taken_goes_and_is_then_too_old() {
    let (_folder, store) = opened();
    let (past, now) = (1_675_728_000, 1_795_000_000);
    let push =
        || store.append_wait(append("a", seconds(now), &[("m", "", past * 1000, 1.0)])).expect("taken");
    // Another, which speaks, so that time is believed to be what it is.
    store.append_wait(append("b", seconds(now), &[("m", "", now * 1000, 1.0)])).expect("stored");
    let answer = push();
    assert_eq!((answer.stored, answer.too_old, store.kept_from("a")), (1, 0, None));
    store.seal_all();
    assert_eq!(store.retain(seconds(now)).expect("looked after"), 1);
    assert_eq!(store.stats().samples_dropped, 1);
    assert!(store.kept_from("a") > Some(seconds(past)));
    let answer = push();
    assert_eq!((answer.stored, answer.too_old, store.stats().samples_dropped), (0, 1, 2));
}
