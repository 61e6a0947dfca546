//! What processes took, from an agent's push to the answer about last night.

#![expect(clippy::indexing_slicing, reason = "a missing field fails the test as well")]

use crate::program::{Place, Program, wait_until};
use crate::snapshot;
use crate::stage::{Stage, now, push_body};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::net::TcpListener;

fn process(pid: u32, name: &str, cpu_percent: f64) -> Value {
    json!({
        "pid": pid, "name": name, "command": null, "user": 104, "state": "R", "threads": 1,
        "cpu_percent": cpu_percent, "memory_bytes": 102_400_000, "read_bytes": 0.0, "write_bytes": null,
    })
}

/// A push with snapshots of these times, and one that is no good.
fn body(times: &[i64]) -> Value {
    let snapshot = |at: &i64| {
        let processes = [process(7, "nginx", 1.0), process(812, "postgres", 12.5)];
        json!({"timestamp": at, "seconds": 10.0, "total": 213, "processes": processes})
    };
    let mut body = push_body("web-01", &[(now(), "cpu.total_usage", 34.5)]);
    body["processes"] = times.iter().map(snapshot).chain([json!({"timestamp": 1})]).collect();
    body
}

#[tokio::test]
async fn a_moment_and_a_stretch_are_answered_as_the_document_says() {
    // A while ago, so that the server's time is another one.
    let (stage, at) = (Stage::start().await, now() - 5);
    let times = [at - 20, at - 10, at];
    for _ in 0..2 {
        let answer = stage.push(&body(&times)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        assert_eq!((&answer["snapshots_stored"], &answer["snapshots_failed"]), (&json!(3), &json!(1)));
    }
    let moment = stage.get(&format!("/api/processes?host=web-01&at={at}")).await.json();
    snapshot::check("processes_at", moment, at);
    let stretch = format!("/api/processes?host=web-01&from={}&to={at}", at - 290);
    let stretch = stage.get(&stretch).await.json();
    assert_eq!(stretch["snapshots"], 3);
    snapshot::check("processes_between", stretch, at);

    let newest = stage.get("/api/processes?host=web-01").await.json();
    assert_eq!(newest["snapshot"]["timestamp"], at);
    let before = stage.get(&format!("/api/processes?host=web-01&at={}", at - 15)).await.json();
    assert_eq!(before["snapshot"]["timestamp"], at - 20);
    for elsewhen in [at - 21, at + 301] {
        let answer = stage.get(&format!("/api/processes?host=web-01&at={elsewhen}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["snapshot"]), (200, &Value::Null));
    }
    let unknown = stage.get("/api/processes?host=nobody").await.problem();
    assert_eq!(unknown, (404, "unknown_host".to_owned()));
    assert_eq!(stage.get("/api/processes").await.problem().0, 422);
    let tiers = &stage.get("/api/storage").await.json()["tiers"];
    assert_eq!(tiers["processes"]["samples"], 3);
    stage.stop().await;
}

#[tokio::test]
async fn a_host_that_never_sent_any_has_none() {
    let stage = Stage::start().await;
    stage.push_value("web-01", "load.avg_1m", 1.0).await;
    let moment = stage.get("/api/processes?host=web-01").await.json();
    assert_eq!(moment["snapshot"], Value::Null);
    let stretch = stage.get("/api/processes?host=web-01&from=1").await.problem();
    assert_eq!(stretch, (422, "too_large".to_owned()));
    let stretch = stage.get(&format!("/api/processes?host=web-01&from={}", now() - 60)).await.json();
    assert_eq!((&stretch["snapshots"], &stretch["processes"]), (&json!(0), &json!([])));
    assert_eq!(stretch["programs"], json!([]));
    stage.stop().await;
}

#[tokio::test]
async fn words_that_programs_choose_are_cleaned() {
    let (stage, at) = (Stage::start().await, now());
    let mut body = body(&[at]);
    let hostile = "<img src=x onerror=alert(1)>\u{202e}\u{1b}[31m\n";
    body["processes"][0]["processes"] =
        json!([process(1, hostile, 1e300), process(1, &"x".repeat(500), -5.0)]);
    assert_eq!(stage.push(&body).await.status, 200);
    let answer = stage.get("/api/processes?host=web-01").await.json();
    let told = answer["snapshot"]["processes"].as_array().expect("a list");
    assert_eq!(
        (&told[0]["name"], &told[0]["cpu_percent"]),
        (&json!("<img src=x onerror=alert(1)>[31m"), &json!(100.0))
    );
    assert_eq!((told[1]["name"].as_str().map(str::len), &told[1]["cpu_percent"]), (Some(64), &Value::Null));
    let mut no_list = push_body("web-01", &[(at, "load.avg_1m", 1.0)]);
    no_list["processes"] = json!("all of them");
    assert_eq!(stage.push(&no_list).await.problem(), (422, "invalid_push".to_owned()));
    stage.stop().await;
}

#[tokio::test]
async fn the_description_has_their_fields() {
    let (stage, at) = (Stage::start().await, now());
    let pushed = stage.push(&body(&[at])).await.json();
    let schemas = stage.get("/api/openapi.json").await.json()["components"]["schemas"].clone();
    let check = |value: &Value, schema: &str| {
        let mut fields: Vec<&String> =
            schemas[schema]["properties"].as_object().expect(schema).keys().collect();
        let mut keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
        fields.sort();
        keys.sort();
        assert_eq!(keys, fields, "{schema}");
    };
    let moment = stage.get("/api/processes?host=web-01").await.json();
    check(&moment, "ProcessesAt");
    check(&moment["snapshot"], "ProcessSnapshot");
    check(&moment["snapshot"]["processes"][0], "ProcessUse");
    let stretch = stage.get(&format!("/api/processes?host=web-01&to={at}")).await.json();
    check(&stretch, "ProcessesBetween");
    check(&stretch["processes"][0], "ProcessTotal");
    check(&stretch["programs"][0], "ProgramTotal");
    check(&stretch["programs"][0]["cpu_percent"], "MeanAndMax");
    assert!(pushed["snapshots_stored"].is_number());
    stage.stop().await;
}

/// An agent of its own process for the aggregator at `address`.
fn agent(place: &Place, address: &str, token: &str) -> Program {
    let flags = "--hostname web-01 --push-interval 200ms --interval 500ms";
    let mut command = place.command(&format!("agent --aggregator http://{address} {flags}"));
    command.env("SYSMON_TOKEN", token);
    place.start(command)
}

/// The moments of which the aggregator has snapshots with processes, and one of those processes.
fn known(program: &Program) -> Option<(u64, Value)> {
    let (status, body) = program.get(&format!("/api/processes?host=web-01&from={}", now() - 600));
    let answer: Value = serde_json::from_str(&body).ok().filter(|_| status == 200)?;
    let count = answer["snapshots"].as_u64().filter(|count| *count > 0)?;
    Some((count, answer["processes"].as_array()?.first()?.clone()))
}

#[test]
fn what_was_eating_the_machine_is_known_after_everything_was_killed() {
    let (place, agents) = (Place::new(), Place::new());
    let aggregator = place.serve("aggregator");
    let token = place.read("data/token").trim().to_owned();
    let running = agent(&agents, aggregator.address(), &token);
    // The second one has shares of the processors.
    let before = wait_until("two snapshots", || known(&aggregator).filter(|(count, _)| *count >= 2));
    // It is of a part of this second.
    let asked = now() + 1;
    let at = |program: &Program| program.get_json(&format!("/api/processes?host=web-01&at={asked}"));
    let told = at(&aggregator)["snapshot"].clone();
    assert!(!told["processes"].as_array().expect("a list").is_empty(), "{told}");
    assert!(told["seconds"].as_f64().is_some_and(|seconds| seconds > 0.5), "{told}");
    for program in [running, aggregator] {
        program.signal(Signal::KILL);
        assert!(!program.end().0.success());
    }
    let aggregator = place.serve("aggregator");
    assert_eq!(at(&aggregator)["snapshot"], told);
    assert!(known(&aggregator).is_some_and(|(count, _)| count >= before.0));
    aggregator.stop();
}

#[test]
fn snapshots_of_an_outage_are_delivered_after_a_kill_of_the_agent() {
    let (place, agents) = (Place::new(), Place::new());
    // Nobody listens there yet.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port");
    let token = "a-token-for-this-test-alone";
    let cut_off = agent(&agents, &address.to_string(), token);
    let kept = wait_until("two snapshots in the agent's store", || {
        let file = agents.path("data/agent.db");
        let conn =
            rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        let count: i64 = conn.query_row("SELECT count(*) FROM snapshot", [], |row| row.get(0)).ok()?;
        (count >= 2).then_some(count)
    });
    cut_off.signal(Signal::KILL);
    assert!(!cut_off.end().0.success());

    let flags = format!("aggregator --listen {address} --addr-file {}", place.path("address").display());
    let mut command = place.command(&flags);
    command.env("SYSMON_TOKEN", token);
    let aggregator = place.start(command).serving(&place.path("address"));
    let again = agent(&agents, &address.to_string(), token);
    let kept = u64::try_from(kept).expect("a count");
    let found =
        wait_until("the snapshots of the outage", || known(&aggregator).filter(|(count, _)| *count >= kept));
    assert!(found.1["name"].as_str().is_some_and(|name| !name.is_empty()), "{found:?}");
    again.stop();
    aggregator.stop();
}

#[test]
fn standalone_answers_too_and_tells_command_lines_only_where_it_is_set() {
    let check = |flags: &str, has_commands: bool| {
        let place = Place::new();
        let program = place.serve(&format!("--hostname web-01 --push-interval 200ms {flags}"));
        let told = wait_until("a snapshot", || {
            let answer = program.get("/api/processes?host=web-01");
            let answer: Value = serde_json::from_str(&answer.1).ok().filter(|_| answer.0 == 200)?;
            answer["snapshot"]["processes"].as_array().cloned()
        });
        assert!(told.iter().all(|process| process["name"] != ""), "{told:?}");
        assert_eq!(told.iter().any(|process| process["command"].is_string()), has_commands, "{told:?}");
        program.stop();
    };
    check("", false);
    check("--processes commands", true);
}

#[test]
fn none_is_told_where_none_is_to_be() {
    let place = Place::new();
    let program = place.serve("--hostname web-01 --push-interval 200ms --processes off");
    let counted = || {
        let (status, body) = program.get("/api/latest?host=web-01");
        (status == 200 && body.contains("processes.total")).then_some(())
    };
    wait_until("processes are counted", counted);
    assert_eq!(program.get_json("/api/processes?host=web-01")["snapshot"], Value::Null);
    program.stop();
}

#[test]
fn a_scripts_own_metrics_are_pushed_and_a_bad_file_is_named() {
    let place = Place::new();
    let folder = place.path("own");
    std::fs::create_dir(&folder).expect("ours");
    std::fs::write(folder.join("backup.prom"), "backup_age_seconds{job=\"db\"} 12.5\n").expect("ours");
    std::fs::write(folder.join("bad.prom"), "fine 1\nno number\n").expect("ours");
    let flags = format!("--hostname web-01 --push-interval 200ms --textfile-directory {}", folder.display());
    let program = place.serve(&flags);
    let found = wait_until("the script's value", || {
        let latest: Value = serde_json::from_str(&program.get("/api/latest?host=web-01").1).ok()?;
        let samples = latest["metrics"].as_array()?.clone();
        samples.into_iter().find(|sample| sample["metric_type"] == "backup_age_seconds")
    });
    assert_eq!((&found["tags"], &found["value"]), (&json!("job=db"), &json!(12.5)));
    let told = program.stop();
    assert!(told.contains("bad.prom: line 2: no number behind the name"), "{told}");
}
