//! Questions and their answers, byte for byte where the mission draws them.

#![expect(clippy::indexing_slicing, reason = "a missing field fails the test as well")]

use crate::snapshot;
use crate::stage::{Stage, now, push_body};
use serde_json::{Value, json};
use sysmond::aggregator::Limits;

/// Three hosts with the mission's figures, and the time of these.
pub(crate) async fn fleet() -> (Stage, i64) {
    let stage = Stage::start().await;
    let at = now() - 10;
    for (host, cpu, memory) in
        [("web-server-01", 34.5, 4e9), ("db-server-01", 12.25, 3e9), ("app-server-01", 45.625, 2e9)]
    {
        let samples = [
            (at - 2, "cpu.total_usage", 1.0),
            (at, "cpu.total_usage", cpu),
            (at, "memory.usage_percent", 67.2),
            (at, "memory.used_bytes", memory),
            (at, "load.avg_1m", 1.45),
        ];
        let mut body = push_body(host, &samples);
        body["static"] = json!({
            "ip_addresses": ["192.0.2.10", "2001:db8::10"], "os": "Debian GNU/Linux 12 (bookworm)",
            "kernel": "6.1.0-18-amd64", "architecture": "x86_64", "cpu_model": "A processor", "cpu_cores": 8,
            "memory_total_bytes": 16_000_000_000_u64, "boot_time": 1_675_000_000, "agent_version": "0.5.0",
            "interval_seconds": 2.0,
        });
        assert_eq!(stage.push(&body).await.status, 200);
    }
    (stage, at)
}

#[tokio::test]
async fn the_answers_are_those_of_the_documents() {
    let (stage, at) = fleet().await;
    let check = async |name: &str, path: &str| snapshot::check(name, stage.get(path).await.json(), at);
    check("hosts", "/api/hosts").await;
    check("latest", "/api/latest?host=web-server-01").await;
    check("fleet_summary", "/api/fleet/summary").await;
    check("static", "/api/static?host=web-server-01").await;
    snapshot::check("storage", settled(stage.get("/api/storage").await.json()), at);
    check(
        "history",
        &format!("/api/history?host=web-server-01&metric=cpu.total_usage&from={}&to={at}", at - 2),
    )
    .await;
    let several = format!(
        "host=web-server-01&host=db-server-01&metric=cpu.total_usage&metric=load.avg_1m&from={at}&to={at}"
    );
    check("history_several", &format!("/api/history?{several}")).await;
    check("problem", "/api/latest?host=nobody").await;
    let refused = push_body("web-server-01", &[(at, "load.avg_1m", 1.45), (at + 86_400, "load.avg_1m", 1.5)]);
    snapshot::check("push_answer", stage.push(&refused).await.json(), at);
    stage.stop().await;
}

/// An answer about storage without the sizes that depend on how SQLite lays out pages, and the log its rows.
fn settled(mut storage: Value) -> Value {
    for size in ["disk_bytes", "file_bytes", "wal_bytes", "free_bytes", "other_bytes", "history_days"] {
        assert!(storage[size].is_number(), "{size}");
        storage[size] = 1.into();
    }
    for size in ["/bytes_per_sample", "/tiers/log/bytes", "/tiers/log/bytes_per_sample"] {
        let size = storage.pointer_mut(size).expect("there");
        assert!(size.as_f64().expect("a size") > 1.0);
        *size = 1.into();
    }
    storage
}

#[tokio::test]
async fn the_summary_is_of_the_online_hosts() {
    let stage = Stage::start_with(Limits::default(), |config| {
        config.offline_after = std::time::Duration::from_secs(2);
    })
    .await;
    stage.push_value("gone", "cpu.total_usage", 90.0).await;
    let summary = crate::stage::eventually("an offline host", async || {
        let summary = stage.get("/api/fleet/summary").await.json();
        (summary["offline_hosts"] == 1).then_some(summary)
    })
    .await;
    assert_eq!((&summary["total_hosts"], &summary["avg_cpu_usage"]), (&1.into(), &0.0.into()));
    assert_eq!(stage.get("/api/hosts").await.json()["hosts"][0]["status"], "offline");
    stage.push_value("here", "cpu.total_usage", 10.0).await;
    let summary = stage.get("/api/fleet/summary").await.json();
    assert_eq!((&summary["online_hosts"], &summary["avg_cpu_usage"]), (&1.into(), &10.0.into()));
    stage.stop().await;
}

