//! `sysmond export`: what comes out is what was pushed, in every form, and never half of it.

#![expect(clippy::indexing_slicing, reason = "a missing field fails the test as well")]
#![expect(clippy::naive_bytecount, reason = "some megabytes")]

use crate::program::{Place, Program, finished, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;
use sysmond_model::{Frame, HostInfo, Series, Shape, Timestamp};
use sysmond_tsdb::{Append, Retention, Store, StoreOptions};

/// The four documented queries, letter for letter.
const DOCUMENTED: &str = include_str!("../../../sysmond-tsdb/src/sql/documented.sql");

fn now() -> i64 {
    sysmond::clock::now().as_seconds()
}

fn push(program: &Program, place: &Place, host: &str, samples: &[Value]) {
    let token = place.read("data/token").trim().to_owned();
    let tags = json!({"role": "it's a \"test\""});
    let body =
        json!({"hostname": host, "version": "0.5.0", "platform": "Linux", "tags": tags, "metrics": samples});
    let (status, answer) = program.push(&token, &body);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(&format!("\"metrics_stored\":{}", samples.len())), "{answer}");
}

fn sample(at: f64, metric: &str, tags: &str, value: f64) -> Value {
    json!({"timestamp": at, "metric_type": metric, "tags": tags, "value": value})
}

/// Two hosts with values and names that are easily spoilt.
fn fleet(program: &Program, place: &Place) {
    let at = now() as f64 - 60.0;
    let odd = [0.1 + 0.2, -0.0, 5e-324, f64::MAX, 1e-7, 9_007_199_254_740_993.0, -1.0, 100.0 * 7.0 / 13.0];
    let odd: Vec<_> = odd
        .iter()
        .zip(0..)
        .map(|(value, n)| sample(at + f64::from(n) / 8.0, "odd.value", "", *value))
        .collect();
    push(program, place, "web-server-01", &odd);
    for (host, cpu, memory) in [("web-server-01", 34.5, 2e9), ("db-server-01", 12.25, 6e9)] {
        let samples = [
            sample(at, "cpu.total_usage", "", cpu + 1.0),
            sample(at + 2.0, "cpu.total_usage", "", cpu),
            sample(at + 2.0, "memory.used_bytes", "", memory),
            sample(at, "disk.usage_percent", r"mount=/a\,b", 50.0),
            sample(at, "=odd", "mount=it's \"quoted\"", 1.5),
        ];
        push(program, place, host, &samples);
    }
}

fn export(place: &Place, flags: &str) -> String {
    let (status, stdout, stderr) = place.run(&format!("export {flags}"));
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{flags}");
    stdout
}

#[test]
fn json_lines_pushed_again_are_the_same_bit_for_bit() {
    let first = Place::new();
    let program = first.serve("aggregator");
    fleet(&program, &first);
    let running = export(&first, "--format jsonl");
    program.stop();
    assert_eq!(running.lines().count(), 18);
    assert_eq!(export(&first, "--format jsonl"), running, "whether it runs or not");

    let mut by_host: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in running.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        by_host.entry(row["host"].as_str().expect("a name").to_owned()).or_default().push(row);
    }
    let second = Place::new();
    let program = second.serve("aggregator");
    for (host, rows) in by_host {
        push(&program, &second, &host, &rows);
    }
    assert_eq!(export(&second, "--format jsonl"), running);
    program.stop();
}

