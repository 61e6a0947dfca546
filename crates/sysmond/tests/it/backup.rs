//! `sysmond backup` and `sysmond restore` of real servers: under load, after a kill, and whatever is in the way.

#![expect(clippy::indexing_slicing, reason = "a missing field fails the test as well")]
#![expect(clippy::cast_possible_truncation, reason = "counts that are small")]

use crate::program::{Place, Program, finished, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

fn token(place: &Place) -> String {
    place.read("data/token").trim().to_owned()
}

/// One push of ten samples of host `web`; `number` is in their times and values.
fn push(program: &Program, token: &str, began: i64, number: i64) {
    let sample = |n: i64| json!({"timestamp": began + number * 10 + n, "metric_type": "m", "value": number, "tags": ""});
    let metrics: Vec<Value> = (0..10).map(sample).collect();
    let (status, answer) = program.push(token, &json!({"hostname": "web", "metrics": metrics}));
    assert_eq!(status, 200, "{answer}");
}

/// How many whole pushes are in the database, having asserted that they are the first ones and all whole.
fn pushes(place: &Place) -> i64 {
    let statement =
        "SELECT COUNT(*) AS rows, COUNT(DISTINCT value) AS pushes, MAX(value) AS last FROM metrics";
    let (status, stdout, stderr) = finished(place.command("sql --json").arg(statement));
    assert_eq!(status, Some(0), "{stderr}");
    let found: Value = serde_json::from_str(&stdout).expect("JSON");
    let figure = |name: &str| found[0][name].as_f64().unwrap_or_default() as i64;
    assert_eq!((figure("rows"), figure("last")), (figure("pushes") * 10, figure("pushes")), "{found}");
    figure("pushes")
}

fn check(mut command: Command, expected: i32, word: &str) {
    let (status, stdout, stderr) = finished(&mut command);
    assert_eq!(status, Some(expected), "{stdout}{stderr}");
    assert!(format!("{stdout}{stderr}").contains(word), "`{word}` is not in: {stdout}{stderr}");
}

#[test]
fn a_backup_under_load_brings_back_all_that_was_acknowledged_before_it() {
    let place = Place::new();
    let program = place.serve("aggregator");
    let (token, began) = (token(&place), sysmond::clock::now().as_seconds() - 40_000);
    let (acknowledged, enough) = (AtomicI64::new(0), AtomicBool::new(false));
    let copy = place.path("copy.db");
    let before = std::thread::scope(|scope| {
        scope.spawn(|| {
            // Bounded, so that a test that fails ends.
            for number in (1..4000).take_while(|_| !enough.load(Ordering::Relaxed)) {
                push(&program, &token, began, number);
                acknowledged.store(number, Ordering::Relaxed);
            }
        });
        let wait_for_more = |than: i64| {
            wait_until("pushes go on", || (acknowledged.load(Ordering::Relaxed) > than).then_some(()));
        };
        wait_for_more(20);
        let before = acknowledged.load(Ordering::Relaxed);
        let mut command = place.command("backup --output");
        command.arg(&copy);
        check(command, 0, "");
        wait_for_more(acknowledged.load(Ordering::Relaxed) + 5);
        enough.store(true, Ordering::Relaxed);
        before
    });
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copy).expect("there").permissions());
    assert_eq!(mode & 0o777, 0o600, "it is as private as the database");
    program.signal(Signal::KILL);
    assert!(!program.end().0.success());
    assert_eq!(pushes(&place), acknowledged.load(Ordering::Relaxed), "a kill loses nothing");

    let mut command = place.command("restore");
    command.arg(&copy);
    check(command, 0, "aggregator.db.before-restore-");
    let restored = pushes(&place);
    assert!((before..acknowledged.load(Ordering::Relaxed)).contains(&restored), "{before} {restored}");
    let program = place.serve("aggregator");
    push(&program, &token, began, restored + 1);
    assert_eq!(pushes(&place), restored + 1);
    program.stop();
}

