//! Live data: connections of browsers, and agents that wait to hear of them.
#![expect(clippy::indexing_slicing, reason = "a missing field fails the test as well")]

use crate::api::fleet;
use crate::snapshot;
use crate::stage::{DEADLINE, Stage, TOKEN, Watcher, eventually, now, push_body, within};
use futures_util::SinkExt;
use serde_json::{Value, json};
use std::time::Duration;
use sysmond::aggregator::Limits;
use sysmond_model::limits::MAX_SERIES_PER_ANSWER;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

async fn until_clients(stage: &Stage, count: u64) {
    eventually("that many clients", async || {
        (stage.own_metric("sysmond_live_clients").await == count).then_some(())
    })
    .await;
}

/// The times of a history's first series.
fn times(history: &Value) -> Vec<i64> {
    let points = history["series"][0]["points"].as_array().expect("a list");
    points.iter().map(|point| point[0].as_i64().expect("whole seconds")).collect()
}

#[tokio::test]
async fn a_watched_host_begins_full_and_goes_on() {
    let stage = Stage::start().await;
    let at = now() - 10;
    let mut body = push_body("a", &[(at, "cpu.total_usage", 1.5), (at + 2, "cpu.total_usage", 2.5)]);
    body["static"] = json!({"os": "Debian", "cpu_cores": 2});
    stage.push(&body).await;
    stage.push(&push_body("other", &[(at, "cpu.total_usage", 9.0)])).await;

    let mut watcher = stage.live("/api/live?host=a").await;
    let first = watcher.frame().await;
    assert_eq!((&first["type"], first["hosts"].as_array().map(Vec::len)), (&"static".into(), Some(1)));
    let host = &first["hosts"][0];
    assert_eq!((&host["hostname"], &host["status"]), (&"a".into(), &"online".into()));
    assert_eq!((&host["os"], &host["tags"]), (&"Debian".into(), &json!({"role": "web"})));

    let history = watcher.frame().await;
    assert_eq!((&history["type"], &history["host"]), (&"history".into(), &"a".into()));
    let expected = json!({
        "host": "a", "metric": "cpu.total_usage", "tags": "", "unit": "percent", "resolution_seconds": 2.0,
        "from": history["series"][0]["from"], "to": history["series"][0]["to"],
        "points": [[at, 1.5, 1.5, 1.5], [at + 2, 2.5, 2.5, 2.5]],
    });
    assert_eq!(history["series"], json!([expected]));

    stage.push(&push_body("other", &[(at + 4, "cpu.total_usage", 9.0)])).await;
    stage.push(&push_body("a", &[(at + 4, "cpu.total_usage", 3.5)])).await;
    let sample = watcher.frame().await;
    let expected =
        json!({"type": "sample", "host": "a", "timestamp": at + 4, "metrics": {"cpu.total_usage": 3.5}});
    assert_eq!(sample, expected);
    stage.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_into_an_answer_begins_with_its_newest_sample() {
    let (stage, at, many) = (Stage::start().await, now() - 10, MAX_SERIES_PER_ANSWER + 1);
    let mut body = push_body("a", &[(at - 1, "cpu.total_usage", 1.5), (at, "cpu.total_usage", 2.5)]);
    let flood = |n| {
        [(at - 1, 7.5), (at, 8.5)].map(|(timestamp, value)| json!({"timestamp": timestamp, "metric_type": "app.flood", "value": value, "tags": format!("n={n}")}))
    };
    body["metrics"].as_array_mut().expect("a list").extend((0..many).flat_map(flood));
    stage.push(&body).await;
    let mut watcher = stage.live("/api/live?host=a").await;
    watcher.frame().await;
    let history = watcher.frame().await;
    let (flood, rest): (Vec<_>, Vec<_>) =
        history["series"].as_array().expect("a list").iter().partition(|one| one["metric"] == "app.flood");
    assert_eq!(rest[0]["points"], json!([[at - 1, 1.5, 1.5, 1.5], [at, 2.5, 2.5, 2.5]]));
    assert_eq!((flood.len(), rest.len()), (many, 1));
    assert!(flood.iter().all(|one| one["points"] == json!([[at, 8.5, 8.5, 8.5]])));
    stage.stop().await;
}

#[tokio::test]
async fn frames_are_those_that_the_page_knows() {
    let (stage, at) = fleet().await;
    let mut host = stage.live("/api/live?host=web-server-01").await;
    snapshot::check("live_static", host.frame().await, at);
    snapshot::check("live_history", host.frame().await, at);
    let mut disks = push_body("app-server-01", &[(at, "disk.usage_percent", 41.5)]);
    disks["metrics"][0]["tags"] = "mount=/".into();
    stage.push(&disks).await;
    let mut fleet = stage.live("/api/live").await;
    fleet.frame().await;
    snapshot::check("live_fleet", fleet.frame().await, at);
    let core = json!({"timestamp": at + 1, "metric_type": "cpu.core_usage", "value": 7.25, "tags": "core=0"});
    let mut body =
        push_body("web-server-01", &[(at + 1, "cpu.total_usage", 35.5), (at + 1, "memory.used_bytes", 4e9)]);
    body["metrics"].as_array_mut().expect("a list").push(core);
    stage.push(&body).await;
    snapshot::check("live_sample", host.frame().await, at);
    stage.stop().await;
}

#[tokio::test]
async fn a_backlog_comes_as_history_and_its_newest_as_sample() {
    let stage = Stage::start().await;
    let at = now() - 20;
    stage.push(&push_body("a", &[(at, "m", 0.0)])).await;
    let mut watcher = stage.live("/api/live?host=a").await;
    watcher.frame_of("history").await;
    stage.push(&push_body("a", &[(at - 7, "m", 1.0)])).await;
    let late = watcher.frame().await;
    assert_eq!((&late["type"], times(&late)), (&"history".into(), vec![at - 7]), "old rows are no samples");
    let rows: Vec<_> = (1..=5).map(|n| (at + n, "m", 0.5)).collect();
    stage.push(&push_body("a", &rows)).await;
    let history = watcher.frame().await;
    assert_eq!((&history["type"], times(&history)), (&"history".into(), (at + 1..at + 5).collect()));
    let sample = watcher.frame().await;
    assert_eq!((&sample["type"], &sample["timestamp"]), (&"sample".into(), &(at + 5).into()));
    stage.stop().await;
}

#[tokio::test]
async fn a_host_begins_full_whatever_its_clock_says_and_when_it_fell_silent() {
    let check = async |stage: &Stage, host: &str, newest: i64| {
        stage.push(&push_body(host, &[(newest - 290, "m", 0.5), (newest, "m", 1.5)])).await;
        let mut watcher = stage.live(&format!("/api/live?host={host}")).await;
        assert_eq!(times(&watcher.frame_of("history").await), [newest - 290, newest], "{host}");
        stage.push(&push_body(host, &[(newest + 1, "m", 2.5)])).await;
        assert_eq!(watcher.frame_of("sample").await["timestamp"], newest + 1, "{host}");
    };
    let stage = Stage::start().await;
    check(&stage, "behind", now() - 600).await;
    check(&stage, "ahead", now() + 540).await;
    check(&stage, "silent", now() - 3600).await;
    stage.stop().await;
}

#[tokio::test]
async fn nothing_falls_between_history_and_samples_and_nothing_comes_twice() {
    let stage = Stage::start().await;
    let start = now() - 200;
    stage.push(&push_body("a", &[(start, "m", 0.0)])).await;
    let pushing = async {
        for n in 1..=100 {
            stage.push(&push_body("a", &[(start + n, "m", 0.5)])).await;
        }
    };
    let watching = async {
        let mut seen = Vec::new();
        for _ in 0..5 {
            let mut watcher = stage.live("/api/live?host=a").await;
            let mut times = times(&watcher.frame_of("history").await);
            while times.last() < Some(&(start + 100)) && times.len() < 40 + seen.len() * 10 {
                let frame = watcher.frame().await;
                assert_eq!(frame["type"], "sample");
                times.push(frame["timestamp"].as_i64().expect("whole seconds"));
            }
            seen.push(times);
        }
        seen
    };
    let ((), seen) = tokio::join!(pushing, watching);
    for times in seen {
        let expected: Vec<_> = (start..start + i64::try_from(times.len()).expect("few")).collect();
        assert_eq!(times, expected);
    }
    stage.stop().await;
}

#[tokio::test]
async fn several_hosts_share_a_connection() {
    let stage = Stage::start().await;
    stage.push_value("a", "m", 1.0).await;
    stage.push_value("b", "m", 2.0).await;
    let mut watcher = stage.live("/api/live?host=b&host=a&host=b").await;
    let statics = watcher.frame().await;
    let names: Vec<_> =
        statics["hosts"].as_array().expect("a list").iter().map(|host| &host["hostname"]).collect();
    assert_eq!(names, ["b", "a"]);
    let histories = [watcher.frame().await, watcher.frame().await];
    assert_eq!(histories.map(|frame| frame["host"].clone()), ["b", "a"]);
    for (host, at) in [("a", now() + 1), ("b", now() + 2), ("a", now() + 3)] {
        stage.push(&push_body(host, &[(at, "m", 3.0)])).await;
        let frame = watcher.frame().await;
        assert_eq!((&frame["type"], &frame["host"]), (&"sample".into(), &host.into()));
    }
    stage.stop().await;
}

#[tokio::test]
async fn the_fleet_is_shown_whole_and_then_as_it_changes() {
    let stage = Stage::start().await;
    let at = now();
    let body = |host: &str, cpu: f64| {
        push_body(
            host,
            &[(at, "cpu.total_usage", cpu), (at, "memory.used_bytes", 4e9), (at, "disk.used_bytes", 1.0)],
        )
    };
    stage.push(&body("a", 10.0)).await;
    stage.push(&body("b", 20.0)).await;
    let mut watcher = stage.live("/api/live").await;
    let statics = watcher.frame().await;
    assert_eq!((&statics["type"], statics["hosts"].as_array().map(Vec::len)), (&"static".into(), Some(2)));
    let first = watcher.frame().await;
    assert_eq!((&first["type"], first["hosts"].as_array().map(Vec::len)), (&"fleet".into(), Some(2)));
    assert_eq!(
        (&first["summary"]["online_hosts"], &first["summary"]["avg_cpu_usage"]),
        (&2.into(), &15.0.into())
    );
    assert_eq!(
        first["hosts"][0]["metrics"],
        json!({"cpu.total_usage": 10, "memory.used_bytes": 4_000_000_000_u64})
    );
    assert_eq!(first["hosts"][0]["status"], "online");

    let mut late = stage.live("/api/live").await;
    late.frame().await;
    assert_eq!(
        late.frame().await["hosts"].as_array().map(Vec::len),
        Some(2),
        "a later client begins whole too"
    );

    let quiet = watcher.frame().await;
    assert_eq!(quiet["hosts"], json!([]), "nothing changed");
    stage.push(&push_body("b", &[(at + 1, "cpu.total_usage", 30.0)])).await;
    let changed = loop {
        let frame = watcher.frame().await;
        if frame["hosts"] != json!([]) {
            break frame;
        }
    };
    assert_eq!(changed["hosts"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&changed["hosts"][0]["hostname"], &changed["summary"]["avg_cpu_usage"]),
        (&"b".into(), &20.0.into())
    );
    stage.push(&body("c", 40.0)).await;
    let joined = loop {
        let frame = watcher.frame().await;
        if frame["hosts"] != json!([]) {
            break frame;
        }
    };
    assert_eq!(joined["hosts"][0]["hostname"], "c", "a new host is a change");
    stage.stop().await;
}

#[tokio::test]
async fn one_encoding_serves_all_and_none_is_made_for_nobody() {
    let stage = Stage::start().await;
    stage.push_value("a", "m", 1.0).await;
    assert_eq!(stage.own_metric("sysmond_live_frames_encoded_total").await, 0);
    let mut watchers = Vec::new();
    for _ in 0..10 {
        let mut watcher = stage.live("/api/live?host=a").await;
        watcher.frame_of("history").await;
        watchers.push(watcher);
    }
    stage.push(&push_body("a", &[(now() + 1, "m", 2.0)])).await;
    for watcher in &mut watchers {
        assert_eq!(watcher.frame().await["metrics"]["m"], 2);
    }
    assert_eq!(stage.own_metric("sysmond_live_frames_encoded_total").await, 1);
    drop(watchers);
    until_clients(&stage, 0).await;
    stage.push(&push_body("a", &[(now() + 2, "m", 3.0)])).await;
    assert_eq!(stage.own_metric("sysmond_live_frames_encoded_total").await, 1);
    stage.stop().await;
}

#[tokio::test]
async fn a_large_history_arrives_whole() {
    let stage = Stage::start().await;
    let at = now() - 100;
    let names: Vec<String> = (0..100).map(|n| format!("m.x{n:03}")).collect();
    let samples: Vec<_> =
        (0..50).flat_map(|row| names.iter().map(move |name| (at + row, name.as_str(), 0.125))).collect();
    stage.push(&push_body("a", &samples)).await;
    let mut watcher = stage.live("/api/live?host=a").await;
    let history = watcher.frame_of("history").await;
    let series = history["series"].as_array().expect("a list");
    assert_eq!(series.len(), 100);
    assert!(series.iter().all(|one| one["points"].as_array().is_some_and(|points| points.len() == 50)));
    stage.stop().await;
}

/// Why a handshake was refused.
async fn refused(stage: &Stage, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    let mut request = format!("ws://{}{path}", stage.address).into_client_request().expect("a request");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("a header value"));
    }
    match within(tokio_tungstenite::connect_async(request)).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        Ok(_) => 101,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_before_the_upgrade() {
    let stage = Stage::start().await;
    stage.push_value("a", "m", 1.0).await;
    let own = format!("http://{}", stage.address);
    let port = stage.address.port();
    let check = async |origin: &str, status: u16| {
        let told = refused(&stage, "/api/live?host=a", &[("origin", origin)]).await;
        assert_eq!(told, status, "{origin}");
    };
    check(&own, 101).await;
    for foreign in [
        "null".to_owned(),
        "http://evil.example".to_owned(),
        "http://127.0.0.1".to_owned(),
        format!("http://127.0.0.1:{}", port.wrapping_add(1)),
        format!("http://127.0.0.1:{port}.evil.example"),
        format!("http://127.0.0.1.evil.example:{port}"),
        format!("http://localhost:{port}"),
        String::new(),
    ] {
        check(&foreign, 403).await;
    }
    assert_eq!(refused(&stage, "/api/live?host=nobody", &[]).await, 404);
    assert_eq!(refused(&stage, "/api/live", &[("host", "evil.example")]).await, 421);
    stage.stop().await;
}

