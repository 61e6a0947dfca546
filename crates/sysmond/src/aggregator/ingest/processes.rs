//! Snapshots of processes in a push: each good, cleaned and cut, or refused alone.

use super::body::{BodyError, invalid};
use super::sample::Window;
use super::text;
use serde::Deserialize;
use serde_json::value::RawValue;
use sysmond_model::limits::{
    MAX_PROCESS_COMMAND_BYTES, MAX_PROCESS_NAME_BYTES, MAX_PROCESSES_PER_SNAPSHOT, MAX_SNAPSHOTS_PER_PUSH,
};
use sysmond_model::{ProcessReading, ProcessSnapshot, ProcessUse, Timestamp};

/// The longest time that one snapshot is over, seconds: on the largest machines an agent looks once in some minutes.
const MAX_SECONDS: f64 = 3600.0;

/// What a push says of processes.
#[derive(Debug, Default)]
pub(super) struct Processes {
    pub(super) readings: Vec<ProcessReading>,
    /// Snapshots that were refused.
    pub(super) failed: usize,
}

/// A snapshot as it stands in a push. What a newer agent adds is ignored.
#[derive(Deserialize)]
struct Raw {
    timestamp: f64,
    #[serde(default)]
    seconds: f64,
    #[serde(default)]
    total: u32,
    processes: Vec<ProcessUse>,
}

/// Reads the list.
pub(super) fn parse(raw: Option<&RawValue>, window: Window) -> Result<Processes, BodyError> {
    let mut found = Processes::default();
    let Some(raw) = raw else { return Ok(found) };
    let list: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| invalid("`processes` is not a list"))?;
    if list.len() > MAX_SNAPSHOTS_PER_PUSH {
        let detail = format!("more than {MAX_SNAPSHOTS_PER_PUSH} snapshots of processes; send them in parts");
        return Err(BodyError::TooLarge(detail));
    }
    for snapshot in list {
        match reading(snapshot, window) {
            Some(reading) => found.readings.push(reading),
            None => found.failed += 1,
        }
    }
    Ok(found)
}

fn reading(raw: &RawValue, window: Window) -> Option<ProcessReading> {
    let Raw { timestamp, seconds, total, processes } = serde_json::from_str(raw.get()).ok()?;
    let timestamp = Timestamp::from_seconds_f64(timestamp)?;
    let is_good = (window.oldest..=window.newest).contains(&timestamp)
        && (0.0..=MAX_SECONDS).contains(&seconds)
        && processes.len() <= MAX_PROCESSES_PER_SNAPSHOT;
    let processes = processes.into_iter().map(cleaned).collect();
    is_good.then_some(ProcessReading { timestamp, snapshot: ProcessSnapshot { seconds, total, processes } })
}

/// Programs choose these words: they are cleaned, not refused.
fn cleaned(process: ProcessUse) -> ProcessUse {
    let word = |text: &str, limit| text::cleaned(text, limit);
    let figure = |value: Option<f64>| value.filter(|value| value.is_finite() && *value >= 0.0);
    ProcessUse {
        name: word(&process.name, MAX_PROCESS_NAME_BYTES),
        command: process.command.map(|command| word(&command, MAX_PROCESS_COMMAND_BYTES)),
        cpu_percent: figure(process.cpu_percent).map(|percent| percent.min(100.0)),
        read_bytes: figure(process.read_bytes),
        write_bytes: figure(process.write_bytes),
        ..process
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window =
        Window { oldest: Timestamp::from_seconds(1000), newest: Timestamp::from_seconds(2000) };

    fn read(json: &str) -> Result<Processes, BodyError> {
        parse(Some(&RawValue::from_string(json.to_owned()).expect("JSON")), WINDOW)
    }

    fn check(json: &str, good: usize, failed: usize) -> Vec<ProcessReading> {
        let found = read(json).expect("a list");
        assert_eq!((found.readings.len(), found.failed), (good, failed), "{json}");
        found.readings
    }

    #[test]
    fn each_snapshot_is_judged_alone() {
        check("[]", 0, 0);
        check(
            r#"[{"timestamp":1500,"processes":[]},{"timestamp":1500.5,"seconds":10,"processes":[],"x":1}]"#,
            2,
            0,
        );
        check(
            r#"[{"timestamp":999,"processes":[]},{"timestamp":2001,"processes":[]},{"processes":[]},7]"#,
            0,
            4,
        );
        check(
            r#"[{"timestamp":1500,"seconds":-1,"processes":[]},{"timestamp":1500,"seconds":9e9,"processes":[]}]"#,
            0,
            2,
        );
        check(r#"[{"timestamp":1500,"processes":[{"pid":-1}]},{"timestamp":1500}]"#, 0, 2);
        let many = format!(
            r#"[{{"timestamp":1500,"processes":[{}{{}}]}}]"#,
            "{},".repeat(MAX_PROCESSES_PER_SNAPSHOT)
        );
        check(&many, 0, 1);
    }

    #[test]
    fn words_and_figures_are_cleaned() {
        let process = r#"{"pid":7,"name":"a\u001b[31m\u202e\u0000b","command":"é\n","cpu_percent":300,"read_bytes":-1}"#;
        let readings = check(&format!(r#"[{{"timestamp":1500,"processes":[{process}]}}]"#), 1, 0);
        let found = readings.first().and_then(|reading| reading.snapshot.processes.first()).expect("one");
        assert_eq!((found.name.as_str(), found.command.as_deref()), ("a[31mb", Some("é")));
        assert_eq!((found.cpu_percent, found.read_bytes), (Some(100.0), None));
    }

    #[test]
    fn a_list_is_one_and_has_an_end() {
        assert!(matches!(read("7"), Err(BodyError::Invalid(_))));
        let many = format!("[{}0]", "0,".repeat(MAX_SNAPSHOTS_PER_PUSH));
        assert!(matches!(read(&many), Err(BodyError::TooLarge(_))));
    }
}
