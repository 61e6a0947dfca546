//! What an agent serves to Prometheus, beside Debian's `node_exporter` on the same machine.

use crate::program::{Place, Program, finished, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use sysmond_model::CATALOGUE;

/// What theirs says of itself and of its runtime.
const OF_ITSELF: [&str; 5] = ["go_", "process_", "promhttp_", "node_exporter_", "node_scrape_collector_"];
/// Names of theirs that it shows with flags alone, or in other versions.
const NOT_BY_DEFAULT: [&str; 9] = [
    "node_netstat_Icmp_",
    "node_netstat_Ip_",
    "node_softirqs_total",
    "node_netstat_Tcp_",
    "node_netstat_TcpExt_",
    "node_processes_",
    "node_tcp_connection_states",
    "node_vmstat_",
    "node_cpu_scaling_frequency_hertz",
];
/// Longest wait until each series agreed once: some move all the time.
const PATIENCE: Duration = Duration::from_mins(2);

/// A program of Debian's that `scripts/test.sh` unpacks where it is not installed.
#[expect(clippy::disallowed_methods, reason = "a test finds its tools where the shell does")]
fn tool(name: &str) -> PathBuf {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench-peers/usr/bin").join(name);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.exists());
    let found = installed.or_else(|| unpacked.exists().then_some(unpacked));
    found.unwrap_or_else(|| panic!("there is no {name}: scripts/test.sh tools unpacks it"))
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").to_string()
}

/// An agent that serves metrics and has nobody to push to.
fn agent(place: &Place, flags: &str) -> Program {
    agent_at(place, &free_address(), flags)
}

fn agent_at(place: &Place, address: &str, flags: &str) -> Program {
    let mut command = place.command(&format!(
        "agent --aggregator http://127.0.0.1:9 --interval 1s --metrics-listen {address} {flags}"
    ));
    command.env("SYSMON_TOKEN", "a-token-of-this-test-0123");
    place.start(command).serving_at(address)
}

/// In one piece, as HTTP/1.0 has it.
fn text(program: &Program) -> String {
    let mut stream = TcpStream::connect(program.address()).expect("it listens");
    let head = format!("GET /metrics HTTP/1.0\r\nHost: {}\r\n\r\n", program.address());
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in UTF-8");
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.contains(" 200 "), "{answer}");
    text.to_owned()
}

/// Debian's, killed with the test.
fn theirs(place: &Place) -> Program {
    let address = free_address();
    let mut command = Command::new(tool("prometheus-node-exporter"));
    command.arg(format!("--web.listen-address={address}")).stdin(Stdio::null());
    place.start(command).serving_at(&address)
}

/// The series of a text.
fn series(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.rsplit_once(' '));
    pairs.map(|(series, value)| (series, value.parse().expect("a number"))).collect()
}

fn name(series: &str) -> &str {
    series.split('{').next().unwrap_or_default()
}

fn names(text: &str) -> BTreeSet<&str> {
    let names = series(text).into_keys().map(name);
    names.filter(|name| !OF_ITSELF.iter().any(|prefix| name.starts_with(prefix))).collect()
}

/// Between what they say before and after, as far as decimals go.
fn agrees(ours: f64, before: f64, after: f64) -> bool {
    let slack = 1e-9 * before.abs().max(after.abs());
    (before.min(after) - slack..=before.max(after) + slack).contains(&ours)
}

#[test]
fn each_series_that_both_have_has_the_same_labels_and_the_same_value() {
    let (here, there) = (Place::new(), Place::new());
    let (agent, node) = (agent(&here, ""), theirs(&there));
    let mut agreed = BTreeSet::new();
    let start = Instant::now();
    loop {
        let (before, ours, after) = (text(&node), text(&agent), text(&node));
        let (known, (before, ours, after)) =
            (names(&before), (series(&before), series(&ours), series(&after)));
        let is_theirs = |series: &&&str| {
            if OF_ITSELF.iter().any(|prefix| series.starts_with(prefix)) {
                return false;
            }
            let is_default = NOT_BY_DEFAULT.iter().all(|prefix| !name(series).starts_with(prefix));
            name(series).starts_with("node_") && (is_default || known.contains(name(series)))
        };
        let mut open = Vec::new();
        for shared in ours.keys().filter(is_theirs) {
            let found = ours.get(shared).zip(before.get(shared)).zip(after.get(shared));
            match found {
                Some(((ours, before), after)) if agrees(*ours, *before, *after) => {
                    agreed.insert((*shared).to_owned());
                }
                found if !agreed.contains(*shared) => open.push(format!("{shared}: {found:?}")),
                _ => {}
            }
        }
        if open.is_empty() {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "ours, theirs before and after:\n{}", open.join("\n"));
    }
    assert!(agreed.len() > 200, "only {} series", agreed.len());
}

/// What is not ours yet. A name that is lost becomes one more, and so does what other hardware shows.
const LACKING: &str = include_str!("snapshots/prometheus_lacking.txt");

#[test]
fn what_theirs_has_and_ours_lacks_is_listed() {
    let (here, there) = (Place::new(), Place::new());
    let (ours, theirs) = (text(&agent(&here, "")), text(&theirs(&there)));
    let (ours, theirs) = (names(&ours), names(&theirs));
    let listed: BTreeSet<_> = LACKING.lines().filter(|line| !line.starts_with('#')).collect();
    let lost: Vec<_> = theirs.difference(&ours).filter(|name| !listed.contains(**name)).collect();
    assert!(lost.is_empty(), "tests/it/snapshots/prometheus_lacking.txt does not have {lost:#?}");
    let won: Vec<_> = listed.intersection(&ours).collect();
    assert!(won.is_empty(), "no longer lacking: {won:#?}");
}

