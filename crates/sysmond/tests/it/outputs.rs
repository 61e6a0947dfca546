//! What `backup` and `export` write to, and what they never write to: the database, what lies beside it, the token.

use crate::program::{Place, Program, finished};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

fn push(place: &Place, program: &Program, host: &str) {
    let token = place.read("data/token").trim().to_owned();
    let sample =
        json!({"timestamp": sysmond::clock::now().as_seconds(), "metric_type": "m", "value": 1, "tags": ""});
    let (status, answer) = program.push(&token, &json!({"hostname": host, "metrics": [sample]}));
    assert_eq!(status, 200, "{answer}");
}

fn hosts(place: &Place) -> String {
    let (status, stdout, stderr) =
        finished(place.command("sql --csv").arg("SELECT group_concat(hostname) AS all_of_them FROM hosts"));
    assert_eq!(status, Some(0), "{stderr}");
    stdout.lines().nth(1).unwrap_or_default().trim_matches('"').to_owned()
}

fn refused(mut command: Command, output: &Path, word: &str) {
    let (status, stdout, stderr) = finished(command.arg("--output").arg(output));
    assert_eq!(status, Some(1), "{}: {stdout}{stderr}", output.display());
    assert!(stderr.contains(word), "{}: {stderr}", output.display());
}

#[test]
fn no_output_takes_the_place_of_a_database_or_the_token() {
    let place = Place::new();
    let program = place.serve("aggregator");
    push(&place, &program, "a");
    let data = place.path("data");
    let token = fs::read(data.join("token")).expect("there");
    symlink(data.join("aggregator.db"), place.path("link.db")).expect("ours");
    symlink(&data, place.path("folder")).expect("ours");
    fs::hard_link(data.join("aggregator.db"), place.path("second-name.db")).expect("ours");
    let outputs = [
        "data/aggregator.db",
        "data/aggregator.db-wal",
        "data/aggregator.db-shm",
        "data/aggregator.db-journal",
        "data/aggregator.db.lock",
        "data/aggregator.db.restoring",
        "data/agent.db",
        "data/agent.db-wal",
        "data/token",
        "data/../data/aggregator.db",
        "folder/aggregator.db",
        "folder/agent.db",
        "link.db",
        "second-name.db",
    ];
    for output in outputs {
        for command in ["backup --force", "export --force", "backup", "export"] {
            refused(place.command(command), &place.path(output), "is sysmon's own");
        }
    }
    let mut relative = place.command("backup --force");
    relative.current_dir(&data);
    refused(relative, Path::new("aggregator.db"), "is sysmon's own");
    // From another folder the name alone says nothing, but SQLite's log beside it does.
    let other = Place::new();
    other.serve("aggregator").stop();
    for command in ["backup --force", "export --force"] {
        refused(other.command(command), &data.join("aggregator.db"), "is a database that is in use");
        refused(other.command(command), &data.join("aggregator.db-wal"), "for a database's own log");
    }

    push(&place, &program, "b");
    program.stop();
    assert_eq!(hosts(&place), "a,b", "what was acknowledged is there");
    assert_eq!(fs::read(data.join("token")).expect("there"), token);
    // A token that lies elsewhere.
    let elsewhere = place.write("secret", "a-token-of-this-test-0123");
    let mut command = place.command("backup --force");
    command.arg("--token-file").arg(&elsewhere);
    let (status, _, stderr) = finished(command.arg("--output").arg(&elsewhere));
    assert!(status != Some(0), "{stderr}");
    assert_eq!(place.read("secret"), "a-token-of-this-test-0123");
}

#[test]
fn a_file_is_replaced_only_when_asked_for() {
    let place = Place::new();
    let program = place.serve("aggregator");
    push(&place, &program, "a");
    program.stop();
    let output = place.path("mine");
    for command in ["backup", "export"] {
        fs::write(&output, "of another program").expect("ours");
        refused(place.command(command), &output, "--force");
        assert_eq!(place.read("mine"), "of another program");
        let (status, _, stderr) = finished(place.command(command).args(["--force", "--output"]).arg(&output));
        assert_eq!(status, Some(0), "{command}: {stderr}");
        assert_ne!(fs::read(&output).expect("there"), b"of another program");
    }
    // Beside the database is room for copies, of any other name.
    let (status, _, stderr) =
        finished(place.command("backup --output").arg(place.path("data/aggregator.db.monday")));
    assert_eq!(status, Some(0), "{stderr}");
    let (status, _, stderr) = place.run("export --force");
    assert_eq!(status, Some(2), "there is nothing to replace: {stderr}");
}