#[tokio::test]
async fn questions_have_the_statuses_of_the_contract() {
    let stage = Stage::start().await;
    stage.push_value("a", "m", 1.0).await;
    let check = async |method: &str, path: &str, status: u16, code: &str| {
        let answer = stage.request(method, path, &[], "").await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{method} {path}");
    };
    check("GET", "/api/latest", 422, "missing_parameter").await;
    check("GET", "/api/latest?host=", 422, "missing_parameter").await;
    check("GET", "/api/latest?host=a&host=b", 422, "repeated_parameter").await;
    check("GET", "/api/latest?host=nobody", 404, "unknown_host").await;
    check("GET", "/api/latest?host=%00", 404, "unknown_host").await;
    check("GET", "/api/static?host=nobody", 404, "unknown_host").await;
    check("GET", "/api/history?host=a", 422, "missing_parameter").await;
    check("GET", "/api/history?host=nobody&metric=m", 404, "unknown_host").await;
    check("GET", "/api/history?host=a&metric=m&from=2&to=1", 422, "bad_range").await;
    check("GET", "/api/history?host=a&metric=m&from=x", 400, "bad_parameter").await;
    check("GET", "/api/history?host=a&metric=m&points=x", 400, "bad_parameter").await;
    check("GET", "/api/live?host=nobody", 404, "unknown_host").await;
    check("GET", "/api/live", 426, "upgrade_required").await;
    check("GET", "/api/agent/watch?host=a&watched=true", 401, "unauthorized").await;
    check("GET", "/api/nothing", 404, "not_found").await;
    check("GET", "/nothing.html", 404, "not_found").await;
    check("GET", "/..%2f..%2fetc%2fpasswd", 404, "not_found").await;
    check("GET", "/api/metrics", 405, "method_not_allowed").await;
    check("POST", "/api/hosts", 405, "method_not_allowed").await;
    check("DELETE", "/api/latest?host=a", 405, "method_not_allowed").await;
    check("POST", "/", 405, "method_not_allowed").await;
    assert_eq!(stage.request("POST", "/api/hosts", &[], "").await.header("allow"), "GET,HEAD");
    assert_eq!(stage.request("GET", "/api/metrics", &[], "").await.header("allow"), "POST");
    stage.stop().await;
}

#[tokio::test]
async fn a_history_may_be_empty_but_never_made_up() {
    let stage = Stage::start().await;
    stage.push_value("a", "cpu.total_usage", 1.0).await;
    let told = stage.get("/api/history?host=a&metric=memory.used_bytes&from=10.5&to=20").await.json();
    let expected = json!({
        "host": "a", "metric": "memory.used_bytes", "tags": "", "unit": "bytes", "resolution_seconds": 0.0,
        "from": 10.5, "to": 20, "points": [],
    });
    assert_eq!(told, expected);
    let told = stage.get("/api/history?host=a&metric=memory.used_bytes&tags=*").await.json();
    assert_eq!(told, json!({"series": []}));
    let check = async |query: &str| {
        let answer = stage.get(&format!("/api/history?host=a&metric={query}")).await;
        assert_eq!(answer.problem(), (404, "unknown_metric".to_owned()), "{query}");
    };
    check("nothing").await;
    check("nothing&tags=*").await;
    check("cpu.total_usage&metric=nothing").await;
    stage.stop().await;
}