#[test]
fn both_databases_of_a_standalone_are_copied_while_it_runs_and_while_it_does_not() {
    let place = Place::new();
    let program = place.serve("--hostname a --interval 100ms --push-interval 100ms");
    // A host is registered before it has values, which come out of its agent's database.
    wait_until("this host has values", || {
        let (status, said) = program.get("/api/latest?host=a");
        (status == 200 && said.contains("cpu.total_usage")).then_some(())
    });
    let copies = |name: &str| {
        for whose in ["aggregator", "agent"] {
            let mut command = place.command(&format!("backup {whose} --output"));
            command.arg(place.path(&format!("{name}-{whose}.db")));
            check(command, 0, "");
        }
    };
    copies("running");
    program.stop();
    copies("stopped");
    for (when, whose, other) in [
        ("running", "aggregator", "agent"),
        ("running", "agent", "aggregator"),
        ("stopped", "aggregator", "agent"),
        ("stopped", "agent", "aggregator"),
    ] {
        let elsewhere = Place::new();
        let copy = place.path(&format!("{when}-{whose}.db"));
        let restore = |whose: &str| {
            let mut command = elsewhere.command("restore");
            command.arg(&copy).arg(whose);
            command
        };
        check(restore(other), 1, &format!("`sysmond restore {} {whose}`", copy.display()));
        assert!(!elsewhere.path("data").exists(), "nothing was made for the other's");
        check(restore(whose), 0, "");
        // Questions are for the aggregator's: here it is enough that the hosts are there.
        let database = elsewhere.path(&format!("data/{whose}.db"));
        let conn = rusqlite::Connection::open(database).expect("a database");
        let host = conn.query_row("SELECT hostname FROM hosts", [], |row| row.get::<_, String>(0));
        assert_eq!(host.expect("one host"), "a", "{when} {whose}");
    }
    // Put there by other means, it is refused at the start.
    std::fs::copy(place.path("stopped-agent.db"), place.path("data/aggregator.db")).expect("ours");
    let mut started = place.command("aggregator --listen 127.0.0.1:0");
    started.env("SYSMON_LOG_LEVEL", "error");
    check(started, 1, "is an agent's database");
}

