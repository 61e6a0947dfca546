//! Answers that the page's types are checked against, beside those of the mission's documents.

use crate::snapshot;
use crate::stage::{Stage, now, push_body};
use serde_json::json;

#[tokio::test]
async fn processes_are_answered_as_the_page_reads_them() {
    let (stage, at) = (Stage::start().await, now() - 30);
    let process = |pid: u32, name: &str, cpu: Option<f64>| {
        json!({
            "pid": pid, "name": name, "command": null, "user": 104, "state": "R", "threads": 3,
            "cpu_percent": cpu, "memory_bytes": 104_900_000, "read_bytes": 0.0, "write_bytes": null,
        })
    };
    let snapshot = |timestamp: i64, cpu: f64| {
        let processes = [process(812, "postgres", Some(cpu)), process(1, "init", None)];
        json!({ "timestamp": timestamp, "seconds": 10.0, "total": 213, "processes": processes })
    };
    let mut body = push_body("web-server-01", &[(at, "cpu.total_usage", 34.5)]);
    body["processes"] = json!([snapshot(at - 2, 10.0), snapshot(at, 15.5)]);
    assert_eq!(stage.push(&body).await.status, 200);
    let check = async |name: &str, path: String| snapshot::check(name, stage.get(&path).await.json(), at);
    check("processes", format!("/api/processes?host=web-server-01&at={at}")).await;
    check("processes_none", format!("/api/processes?host=web-server-01&at={}", at - 3600)).await;
    check("processes_between", format!("/api/processes?host=web-server-01&from={}&to={at}", at - 2)).await;
    stage.stop().await;
}