#[tokio::test]
async fn all_tag_sets_of_a_metric_are_one_question() {
    let stage = Stage::start().await;
    let sample =
        |tags: &str| json!({"timestamp": now(), "metric_type": "cpu.core_usage", "value": 1, "tags": tags});
    stage.push(&json!({"hostname": "a", "metrics": [sample("core=0"), sample("core=1")]})).await;
    let tags = async |query: &str| {
        let told = stage.get(&format!("/api/history?host=a&metric=cpu.core_usage{query}")).await.json();
        match told.get("series") {
            Some(series) => {
                series.as_array().expect("a list").iter().map(|one| one["tags"].clone()).collect()
            }
            None => vec![told["tags"].clone(), told["points"].as_array().expect("a list").len().into()],
        }
    };
    assert_eq!(tags("&tags=*").await, ["core=0", "core=1"]);
    assert_eq!(tags("&tags=core%3D1").await, [json!("core=1"), json!(1)]);
    assert_eq!(tags("").await, [json!(""), json!(0)]);
    stage.stop().await;
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let stage = Stage::start().await;
    for path in ["/", "/api/hosts", "/api/nothing", "/healthz", "/metrics", "/nothing.js"] {
        let answer = stage.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(policy.contains("require-trusted-types-for 'script'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let caching = if path == "/" { "no-cache" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), caching, "{path}");
    }
    for path in ["/main.js", "/css/base.css"] {
        let answer = stage.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
    }
    let foreign = stage.get_with("/", &[("host", "evil.example")]).await;
    assert_eq!(foreign.header("x-content-type-options"), "nosniff");
    stage.stop().await;
}

#[tokio::test]
async fn only_own_names_are_answered() {
    let stage =
        Stage::start_with(Limits::default(), |config| config.allowed_hosts.push("mon.example".to_owned()))
            .await;
    let ask = async |lines: &str| {
        let mut wire = stage.connect().await;
        wire.say(format!("GET /healthz HTTP/1.1\r\nConnection: close\r\n{lines}\r\n")).await;
        wire.hear().await
    };
    let check = async |lines: &str, status: &str| {
        let heard = ask(lines).await;
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{lines:?}: {heard}");
    };
    for own in [
        "localhost",
        "localhost:9000",
        "127.0.0.1",
        "[::1]:9000",
        "192.0.2.1",
        "mon.example",
        "MON.example:80",
    ] {
        check(&format!("Host: {own}\r\n"), "200").await;
    }
    let own = rustix::system::uname();
    check(&format!("Host: {}\r\n", own.nodename().to_string_lossy()), "200").await;
    for foreign in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "xmon.example"] {
        check(&format!("Host: {foreign}\r\n"), "421").await;
    }
    for wrong in ["", "Host: a\r\nHost: b\r\n", "Host: localhost\r\nHost: localhost\r\n", "Host: \r\n"] {
        check(wrong, "400").await;
    }
    assert!(ask("Host: evil.example\r\n").await.contains("--allowed-host"), "it says what to set");
    let mut wire = stage.connect().await;
    wire.say("GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await;
    assert!(wire.hear().await.starts_with("HTTP/1.1 421 "), "the URI's host counts as well");
    stage.stop().await;
}

#[tokio::test]
async fn the_page_is_served_and_not_sent_twice() {
    let stage = Stage::start().await;
    let page = stage.get("/").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.text().to_lowercase().starts_with("<!doctype html>"));
    let tag = page.header("etag").to_owned();
    let again = stage.get_with("/", &[("if-none-match", &tag)]).await;
    assert_eq!((again.status.as_u16(), again.body.len(), again.header("etag")), (304, 0, tag.as_str()));
    let head = stage.request("HEAD", "/", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    let packed = stage.get_with("/", &[("accept-encoding", "gzip")]).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut unpacked = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed.body[..]), &mut unpacked)
        .expect("gzip");
    assert_eq!(unpacked, page.text());
    stage.stop().await;
}

#[tokio::test]
async fn health_says_whether_to_wait_or_to_restart() {
    let stage = Stage::start().await;
    assert_eq!(stage.get("/healthz").await.json(), json!({"status": "ok"}));
    assert_eq!(stage.get("/readyz").await.json(), json!({"status": "ready"}));
    stage.stop().await;
}

#[tokio::test]
async fn the_address_file_tells_where_to_ask() {
    let stage = Stage::start().await;
    let told = std::fs::read_to_string(stage.data.path().join("addr")).expect("written");
    assert_eq!(told, format!("{}\n", stage.address));
    let data = stage.stop().await;
    assert!(!data.path().join("addr").exists(), "nobody is sent where nobody listens");
}