#[test]
fn nothing_is_overwritten_or_left_half_done() {
    let place = Place::new();
    check(place.command("backup --output x.db"), 1, "there is no database");
    let program = place.serve("aggregator");
    let folder = place.path("out");
    std::fs::create_dir(&folder).expect("made");
    let file = folder.join("copy.db");
    let backup = |flags: &str| {
        let mut command = place.command(&format!("backup {flags} --output"));
        command.arg(&file);
        command
    };
    check(backup(""), 0, "");
    let first = std::fs::metadata(&file).expect("there").modified().expect("known");
    check(backup(""), 1, "--force");
    assert_eq!(std::fs::metadata(&file).expect("there").modified().expect("known"), first);
    check(backup("--force"), 0, "");
    check(place.command("backup"), 2, "--output <FILE>");
    check(place.command("backup --output /no/such/folder/x.db"), 1, "a folder that is there");
    check(place.command("backup --output /dev/null --force"), 1, "is no file");
    check(place.command("backup agent --output x.db"), 1, "there is no database");
    check(place.command("sql SELECT --data-dir /no/such"), 1, "there is no database");
    let restore = |file: &std::path::Path| {
        let mut command = place.command("restore");
        command.arg(file);
        command
    };
    check(restore(&file), 1, "stop that one first");
    program.stop();
    check(restore(&folder.join("nothing.db")), 1, "there is no file");
    std::fs::write(folder.join("text"), "this is no database, however one looks at it".repeat(99))
        .expect("written");
    check(restore(&folder.join("text")), 1, "is no database of sysmon's");
    check(restore(&folder), 1, "is no file");

    // A disk that is full: no file may become larger than 64 KiB.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" backup --force --output \"$1\"";
    let mut limited = Command::new("bash");
    limited.args(["-c", script, env!("CARGO_BIN_EXE_sysmond")]).arg(&file);
    limited.env("SYSMON_DATA_DIR", place.path("data")).env("HOME", place.path(""));
    let whole = std::fs::read(&file).expect("still there");
    check(limited, 1, "cannot copy");
    assert_eq!(std::fs::read(&file).expect("still there"), whole);
    let names: Vec<_> =
        std::fs::read_dir(&folder).expect("ours").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn damaged_pieces_are_told_of_and_replace_nothing_unasked() {
    let place = Place::new();
    let program = place.serve("aggregator");
    push(&program, &token(&place), sysmond::clock::now().as_seconds() - 1000, 1);
    program.stop();
    let (old, new) = (place.path("old.db"), place.path("new.db"));
    let command = |arguments: &str, file: &std::path::Path| {
        let mut command = place.command(arguments);
        command.arg(file);
        command
    };
    check(command("backup --output", &old), 0, "");
    let sound = std::fs::read(&old).expect("there");
    let conn = rusqlite::Connection::open(place.path("data/aggregator.db")).expect("there");
    // A version, a checksum of other bytes, and a byte.
    let changed = conn.execute("UPDATE log SET data = x'01ffffffff00'", []).expect("writable");
    assert_eq!(changed, 1);
    drop(conn);
    check(command("backup --force --output", &old), 1, "may still have them and is not replaced");
    assert_eq!(std::fs::read(&old).expect("there"), sound);
    check(command("backup --output", &new), 0, "damage hit one piece of the database");
    check(command("restore", &new), 1, "damage hit one piece of the backup");
    check(command("restore --force", &new), 0, "the samples there are missing");
    assert_eq!(pushes(&place), 0, "they were its only ones");
    check(command("restore", &old), 0, "is kept");
    assert_eq!(pushes(&place), 1);
}

#[test]
fn agents_deliver_again_what_a_restored_aggregator_lost() {
    let place = Place::new();
    let program = place.serve("aggregator");
    let mut command = place.command("backup --output");
    command.arg(place.path("empty.db"));
    check(command, 0, "");
    let agent = |program: &Program| {
        let command = place.command(&format!(
            "agent --aggregator http://{} --hostname a --interval 100ms --push-interval 100ms",
            program.address()
        ));
        place.start(command)
    };
    let times = || {
        let statement =
            "SELECT COUNT(DISTINCT timestamp) AS n, MIN(timestamp) AS first FROM metrics WHERE host = 'a'";
        let (status, stdout, _) = finished(place.command("sql --json").arg(statement));
        let found: Value = serde_json::from_str(&stdout).unwrap_or_default();
        assert_eq!(status, Some(0));
        (found[0]["n"].as_i64().unwrap_or_default(), found[0]["first"].as_f64())
    };
    let running = agent(&program);
    wait_until("some readings are delivered", || (times().0 > 20).then_some(()));
    check(place.command("redeliver"), 1, "stop that one first");
    running.stop();
    let address = program.address().to_owned();
    program.signal(Signal::KILL);
    assert!(!program.end().0.success());
    let (before, first) = times();

    let mut command = place.command("restore");
    command.arg(place.path("empty.db"));
    check(command, 0, "is kept");
    assert_eq!(times().0, 0, "the backup has none of it");
    // At the same address: places of delivery are kept by address.
    let flags = format!("aggregator --listen {address} --addr-file {}", place.path("again").display());
    let program = place.start(place.command(&flags)).serving(&place.path("again"));
    let running = agent(&program);
    wait_until("new readings are delivered", || (times().0 > 3).then_some(()));
    assert!(times().1 > first, "an agent alone takes for delivered what was acknowledged");
    running.stop();
    check(place.command("redeliver"), 0, "all that it keeps again");
    let running = agent(&program);
    wait_until("all of it came again", || (times().0 > before + 3 && times().1 == first).then_some(()));
    running.stop();
    program.stop();
}
