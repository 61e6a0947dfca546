//! `docs/api.md`, made from what the server says of itself and from the snapshots of its answers.

#![expect(clippy::indexing_slicing, reason = "a missing field fails the test as well")]

use crate::stage::Stage;
use serde_json::{Map, Value};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const HEAD: &str = "\
# HTTP API

<!-- Made from `GET /api/openapi.json` and the snapshots of answers by crates/sysmond/tests/it/api_page.rs: change it there. -->

What the dashboard, agents and your own programs ask an aggregator. The same for machines is `GET /api/openapi.json` (OpenAPI 3.1).
Requests below go to a server of this machine:

```sh
./scripts/start.sh
```

- Times are Unix seconds, whole or with a fraction. `tags` of a metric is `\"\"`, or `key=value` pairs sorted by key and joined by
  commas, with `\\` before a comma, an equals sign or a backslash inside.
- Errors have the fitting status and `application/problem+json` with a stable `code`; 429, 503 and 507 say in `Retry-After` when to
  come again. Every request may be answered 405 (`Allow` says what the path takes) and 421 (the name in `Host` is none of this
  server's: see `--allowed-host`).
- Fields may be added. Ignore those that you do not know; the server does the same.
- Answers may be compressed where `Accept-Encoding` says so.
- Only `POST /api/metrics` and `GET /api/agent/watch` need the token. Whoever reaches the server may read: keep it in a network that
  you trust, or behind nginx with a login ([operations](operations.md)).
";

/// An operation: method and path, command, what the command needs in its place where it cannot be run, snapshots.
struct Entry {
    method: &'static str,
    path: &'static str,
    examples: &'static [Example],
}

/// A command with the answer of a snapshot; the answer alone where there is no command.
struct Example {
    command: &'static str,
    not_run: Option<&'static str>,
    snapshot: Option<&'static str>,
}

const fn asks(command: &'static str, snapshot: &'static str) -> Example {
    Example { command, not_run: None, snapshot: Some(snapshot) }
}

const fn runs(command: &'static str) -> Example {
    Example { command, not_run: None, snapshot: None }
}

const fn shows(snapshot: &'static str) -> Example {
    Example { command: "", not_run: None, snapshot: Some(snapshot) }
}

const PUSH: &str = "\
curl -sf http://127.0.0.1:9000/api/metrics \\
    -H \"X-SysMon-Token: $(cat ~/.sysmon/token)\" -H 'Content-Type: application/json' \\
    -d '{\"hostname\": \"web-server-01\", \"version\": \"0.5.0\", \"platform\": \"Linux\", \"tags\": {\"role\": \"web-server\"},
         \"metrics\": [{\"timestamp\": '\"$(date +%s)\"', \"metric_type\": \"cpu.total_usage\", \"value\": 34.5, \"tags\": \"\"},
                     {\"timestamp\": '\"$(date +%s)\"', \"metric_type\": \"load.avg_1m\", \"value\": 1.45, \"tags\": \"\"}],
         \"static\": {\"ip_addresses\": [\"192.0.2.10\"], \"os\": \"Debian GNU/Linux 12\", \"kernel\": \"6.1.0\", \"architecture\": \"x86_64\",
                    \"cpu_model\": \"A processor\", \"cpu_cores\": 8, \"memory_total_bytes\": 16000000000,
                    \"boot_time\": 1675000000, \"agent_version\": \"0.5.0\", \"interval_seconds\": 2}}'";

const ENTRIES: &[Entry] = &[
    Entry { method: "post", path: "/api/metrics", examples: &[asks(PUSH, "push_answer")] },
    Entry {
        method: "get",
        path: "/api/hosts",
        examples: &[asks("curl -sf http://127.0.0.1:9000/api/hosts", "hosts")],
    },
    Entry {
        method: "get",
        path: "/api/latest",
        examples: &[
            asks("curl -sf 'http://127.0.0.1:9000/api/latest?host=web-server-01'", "latest"),
            shows("problem"),
        ],
    },
    Entry {
        method: "get",
        path: "/api/fleet/summary",
        examples: &[asks("curl -sf http://127.0.0.1:9000/api/fleet/summary", "fleet_summary")],
    },
    Entry {
        method: "get",
        path: "/api/static",
        examples: &[asks("curl -sf 'http://127.0.0.1:9000/api/static?host=web-server-01'", "static")],
    },
    Entry {
        method: "get",
        path: "/api/history",
        examples: &[
            asks(
                "curl -sf 'http://127.0.0.1:9000/api/history?host=web-server-01&metric=cpu.total_usage&points=300'",
                "history",
            ),
            runs(
                "curl -sf 'http://127.0.0.1:9000/api/history?host=web-server-01&metric=cpu.total_usage&metric=load.avg_1m'",
            ),
        ],
    },
    Entry {
        method: "get",
        path: "/api/processes",
        examples: &[
            asks("curl -sf 'http://127.0.0.1:9000/api/processes?host=web-server-01'", "processes_at"),
            runs(
                "curl -sf \"http://127.0.0.1:9000/api/processes?host=web-server-01&from=$(($(date +%s) - 3600))&top=5\"",
            ),
        ],
    },
    Entry {
        method: "get",
        path: "/api/live",
        examples: &[shows("live_static"), shows("live_sample"), shows("live_fleet")],
    },
    Entry {
        method: "get",
        path: "/api/storage",
        examples: &[asks("curl -sf http://127.0.0.1:9000/api/storage", "storage")],
    },
    Entry { method: "get", path: "/healthz", examples: &[runs("curl -sf http://127.0.0.1:9000/healthz")] },
    Entry { method: "get", path: "/readyz", examples: &[runs("curl -sf http://127.0.0.1:9000/readyz")] },
    Entry { method: "get", path: "/metrics", examples: &[runs("curl -sf http://127.0.0.1:9000/metrics")] },
    Entry {
        method: "get",
        path: "/api/openapi.json",
        examples: &[runs("curl -sf http://127.0.0.1:9000/api/openapi.json > openapi.json")],
    },
    Entry {
        method: "get",
        path: "/api/agent/watch",
        examples: &[Example {
            command: "curl -sf -H \"X-SysMon-Token: $(cat ~/.sysmon/token)\" \\\n    'http://127.0.0.1:9000/api/agent/watch?host=web-server-01&watched=false'",
            not_run: Some("its answer is held back until somebody watches the host"),
            snapshot: None,
        }],
    },
    Entry { method: "get", path: "/", examples: &[] },
];

fn kept(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/snapshots/{name}.json"));
    std::fs::read_to_string(path).expect("the snapshot is there")
}

/// The name behind a reference.
fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// A schema in a word or two, with a link where it has a name.
fn kind(schema: &Value) -> String {
    if let Some(name) = referred(schema) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(choices) = ["oneOf", "anyOf"].iter().find_map(|word| schema[*word].as_array()) {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    };
    let word = |name: &&str| match *name {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("object of {}", kind(&schema["additionalProperties"]))
        }
        other => other.to_owned(),
    };
    names.iter().map(word).collect::<Vec<_>>().join(" or ")
}

/// Text for a cell of a table.
fn cell(text: &Value) -> String {
    text.as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

fn parameters(out: &mut String, operation: &Value) -> std::fmt::Result {
    let Some(parameters) = operation["parameters"].as_array() else { return Ok(()) };
    writeln!(out, "\n| parameter | in | | |\n|---|---|---|---|")?;
    for parameter in parameters {
        let needed = if parameter["required"] == true { ", needed" } else { "" };
        let (name, place) = (cell(&parameter["name"]), cell(&parameter["in"]));
        writeln!(
            out,
            "| `{name}` | {place} | {}{needed} | {} |",
            kind(&parameter["schema"]),
            cell(&parameter["description"])
        )?;
    }
    Ok(())
}

fn answers(out: &mut String, operation: &Value) -> std::fmt::Result {
    let responses = operation["responses"].as_object().expect("answers");
    let body =
        |answer: &Value| answer["content"].as_object().and_then(|content| content.values().next().cloned());
    if let Some(taken) = body(&operation["requestBody"]) {
        writeln!(out, "\nTakes {}.", kind(&taken["schema"]))?;
    }
    let is_plain = |status: &str| !["405", "421"].contains(&status);
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (status, answer) in responses.iter().filter(|(status, _)| is_plain(status)) {
        let said = cell(&answer["description"]);
        let kind = body(answer).map(|body| kind(&body["schema"])).filter(|kind| kind != "string");
        if kind.as_deref().is_none_or(|kind| !kind.contains("Problem")) {
            let words: Vec<String> = kind.into_iter().chain((!said.is_empty()).then_some(said)).collect();
            let words = if words.is_empty() { "text".to_owned() } else { words.join(": ") };
            good.push(format!("{status} {words}"));
        } else {
            bad.push(status.clone());
        }
    }
    writeln!(out, "\nAnswers {}.", good.join("; "))?;
    if !bad.is_empty() {
        writeln!(out, "Errors: {}, each a [Problem](#problem).", bad.join(", "))?;
    }
    Ok(())
}

fn examples(out: &mut String, entry: &Entry) -> std::fmt::Result {
    for Example { command, not_run, snapshot } in entry.examples {
        if let Some(reason) = not_run {
            writeln!(out, "\n<!-- not run: {reason} -->")?;
        }
        if !command.is_empty() {
            writeln!(out, "\n```sh\n{command}\n```")?;
        }
        if let Some(name) = snapshot {
            write!(out, "\nAn answer of the tests:\n\n```json\n{}```\n", kept(name))?;
        }
    }
    Ok(())
}

fn schema(out: &mut String, name: &str, schema: &Value) -> std::fmt::Result {
    writeln!(out, "\n### {name}\n\n{}", cell(&schema["description"]))?;
    let mut parts = vec![schema];
    parts.extend(["allOf", "oneOf"].iter().filter_map(|word| schema[*word].as_array()).flatten());
    let others: Vec<String> =
        parts.iter().filter(|part| referred(part).is_some()).map(|part| kind(part)).collect();
    if !others.is_empty() {
        writeln!(out, "\n{}", others.join(", "))?;
    }
    let fields: Vec<(&Map<String, Value>, &Value)> =
        parts.iter().filter_map(|part| Some((part["properties"].as_object()?, &part["required"]))).collect();
    if fields.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| field | | |\n|---|---|---|")?;
    for (properties, required) in fields {
        for (field, schema) in properties {
            let is_needed = required.as_array().is_some_and(|names| names.iter().any(|name| name == field));
            let optional = if is_needed { "" } else { ", may be absent" };
            writeln!(out, "| `{field}` | {}{optional} | {} |", kind(schema), cell(&schema["description"]))?;
        }
    }
    Ok(())
}

fn page(description: &Value) -> Result<String, std::fmt::Error> {
    let mut out = HEAD.to_owned();
    for entry in ENTRIES {
        let operation = &description["paths"][entry.path][entry.method];
        assert!(operation.is_object(), "{} {} is no operation any more", entry.method, entry.path);
        let (method, path) = (entry.method.to_uppercase(), entry.path);
        writeln!(out, "\n## {method} {path}\n\n{}", cell(&operation["summary"]))?;
        parameters(&mut out, operation)?;
        answers(&mut out, operation)?;
        examples(&mut out, entry)?;
    }
    writeln!(out, "\n## Types\n\nWhat requests and answers are made of.")?;
    for (name, text) in description["components"]["schemas"].as_object().expect("types") {
        schema(&mut out, name, text)?;
    }
    writeln!(out, "\n```sh\n./scripts/stop.sh\n```")?;
    Ok(out.replace("\n\n\n", "\n\n").lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n")
}

#[tokio::test]
async fn the_page_of_the_api_is_current() {
    let stage = Stage::start().await;
    let description = stage.get("/api/openapi.json").await.json();
    stage.stop().await;
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("methods").keys() {
            let is_told = ENTRIES.iter().any(|entry| (entry.path, entry.method) == (path, method));
            assert!(is_told, "{method} {path} is on no page");
        }
    }
    let expected = page(&description).expect("memory takes it");
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md");
    if std::env::vars_os().any(|(key, _)| key == "UPDATE_SNAPSHOTS") {
        std::fs::write(&path, &expected).expect("written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    // Not the texts: they are long, and what changed is seen best once it is written.
    assert!(found == expected, "docs/api.md is stale; UPDATE_SNAPSHOTS=1 writes it anew");
}