#[test]
fn sql_makes_the_documented_tables_with_the_same_answers() {
    let place = Place::new();
    let program = place.serve("aggregator");
    fleet(&program, &place);
    let dump = place.path("dump.sql");
    let (status, _, stderr) = finished(place.command("export --format sql --output").arg(&dump));
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let script = place.path("script.sql");
    let sqlite = |sql: &str| {
        std::fs::write(&script, sql).expect("written");
        let mut command = Command::new("sqlite3");
        command.args(["-bail", "-list"]).arg(place.path("new.db"));
        command.stdin(std::fs::File::open(&script).expect("just written"));
        let (status, stdout, stderr) = finished(&mut command);
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{sql}");
        stdout.trim_end().to_owned()
    };
    sqlite(&format!(".read {}", dump.display()));
    let figure = |text: &str| text.parse::<f64>().expect("a figure");
    for query in DOCUMENTED.trim_end().split_inclusive(';') {
        let (status, stdout, stderr) = finished(place.command("sql --csv").arg(query));
        let answer = stdout.lines().nth(1).unwrap_or_default();
        assert_eq!(status, Some(0), "{stderr}");
        let (ours, theirs) = (figure(answer), figure(&sqlite(query)));
        assert!((ours - theirs).abs() <= ours.abs() * 1e-12, "{query}: {ours} and {theirs}");
    }
    assert_eq!(sqlite("SELECT count(*), count(DISTINCT host) FROM metrics"), "18|2");
    assert_eq!(sqlite("SELECT tags ->> 'role', status FROM hosts LIMIT 1"), "it's a \"test\"|online");
    let rows = "SELECT timestamp, metric_type, host, tags, value FROM metrics WHERE metric_type <> 'odd.value' ORDER BY 1, 2, 3";
    let (_, stdout, _) = finished(place.command("sql --json").arg(rows));
    let ours: Vec<Value> = serde_json::from_str(&stdout).expect("JSON");
    let theirs: Vec<Value> = serde_json::from_str(&sqlite(&format!(".mode json\n{rows}"))).expect("JSON");
    assert_eq!(ours, theirs);
    program.stop();
}

#[test]
fn csv_has_a_header_and_only_what_was_asked_for() {
    let place = Place::new();
    let program = place.serve("aggregator");
    fleet(&program, &place);
    program.stop();
    let check =
        |flags: &str, rows: usize| assert_eq!(export(&place, flags).lines().count(), rows + 1, "{flags}");
    check("", 18);
    check("--format csv --host db-server-01", 5);
    check("--host db-server-01 --host web-server-01 --metric cpu.total_usage --metric =odd", 6);
    check("--from now-30s", 0);
    check("--from now-1h --to now", 18);
    check("--metric cpu.total_usage --from 2020-01-01 --to 2021-01-01T00:00:00Z", 0);
    let text = export(&place, "--host db-server-01 --metric =odd");
    let row = text.strip_prefix("timestamp,metric_type,host,tags,value\r\n").expect("the header");
    let (_, row) = row.split_once(',').expect("a time");
    assert_eq!(row, "'=odd,db-server-01,\"mount=it's \"\"quoted\"\"\",1.5\r\n");
}

#[test]
fn a_file_is_there_only_once_it_is_whole() {
    let place = Place::new();
    let program = place.serve("aggregator");
    fleet(&program, &place);
    program.stop();
    let folder = place.path("out");
    std::fs::create_dir(&folder).expect("made");
    let file = folder.join("all.csv");
    let names = || std::fs::read_dir(&folder).expect("it is there").count();
    let check = |mut command: Command, expected: i32, word: &str| {
        let (status, _, stderr) = finished(&mut command);
        assert!(status == Some(expected) && stderr.contains(word), "{status:?}: {stderr}");
    };
    let exporting = |flags: &str| {
        let mut command = place.command(&format!("export {flags} --output"));
        command.arg(&file);
        command
    };
    check(exporting("--host nobody"), 1, "there is no host `nobody`");
    check(exporting("--metric nothing"), 1, "there is no metric `nothing`: `sysmond sql");
    check(exporting("--from 2"), 0, "");
    let whole = std::fs::read_to_string(&file).expect("written");
    assert_eq!((whole.lines().count(), names()), (19, 1));

    // A disk that is full: no file may become larger than 64 KiB.
    let large = Place::new();
    filled(&large, 1);
    let script = "trap '' XFSZ; ulimit -f 128; exec \"$0\" export --force --output \"$1\"";
    let mut limited = Command::new("sh");
    limited.args(["-c", script, env!("CARGO_BIN_EXE_sysmond")]).arg(&file);
    limited.env("SYSMON_DATA_DIR", large.path("data")).env("HOME", large.path(""));
    check(limited, 1, "cannot write");
    assert_eq!((std::fs::read_to_string(&file).expect("still there"), names()), (whole, 1));

    let to = |path: &str| place.command(&format!("export --output {path}"));
    check(to("/dev/null"), 1, "is no file");
    check(to(&folder.display().to_string()), 1, "is no file");
    check(to("/no/such/folder/x.csv"), 1, "cannot make");
    check(place.command("export --from 5 --to 5"), 1, "--from is not before --to");
    check(place.command("export --from yesterday"), 2, "is not a time");
    check(place.command("export --format xml"), 2, "xml");
    check(Place::new().command("export"), 1, "there is no database");
}

