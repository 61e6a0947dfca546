//! What systemd hears of a running program, over a real socket, and its units.

use crate::program::{Place, Program, wait_until};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOKEN: &str = "a-token-for-tests-only";

/// A service manager's ear.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn new(place: &Place) -> Self {
        let socket = UnixDatagram::bind(place.path("notify")).expect("a socket");
        socket.set_nonblocking(true).expect("a socket can");
        Self { socket, heard: Vec::new() }
    }

    fn has_heard(&mut self, word: &str) -> bool {
        let mut buffer = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            self.heard.push(text(buffer.get(..length).expect("it was read")));
        }
        self.heard.iter().any(|message| message.contains(word))
    }

    fn wait_for(&mut self, word: &str) {
        wait_until(word, || self.has_heard(word).then_some(()));
    }
}

/// The program as a service: the manager's variables, and neither `HOME` nor a data folder of ours.
fn service(place: &Place, arguments: &str) -> Program {
    std::fs::create_dir_all(place.path("credentials")).expect("the folder is ours");
    place.write("credentials/token", TOKEN);
    Command::new("chmod").args(["400"]).arg(place.path("credentials/token")).status().expect("chmod runs");
    let mut command = place.command(arguments);
    command
        .env_clear()
        .env("NOTIFY_SOCKET", place.path("notify"))
        .env("WATCHDOG_USEC", "300000")
        .env("STATE_DIRECTORY", place.path("state"))
        .env("CREDENTIALS_DIRECTORY", place.path("credentials"));
    place.start(command)
}

#[test]
fn an_aggregator_is_ready_once_it_serves_and_then_tells_how_it_goes() {
    let place = Place::new();
    let mut manager = Manager::new(&place);
    let addr_file = place.path("address");
    let aggregator =
        service(&place, &format!("aggregator --listen 127.0.0.1:0 --addr-file {}", addr_file.display()));
    manager.wait_for("READY=1");
    assert!(addr_file.exists(), "it is ready and serves");
    let aggregator = aggregator.serving(&addr_file);
    let body = serde_json::json!({"hostname": "web", "version": "1", "platform": "Linux", "metrics": []});
    assert_eq!(aggregator.push(TOKEN, &body).0, 200, "the credential is its token");
    manager.wait_for("WATCHDOG=1\nSTATUS=1 of 1 hosts online");
    aggregator.stop();
    manager.wait_for("STOPPING=1");
    assert!(place.path("state/aggregator.db").exists(), "the service's folder is the data folder");
}

#[test]
fn an_older_database_is_brought_forward_with_a_word_for_each_step_and_time_for_it() {
    let place = Place::new();
    let mut manager = Manager::new(&place);
    let addr_file = place.path("address");
    let flags = format!("aggregator --listen 127.0.0.1:0 --addr-file {}", addr_file.display());
    let start = || service(&place, &flags).serving(&addr_file);
    start().stop();
    assert!(!manager.has_heard("EXTEND_TIMEOUT_USEC"), "a new one needs no time: {:?}", manager.heard);
    // The steps behind it change no table.
    let conn = rusqlite::Connection::open(place.path("state/aggregator.db")).expect("there");
    conn.pragma_update(None, "user_version", 6).expect("writable");
    drop(conn);
    let aggregator = start();
    let log = aggregator.stderr();
    assert!(log.contains("bringing the database of an older version forward"), "{log}");
    assert!(log.contains("the database is of this version now"), "{log}");
    manager.wait_for("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=bringing the database from version 6 to ");
    aggregator.stop();
}

#[test]
fn an_agent_is_ready_once_its_first_reading_is_stored() {
    let place = Place::new();
    let mut manager = Manager::new(&place);
    // Nobody listens there: an agent collects all the same.
    let agent = service(&place, "agent --aggregator http://127.0.0.1:9 --hostname web");
    manager.wait_for("READY=1");
    assert!(place.path("state/agent.db").exists());
    manager.wait_for(" samples stored, 0 delivered; the aggregator does not take pushes");
    assert!(!manager.has_heard("STATUS=0 samples stored"), "it was ready before: {:?}", manager.heard);
    agent.stop();
    manager.wait_for("STOPPING=1");
}

fn units() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/systemd");
    let files =
        std::fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("ours").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "service")).collect()
}

