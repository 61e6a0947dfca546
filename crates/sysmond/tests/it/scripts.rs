//! The scripts of the mission with a real program, on a data folder and a port of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_mins(1);

/// A data folder whose processes are ended, whatever became of the test.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("data").join(name)
    }

    fn command(&self, script: &str, arguments: &[&str]) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts");
        let mut command = Command::new(scripts.join(script));
        command
            .args(arguments)
            .env("SYSMOND_BIN", env!("CARGO_BIN_EXE_sysmond"))
            .env("SYSMON_DATA_DIR", self.0.path().join("data"))
            .stdin(Stdio::null());
        command
    }

    /// Runs a script to its end: its exit status, and what it wrote to standard output and standard error.
    fn run(&self, script: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.command(script, arguments).output().expect("bash runs");
        let said = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
        (status.code(), said.into_owned())
    }

    fn pid(&self, name: &str) -> u32 {
        let text = fs::read_to_string(self.path("run").join(format!("{name}.pid"))).expect("it was started");
        text.trim().parse().expect("a process id")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.run("stop.sh", &[]);
    }
}

fn is_running(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "{what}: not after {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A script that starts, says where, says so again, and is stopped for good.
fn check_start_and_stop(script: &str, name: &str) {
    let place = Place::new();
    let (status, said) = place.run(script, &["--listen", "127.0.0.1:0"]);
    assert!(status == Some(0) && said.contains("sysmon runs: http://127.0.0.1:"), "{said}");
    assert!(said.contains("stop.sh") && said.contains(&format!("{name}.log")), "{said}");
    let pid = place.pid(name);

    let (status, said) = place.run(script, &["--listen", "127.0.0.1:0"]);
    assert!(status == Some(0) && said.contains("runs already"), "{said}");
    assert_eq!(place.pid(name), pid);

    let (status, said) = place.run("stop.sh", &[]);
    assert_eq!((status, said), (Some(0), format!("stopped: {name} (process {pid})\n")));
    assert!(!is_running(pid));
}

#[test]
fn standalone_starts_and_stops() {
    check_start_and_stop("start.sh", "standalone");
}

#[test]
fn the_aggregator_starts_and_stops() {
    check_start_and_stop("start-aggregator.sh", "aggregator");
}

#[test]
fn what_does_not_start_is_said_with_its_reason() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let (status, said) = place.run("start.sh", &["--listen", &address]);
    assert!(status == Some(1) && said.contains("ended before it answered"), "{said}");
    assert!(said.contains("in use"), "{said}");
    assert!(!place.path("run/standalone.pid").exists());
}

#[test]
fn wrong_usage_is_exit_status_2_with_its_reason() {
    let place = Place::new();
    let check = |arguments: &[&str], word: &str| {
        let (status, said) = place.run("start.sh", arguments);
        assert!(status == Some(2) && said.contains(word), "{arguments:?}: {status:?} {said}");
    };
    check(&["--no-such-flag"], "--no-such-flag");
    check(&["--interval", "soon"], "`soon`");
    let file = place.0.path().join("wrong.toml");
    fs::write(&file, "listen = 1\n").expect("written");
    check(
        &["aggregator", "--config", &file.display().to_string()],
        "did you mean `listen` in `[aggregator]`?",
    );
    let (status, said) = place.run("start.sh", &["--help"]);
    assert!(status == Some(0) && said.contains("Usage: sysmond"), "{said}");
}

#[test]
fn what_the_configuration_file_says_of_logs_and_data_is_used() {
    let place = Place::new();
    let data = place.0.path().join("elsewhere");
    let file = place.0.path().join("sysmon.toml");
    let starts = |text: String| {
        fs::write(&file, text).expect("written");
        let arguments = ["aggregator", "--listen", "127.0.0.1:0", "--config", &file.display().to_string()];
        let mut command = place.command("start.sh", &arguments);
        // The file is asked where no variable says otherwise.
        let Output { status, stdout, .. } =
            command.env_remove("SYSMON_DATA_DIR").env("HOME", place.0.path()).output().expect("bash runs");
        let said = String::from_utf8_lossy(&stdout).into_owned();
        assert!(status.success(), "{said}");
        let mut command = place.command("stop.sh", &[]);
        command.env_remove("SYSMON_DATA_DIR").env("HOME", place.0.path());
        assert!(command.output().expect("bash runs").status.success());
        said
    };
    let said = starts(format!("data_dir = \"{}\"\n", data.display()));
    let log = data.join("log/aggregator.log");
    assert!(said.contains(&log.display().to_string()) && log.exists(), "{said}");
    assert!(data.join("aggregator.db").exists() && data.join("log/aggregator-access.log").exists());
    let other = place.0.path().join("other.log");
    let said = starts(format!("data_dir = \"{}\"\n[log]\nfile = \"{}\"\n", data.display(), other.display()));
    assert!(said.contains(&other.display().to_string()) && other.exists(), "{said}");
}

#[test]
fn a_failed_start_shows_no_lines_of_an_earlier_one() {
    let place = Place::new();
    fs::create_dir_all(place.path("log")).expect("made");
    fs::write(place.path("log/standalone.log"), "a line of last week\n").expect("written");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let (status, said) = place.run("start.sh", &["--listen", &address]);
    assert!(status == Some(1) && said.contains("in use") && !said.contains("last week"), "{said}");
}

#[test]
fn a_process_id_that_is_another_s_now_is_left_alone() {
    let place = Place::new();
    let mut other = Command::new("sleep").arg("60").spawn().expect("sleep runs");
    fs::create_dir_all(place.path("run")).expect("made");
    fs::write(place.path("run/standalone.pid"), other.id().to_string()).expect("written");
    let answer = place.run("stop.sh", &[]);
    let still_there = is_running(other.id());
    other.kill().expect("it runs");
    other.wait().expect("it ended");
    assert_eq!((answer, still_there), ((Some(0), "nothing runs\n".to_owned()), true));
}

#[test]
fn the_demo_has_three_hosts_and_ends_with_all_its_processes() {
    let place = Place::new();
    let log = fs::File::create(place.0.path().join("demo.out")).expect("made");
    let mut command = place.command("demo-distributed.sh", &["--listen", "127.0.0.1:0"]);
    let mut demo = command.stdout(log.try_clone().expect("a file")).stderr(log).spawn().expect("bash runs");
    wait_until("an address", || place.path("run/demo.addr").exists());
    let address = fs::read_to_string(place.path("run/demo.addr")).expect("it is there");
    wait_until("three hosts", || ask(address.trim(), "/api/hosts").contains("\"count\":3"));

    let children = children_of(demo.id());
    assert!(children.len() >= 4, "an aggregator and three agents: {children:?}");
    let (status, said) = place.run("stop.sh", &[]);
    assert!(status == Some(0) && said.starts_with("stopped: demo"), "{said}");
    assert!(demo.wait().expect("it ended").success());
    assert!(!children.into_iter().any(is_running));
}

/// The body of the answer to `GET path`, or nothing where there is none.
fn ask(address: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let mut text = String::new();
    let asked = std::net::TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(DEADLINE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        stream.read_to_string(&mut text)
    });
    if asked.is_err() { String::new() } else { text }
}

fn children_of(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("it runs");
    text.split_whitespace().map(|word| word.parse().expect("a process id")).collect()
}
