//! `POST /api/metrics` as agents and as attackers use it.

use crate::stage::{Stage, TOKEN, eventually, now, push_body};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;
use sysmond::aggregator::Limits;
use sysmond_model::{Frame, HostInfo, Sample, Series, Timestamp};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

#[tokio::test]
async fn the_documented_push_has_the_documented_answer() {
    let stage = Stage::start().await;
    let at = now();
    let body = json!({
      "hostname": "web-server-01", "version": "0.5.0", "platform": "Linux",
      "tags": {"environment": "production", "datacenter": "us-east-1", "role": "web-server"},
      "metrics": [
        {"timestamp": at, "metric_type": "cpu.total_usage", "value": 34.5, "tags": ""},
        {"timestamp": at, "metric_type": "memory.usage_percent", "value": 67.2, "tags": ""},
      ],
    });
    let answer = stage.push(&body).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    let told = answer.json();
    let server_time = told["timestamp"].as_i64().expect("whole seconds");
    assert!((at..at + 60).contains(&server_time), "{server_time}");
    let expected = json!({
        "status": "success", "hostname": "web-server-01",
        "metrics_received": 2, "metrics_stored": 2, "metrics_failed": 0,
        "static_wanted": true, "timestamp": server_time,
    });
    assert_eq!(told, expected);
    let mut again = stage.push(&body).await.json();
    again["timestamp"] = json!(server_time);
    assert_eq!(again, told, "sent again it is answered as stored");
    let latest = stage.get("/api/latest?host=web-server-01").await.json();
    assert_eq!(latest["count"], 2, "and stored once");
    stage.stop().await;
}

#[tokio::test]
async fn static_data_are_wanted_until_they_came() {
    let stage = Stage::start().await;
    let mut body = push_body("a", &[]);
    assert_eq!(stage.push(&body).await.json()["static_wanted"], true);
    assert_eq!(stage.get("/api/static?host=a").await.problem(), (404, "no_static_data".into()));
    body["static"] =
        json!({"os": "Debian", "cpu_model": "A\u{202e}B", "cpu_cores": 2, "from_the_future": [1]});
    assert_eq!(stage.push(&body).await.json().get("static_wanted"), None);
    let told = stage.get("/api/static?host=a").await.json();
    assert_eq!(
        (&told["hostname"], &told["os"], &told["cpu_cores"]),
        (&"a".into(), &"Debian".into(), &2.into())
    );
    assert_eq!(told["cpu_model"], "AB");
    stage.stop().await;
}

#[tokio::test]
async fn who_pushes_shows_the_token_before_anything_else() {
    let stage = Stage::start().await;
    let body = push_body("a", &[(now(), "m", 1.0)]).to_string();
    let check = async |headers: &[(&str, &str)]| {
        let answer = stage.request("POST", "/api/metrics", headers, body.clone()).await;
        assert_eq!(answer.problem(), (401, "unauthorized".into()), "{headers:?}");
        assert!(!answer.text().contains(TOKEN));
    };
    check(&[("content-type", "application/json")]).await;
    check(&[("content-type", "application/json"), ("x-sysmon-token", "")]).await;
    check(&[("content-type", "application/json"), ("x-sysmon-token", "a-token-for-tests-onlY")]).await;
    check(&[("content-type", "text/plain")]).await;
    check(&[("content-encoding", "br")]).await;
    assert_eq!(stage.get("/api/hosts").await.json()["count"], 0);
    stage.stop().await;
}

#[tokio::test]
async fn a_wrong_token_is_answered_while_the_body_still_comes() {
    let stage = Stage::start().await;
    let mut wire = stage.connect().await;
    wire.say("POST /api/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{").await;
    wire.say(vec![b' '; 500_000]).await;
    let heard = wire.hear().await;
    assert!(heard.starts_with("HTTP/1.1 401 ") && heard.contains("\"unauthorized\""), "{heard}");
    stage.stop().await;
}

