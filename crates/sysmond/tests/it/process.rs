//! Whole processes: how they start, stop, are killed, and what is there afterwards.

use crate::program::{Place, Program, finished, send, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::process::Stdio;

fn sql(place: &Place, statement: &str) -> Vec<Value> {
    let mut command = place.command("sql --json");
    let (status, stdout, stderr) = finished(command.arg(statement));
    assert_eq!(status, Some(0), "{stderr}");
    serde_json::from_str(&stdout).expect("an array of objects")
}

fn batch(host: &str, from: i64, values: i64) -> Value {
    let samples: Vec<Value> = (0..values)
        .map(|n| json!({"timestamp": from + n, "metric_type": "cpu.total_usage", "value": n as f64 / 4.0, "tags": ""}))
        .collect();
    json!({"hostname": host, "version": "0.5.0", "platform": "Linux", "tags": {"role": "test"}, "metrics": samples})
}

fn now() -> i64 {
    sysmond::clock::now().as_seconds()
}

#[test]
fn standalone_shows_this_host_and_stops_cleanly() {
    let place = Place::new();
    let program = place.serve("--hostname web-server-01 --tag role=web-server --push-interval 200ms");
    assert_eq!(program.get("/healthz").0, 200);
    let host = wait_until("this host has registered", || program.hosts().first().cloned());
    assert_eq!((&host["hostname"], &host["status"]), (&json!("web-server-01"), &json!("online")));
    assert_eq!(host["tags"], json!({"role": "web-server"}));
    let stderr = program.stop();
    assert!(stderr.contains("dashboard on http://127.0.0.1:") && stderr.contains("stopping"), "{stderr}");
    assert!(place.path("data/aggregator.db").exists() && place.path("data/agent.db").exists());
}

#[test]
fn interrupt_and_hangup_stop_cleanly_too() {
    for signal in [Signal::INT, Signal::HUP] {
        let program = Place::new().serve("aggregator");
        program.signal(signal);
        let (status, stderr) = program.end();
        assert_eq!(status.code(), Some(0), "{stderr}");
    }
}

#[test]
fn nohup_is_respected() {
    let place = Place::new();
    let flags = format!("aggregator --listen 127.0.0.1:0 --addr-file {}", place.path("address").display());
    let sysmond = env!("CARGO_BIN_EXE_sysmond");
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", &format!("trap '' HUP; exec {sysmond} {flags}")])
        .env("HOME", place.path(""))
        .env("SYSMON_DATA_DIR", place.path("data"));
    let program = place.start(command).serving(&place.path("address"));
    program.signal(Signal::HUP);
    assert_eq!(program.get("/healthz").0, 200);
    program.stop();
}

#[test]
fn a_port_that_is_taken_is_told_with_advice() {
    let place = Place::new();
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = other.local_addr().expect("it is bound").port();
    let (status, _, stderr) = place.run(&format!("--listen 127.0.0.1:{port}"));
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("another program") && stderr.contains("--listen"), "{stderr}");
}

#[test]
fn health_is_that_of_the_server_and_not_of_its_file() {
    let place = Place::new();
    let asked = format!("health --listen 127.0.0.1:0 --addr-file {}", place.path("address").display());
    let check = |expected: Option<i32>, word: &str| {
        let (status, stdout, stderr) = place.run(&asked);
        assert_eq!(status, expected, "{stdout}{stderr}");
        assert!(stdout.contains(word) || stderr.contains(word), "{word}: {stdout}{stderr}");
    };
    check(Some(1), "no server has written its address");
    let program = place.serve("aggregator");
    check(Some(0), "is well");
    program.signal(Signal::STOP);
    check(Some(1), "no answer within 5s");
    program.signal(Signal::CONT);
    check(Some(0), "is well");
    let address = program.address().to_owned();
    program.stop();
    check(Some(1), "no server has written its address");
    let (status, _, stderr) = place.run(&format!("health --listen {address}"));
    assert!(
        status == Some(1) && stderr.contains("cannot connect: Connection refused"),
        "{status:?} {stderr}"
    );
}