#[test]
fn an_interrupt_leaves_nothing_of_a_file() {
    let place = Place::new();
    filled(&place, 10);
    let folder = place.path("out");
    std::fs::create_dir(&folder).expect("made");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(&folder).expect("it is there").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    for signal in [Signal::INT, Signal::TERM] {
        let mut command = place.command("export --format jsonl --output");
        command.arg(folder.join("all.jsonl"));
        let program = place.start(command);
        // Until then nobody listens for the signal, which then ends it at once: also with nothing left.
        wait_until("some of the file is there", || {
            let part = names().into_iter().find(|name| name.contains(".part"))?;
            (std::fs::metadata(folder.join(part)).ok()?.len() > 0).then_some(())
        });
        program.signal(signal);
        let (status, stderr) = program.end();
        assert_eq!(status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("stopped by a signal; nothing is left"), "{stderr}");
        assert_eq!(names(), [""; 0]);
    }
}

#[test]
fn who_has_read_enough_ends_it_quietly() {
    let place = Place::new();
    filled(&place, 1);
    let mut child =
        place.command("export").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut first = [0; 64];
    child.stdout.take().expect("piped").read_exact(&mut first).expect("rows");
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

/// A database with so many hours of 50 series, every two seconds.
fn filled(place: &Place, hours: i64) {
    let options = StoreOptions {
        retention: Retention::of_raw(Duration::from_hours(24 * 365)),
        max_disk_bytes: 1 << 30,
        queue_limit: 16,
    };
    let store =
        Store::open(&place.path("data/aggregator.db"), options, Timestamp::from_seconds(0)).expect("a store");
    let shape = Shape::new((0..50).map(|n| Series::new("m", format!("n={n}"))).collect());
    for hour in 0..hours {
        let mut frame = Frame::new(shape.clone());
        for tick in 0..1800 {
            let values: Vec<f64> = (0..50).map(|n| ((tick * 31 + n * 17) % 1000) as f64).collect();
            frame.push_row(Timestamp::from_seconds(hour * 3600 + tick * 2), &values);
        }
        let host = HostInfo { hostname: "web-server-01".into(), ..HostInfo::default() };
        let received = Timestamp::from_seconds((hour + 1) * 3600);
        store
            .append_wait(Append { host, static_info: None, received, frame, processes: Vec::new() })
            .expect("stored");
    }
    store.close();
}

/// Rows of an export of everything, and the most memory it had while the last were read; kB.
fn rows_and_peak(place: &Place) -> (usize, u64) {
    let mut child = place.command("export --format jsonl").stdout(Stdio::piped()).spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut out = child.stdout.take().expect("piped");
    let (mut rows, mut peak, mut buffer) = (0, 0, vec![0; 1 << 16]);
    while let read @ 1.. = out.read(&mut buffer).expect("rows") {
        rows += buffer[..read].iter().filter(|byte| **byte == b'\n').count();
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let high = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(high.unwrap_or(0));
    }
    assert!(child.wait().expect("it ends").success());
    (rows, peak)
}

#[test]
fn ten_times_the_rows_take_no_more_memory() {
    let (small, large) = (Place::new(), Place::new());
    filled(&small, 1);
    filled(&large, 10);
    let ((few, low), (many, high)) = (rows_and_peak(&small), rows_and_peak(&large));
    assert_eq!((few, many), (90_000, 900_000));
    // The rows alone would be 22 MB in memory; how many of them are still in the log differs by some.
    assert!(low > 0 && high < low + 12 * 1024, "{low} kB for {few} rows, {high} kB for {many}");
    std::io::stdout().write_all(format!("{low} kB, {high} kB\n").as_bytes()).expect("told");
}