/// What `promtool check metrics` says of a text, line by line.
fn complaints(text: String) -> Vec<String> {
    let mut command = Command::new(tool("promtool"));
    let command = command.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut promtool = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut input = promtool.stdin.take().expect("a pipe");
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let said = promtool.wait_with_output().expect("it ends");
    writing.join().expect("no panic").expect("it reads all");
    let said = [said.stdout, said.stderr].concat();
    String::from_utf8_lossy(&said).lines().map(str::to_owned).collect()
}

/// Its complaints are of names that `node_exporter` chose.
#[test]
fn promtool_reads_it_and_finds_no_fault_with_our_own_names() {
    let place = Place::new();
    let mut said = complaints(text(&agent(&place, "")));
    said.retain(|line| !line.starts_with("node_"));
    assert!(said.is_empty(), "{said:#?}");
    assert!(!complaints("bad{ 1\n".to_owned()).is_empty(), "promtool sees an error");
}

/// What a script wrote, which promtool finds no fault with by itself.
const OF_A_SCRIPT: &str = r#"# HELP backup_age_seconds How old it is.
# TYPE backup_age_seconds gauge
backup_age_seconds{job="db",path="C:\\ \"x\", y=1"} 12.5
backup_age_seconds{job="mail"} 3
# TYPE backup_runs_total counter
backup_runs_total 7
"#;

#[test]
fn a_scripts_own_metrics_are_served_as_written_and_a_bad_file_is_told() {
    let place = Place::new();
    let folder = place.path("own");
    std::fs::create_dir(&folder).expect("ours");
    let flags = format!("--textfile-directory {}", folder.display());
    std::fs::write(folder.join("backup.prom"), OF_A_SCRIPT).expect("ours");
    std::fs::write(folder.join("bad.prom"), "fine 1\nno number\n").expect("ours");
    let agent = agent(&place, &flags);
    let served = wait_until("the script's values", || {
        let text = text(&agent);
        text.contains("backup_runs_total").then_some(text)
    });
    for line in OF_A_SCRIPT.lines() {
        assert!(served.lines().any(|found| found == line), "{line} is not in\n{served}");
    }
    let found = series(&served);
    assert_eq!(found.get("node_textfile_scrape_error"), Some(&1.0));
    assert!(!served.contains("\nfine "), "a bad file gives nothing");
    assert_eq!(found.keys().filter(|series| name(series) == "node_textfile_mtime_seconds").count(), 2);
    let said = complaints(served);
    assert!(said.iter().all(|line| line.starts_with("node_")), "{said:#?}");

    std::fs::remove_file(folder.join("bad.prom")).expect("ours");
    wait_until("all files are well", || {
        (series(&text(&agent)).get("node_textfile_scrape_error") == Some(&0.0)).then_some(())
    });
}

#[test]
fn each_name_of_our_own_is_documented() {
    let place = Place::new();
    let agent = agent(&place, "");
    let documented: BTreeSet<_> = CATALOGUE.iter().map(|metric| metric.exposed_as()).collect();
    let of_the_agent = ["sysmond_build_info", "sysmond_process_", "sysmond_agent_"];
    let mut count = 0;
    wait_until("collectors have read", || text(&agent).contains("sysmond_agent_collector_up").then_some(()));
    for name in names(&text(&agent)).into_iter().filter(|name| name.starts_with("sysmond_")) {
        let is_known =
            documented.contains(name) || of_the_agent.iter().any(|prefix| name.starts_with(prefix));
        assert!(is_known, "{name}");
        count += 1;
    }
    assert!(count > 15, "only {count}");
}

#[test]
fn the_listener_answers_for_its_names_and_for_one_path() {
    let place = Place::new();
    let agent = agent(&place, "--allowed-host monitor.example.org");
    let status = |head: &str, headers: &str| agent.request(head, headers, "").0;
    assert_eq!(status("GET /", ""), 404);
    assert_eq!(status("POST /metrics", ""), 405);
    assert_eq!(status("GET http://evil.example.org/metrics", ""), 421);
    assert_eq!(status("GET http://monitor.example.org/metrics", ""), 200);
    agent.stop();
}

#[test]
fn an_address_that_others_reach_answers_to_any_name() {
    let place = Place::new();
    let port = free_address().rsplit_once(':').expect("a port").1.to_owned();
    let agent = agent_at(&place, &format!("0.0.0.0:{port}"), "");
    let status = |head: &str| agent.request(head, "", "").0;
    assert_eq!(status("GET http://web-1.example.com/metrics"), 200);
    assert_eq!(status("GET http://an-alias/metrics"), 200);
    assert_eq!(agent.request("GET /metrics", "Host: web-1.example.com\r\n", "").0, 400, "two names");
    agent.stop();
}

#[test]
fn a_port_that_is_taken_is_told() {
    let place = Place::new();
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = other.local_addr().expect("it is bound").port();
    let flags = format!("agent --aggregator http://127.0.0.1:9 --metrics-listen 127.0.0.1:{port}");
    let (status, _, stderr) =
        finished(place.command(&flags).env("SYSMON_TOKEN", "a-token-of-this-test-0123"));
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("--metrics-listen"), "{stderr}");
}