#[tokio::test]
async fn bodies_have_the_statuses_of_the_contract() {
    let stage = Stage::start().await;
    let good = push_body("a", &[(now(), "m", 1.0)]).to_string();
    let check = async |headers: &[(&str, &str)], body: Vec<u8>, status: u16, code: &str| {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let answer = stage.push_raw(headers, body).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{headers:?} {shown}");
    };
    for broken in ["", "{", "nonsense", "[1,2", "{\"hostname\":\"a\",\"metrics\":[NaN]}", "\u{feff}{}"] {
        check(&[], broken.into(), 400, "unreadable_body").await;
    }
    check(&[], b"{\"hostname\":\"\xff\",\"metrics\":[]}".to_vec(), 400, "unreadable_body").await;
    for wrong in ["[]", "{}", "null", "{\"hostname\":\"a\"}", "{\"hostname\":\"a\\u0000\",\"metrics\":[]}"] {
        check(&[], wrong.into(), 422, "invalid_push").await;
    }
    check(&[], "[".repeat(100_000).into(), 400, "unreadable_body").await;
    check(&[], vec![b' '; 8 * 1024 * 1024 + 1], 413, "too_large").await;
    check(&[("content-encoding", "br")], good.clone().into(), 415, "unsupported_encoding").await;
    check(&[("content-encoding", "gzip, gzip")], good.clone().into(), 415, "unsupported_encoding").await;
    check(&[("content-encoding", "gzip")], good.clone().into(), 400, "unreadable_body").await;
    check(&[("content-encoding", "zstd")], good.clone().into(), 400, "unreadable_body").await;
    check(&[("content-encoding", "gzip")], gzip(&vec![b' '; 100 << 20]), 413, "too_large").await;
    let cut = gzip(good.as_bytes());
    check(&[("content-encoding", "gzip")], cut[..cut.len() - 9].to_vec(), 400, "unreadable_body").await;
    let answer = stage
        .request("POST", "/api/metrics", &[("content-type", "text/plain"), ("x-sysmon-token", TOKEN)], good)
        .await;
    assert_eq!(answer.problem(), (415, "unsupported_media_type".into()));
    assert_eq!(answer.header("accept-encoding"), "gzip, zstd");
    assert_eq!(stage.get("/api/hosts").await.json()["count"], 0, "none of them registered a host");
    stage.stop().await;
}

#[tokio::test]
async fn a_chunked_body_is_limited_as_well() {
    let stage = Stage::start().await;
    let mut wire = stage.connect().await;
    wire.say(format!(
        "POST /api/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-SysMon-Token: {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ))
    .await;
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    for _ in 0..9 {
        wire.say(&chunk).await;
    }
    let heard = wire.hear().await;
    assert!(heard.starts_with("HTTP/1.1 413 "), "{heard}");
    stage.stop().await;
}

#[tokio::test]
async fn compressed_bodies_are_read() {
    let stage = Stage::start().await;
    let body = push_body("packed", &[(now(), "m", 1.0)]).to_string();
    let answer = stage.push_raw(&[("content-encoding", "gzip")], gzip(body.as_bytes())).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["metrics_stored"]), (200, &1.into()));
    // A zstd frame with one raw block, as RFC 8878 lays it out.
    let length = u8::try_from(body.len()).expect("short");
    let block = (u32::from(length) << 3) | 1;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, length];
    frame.extend_from_slice(&block.to_le_bytes()[..3]);
    frame.extend_from_slice(body.as_bytes());
    let answer = stage.push_raw(&[("content-encoding", "zstd")], frame).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["metrics_stored"]), (200, &1.into()));
    stage.stop().await;
}

#[tokio::test]
async fn a_bad_sample_fails_alone_and_says_why() {
    let stage = Stage::start().await;
    let at = now();
    let sample = |value: &str| format!(r#"{{"timestamp":{at},"metric_type":"m","value":{value},"tags":""}}"#);
    let body = |samples: &[String]| format!(r#"{{"hostname":"a","metrics":[{}]}}"#, samples.join(","));
    let answer =
        stage.push_raw(&[], body(&[sample("1"), sample("1e999"), sample("null"), sample("\"x\"")])).await;
    let told = answer.json();
    assert_eq!((answer.status.as_u16(), &told["status"]), (200, &"partial".into()));
    assert_eq!((&told["metrics_received"], &told["metrics_stored"]), (&4.into(), &1.into()));
    assert_eq!(told["metrics_failed"], 3);
    let errors = told["errors"].as_array().expect("a list");
    let places: Vec<_> = errors.iter().map(|error| (&error["index"], error["code"].as_str())).collect();
    let bad = Some("bad_value");
    assert_eq!(places, [(&1.into(), bad), (&2.into(), bad), (&3.into(), bad)]);
    let answer = stage.push_raw(&[], body(&[sample("null"), sample("[]")])).await;
    let told = answer.json();
    assert_eq!((answer.status.as_u16(), &told["status"]), (422, &"error".into()));
    assert_eq!((&told["metrics_stored"], &told["metrics_failed"]), (&0.into(), &2.into()));
    stage.stop().await;
}

#[tokio::test]
async fn a_new_host_may_bring_an_old_past() {
    let stage = Stage::start().await;
    let past = 1_675_728_000;
    let answer = stage.push(&push_body("a", &[(past, "m", 1.0), (past - 86_400, "m", 2.0)])).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["metrics_stored"]), (200, &2.into()));
    let latest = stage.get("/api/latest?host=a").await.json();
    assert_eq!(latest["metrics"][0]["timestamp"], past);
    stage.stop().await;
}

