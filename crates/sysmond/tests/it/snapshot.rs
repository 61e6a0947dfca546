//! Answers as they were when somebody last looked at them. The dashboard's types are checked against the same files.

use serde_json::{Value, json};
use std::path::PathBuf;

/// The mission's time, which that of every test becomes.
const THEN: i64 = 1_675_728_000;

/// Holds `value` against the file of that name. The time `at` becomes the mission's, what is up to 310 s older as
/// much older, and what came after it, by however long the test took, ten seconds later.
pub(crate) fn check(name: &str, mut value: Value, at: i64) {
    move_times(&mut value, at);
    let text = serde_json::to_string_pretty(&value).expect("JSON") + "\n";
    let file = format!("tests/it/snapshots/{name}.json");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::vars_os().any(|(key, _)| key == "UPDATE_SNAPSHOTS") {
        std::fs::write(&path, &text).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, kept, "{name} is another; UPDATE_SNAPSHOTS=1 accepts it");
}

/// Every figure of the tests is far from any time.
fn move_times(value: &mut Value, at: i64) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|field| move_times(field, at)),
        Value::Array(items) => items.iter_mut().for_each(|item| move_times(item, at)),
        Value::String(text) => {
            // A refused time is named in the reason.
            let tomorrow = (at + 86_400).to_string();
            *text = text.replace(&tomorrow, &(THEN + 86_400).to_string());
        }
        Value::Number(number) => {
            if let Some(moved) = number.as_f64().and_then(|seconds| moved(seconds, at)) {
                *value = json!(moved);
            }
        }
        _ => {}
    }
}

fn moved(seconds: f64, at: i64) -> Option<i64> {
    let offset = seconds - at as f64;
    match offset {
        -2.0..=0.0 => Some(THEN + if offset < -1.0 { -2 } else { 0 }),
        -310.0..-2.0 => Some(THEN - 290),
        0.0..300.0 => Some(THEN + 10),
        _ => None,
    }
}
