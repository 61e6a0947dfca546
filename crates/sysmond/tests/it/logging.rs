//! The logs of a real program.

use crate::program::{Place, wait_until};
use rustix::process::Signal;
use serde_json::json;

fn lines(place: &Place, name: &str) -> Vec<String> {
    place.read(name).lines().map(str::to_owned).collect()
}

#[test]
fn requests_and_the_rest_are_kept_apart() {
    let place = Place::new();
    let (log, access) = (place.path("log/sysmond.log"), place.path("log/access.log"));
    let program = place.serve(&format!(
        "aggregator --log-file {} --access-log-file {}",
        log.display(),
        access.display()
    ));
    assert_eq!(program.get("/healthz").0, 200);
    assert_eq!(program.get("/no/such/path").0, 404);
    let stderr = program.stop();
    let found = lines(&place, "log/access.log");
    assert_eq!(
        found.iter().filter(|line| line.contains("/healthz") && line.contains("200")).count(),
        1,
        "{found:?}"
    );
    assert_eq!(found.iter().filter(|line| line.contains("/no/such/path") && line.contains("404")).count(), 1);
    assert!(found.iter().all(|line| line.contains("sysmond::access")), "{found:?}");
    let errors = place.read("log/sysmond.log");
    assert!(errors.contains("dashboard on") && !errors.contains("sysmond::access"), "{errors}");
    assert_eq!(stderr, "", "what has a file is not on the console");
}

#[test]
fn requests_are_on_the_console_where_somebody_asks_for_them() {
    let check = |settings: &str, expected: bool| {
        let place = Place::new();
        let file = place.write("sysmon.toml", settings);
        let program = place.serve(&format!("aggregator --config {file}"));
        assert_eq!(program.get("/healthz").0, 200);
        let stderr = program.stop();
        assert_eq!(stderr.contains("/healthz"), expected, "{stderr}");
        assert!(stderr.contains("dashboard on"));
    };
    check("", false);
    check("[log.levels]\n\"sysmond::access\" = \"info\"\n", true);
}

#[test]
fn single_modules_have_levels_of_their_own() {
    let check = |level: &str, expected: bool| {
        let place = Place::new();
        let file =
            place.write("sysmon.toml", &format!("[log.levels]\n\"sysmond::commands\" = \"{level}\"\n"));
        let stderr = place.serve(&format!("--config {file}")).stop();
        assert_eq!(stderr.contains("sysmond::commands"), expected, "{stderr}");
        assert!(stderr.contains("sysmond::process"), "{stderr}");
    };
    check("info", true);
    check("error", false);
}

#[test]
fn json_lines_are_objects() {
    let place = Place::new();
    let stderr = place.serve("--log-format json").stop();
    let objects: Vec<serde_json::Value> =
        stderr.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    assert!(objects.iter().any(|object| object["role"] == "standalone"), "{stderr}");
    assert!(objects.iter().any(|object| object["rows_produced"].is_u64()), "counts are numbers: {stderr}");
    assert!(
        objects.iter().all(|object| object["timestamp"].as_str().is_some_and(|text| text.ends_with('Z')))
    );
}

#[test]
fn a_restart_goes_on_with_the_rotation() {
    let place = Place::new();
    let file = place.write("sysmon.toml", "[log]\nmax_size = \"1KB\"\nkeep = 3\n");
    let log = place.path("sysmond.log");
    let size = |number: usize| {
        let name = if number == 0 { "sysmond.log".to_owned() } else { format!("sysmond.log.{number}") };
        std::fs::metadata(place.path(&name)).map(|metadata| metadata.len()).ok()
    };
    let mut starts = 0;
    while size(3).is_none() {
        place.serve(&format!("aggregator --config {file} --log-file {}", log.display())).stop();
        starts += 1;
        assert!(starts < 50, "it is rotated");
    }
    assert!(starts > 1, "more than one start went into the same files");
    assert!((0..=3).all(|number| size(number).is_some_and(|size| size <= 1000)), "{:?}", [size(0), size(1)]);
    place.serve(&format!("aggregator --config {file} --log-file {}", log.display())).stop();
    assert_eq!(size(4), None);
}

#[test]
fn hangup_opens_the_files_again() {
    let place = Place::new();
    let program = place.serve(&format!("aggregator --log-file {}", place.path("sysmond.log").display()));
    std::fs::rename(place.path("sysmond.log"), place.path("moved.log")).expect("the folder is ours");
    program.signal(Signal::HUP);
    wait_until("the file is there again", || {
        place.read("sysmond.log").contains("opened again").then_some(())
    });
    program.stop();
    assert!(place.read("moved.log").contains("dashboard on"));
    assert!(place.read("sysmond.log").contains("stopping"));
}

#[test]
fn a_full_disk_stops_nothing() {
    let place = Place::new();
    let program = place.serve("aggregator --log-file /dev/full --access-log-file /dev/full");
    for _ in 0..10 {
        assert_eq!(program.get("/healthz").0, 200);
    }
    program.stop();
}

#[test]
fn no_secret_is_ever_logged() {
    let place = Place::new();
    let guess = "a-wrong-token-somebody-tried";
    let log = place.path("all.log").display().to_string();
    let access = place.path("access.log").display().to_string();
    let program = place.serve(&format!(
        "--log-level trace --log-file {log} --access-log-file {access} --push-interval 100ms"
    ));
    let token = place.read("data/token").trim().to_owned();
    let body = json!({"hostname": "h", "version": "1", "platform": "Linux", "tags": {}, "metrics": []});
    assert_eq!(program.push(&token, &body).0, 200);
    assert_eq!(program.push(guess, &body).0, 401);
    assert_eq!(program.get(&format!("/{guess}")).0, 404);
    assert_eq!(program.get(&format!("/api/metrics/{token}?token={guess}")).0, 404);
    assert_eq!(program.get(&format!("/api/hosts?token={guess}")).0, 200);
    wait_until("this host's agent has pushed", || (program.hosts().len() == 2).then_some(()));
    let stderr = program.stop();
    let (all, access) = (place.read("all.log"), place.read("access.log"));
    assert!(all.contains("TRACE") && access.contains("/api/metrics"), "the logs are there");
    for text in [stderr, all, access] {
        assert!(!text.contains(&token) && !text.contains(guess));
    }
}

#[test]
fn hostile_names_begin_no_line() {
    let place = Place::new();
    let log = place.path("all.log").display().to_string();
    let access = place.path("access.log").display().to_string();
    let program =
        place.serve(&format!("aggregator --log-level trace --log-file {log} --access-log-file {access}"));
    let token = place.read("data/token").trim().to_owned();
    let hostile = "x\n2026-01-01T00:00:00.000Z ERROR forged: \u{1b}[2J";
    let body = json!({"hostname": hostile, "version": hostile, "platform": hostile, "tags": {hostile: hostile},
        "metrics": [{"timestamp": 1, "metric_type": hostile, "value": 1, "tags": hostile}]});
    let (status, _) = program.push(&token, &body);
    assert!((400..500).contains(&status), "{status}");
    assert_eq!(program.get("/a%0a2026-01-01T00:00:00.000Z%20ERROR%20forged:%20%1b").0, 404);
    program.stop();
    for text in [place.read("all.log"), place.read("access.log")] {
        assert!(
            !text.lines().any(|line| line.starts_with("2026-01-01T00:00:00.000Z ERROR forged")),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