async fn close_code(watcher: &mut Watcher) -> Option<CloseCode> {
    loop {
        if let Message::Close(frame) = watcher.message().await? {
            return frame.map(|frame| frame.code);
        }
    }
}

#[tokio::test]
async fn who_talks_on_a_live_connection_is_shown_out() {
    let stage = Stage::start().await;
    let check = async |message: Message| {
        let mut watcher = stage.live("/api/live").await;
        watcher.0.send(message).await.expect("sent");
        assert_eq!(close_code(&mut watcher).await, Some(CloseCode::Policy));
    };
    check(Message::text("hello")).await;
    check(Message::binary(vec![0; 10])).await;
    check(Message::text("x".repeat(100_000))).await;
    until_clients(&stage, 0).await;
    stage.stop().await;
}

#[tokio::test]
async fn a_close_is_answered_and_frees_the_place() {
    let mut limits = Limits::default();
    limits.live.clients = 1;
    let stage = Stage::start_with(limits, |_| {}).await;
    let mut watcher = stage.live("/api/live").await;
    watcher.frame().await;
    assert_eq!(refused(&stage, "/api/live", &[]).await, 503);
    watcher.0.close(None).await.expect("sent");
    close_code(&mut watcher).await;
    until_clients(&stage, 0).await;
    assert_eq!(refused(&stage, "/api/live", &[]).await, 101);
    stage.stop().await;
}