#[tokio::test]
async fn times_far_ahead_or_long_gone_are_refused() {
    let stage = Stage::start().await;
    let check = async |timestamp: i64, code: &str| {
        let answer = stage.push(&push_body("a", &[(timestamp, "m", 1.0)])).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["code"]), (422, &code.into()));
    };
    check(now() + 3_600, "too_new").await;
    check(now() * 1000, "bad_timestamp").await;
    let hosts = stage.get("/api/hosts").await.json();
    assert_eq!(hosts["count"], 0, "a push that is refused whole makes no host known");
    assert_eq!(stage.push(&push_body("a", &[(now() + 60, "m", 1.0)])).await.status, 200);
    check(now() - 8 * 86_400, "too_old").await;
    let hosts = stage.get("/api/hosts").await.json();
    assert_eq!(hosts["hosts"][0]["status"], "online", "the server's own clock says who is there");
    stage.stop().await;
}

/// A file in which an hour of `a` is kept, and what came before it was removed.
fn cut_file(data: &std::path::Path) {
    let retention = sysmond_tsdb::Retention::of_raw(Duration::from_hours(1));
    let options = sysmond_tsdb::StoreOptions { retention, max_disk_bytes: 1 << 30, queue_limit: 16 };
    let at = Timestamp::from_seconds;
    let store = sysmond_tsdb::Store::open(&data.join("aggregator.db"), options, at(now())).expect("a store");
    for time in [now() - 3 * 3600, now()] {
        let sample = Sample { timestamp: at(time), series: Series::new("m", ""), value: 1.0 };
        let host = HostInfo { hostname: "a".into(), ..HostInfo::default() };
        let frame = Frame::from_samples([sample]);
        let append = sysmond_tsdb::Append {
            host,
            static_info: None,
            received: at(now()),
            frame,
            processes: Vec::new(),
        };
        store.append_wait(append).expect("stored");
    }
    while store.kept_from("a").is_none_or(|kept| kept <= at(now() - 3 * 3600)) {
        store.retain(at(now() + 3600)).expect("looked after");
    }
    store.close();
}

#[tokio::test]
async fn what_was_removed_is_not_said_to_be_stored_again() {
    let data = tempfile::tempdir().expect("a folder");
    cut_file(data.path());
    // This server would keep what is three hours old, if it still had its hour.
    let stage = Stage::start_in(data, Limits::default(), |_| {}).await;
    let answer = stage.push(&push_body("a", &[(now(), "m", 1.0), (now() - 3 * 3600, "m", 2.0)])).await.json();
    assert_eq!((&answer["metrics_stored"], &answer["metrics_failed"]), (&1.into(), &1.into()), "{answer}");
    let error = &answer["errors"][0];
    assert_eq!((&error["code"], &error["index"]), (&"too_old".into(), &1.into()), "{answer}");
    assert_eq!(stage.own_metric("sysmond_samples_failed_total{code=\"too_old\"}").await, 1);
    // Of a host of which nothing was removed it is taken.
    assert_eq!(stage.push(&push_body("b", &[(now() - 3 * 3600, "m", 2.0)])).await.status, 200);
    stage.stop().await;
}

#[tokio::test]
async fn tags_are_stored_in_canonical_form() {
    let stage = Stage::start().await;
    let sample = json!({"timestamp": now(), "metric_type": "m", "value": 1, "tags": "b=2,a=1"});
    stage.push(&json!({"hostname": "a", "metrics": [sample]})).await;
    let latest = stage.get("/api/latest?host=a").await.json();
    assert_eq!(latest["metrics"][0]["tags"], "a=1,b=2");
    stage.stop().await;
}

#[tokio::test]
async fn an_empty_push_is_a_heartbeat() {
    let stage = Stage::start().await;
    let answer = stage.push(&push_body("quiet", &[])).await;
    let told = answer.json();
    assert_eq!((answer.status.as_u16(), &told["status"]), (200, &"success".into()));
    assert_eq!(told["metrics_received"], 0);
    let hosts = stage.get("/api/hosts").await.json();
    assert_eq!(
        (&hosts["hosts"][0]["hostname"], &hosts["hosts"][0]["status"]),
        (&"quiet".into(), &"online".into())
    );
    stage.stop().await;
}