#[test]
fn every_address_takes_ipv4() {
    let place = Place::new();
    let flags =
        format!("--listen [::]:0 --push-interval 200ms --addr-file {}", place.path("address").display());
    let program = place.start(place.command(&flags)).serving(&place.path("address"));
    let port = program.address().rsplit_once(':').map(|(_, port)| port.to_owned()).expect("a port");
    assert!(std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());
    let registered = || {
        let sql = sql(&place, "-- Everybody\nSELECT hostname FROM hosts");
        (sql.len() == 1).then_some(())
    };
    wait_until("its own agent reaches it", registered);
    program.stop();
}

#[test]
fn a_child_ends_with_its_parent() {
    let place = Place::new();
    let flags = format!(
        "aggregator --exit-with-parent --listen 127.0.0.1:0 --addr-file {}",
        place.path("a").display()
    );
    let mut command = place.command(&flags);
    command.stdin(Stdio::piped());
    let mut program = place.start(command).serving(&place.path("a"));
    assert_eq!(program.get("/healthz").0, 200);
    program.close_input();
    let (status, stderr) = program.end();
    assert!(status.code() == Some(0) && stderr.contains("parent is gone"), "{stderr}");
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let place = Place::new();
    let began = now() - 3600;
    let mut acknowledged = 0;
    for round in 0..3 {
        let program = place.serve("aggregator");
        let token = place.read("data/token").trim().to_owned();
        for push in 0..5 {
            let from = began + (round * 5 + push) * 100;
            let (status, answer) = program.push(&token, &batch("web-server-01", from, 50));
            assert_eq!(status, 200, "{answer}");
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            acknowledged += answer["metrics_stored"].as_i64().expect("a count");
        }
        program.signal(Signal::KILL);
        assert!(!program.end().0.success());
        let found = sql(&place, "SELECT COUNT(*) AS n, SUM(value) AS total FROM metrics");
        assert_eq!(found[0]["n"], acknowledged, "after kill {round}");
    }
    assert_eq!(acknowledged, 750);
    let program = place.serve("aggregator");
    let found = sql(&place, "SELECT COUNT(*) AS n, SUM(value) AS total FROM metrics");
    assert_eq!((&found[0]["n"], &found[0]["total"]), (&json!(750), &json!(15.0 * 50.0 * 49.0 / 8.0)));
    program.stop();
}

#[test]
fn sql_prints_three_ways_and_says_what_is_wrong() {
    let place = Place::new();
    let (status, _, stderr) = finished(place.command("sql").arg("SELECT 1"));
    assert!(
        status == Some(1) && stderr.contains("there is no database") && stderr.contains("--data-dir"),
        "{stderr}"
    );

    let program = place.serve("aggregator");
    let token = place.read("data/token").trim().to_owned();
    assert_eq!(program.push(&token, &batch("web-server-01", now() - 10, 3)).0, 200);
    program.stop();
    let statement = "SELECT host, value FROM metrics ORDER BY timestamp";
    let check = |flag: &str, expected: &str| {
        let (status, stdout, stderr) = finished(place.command(&format!("sql {flag}")).arg(statement));
        assert_eq!((status, stdout.as_str()), (Some(0), expected), "{stderr}");
    };
    check(
        "",
        "host           value\n-------------  -----\nweb-server-01      0\nweb-server-01   0.25\nweb-server-01    0.5\n(3 rows)\n",
    );
    check("--csv", "host,value\r\nweb-server-01,0\r\nweb-server-01,0.25\r\nweb-server-01,0.5\r\n");
    assert_eq!(sql(&place, statement)[1], json!({"host": "web-server-01", "value": 0.25}));

    let fails = |statement: &str, word: &str| {
        let (status, _, stderr) = finished(place.command("sql --timeout 200ms").arg(statement));
        assert!(status == Some(1) && stderr.contains(word), "{statement}: {stderr}");
    };
    fails("SELEC 1", "syntax error");
    fails(
        "SELECT * FROM no_such",
        "no such table: no_such; the tables are hosts, metrics and processes, which can",
    );
    fails("DELETE FROM hosts", "cannot modify hosts because it is a view; the tables are");
    fails(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c",
        "more than 200ms: narrow it",
    );
    let numbers =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 2000000) SELECT n FROM c";
    let (status, _, stderr) =
        finished(place.command("sql --max-memory 16MB").arg(format!("{numbers} ORDER BY -n")));
    assert!(status == Some(1) && stderr.contains("more than 16 MB: narrow it"), "{stderr}");
    let (status, stdout, stderr) = finished(place.command("sql --csv --max-memory 16MB").arg(numbers));
    assert_eq!((status, stdout.lines().count()), (Some(0), 2_000_001), "{stderr}");
}

