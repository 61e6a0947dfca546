//! `sysmond forget`: hosts that are no more, of a server that runs and of one that does not.

use crate::program::{Place, finished};
use serde_json::json;

fn hosts(place: &Place) -> String {
    let (status, stdout, stderr) =
        finished(place.command("sql --csv").arg("SELECT hostname FROM hosts ORDER BY 1"));
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    stdout
}

/// Runs it; its exit status and what it says.
fn forget(place: &Place, host: &str) -> (Option<i32>, String) {
    let (status, stdout, stderr) = place.run(&format!("forget {host}"));
    assert_eq!(stdout, "");
    (status, stderr)
}

#[test]
fn a_host_is_forgotten_with_and_without_a_server() {
    let place = Place::new();
    let (status, word) = forget(&place, "a");
    assert!(status == Some(1) && word.contains("--data-dir"), "{word}");

    let program = place.serve("aggregator");
    let token = place.read("data/token").trim().to_owned();
    for name in ["a", "b"] {
        let at = sysmond::clock::now().as_seconds();
        let sample = json!({"timestamp": at, "metric_type": "m", "value": 1, "tags": ""});
        let (status, answer) = program.push(&token, &json!({"hostname": name, "metrics": [sample]}));
        assert_eq!(status, 200, "{answer}");
    }
    let (status, word) = forget(&place, "c");
    assert!(status == Some(1) && word.contains("unknown host `c`") && word.contains("sysmond sql"), "{word}");
    let (status, word) = forget(&place, "a");
    assert!(status == Some(0) && word.contains("a will be forgotten"), "{word}");
    drop(program);

    let (status, word) = forget(&place, "b");
    assert!(status == Some(0) && word.contains("b is forgotten"), "{word}");
    assert_eq!(hosts(&place), "hostname\r\na\r\n");
}