#[tokio::test]
async fn a_host_has_only_so_many_series() {
    let stage = Stage::start().await;
    let at = now();
    let body = |at: i64, from: usize, to: usize| {
        let names: Vec<String> = (from..to).map(|n| format!("m.x{n}")).collect();
        let samples: Vec<_> = names.iter().map(|name| (at, name.as_str(), 1.0)).collect();
        push_body("wild", &samples)
    };
    let check = async |body: &Value, expected: (u16, &str, usize, usize)| {
        let answer = stage.push(body).await;
        let told = answer.json();
        let figures = ["metrics_stored", "metrics_failed"].map(|name| told[name].as_u64().expect("a count"));
        let [stored, failed] = figures.map(|figure| usize::try_from(figure).expect("small"));
        assert_eq!(
            (answer.status.as_u16(), told["status"].as_str(), stored, failed),
            (expected.0, Some(expected.1), expected.2, expected.3)
        );
        told
    };
    check(&body(at, 0, 5000), (200, "success", 5000, 0)).await;
    // The second time it is read by prediction.
    for _ in 0..2 {
        let told = check(&body(at, 4990, 5010), (200, "partial", 10, 10)).await;
        for (place, error) in told["errors"].as_array().expect("a list").iter().enumerate() {
            assert_eq!(error["index"], 10 + place, "the new ones, each with its place");
            assert_eq!(error["metric_type"], format!("m.x{}", 5000 + place));
            assert_eq!(error["code"], "too_many_series");
            assert_eq!(error["detail"], "the host has 5000 series already");
        }
        assert_eq!(told["errors"].as_array().map(Vec::len), Some(10));
    }
    // All of a push.
    check(&body(at, 5000, 5003), (422, "error", 0, 3)).await;
    let failed = "sysmond_samples_failed_total{code=\"too_many_series\"}";
    assert_eq!(stage.own_metric(failed).await, 23);
    assert_eq!(stage.own_metric("sysmond_samples_received_total").await, 5043);
    assert_eq!(stage.own_metric("sysmond_samples_stored_total").await, 5020);
    let outcome = async |word| stage.own_metric(&format!("sysmond_pushes_total{{outcome=\"{word}\"}}")).await;
    assert_eq!((outcome("success").await, outcome("partial").await, outcome("refused").await), (1, 2, 1));
    // What the host had goes on, and so do others.
    check(&body(at + 1, 0, 5000), (200, "success", 5000, 0)).await;
    stage.push_value("tame", "m.x5001", 2.0).await;
    assert_eq!(stage.get("/api/latest?host=tame").await.json()["metrics"][0]["value"], 2.0);
    let latest = stage.get("/api/latest?host=wild").await.json();
    assert_eq!(latest["count"], 5000);
    let names = latest["metrics"].as_array().expect("a list").iter().map(|sample| &sample["metric_type"]);
    assert!(names.into_iter().all(|name| name != "m.x5000"), "nothing of a refused series is shown");
    stage.stop().await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let stage = Stage::start().await;
    stage.push_value("kept", "m", 7.5).await;
    let data = stage.stop().await;
    let stage = Stage::start_in(data, Limits::default(), |_| {}).await;
    let latest = stage.get("/api/latest?host=kept").await.json();
    assert_eq!(latest["metrics"][0]["value"], 7.5);
    assert_eq!(stage.get("/api/hosts").await.json()["hosts"][0]["hostname"], "kept");
    stage.stop().await;
}