/// The processes whose parent is `pid`, with the role each was started for.
fn children(pid: i32) -> Vec<(i32, String)> {
    let of = |entry: std::fs::DirEntry| {
        let child: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let line = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let role = line.split('\0').nth(1)?.to_owned();
        (fields.first() != Some(&"Z") && fields.get(1)?.parse() == Ok(pid)).then_some((child, role))
    };
    std::fs::read_dir("/proc").expect("a Linux machine").filter_map(|entry| of(entry.ok()?)).collect()
}

fn runs(pid: i32) -> bool {
    std::fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

fn demo(place: &Place) -> Program {
    let program = place.serve("demo --hosts 3 --interval 200ms --push-interval 200ms");
    wait_until("three hosts are there", || (program.hosts().len() == 3).then_some(()));
    program
}

#[test]
fn the_demo_is_a_fleet_of_three_and_ends_as_one() {
    let place = Place::new();
    let program = demo(&place);
    let hosts = program.hosts();
    let mut names: Vec<_> = hosts.iter().filter_map(|host| host["hostname"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["app-server-01", "db-server-01", "web-server-01"]);
    for host in &hosts {
        for tag in ["environment", "datacenter", "role"] {
            assert!(host["tags"][tag].is_string(), "{host}");
        }
    }
    let family = children(program.id());
    assert_eq!(family.len(), 4, "{family:?}");
    program.stop();
    assert!(!family.iter().any(|(pid, _)| runs(*pid)), "all have ended");
    for name in ["aggregator", "web-server-01", "db-server-01", "app-server-01"] {
        let log = place.read(&format!("data/demo/{name}/sysmond.log"));
        assert!(log.contains("stopping") && !log.contains("at once"), "each ended in good order: {log}");
    }
}

#[test]
fn a_killed_demo_leaves_nobody_behind() {
    let place = Place::new();
    let program = demo(&place);
    let family = children(program.id());
    program.signal(Signal::KILL);
    program.end();
    wait_until("its children have ended", || (!family.iter().any(|(pid, _)| runs(*pid))).then_some(()));
}

#[test]
fn a_killed_member_of_the_demo_is_started_again() {
    let place = Place::new();
    let program = demo(&place);
    let aggregator =
        |program: &Program| children(program.id()).into_iter().find(|(_, role)| role == "aggregator");
    let (first, _) = aggregator(&program).expect("it runs");
    send(first, Signal::KILL);
    let again = || aggregator(&program).filter(|(pid, _)| *pid != first);
    wait_until("another is there", again);
    wait_until("it serves", || std::net::TcpStream::connect(program.address()).ok());
    wait_until("agents have found it", || {
        (program.get_json("/api/fleet/summary")["online_hosts"] == 3).then_some(())
    });
    let stderr = program.stop();
    assert!(stderr.contains("ended unexpectedly"), "{stderr}");
}

#[test]
fn statements_of_standard_input_are_answered_in_turn_as_those_of_an_argument_are() {
    let place = Place::new();
    place.serve("aggregator").stop();
    let statements = concat!(env!("CARGO_MANIFEST_DIR"), "/../sysmond-tsdb/src/sql/documented.sql");
    let text = std::fs::read_to_string(statements).expect("it is there");
    let run = |command: &mut std::process::Command| {
        let (status, stdout, stderr) = finished(command);
        assert_eq!(status, Some(0), "{stderr}");
        stdout
    };
    let by_argument = run(place.command("sql").arg(&text));
    assert_eq!(by_argument.matches("(1 row)").count(), 4, "{by_argument}");
    assert_eq!(by_argument.matches("(1 row)\n\n").count(), 3, "{by_argument}");
    let file = || std::fs::File::open(statements).expect("it is there");
    assert_eq!(run(place.command("sql").stdin(file())), by_argument);
    assert_eq!(run(place.command("sql -").stdin(file())), by_argument);
    let (status, stdout, stderr) = finished(place.command("sql --csv").arg("SELECT 1 AS n; SELECT x"));
    assert_eq!((status, stdout.as_str()), (Some(1), "n\r\n1\r\n"));
    assert!(stderr.contains("statement 2 failed: no such column: x"), "{stderr}");
}