#[tokio::test]
async fn the_end_is_going_away() {
    let stage = Stage::start().await;
    stage.push_value("a", "m", 1.0).await;
    let mut watchers = [stage.live("/api/live").await, stage.live("/api/live?host=a").await];
    for watcher in &mut watchers {
        watcher.frame().await;
    }
    stage.request_end();
    for watcher in &mut watchers {
        assert_eq!(close_code(watcher).await, Some(CloseCode::Away));
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_let_go() {
    let mut limits = Limits::default();
    limits.live.ping = Duration::from_millis(50);
    limits.live.silence = Duration::from_millis(500);
    let stage = Stage::start_with(limits, |_| {}).await;
    let mut answering = stage.live("/api/live").await;
    // Never read, so never answering.
    let _silent = stage.live("/api/live").await;
    until_clients(&stage, 2).await;
    // A frame a second: the limit passes several times over.
    for _ in 0..4 {
        answering.frame().await;
    }
    assert_eq!(stage.own_metric("sysmond_live_clients").await, 1, "who answers stays");
    stage.stop().await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_costs_nobody_anything() {
    let mut limits = Limits::default();
    limits.live.write = Duration::from_millis(300);
    let stage = Stage::start_with(limits, |_| {}).await;
    let names: Vec<String> = (0..2000).map(|n| format!("a.metric.with.a.long.name.{n:04}")).collect();
    let start = now() - 600;
    let push = async |row: i64| {
        let samples: Vec<_> = names.iter().map(|name| (start + row, name.as_str(), 0.5)).collect();
        assert_eq!(stage.push(&push_body("a", &samples)).await.status, 200);
    };
    push(0).await;
    let mut good = stage.live("/api/live?host=a").await;
    good.frame_of("history").await;
    let _stuck = stage.live("/api/live?host=a").await;
    until_clients(&stage, 2).await;
    let mut row = 0;
    // 70 KB a row fill what the kernel buffers.
    while stage.own_metric("sysmond_live_clients_too_slow_total").await == 0 {
        row += 1;
        assert!(row < 590, "still not too slow");
        push(row).await;
        assert_eq!(good.frame_of("sample").await["timestamp"], start + row, "the other one does not notice");
    }
    until_clients(&stage, 1).await;
    stage.stop().await;
}

/// An agent's question, held back until its answer.
async fn watch(stage: &Stage, watched: bool) -> Value {
    let path = format!("/api/agent/watch?host=a&watched={watched}");
    let answer = stage.get_with(&path, &[("x-sysmon-token", TOKEN)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn an_agent_hears_at_once_that_somebody_watches() {
    let mut limits = Limits::default();
    limits.api.watch_hold = DEADLINE / 2;
    let stage = Stage::start_with(limits, |_| {}).await;
    stage.push_value("a", "m", 1.0).await;
    assert_eq!(watch(&stage, true).await, json!({"watched": false}), "a wrong belief is put right at once");
    let opening = async {
        let fleet = stage.live("/api/live").await;
        let host = stage.live("/api/live?host=a").await;
        (fleet, host)
    };
    let (told, (_fleet, host)) = tokio::join!(watch(&stage, false), opening);
    assert_eq!(told, json!({"watched": true}));
    assert_eq!(watch(&stage, false).await, json!({"watched": true}));
    drop(host);
    until_clients(&stage, 1).await;
    assert_eq!(
        watch(&stage, false).await,
        json!({"watched": true}),
        "a while longer, as for a page that is reloaded"
    );
    stage.stop().await;
}

#[tokio::test]
async fn an_agent_is_not_held_for_ever_nor_at_the_end() {
    let mut limits = Limits::default();
    limits.api.watch_hold = Duration::from_millis(200);
    let stage = Stage::start_with(limits, |_| {}).await;
    stage.push_value("a", "m", 1.0).await;
    assert_eq!(watch(&stage, false).await, json!({"watched": false}));
    stage.stop().await;

    let stage = Stage::start().await;
    stage.push_value("a", "m", 1.0).await;
    let end = async {
        eventually("the question", async || {
            (stage.own_metric("sysmond_agent_watches").await == 1).then_some(())
        })
        .await;
        stage.request_end();
    };
    let (told, ()) = tokio::join!(watch(&stage, false), end);
    assert_eq!(told, json!({"watched": false}));
    stage.stop().await;
}

#[tokio::test]
async fn only_so_many_agents_wait() {
    let mut limits = Limits::default();
    limits.api.watches = 0;
    let stage = Stage::start_with(limits, |_| {}).await;
    stage.push_value("a", "m", 1.0).await;
    let path = "/api/agent/watch?host=a&watched=false";
    let answer = stage.get_with(path, &[("x-sysmon-token", TOKEN)]).await;
    assert_eq!((answer.problem(), answer.header("retry-after")), ((503, "too_many_watches".into()), "30"));
    let answer = stage.get_with("/api/agent/watch?host=nobody", &[("x-sysmon-token", TOKEN)]).await;
    assert_eq!(answer.problem(), (404, "unknown_host".into()));
    let answer = stage.get_with("/api/agent/watch?host=a&watched=x", &[("x-sysmon-token", TOKEN)]).await;
    assert_eq!(answer.problem(), (400, "bad_parameter".into()));
    stage.stop().await;
}