#[tokio::test]
async fn own_metrics_are_valid_and_hold_no_word_of_a_client() {
    let stage = Stage::start().await;
    stage.push_value("telltale", "tell.tale", 1.0).await;
    stage.get("/telltale?telltale=1").await;
    let answer = stage.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text();
    assert!(!text.contains("tale"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().expect("a name");
        assert!(name.starts_with("sysmond_") && value.parse::<f64>().is_ok(), "{line}");
        assert!(
            text.contains(&format!("# TYPE {name} ")) && text.contains(&format!("# HELP {name} ")),
            "{name}"
        );
        let counter = text.contains(&format!("# TYPE {name} counter"));
        assert_eq!(counter, name.ends_with("_total"), "{name}");
    }
    assert!(text.contains("sysmond_hosts{status=\"online\"} 1"), "{text}");
    stage.stop().await;
}

#[tokio::test]
async fn every_path_says_what_any_may_answer() {
    let stage = Stage::start().await;
    let description = stage.get("/api/openapi.json").await.json();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for operation in methods.as_object().expect("methods").values() {
            for (status, name) in [("405", "MethodNotAllowed"), ("421", "Misdirected")] {
                let answer = &operation["responses"][status]["$ref"];
                assert_eq!(answer, &format!("#/components/responses/{name}"), "{path}");
                let there =
                    &description["components"]["responses"][name]["content"]["application/problem+json"];
                assert!(there.is_object(), "{there}");
            }
        }
    }
    assert_eq!(stage.request("DELETE", "/api/hosts", &[], "").await.problem().0, 405);
    let misdirected = stage.get_with("/api/hosts", &[("host", "elsewhere.example.org")]).await;
    assert_eq!(misdirected.problem().0, 421);
    stage.stop().await;
}

#[tokio::test]
async fn the_description_has_the_fields_of_real_answers() {
    let (stage, at) = fleet().await;
    let description = stage.get("/api/openapi.json").await.json();
    let schemas = &description["components"]["schemas"];
    let fields = |schema: &str| {
        let mut names: Vec<String> = schemas[schema]["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("{schema}"))
            .keys()
            .cloned()
            .collect();
        names.sort();
        names
    };
    let keys = |value: &Value| {
        let mut names: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
        names.sort();
        names
    };
    let check = async |path: &str, pointer: &str, schema: &str| {
        let answer = stage.get(path).await.json();
        assert_eq!(keys(answer.pointer(pointer).expect("there")), fields(schema), "{path}");
    };
    check("/api/hosts", "", "Hosts").await;
    check("/api/hosts", "/hosts/0", "Host").await;
    check("/api/latest?host=db-server-01", "", "Latest").await;
    check("/api/latest?host=db-server-01", "/metrics/0", "LatestSample").await;
    check("/api/fleet/summary", "", "FleetSummary").await;
    check("/api/history?host=db-server-01&metric=load.avg_1m", "", "Series").await;
    check("/api/latest?host=nobody", "", "Problem").await;
    check("/healthz", "", "Health").await;
    check("/api/storage", "", "Storage").await;
    check("/api/storage", "/tiers", "StorageTiers").await;
    check("/api/storage", "/tiers/blocks", "StorageTier").await;
    check("/api/storage", "/quarantine", "StorageQuarantine").await;
    let statics = stage.get("/api/static?host=db-server-01").await.json();
    let mut expected = fields("StaticInfo");
    expected.push("hostname".to_owned());
    expected.sort();
    assert_eq!(keys(&statics), expected);
    let mut refused = push_body("fresh", &[(at, "m", 1.0), (at + 99_999, "m", 1.0)]);
    refused["processes"] = json!([{"timestamp": at, "processes": []}, {}]);
    let refused = stage.push(&refused).await.json();
    assert_eq!(keys(&refused), fields("PushAnswer"));
    assert_eq!(keys(&refused["errors"][0]), fields("SampleError"));
    let frames = [
        ("StaticFrame", include_str!("snapshots/live_static.json"), Some("StaticHost")),
        ("HistoryFrame", include_str!("snapshots/live_history.json"), None),
        ("SampleFrame", include_str!("snapshots/live_sample.json"), None),
        ("FleetFrame", include_str!("snapshots/live_fleet.json"), Some("FleetHost")),
    ];
    for (schema, frame, host) in frames {
        let frame: Value = serde_json::from_str(frame).expect("JSON");
        assert_eq!(keys(&frame), fields(schema));
        assert!(host.is_none_or(|host| keys(&frame["hosts"][0]) == fields(host)), "{schema}");
        let listed = schemas["LiveFrame"]["oneOf"].to_string();
        assert!(listed.contains(&format!("schemas/{schema}\"")), "{listed}");
    }
    stage.stop().await;
}
