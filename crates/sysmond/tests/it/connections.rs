//! Clients that hold a connection without using it, and how everything ends.

use crate::stage::{Stage, TOKEN, eventually, push_body, within};
use std::time::Duration;
use sysmond::aggregator::Limits;

/// Limits that a test can wait for.
fn short() -> Limits {
    let mut limits = Limits::default();
    limits.server.head = Duration::from_millis(300);
    limits.server.body = Duration::from_millis(300);
    limits.server.write_stall = Duration::from_millis(300);
    limits.server.linger = Duration::from_millis(100);
    limits
}

const POST: &str = "POST /api/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

#[tokio::test]
async fn whoever_says_nothing_or_half_is_closed() {
    let stage = Stage::start_with(short(), |_| {}).await;
    let check = async |said: &str, heard: &str| {
        let mut wire = stage.connect().await;
        wire.say(said).await;
        let answer = wire.hear().await;
        assert!(answer.starts_with(heard) && (answer.is_empty() == heard.is_empty()), "{said:?}: {answer:?}");
    };
    check("", "").await;
    check("G", "").await;
    check("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Half", "").await;
    let half_body = format!("{POST}X-SysMon-Token: {TOKEN}\r\nContent-Length: 100\r\n\r\n{{\"hostname\"");
    check(&half_body, "HTTP/1.1 408 ").await;
    let half_chunk = format!("{POST}X-SysMon-Token: {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{{");
    check(&half_chunk, "HTTP/1.1 408 ").await;
    check("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 ").await;
    stage.stop().await;
}

#[tokio::test]
async fn a_body_that_drips_does_not_start_its_time_again() {
    let stage = Stage::start_with(short(), |_| {}).await;
    let mut wire = stage.connect().await;
    wire.say(format!("{POST}X-SysMon-Token: {TOKEN}\r\nContent-Length: 100000\r\n\r\n")).await;
    let mut dripped = 0;
    let mut answer = [0; 12];
    // Each byte comes well within the limit, all of them together do not.
    while within(wire.0.readable_or(Duration::from_millis(50))).await {
        wire.say(" ").await;
        dripped += 1;
        assert!(dripped < 300, "still waiting");
    }
    within(tokio::io::AsyncReadExt::read_exact(&mut wire.0, &mut answer)).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 408");
    stage.stop().await;
}

/// Whether nothing came within a time.
trait ReadableOr {
    async fn readable_or(&self, wait: Duration) -> bool;
}

impl ReadableOr for tokio::net::TcpStream {
    async fn readable_or(&self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.readable()).await.is_err()
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    let stage = Stage::start_with(short(), |_| {}).await;
    let wire = stage.connect().await;
    // Answers to many requests fill every buffer on the way.
    let request = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    let closed = async {
        loop {
            match wire.0.try_write(&request) {
                Ok(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(_) => return,
            }
        }
    };
    within(closed).await;
    stage.stop().await;
}

#[tokio::test]
async fn past_the_cap_there_is_a_clear_no_and_a_place_is_free_again() {
    let mut limits = Limits::default();
    limits.server.connections = 2;
    let stage = Stage::start_with(limits, |_| {}).await;
    let (first, _second) = (stage.connect().await, stage.connect().await);
    let refused = eventually("a refusal", async || {
        let mut third = stage.connect().await;
        tokio::time::timeout(Duration::from_millis(100), third.hear()).await.ok()
    });
    assert!(refused.await.starts_with("HTTP/1.1 503 "));
    drop(first);
    eventually("a free place", async || {
        let mut wire = stage.connect().await;
        wire.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        wire.hear().await.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;
    stage.stop().await;
}

#[tokio::test]
async fn other_clients_do_not_notice() {
    let stage = Stage::start().await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        let mut wire = stage.connect().await;
        wire.say("GET / HTTP/1.1\r\nHost: local").await;
        silent.push(wire);
    }
    for _ in 0..10 {
        assert_eq!(stage.get("/healthz").await.status, 200);
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_push_in_flight_is_finished_when_the_end_is_asked_for() {
    let stage = Stage::start().await;
    let body = push_body("last", &[]).to_string();
    let (first, rest) = body.split_at(10);
    let mut wire = stage.connect().await;
    wire.say(format!("{POST}X-SysMon-Token: {TOKEN}\r\nContent-Length: {}\r\n\r\n{first}", body.len())).await;
    // Asked for on another connection, it is known that the server reads on this one too.
    eventually("the connection", async || {
        (stage.own_metric("sysmond_connections_accepted_total").await == 2).then_some(())
    })
    .await;
    stage.request_end();
    wire.say(rest).await;
    let heard = wire.hear().await;
    assert!(heard.starts_with("HTTP/1.1 200 ") && heard.contains("\"success\""), "{heard}");
    let data = stage.stop().await;
    let stage = Stage::start_in(data, Limits::default(), |_| {}).await;
    assert_eq!(stage.get("/api/hosts").await.json()["hosts"][0]["hostname"], "last");
    stage.stop().await;
}

#[tokio::test]
async fn a_client_that_stays_does_not_keep_the_server() {
    let stage = Stage::start().await;
    let _idle = stage.connect().await;
    let mut half = stage.connect().await;
    half.say(format!("{POST}X-SysMon-Token: {TOKEN}\r\nContent-Length: 100\r\n\r\n{{")).await;
    assert_eq!(stage.get("/healthz").await.status, 200);
    let asked = tokio::time::Instant::now();
    stage.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

/// Run alone by the test below, in a process of its own that may open few files.
#[tokio::test]
#[ignore = "needs a process with few files"]
async fn child_with_few_files() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let stage = Stage::start().await;
    assert_eq!(stage.own_metric("sysmond_accept_failures_total").await, 0);
    let used = std::fs::read_dir("/proc/self/fd").expect("on Linux").count() as u64;
    let few = Rlimit { current: Some(used + 20), maximum: Some(used + 20) };
    setrlimit(Resource::Nofile, few).expect("lowered");
    let mut held = Vec::new();
    while let Ok(wire) = tokio::net::TcpStream::connect(stage.address).await {
        held.push(wire);
    }
    assert!(!held.is_empty(), "files ran out after some connections");
    // The connection of the first question is still open, and still served.
    eventually("an accept that fails", async || {
        (stage.own_metric("sysmond_accept_failures_total").await > 0).then_some(())
    })
    .await;
    held.clear();
    eventually("service for newcomers again", async || {
        let mut wire = crate::stage::Wire(tokio::net::TcpStream::connect(stage.address).await.ok()?);
        wire.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        wire.hear().await.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;
    stage.stop().await;
}

#[test]
fn the_server_survives_running_out_of_files() {
    let this = std::env::current_exe().expect("the test binary");
    let child = std::process::Command::new(this)
        .args(["--exact", "connections::child_with_few_files", "--ignored", "--nocapture"])
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&child.stderr)
    );
}
