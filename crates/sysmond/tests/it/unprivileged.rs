//! An agent needs no privilege: it runs as a user who may only read, and says what others would see beside that.

use crate::program::{Place, wait_until};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

const TOKEN: &str = "a-token-of-this-test-0123";
/// The user and the group of nobody.
pub(crate) const NOBODY: u32 = 65534;
/// What makes a command nobody's.
pub(crate) const AS_NOBODY: [&str; 10] = [
    "setpriv",
    "--reuid",
    "65534",
    "--regid",
    "65534",
    "--clear-groups",
    "--no-new-privs",
    "--bounding-set=-all",
    "--inh-caps=-all",
    "--",
];

/// The agent as nobody, or as whoever runs the tests where that is not root.
fn agent(place: &Place, aggregator: &str) -> Command {
    let folder = place.path("of-nobody");
    std::fs::create_dir(&folder).expect("the folder is ours");
    let sysmond = env!("CARGO_BIN_EXE_sysmond");
    let mut command = if rustix::process::geteuid().is_root() {
        std::fs::set_permissions(place.path(""), PermissionsExt::from_mode(0o755)).expect("it is ours");
        std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root may");
        let mut command = Command::new(AS_NOBODY[0]);
        command.args(&AS_NOBODY[1..]).arg(sysmond);
        command
    } else {
        Command::new(sysmond)
    };
    command.args(["agent", "--interval", "1s", "--push-interval", "1s", "--hostname", "bare"]);
    command.args(["--aggregator", aggregator]).arg("--data-dir").arg(folder.join("data"));
    command.env_clear().env("SYSMON_TOKEN", TOKEN).env("PATH", "/usr/bin:/bin").env("HOME", folder);
    command.stdin(Stdio::null());
    command
}

#[test]
fn an_agent_of_nobody_reads_all_sources_and_says_what_it_may_not_see() {
    let place = Place::new();
    let addr_file = place.path("address");
    let flags = format!("aggregator --listen 127.0.0.1:0 --addr-file {}", addr_file.display());
    let mut command = place.command(&flags);
    command.env("SYSMON_TOKEN", TOKEN);
    let program = place.start(command).serving(&addr_file);
    let other = Place::new();
    let agent = other.start(agent(&other, &format!("http://{}", program.address())));

    let all_read = || {
        let (status, body) = program.get("/api/latest?host=bare");
        let answer: Value = serde_json::from_str(&body).ok().filter(|_| status == 200)?;
        let metrics = answer.get("metrics")?.as_array()?;
        let is = |metric: &Value, name: &str| metric.get("metric_type").is_some_and(|found| found == name);
        let has = |name: &str| metrics.iter().any(|metric| is(metric, name));
        // One that was late on a busy machine is up at its next reading; one that may not read never is.
        let is_up = |metric: &Value| metric.get("value").and_then(Value::as_f64) == Some(1.0);
        let all_up = metrics.iter().filter(|metric| is(metric, "agent.collector_up")).all(is_up);
        let some = has("cpu.total_usage") && has("processes.total") && has("disk.usage_percent");
        (some && has("agent.collector_up") && all_up).then_some(())
    };
    wait_until("nobody's figures have come, and all collectors read", all_read);
    if rustix::process::geteuid().is_root() {
        let reason = wait_until("what it may not see is told", || {
            let told = program.get_json("/api/static?host=bare");
            told.get("unavailable")?.get("processes")?.as_str().map(str::to_owned)
        });
        assert!(reason.contains("/io") && reason.contains("denied"), "{reason}");
    }
    agent.stop();
}