/// What `systemd-analyze` says of a unit, where it finds it at most so open, in tenths.
fn closed_box(unit: &Path, most: u8) -> String {
    let mut analyze = Command::new("systemd-analyze");
    let threshold = format!("--threshold={most}");
    let said = analyze.args(["security", "--offline=yes", "--no-pager", &threshold]).arg(unit).output();
    let said = said.expect("systemd is installed");
    let found = text(&said.stdout);
    assert!(said.status.success(), "{}: more than {most} tenths:\n{found}", unit.display());
    found
}

/// A unit of the packages.
fn unit(name: &str) -> PathBuf {
    units().into_iter().find(|path| path.ends_with(name)).expect("it is there")
}

#[test]
fn units_are_closed_boxes() {
    assert_eq!(units().len(), 2, "{:?}", units());
    closed_box(&unit("sysmond-aggregator.service"), 20);
    // Three of these are for a call that it has no capability to set anything by.
    let agents = unit("sysmond-agent.service");
    let found = closed_box(&agents, 23);
    for words in ["@clock is included (e.g. adjtimex is allowed)", "cannot change the system clock"] {
        assert!(found.contains(words), "{words} is not in\n{found}");
    }
    // What is taken away is given back behind that.
    let agents = std::fs::read_to_string(agents).expect("a text");
    let (_, behind) = agents.split_once("SystemCallFilter=~").expect("it takes calls away");
    assert_eq!(directive(behind, "SystemCallFilter"), Some("adjtimex clock_adjtime clock_adjtime64"));
    assert_eq!(directive(&agents, "CapabilityBoundingSet"), Some(""));
}

#[test]
fn units_start_what_the_program_knows() {
    let place = Place::new();
    for unit in units() {
        let text = std::fs::read_to_string(&unit).expect("a text");
        let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/sysmond "));
        let (status, _, stderr) = place.run(&format!("{} --help", line.expect("it starts sysmond")));
        assert_eq!(status, Some(0), "{}: {stderr}", unit.display());
    }
}

/// What would show an agent another machine than the host.
const HIDES: [&str; 8] = [
    "DynamicUser",
    "PrivateTmp",
    "PrivateUsers",
    "ProcSubset",
    "ProtectHome",
    "ProtectProc",
    "ProtectSystem",
    "TemporaryFileSystem",
];

/// The value of a line of a unit.
fn directive<'a>(unit: &'a str, name: &str) -> Option<&'a str> {
    unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[test]
fn an_agents_unit_shows_it_the_host_as_it_is() {
    let unit = std::fs::read_to_string(unit("sysmond-agent.service")).expect("a text");
    for unit in [unit.as_str(), &documented_unit(0)] {
        for name in HIDES {
            assert_eq!(directive(unit, name), None, "{name} in\n{unit}");
        }
    }
}

/// A unit of the page on fleets: the agent's, then the monitor's.
fn documented_unit(place: usize) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fleet.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let block = page.split("```ini\n").nth(place + 1).and_then(|rest| rest.split("```").next());
    block.expect("it has a unit").to_owned()
}

#[test]
fn the_documented_unit_starts_with_what_systemd_gives_it() {
    let unit = documented_unit(0);
    // Not root, with a folder of its own, and with the token that only root may read.
    assert_eq!(directive(&unit, "User"), Some("sysmon-agent"));
    assert_eq!(directive(&unit, "StateDirectory"), Some("sysmon-agent"));
    assert_eq!(directive(&unit, "LoadCredential"), Some("token:/etc/sysmon/token"));
    assert_eq!(directive(&unit, "WantedBy"), Some("multi-user.target"));
    let line = directive(&unit, "ExecStart").and_then(|line| line.strip_prefix("/usr/local/bin/sysmond "));
    let arguments = line.expect("it starts sysmond").replace("http://monitor:9000", "http://127.0.0.1:9");
    starts(&arguments, "state/agent.db");
}

#[test]
fn the_monitors_documented_unit_starts_with_what_systemd_gives_it() {
    let unit = documented_unit(1);
    assert_eq!(directive(&unit, "User"), Some("sysmon"));
    assert_eq!(directive(&unit, "StateDirectory"), Some("sysmon"));
    assert_eq!(directive(&unit, "ExecStart"), Some("/usr/local/bin/sysmond aggregator"));
    starts("aggregator --listen 127.0.0.1:0", "state/aggregator.db");
}

/// As a service it says that it is ready, and has its database by then.
fn starts(arguments: &str, database: &str) {
    let place = Place::new();
    let mut manager = Manager::new(&place);
    let started = service(&place, arguments);
    manager.wait_for("READY=1");
    assert!(place.path(database).exists());
    started.stop();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