#[tokio::test]
async fn pushes_wait_for_room_and_then_are_told_to_come_again() {
    let mut limits = Limits::default();
    limits.api.push_kib = 1;
    limits.api.patience = Duration::from_millis(20);
    let stage = Stage::start_with(limits, |_| {}).await;
    let mut wire = stage.connect().await;
    wire.say(format!(
        "POST /api/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-SysMon-Token: {TOKEN}\r\nContent-Length: 100\r\n\r\n{{"
    ))
    .await;
    let answer = eventually("a full house", async || {
        let answer = stage.push(&push_body("a", &[])).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!((answer.problem(), answer.header("retry-after")), ((503, "busy".into()), "1"));
    drop(wire);
    eventually("room again", async || (stage.push(&push_body("a", &[])).await.status == 200).then_some(()))
        .await;
    stage.stop().await;
}

#[tokio::test]
async fn a_full_queue_says_come_again_and_drops_nothing_in_silence() {
    let stage = Stage::start_with(Limits::default(), |config| config.store.queue_limit = 2).await;
    // Another program holds the database: the store's writer waits for it, and all who come wait for the writer.
    let other = rusqlite::Connection::open(stage.data.path().join("aggregator.db")).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("not locked yet");
    let bodies: Vec<Value> =
        (0..20).map(|n| push_body(&format!("host-{n:02}"), &[(now(), "m", 1.0)])).collect();
    let mut pushes: FuturesUnordered<_> =
        bodies.iter().map(async |body| (body, stage.push(body).await)).collect();
    let (mut stored, mut refused) = (Vec::new(), Vec::new());
    while let Some((body, answer)) = pushes.next().await {
        if answer.status == 200 {
            stored.push(body["hostname"].clone());
            continue;
        }
        assert_eq!((answer.problem(), answer.header("retry-after")), ((503, "busy".into()), "1"));
        refused.push(body);
        if refused.len() == 1 {
            other.execute_batch("ROLLBACK").expect("it was begun");
        }
    }
    drop(pushes);
    let hosts = stage.get("/api/hosts").await.json();
    let known = hosts["hosts"].as_array().expect("a list").iter().map(|host| host["hostname"].clone());
    stored.sort_by_key(Value::to_string);
    assert_eq!(known.collect::<Vec<_>>(), stored, "what was answered as stored, and nothing else");
    assert!(!refused.is_empty() && !stored.is_empty(), "{} and {}", refused.len(), stored.len());
    for body in refused {
        assert_eq!(stage.push(body).await.status, 200);
    }
    stage.stop().await;
}

#[tokio::test]
async fn pushes_are_counted_by_how_they_ended() {
    let stage = Stage::start().await;
    stage.push(&push_body("a", &[(now(), "m", 1.0)])).await;
    stage.push(&push_body("a", &[(now() + 9_999, "m", 1.0)])).await;
    stage.push_raw(&[], "{").await;
    stage.push_raw(&[("content-encoding", "br")], "{}").await;
    stage.request("POST", "/api/metrics", &[], "").await;
    for (outcome, count) in [("success", 1), ("refused", 1), ("bad_body", 2), ("unauthorized", 1)] {
        let series = format!("sysmond_pushes_total{{outcome=\"{outcome}\"}}");
        assert_eq!(stage.own_metric(&series).await, count, "{outcome}");
    }
    assert_eq!(stage.own_metric("sysmond_samples_received_total").await, 2);
    for (code, count) in [("too_new", 1), ("too_old", 0)] {
        let series = format!("sysmond_samples_failed_total{{code=\"{code}\"}}");
        assert_eq!(stage.own_metric(&series).await, count, "{code}");
    }
    assert_eq!(stage.own_metric("sysmond_samples_stored_total").await, 1);
    assert!(stage.own_metric("sysmond_process_resident_memory_bytes").await > 1_000_000);
    stage.stop().await;
}

#[tokio::test]
async fn many_agents_at_once_are_all_answered() {
    let stage = Stage::start().await;
    let at = now();
    let bodies: Vec<Value> =
        (0..200).map(|n| push_body(&format!("host-{n:03}"), &[(at, "m", 1.0)])).collect();
    let answers = futures_util::future::join_all(bodies.iter().map(|body| stage.push(body))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let hosts = stage.get("/api/hosts").await.json();
    assert_eq!((&hosts["count"], &hosts["hosts"][199]["hostname"]), (&200.into(), &"host-199".into()));
    stage.stop().await;
}

#[tokio::test]
async fn what_a_client_pushed_that_went_away_is_stored_and_shown() {
    let stage = Stage::start().await;
    let at = now();
    stage.push(&push_body("a", &[(at - 2, "m", 1.0)])).await;
    let mut watcher = stage.live("/api/live?host=a").await;
    watcher.frame_of("history").await;
    let open = stage.own_metric("sysmond_connections").await;
    // Another program holds the database, so that the push cannot be answered yet.
    let other = rusqlite::Connection::open(stage.data.path().join("aggregator.db")).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("not locked yet");
    let body = push_body("a", &[(at, "m", 2.0)]).to_string();
    let mut wire = stage.connect().await;
    wire.say(format!(
        "POST /api/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-SysMon-Token: {TOKEN}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let received = async || stage.own_metric("sysmond_samples_received_total").await;
    eventually("the push", async || (received().await == 2).then_some(())).await;
    drop(wire);
    eventually("its end", async || (stage.own_metric("sysmond_connections").await == open).then_some(()))
        .await;
    other.execute_batch("ROLLBACK").expect("it was begun");
    let shown = watcher.frame_of("sample").await;
    assert_eq!((&shown["timestamp"], &shown["metrics"]["m"]), (&at.into(), &2.into()));
    let latest = stage.get("/api/latest?host=a").await.json();
    assert_eq!(latest["metrics"][0]["value"], 2.0);
    stage.stop().await;
}
